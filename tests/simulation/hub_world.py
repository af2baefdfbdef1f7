"""A world with a hub between some gates and the centre: what breaks there, and who answers.

A mix of its own, by a draw of its own: seeds of the usual world stay what they were.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from random import Random
from types import SimpleNamespace
from typing import Any
from unittest import mock

from sync_server.heart import arbiter
from sync_server.heart.arbiters import AskBack, GiveToHub
from sync_server.hub import joining, stock, taking_in, upstream
from sync_server.services import catalogue, enrolment
from sync_server.services.enrolment import Applicant, begin_anew
from sync_server.store.writer import Transaction
from tests.simulation.faults import SWEEP_S
from tests.simulation.house import (
    EVENT,
    SERVER_PRIVATE,
    VENUE,
    Enrolled,
    Shape,
    SimConnection,
    fake_public,
    hub_of,
)
from tests.simulation.hub_oracle import HubOracle
from tests.simulation.hubs import HUB, Hub
from tests.simulation.mix import EDGE_POINTS, SERVER_POINTS, Mix
from tests.simulation.network import SERVER, Link
from tests.simulation.server import SimServer, who_acts
from tests.simulation.world import World

HUBS_MAX = 3
RELAY_PERIOD_S = 1.0


@dataclass(slots=True)
class HubMix(Mix):
    """Also: how often the hub is cut off, lost and replaced, and who answers changes."""

    hub_part_rate: float = 0.0
    hub_part_s: float = 20.0
    hub_lost_rate: float = 0.0
    hub_lives_on: float = 0.0
    """The share of lost hubs that were only believed to be lost."""
    hand_rate: float = 0.0
    give_up_share: float = 0.0
    page_rows: int = 1_000


def hub_mix_of(seed: int) -> HubMix:
    """The mix of a seed with a hub."""
    rng = Random(f"hub mix {seed}")

    def sometimes(share: float, low: float, high: float) -> float:
        return rng.uniform(low, high) if rng.random() < share else 0.0

    crash = {
        f"{who}:{point}": sometimes(0.2, 0.003, 0.03)
        for who, points in (
            ("node", EDGE_POINTS),
            ("server", SERVER_POINTS),
            ("hub", SERVER_POINTS),
        )
        for point in points
    }
    failing_over = rng.random() < 0.15
    return HubMix(
        shape=Shape(
            seats=rng.randrange(6, 13),
            standing=rng.choice((2, 4)),
            tills=(tills := rng.choice((1, 2, 3))),
            gates=3,
            entries=2 if seed % 4 == 0 else 1,
            hub_gates=2,
            hub_tills=rng.choice((0, 1, min(2, tills))),
        ),
        runs_s=rng.choice((50.0, 80.0)),
        drop=sometimes(0.4, 0.0, 0.2),
        duplicate=sometimes(0.4, 0.0, 0.3),
        latency_s=rng.choice((0.005, 0.03, 0.1)),
        straggle=sometimes(0.3, 0.0, 0.1),
        partition_rate=sometimes(0.5, 0.01, 0.05),
        partition_s=rng.choice((3.0, 10.0, 30.0)),
        service_s=rng.choice((0.001, 0.01)),
        crash=crash,
        kill_rate=sometimes(0.4, 0.002, 0.02),
        restart_mean_s=rng.choice((1.0, 4.0)),
        server_images=rng.choice((2, 5, 30)) if failing_over else 0,
        failover_rate=rng.uniform(0.005, 0.015) if failing_over else 0.0,
        mirror_images=rng.choice((0, 0, 4)),
        sale_s=rng.choice((2.0, 4.0)),
        ask_s=4.0,
        release_s=100.0,
        scan_s=rng.choice((1.0, 2.5)),
        copied_tickets=rng.choice((0.1, 0.5)),
        return_s=rng.choice((0.0, 0.0, 15.0)),
        clocks_off=rng.choice((0.0, 0.0, 0.5)),
        hub_part_rate=sometimes(0.7, 0.02, 0.1),
        hub_part_s=rng.choice((3.0, 10.0, 30.0)),
        hub_lost_rate=sometimes(0.4, 0.01, 0.03),
        hub_lives_on=rng.choice((0.0, 0.5)),
        hand_rate=rng.choice((0.03, 0.1, 0.2)),
        give_up_share=rng.choice((0.0, 0.0, 0.3)),
        page_rows=rng.choice((3, 20, 1_000)),
    )


class HubWorld(World):
    """The house with its hub. Nodes below it keep the address that they know a hub by."""

    mix: HubMix
    oracle: HubOracle

    def __init__(self, seed: object, mix: HubMix, *, telling: bool = False) -> None:
        super().__init__(seed, mix, telling=telling)
        self.oracle = HubOracle(self)
        (enrolled,) = hub_of(mix.shape)
        self.hubs = [Hub(self, HUB, enrolled)]
        below = [till.name for till in self.tills[: mix.shape.hub_tills]]
        below += [gate.name for gate in self.gates[: mix.shape.hub_gates]]
        self._calls = dict.fromkeys(below, self.hubs[0])

    @property
    def hub(self) -> Hub:
        """The machine that the centre knows as its hub."""
        return self.hubs[-1]

    def server_of(self, name: str) -> SimServer:
        """Gates below the hub call the machine that answers at its address."""
        return self._calls.get(name, self.server)

    def is_below(self, name: str) -> bool:
        """Whether a node calls the hub."""
        return name in self._calls

    def role_of(self, who: str) -> str:
        """A hub dies at points of its own."""
        return "hub" if any(who == hub.name for hub in self.hubs) else super().role_of(who)

    def reign(self, op_id: str, generation: str) -> str:
        """As long as one arbiter hands over to the next."""
        return self.oracle.reign_of(op_id, generation)

    # --- the life

    def begin(self) -> None:
        """The hub begins too, and has its share of trouble."""
        super().begin()
        first = self.hubs[0]
        self.works.after(self.rng.uniform(0, 3), first.restart)
        self.breakage._again(SWEEP_S, self._note_heard)
        self.every(self.mix.hub_part_rate, self._cut_the_cable)
        self.every(self.mix.hub_lost_rate, self._lose_the_hub)
        self.every(self.mix.hand_rate, self.change_arbiter)

    def come_to_rest(self) -> None:
        """A lost hub is replaced at last, and every gate below calls the machine that is there."""
        self.faults = False
        if self.hub.is_gone:
            self.replace_hub()
        for name in self._calls:
            self.move(name)
        self.network.heal()
        self.hub.restart()
        super().come_to_rest()

    def close(self) -> None:
        """End every hub too."""
        self.works.end_all([hub.process for hub in self.hubs])
        super().close()
        for hub in self.hubs:
            hub.disk.connection.close()

    def _note_heard(self) -> None:
        for hub in self.hubs:
            hub.note_heard()

    # --- what goes wrong

    def _part(self) -> None:
        name = self.rng.choice(list(self.actors))
        self._cut(name, self.server_of(name).name, self.mix.partition_s)

    def _cut_the_cable(self) -> None:
        self._cut(self.hub.name, SERVER, self.mix.hub_part_s)
        self.happened("hub_cut_off")

    def _cut(self, one: str, other: str, mean_s: float) -> None:
        ways: list[tuple[Link, ...]] = [((one, other), (other, one)), ((one, other),)]
        chosen = self.rng.choice([*ways, ((other, one),)])
        seconds = self.rng.expovariate(1 / mean_s)
        self.say(one, lambda: f"is cut off ({len(chosen)} ways) for {seconds:.0f} s")
        self.network.part(chosen, seconds)

    def _kill_somebody(self) -> None:
        name = self.rng.choice([SERVER, HUB, *self.actors])
        if name == HUB:
            self.hub.crash()
        elif name == SERVER:
            self.server.crash()
        else:
            self.crash_node(name)

    def _lose_the_hub(self) -> None:
        if len(self.hubs) < HUBS_MAX and not self.hub.is_gone:
            self.lose_hub(lives_on=self.rng.random() < self.mix.hub_lives_on)
            self.works.after(self.rng.uniform(1, 20), self._replace_unless_done)

    def _replace_unless_done(self) -> None:
        if self.hub.is_gone and self.faults:
            self.replace_hub()

    def lose_hub(self, *, lives_on: bool = False) -> None:
        """It burns down; or people believe so."""
        hub = self.hub
        hub.is_gone = True
        self.say(hub.name, lambda: "is given up for lost")
        if not lives_on:
            hub.crash()

    def replace_hub(self) -> None:
        """Another machine takes its place, by a code for the node."""
        old = self.hub
        private = self.rng.randbytes(32)
        applicant = Applicant(fake_public(private), f"machine {len(self.hubs)}", "0.1.0")
        raw: Any = self.server.disk.connection
        raw.execute("BEGIN IMMEDIATE")
        tx = Transaction(SimConnection(raw), self.server.now_ms())  # type: ignore[arg-type]
        made = begin_anew(tx, VENUE, SERVER_PRIVATE, old.enrolled.node_id, applicant)
        assert isinstance(made, enrolment.Enrolled), made
        raw.execute("COMMIT")
        self.server.disk.forget_images()
        enrolled = Enrolled(old.enrolled.node_id, old.enrolled.role, HUB, private)
        self.hubs.append(Hub(self, f"{HUB}{len(self.hubs) + 1}", enrolled))
        self.server.committed()
        self.oracle.hub_replaced()
        for centre in self.server.centres:
            centre.nodes.outdate()
            centre.news.publish({VENUE})
        self.happened("hub_replaced")
        if not old.process.dead:
            self.happened("hub_replaced_alive")
        self.hub.start()
        for name in self._calls:
            self.works.after(self.rng.uniform(0, 20), lambda name=name: self.move(name))  # type: ignore[misc]

    def move(self, name: str) -> None:
        """From now on a gate's calls reach the machine that is the hub."""
        self._calls[name] = self.hub

    # --- who answers

    def change_arbiter(self) -> None:
        """A manager gives the answering to the hub, or asks it back; or two give the hub up."""
        now = self.oracle.arbiter_at(self.server.disk.connection)
        if not now.hub:
            self.server.admin(GiveToHub(EVENT, self.hub.enrolled.node_id))
        elif self.rng.random() < self.mix.give_up_share:
            self.give_up()
        elif not now.asked_back:
            self.server.admin(AskBack(EVENT))

    def give_up(self) -> None:
        """Two people decide not to wait for the hub."""
        self.server.admin(AskBack(EVENT, "m1, m2: it does not answer"))

    # --- what stands in the place of chance, and watches

    def replaced(self) -> AbstractContextManager[object]:
        """Chance, clocks and sizes of a hub; and an ear at every arbiter."""
        return self._replaced()

    @contextmanager
    def _replaced(self) -> Iterator[None]:
        chance = SimpleNamespace(token_hex=lambda count: self.rng.randbytes(count).hex())
        no_shelf = SimpleNamespace(get=lambda *_: None, put=lambda *_: None)
        time = SimpleNamespace(monotonic=lambda: self.works.now)
        with ExitStack() as stack:
            for module, names in (
                (upstream, {"time": time, "ROWS_PER_PULL": self.mix.page_rows}),
                (upstream, {"RELAY_PERIOD_S": RELAY_PERIOD_S, "GREET_PERIOD_S": 10.0}),
                (stock, {"PIECE_UNITS": 2, "UNITS_PER_TILL": 3}),
                (taking_in, {"secrets": chance}),
                (enrolment, {"secrets": chance}),
                (joining, {"new_generation": self.breakage.mint}),
                (catalogue, {"_plans": no_shelf}),
            ):
                for name, value in names.items():
                    stack.enter_context(mock.patch.object(module, name, value))
            stack.enter_context(
                mock.patch.object(arbiter.Admit, "apply", self._heard(arbiter.Admit.apply))
            )
            yield

    def _heard(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def apply(admit: Any, work: Any) -> Any:
            answer = real(admit, work)
            if isinstance(answer, arbiter.Accepted):
                self.oracle.answered(answer.op_id, who_acts(self), work)
            return answer

        return apply

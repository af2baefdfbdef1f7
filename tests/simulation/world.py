"""The world: one seed drives clocks, network, crashes, disks and people."""

from __future__ import annotations

import functools
import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from tests.simulation.faults import Faults
from tests.simulation.fibers import Clockwork, Process
from tests.simulation.gates import Gate
from tests.simulation.house import nodes_of, server_image
from tests.simulation.mix import Mix
from tests.simulation.network import SERVER, Network
from tests.simulation.nodes import Machine
from tests.simulation.oracle import Oracle
from tests.simulation.server import SimServer, read_generation
from tests.simulation.tills import Till

QUIET_S = 100.0
"""How long after the last fault everything must have come to rest."""


class World:
    """One run. `telling`: keep a story of who did what."""

    def __init__(self, seed: object, mix: Mix, *, telling: bool = False) -> None:
        self.mix = mix
        self.works = Clockwork(seed)
        self.rng = self.works.rng
        self.network = Network(self.works, mix)
        self.counts: Counter[str] = Counter()
        self.story: list[str] = []
        self.telling = telling
        self.demand = True
        self.faults = True
        self.starting: Process | None = None
        self.written_off: dict[str, float] = {}
        self.oracle = Oracle(self)
        self.breakage = Faults(self)
        self.server = SimServer(self, server_image(mix.shape))
        nodes = nodes_of(mix.shape)
        self.tills = [Till(self, one) for one in nodes if one.role == "till"]
        self.gates = [Gate(self, one) for one in nodes if one.role == "gate"]
        everybody: list[Till | Gate] = [*self.tills, *self.gates]
        self.actors = {actor.name: actor for actor in everybody}

    # --- telling

    def say(self, who: str, what: Callable[[], str]) -> None:
        """A line of the story."""
        if self.telling:
            self.story.append(f"{self.works.now:9.3f}  {who:<8} {what()}")

    def happened(self, what: str) -> None:
        """Something rare that must happen in some seed."""
        self.counts[what] += 1

    # --- faults

    def crashes(self, who: str, point: str) -> bool:
        """Whether this program dies at this point, now."""
        if not self.faults:
            return False
        role = self.role_of(who)
        chance = self.mix.crash.get(f"{role}:{point}", 0.0)
        if not chance or self.rng.random() >= chance:
            return False
        self.happened(f"crash_{role}_{point}")
        self.say(who, lambda: f"crashes at {point}")
        return True

    def role_of(self, who: str) -> str:
        """What kind of program this is: each kind has points of its own to die at."""
        return "server" if who == SERVER else "node"

    def disk_fails(self, name: str) -> bool:  # noqa: ARG002
        """Whether a write fails just now."""
        return self.faults and self.mix.weak_disk > 0 and self.rng.random() < self.mix.weak_disk

    def crash_node(self, name: str, point: str = "") -> None:
        """A node's program, or the whole machine, dies and comes back."""
        actor = self.actors[name]
        if actor.process.dead:
            return
        self.say(name, lambda: f"is killed {point}")
        self.works.kill(actor.process)
        actor.machine.journal.reopen()
        self.oracle.hand_outs.died(actor.machine)
        actor.machine.journal.committed()
        self.oracle.edge_committed(actor.machine)
        actor.machine.mirror.reopen()
        if self.rng.random() < self.mix.reboot_share:
            actor.machine.reboot()
            if self.mix.mirror_images and actor.machine.mirror.go_back(self.rng.randrange(1, 4)):
                self.happened("mirror_lost_commits")
        self.works.after(self.mix.restart_s(self.rng), lambda: self.restart_node(actor))

    def restart_node(self, actor: Till | Gate) -> None:
        """Up again, unless it is, or nobody will ever see it again."""
        if actor.process.dead and not self.oracle.node_is_lost(actor.machine):
            actor.start()

    def every(self, rate: float, what: Callable[[], object]) -> None:
        """Something that happens at random while there are faults."""
        if not rate:
            return

        def again() -> None:
            if self.faults:
                what()
                self.works.after(self.rng.expovariate(rate), again)

        self.works.after(self.rng.expovariate(rate), again)

    def _part(self) -> None:
        name = self.rng.choice(list(self.actors))
        links = [((name, SERVER), (SERVER, name)), ((name, SERVER),), ((SERVER, name),)]
        chosen = self.rng.choice(links)
        seconds = self.rng.expovariate(1 / self.mix.partition_s)
        self.say(name, lambda: f"is cut off ({len(chosen)} ways) for {seconds:.0f} s")
        self.happened("partition_two_way" if len(chosen) == 2 else "partition_one_way")
        self.network.part(chosen, seconds)

    def _kill_somebody(self) -> None:
        name = self.rng.choice([SERVER, *self.actors])
        if name == SERVER:
            self.server.crash()
        else:
            self.crash_node(name)

    # --- calls

    def server_of(self, _name: str) -> SimServer:
        """Which server a machine calls."""
        return self.server

    def reign(self, _op_id: str, generation: str) -> str:
        """Among whose answers a ticket is let in once: those of one history of the server."""
        return generation

    def replaced(self) -> AbstractContextManager[object]:
        """What else stands in the place of the programs' own."""
        return nullcontext()

    def call(
        self, machine: Machine, process: Process, call: dict[str, Any], timeout_s: float
    ) -> bytes | None:
        """A request to its server, from a fiber; None when no answer came in time."""
        raw = json.dumps(call, separators=(",", ":")).encode()
        name, network, caller = machine.name, self.network, machine.enrolled
        server = self.server_of(name)
        came: list[bytes] = []
        wakes: list[Callable[[], None]] = []

        def back(answer: bytes) -> None:
            came.append(answer)
            for wake in wakes:
                wake()

        def arrived() -> None:
            if not process.dead:  # with a program dies its connection, and what is in it
                server.handle(
                    caller,
                    raw,
                    lambda answer: network.send(server.name, name, lambda: back(answer)),
                )

        def register(wake: Callable[[], None]) -> None:
            wakes.append(wake)
            self.works.after(timeout_s, wake)

        network.send(name, server.name, arrived)
        self.works.wait(process, register)
        return came[0] if came else None

    @contextmanager
    def starting_process(self, process: Process) -> Iterator[None]:
        """Threads that are started meanwhile belong to this process."""
        before, self.starting = self.starting, process
        try:
            yield
        finally:
            self.starting = before

    # --- the run

    def run(self) -> None:
        """The whole life of this house. Raises Violation."""
        self.begin()
        self.works.run(self.mix.runs_s)
        self.come_to_rest()
        self.oracle.check_at_rest()

    def begin(self) -> None:
        """Start every program, and have things go wrong."""
        self.server.start()
        for actor in self.actors.values():
            self.works.after(self.rng.uniform(0, 3), actor.start)
        self.every(self.mix.partition_rate, self._part)
        self.every(self.mix.kill_rate, self._kill_somebody)
        self.breakage.begin()

    def come_to_rest(self) -> None:
        """Everything is mended, nobody buys any more; then time passes."""
        self.faults = False
        self.demand = False
        self.network.heal()
        self.server.end_older()
        self.server.restart()
        for actor in self.actors.values():
            self.restart_node(actor)
        self.say("world", lambda: "all is mended, and nobody comes any more")
        for actor in self.actors.values():
            if isinstance(actor, Till):
                self.works.after(QUIET_S / 2, functools.partial(self._nobody_pays, actor))
        self.works.run(self.works.now + QUIET_S)

    def _nobody_pays(self, till: Till) -> None:
        """Whoever had something put into a basket does not come back: its time is over."""
        if not till.process.dead:
            self.works.spawn(till.process, till.empty_basket)

    def close(self) -> None:
        """End every program, so that nothing of this world runs on when it is forgotten."""
        self.works.end_all([actor.process for actor in self.actors.values()])
        for actor in self.actors.values():
            actor.machine.journal.connection.close()
            actor.machine.mirror.connection.close()
        self.server.disk.connection.close()

    def generation(self) -> str:
        """The history that the server lives in."""
        return read_generation(self.server.disk.connection).short

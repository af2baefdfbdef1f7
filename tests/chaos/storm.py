"""One run: a house under load, faults in an order that the seed says, then the books.

The plan is drawn before anything begins, so a seed always gives the same faults in the same order;
what they hit is up to the machine.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection, text

from sync_server.store.database import open_engine, read_only
from tests.chaos.books import NodeFiles, check_books, check_told, count_all, read_told
from tests.chaos.disks import ballast, limited
from tests.chaos.house import EVENTS, Centre, Edge, House
from tests.chaos.torn import copy_files, tear
from tests.chaos.wires import Mode
from tests.demo.programs import DemoFailed, wait_until
from tests.fakes.postgres import Cluster, private_cluster

FULL_S = 1.5
CALM_S = (0.1, 0.7)
AT_REST = "at-rest"
"""Where a run on SQLite leaves the database."""
TAKEOVER_WAIT_S = 30.0


class ChaosFound(AssertionError):
    """The books are wrong; the message says how, and how to run it again."""


@dataclass(frozen=True, slots=True)
class Mix:
    """How many of each: kills by what is killed, and the other faults."""

    server: int
    till: int
    gate: int
    wires: int
    torn: int = 0  # each kills the server too, and every node
    full_disk: int = 0
    database: int = 0  # restarts and dropped connections
    takeovers: int = 0  # an owner killed and left for dead until it was followed
    freezes: int = 0  # and owners without their database, in turn

    @property
    def kills(self) -> int:
        """Processes killed, those of a power cut counted once."""
        return self.server + self.till + self.gate + self.torn + self.takeovers


def mix_of(kills: int, *, on_postgres: bool) -> Mix:
    """What a run of so many kills is made of; the quick run is the one of 12 and of 8."""
    tills, gates = kills // 3, max(1, kills // 10)
    special = max(1, kills // 10)
    server = kills - tills - gates - special
    if on_postgres:
        freezes = kills // 10
        return Mix(server, tills, gates, kills // 3, 0, 0, special + 1, special, freezes)
    return Mix(server, tills, gates, kills // 3, special, special)


@dataclass(slots=True)
class Outcome:
    """What a run was."""

    seed: int
    database: str
    kills: int = 0
    seconds: float = 0.0
    takeover_s_max: float = 0.0
    counts: dict[str, int] = field(default_factory=dict)
    faults: Counter[str] = field(default_factory=Counter)
    nodes: tuple[NodeFiles, ...] = ()


class Storm:
    """Does the faults of a mix to a house."""

    def __init__(
        self, house: House, mix: Mix, say: Callable[[str], None], outcome: Outcome
    ) -> None:
        self._house, self._say, self.outcome = house, say, outcome
        self._rng = random.Random(house.seed)
        self._plan = self._draw(mix)
        self._scratch = house.folder / "scratch"

    def _draw(self, mix: Mix) -> list[Callable[[], None]]:
        plan = (
            [self._kill_server] * mix.server
            + [self._kill_till] * mix.till
            + [self._kill_gate] * mix.gate
            + [self._cut_wire] * mix.wires
            + [self._power_cut] * mix.torn
            + [self._fill_disk] * mix.full_disk
            + [self._take_over] * mix.takeovers
            + [(self._freeze, self._sever)[n % 2] for n in range(mix.freezes)]
            + [(self._restart_database, self._drop_connections)[n % 2] for n in range(mix.database)]
        )
        self._rng.shuffle(plan)
        return plan

    def blow(self) -> None:
        """All faults, one after the other. Raises ChaosFound."""
        wait_until("the first tickets are sold", self._is_under_load, 40)
        self._say("under load")
        for fault in self._plan:
            self._calm()
            fault()
            self._processes_live()

    def _is_under_load(self) -> bool:
        tills = [edge for edge in self._house.edges if not edge.is_gate]
        return all(self._house.status(edge)["counts"].get("sold", 0) > 3 for edge in tills)

    def _processes_live(self) -> None:
        """Nothing may die but by our hand."""
        for each in self._house.members:
            assert each.program is not None
            code = each.program.process.poll()
            if code is not None:
                raise ChaosFound(f"{each.name} ended by itself with code {code}")

    def _calm(self) -> None:
        time.sleep(self._rng.uniform(*CALM_S))

    def _note(self, fault: str, detail: str = "", *, kills: int = 0) -> None:
        self.outcome.faults[fault] += 1
        self.outcome.kills += kills
        self._say(f"{fault} {detail}".rstrip())

    # --- kill -9

    def _kill_server(self) -> None:
        centre = self._owner()
        self._note("kill server", centre.name, kills=1)
        self._house.kill(centre)
        self.compare()
        self._house.start_centre(centre)

    def _owner(self) -> Centre:
        """The one that owns an event, where there are several."""
        if len(self._house.centres) == 1:
            return self._house.centres[0]
        url, _epoch = self._house.owner_of(self._rng.choice(EVENTS))
        owners = [centre for centre in self._house.centres if centre.url == url]
        return owners[0] if owners else self._rng.choice(self._house.centres)

    def _kill_till(self) -> None:
        self._kill_edge(self._rng.choice(self._house.edges[:-1]))

    def _kill_gate(self) -> None:
        self._kill_edge(self._house.edges[-1])

    def _kill_edge(self, edge: Edge) -> None:
        self._note(f"kill {edge.settings.role}", edge.name, kills=1)
        self._house.kill(edge)
        self.compare()
        self._house.start_edge(edge)

    def _take_over(self) -> None:
        """An owner dies and stays dead: the other server has its events before a lease is over."""
        dead, stream = self._owner(), self._rng.choice(EVENTS)
        self._note("take over", dead.name, kills=1)
        began_s = time.monotonic()
        self._house.kill(dead)
        self.compare()
        self._await_another_owner(dead)
        took_s = time.monotonic() - began_s
        self.outcome.takeover_s_max = max(self.outcome.takeover_s_max, round(took_s, 2))
        self._say(f"took over after {took_s:.1f} s: {stream}")
        self._house.start_centre(dead)

    def _freeze(self) -> None:
        """An owner sleeps longer than its lease, is followed, and wakes up in the middle of work."""
        frozen = self._owner()
        assert frozen.program is not None
        self._note("freeze", frozen.name)
        os.kill(frozen.program.process.pid, signal.SIGSTOP)
        try:
            self._await_another_owner(frozen)
            self._calm()
        finally:
            os.kill(frozen.program.process.pid, signal.SIGCONT)
        self.compare()

    def _sever(self) -> None:
        """An owner loses its database; what it had sent arrives when it was followed."""
        severed = self._owner()
        assert severed.database_wire is not None
        self._note("sever", severed.name)
        severed.database_wire.set(Mode.BLACK_HOLE)
        self._await_another_owner(severed)
        self._calm()
        severed.database_wire.mend(cut=False)
        self.compare()

    def _await_another_owner(self, gone: Centre) -> None:
        def is_followed() -> bool:
            return all(self._house.owner_of(event)[0] != gone.url for event in EVENTS)

        wait_until(f"{gone.name} is followed", is_followed, TAKEOVER_WAIT_S)

    # --- wires

    def _cut_wire(self) -> None:
        """One node's wire, or all of them, or a server's wire to its database."""
        mode = self._rng.choice([mode for mode in Mode if mode is not Mode.OPEN])
        databases = [c.database_wire for c in self._house.centres if c.database_wire is not None]
        wires = [edge.wire for edge in self._house.edges]
        chosen = self._rng.choice([wires, [self._rng.choice(wires)], [self._rng.choice(wires)]])
        if databases and self._rng.random() < 0.25:
            chosen = [self._rng.choice(databases)]
        self._note(f"wire {mode.value}", f"{len(chosen)} wires")
        for wire in chosen:
            wire.set(mode)
        time.sleep(self._rng.uniform(0.4, 1.6))
        is_cut = self._rng.random() < 0.5 or mode is Mode.HALF_OPEN
        for wire in chosen:
            wire.mend(cut=is_cut)

    # --- the database

    def _restart_database(self) -> None:
        cluster = self._cluster
        self._note("restart PostgreSQL")
        cluster.stop("immediate")
        self._calm()
        cluster.start()
        self.compare()

    def _drop_connections(self) -> None:
        with self._house.engine.connect() as connection:
            dropped = connection.execute(
                text(
                    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                    "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
                )
            ).scalar_one()
        self._note("drop connections", str(dropped))
        self.compare()

    @property
    def _cluster(self) -> Cluster:
        assert self._house.cluster is not None
        return self._house.cluster

    # --- disks

    def _fill_disk(self) -> None:
        """The server's disk, or a till's, has no room for a while."""
        if self._rng.random() < 0.5:
            till = self._rng.choice(self._house.edges[:-1])
            assert till.program is not None
            self._note("full disk", till.name)
            with limited(till.program.process.pid, till.settings.data_dir / "journal.db"):
                time.sleep(FULL_S)
            return
        centre = self._house.centres[0]
        assert centre.program is not None
        mounted = os.path.ismount(centre.data_dir.parent)
        self._note("full disk", f"{centre.name}, {'a small one' if mounted else 'by a limit'}")
        if mounted:
            with ballast(centre.data_dir.parent):
                time.sleep(FULL_S)
        else:
            with limited(centre.program.process.pid, self._house.database_file):
                time.sleep(FULL_S)

    def _power_cut(self) -> None:
        """Everything is dead at once, and the end of the server's log is lost or spoilt."""
        house, centre = self._house, self._house.centres[0]
        for each in house.members:
            house.kill(each)
        house.engine.dispose()
        told = read_told(self.nodes())

        def keeps(copy: Path) -> bool:
            return not self._check_file(copy, lambda connection: check_told(connection, told))

        database = house.database_file
        how = tear(database, self._rng, keeps, self._scratch)
        shutil.rmtree(self._scratch, ignore_errors=True)
        self._note("power cut", how, kills=1)
        self.compare()
        house.begin_centre(centre)
        for edge in house.edges:
            house.start_edge(edge)
        house.await_centre(centre)

    # --- comparing

    def nodes(self) -> list[NodeFiles]:
        """Where the nodes' files are."""
        return [
            NodeFiles(e.name, e.node_id, e.settings.role, e.settings.data_dir, e.settings.facts)
            for e in self._house.edges
        ]

    def compare(self) -> None:
        """Whatever a node was told is stored, at this very moment. Raises ChaosFound."""
        told = read_told(self.nodes())
        if self._house.cluster is not None:
            with self._house.engine.connect() as connection:
                wrong = check_told(connection, told)
        else:  # on a copy: who opens a killed server's file first is the server
            copy = copy_files(self._house.database_file, self._scratch)
            wrong = self._check_file(copy, lambda connection: check_told(connection, told))
            shutil.rmtree(self._scratch)
        if wrong:
            raise ChaosFound("\n".join(wrong))

    def _check_file(self, file: Path, check: Callable[[Connection], list[str]]) -> list[str]:
        engine = open_engine(f"sqlite:///{file}")
        try:
            with engine.connect() as connection:
                return check(connection)
        finally:
            engine.dispose()


def run_storm(
    folder: Path, seed: int, kills: int, database: str, say: Callable[[str], None]
) -> Outcome:
    """One run from an empty folder to the books. Raises ChaosFound with all that is wrong.

    What is left in `folder` is a house at rest.
    """
    outcome = Outcome(seed, database)
    began_s = time.monotonic()
    try:
        if database == "postgres":
            with private_cluster(durable=True) as cluster:
                _run(folder, cluster, kills, say, outcome)
        else:
            _run(folder, None, kills, say, outcome)
    except (ChaosFound, DemoFailed) as error:
        again = f"python -m tests.chaos --database {database} --kills {kills} --seed {seed}"
        raise ChaosFound(f"{error}\nafter {dict(outcome.faults)}\nagain: {again}") from error
    outcome.seconds = round(time.monotonic() - began_s, 1)
    return outcome


def _run(
    folder: Path, cluster: Cluster | None, kills: int, say: Callable[[str], None], outcome: Outcome
) -> None:
    with House(folder, outcome.seed, cluster) as house:
        house.found()
        say("the house is open")
        storm = Storm(house, mix_of(kills, on_postgres=cluster is not None), say, outcome)
        storm.blow()
        house.come_to_rest()
        say("at rest")
        outcome.nodes = tuple(storm.nodes())
        outcome.counts = count_all(outcome.nodes)
        with read_only(house.engine).connect() as connection:
            wrong = check_books(connection, outcome.nodes)
        if cluster is None:
            copy_files(house.database_file, folder / AT_REST)  # its disk goes with the house
        if wrong:
            raise ChaosFound("\n".join(wrong))

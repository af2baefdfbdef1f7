"""Tills and gates: their real programs, on disks and clocks of the world's."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge.client import ServerClient
from edge.errors import ReplicaFull, ServerRefused, ServerUnreachable, WitnessUnwritable
from edge.identity import Identity, NodeKey
from edge.journal import Unit, lock_reason, note_machine, set_meta
from edge.mirror import Mirror
from edge.node import Node
from edge.recorder import Recorder, Witnessed
from edge.sync import SyncEngine
from tests.simulation.disks import Disk, new_journal, new_mirror
from tests.simulation.fibers import Crash, Process, SimEvent
from tests.simulation.house import BEGAN_MS, SERVER_PRIVATE, VENUE, Enrolled, fake_public

if TYPE_CHECKING:
    from tests.simulation.world import World


class Machine:
    """A node's hardware: two disks, clocks, and what lies outside the data folder."""

    def __init__(self, world: World, enrolled: Enrolled, name: str = "") -> None:
        mix, rng = world.mix, world.rng
        self.world, self.enrolled = world, enrolled
        self.name = name or enrolled.name
        self.rate = mix.clock_rate(rng)
        self.wall_off_ms = mix.clock_offset_ms(rng)
        self.boots = 0
        self.boot_id = ""
        self.booted_at = 0.0
        self.journal = Disk(new_journal(), keep=mix.edge_images)
        self.mirror = Disk(new_mirror(), keep=mix.mirror_images)
        self.machine_id = f"machine of {self.name}"
        self.witness: Witnessed | None = None
        self.reboot()
        self._found()

    def _found(self) -> None:
        with self.journal.connection as connection:
            for key, value in (
                ("node_id", self.enrolled.node_id),
                ("venue_id", VENUE),
                ("incarnation", "1"),
            ):
                set_meta(Unit(connection), key, value)
            note_machine(Unit(connection), self.machine_id)
        self.journal.committed()

    def copy_disks(self, original: Machine) -> None:
        """Both disks are copies of another machine's, and no backup here is of before that."""
        for own, other in ((self.journal, original.journal), (self.mirror, original.mirror)):
            own.reopen(other.image())
            own.forget_images()

    def reboot(self) -> None:
        """The machine, not only the program, starts anew."""
        self.boots += 1
        self.boot_id = f"{self.name}-{self.boots}"
        self.booted_at = self.world.works.now

    def may_print(self, order_id: str) -> bool:
        """Whether its journal says that this order's first paper comes, or came, from here."""
        return bool(
            self.journal.connection.execute(
                "SELECT 1 FROM orders WHERE id = ? AND gone_to = ''", (order_id,)
            ).fetchone()
        )

    def knows_order(self, order_id: str) -> bool:
        """Whether its journal has this order, its own or another window's."""
        found = self.journal.connection.execute("SELECT 1 FROM orders WHERE id = ?", (order_id,))
        return found.fetchone() is not None

    def wall_ms(self) -> int:
        """Its clock on the wall."""
        return max(0, BEGAN_MS + self.wall_off_ms + int(self.world.works.now * 1000 * self.rate))

    def monotonic_s(self) -> float:
        """Seconds since it was started, as it counts them."""
        return (self.world.works.now - self.booted_at) * self.rate + 100.0


class SimEnv:
    """The node's view of its machine."""

    def __init__(self, machine: Machine, process: Process) -> None:
        self._machine, self._process = machine, process

    def wall_ms(self) -> int:
        return self._machine.wall_ms()

    def monotonic_s(self) -> float:
        return self._machine.monotonic_s()

    def boot_id(self) -> str:
        return self._machine.boot_id

    def random_bytes(self, count: int) -> bytes:
        return self._machine.world.rng.randbytes(count)

    def maybe_crash(self, point: str) -> None:
        self._process.check()
        world = self._machine.world
        if world.crashes(self._machine.name, point):
            world.crash_node(self._machine.name, point)
            raise Crash


class _Readers:
    def __init__(self, disk: Disk, process: Process) -> None:
        self._disk, self._process = disk, process

    @contextmanager
    def reading(self) -> Iterator[Any]:
        self._process.check()
        yield self._disk.connection

    def close(self) -> None:
        """Nothing to close."""


class SimMirror(Mirror):
    """The real cache, on a disk of the world's."""

    def __init__(self, machine: Machine, process: Process) -> None:
        self._path = Path("mirror.db")
        self._writing: Any = threading.Lock()
        self._closed = False
        self._machine, self._disk, self._process = machine, machine.mirror, process
        self._connection = machine.mirror.connection
        self._readers: Any = _Readers(machine.mirror, process)

    @contextmanager
    def reading(self) -> Iterator[Any]:
        self._process.check()
        yield self._connection

    @contextmanager
    def _transaction(self, cache_kib: int = 0) -> Iterator[Any]:  # noqa: ARG002
        self._process.check()
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            self._process.check()
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        self._disk.committed()
        self._machine.world.oracle.mirror_committed(self._machine)


class SimWitness:
    """The witness's file, outside of the data folder: it stays when that is set back or copied."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def read(self) -> Witnessed | None:
        """The last testimony."""
        return self._machine.witness

    def write(self, testimony: Witnessed) -> None:
        """Keep it."""
        world = self._machine.world
        if world.disk_fails(self._machine.name):
            world.happened("witness_unwritable")
            raise WitnessUnwritable("the witness of this simulation cannot be written just now")
        self._machine.witness = testimony


class SimReplica:
    """The journal's real recorder, one transaction after the other, and its witness."""

    folder = Path("/no-folder")
    """Nothing is downloaded here: no feed of a simulated house is long enough for a file."""

    def __init__(self, machine: Machine, process: Process, env: SimEnv) -> None:
        self._machine, self._process = machine, process
        self.mirror = SimMirror(machine, process)
        self._recorder = Recorder(
            machine.journal.connection, env, SimWitness(machine), machine.machine_id
        )
        reason = self._recorder.open()
        if reason is not None:
            machine.world.happened(f"locked_{reason}")
            machine.world.say(machine.name, lambda: f"is locked: {reason}")

    def transact(self, work: Callable[[Any], Any]) -> Any:
        """Run `work` in a transaction; its result comes after commit and witness."""
        self._process.check()
        world = self._machine.world
        if world.disk_fails(self._machine.name):
            raise ReplicaFull("the disk of this simulation is full for a moment")
        result = self._recorder.transact(work)
        self._machine.journal.committed()
        world.oracle.edge_committed(self._machine)
        return result

    @contextmanager
    def reading(self) -> Iterator[Any]:
        """A read of what is committed."""
        self._process.check()
        yield self._machine.journal.connection

    def lock_reason(self) -> Any:
        """Why nothing is recorded here any more."""
        with self.reading() as connection:
            return lock_reason(connection)

    def close(self) -> None:
        """Nothing to close."""


class SimClient(ServerClient):
    """The real calls, sent through the world's network."""

    def __init__(self, machine: Machine, process: Process, env: SimEnv) -> None:
        self._machine, self._process = machine, process
        self._env = env
        self.server_ahead_ms = 0

    def close(self) -> None:
        """Nothing to close."""

    @property
    def role(self) -> str:
        """As enrolled."""
        return str(self._machine.enrolled.role)

    def data_keys(self) -> tuple[Any, ...]:
        """None: nobody in this house tells a name."""
        return ()

    def chip_keys(self) -> Any:
        """None: nobody in this house binds a chip."""
        return None

    def _bearer(self, **_options: Any) -> str:
        return "token"

    def _call(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        timeout_s = _seconds(options.get("timeout"))
        call = {"method": method, "path": path}
        for key in ("json", "params", "below"):
            if options.get(key) is not None and options[key] != "":
                call[key] = options[key]
        raw = self._machine.world.call(self._machine, self._process, call, timeout_s)
        if raw is None:
            raise ServerUnreachable("no answer from the server")
        status, text = json.loads(raw)
        body: dict[str, Any] = json.loads(text)
        if status == 200:
            return body
        if 400 <= status < 500:
            raise ServerRefused(status, str(body["code"]), str(body.get("detail", "")), body)
        raise ServerUnreachable(f"the server's answer makes no sense (status {status})")


def _seconds(timeout: Any) -> float:
    read = getattr(timeout, "read", timeout)
    return 5.0 if read is None else float(read)


def identity_of(enrolled: Enrolled) -> Identity:
    """What enrolling leaves."""
    return Identity(
        enrolled.node_id,
        enrolled.role,
        enrolled.name,
        VENUE,
        f"boxgate:{VENUE}",
        fake_public(SERVER_PRIVATE).hex(),
    )


def open_node(machine: Machine, process: Process) -> Node:
    """The node's parts, opened on its machine, with an engine that runs in fibers."""
    works = machine.world.works
    env = SimEnv(machine, process)
    replica: Any = SimReplica(machine, process, env)
    enrolled = machine.enrolled

    def new_client() -> ServerClient:
        return SimClient(machine, process, env)

    engine = SyncEngine(replica, env, new_client, "0.1.0")
    for name in _fields(engine):
        value = getattr(engine, name, None)
        if isinstance(value, threading.Event):
            setattr(engine, name, SimEvent(works, process))
        elif isinstance(value, dict):
            for key, item in value.items():
                if isinstance(item, threading.Event):
                    value[key] = SimEvent(works, process)
        elif isinstance(value, queue.Queue):
            assert value.empty()
    key = NodeKey(enrolled.private, enrolled.public)
    return Node(identity_of(enrolled), key, replica, engine, env, new_client)


def _fields(engine: SyncEngine) -> list[str]:
    return list(type(engine).__dataclass_fields__)


class SimThreads:
    """`threading` for the sync engine: a thread is a fiber of the process that makes it."""

    Event = threading.Event
    Lock = threading.Lock

    def __init__(self, world: World) -> None:
        self._world = world

    def Thread(  # noqa: N802 - as the module names it
        self, target: Callable[..., Any], args: tuple[Any, ...] = (), **_options: Any
    ) -> Any:
        """A thread that is not started yet."""
        world, process = self._world, self._world.starting

        class _Thread:
            def start(self) -> None:
                assert process is not None
                world.works.spawn(process, lambda: target(*args))

            def join(self, _timeout: float | None = None) -> None:
                """It ends by itself."""

        return _Thread()

    def current_thread(self) -> Any:
        """Nobody asks who runs."""
        return threading.current_thread()

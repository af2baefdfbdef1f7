"""A house of processes: one server or two, tills, a gate, and a wire before each of them."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

from sqlalchemy import Engine, text

from edge.enrolment import enrol
from edge.env import MachineEnv
from edge.node import program_version
from sync_server import commands
from sync_server.services.initialise import finish
from sync_server.services.permissions import NodeRole
from sync_server.settings import DATABASE_FILE, Settings
from sync_server.store.database import open_engine
from tests.chaos.disks import small_disk
from tests.chaos.node import NodeSettings
from tests.chaos.wires import Wire, Wires
from tests.demo.programs import DemoFailed, Program, free_port, wait_until
from tests.fakes.postgres import Cluster

VENUE, EVENTS = "arena", ("opera", "concert")
SEAT_ROWS, ROW_SEATS, STANDING = 20, 20, 1_600
PRICE_MINOR = 38_000
READY_TIMEOUT_S = 40.0
REST_TIMEOUT_S = 60.0
_STILL_S = 0.4
TILL_PACE_S, GATE_PACE_S = 0.02, 0.04


def catalogue_document(now: datetime) -> dict[str, object]:
    """Two events in one hall with seats and standing places; the doors are open."""

    def words(name: str) -> dict[str, str]:
        return {"en": name}

    rows = [
        {
            "label": str(row + 1),
            "first_unit": row * ROW_SEATS + 1,
            "seats": [
                {"label": str(seat + 1), "x": 10 * seat, "y": 10 * row} for seat in range(ROW_SEATS)
            ],
        }
        for row in range(SEAT_ROWS)
    ]
    shape = [[0, 300], [200, 300], [200, 400], [0, 400]]
    starts = (now + timedelta(hours=3)).strftime("%Y-%m-%dT%H:%M")
    return {
        "format": "boxgate-catalogue-1",
        "venue": {
            "id": VENUE,
            "name": words("Arena"),
            "timezone": "UTC",
            "currency": "CNY",
            "languages": ["en"],
        },
        "plans": [
            {
                "id": "hall",
                "name": words("Hall"),
                "areas": [
                    {"id": "stalls", "name": words("Stalls"), "kind": "seated", "rows": rows},
                    {
                        "id": "floor",
                        "name": words("Floor"),
                        "kind": "standing",
                        "first_unit": SEAT_ROWS * ROW_SEATS + 1,
                        "capacity": STANDING,
                        "shape": shape,
                    },
                ],
            }
        ],
        "events": [
            {
                "id": event,
                "name": words(event),
                "plan": "hall",
                "price_tiers": [
                    {
                        "id": "a",
                        "name": words("A"),
                        "letter": "A",
                        "places": [{"area": "stalls"}, {"area": "floor"}],
                    }
                ],
                "ticket_types": [{"number": 1, "id": "adult", "name": words("Adult")}],
                "price_list": {"version": 1, "prices_minor": {"a": {"adult": PRICE_MINOR}}},
                "performances": [{"number": number, "starts": starts, "doors_minutes": 1_440}],
            }
            for number, event in enumerate(EVENTS, 1)
        ],
    }


@dataclass(slots=True)
class Centre:
    """One server: its folder, its port, its process when it runs, its wire to the database."""

    name: str
    config: Path
    data_dir: Path
    port: int
    database_wire: Wire | None
    program: Program | None = None

    @property
    def url(self) -> str:
        """As other servers call it."""
        return f"http://127.0.0.1:{self.port}"


@dataclass(slots=True)
class Edge:
    """One till or gate: its files, its process when it runs, its wire to the servers."""

    name: str
    settings: NodeSettings
    file: Path
    node_id: str
    wire: Wire
    program: Program | None = None
    is_greeted: bool = False

    @property
    def is_gate(self) -> bool:
        return self.settings.role == "gate"


@dataclass(slots=True)
class House:
    """Everything of one run in one folder. A context manager: nothing outlives it."""

    folder: Path
    seed: int
    cluster: Cluster | None = None
    tills: int = 2
    centres: list[Centre] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    _engine: Engine | None = None
    _opened: ExitStack = field(default_factory=ExitStack)
    _wires: Wires = field(default_factory=Wires)

    def __enter__(self) -> Self:
        self._opened.enter_context(self._wires)
        return self

    def __exit__(self, *_details: object) -> None:
        for each in self.members:
            if each.program is not None:
                each.program.kill()
        if self._engine is not None:
            self._engine.dispose()
        self._opened.close()

    @property
    def members(self) -> list[Centre | Edge]:
        """All that have a process."""
        return [*self.centres, *self.edges]

    # --- founding

    def found(self) -> None:
        """Make the database, the servers' folders and the nodes, and start everything."""
        for name in ("logs", "facts", "witness"):
            (self.folder / name).mkdir(parents=True)
        for number in range(1 if self.cluster is None else 2):
            self._prepare_centre(number)
        first = self._settings(self.centres[0])
        commands.init(first, None)
        finish(first)
        file = self.folder / "catalogue.json"
        file.write_text(json.dumps(catalogue_document(datetime.now(UTC))), encoding="utf-8")
        stored = commands.import_catalogue(first, file)
        assert not isinstance(stored, Exception), stored
        for other in self.centres[1:]:
            other.data_dir.mkdir(mode=0o700)
            shutil.copytree(self.centres[0].data_dir / "keys", other.data_dir / "keys")
        for centre in self.centres:
            self.start_centre(centre)
        for number in range(self.tills):
            self._enrol("till", f"Window {number + 1}", number)
        self._enrol("gate", "Gate A", self.tills)
        for edge in self.edges:
            self.start_edge(edge)

    def _prepare_centre(self, number: int) -> None:
        wire = None if self.cluster is None else self._wires.lay(self.cluster.port)
        centre = Centre(
            f"server-{number}",
            self.folder / f"server-{number}.toml",
            self._disk(number) / "data",
            free_port(),
            wire,
        )
        url = ""
        if self.cluster is not None and wire is not None:
            url = self.cluster.tcp_url.replace(f":{self.cluster.port}/", f":{wire.port}/")
        centre.config.write_text(
            f'data_dir = "{centre.data_dir}"\ndatabase_url = "{url}"\n'
            f'[listen]\nport = {centre.port}\n[log]\nlevel = "info"\n',
            encoding="utf-8",
        )
        self.centres.append(centre)

    def _disk(self, number: int) -> Path:
        """With SQLite a small one, where it may be mounted: it is going to be full."""
        folder = self.folder / f"server-{number}"
        folder.mkdir()
        if self.cluster is None:
            self._opened.enter_context(small_disk(folder))
        return folder

    def _settings(self, centre: Centre) -> Settings:
        url = self.cluster.url if self.cluster is not None else ""
        return Settings(data_dir=centre.data_dir, database_url=url)

    def _enrol(self, role: str, name: str, number: int) -> None:
        code = commands.make_enrolment_code(
            self._settings(self.centres[0]), NodeRole(role), name, 60
        )
        key = f"{role}-{number}"
        wire = self._wires.lay(*(centre.port for centre in self.centres))
        data_dir = self.folder / key
        identity = enrol(
            data_dir, self.centres[0].url, code.text, role, MachineEnv(), version=program_version()
        )
        facts = self.folder / "facts"
        settings = NodeSettings(
            role,
            f"http://127.0.0.1:{wire.port}",
            data_dir,
            self.folder / "witness",
            facts / f"{key}.jsonl",
            self.seed * 100 + number,
            TILL_PACE_S if role == "till" else GATE_PACE_S,
            tuple(e.settings.facts for e in self.edges) if role == "gate" else (),
        )
        file = self.folder / f"{key}.json"
        settings.save(file)
        self.edges.append(Edge(key, settings, file, identity.node_id, wire))

    # --- starting and ending

    def start_centre(self, centre: Centre) -> None:
        """Start it and wait until it takes calls."""
        self.begin_centre(centre)
        self.await_centre(centre)

    def begin_centre(self, centre: Centre) -> None:
        """Start it and don't wait."""
        log = self.folder / "logs" / f"{centre.name}.log"
        words = ("serve", "--config", str(centre.config))
        centre.program = Program(centre.name, "sync_server", *words, log=log, folder=self.folder)

    def await_centre(self, centre: Centre) -> None:
        """Wait until it takes calls."""
        assert centre.program is not None
        centre.program.next_line(READY_TIMEOUT_S)

    def start_edge(self, edge: Edge) -> None:
        """Start it and don't wait."""
        edge.is_greeted = False
        module = "tests.chaos.gate" if edge.is_gate else "tests.chaos.till"
        log = self.folder / "logs" / f"{edge.name}.log"
        edge.program = Program(edge.name, module, str(edge.file), log=log, folder=self.folder)

    def greet(self, edge: Edge) -> None:
        """Wait until it runs."""
        assert edge.program is not None
        if edge.is_greeted:
            return
        edge.is_greeted = True
        told = json.loads(edge.program.next_line(READY_TIMEOUT_S))
        if told.get("running") != edge.node_id:
            raise DemoFailed(f"{edge.name} says {told}")

    def kill(self, which: Centre | Edge) -> None:
        """kill -9."""
        assert which.program is not None
        which.program.kill()

    # --- looking in

    @property
    def engine(self) -> Engine:
        """The database, looked at directly."""
        if self._engine is None:
            self._engine = open_engine(self._settings(self.centres[0]).database)
        return self._engine

    @property
    def database_file(self) -> Path:
        """On SQLite."""
        return self.centres[0].data_dir / DATABASE_FILE

    def heads(self) -> dict[str, int]:
        """How far the feed of each stream goes."""
        with self.engine.connect() as connection:
            rows = connection.execute(text("SELECT event_id, head FROM stream"))
            return {str(row[0]): int(row[1]) for row in rows}

    def owner_of(self, stream: str) -> tuple[str, int]:
        """Who owns it by the database, and by which epoch."""
        with self.engine.connect() as connection:
            row = connection.execute(
                text("SELECT owner_url, epoch FROM stream WHERE event_id = :e"), {"e": stream}
            ).one()
        return str(row[0]), int(row[1])

    def status(self, edge: Edge) -> dict[str, Any]:
        """What it says of itself."""
        assert edge.program is not None
        self.greet(edge)
        told = edge.program.ask({"do": "status"})
        if told["failure"]:
            raise DemoFailed(f"{edge.name} failed: {told['failure']}")
        return told

    # --- coming to rest

    def come_to_rest(self) -> None:
        """Nobody sells any more, everything is sent and read, all processes end well."""
        for edge in self.edges:
            assert edge.program is not None
            self.greet(edge)
            if not edge.program.ask({"do": "rest"}, 20)["idle"]:
                raise DemoFailed(f"{edge.name} does not come to rest")
        self._wait_until_still()
        for centre in self.centres:  # first: it has things of its own to sweep up now and then
            assert centre.program is not None
            if code := centre.program.stop():
                raise DemoFailed(f"{centre.name} ended with code {code}")
        for edge in self.edges:
            self._end(edge)

    def _wait_until_still(self) -> None:
        seen: list[object] = []

        def is_still() -> bool:
            told = [self.status(edge) for edge in self.edges]
            heads = self.heads()
            behind = any(each["unsynced"] or each["cursors"] != heads for each in told)
            if behind or self._is_sweeping():
                seen.clear()
                return False
            seen.append(heads)
            return len(seen) * 0.05 > _STILL_S and seen[-1] == seen[0]

        try:
            wait_until("all nodes are in step", is_still, REST_TIMEOUT_S)
        except DemoFailed as error:
            told = {edge.name: self.status(edge) for edge in self.edges}
            raise DemoFailed(f"{error}: {self.heads()} {told}") from None

    def _is_sweeping(self) -> bool:
        """Whether the centre still has returned places to free."""
        with self.engine.connect() as connection:
            left = connection.execute(text("SELECT count(*) FROM claim WHERE kind = 'returned'"))
            return bool(left.scalar_one())

    def _end(self, edge: Edge) -> None:
        assert edge.program is not None
        process = edge.program.process
        assert process.stdin is not None
        with suppress(BrokenPipeError):
            process.stdin.close()
        if code := process.wait(20):
            raise DemoFailed(f"{edge.name} ended with code {code}")
        edge.program.kill()  # ended already: closes what is left of it


def read_rows(file: Path, sql: str, *values: object) -> list[sqlite3.Row]:
    """Rows of a node's file, which its process may be writing to."""
    with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True, timeout=10)) as connection:
        connection.row_factory = sqlite3.Row
        return connection.execute(sql, values).fetchall()

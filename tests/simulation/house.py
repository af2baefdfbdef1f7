"""A small house to be simulated: few places, few windows, one performance that lasts and lasts."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy.schema import CreateIndex, CreateTable

from sync_server.services.catalogue import NotStored, store_catalogue
from sync_server.services.permissions import NodeRole
from sync_server.store import schema
from sync_server.store.writer import Transaction
from tests.simulation.disks import PAGE_BYTES
from ticketing.catalogue import parse_catalogue
from ticketing.ids import KeyId, NodeId
from ticketing.keys import key_id, node_key_message

VENUE, EVENT, PERFORMANCE = "house", "play", 1
STANDING_FROM = 101
POOL, POOL_CAPACITY = "first", 4
BEGAN = datetime(2026, 12, 2, 12, 0, tzinfo=UTC)
BEGAN_MS = int(BEGAN.timestamp() * 1000)
SERVER_PRIVATE = hashlib.sha256(b"the server of the simulation").digest()


def fake_public(private: bytes) -> bytes:
    """A stand-in for Ed25519, which would take half of the time: whoever has the key can sign."""
    return hashlib.sha256(b"public" + private).digest()


def fake_sign(private: bytes, message: bytes) -> bytes:
    """64 bytes that only depend on the key pair and the message."""
    return hashlib.blake2b(message, key=fake_public(private)).digest()


def fake_is_signed(public: bytes, signature: bytes, message: bytes) -> bool:
    """Whether it was signed with this pair's private key. Nobody in here forges."""
    return hashlib.blake2b(message, key=public).digest() == signature


def private_key(name: str) -> bytes:
    """The same key for the same name, in every run."""
    return hashlib.sha256(name.encode()).digest()


@dataclass(frozen=True, slots=True)
class Shape:
    """How big the house is. `entries`: how often a ticket is let in; with more than once, gates also
    tell how entries ended, and of people going out. `hub_gates`, `hub_tills`: so many of the gates and
    windows are below a hub.
    """

    seats: int
    standing: int
    tills: int
    gates: int
    entries: int = 1
    hub_gates: int = 0
    hub_tills: int = 0

    @property
    def units(self) -> tuple[int, ...]:
        """Every unit."""
        standing = range(STANDING_FROM, STANDING_FROM + self.standing)
        return (*range(1, self.seats + 1), *standing)


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A node as it was enrolled."""

    node_id: NodeId
    role: NodeRole
    name: str
    private: bytes

    @property
    def public(self) -> bytes:
        """Its public key."""
        return fake_public(self.private)

    @property
    def key_id(self) -> KeyId:
        """As tickets cite it."""
        return key_id(self.public)


class _Row(tuple[Any, ...]):
    """A row whose columns can be named."""

    names: list[str]

    def __getattr__(self, name: str) -> Any:
        try:
            return self[self.names.index(name)]
        except ValueError:
            raise AttributeError(name) from None


class SimResult:
    """What of SQLAlchemy's result the services use."""

    def __init__(self, cursor: sqlite3.Cursor) -> None:
        self._cursor = cursor
        self.rowcount = cursor.rowcount

    def fetchall(self) -> list[Any]:
        return list(self)

    def all(self) -> list[Any]:
        return self._cursor.fetchall()

    def first(self) -> Any:
        row = self._cursor.fetchone()
        return None if row is None else self._named(row)

    def scalar(self) -> Any:
        row = self._cursor.fetchone()
        return None if row is None else row[0]

    def scalar_one(self) -> Any:
        return self._cursor.fetchone()[0]

    def scalar_one_or_none(self) -> Any:
        return self.scalar()

    def scalars(self) -> list[Any]:
        return [row[0] for row in self._cursor.fetchall()]

    def __iter__(self) -> Iterator[Any]:
        return iter([self._named(row) for row in self._cursor.fetchall()])

    def _named(self, row: Any) -> Any:
        named = _Row(row)
        named.names = [column[0] for column in self._cursor.description]
        return named


class _Named:
    name = "sqlite"


class _Driver:
    def __init__(self, raw: sqlite3.Connection) -> None:
        self.driver_connection = raw


class _Savepoint:
    def __init__(self, raw: sqlite3.Connection) -> None:
        self._raw = raw
        raw.execute("SAVEPOINT job")

    def commit(self) -> None:
        self._raw.execute("RELEASE SAVEPOINT job")

    def rollback(self) -> None:
        self._raw.execute("ROLLBACK TO SAVEPOINT job")
        self._raw.execute("RELEASE SAVEPOINT job")


class SimConnection:
    """SQLAlchemy's connection, as the services use it, straight on sqlite3."""

    dialect = _Named()

    def __init__(self, raw: sqlite3.Connection) -> None:
        self.raw = raw
        self.connection = _Driver(raw)
        self.engine = None

    def execute(self, clause: Any, values: Mapping[str, object] | None = None) -> SimResult:
        """Run a `text()` with its values."""
        sql: str = getattr(clause, "text", clause)
        bound = dict(values or {})
        for name, value in bound.items():
            if isinstance(value, list):  # an expanding parameter
                sql = sql.replace(f":{name}", f"(SELECT value FROM json_each(:{name}))")  # noqa: S608
                bound[name] = json.dumps(value)
        return SimResult(self.raw.execute(sql, bound))

    def begin_nested(self) -> _Savepoint:
        """A savepoint."""
        return _Savepoint(self.raw)


def document(shape: Shape) -> dict[str, Any]:
    """The catalogue that this house imports."""

    def text(name: str) -> dict[str, str]:
        return {"en": name}

    square = [[0, 0], [100, 0], [100, 100], [0, 100]]
    seats = [{"label": str(n + 1), "x": n * 10, "y": 0} for n in range(shape.seats)]
    areas: list[dict[str, Any]] = [
        {
            "id": "stalls",
            "name": text("Stalls"),
            "kind": "seated",
            "rows": [{"label": "1", "first_unit": 1, "seats": seats}],
        }
    ]
    tiers: list[dict[str, Any]] = [
        {"id": "a", "name": text("A"), "letter": "A", "places": [{"area": "stalls"}]}
    ]
    rules = {"rules": [{"entries": shape.entries}]}
    prices = {"a": {"adult": 5_000, "child": 2_500}}
    if shape.standing:
        areas.append(
            {
                "id": "floor",
                "name": text("Floor"),
                "kind": "standing",
                "first_unit": STANDING_FROM,
                "capacity": shape.standing,
                "shape": square,
            }
        )
        tiers.append({"id": "b", "name": text("B"), "letter": "B", "places": [{"area": "floor"}]})
        prices["b"] = {"adult": 3_000}
    return {
        "format": "boxgate-catalogue-1",
        "venue": {
            "id": VENUE,
            "name": text("House"),
            "timezone": "UTC",
            "day_starts": "04:00",
            "currency": "EUR",
            "languages": ["en"],
            "tenders": [{"id": "card", "name": text("Card")}],
        },
        "plans": [{"id": "hall", "name": text("Hall"), "seat_pitch": 10, "areas": areas}],
        "events": [
            {
                "id": EVENT,
                "name": text("Play"),
                "plan": "hall",
                "price_tiers": tiers,
                "ticket_types": [
                    {"number": 1, "id": "adult", "name": text("Adult")},
                    {"number": 2, "id": "child", "name": text("Child")},
                ],
                **({"entry_rules": rules} if shape.entries > 1 else {}),
                "price_list": {"version": 3, "prices_minor": prices},
                "performances": [
                    {
                        "number": PERFORMANCE,
                        "starts": "2026-12-02T20:00",
                        "doors_minutes": 1_440,
                        "runs_minutes": 60_000,
                    }
                ],
            }
        ],
    }


def nodes_of(shape: Shape) -> tuple[Enrolled, ...]:
    """The house's nodes, tills first; their ids and keys are always the same."""
    roles = [NodeRole.TILL] * shape.tills + [NodeRole.GATE] * shape.gates
    made = []
    for number, role in enumerate(roles, 1):
        name = f"{role}{number if role is NodeRole.TILL else number - shape.tills}"
        private = private_key(name)
        node_id = NodeId(hashlib.sha256(private).hexdigest()[:16])
        made.append(Enrolled(node_id, role, name, private))
    return tuple(made)


def hub_of(shape: Shape) -> tuple[Enrolled, ...]:
    """The hub, in a house that has one."""
    private = private_key("hub")
    node_id = NodeId(hashlib.sha256(private).hexdigest()[:16])
    return (Enrolled(node_id, NodeRole.HUB, "hub", private),) if shape.hub_gates else ()


@cache
def empty_image() -> bytes:
    """A server's database with nothing in it."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as raw:
        raw.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        for statement in _ddl():
            raw.execute(statement)
        return bytes(raw.serialize())


@cache
def server_image(shape: Shape) -> bytes:
    """The server's database when everything has been imported and enrolled."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as raw:
        raw.deserialize(empty_image())
        raw.execute("BEGIN")
        tx = Transaction(SimConnection(raw), BEGAN_MS)  # type: ignore[arg-type]
        stored = store_catalogue(tx, parse_catalogue(document(shape), source="sim", now=BEGAN))
        assert not isinstance(stored, NotStored), stored.reasons
        _enrol(tx, nodes_of(shape))
        for hub in hub_of(shape):
            _enrol(tx, [hub])
            tills, nodes = nodes_of(shape)[: shape.tills], nodes_of(shape)[shape.tills :]
            for node in (*tills[: shape.hub_tills], *nodes[: shape.hub_gates]):
                tx.run("UPDATE node SET hub = :h WHERE id = :id", h=hub.node_id, id=node.node_id)
        tx.run(
            "INSERT INTO generation (id, short, started_ms, reason) VALUES "
            "('00000000-0000-7000-8000-000000000000', '10000000', :now, 'init')",
            now=BEGAN_MS,
        )
        tx.run(
            "INSERT INTO pool (event_id, id, capacity, free, lent, spent, rev) "
            "VALUES (:e, :p, :n, :n, 0, 0, :rev)",
            e=EVENT,
            p=POOL,
            n=POOL_CAPACITY,
            rev=tx.next_rev(EVENT),
        )
        raw.execute("COMMIT")
        return bytes(raw.serialize())


def _ddl() -> Iterator[str]:
    from sqlalchemy.dialects import sqlite

    dialect = sqlite.dialect()
    for table in schema.metadata.sorted_tables:
        yield str(CreateTable(table).compile(dialect=dialect))
        for index in sorted(table.indexes, key=lambda one: str(one.name)):
            yield str(CreateIndex(index).compile(dialect=dialect))


def _enrol(tx: Transaction, nodes: Sequence[Enrolled]) -> None:
    for node in nodes:
        signature = fake_sign(
            SERVER_PRIVATE, node_key_message(node.node_id, node.role, node.public)
        )
        tx.run(
            "INSERT INTO node (id, name, role, public_key, key_id, key_signature, state, "
            "machine_id, enrolled_ms, last_seen_ms, rev) VALUES (:id, :name, :role, :public, "
            ":key_id, :signature, 'active', :machine, :now, 0, :rev)",
            id=node.node_id,
            name=node.name,
            role=node.role,
            public=node.public.hex(),
            key_id=node.key_id,
            signature=signature.hex(),
            machine=f"machine of {node.name}",
            now=tx.now_ms,
            rev=tx.next_rev(VENUE),
        )

"""A small house in a real database, with tills and gates whose journals a test writes by hand."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Generic, TypeVar

from sqlalchemy import Engine, text

from sync_server.heart.intake import (
    Batch,
    BrokenChain,
    Forked,
    Gap,
    HeadCheck,
    Push,
    Taken,
    run_alone,
)
from sync_server.heart.lending import Acquire, Grant, Lend, NoGrant
from sync_server.heart.source import Context, Source, Step
from sync_server.heart.work import Work
from sync_server.services.books import Books, EntryAccount, UnitAccount, read_books
from sync_server.services.catalogue import NotStored, PlanShelf, store_catalogue
from sync_server.services.enrolment import Applicant, Enrolled, add_node
from sync_server.services.feed import Page, pull
from sync_server.services.permissions import NodeRole
from sync_server.store.database import create_schema, open_engine, read_only
from sync_server.store.sql import Sql
from sync_server.store.writer import Transaction
from tests.fakes.databases import Template
from tests.unit.ticketing.house import catalogue
from ticketing.catalogue import Catalogue
from ticketing.code import Flag, TicketFacts, make_code
from ticketing.event import Event
from ticketing.ids import AllotmentId, NodeId, OpId, OrderId, TicketId
from ticketing.journal import ROOT_HASH, Op, OpKind, chain_op
from ticketing.keys import key_id, public_of
from ticketing.operations import (
    CashLeg,
    EntryGranted,
    Release,
    Sale,
    SaleLine,
    encode_entry,
    encode_release,
    encode_sale,
)
from ticketing.seating import SeatingPlan

VENUE, EVENT, PERFORMANCE = "seaview", "swan-lake", 1
GENERATION = "1a2b3c4d"
CAPACITY = 27  # 18 in the stalls (units 1-18), 4 in the balcony (31-34), 5 standing (101-105)
UNITS = (*range(1, 19), *range(31, 35), *range(101, 106))
NOW = datetime(2026, 11, 28, 11, 0, tzinfo=UTC)  # half an hour before the first performance
SERVER_KEY = bytes(range(32))

T = TypeVar("T")


@contextmanager
def open_stage(folder: Path) -> Iterator[Stage]:
    """A stage with its house built."""
    with _template().copy(folder) as url:
        engine = open_engine(url)
        try:
            yield Stage(engine)
        finally:
            engine.dispose()


@cache
def _template() -> Template:
    return Template(_build)


def _build(url: str) -> None:
    engine = open_engine(url)
    create_schema(engine)
    with engine.begin() as connection:
        _found(Transaction(connection, int(NOW.timestamp() * 1000)))
    engine.dispose()  # SQLite's last connection writes the log back into the file


@cache
def _catalogue() -> Catalogue:
    return catalogue()


def _found(tx: Transaction) -> None:
    stored = store_catalogue(tx, _catalogue())
    assert not isinstance(stored, NotStored), stored.reasons
    tx.run(
        "INSERT INTO generation (id, short, started_ms, reason) VALUES ('first', :s, 1, 'init')",
        s=GENERATION,
    )


@dataclass(frozen=True)
class Doing(Generic[T]):
    """A step that a test makes up."""

    stream: str
    what: Callable[[Work], T]

    def want(self, work: Work) -> None:
        """Nothing beforehand."""

    def apply(self, work: Work) -> T:
        return self.what(work)


@dataclass
class Stage:
    """The house. Its clock stands still until a test moves it."""

    engine: Engine
    now: datetime = NOW
    event: Event = field(default_factory=lambda: _catalogue().events[0])
    plan: SeatingPlan = field(default_factory=lambda: _catalogue().plans[0])
    plans: PlanShelf = field(default_factory=PlanShelf)
    _minted: int = 0

    @property
    def now_ms(self) -> int:
        return int(self.now.timestamp() * 1000)

    def do(self, job: Callable[[Transaction], T]) -> T:
        """One transaction of the centre, committed when this returns."""
        with self.engine.begin() as connection:
            return job(Transaction(connection, self.now_ms))

    def take(self, step: Step[T]) -> T:
        """One step, alone in its transaction."""
        with self.engine.begin() as connection:
            answers, _news = run_alone(Sql.of(connection), [step], Context(self.now_ms, self.plans))
        answer: T = answers[0]
        return answer

    def work(self, what: Callable[[Work], T], stream: str = EVENT) -> T:
        """Something done to a stream's rows, in one piece of work."""
        return self.take(Doing(stream, what))

    def rows(self, sql: str, **values: object) -> list[Any]:
        """What a reader sees."""
        with read_only(self.engine).connect() as connection:
            return list(connection.execute(text(sql), values))

    def one(self, sql: str, **values: object) -> Any:
        """The only value of the only row."""
        (row,) = self.rows(sql, **values)
        return row[0]

    def till(self, name: str = "Window 1") -> Till:
        """Enrol a till."""
        private, node_id = self._enrol(NodeRole.TILL, name)
        return Till(self, node_id, NodeRole.TILL, private)

    def gate(self, name: str = "Gate 1") -> Gate:
        """Enrol a gate."""
        private, node_id = self._enrol(NodeRole.GATE, name)
        return Gate(self, node_id, NodeRole.GATE, private)

    def _enrol(self, role: NodeRole, name: str) -> tuple[bytes, NodeId]:
        private = secrets.token_bytes(32)
        applicant = Applicant(public_of(private), "test machine", "0.1.0")
        made = self.do(lambda tx: add_node(tx, VENUE, SERVER_KEY, role, name, applicant))
        assert isinstance(made, Enrolled)
        return private, made.node_id

    @property
    def till_count(self) -> int:
        """How many tills share the house."""
        return int(self.one("SELECT count(*) FROM node WHERE role = 'till' AND state = 'active'"))

    def mint(self) -> int:
        """A number never used before."""
        self._minted += 1
        return self._minted

    def claims(self, performance: int = PERFORMANCE) -> dict[int, tuple[str, str, str]]:
        """unit -> (kind, ref, node) of every claim row."""
        found = self.rows(
            "SELECT unit, kind, ref, node_id FROM claim WHERE event_id = :e AND perf_id = :p",
            e=EVENT,
            p=performance,
        )
        return {row.unit: (row.kind, row.ref, row.node_id) for row in found}

    def cases(self) -> list[tuple[str, str]]:
        """(kind, key) of every case, in no order that matters."""
        ids = [row.id for row in self.rows("SELECT id FROM case_file")]
        return sorted((kind, key) for kind, _, key in (found.partition(":") for found in ids))

    def case_kinds(self) -> list[str]:
        """The kinds of all cases."""
        return [kind for kind, _key in self.cases()]

    def books(self) -> Books:
        """The books as of now."""
        with read_only(self.engine).connect() as connection:
            return read_books(connection)

    def units(self, performance: int = PERFORMANCE) -> UnitAccount:
        """The account of a performance's units."""
        return next(one for one in self.books().units if one.performance == performance)

    def entries(self, performance: int = PERFORMANCE) -> EntryAccount:
        """The account of a performance's entries."""
        return next(one for one in self.books().entries if one.performance == performance)

    def pull(self, node: Journal, stream: str, after: int = 0, limit: int = 5_000) -> Page | None:
        """A page of the feed as this node gets it."""
        with read_only(self.engine).connect() as connection:
            return pull(connection, node.role, node.node_id, VENUE, stream, after, limit)


@dataclass
class Journal:
    """One node's journal: said here, pushed when the test says so."""

    stage: Stage
    node_id: NodeId
    role: NodeRole
    private: bytes
    stream: str = EVENT
    incarnation: int = 1
    ops: list[Op] = field(default_factory=list)
    acked: int = 0

    @property
    def source(self) -> Source:
        return Source(self.node_id, self.role, self.incarnation, self.stream)

    @property
    def head_hash(self) -> str:
        return self.ops[-1].hash if self.ops else ROOT_HASH

    def say(
        self, kind: str, body: str, *, op_id: str = "", version: int = 1, wall_ms: int = 0
    ) -> Op:
        """Write an operation down, as if it had just happened, or by another clock."""
        op = chain_op(
            self.head_hash,
            self.stream,
            self.node_id,
            self.incarnation,
            len(self.ops) + 1,
            OpId(op_id or f"{self.stage.mint():032x}"),
            kind,
            version,
            wall_ms or self.stage.now_ms,
            body,
        )
        self.ops.append(op)
        return op

    def batch(self, first: int, last: int) -> Batch:
        """Operations `first` to `last`, both included."""
        prev = self.ops[first - 2].hash if first > 1 else ROOT_HASH
        return Batch(first, prev, tuple(self.ops[first - 1 : last]))

    def send(self, batch: Batch) -> Taken | Gap | BrokenChain | Forked:
        """Push a batch as it is."""
        return self.stage.take(Push(self.source, batch))

    def compare(self, seq: int, head_hash: str, *, locked: bool = False) -> Taken | Forked:
        """Tell where the journal ends, and whether we know that it is fenced."""
        return self.stage.take(HeadCheck(self.source, seq, head_hash, is_locked=locked))

    def push(self) -> list[str]:
        """Push all that is new; the verdicts, with their code where there is one."""
        taken = self.send(self.batch(self.acked + 1, len(self.ops)))
        assert isinstance(taken, Taken), taken
        assert (taken.acked, taken.hash) == (len(self.ops), self.head_hash)
        self.acked = taken.acked
        return [f"{op.verdict} {op.verdict_code}".strip() for op in taken.ops]

    def twin(self) -> Journal:
        """A copy of the machine: same identity and journal, a future of its own."""
        return replace(self, ops=list(self.ops))


@dataclass
class Till(Journal):
    """A window."""

    def ask(
        self,
        units: Sequence[int] = (),
        *,
        count: int = 0,
        req: str = "",
        performance: int = PERFORMANCE,
        firm: bool = False,
    ) -> Grant | NoGrant:
        """Ask to be lent units."""
        wish = Acquire(
            req or f"{self.stage.mint():032x}", performance, tuple(units), count, firm=firm
        )
        return self.stage.take(Lend(self.source, wish, tills=self.stage.till_count))

    def borrow(self, *units: int, performance: int = PERFORMANCE) -> Grant:
        """Be lent these units."""
        grant = self.ask(units, performance=performance)
        assert isinstance(grant, Grant), grant
        return grant

    def line(self, unit: int, allotment: AllotmentId, **changes: Any) -> SaleLine:
        """A line at the price of the list."""
        performance = changes.get("performance", PERFORMANCE)
        tier_id = self.stage.event.tier_of(unit) if unit in UNITS else "a"
        listed = self.stage.event.price(tier_id, "adult", performance)
        line = SaleLine(
            TicketId(f"{self.stage.mint():016x}"),
            PERFORMANCE,
            unit,
            0,
            allotment,
            tier_id,
            "adult",
            listed or 0,
            "list",
            "",
        )
        line = replace(line, **changes)
        return replace(line, code=make_code(self.facts(line), self.private))

    def facts(self, line: SaleLine, flags: Flag = Flag(0)) -> TicketFacts:  # noqa: B008
        """What the line's ticket says: valid from an hour before the stage's clock."""
        return TicketFacts(
            key_id(public_of(self.private)),
            line.ticket_id,
            line.performance,
            line.unit,
            1,
            line.version,
            line.allotment,
            NOW - timedelta(hours=1),
            240,
            flags,
        )

    def sale(self, *lines: SaleLine, **changes: Any) -> Sale:
        """A sale of these lines for the exact cash."""
        total = sum(line.price_minor for line in lines)
        number = self.stage.mint()
        sale = Sale(
            OrderId(f"{number:016x}"),
            f"A1-{number:06d}",
            "li.na",
            "CNY",
            7,
            total,
            lines,
            CashLeg(total, total),
        )
        return replace(sale, **changes)

    def sell(self, grant: Grant, *units: int) -> Sale:
        """Write a sale of units of an allotment down."""
        return self.say_sale(
            self.sale(*(self.line(n, grant.id, performance=grant.performance) for n in units))
        )

    def say_sale(self, sale: Sale) -> Sale:
        """Write a sale down."""
        self.say(OpKind.SALE, encode_sale(sale))
        return sale

    def release(self, allotment: AllotmentId, *units: int, performance: int = PERFORMANCE) -> None:
        """Write a release down."""
        self.say(OpKind.RELEASE, encode_release(Release(performance, allotment, units)))


@dataclass
class Gate(Journal):
    """A door with lanes."""

    def entry(self, line: SaleLine, *, lane: str = "lane 1", minute: int = 0) -> EntryGranted:
        """Somebody goes in with the line's ticket, so many minutes from now."""
        return EntryGranted(
            line.ticket_id,
            line.performance,
            line.unit,
            line.version,
            key_id(bytes(32)),
            line.allotment,
            lane,
            self.stage.now_ms + minute * 60_000,
            offline=True,
        )

    def let_in(
        self, line: SaleLine, *, lane: str = "lane 1", minute: int = 0, op_id: str = ""
    ) -> Op:
        """Write an entry down."""
        entry = self.entry(line, lane=lane, minute=minute)
        return self.say(OpKind.ENTRY, encode_entry(entry), op_id=op_id, wall_ms=entry.at_ms)

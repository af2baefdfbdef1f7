"""The unit of work: what one batch reads and changes of one stream, in one transaction.

Begin it, name what will be wanted and `fetch` it in a few statements, decide on rows in memory,
`flush` what changed in a few more. Memory is for speed only: it lives as long as the transaction
and the stream's row is locked all the while; a row is written in place of the very revision that
was read, or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence, Set
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import Table

from sync_server.heart.rows import (
    Allot,
    BuyerRow,
    Case,
    Claim,
    CredentialRow,
    EntryRow,
    HandoutRow,
    Journal,
    LedgerLine,
    OpRow,
    Order,
    Pool,
    Revocation,
    Share,
    TicketRow,
)
from sync_server.store import schema
from sync_server.store.errors import StreamRefused
from sync_server.store.sql import Sql, Stale, columns_of
from ticketing.claim import ClaimKind
from ticketing.event import Event
from ticketing.journal import ROOT_HASH
from ticketing.seating import SeatingPlan

R = TypeVar("R")
Plans = Callable[[Sql, str], tuple[SeatingPlan, Event] | None]
"""Where an event's plan and catalogue come from: as last imported, None for no event."""
JournalKey = tuple[str, int]
"""A journal of this stream: node id and incarnation."""
UnitKey = tuple[int, int]
"""A unit: performance and unit number."""
_INSTANT_MS_MAX = 2**53 - 1
"""No clock is taken to show more, however wrong it is."""
ALL_REPORT, LOST_REPORT = 1, 2
"""Levels of quarantine: nothing moves until all have reported; only who was given up for lost
must still report before it is served."""


class NotOwner(StreamRefused):
    """Another server owns this stream, or a newer epoch of ours."""

    def __init__(self, stream: str, owner_url: str) -> None:
        super().__init__(f"stream {stream} is owned by {owner_url or 'nobody'}")
        self.owner_url = owner_url


class UnknownStream(StreamRefused):
    """There is no such event or venue here."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Who writes: the epoch it got when it took the stream over. None anywhere: nobody checks."""

    epoch: int


class Kept(Generic[R]):
    """Rows of one table by key, as far as they have been read, and which of them have changed."""

    def __init__(
        self, table: Table, read: Callable[[Collection[Any]], Iterable[tuple[Any, R]]]
    ) -> None:
        self.table = table
        self.changed: dict[Any, R] = {}
        self._read = read
        self._rows: dict[Any, R | None] = {}
        self._wanted: set[Any] = set()

    def want(self, keys: Iterable[Any]) -> None:
        """Name keys that will be asked for."""
        self._wanted.update(keys)

    def fetch(self) -> None:
        """Read what is wanted and not known yet."""
        missing = self._wanted.difference(self._rows)
        self._wanted.clear()
        if missing:
            self._rows.update(dict.fromkeys(missing))
            self._rows.update(self._read(missing))

    def rows(self) -> list[R]:
        """Every row as far as they have been read or made; the database is not asked for more."""
        return [row for row in self._rows.values() if row is not None]

    def get(self, key: Any) -> R | None:
        """The row, or None when there is none."""
        try:
            return self._rows[key]
        except KeyError:
            self._wanted.add(key)
            self.fetch()
            return self._rows[key]

    def known(self, key: Any) -> R | None:
        """The row as far as it has been read or made; the database is not asked for it."""
        return self._rows.get(key)

    def knows(self, key: Any) -> bool:
        """Whether the row, or that there is none, has been read."""
        return key in self._rows

    def put(self, key: Any, row: R) -> None:
        """Add or change a row; it is written at the flush."""
        self._rows[key] = row
        self.changed[key] = row

    def learn(self, rows: Iterable[tuple[Any, R]]) -> None:
        """Take in rows that were read by another way; what is known already stays."""
        for key, row in rows:
            self._rows.setdefault(key, row)


class Work:
    """One stream in one transaction. Everything that it hands out is private to this batch."""

    def __init__(
        self, sql: Sql, stream: str, now_ms: int, plans: Plans, row: Sequence[Any]
    ) -> None:
        self.sql = sql
        self.stream = stream
        self.now_ms = now_ms
        head, epoch, _owner_url, quarantine, kind = row
        self.head: int = head
        self.quarantine_level: int = quarantine
        self.is_house: bool = kind == "house"
        self._began_at: int = head
        self._epoch: int = epoch
        self._lost: frozenset[str] | None = None
        self._hubs: dict[str, str] = {}
        self._generation = ""
        self._plans = plans
        self._plan: tuple[SeatingPlan, Event] | None = None
        self.claims: Kept[Claim] = Kept(schema.claim, self._read_claims)
        self.allots: Kept[Allot] = Kept(schema.allot, self._by_id(schema.allot, Allot))
        self.pools: Kept[Pool] = Kept(schema.pool, self._by_id(schema.pool, Pool))
        self.shares: Kept[Share] = Kept(schema.share, self._read_shares)
        self.journals: Kept[Journal] = Kept(schema.journal, self._read_journals)
        self.orders: Kept[Order] = Kept(schema.orders, self._by_id(schema.orders, Order))
        self.tickets: Kept[TicketRow] = Kept(schema.ticket, self._by_id(schema.ticket, TicketRow))
        self.cases: Kept[Case] = Kept(schema.case, self._by_id(schema.case, Case))
        self.revocations: Kept[Revocation] = Kept(
            schema.revocation, self._by_id(schema.revocation, Revocation, "op_id")
        )
        self.entries: Kept[EntryRow] = Kept(
            schema.entry, self._by_id(schema.entry, EntryRow, "op_id")
        )
        self.buyers: Kept[BuyerRow] = Kept(
            schema.buyer, self._by_id(schema.buyer, BuyerRow, "order_id")
        )
        self.handouts: Kept[HandoutRow] = Kept(
            schema.handout, self._by_id(schema.handout, HandoutRow, "order_id")
        )
        self.credentials: Kept[CredentialRow] = Kept(
            schema.credential, self._by_id(schema.credential, CredentialRow, "ref")
        )
        self._whole: set[int] = set()  # performances whose every claim has been read
        self._free: dict[int, set[int]] = {}  # by performance, once somebody has asked
        self._agencies: dict[str, str] = {}
        self._clocks: dict[str, int] = {}
        self._told_clocks: dict[str, int] = {}
        self._entries_of: dict[str, list[str]] = {}
        self._entries_wanted: set[str] = set()
        self._docs: dict[str, str | None] = {}
        self._case_kinds: set[str] = set()  # of which every open one has been read
        self.freed: set[UnitKey] = set()
        """Units that were somebody's before this, until somebody has looked who waits for them."""
        self.ops: list[OpRow] = []
        self.ledger: list[LedgerLine] = []

    @staticmethod
    def begin(sql: Sql, stream: str, now_ms: int, plans: Plans, owner: Owner | None = None) -> Work:
        """Lock the stream for this transaction. Raises UnknownStream or NotOwner."""
        row = sql.row(
            "SELECT head, epoch, owner_url, quarantine, kind FROM stream "  # noqa: S608
            f"WHERE event_id = ?{sql.locked}",
            stream,
        )
        if row is None:
            raise UnknownStream(stream)
        if owner is not None and row[1] != owner.epoch:
            raise NotOwner(stream, row[2])
        return Work(sql, stream, now_ms, plans, row)

    @property
    def quarantine(self) -> bool:
        """Whether everybody must report before anything is lent or revoked."""
        return self.quarantine_level == ALL_REPORT

    def awaits(self, node_id: str) -> bool:
        """Whether what this node says of units must wait until it has reported."""
        if self.quarantine_level != LOST_REPORT:
            return self.quarantine
        if self._lost is None:
            rows = self.sql.rows(
                "SELECT node_id FROM quarantine WHERE event_id = ? AND state = 'lost'", self.stream
            )
            self._lost = frozenset(row[0] for row in rows)
        return node_id in self._lost or self.hub_of(node_id) in self._lost

    def hub_of(self, node_id: str) -> str:
        """The hub that a node is below, "" for one that calls the centre itself."""
        if node_id not in self._hubs:
            row = self.sql.row("SELECT hub FROM node WHERE id = ?", node_id)
            self._hubs[node_id] = row[0] if row is not None else ""
        return self._hubs[node_id]

    def may_sell_for(self, node_id: str, holder: str) -> bool:
        """Whether a node sells what is lent to `holder`: to itself, or to the hub it is below."""
        return holder == node_id or (holder != "" and holder == self.hub_of(node_id))

    def forget_lost(self) -> None:
        """Who is lost has changed."""
        self._lost = None

    @property
    def generation(self) -> str:
        """The short id of the present history, as the database has it: what new ids are made of.

        Never from memory: a process that has not noticed a restore would give ids out again.
        """
        if not self._generation:
            row = self.sql.row(
                "SELECT short FROM generation ORDER BY started_ms DESC, id DESC LIMIT 1"
            )
            assert row is not None, "every database has a generation"
            self._generation = row[0]
        return self._generation

    @property
    def plan(self) -> SeatingPlan:
        """The event's seating plan."""
        return self._catalogue()[0]

    @property
    def event(self) -> Event:
        """The event as last imported."""
        return self._catalogue()[1]

    def _catalogue(self) -> tuple[SeatingPlan, Event]:
        if self._plan is None:
            self._plan = self._plans(self.sql, self.stream)
            assert self._plan is not None, f"{self.stream} has no catalogue"
        return self._plan

    # --- reading

    def fetch(self) -> None:
        """Read everything that was named with `want`."""
        for kept in (
            self.claims,
            self.allots,
            self.pools,
            self.shares,
            self.journals,
            self.orders,
            self.tickets,
            self.revocations,
            self.entries,
            self.buyers,
            self.handouts,
            self.credentials,
        ):
            kept.fetch()
        self._fetch_entries()

    def claim(self, performance: int, unit: int) -> Claim:
        """Who has a unit; a new, free row when nobody ever had it."""
        key = (performance, unit)
        if performance in self._whole and not self.claims.knows(key):
            return Claim(self.stream, performance, unit)
        found = self.claims.get(key)
        return found if found is not None else Claim(self.stream, performance, unit)

    def claims_of(self, performance: int) -> dict[int, Claim]:
        """Every claim row of a performance that was ever written, by unit."""
        found = self.sql.select(
            columns_of(schema.claim),
            "FROM claim WHERE event_id = ? AND perf_id = ?",
            self.stream,
            performance,
        )
        rows = [Claim(*row) for row in found]
        self.claims.learn(((row.perf_id, row.unit), row) for row in rows)
        self._whole.add(performance)
        known = {row.unit: self.claim(performance, row.unit) for row in rows}
        for (perf_id, unit), row in self.claims.changed.items():
            if perf_id == performance:
                known[unit] = row
        return known

    def free_units(self, performance: int) -> Set[int]:
        """The units of the plan that nobody has. Counted once, and kept right from then on."""
        free = self._free.get(performance)
        if free is None:
            known = self.claims_of(performance)
            units = (unit for area in self.plan.areas for unit in area.units)
            taken = {unit for unit, claim in known.items() if claim.kind != ClaimKind.FREE}
            free = self._free[performance] = {unit for unit in units if unit not in taken}
        return free

    def journal(self, node_id: str, incarnation: int) -> Journal:
        """How far a journal has come; an empty one that is not written down yet."""
        found = self.journals.get((node_id, incarnation))
        if found is not None:
            return found
        return Journal(self.stream, node_id, incarnation, 0, ROOT_HASH, "open")

    def want_entries(self, ticket_ids: Iterable[str]) -> None:
        """Name tickets whose entries will be asked for."""
        self._entries_wanted.update(ticket_ids)

    def entries_of(self, ticket_id: str) -> list[EntryRow]:
        """Every entry of a ticket, in no certain order."""
        if ticket_id not in self._entries_of:
            self._entries_wanted.add(ticket_id)
            self._fetch_entries()
        found = [self.entries.get(op_id) for op_id in self._entries_of[ticket_id]]
        return [entry for entry in found if entry is not None]

    def open_cases(self, kind: str) -> list[Case]:
        """Every open case of a kind, the oldest first."""
        if kind not in self._case_kinds:
            rows = self.sql.select(
                columns_of(schema.case),
                "FROM case_file WHERE event_id = ? AND kind = ? AND state = 'open'",
                self.stream,
                kind,
            )
            self.cases.learn((row[1], Case(*row)) for row in rows)
            self._case_kinds.add(kind)
        found = [case for case in self.cases.rows() if (case.kind, case.state) == (kind, "open")]
        return sorted(found, key=lambda case: (case.opened_ms, case.id))

    def credentials_of(self, ticket_id: str) -> list[CredentialRow]:
        """Every chip that stands for a ticket, or stood for it last, in no certain order."""
        rows = self.sql.select(
            columns_of(schema.credential),
            "FROM credential WHERE event_id = ? AND ticket_id = ?",
            self.stream,
            ticket_id,
        )
        self.credentials.learn((row[1], CredentialRow(*row)) for row in rows)
        here = [self.credentials.get(row[1]) for row in rows]
        made = self.credentials.changed.values()
        every = {row.ref: row for row in (*here, *made) if row is not None}
        return [row for row in every.values() if row.ticket_id == ticket_id]

    def agency_of(self, node_id: str) -> str:
        """The agency whose window a node is; '' for the house's own, and for what is no node."""
        if node_id not in self._agencies:
            row = self.sql.row("SELECT agency FROM node WHERE id = ?", node_id)
            self._agencies[node_id] = row[0] if row is not None else ""
        return self._agencies[node_id]

    def told_clock(self, node_id: str, ahead_ms: int | None) -> None:
        """By how much a node's clock is ahead of ours, as it told with its operations; or nothing."""
        if ahead_ms is not None:
            self._told_clocks[node_id] = ahead_ms

    def keep_told_clock(self, node_id: str) -> None:
        """Write down what a node told of its clock, unless this history has had its greeting."""
        if node_id in self._told_clocks:
            self.sql.run(
                "UPDATE node SET clock_offset_ms = ? WHERE id = ? AND hello_session = ''",
                self._told_clocks[node_id],
                node_id,
            )

    def by_our_clock(self, node_id: str, wall_ms: int) -> int:
        """What our clock showed when a node's showed this; as far apart as at the last greeting.

        A node greets before it pushes what it did while it was cut off. Where this history has not
        had its greeting yet, the clock counts that it told with its operations: these may have been
        held up on their way, of which nothing warns, and so they don't outdo a greeting.
        """
        if node_id not in self._clocks:
            row = self.sql.row(
                "SELECT clock_offset_ms, hello_session FROM node WHERE id = ?", node_id
            )
            known_ms, session = row if row is not None else (0, "")
            told_ms = known_ms if session else self._told_clocks.get(node_id, known_ms)
            self._clocks[node_id] = told_ms
        return min(max(wall_ms - self._clocks[node_id], 1), _INSTANT_MS_MAX)

    def doc(self, kind: str) -> str | None:
        """The event's own document of a kind, as JSON text; None when there is none."""
        if kind not in self._docs:
            row = self.sql.row(
                "SELECT body FROM doc WHERE event_id = ? AND kind = ? AND id = ?",
                self.stream,
                kind,
                self.stream,
            )
            self._docs[kind] = row[0] if row is not None else None
        return self._docs[kind]

    # --- changing

    def put_doc(self, kind: str, body: str) -> None:
        """Write the event's own document of a kind, at once, under a revision of its own."""
        self.sql.run(
            "INSERT INTO doc (event_id, kind, id, body, rev) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (event_id, kind, id) DO UPDATE SET body = excluded.body, "
            "rev = excluded.rev",
            self.stream,
            kind,
            self.stream,
            body,
            self.take_rev(),
        )
        self._docs[kind] = body

    def take_rev(self) -> int:
        """A feed revision that nothing else gets: numbers are made of them."""
        self.head += 1
        return self.head

    def put_claim(self, claim: Claim) -> None:
        """Write a unit's claim."""
        self.claims.put((claim.perf_id, claim.unit), claim)
        if claim.kind in (ClaimKind.FREE, ClaimKind.RETURNED):
            self.freed.add((claim.perf_id, claim.unit))
        free = self._free.get(claim.perf_id)
        if free is not None and claim.kind != ClaimKind.FREE:
            free.discard(claim.unit)
        elif free is not None and self.plan.has_unit(claim.unit):
            free.add(claim.unit)

    def put_entry(self, entry: EntryRow) -> None:
        """Write an entry."""
        known = self._entries_of.get(entry.ticket_id)
        if known is not None and entry.op_id not in known:
            known.append(entry.op_id)
        self.entries.put(entry.op_id, entry)

    def put_journal(self, journal: Journal) -> None:
        """Write how far a journal has come."""
        self.journals.put((journal.node_id, journal.inc), journal)

    @property
    def has_changed(self) -> bool:
        """Whether the feed has anything new by this batch."""
        return self.head != self._began_at

    def flush(self) -> None:
        """Write what changed. Raises Stale when the database is not what we read.

        Afterwards `head` is the revision that shows everything of this batch.
        """
        for kept in self._fed():
            for row in kept.changed.values():
                row.was = row.rev
                self.head += 1
                row.rev = self.head
        for op in self.ops:
            op.rev = self.head if op.rev else 0
        if self.has_changed:
            self._move_head()
        if self.tickets.changed:  # revoked ones first: a unit has one valid ticket at any moment
            rows = sorted(self.tickets.changed.values(), key=lambda t: t.state == "valid")
            self.sql.write(schema.ticket, rows)
            self.tickets.changed.clear()
        if self.credentials.changed:  # a ticket has one living chip of a kind at any moment
            chips = sorted(self.credentials.changed.values(), key=lambda c: c.state == "bound")
            self.sql.write(schema.credential, chips)
            self.credentials.changed.clear()
        for kept in (*self._fed(), self.shares, self.journals, self.revocations):
            if kept.changed:
                self.sql.write(kept.table, list(kept.changed.values()))
                kept.changed.clear()
        self.sql.write(schema.op, self.ops)
        self.sql.write(schema.ledger, self.ledger)
        self.ops, self.ledger = [], []
        self._began_at = self.head

    def _fed(self) -> tuple[Kept[Any], ...]:
        return (
            self.allots,
            self.claims,
            self.pools,
            self.orders,
            self.tickets,
            self.entries,
            self.cases,
            self.buyers,
            self.handouts,
            self.credentials,
        )

    def _move_head(self) -> None:
        """Fencing and order in one statement: a superseded epoch moves nothing."""
        moved = self.sql.run(
            "UPDATE stream SET head = ? WHERE event_id = ? AND head = ? AND epoch = ?",
            self.head,
            self.stream,
            self._began_at,
            self._epoch,
        )
        if moved != 1:
            raise Stale(f"stream {self.stream} has moved on without us")

    # --- how each table is read

    def _by_id(
        self, table: Table, make: Callable[..., R], key: str = "id"
    ) -> Callable[[Collection[Any]], Iterable[tuple[Any, R]]]:
        columns, position = columns_of(table), [c.name for c in table.columns].index(key)

        def read(keys: Collection[Any]) -> Iterable[tuple[Any, R]]:
            condition, bound = self.sql.among(key, keys)
            rows = self.sql.select(
                columns,
                f"FROM {table.name} WHERE event_id = ? AND {condition}",
                self.stream,
                bound,
            )
            return [(row[position], make(*row)) for row in rows]

        return read

    def _read_claims(self, keys: Collection[UnitKey]) -> Iterable[tuple[UnitKey, Claim]]:
        rows = self.sql.select_units(columns_of(schema.claim), "claim", self.stream, keys)
        return [((row[1], row[2]), Claim(*row)) for row in rows]

    def _read_journals(self, keys: Collection[JournalKey]) -> Iterable[tuple[JournalKey, Journal]]:
        condition, bound = self.sql.among("node_id", {node_id for node_id, _inc in keys})
        rows = self.sql.select(
            columns_of(schema.journal),
            f"FROM journal WHERE event_id = ? AND {condition}",
            self.stream,
            bound,
        )
        return [((row[1], row[2]), Journal(*row)) for row in rows]

    def _read_shares(
        self, keys: Collection[tuple[str, str]]
    ) -> Iterable[tuple[tuple[str, str], Share]]:
        condition, bound = self.sql.among("allot_id", {allot_id for allot_id, _pool in keys})
        rows = self.sql.select(
            columns_of(schema.share),
            f"FROM share WHERE event_id = ? AND {condition}",
            self.stream,
            bound,
        )
        return [((row[1], row[2]), Share(*row)) for row in rows]

    def _fetch_entries(self) -> None:
        wanted = self._entries_wanted.difference(self._entries_of)
        self._entries_wanted.clear()
        if not wanted:
            return
        for ticket_id in wanted:
            self._entries_of[ticket_id] = []
        condition, bound = self.sql.among("ticket_id", wanted)
        rows = self.sql.select(
            columns_of(schema.entry),
            f"FROM entry WHERE event_id = ? AND {condition}",
            self.stream,
            bound,
        )
        self.entries.learn((row[1], EntryRow(*row)) for row in rows)
        for row in rows:
            self._entries_of[row[2]].append(row[1])
        for entry in self.entries.changed.values():  # of this batch, not written yet
            known = self._entries_of.get(entry.ticket_id)
            if known is not None and entry.op_id not in known:
                known.append(entry.op_id)

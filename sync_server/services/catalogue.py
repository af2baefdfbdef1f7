"""The catalogue in the database: a document per event in its own stream, and the house's.

Importing again changes what changed and nothing else; a change that would pull a lent or sold
place from under a ticket is refused.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, text

from sync_server.services.house import VENUE_KEY, put_meta
from sync_server.services.obstacles import Hindrance, Obstacle, obstacle
from sync_server.services.performance_rows import (
    BY_FILE,
    By,
    reasons_of_decisions,
    store_performances,
)
from sync_server.services.plan_store import PlanSource, keep_plan
from sync_server.store.sql import Sql
from sync_server.store.writer import Transaction
from ticketing.catalogue import (
    Catalogue,
    event_documents,
    parse_event_document,
    parse_venue_document,
    venue_document,
)
from ticketing.event import Event, Venue
from ticketing.pricing import PoolSize
from ticketing.seating import SeatingPlan

PLANS_CACHED_MAX = 64


@dataclass(frozen=True, slots=True)
class Stored:
    """The catalogue is in. `changed_count` documents got a new revision; 0: all was known."""

    venue_id: str
    event_count: int
    performance_count: int
    changed_count: int


@dataclass(frozen=True, slots=True)
class NotStored:
    """Nothing was changed, and why."""

    reasons: tuple[Obstacle, ...]


Plan = tuple[Venue, SeatingPlan, Event]


def store_catalogue(tx: Transaction, catalogue: Catalogue) -> Stored | NotStored:
    """Add or update the venue and the events of a catalogue; events not in it stay as they are.

    The first catalogue gives the database its venue.
    """
    lock_streams(tx, [catalogue.venue.id, *sorted(event.id for event in catalogue.events)])
    reasons = list(reasons_against(tx, catalogue))
    if reasons:
        return NotStored(tuple(reasons))
    venue_id = catalogue.venue.id
    if _venue_of(tx) is None:
        found_house(tx, venue_id)
    changed = _put_doc(tx, venue_id, "venue", venue_id, venue_document(catalogue.venue))
    for plan in catalogue.plans:
        keep_plan(tx, plan, PlanSource.IMPORT)
    for event_id, document in event_documents(catalogue):
        make_stream(tx, event_id, "event")
        event = catalogue.event(event_id)
        assert event is not None, "its document was made of it"
        unit_count = _plan_of(catalogue, event).unit_count
        changed += put_event(tx, venue_id, event, document, unit_count, BY_FILE)
    performance_count = sum(len(event.performances) for event in catalogue.events)
    return Stored(venue_id, len(catalogue.events), performance_count, changed)


def put_event(
    tx: Transaction,
    venue_id: str,
    event: Event,
    document: dict[str, Any],
    unit_count: int,
    by: By,
) -> int:
    """Write an event that nothing speaks against, under its lock; how many documents changed."""
    before = load_plan(tx, event.id)
    name = document["event"]["name"]
    changed = _put_doc(tx, venue_id, "event_list", event.id, {"id": event.id, "name": name})
    changed += _put_doc(tx, event.id, "event", event.id, document)
    store_performances(
        tx,
        event,
        unit_count,
        before=before[2] if before is not None else None,
        by=by,
        rev=document_rev(tx, event.id),
    )
    for size in event.price_rules.pools:
        if not _has_pool(tx, event, size):
            _store_pool(tx, event, size)
    return changed


def document_rev(source: Connection | Transaction, event_id: str) -> int:
    """The revision of an event's document; 0 of one that there is not."""
    connection = source.connection if isinstance(source, Transaction) else source
    found = connection.execute(
        text("SELECT rev FROM doc WHERE event_id = :e AND kind = 'event' AND id = :e"),
        {"e": event_id},
    ).scalar()
    return int(found or 0)


def lock_streams(tx: Transaction, streams: Iterable[str]) -> None:
    """Keep every other writer of these streams out until the commit, the first named first."""
    for stream in streams:
        tx.run("UPDATE stream SET head = head WHERE event_id = :e", e=stream)


def load_plan(source: Connection | Transaction, event_id: str) -> Plan | None:
    """Venue, seating plan and event as last imported; None for an unknown event.

    Parsing takes tens of milliseconds, so the result is kept until the document's revision moves.
    """
    connection = source.connection if isinstance(source, Transaction) else source
    key = {"e": event_id}
    rev = connection.execute(
        text("SELECT rev FROM doc WHERE event_id = :e AND kind = 'event' AND id = :e"), key
    ).scalar()
    if rev is None:
        return None
    known = _plans.get(connection.engine, event_id, int(rev))
    if known is None:
        body = connection.execute(
            text("SELECT body FROM doc WHERE event_id = :e AND kind = 'event' AND id = :e"), key
        ).scalar_one()
        known = parse_event_document(json.loads(body), source=f"event {event_id}")
        # A revision of a transaction that is still open may be rolled back and used again.
        if not isinstance(source, Transaction) or event_id not in source.touched:
            _plans.put(connection.engine, event_id, int(rev), known)
    return known


def note_performances(tx: Transaction, event_id: str) -> None:
    """Count performances and places anew, of an event whose document this transaction wrote."""
    loaded = load_plan(tx, event_id)
    if loaded is not None:
        _venue, plan, event = loaded
        store_performances(tx, event, plan.unit_count)


def load_venue(connection: Connection, venue_id: str) -> Venue:
    """The venue as last imported; LookupError when it never was."""
    body = connection.execute(
        text("SELECT body FROM doc WHERE event_id = :v AND kind = 'venue' AND id = :v"),
        {"v": venue_id},
    ).scalar()
    if body is None:
        raise LookupError(f"no venue {venue_id!r}")
    return parse_venue_document(json.loads(body), source=f"venue {venue_id}")


class PlanShelf:
    """Parsed plans of one database, each as of its document's revision. For one thread."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[int, tuple[SeatingPlan, Event]]] = {}

    def __call__(self, sql: Sql, event_id: str) -> tuple[SeatingPlan, Event] | None:
        """The plan and the event as last imported and committed; None for no event."""
        known = "FROM doc WHERE event_id = ? AND kind = 'event' AND id = ?"
        row = sql.row(f"SELECT rev {known}", event_id, event_id)
        if row is None:
            return None
        kept = self._kept.get(event_id)
        if kept is None or kept[0] != row[0]:
            body = sql.row(f"SELECT body {known}", event_id, event_id)
            assert body is not None, "it was there a moment ago, in this very transaction"
            _venue, plan, event = parse_event_document(
                json.loads(body[0]), source=f"event {event_id}"
            )
            if len(self._kept) >= PLANS_CACHED_MAX:
                self._kept.pop(next(iter(self._kept)))
            kept = self._kept[event_id] = (row[0], (plan, event))
        return kept[1]


class _Plans:
    """Parsed plans per database: event -> (revision, plan). Used by the writer and the readers."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_engine: WeakKeyDictionary[Engine, dict[str, tuple[int, Plan]]] = (
            WeakKeyDictionary()
        )

    def get(self, engine: Engine, event_id: str, rev: int) -> Plan | None:
        with self._lock:
            found = self._by_engine.get(engine, {}).get(event_id)
        return found[1] if found and found[0] == rev else None

    def put(self, engine: Engine, event_id: str, rev: int, plan: Plan) -> None:
        with self._lock:
            plans = self._by_engine.setdefault(engine, {})
            plans.pop(event_id, None)
            if len(plans) >= PLANS_CACHED_MAX:
                plans.pop(next(iter(plans)))
            plans[event_id] = (rev, plan)


_plans = _Plans()


def reasons_against(tx: Transaction, catalogue: Catalogue) -> Iterable[Obstacle]:
    """Why a catalogue cannot be stored as it is; nothing when it can. Only reads."""
    ours = _venue_of(tx)
    if ours is not None and ours != catalogue.venue.id:
        yield obstacle(Hindrance.OTHER_VENUE, ours=ours, theirs=catalogue.venue.id)
        return
    for event in catalogue.events:
        yield from reasons_against_event(tx, event, _plan_of(catalogue, event))
        yield from reasons_of_decisions(tx, event)


def reasons_against_event(tx: Transaction, event: Event, plan: SeatingPlan) -> Iterable[Obstacle]:
    """Why an event cannot be stored as it is; nothing when it can.

    What was sold is only looked through for what the stored document has and this one has not:
    a large house has a million rows, and every sale waits for the writer meanwhile.
    """
    stored = load_plan(tx, event.id)
    if stored is None or _numbers(stored[2]) - _numbers(event):
        yield from _reasons_of_performances(tx, event)
    if stored is None or not _spans(stored[1]) <= _spans(plan):
        yield from _reasons_of_places(tx, event, plan)
    if stored is None or stored[2].currency != event.currency:
        yield from _reasons_of_money(tx, event)
    yield from _reasons_of_pools(tx, event)
    yield from _reasons_of_numbers(tx, event)


def _numbers(event: Event) -> set[int]:
    return {performance.number for performance in event.performances}


def _spans(plan: SeatingPlan) -> set[tuple[int, int]]:
    return {span for area in plan.areas for span in area.unit_spans}


def _reasons_of_performances(tx: Transaction, event: Event) -> Iterable[Obstacle]:
    used = {
        int(row[0])
        for row in tx.rows("SELECT DISTINCT perf_id FROM claim WHERE event_id = :e", e=event.id)
    }
    for number in sorted(used - _numbers(event)):
        yield obstacle(Hindrance.PERFORMANCE_GONE, event=event.id, number=number)


def _reasons_of_places(tx: Transaction, event: Event, plan: SeatingPlan) -> Iterable[Obstacle]:
    taken = tx.rows(
        "SELECT perf_id, unit FROM claim WHERE event_id = :e AND kind <> 'free' "
        "ORDER BY perf_id, unit",
        e=event.id,
    )
    lost = [(int(row[0]), int(row[1])) for row in taken if not plan.has_unit(int(row[1]))]
    if lost:
        yield obstacle(
            Hindrance.PLACES_GONE,
            event=event.id,
            count=len(lost),
            plan=plan.id,
            number=lost[0][0],
            unit=lost[0][1],
        )


def _reasons_of_money(tx: Transaction, event: Event) -> Iterable[Obstacle]:
    sold_in = tx.rows(
        "SELECT DISTINCT currency FROM orders WHERE event_id = :e AND currency <> :c",
        e=event.id,
        c=event.currency,
    )
    if sold_in:
        yield obstacle(
            Hindrance.OTHER_CURRENCY, event=event.id, sold=sold_in[0][0], currency=event.currency
        )


def _reasons_of_pools(tx: Transaction, event: Event) -> Iterable[Obstacle]:
    changed = [size for size in event.price_rules.pools if not _has_pool(tx, event, size)]
    row = tx.row("SELECT quarantine FROM stream WHERE event_id = :e", e=event.id)
    if changed and row is not None and row[0]:
        yield obstacle(Hindrance.QUARANTINE, event=event.id)
    for size in changed:
        row = tx.row(
            "SELECT lent, spent FROM pool WHERE event_id = :e AND id = :p", e=event.id, p=size.id
        )
        used = row[0] + row[1] if row is not None else 0
        if used > size.capacity:
            yield obstacle(
                Hindrance.POOL_TOO_SMALL,
                event=event.id,
                used=used,
                pool=size.id,
                capacity=size.capacity,
            )


def _reasons_of_numbers(tx: Transaction, event: Event) -> Iterable[Obstacle]:
    for performance in event.performances:
        row = tx.row(
            "SELECT event_id FROM performance WHERE perf_id = :p AND event_id <> :e",
            p=performance.number,
            e=event.id,
        )
        if row is not None:
            yield obstacle(
                Hindrance.NUMBER_TAKEN, event=event.id, number=performance.number, other=row[0]
            )


def _venue_of(tx: Transaction) -> str | None:
    row = tx.row("SELECT v FROM meta WHERE k = :k", k=VENUE_KEY)
    return None if row is None else str(row[0])


def found_house(tx: Transaction, venue_id: str) -> None:
    """The house gets its stream, and who was there before joins its feed."""
    put_meta(tx, VENUE_KEY, venue_id)
    make_stream(tx, venue_id, "house")
    for row in tx.rows("SELECT id FROM person WHERE rev = 0 ORDER BY id"):
        tx.run("UPDATE person SET rev = :rev WHERE id = :id", rev=tx.next_rev(venue_id), id=row[0])


def make_stream(tx: Transaction, event_id: str, kind: str) -> None:
    """A stream that nothing is in yet, unless it is there."""
    tx.run(
        "INSERT INTO stream (event_id, kind, head) VALUES (:e, :kind, 0) "
        "ON CONFLICT (event_id) DO NOTHING",
        e=event_id,
        kind=kind,
    )


def _put_doc(tx: Transaction, event_id: str, kind: str, doc_id: str, body: dict[str, Any]) -> int:
    """Write a document under a new revision unless it is there already; 1 when written."""
    written = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    key = {"e": event_id, "kind": kind, "id": doc_id}
    row = tx.row("SELECT body FROM doc WHERE event_id = :e AND kind = :kind AND id = :id", **key)
    if row is not None and row[0] == written:
        return 0
    tx.run(
        "INSERT INTO doc (event_id, kind, id, body, rev) VALUES (:e, :kind, :id, :body, :rev) "
        "ON CONFLICT (event_id, kind, id) DO UPDATE SET body = excluded.body, rev = excluded.rev",
        **key,
        body=written,
        rev=tx.next_rev(event_id),
    )
    return 1


def _has_pool(tx: Transaction, event: Event, size: PoolSize) -> bool:
    row = tx.row("SELECT capacity FROM pool WHERE event_id = :e AND id = :p", e=event.id, p=size.id)
    return row is not None and row[0] == size.capacity


def _store_pool(tx: Transaction, event: Event, size: PoolSize) -> None:
    """Give a counter pool its size; that no less is lent or spent was checked before.

    One that no rule names any more stays, for what is lent of it.
    """
    tx.run(
        "INSERT INTO pool (event_id, id, capacity, free, lent, spent, rev) "
        "VALUES (:e, :p, :c, :c, 0, 0, :rev) ON CONFLICT (event_id, id) DO UPDATE SET "
        "capacity = excluded.capacity, free = excluded.capacity - pool.lent - pool.spent, "
        "rev = excluded.rev",
        e=event.id,
        p=size.id,
        c=size.capacity,
        rev=tx.next_rev(event.id),
    )


def _plan_of(catalogue: Catalogue, event: Event) -> SeatingPlan:
    """The event's plan; `parse_catalogue` has checked that it is there."""
    plan = catalogue.plan(event.plan_id)
    if plan is None:
        raise LookupError(f"event {event.id!r} names no plan of its catalogue")
    return plan

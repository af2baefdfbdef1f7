"""What the centre tells, taken into the hub's own database under revisions of its own feed.

The centre's word stands for everything but entries: those are facts of gates below the hub as well,
and two accounts of one entry are joined. Of what we are lent, which till has it stays (`hub.stock`). Rows that say what we have already are no news.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from sync_server.heart.arbiters import ARBITER_DOC, read_arbiter
from sync_server.heart.double_entries import GRANTED, look_for_cases
from sync_server.heart.rows import (
    Allot,
    BuyerRow,
    Case,
    Claim,
    CredentialRow,
    EntryRow,
    HandoutRow,
    Order,
    TicketRow,
)
from sync_server.heart.work import Kept, Plans, Work
from sync_server.hub.stock import merge_claim, merge_own
from sync_server.services.catalogue import make_stream, note_performances
from sync_server.services.feed import NODE_OWN
from sync_server.store import schema
from sync_server.store.sql import Sql
from sync_server.store.writer import Transaction
from ticketing.credential import CredentialState
from ticketing.ticket import TicketState

R = TypeVar("R")
Columns = Mapping[str, Any]
_NOT_TOLD = frozenset({"event_id", "rev", "was"})


@dataclass(frozen=True, slots=True)
class FromCentre:
    """A page of one stream's feed. `rows`: table and columns, in order of their revisions."""

    stream: str
    rows: Sequence[tuple[str, Columns]]
    generation: str
    next_rev: int
    more: bool


def take_in(
    tx: Transaction, venue_id: str, plans: Plans, page: FromCentre, hub_id: str = ""
) -> int:
    """Everything of the page and how far we are with it, in the caller's transaction.

    Gives the head of our own feed that shows it all.
    """
    if page.stream == venue_id:
        _take_house(tx, venue_id, page.rows)
    else:
        _take_event(tx, plans, page, hub_id)
    _note_position(tx, page)
    row = tx.row("SELECT head FROM stream WHERE event_id = :e", e=page.stream)
    assert row is not None, "a page is of a stream that we follow"
    return int(row.head)


def positions(tx_rows: Iterable[Any]) -> tuple[str, dict[str, int]]:
    """Of which history of the centre's we have read, and how far: from rows of `upstream`."""
    rows = list(tx_rows)
    generations = {row.generation for row in rows} - {""}
    assert len(generations) <= 1, "one history at a time"
    return next(iter(generations), ""), {row.event_id: int(row.rev) for row in rows}


def begin_again(tx: Transaction, generation: str) -> None:
    """The centre lives in another history: read everything anew, and pass everything on anew."""
    tx.run("UPDATE upstream SET generation = :g, rev = 0, whole_epoch = 0", g=generation)
    tx.run("UPDATE relayed SET seq = 0, hash = :h, state = 'open'", h="0" * 64)


def disown(tx: Transaction) -> None:
    """The centre does not know us any more: we answer no gate until it has told us everything."""
    tx.run("UPDATE upstream SET whole_epoch = 0")


# --- the house


def _take_house(tx: Transaction, venue_id: str, rows: Sequence[tuple[str, Columns]]) -> None:
    for table, columns in rows:
        if table == "doc":
            _put_doc(tx, venue_id, columns)
            if columns["kind"] == "event_list":
                follow(tx, columns["id"])
        elif table == "node":
            _put_node(tx, venue_id, columns)
        elif table == "person":
            _put_person(tx, venue_id, columns)


def follow(tx: Transaction, stream: str) -> None:
    """A stream of the centre's that we read from now on."""
    make_stream(tx, stream, "event")
    tx.run(
        "INSERT INTO upstream (event_id, generation, rev) SELECT :e, "
        "coalesce(max(generation), ''), 0 FROM upstream WHERE true "
        "ON CONFLICT (event_id) DO NOTHING",
        e=stream,
    )


def _put_node(tx: Transaction, venue_id: str, told: Columns) -> None:
    """A node as the centre has it; what is known of its contact with us stays."""
    known = tx.row("SELECT * FROM node WHERE id = :id", id=told["id"])
    names = [column.name for column in schema.node.columns if column.name in told]
    if known is not None and all(getattr(known, name) == told[name] for name in names):
        return
    # A key that changes its owner is told in two rows; ours may hold the older of them.
    tx.run(
        "UPDATE node SET key_id = :other WHERE key_id = :key AND id <> :id",
        other=secrets.token_hex(4),
        key=told["key_id"],
        id=told["id"],
    )
    values = {name: told[name] for name in names} | {"rev": tx.next_rev(venue_id)}
    if known is None:
        values = dict.fromkeys(NODE_OWN, 0) | {"hello_session": "", "program_version": ""} | values
        _upsert(tx, "node", ("id",), values)
    else:
        changes = ", ".join(f"{name} = :{name}" for name in values)
        tx.run(f"UPDATE node SET {changes} WHERE id = :id", **values)  # noqa: S608 - our own names
    tx.run(  # as the centre did when the node began anew
        "UPDATE journal SET state = 'closed' WHERE node_id = :id AND inc < :inc AND state = 'open'",
        id=told["id"],
        inc=told["inc"],
    )


def _put_person(tx: Transaction, venue_id: str, told: Columns) -> None:
    """Somebody who may act at a gate; nobody signs in to a hub's console, for it has none."""
    known = tx.row("SELECT * FROM person WHERE id = :id", id=told["id"])
    names = [column.name for column in schema.person.columns if column.name in told]
    if known is not None and all(getattr(known, name) == told[name] for name in names):
        return
    values = {name: told[name] for name in names}
    values |= {"login": told["id"], "password_hash": "", "rev": tx.next_rev(venue_id)}
    _upsert(tx, "person", ("id",), values)


def _put_doc(tx: Transaction, stream: str, told: Columns) -> bool:
    key = {"event_id": stream, "kind": told["kind"], "id": told["id"]}
    known = tx.row(
        "SELECT body FROM doc WHERE event_id = :event_id AND kind = :kind AND id = :id", **key
    )
    if known is not None and known.body == told["body"]:
        return False
    values = {**key, "body": told["body"], "rev": tx.next_rev(stream)}
    _upsert(tx, "doc", tuple(key), values)
    return True


def _upsert(tx: Transaction, table: str, key: Sequence[str], values: Mapping[str, Any]) -> None:
    """Our own names only; every value is bound."""
    names = ", ".join(values)
    bound = ", ".join(f":{name}" for name in values)
    changes = ", ".join(f"{name} = excluded.{name}" for name in values if name not in key)
    tx.run(
        f"INSERT INTO {table} ({names}) VALUES ({bound}) "  # noqa: S608 - our own names
        f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET {changes}",
        **values,
    )


# --- an event


def _take_event(tx: Transaction, plans: Plans, page: FromCentre, hub_id: str) -> None:
    of: dict[str, list[Columns]] = {}
    for table, columns in page.rows:
        of.setdefault(table, []).append(columns)
    is_new = [_put_doc(tx, page.stream, doc) for doc in of.get("doc", ())]
    if any(is_new):
        note_performances(tx, page.stream)
    work = Work.begin(Sql.of(tx.connection), page.stream, tx.now_ms, plans)
    _put_rows(
        work,
        work.allots,
        Allot,
        of.get("allot", ()),
        lambda row: row.id,
        lambda row: merge_own(work.allots.get(row.id), row, hub_id),
    )
    _put_rows(
        work,
        work.claims,
        Claim,
        of.get("claim", ()),
        lambda row: (row.perf_id, row.unit),
        lambda row: merge_claim(work, row, hub_id),
    )
    _put_rows(work, work.orders, Order, of.get("orders", ()), lambda row: row.id)
    _put_rows(work, work.buyers, BuyerRow, of.get("buyer", ()), lambda row: row.order_id)
    _put_rows(work, work.handouts, HandoutRow, of.get("handout", ()), lambda row: row.order_id)
    _put_tickets(work, of.get("ticket", ()))
    _put_credentials(work, of.get("credential", ()))
    _put_rows(work, work.cases, Case, of.get("case_file", ()), lambda row: row.id)
    entered = _put_entries(work, of.get("entry", ()))
    if plans(work.sql, page.stream) is not None:
        for ticket_id in sorted(entered):
            look_for_cases(work, ticket_id)
    if work.has_changed or any(kept.changed for kept in _kept(work)):
        work.flush()
        tx.touched.add(page.stream)


def _kept(work: Work) -> tuple[Kept[Any], ...]:
    of_sales = (work.claims, work.allots, work.orders, work.tickets, work.buyers, work.handouts)
    return *of_sales, work.cases, work.entries, work.credentials


def _put_rows(
    work: Work,
    kept: Kept[R],
    make: Callable[..., R],
    told: Iterable[Columns],
    key_of: Callable[[R], object],
    merge: Callable[[R], None] = lambda _row: None,
) -> None:
    rows = [_row(work, make, columns) for columns in told]
    kept.want(key_of(row) for row in rows)
    kept.fetch()
    for row in rows:
        merge(row)
        known = kept.get(key_of(row))
        if known is None or not _is_same(known, row):
            row.rev = known.rev if known is not None else 0  # type: ignore[attr-defined]
            kept.put(key_of(row), row)


def _put_tickets(work: Work, told: Sequence[Columns]) -> None:
    """Of two tickets of a unit that we hear of apart, the one told as valid now is the valid one."""
    _put_rows(work, work.tickets, TicketRow, told, lambda row: row.id)
    valid = {
        (row.perf_id, row.unit): row.id
        for row in work.tickets.changed.values()
        if row.state == TicketState.VALID
    }
    if not valid:
        return
    condition, bound = work.sql.among("unit", sorted({unit for _perf, unit in valid}))
    found = work.sql.rows(
        f"SELECT id, perf_id, unit FROM ticket WHERE event_id = ? AND state = 'valid' "  # noqa: S608
        f"AND {condition}",
        work.stream,
        bound,
    )
    for ticket_id, perf_id, unit in found:
        row = work.tickets.get(ticket_id)
        is_over = valid.get((perf_id, unit), ticket_id) != ticket_id
        if is_over and row is not None and row.state == TicketState.VALID:
            row.state = TicketState.VOID.value  # its own row is on its way
            work.tickets.put(ticket_id, row)


def _put_credentials(work: Work, told: Iterable[Columns]) -> None:
    """A tap that we let in counts before the centre hears of it. Of two chips of a kind that stand
    for a ticket, as we hear of them apart, the one told now does.
    """
    for row in [_row(work, CredentialRow, columns) for columns in told]:
        known = work.credentials.get(row.ref)
        if known is not None:
            row.rev, row.counter = known.rev, max(row.counter, known.counter)
        if known is None or not _is_same(known, row):
            work.credentials.put(row.ref, row)
        if row.state != CredentialState.BOUND:
            continue
        for other in work.credentials_of(row.ticket_id):
            same = (other.kind, other.state) == (row.kind, CredentialState.BOUND)
            if same and other.ref != row.ref:
                other.state = CredentialState.UNBOUND.value  # its own row is on its way
                work.credentials.put(other.ref, other)


def _put_entries(work: Work, told: Iterable[Columns]) -> set[str]:
    """Join what the centre knows of entries with what we know; gives the tickets concerned."""
    rows = [_row(work, EntryRow, columns) for columns in told]
    work.entries.want(row.op_id for row in rows)
    work.want_entries(row.ticket_id for row in rows)
    work.fetch()
    for row in rows:
        known = work.entries.get(row.op_id)
        if known is None:
            work.put_entry(row)
            continue
        phase = row.phase if known.phase == GRANTED else known.phase
        journalled = max(known.journalled, row.journalled)
        if (phase, journalled) != (known.phase, known.journalled):
            known.phase, known.journalled = phase, journalled
            work.put_entry(known)
    return {row.ticket_id for row in rows}


def _row(work: Work, make: Callable[..., R], told: Columns) -> R:
    """Columns that only a newer centre has are left out."""
    known = {each.name for each in fields(make)} - _NOT_TOLD  # type: ignore[arg-type]
    return make(event_id=work.stream, **{k: v for k, v in told.items() if k in known})


def _is_same(one: object, other: object) -> bool:
    names = (each.name for each in fields(one) if each.name not in _NOT_TOLD)  # type: ignore[arg-type]
    return all(getattr(one, name) == getattr(other, name) for name in names)


def _note_position(tx: Transaction, page: FromCentre) -> None:
    """How far we are; what was asked of us about the gates counts once we have read it all."""
    tx.run(
        "UPDATE upstream SET generation = :g, rev = :r WHERE event_id = :e",
        g=page.generation,
        r=page.next_rev,
        e=page.stream,
    )
    if page.more:
        return
    # After a loss of ours everything has been told anew by now.
    tx.run(
        "UPDATE stream SET quarantine = 0 WHERE event_id = :e AND quarantine <> 0", e=page.stream
    )
    row = tx.row(
        "SELECT body FROM doc WHERE event_id = :e AND kind = :k AND id = :e",
        e=page.stream,
        k=ARBITER_DOC,
    )
    tx.run(
        "UPDATE upstream SET whole_epoch = :epoch WHERE event_id = :e",
        epoch=read_arbiter(row.body if row is not None else None).epoch,
        e=page.stream,
    )

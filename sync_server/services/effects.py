"""What each operation does to the centre's rows, and the verdict it earns.

The node has already acted: the ticket is printed, the person is inside. So a fact is recorded
even when it should not have happened, and what is wrong with it becomes a case.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text

from sync_server.services.cases import CaseKind, open_case
from sync_server.services.permissions import NodeRole
from sync_server.store.writer import Transaction
from ticketing.event import Event
from ticketing.journal import Op, OpKind, Verdict
from ticketing.operations import (
    EntryGranted,
    Release,
    Sale,
    SaleLine,
    decode_entry,
    decode_print,
    decode_release,
    decode_sale,
    decode_signed_in,
)
from ticketing.order import OrderState
from ticketing.ticket import TicketState


@dataclass(frozen=True, slots=True)
class Source:
    """Whose journal an operation comes from; `event` is None for the house journal."""

    node_id: str
    role: NodeRole
    incarnation: int
    stream: str
    event: Event | None


@dataclass(frozen=True, slots=True)
class Effect:
    """Verdict, a code when it is not plain `ok`, and the last feed revision it made (0: none)."""

    verdict: Verdict
    code: str
    rev: int


_OP_VERSION = 1  # of the bodies that this server reads; a later kind of body is kept unread
_KINDS_OF = {
    NodeRole.TILL: frozenset(OpKind) - {OpKind.ENTRY},
    NodeRole.GATE: frozenset({OpKind.ENTRY}),
}
_IN_HOUSE = frozenset({OpKind.SIGN_IN, OpKind.SIGN_OUT})
_NOTED = Effect(Verdict.OK, "", 0)
_MALFORMED = Effect(Verdict.REJECTED, "malformed", 0)


def apply_op(tx: Transaction, source: Source, op: Op) -> Effect:
    """Apply one operation of a node's journal. A stolen gate cannot sell, nor a till let in."""
    refused = _refused_unread(source, op)
    if refused:
        return Effect(Verdict.REJECTED, refused, 0)
    if op.kind in _IN_HOUSE:
        return _NOTED if decode_signed_in(op.body) else _MALFORMED
    node_id, stream = source.node_id, source.stream
    assert source.event is not None, "kinds of the house have been dealt with"
    if op.kind == OpKind.SALE:
        sale = decode_sale(op.body)
        return _sell(tx, source, source.event, sale, op) if sale else _MALFORMED
    if op.kind == OpKind.RELEASE:
        release = decode_release(op.body)
        return _release(tx, node_id, stream, release) if release else _MALFORMED
    if op.kind == OpKind.ENTRY:
        entry = decode_entry(op.body)
        if entry is None:
            return _MALFORMED
        return record_entry(tx, node_id, stream, entry, op.op_id, journalled=True)
    return _NOTED if decode_print(op.body) else _MALFORMED


def _refused_unread(source: Source, op: Op) -> str:
    """Why an operation has no effect whatever its body says; '' when it may have one."""
    if op.kind not in tuple(OpKind) or (source.event is None and op.kind not in _IN_HOUSE):
        return "unknown_kind"
    if op.version != _OP_VERSION:
        return "unknown_version"
    return "" if op.kind in _KINDS_OF[source.role] else "forbidden_kind"


def _sell(tx: Transaction, source: Source, event: Event, sale: Sale, op: Op) -> Effect:
    """Book order, tickets and money; a line whose unit the till did not hold is disputed."""
    stream, node_id = event.id, source.node_id
    first = tx.next_rev(stream, 2 * len(sale.lines) + 1)
    disputed = [
        line
        for index, line in enumerate(sale.lines)
        if not _claim_sold(tx, stream, node_id, line, first + index)
    ]
    _insert_tickets(tx, stream, sale, disputed, first + len(sale.lines))
    last = first + 2 * len(sale.lines)
    _insert_order(tx, source, sale, op, last)
    book_cash(tx, stream, node_id, sale, op.op_id)
    _check_prices(tx, event, sale)
    if not disputed:
        return Effect(Verdict.OK, "", last)
    body = {
        "node": node_id,
        "order": sale.order_id,
        "tickets": [line.ticket_id for line in disputed],
        "units": [[line.performance, line.unit] for line in disputed],
    }
    open_case(tx, stream, CaseKind.OVERSOLD, sale.order_id, body)
    return Effect(Verdict.DISPUTED, "not_held", last)


def _claim_sold(tx: Transaction, stream: str, node_id: str, line: SaleLine, rev: int) -> bool:
    """Turn the till's own claim into a sale; the database decides whether it was the till's."""
    changed = tx.run(
        "UPDATE claim SET kind = 'sold', ref = :ticket, rev = :rev "
        "WHERE event_id = :e AND perf_id = :p AND unit = :u AND kind = 'allot' "
        "AND ref = :allot AND node_id = :n AND version = :v",
        ticket=line.ticket_id,
        rev=rev,
        e=stream,
        p=line.performance,
        u=line.unit,
        allot=str(line.allotment),
        n=node_id,
        v=line.version,
    )
    return changed == 1


def _insert_tickets(
    tx: Transaction, stream: str, sale: Sale, disputed: list[SaleLine], first_rev: int
) -> None:
    tx.connection.execute(
        text(
            "INSERT INTO ticket (event_id, id, order_id, perf_id, unit, version, state, allot_id, "
            "tier_id, ticket_type_id, price_minor, rev) VALUES (:e, :id, :o, :p, :u, :v, :state, "
            ":allot, :tier, :type, :price, :rev)"
        ),
        [
            {
                "e": stream,
                "id": line.ticket_id,
                "o": sale.order_id,
                "p": line.performance,
                "u": line.unit,
                "v": line.version,
                "state": TicketState.DISPUTED if line in disputed else TicketState.VALID,
                "allot": str(line.allotment),
                "tier": line.tier_id,
                "type": line.ticket_type_id,
                "price": line.price_minor,
                "rev": first_rev + index,
            }
            for index, line in enumerate(sale.lines)
        ],
    )


def _insert_order(tx: Transaction, source: Source, sale: Sale, op: Op, rev: int) -> None:
    tx.run(
        "INSERT INTO orders (event_id, id, node_id, inc, seq, receipt_no, state, total_minor, "
        "currency, sold_by, sold_ms, rev) VALUES (:e, :id, :n, :inc, :seq, :receipt, :state, :total, "
        ":currency, :by, :sold, :rev)",
        e=source.stream,
        id=sale.order_id,
        n=source.node_id,
        inc=source.incarnation,
        seq=op.seq,
        receipt=sale.receipt_no,
        state=OrderState.PAID,
        total=sale.total_minor,
        currency=sale.currency,
        by=sale.sold_by,
        sold=op.wall_ms,
        rev=rev,
    )


def book_cash(tx: Transaction, stream: str, node_id: str, sale: Sale, op_id: str) -> None:
    """Two ledger lines that add up to nothing: cash in the till's drawer, and the sale."""
    for line, (account, amount) in enumerate(
        ((f"cash:{node_id}", sale.total_minor), ("sales", -sale.total_minor))
    ):
        tx.run(
            "INSERT INTO ledger (event_id, op_id, line, order_id, account, amount_minor, currency)"
            " VALUES (:e, :op, :line, :order, :account, :amount, :currency)",
            e=stream,
            op=op_id,
            line=line,
            order=sale.order_id,
            account=account,
            amount=amount,
            currency=sale.currency,
        )


def _check_prices(tx: Transaction, event: Event, sale: Sale) -> None:
    """A price that is not the list's is booked as it was paid, and shown as a case."""
    wrong = [
        {"ticket": line.ticket_id, "paid": line.price_minor, "list": listed}
        for line in sale.lines
        if (listed := _listed_minor(event, line)) != line.price_minor
    ]
    if wrong or sale.currency != event.currency:
        body = {"order": sale.order_id, "price_list": sale.price_list_version, "lines": wrong}
        open_case(tx, event.id, CaseKind.PRICE, sale.order_id, body)


def _listed_minor(event: Event, line: SaleLine) -> int | None:
    """The list's price of this very place; None when it has none, or is of another price tier."""
    try:
        tier_id = event.tier_of(line.unit)
    except KeyError:
        return None
    if tier_id != line.tier_id:
        return None
    return event.price(tier_id, line.ticket_type_id, line.performance)


def _release(tx: Transaction, node_id: str, stream: str, release: Release) -> Effect:
    """Free the units that the till still held of this allotment; others are left as they are."""
    rev = tx.next_rev(stream, len(release.units) + 1)
    freed = 0
    for index, unit in enumerate(release.units):
        freed += tx.run(
            "UPDATE claim SET kind = 'free', ref = '', node_id = '', rev = :rev "
            "WHERE event_id = :e AND perf_id = :p AND unit = :u AND kind = 'allot' "
            "AND ref = :allot AND node_id = :n",
            rev=rev + index,
            e=stream,
            p=release.performance,
            u=unit,
            allot=str(release.allotment),
            n=node_id,
        )
    last = rev + len(release.units)
    tx.run(
        "UPDATE allot SET state = 'closed', rev = :rev WHERE event_id = :e AND id = :id "
        "AND node_id = :n AND state = 'open' AND NOT EXISTS (SELECT 1 FROM claim "
        "WHERE event_id = :e AND ref = :id AND kind = 'allot')",
        rev=last,
        e=stream,
        id=str(release.allotment),
        n=node_id,
    )
    code = "" if freed == len(release.units) else "not_held"
    return Effect(Verdict.OK if not code else Verdict.REJECTED, code, last)


def record_entry(
    tx: Transaction, node_id: str, stream: str, entry: EntryGranted, op_id: str, *, journalled: bool
) -> Effect:
    """Record an entry once by its operation id, and open a case when it is not the only one.

    Rejected when the id already names an entry of another node or ticket.
    """
    rev = tx.next_rev(stream)
    written = tx.run(
        "INSERT INTO entry (event_id, op_id, ticket_id, perf_id, unit, node_id, lane, phase, "
        "at_ms, offline, journalled, rev) VALUES (:e, :op, :t, :p, :u, :n, :lane, 'granted', "
        ":at, :offline, :journalled, :rev) ON CONFLICT (event_id, op_id) DO UPDATE SET "
        "journalled = CASE WHEN excluded.journalled > entry.journalled THEN excluded.journalled "
        "ELSE entry.journalled END, rev = excluded.rev "
        "WHERE entry.node_id = excluded.node_id AND entry.ticket_id = excluded.ticket_id",
        e=stream,
        op=op_id,
        t=entry.ticket_id,
        p=entry.performance,
        u=entry.unit,
        n=node_id,
        lane=entry.lane,
        at=entry.at_ms,
        offline=int(entry.offline),
        journalled=int(journalled),
        rev=rev,
    )
    if not written:
        return Effect(Verdict.REJECTED, "contradiction", 0)
    entries = tx.rows(
        "SELECT op_id, node_id, lane, at_ms, offline FROM entry "
        "WHERE event_id = :e AND ticket_id = :t AND phase <> 'returned' ORDER BY at_ms, op_id",
        e=stream,
        t=entry.ticket_id,
    )
    if len(entries) > 1:
        body = {"ticket": entry.ticket_id, "entries": [row._asdict() for row in entries]}
        open_case(tx, stream, CaseKind.DOUBLE_ENTRY, entry.ticket_id, body)
    return Effect(Verdict.OK, "", rev)

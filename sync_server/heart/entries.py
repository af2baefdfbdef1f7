"""Entries, what became of them, and exits: facts of gates, and the cases that they make together.

A fact is recorded whatever it is. Whether a ticket was let in more often than its rule allows is
worked out anew from all its facts whenever one joins them, so their order of arrival is nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

from sync_server.heart.cases import CaseKind, close_case, open_case
from sync_server.heart.effect import Effect
from sync_server.heart.rows import EntryRow, TicketRow
from sync_server.heart.work import Work
from ticketing.admission import Entry, instant_of, is_more_than_allowed
from ticketing.ids import OpId
from ticketing.journal import Verdict
from ticketing.operations import EntryGranted, EntryPassage, TicketLeft
from ticketing.ticket import TicketState

GRANTED, LEFT = "granted", "left"
_COUNTED = frozenset({GRANTED, "passed"})
_OK = Effect(Verdict.OK, shows=True)
_CONTRADICTION = Effect(Verdict.REJECTED, "contradiction")


def record_at_gate(
    work: Work, node_id: str, op_id: str, fact: EntryGranted | EntryPassage | TicketLeft
) -> Effect:
    """Record what a gate's journal tells."""
    match fact:
        case EntryGranted():
            return record_entry(work, node_id, fact, op_id, journalled=True)
        case EntryPassage():
            return record_passage(work, node_id, fact)
        case TicketLeft():
            return record_exit(work, node_id, fact, op_id)


def record_entry(
    work: Work, node_id: str, entry: EntryGranted, op_id: str, *, journalled: bool
) -> Effect:
    """Record an entry once by its operation id, and open a case when it is more than allowed.

    Rejected when the id already names a fact of another node or ticket.
    """
    known = work.entries.get(op_id)
    if known is None:
        row = EntryRow(
            work.stream,
            op_id,
            entry.ticket_id,
            entry.performance,
            entry.unit,
            node_id,
            entry.lane,
            GRANTED,
            entry.at_ms,
            int(entry.offline),
            int(journalled),
            ticket_type=entry.ticket_type,
            by_hand=int(entry.by_hand is not None),
        )
        work.put_entry(row)
    elif (known.node_id, known.ticket_id, known.phase == LEFT) != (node_id, entry.ticket_id, False):
        return _CONTRADICTION
    else:
        known.journalled = max(known.journalled, int(journalled))
        work.put_entry(known)
    look_for_cases(work, entry.ticket_id)
    ticket = work.tickets.get(entry.ticket_id)
    if ticket is not None and ticket.state == TicketState.VOID:
        open_entered_case(work, ticket, op_id)
    return _OK


def record_exit(work: Work, node_id: str, left: TicketLeft, op_id: str) -> Effect:
    """Record that somebody went out, once; it may explain an entry that made a case."""
    known = work.entries.get(op_id)
    if known is not None:
        same = (known.node_id, known.ticket_id, known.phase) == (node_id, left.ticket_id, LEFT)
        return _OK if same else _CONTRADICTION
    row = EntryRow(
        work.stream,
        op_id,
        left.ticket_id,
        left.performance,
        left.unit,
        node_id,
        left.lane,
        LEFT,
        left.at_ms,
        offline=0,
        journalled=1,
        ticket_type=left.ticket_type,
    )
    work.put_entry(row)
    look_for_cases(work, left.ticket_id)
    return _OK


def record_passage(work: Work, node_id: str, passage: EntryPassage) -> Effect:
    """Note how a granted entry ended. The first word stands: a gate says it once."""
    known = work.entries.get(passage.entry)
    if known is None:
        return Effect(Verdict.REJECTED, "unknown_entry")
    if (known.node_id, known.ticket_id) != (node_id, passage.ticket_id):
        return _CONTRADICTION
    if known.phase != passage.phase.value:
        if known.phase != GRANTED:
            return _CONTRADICTION
        known.phase = passage.phase.value
        if known.phase not in _COUNTED:
            known.again = 0
        work.put_entry(known)
    look_for_cases(work, passage.ticket_id)
    return _OK


def look_for_cases(work: Work, ticket_id: str) -> None:
    """Open the case of a ticket that was let in too often; settle it when that is explained."""
    rows = work.entries_of(ticket_id)
    counted = sorted(counted_rows(rows), key=lambda row: (row.at_ms, row.op_id))
    too_many = _is_more_than_allowed(work, ticket_id, rows, counted)
    for place, row in enumerate(counted):
        again = int(place > 0 and not too_many)
        if row.again != again:
            row.again = again
            work.put_entry(row)
    if too_many:
        told = {"ticket": ticket_id, "entries": [_told(row) for row in counted]}
        open_case(work, CaseKind.DOUBLE_ENTRY, ticket_id, told)
    elif any(row.phase not in _COUNTED for row in rows):
        close_case(work, f"{CaseKind.DOUBLE_ENTRY}:{ticket_id}", {"why": "explained"})


def counted_rows(rows: Iterable[EntryRow]) -> list[EntryRow]:
    """The entries among a ticket's facts that count: granted, and not returned."""
    return [row for row in rows if row.phase in _COUNTED]


def exit_rows(rows: Iterable[EntryRow]) -> list[EntryRow]:
    """The exits among a ticket's facts."""
    return [row for row in rows if row.phase == LEFT]


def open_entered_case(work: Work, ticket: TicketRow, op_id: str) -> None:
    """Somebody is inside on a ticket whose money went back."""
    body = {"ticket": ticket.id, "order": ticket.order_id, "op": op_id}
    open_case(work, CaseKind.ENTERED_REVOKED, ticket.id, body)


def entry_of(row: EntryRow) -> Entry:
    """A row as the decision takes it."""
    return Entry(OpId(row.op_id), row.node_id, row.lane, instant_of(row.at_ms))


def _is_more_than_allowed(
    work: Work, ticket_id: str, rows: list[EntryRow], counted: list[EntryRow]
) -> bool:
    """By the rule of the ticket's type: the row's, or before the sale is known the code's.

    What two people let in by hand is more than the rule, and allowed.
    """
    by_rule = [row for row in counted if not row.by_hand]
    if len(by_rule) <= 1:
        return False
    event, ticket = work.event, work.tickets.get(ticket_id)
    kind = event.ticket_type_numbered(max(row.ticket_type for row in rows))
    type_id = ticket.ticket_type_id if ticket else kind.id if kind else ""
    rule = event.entry_rules.rule(type_id, ticket.perf_id if ticket else counted[0].perf_id)
    entries, exits = map(entry_of, by_rule), map(entry_of, exit_rows(rows))
    return is_more_than_allowed(list(entries), list(exits), rule, event.entry_rules.calendar)


def _told(row: EntryRow) -> dict[str, object]:
    return {
        "op_id": row.op_id,
        "node_id": row.node_id,
        "lane": row.lane,
        "at_ms": row.at_ms,
        "offline": row.offline,
    }

"""Tickets that were let in more often than their rule allows: found, explained as far as the facts
go, and told to the gates that did it.

All of it is worked out anew from a ticket's facts whenever one joins them, so their order of arrival
is nothing. What a clock showed wrong is measured once, when its gate tells of the fact, and kept.
"""

from __future__ import annotations

from collections.abc import Iterable

from sync_server.heart.cases import CaseKind, close_case, open_case
from sync_server.heart.rows import EntryRow
from sync_server.heart.work import Work
from ticketing.admission import (
    Entry,
    GateEntry,
    causes_of,
    instant_of,
    is_more_than_allowed,
)
from ticketing.ids import OpId

GRANTED, LEFT = "granted", "left"
COUNTED = frozenset({GRANTED, "passed"})
CLOCK_WRONG_MS = 60_000


def look_for_cases(work: Work, ticket_id: str) -> None:
    """Open the case of a ticket that was let in too often; settle it when that is explained."""
    rows = work.entries_of(ticket_id)
    counted = sorted(counted_rows(rows), key=lambda row: (row.at_ms, row.op_id))
    by_gates = _is_more_than_allowed(work, ticket_id, rows, counted)
    by_us = _is_more_than_allowed(work, ticket_id, rows, counted, by_our_clock=True)
    too_many = by_gates or by_us
    for place, row in enumerate(counted):
        again = int(place > 0 and not too_many)
        if row.again != again:
            row.again = again
            work.put_entry(row)
    if too_many:
        told = _body(counted, fits=not by_us)
        open_case(work, CaseKind.DOUBLE_ENTRY, ticket_id, told)
    elif any(row.phase not in COUNTED for row in rows):
        close_case(work, f"{CaseKind.DOUBLE_ENTRY}:{ticket_id}", {"why": "explained"})


def counted_rows(rows: Iterable[EntryRow]) -> list[EntryRow]:
    """The entries among a ticket's facts that count: granted, and not returned."""
    return [row for row in rows if row.phase in COUNTED]


def exit_rows(rows: Iterable[EntryRow]) -> list[EntryRow]:
    """The exits among a ticket's facts."""
    return [row for row in rows if row.phase == LEFT]


def entry_of(row: EntryRow, *, by_our_clock: bool = False) -> Entry:
    """A row as the decision takes it: by its gate's clock, or by the centre's where that is far off.

    A measured offset is a second wrong, or two; that must not turn a coming and a going around.
    """
    is_off = abs(row.at_ms - _corrected_ms(row)) > CLOCK_WRONG_MS
    at_ms = _corrected_ms(row) if by_our_clock and is_off else row.at_ms
    return Entry(OpId(row.op_id), row.node_id, row.lane, instant_of(at_ms))


def _corrected_ms(row: EntryRow) -> int:
    return row.corrected_ms or row.at_ms


def _is_more_than_allowed(
    work: Work,
    ticket_id: str,
    rows: list[EntryRow],
    counted: list[EntryRow],
    *,
    by_our_clock: bool = False,
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
    entries = [entry_of(row, by_our_clock=by_our_clock) for row in by_rule]
    exits = [entry_of(row, by_our_clock=by_our_clock) for row in exit_rows(rows)]
    return is_more_than_allowed(entries, exits, rule, event.entry_rules.calendar)


def _body(counted: list[EntryRow], *, fits: bool) -> dict[str, object]:
    """What the case says: every entry by the centre's clock, and what explains them together."""
    entries = sorted(counted, key=lambda row: (_corrected_ms(row), row.op_id))
    by_rule = [_gate_entry(row) for row in entries if not row.by_hand]
    first = entries[0]
    return {
        "ticket": first.ticket_id,
        "performance": first.perf_id,
        "unit": first.unit,
        "entries": [_told(row) for row in entries],
        "causes": list(causes_of(by_rule, fits_corrected=fits)),
    }


def _gate_entry(row: EntryRow) -> GateEntry:
    return GateEntry(
        OpId(row.op_id),
        row.node_id,
        row.lane,
        instant_of(row.at_ms),
        instant_of(_corrected_ms(row)),
        bool(row.offline),
        bool(row.journalled),
    )


def _told(row: EntryRow) -> dict[str, object]:
    told: dict[str, object] = {
        "op_id": row.op_id,
        "node_id": row.node_id,
        "lane": row.lane,
        "at_ms": _corrected_ms(row),
        "clock_off_ms": row.at_ms - _corrected_ms(row),
        "offline": row.offline,
        "heard": row.journalled,
    }
    return {**told, "by": row.people.split()} if row.people else told

"""Entries that a hub's arbiter granted: facts at once, before the gates' own journals tell of them."""

from __future__ import annotations

from dataclasses import dataclass

from sync_server.heart.double_entries import GRANTED, look_for_cases
from sync_server.heart.entries import give_again, open_entered_case
from sync_server.heart.rows import EntryRow
from sync_server.heart.work import Work
from ticketing.ticket import TicketState

GRANTED_PER_CALL_MAX = 500


@dataclass(frozen=True, slots=True)
class Granted:
    """One of them. `node_id`: the gate that asked. `at_ms`: by the hub's clock."""

    op_id: str
    node_id: str
    ticket_id: str
    perf_id: int
    unit: int
    lane: str
    at_ms: int
    ticket_type: int


@dataclass(frozen=True, slots=True)
class TakeGranted:
    """Record each once by its operation id; the gate's journal makes it `journalled` later.

    `hub`: by whose clock the entries' times are.
    """

    stream: str
    entries: tuple[Granted, ...]
    hub: str = ""

    def want(self, work: Work) -> None:
        """Name the entries and their tickets."""
        work.entries.want(entry.op_id for entry in self.entries)
        work.tickets.want(entry.ticket_id for entry in self.entries)
        work.want_entries(entry.ticket_id for entry in self.entries)

    def apply(self, work: Work) -> int:
        """How many were new. One that the hub granted once more is by the later time."""
        return sum(_record(work, entry, self.hub) for entry in self.entries)


def _record(work: Work, told: Granted, hub: str) -> bool:
    corrected_ms = work.by_our_clock(hub, told.at_ms)
    known = work.entries.get(told.op_id)
    if known is not None:
        ours = (known.node_id, known.ticket_id) == (told.node_id, told.ticket_id)
        if ours and told.at_ms != known.at_ms and corrected_ms > known.corrected_ms:
            give_again(work, known, told.at_ms, corrected_ms)
        return False
    row = EntryRow(
        work.stream,
        told.op_id,
        told.ticket_id,
        told.perf_id,
        told.unit,
        told.node_id,
        told.lane,
        GRANTED,
        told.at_ms,
        offline=0,
        journalled=0,
        ticket_type=told.ticket_type,
        corrected_ms=corrected_ms,
    )
    work.put_entry(row)
    look_for_cases(work, told.ticket_id)
    ticket = work.tickets.get(told.ticket_id)
    if ticket is not None and ticket.state == TicketState.VOID:
        open_entered_case(work, ticket, told.op_id)
    return True

"""Entries, what became of them, exits, and blocks: facts of gates.

A fact is recorded whatever it is, and whenever it arrives; `double_entries.py` looks what the facts
of a ticket come to.
"""

from __future__ import annotations

from sync_server.heart.blocks import record_block
from sync_server.heart.cases import CaseKind, open_case
from sync_server.heart.credentials import note_tap
from sync_server.heart.double_entries import COUNTED, GRANTED, LEFT, look_for_cases
from sync_server.heart.effect import Effect
from sync_server.heart.rows import EntryRow, TicketRow
from sync_server.heart.work import Work
from ticketing.journal import Op, Verdict
from ticketing.operations import EntryGranted, EntryPassage, TicketBlocked, TicketLeft
from ticketing.ticket import TicketState

_OK = Effect(Verdict.OK, shows=True)
_CONTRADICTION = Effect(Verdict.REJECTED, "contradiction")


def record_at_gate(
    work: Work,
    node_id: str,
    op: Op,
    fact: EntryGranted | EntryPassage | TicketLeft | TicketBlocked,
) -> Effect:
    """Record what a gate's journal tells."""
    if isinstance(fact, TicketBlocked):
        return record_block(work, fact)
    if isinstance(fact, EntryPassage):
        return record_passage(work, node_id, fact)
    corrected_ms = work.by_our_clock(node_id, op.wall_ms)
    if isinstance(fact, TicketLeft):
        return record_exit(work, node_id, fact, op.op_id, corrected_ms)
    return record_entry(work, node_id, fact, op.op_id, corrected_ms, journalled=True)


def record_entry(
    work: Work,
    node_id: str,
    entry: EntryGranted,
    op_id: str,
    corrected_ms: int,
    *,
    journalled: bool,
) -> Effect:
    """Record an entry once by its operation id, and open a case when it is more than allowed.

    `corrected_ms` is when it was by the centre's clock. Rejected when the id already names a fact of another node or ticket.
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
            people=f"{entry.by_hand.by} {entry.by_hand.second}" if entry.by_hand else "",
            corrected_ms=corrected_ms,
        )
        work.put_entry(row)
    elif (known.node_id, known.ticket_id, known.phase == LEFT) != (node_id, entry.ticket_id, False):
        return _CONTRADICTION
    else:
        if entry.offline and not known.offline:  # it never heard us, and let them in by itself
            give_again(work, known, entry.at_ms, corrected_ms)
        known.journalled = max(known.journalled, int(journalled))
        work.put_entry(known)
    if entry.by_credential is not None:
        note_tap(work, entry.ticket_id, entry.by_credential)
    look_for_cases(work, entry.ticket_id)
    ticket = work.tickets.get(entry.ticket_id)
    if ticket is not None and ticket.state == TicketState.VOID:
        open_entered_case(work, ticket, op_id)
    return _OK


def give_again(work: Work, entry: EntryRow, at_ms: int, corrected_ms: int) -> None:
    """An entry that was granted, and by which nobody had gone in yet: now they do.

    Does nothing once the gate's journal has told of it: that says when it was.
    """
    if entry.journalled:
        return
    entry.at_ms, entry.corrected_ms = at_ms, corrected_ms
    work.put_entry(entry)
    look_for_cases(work, entry.ticket_id)


def record_exit(
    work: Work, node_id: str, left: TicketLeft, op_id: str, corrected_ms: int
) -> Effect:
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
        corrected_ms=corrected_ms,
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
        if known.phase not in COUNTED:
            known.again = 0
        work.put_entry(known)
    look_for_cases(work, passage.ticket_id)
    return _OK


def open_entered_case(work: Work, ticket: TicketRow, op_id: str) -> None:
    """Somebody is inside on a ticket whose money went back."""
    body = {"ticket": ticket.id, "order": ticket.order_id, "op": op_id}
    open_case(work, CaseKind.ENTERED_REVOKED, ticket.id, body)

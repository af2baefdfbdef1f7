"""What a gate writes into its journal: entries, how they ended, and exits; each with its own row."""

from __future__ import annotations

from edge.journal import Unit, append
from gate_agent.facts import GRANTED, LEFT
from ticketing.admission import ByHand
from ticketing.code import TicketCode
from ticketing.credential import NO_COUNTER
from ticketing.ids import OpId
from ticketing.journal import OpKind
from ticketing.operations import (
    ByCredential,
    EntryGranted,
    EntryPassage,
    TicketLeft,
    Unread,
    encode_entry,
    encode_left,
    encode_passage,
)


def granted(
    code: TicketCode,
    lane: str,
    now_ms: int,
    *,
    offline: bool,
    by_hand: ByHand | None = None,
    unread: Unread | None = None,
    is_read: bool = True,
    by_credential: ByCredential | None = None,
    ticket_type: int = 0,
) -> EntryGranted:
    """The entry of a code at a lane; not `is_read`: of a ticket that was found by its row, or by the
    chip that stands for it, which alone tells the `ticket_type` then.
    """
    facts = code.facts
    return EntryGranted(
        facts.ticket_id,
        facts.performance,
        facts.unit,
        facts.version,
        facts.key_id if is_read else None,
        facts.allotment if is_read else None,
        lane,
        now_ms,
        offline,
        facts.ticket_type if is_read else ticket_type,
        by_hand,
        unread,
        by_credential,
    )


def write_entry(
    unit: Unit,
    stream: str,
    op_id: OpId,
    entry: EntryGranted,
    wall_ms: int,
    *,
    commanded_ms: int = 0,
) -> None:
    """Record an entry; unless it says otherwise, its barrier has not been commanded."""
    append(unit, stream, OpKind.ENTRY, encode_entry(entry), op_id=op_id, wall_ms=wall_ms)
    _put(unit, stream, op_id, entry, GRANTED, commanded_ms=commanded_ms)
    if entry.by_credential is not None:
        note_tap(unit, entry.by_credential)


def note_tap(unit: Unit, by: ByCredential) -> None:
    """A tap was let in here: nothing up to it opens again."""
    if by.counter != NO_COUNTER:
        unit.execute(
            "INSERT INTO chip_tap (ref, counter) VALUES (?, ?) ON CONFLICT (ref) "
            "DO UPDATE SET counter = max(counter, excluded.counter)",
            (by.ref, by.counter),
        )


def write_exit(unit: Unit, stream: str, op_id: OpId, left: TicketLeft, wall_ms: int) -> None:
    """Record that somebody went out."""
    append(unit, stream, OpKind.EXIT, encode_left(left), op_id=op_id, wall_ms=wall_ms)
    _put(unit, stream, op_id, left, LEFT, commanded_ms=wall_ms)


def write_passage(
    unit: Unit, stream: str, op_id: OpId, passage: EntryPassage, wall_ms: int
) -> bool:
    """Record how an entry of ours ended. False, and nothing is written, when that is known."""
    changed = unit.execute(
        "UPDATE entry SET phase = ? WHERE stream = ? AND op_id = ? AND phase = ?",
        (passage.phase.value, stream, passage.entry, GRANTED),
    ).rowcount
    if changed:
        body = encode_passage(passage)
        append(unit, stream, OpKind.PASSAGE, body, op_id=op_id, wall_ms=wall_ms)
    return bool(changed)


def is_ours(unit: Unit, op_id: OpId) -> bool:
    """Whether our journal has an operation of this id."""
    return unit.execute("SELECT 1 FROM op WHERE op_id = ?", (op_id,)).fetchone() is not None


def is_unfinished(unit: Unit, stream: str, op_id: OpId, code: TicketCode) -> bool:
    """Whether this is an entry of the ticket whose barrier never moved."""
    row = unit.execute(
        "SELECT 1 FROM entry WHERE stream = ? AND op_id = ? AND ticket_id = ? "
        "AND commanded_ms = 0 AND phase = ?",
        (stream, op_id, code.facts.ticket_id, GRANTED),
    ).fetchone()
    return row is not None


def _put(
    unit: Unit,
    stream: str,
    op_id: OpId,
    fact: EntryGranted | TicketLeft,
    phase: str,
    *,
    commanded_ms: int,
) -> None:
    unit.execute(
        "INSERT INTO entry (stream, op_id, ticket_id, performance, unit, version, lane, at_ms, "
        "commanded_ms, phase) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            stream,
            op_id,
            fact.ticket_id,
            fact.performance,
            fact.unit,
            fact.version,
            fact.lane,
            fact.at_ms,
            commanded_ms,
            phase,
        ),
    )

"""What became of an entry at the barrier, and somebody going out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ticketing.ids import OpId, TicketId, is_op_id, is_ticket_id, is_u32
from ticketing.operations.fields import (
    is_instant,
    is_name,
    is_ticket_type,
    is_version,
    to_object,
    to_text,
)


class Passed(StrEnum):
    """How a granted entry ended. Stored and sent, never renamed."""

    PASSED = "passed"  # the person went through
    RETURNED = "returned"  # nobody did: the entry does not count


@dataclass(frozen=True, slots=True)
class EntryPassage:
    """The entry `entry` of a ticket ended so.

    By the passage contact; or by somebody at the gate, whose id is `by`.
    """

    entry: OpId
    ticket_id: TicketId
    phase: Passed
    at_ms: int
    by: str = ""


@dataclass(frozen=True, slots=True)
class TicketLeft:
    """Somebody went out with a ticket at a lane. `ticket_type` is the number in its code."""

    ticket_id: TicketId
    performance: int
    unit: int
    version: int
    ticket_type: int
    lane: str
    at_ms: int


def encode_passage(passage: EntryPassage) -> str:
    """A passage as its body text."""
    return to_text(
        {
            "entry": passage.entry,
            "ticket": passage.ticket_id,
            "phase": passage.phase.value,
            "at_ms": passage.at_ms,
            **({"by": passage.by} if passage.by else {}),
        }
    )


def decode_passage(body: str) -> EntryPassage | None:
    """The passage, or None."""
    raw = to_object(body)
    if not (
        is_op_id(raw.get("entry"))
        and is_ticket_id(raw.get("ticket"))
        and raw.get("phase") in tuple(Passed)
        and is_instant(raw.get("at_ms"))
        and (is_name(raw.get("by")) or "by" not in raw)
    ):
        return None
    return EntryPassage(
        OpId(raw["entry"]),
        TicketId(raw["ticket"]),
        Passed(raw["phase"]),
        raw["at_ms"],
        raw.get("by", ""),
    )


def encode_left(left: TicketLeft) -> str:
    """An exit as its body text."""
    return to_text(
        {
            "ticket": left.ticket_id,
            "performance": left.performance,
            "unit": left.unit,
            "version": left.version,
            "type": left.ticket_type,
            "lane": left.lane,
            "at_ms": left.at_ms,
        }
    )


def decode_left(body: str) -> TicketLeft | None:
    """The exit, or None."""
    raw = to_object(body)
    if not (
        is_ticket_id(raw.get("ticket"))
        and is_u32(raw.get("performance"))
        and is_u32(raw.get("unit"))
        and is_version(raw.get("version"))
        and is_ticket_type(raw.get("type"))
        and is_name(raw.get("lane"))
        and is_instant(raw.get("at_ms"))
    ):
        return None
    return TicketLeft(
        TicketId(raw["ticket"]),
        raw["performance"],
        raw["unit"],
        raw["version"],
        raw["type"],
        raw["lane"],
        raw["at_ms"],
    )

"""Somebody at a gate blocks a ticket, or lifts that: whoever comes with it is not let in for now."""

from __future__ import annotations

from dataclasses import dataclass

from ticketing.ids import TicketId, is_ticket_id
from ticketing.operations.fields import is_instant, is_name, to_object, to_text

BLOCK_CHARS_MAX = 120


@dataclass(frozen=True, slots=True)
class TicketBlocked:
    """`by` says so, for this reason; with `lifted` it is over."""

    ticket_id: TicketId
    by: str
    reason: str
    lifted: bool
    at_ms: int


def is_block_reason(raw: object) -> bool:
    """Whether gates can tell this as the reason: 1 to 120 printable characters, none at its ends
    that nobody sees.
    """
    return (
        isinstance(raw, str)
        and 0 < len(raw) <= BLOCK_CHARS_MAX
        and raw.isprintable()
        and raw == raw.strip()
    )


def encode_blocked(blocked: TicketBlocked) -> str:
    """A block as its body text."""
    return to_text(
        {
            "ticket": blocked.ticket_id,
            "by": blocked.by,
            "reason": blocked.reason,
            "lifted": blocked.lifted,
            "at_ms": blocked.at_ms,
        }
    )


def decode_blocked(body: str) -> TicketBlocked | None:
    """The block, or None."""
    raw = to_object(body)
    if not (
        is_ticket_id(raw.get("ticket"))
        and is_name(raw.get("by"))
        and is_block_reason(raw.get("reason"))
        and isinstance(raw.get("lifted"), bool)
        and is_instant(raw.get("at_ms"))
    ):
        return None
    return TicketBlocked(
        TicketId(raw["ticket"]), raw["by"], raw["reason"], raw["lifted"], raw["at_ms"]
    )

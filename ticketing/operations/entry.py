"""An entry: a gate let a ticket in."""

from __future__ import annotations

from dataclasses import dataclass

from ticketing.ids import AllotmentId, KeyId, TicketId, is_key_id, is_ticket_id, is_u32
from ticketing.operations.fields import (
    is_instant,
    is_name,
    is_ticket_type,
    is_version,
    to_object,
    to_text,
)


@dataclass(frozen=True, slots=True)
class EntryGranted:
    """A lane let a ticket in. `offline`: decided without the arbiter's answer.

    `ticket_type` is the number in the code; 0 in what gates wrote before they told it.
    """

    ticket_id: TicketId
    performance: int
    unit: int
    version: int
    key_id: KeyId
    allotment: AllotmentId
    lane: str
    at_ms: int
    offline: bool
    ticket_type: int = 0


def encode_entry(entry: EntryGranted) -> str:
    """An entry as its body text."""
    return to_text(
        {
            "phase": "granted",
            "ticket": entry.ticket_id,
            "performance": entry.performance,
            "unit": entry.unit,
            "version": entry.version,
            "key": entry.key_id,
            "allotment": str(entry.allotment),
            "lane": entry.lane,
            "at_ms": entry.at_ms,
            "offline": entry.offline,
            **({"type": entry.ticket_type} if entry.ticket_type else {}),
        }
    )


def decode_entry(body: str) -> EntryGranted | None:
    """The entry, or None."""
    raw = to_object(body)
    allotment = AllotmentId.parse(raw.get("allotment"))
    if not (
        raw.get("phase") == "granted"
        and allotment is not None
        and is_ticket_id(raw.get("ticket"))
        and is_u32(raw.get("performance"))
        and is_u32(raw.get("unit"))
        and is_version(raw.get("version"))
        and is_key_id(raw.get("key"))
        and is_name(raw.get("lane"))
        and is_instant(raw.get("at_ms"))
        and isinstance(raw.get("offline"), bool)
        and is_ticket_type(raw.get("type", 0))
    ):
        return None
    return EntryGranted(
        TicketId(raw["ticket"]),
        raw["performance"],
        raw["unit"],
        raw["version"],
        KeyId(raw["key"]),
        allotment,
        raw["lane"],
        raw["at_ms"],
        raw["offline"],
        raw.get("type", 0),
    )

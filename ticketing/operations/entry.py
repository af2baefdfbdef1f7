"""An entry: a gate let a ticket in."""

from __future__ import annotations

from dataclasses import dataclass

from ticketing.admission.by_hand import NOTE_CHARS_MAX, ByHand
from ticketing.admission.reasons import Reason
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

    `ticket_type` is the number in the code; 0 in what gates wrote before they told it. `by_hand`:
    two people let it in against the rules.
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
    by_hand: ByHand | None = None


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
            **({"by_hand": _by_hand_members(entry.by_hand)} if entry.by_hand else {}),
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
    by_hand = _read_by_hand(raw["by_hand"]) if "by_hand" in raw else None
    if "by_hand" in raw and by_hand is None:
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
        by_hand,
    )


def _by_hand_members(by_hand: ByHand) -> dict[str, object]:
    people = [by_hand.by, by_hand.second]
    return {"against": by_hand.against.value, "by": people, "note": by_hand.note}


def _read_by_hand(raw: object) -> ByHand | None:
    """Who let it in, or None. A reason that is not in our list is a newer gate's: not ours."""
    if not isinstance(raw, dict) or raw.get("against") not in tuple(Reason):
        return None
    people, note = raw.get("by"), raw.get("note")
    if not isinstance(people, list) or len(people) != len(("by", "second")):
        return None
    if not all(map(is_name, people)) or not isinstance(note, str) or len(note) > NOTE_CHARS_MAX:
        return None
    return ByHand(Reason(raw["against"]), people[0], people[1], note)

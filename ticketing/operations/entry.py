"""An entry: a gate let a ticket in."""

from __future__ import annotations

from dataclasses import dataclass

from ticketing.admission.by_hand import NOTE_CHARS_MAX, ByHand
from ticketing.admission.reasons import Reason
from ticketing.ids import AllotmentId, KeyId, TicketId, is_key_id, is_ticket_id, is_u32
from ticketing.operations.credential import (
    ByCredential,
    by_credential_from_wire,
    by_credential_to_wire,
)
from ticketing.operations.fields import (
    is_instant,
    is_name,
    is_ticket_type,
    is_version,
    to_object,
    to_text,
)


@dataclass(frozen=True, slots=True)
class Unread:
    """Somebody of the house (`by`, their id) let a ticket in whose code could not be read."""

    by: str
    note: str


@dataclass(frozen=True, slots=True)
class EntryGranted:
    """A lane let a ticket in. `offline`: decided without the arbiter's answer.

    `ticket_type` is the number in the code; 0 in what gates wrote before they told it. `by_hand`:
    two people let it in against the rules. Without its code, by what the feed tells of the ticket:
    no `key_id`, no `allotment`, and one person alone is `unread`. `by_credential`: by the chip that
    stands for it; without its code, too, where the chip does not say it.
    """

    ticket_id: TicketId
    performance: int
    unit: int
    version: int
    key_id: KeyId | None
    allotment: AllotmentId | None
    lane: str
    at_ms: int
    offline: bool
    ticket_type: int = 0
    by_hand: ByHand | None = None
    unread: Unread | None = None
    by_credential: ByCredential | None = None


def encode_entry(entry: EntryGranted) -> str:
    """An entry as its body text."""
    return to_text(
        {
            "phase": "granted",
            "ticket": entry.ticket_id,
            "performance": entry.performance,
            "unit": entry.unit,
            "version": entry.version,
            **({"key": entry.key_id} if entry.key_id else {}),
            **({"allotment": str(entry.allotment)} if entry.allotment else {}),
            "lane": entry.lane,
            "at_ms": entry.at_ms,
            "offline": entry.offline,
            **({"type": entry.ticket_type} if entry.ticket_type else {}),
            **({"by_hand": _by_hand_members(entry.by_hand)} if entry.by_hand else {}),
            **({"unread": _unread_members(entry.unread)} if entry.unread else {}),
            **_by_credential_members(entry.by_credential),
        }
    )


def decode_entry(body: str) -> EntryGranted | None:
    """The entry, or None."""
    raw = to_object(body)
    allotment = AllotmentId.parse(raw.get("allotment"))
    if not (
        raw.get("phase") == "granted"
        and (allotment is not None or "allotment" not in raw)
        and is_ticket_id(raw.get("ticket"))
        and is_u32(raw.get("performance"))
        and is_u32(raw.get("unit"))
        and is_version(raw.get("version"))
        and (is_key_id(raw.get("key")) or "key" not in raw)
        and is_name(raw.get("lane"))
        and is_instant(raw.get("at_ms"))
        and isinstance(raw.get("offline"), bool)
        and is_ticket_type(raw.get("type", 0))
    ):
        return None
    by_hand = _read_by_hand(raw["by_hand"]) if "by_hand" in raw else None
    unread = _read_unread(raw["unread"]) if "unread" in raw else None
    by_credential = by_credential_from_wire(raw.get("credential"))
    read = {"by_hand": by_hand, "unread": unread, "credential": by_credential}
    if any(name in raw and value is None for name, value in read.items()):
        return None
    return EntryGranted(
        TicketId(raw["ticket"]),
        raw["performance"],
        raw["unit"],
        raw["version"],
        KeyId(raw["key"]) if "key" in raw else None,
        allotment,
        raw["lane"],
        raw["at_ms"],
        raw["offline"],
        raw.get("type", 0),
        by_hand,
        unread,
        by_credential,
    )


def _by_credential_members(by: ByCredential | None) -> dict[str, object]:
    return {"credential": by_credential_to_wire(by)} if by else {}


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


def _unread_members(unread: Unread) -> dict[str, object]:
    return {"by": unread.by, "note": unread.note}


def _read_unread(raw: object) -> Unread | None:
    if not isinstance(raw, dict) or not is_name(raw.get("by")):
        return None
    note = raw.get("note")
    if not isinstance(note, str) or not note.strip() or len(note) > NOTE_CHARS_MAX:
        return None
    return Unread(raw["by"], note)

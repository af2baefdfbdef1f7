"""A refusal's facts as JSON members: between arbiter and gate, and on the gate's own line."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from ticketing.admission.facts import Entry
from ticketing.admission.reasons import Miss, MissKind
from ticketing.text import Text

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CHARS_MAX = 400
_MS_MAX = 4_102_444_800_000  # the year 2100


def entry_to_wire(entry: Entry | None) -> dict[str, object] | None:
    """An entry: `{op, node, lane, at_ms}`."""
    if entry is None:
        return None
    told = {"op": entry.op_id, "node": entry.node_id, "lane": entry.lane}
    return {**told, "at_ms": _ms(entry.at)}


def miss_to_wire(miss: Miss | None) -> dict[str, object] | None:
    """A miss: `{kind}`, with `at_ms`, `gate` and `note` where they say something."""
    if miss is None:
        return None
    told: dict[str, object] = {"kind": miss.kind.value}
    if miss.at is not None:
        told["at_ms"] = _ms(miss.at)
    if miss.gate is not None:
        told["gate"] = miss.gate.to_json()
    if miss.note:
        told["note"] = miss.note
    return told


def miss_from_wire(raw: object) -> Miss | None:
    """Read one. Total: None for anything else, and for a kind that only a newer server has."""
    if not isinstance(raw, Mapping) or raw.get("kind") not in tuple(MissKind):
        return None
    at_ms, note = raw.get("at_ms"), raw.get("note")
    noted = isinstance(note, str) and len(note) <= _CHARS_MAX
    at, gate = _instant(at_ms), _gate(raw.get("gate"))
    return Miss(MissKind(raw["kind"]), at, gate, str(note) if noted else "")


def instant_of(at_ms: int) -> datetime:
    """Unix milliseconds as an instant; a broken clock's, beyond the year 2100, as its beginning."""
    return _EPOCH + timedelta(milliseconds=min(at_ms, _MS_MAX))


def _instant(at_ms: object) -> datetime | None:
    if isinstance(at_ms, bool) or not isinstance(at_ms, int) or not 0 <= at_ms < _MS_MAX:
        return None
    return instant_of(at_ms)


def _gate(raw: object) -> Text | None:
    if not isinstance(raw, Mapping) or not raw:
        return None
    sound = all(
        isinstance(text, str) and 0 < len(text) <= _CHARS_MAX
        for pair in raw.items()
        for text in pair
    )
    return Text.from_names(dict(raw)) if sound else None


def _ms(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(milliseconds=1)

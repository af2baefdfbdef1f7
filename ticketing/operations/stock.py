"""What a node says of the units lent to it, other than selling them."""

from __future__ import annotations

from dataclasses import dataclass

from ticketing.ids import AllotmentId, is_u32
from ticketing.operations.fields import is_name, to_object, to_text

UNITS_MAX = 2_000
COUNTS_MAX = 100


@dataclass(frozen=True, slots=True)
class Release:
    """Units of one allotment given back unsold, and shares of counter pools: (pool, how many)."""

    performance: int
    allotment: AllotmentId
    units: tuple[int, ...]
    counts: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Settle:
    """The node is done with an allotment for good: everything in it that is unsold goes back."""

    performance: int
    allotment: AllotmentId


@dataclass(frozen=True, slots=True)
class Interest:
    """Somebody wants places while none may be sold: no money, no unit, nobody's name."""

    performance: int
    count: int
    note: str = ""


def encode_release(release: Release) -> str:
    """A release as its body text."""
    body: dict[str, object] = {
        "performance": release.performance,
        "allotment": str(release.allotment),
        "units": list(release.units),
    }
    counts = [[pool, count] for pool, count in release.counts]
    return to_text(body | {"counts": counts} if counts else body)


def decode_release(body: str) -> Release | None:
    """The release, or None.

    It gives back something; a unit or pool named twice, and more than UNITS_MAX units or
    COUNTS_MAX pools, are refused.
    """
    raw = to_object(body)
    allotment = AllotmentId.parse(raw.get("allotment"))
    units, counts = raw.get("units"), _counts(raw.get("counts", []))
    if allotment is None or not is_u32(raw.get("performance")) or not isinstance(units, list):
        return None
    if counts is None or not (units or counts):
        return None
    if len(units) > UNITS_MAX or not all(map(is_u32, units)) or len(set(units)) != len(units):
        return None
    return Release(raw["performance"], allotment, tuple(units), counts)


def encode_settle(settle: Settle) -> str:
    """A settlement as its body text."""
    return to_text({"performance": settle.performance, "allotment": str(settle.allotment)})


def decode_settle(body: str) -> Settle | None:
    """The settlement, or None."""
    raw = to_object(body)
    allotment = AllotmentId.parse(raw.get("allotment"))
    if allotment is None or not is_u32(raw.get("performance")):
        return None
    return Settle(raw["performance"], allotment)


def encode_interest(interest: Interest) -> str:
    """An interest as its body text."""
    body: dict[str, object] = {"performance": interest.performance, "count": interest.count}
    return to_text(body | {"note": interest.note} if interest.note else body)


def decode_interest(body: str) -> Interest | None:
    """The interest, or None; more than UNITS_MAX places at once are nobody's wish."""
    raw = to_object(body)
    count, note = raw.get("count"), raw.get("note", "")
    if not (
        is_u32(raw.get("performance"))
        and type(count) is int
        and 1 <= count <= UNITS_MAX
        and ("note" not in raw or is_name(note))
    ):
        return None
    return Interest(raw["performance"], count, note)


def _counts(raw: object) -> tuple[tuple[str, int], ...] | None:
    if not isinstance(raw, list) or len(raw) > COUNTS_MAX:
        return None
    counts = tuple(
        (pair[0], pair[1])
        for pair in raw
        if isinstance(pair, list) and len(pair) == 2 and is_name(pair[0]) and is_u32(pair[1])
    )
    if len(counts) != len(raw) or len({pool for pool, _ in counts}) != len(raw):
        return None
    return counts

"""What a gate notes of itself in the house journal: when it stood open, and who passed ungranted."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ticketing.ids import OpId, is_op_id
from ticketing.operations.fields import (
    is_count,
    is_instant,
    is_name,
    is_note,
    to_object,
    to_text,
)


class GateCause(StrEnum):
    """Why a gate stands open, or somebody passed without a grant. Stored, never renamed."""

    FIRE = "fire"
    HAND = "hand"  # somebody of the house opened it for a while
    TAILGATE = "tailgate"  # through a barrier that should have been shut
    OUT = "out"  # on the way out, without showing a ticket


_OPENS = frozenset({GateCause.FIRE, GateCause.HAND})


@dataclass(frozen=True, slots=True)
class GateOpened:
    """From now on everybody passes a lane. `by` is the person who opened it, "" for a fire."""

    lane: str
    cause: GateCause
    by: str
    note: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class GateShut:
    """The period that the operation `opened` began is over."""

    opened: OpId
    lane: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Walked:
    """So many people passed a lane without a grant, between two instants. `leads_out`: outwards."""

    lane: str
    cause: GateCause
    count: int
    leads_out: bool
    from_ms: int
    to_ms: int


def encode_gate_opened(opened: GateOpened) -> str:
    """An opening as its body text."""
    return to_text(
        {
            "lane": opened.lane,
            "cause": opened.cause.value,
            "by": opened.by,
            "note": opened.note,
            "at_ms": opened.at_ms,
        }
    )


def decode_gate_opened(body: str) -> GateOpened | None:
    """The opening, or None. Only a fire opens a gate by nobody."""
    raw = to_object(body)
    if not (
        is_name(raw.get("lane"))
        and raw.get("cause") in tuple(_OPENS)
        and (is_name(raw.get("by")) or (raw.get("by") == "" and raw["cause"] == GateCause.FIRE))
        and is_note(raw.get("note"))
        and is_instant(raw.get("at_ms"))
    ):
        return None
    return GateOpened(raw["lane"], GateCause(raw["cause"]), raw["by"], raw["note"], raw["at_ms"])


def encode_gate_shut(shut: GateShut) -> str:
    """A shutting as its body text."""
    return to_text({"opened": shut.opened, "lane": shut.lane, "at_ms": shut.at_ms})


def decode_gate_shut(body: str) -> GateShut | None:
    """The shutting, or None."""
    raw = to_object(body)
    if not (
        is_op_id(raw.get("opened")) and is_name(raw.get("lane")) and is_instant(raw.get("at_ms"))
    ):
        return None
    return GateShut(OpId(raw["opened"]), raw["lane"], raw["at_ms"])


def encode_walked(walked: Walked) -> str:
    """People without a grant as the body text."""
    return to_text(
        {
            "lane": walked.lane,
            "cause": walked.cause.value,
            "count": walked.count,
            "out": walked.leads_out,
            "from_ms": walked.from_ms,
            "to_ms": walked.to_ms,
        }
    )


def decode_walked(body: str) -> Walked | None:
    """People without a grant, or None."""
    raw = to_object(body)
    if not (
        is_name(raw.get("lane"))
        and raw.get("cause") in tuple(GateCause)
        and is_count(raw.get("count"))
        and raw["count"] > 0
        and isinstance(raw.get("out"), bool)
        and is_instant(raw.get("from_ms"))
        and is_instant(raw.get("to_ms"))
        and raw["from_ms"] <= raw["to_ms"]
    ):
        return None
    return Walked(
        raw["lane"],
        GateCause(raw["cause"]),
        raw["count"],
        raw["out"],
        raw["from_ms"],
        raw["to_ms"],
    )

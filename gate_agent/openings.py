"""Into the house journal: when a lane stood open, and who passed it without a grant."""

from __future__ import annotations

from edge.journal import Unit, append, get_meta
from ticketing.ids import OpId
from ticketing.journal import OpKind
from ticketing.operations import (
    GateOpened,
    GateShut,
    Walked,
    encode_gate_opened,
    encode_gate_shut,
    encode_walked,
)

_OPEN = "gate_open"


def write_opened(unit: Unit, op_id: OpId, opened: GateOpened, wall_ms: int) -> None:
    """Record that a lane stands open, and keep in mind that it does."""
    body = encode_gate_opened(opened)
    append(unit, _house(unit), OpKind.GATE_OPENED, body, op_id=op_id, wall_ms=wall_ms)
    unit.execute(
        "INSERT INTO meta (k, v) VALUES (?, ?) ON CONFLICT (k) DO UPDATE SET v = excluded.v",
        (f"{_OPEN}:{opened.cause}:{opened.lane}", op_id),
    )


def write_shut(unit: Unit, op_id: OpId, cause: str, lane: str, at_ms: int, wall_ms: int) -> bool:
    """Record the end of what `write_opened` began. False, and nothing is, when nothing was open."""
    key = f"{_OPEN}:{cause}:{lane}"
    opened = get_meta(unit, key)
    if not opened:
        return False
    body = encode_gate_shut(GateShut(OpId(opened), lane, at_ms))
    append(unit, _house(unit), OpKind.GATE_SHUT, body, op_id=op_id, wall_ms=wall_ms)
    unit.execute("DELETE FROM meta WHERE k = ?", (key,))
    return True


def write_walked(unit: Unit, op_id: OpId, walked: Walked, wall_ms: int) -> None:
    """Record people without a grant."""
    body = encode_walked(walked)
    append(unit, _house(unit), OpKind.WALKED, body, op_id=op_id, wall_ms=wall_ms)


def _house(unit: Unit) -> str:
    return get_meta(unit, "venue_id")

"""A parked basket as text: what was chosen, by whom, and what it cost then."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from pos_app.services.basket import Basket, Picked
from ticketing.pricing import AmountOff, Approval, AsHouse, Discounted, PercentOff, Role


@dataclass(frozen=True, slots=True)
class ParkedText:
    """What the text says."""

    lines: tuple[Picked, ...]
    note: str
    person_id: str
    total_minor: int
    currency: str


def to_text(basket: Basket, person_id: str) -> str:
    """A basket's text."""
    body = {
        "lines": [_line_to_json(line) for line in basket.picked],
        "note": basket.note,
        "person": person_id,
        "total": basket.total_minor,
        "currency": basket.currency,
    }
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def from_text(text: str) -> ParkedText:
    """What a text of ours says. Raises KeyError or ValueError for one that is not ours."""
    raw = json.loads(text)
    lines = tuple(_line_from_json(line) for line in raw["lines"])
    return ParkedText(lines, raw["note"], raw["person"], raw["total"], raw["currency"])


def _line_to_json(line: Picked) -> dict[str, object]:
    made: dict[str, object] = {
        "performance": line.performance,
        "unit": line.unit,
        "type": line.ticket_type_id,
    }
    given = line.by_hand
    if given is None:
        return made
    by_hand: dict[str, object] = {"reason": given.reason_id}
    if isinstance(given, Discounted):
        off = given.off
        by_hand |= (
            {"percent": off.hundredths} if isinstance(off, PercentOff) else {"amount": off.minor}
        )
    if given.approval is not None:
        by_hand |= {"approved_by": given.approval.person_id, "role": given.approval.role}
    return made | {"by_hand": by_hand}


def _line_from_json(raw: dict[str, Any]) -> Picked:
    given = raw.get("by_hand")
    by_hand = _given(given) if given is not None else None
    return Picked(raw["performance"], raw["unit"], raw["type"], by_hand)


def _given(raw: dict[str, Any]) -> Discounted | AsHouse:
    approval = Approval(raw["approved_by"], Role(raw["role"])) if "role" in raw else None
    if "percent" in raw:
        return Discounted(raw["reason"], PercentOff(raw["percent"]), approval)
    if "amount" in raw:
        return Discounted(raw["reason"], AmountOff(raw["amount"]), approval)
    return AsHouse(raw["reason"], approval)

"""What all sample catalogues are made of."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

TicketType = tuple[int, str, str, str, int]
"""Number, id, Chinese, English, percent of the adult's price."""
LINE_CHARS_MAX = 100


def text(zh: str, en: str) -> dict[str, str]:
    """Return a name in both languages of the house."""
    return {"zh": zh, "en": en}


def catalogue(
    venue_id: str, name: dict[str, str], plans: list[dict[str, Any]], events: list[dict[str, Any]]
) -> dict[str, Any]:
    """Return a catalogue of a venue in Shanghai."""
    return {
        "format": "boxgate-catalogue-1",
        "venue": {
            "id": venue_id,
            "name": name,
            "timezone": "Asia/Shanghai",
            "day_starts": "04:00",
            "currency": "CNY",
            "cash_unit": 10,
            "tenders": tenders(),
            "languages": ["zh", "en"],
        },
        "plans": plans,
        "events": events,
    }


def tenders() -> list[dict[str, Any]]:
    """Return the means of payment beside cash: no machine of them is connected to the till."""
    return [
        {"id": "card", "name": text("刷卡机", "Card"), "icon": "card"},
        {"id": "wallet", "name": text("手机收款", "Wallet"), "icon": "phone"},
        {
            "id": "transfer",
            "name": text("银行转账", "Transfer"),
            "icon": "bank",
            "asks_reference": True,
            "refunds": False,
        },
    ]


def price_tier(
    tier_id: str,
    name: dict[str, str],
    letter: str,
    colour_index: int,
    places: list[dict[str, Any]],
) -> dict[str, Any]:
    """Return one price tier and what is sold in it."""
    return {
        "id": tier_id,
        "name": name,
        "letter": letter,
        "colour_index": colour_index,
        "places": places,
    }


def ticket_types(kinds: Sequence[TicketType]) -> list[dict[str, Any]]:
    """Return who may buy."""
    return [
        {"number": number, "id": type_id, "name": text(zh, en)}
        for number, type_id, zh, en, _ in kinds
    ]


def prices(kinds: Sequence[TicketType], adult_minor: int) -> dict[str, int]:
    """Return what each of them pays where an adult pays so much."""
    return {type_id: adult_minor * percent // 100 for _, type_id, _, _, percent in kinds}


def as_json(value: Any, depth: int = 0) -> str:
    """Return JSON with whatever fits on one line, such as a seat, on one line; never a plan."""
    flat = json.dumps(value, ensure_ascii=False)
    has_rows = isinstance(value, dict) and "rows" in value
    if len(flat) + 2 * depth <= LINE_CHARS_MAX and not has_rows:
        return flat
    if not value or not isinstance(value, dict | list):
        return flat
    inner, outer = "  " * (depth + 1), "  " * depth
    if isinstance(value, dict):
        lines = [
            f"{inner}{json.dumps(key)}: {as_json(item, depth + 1)}" for key, item in value.items()
        ]
        return "{\n" + ",\n".join(lines) + f"\n{outer}}}"
    lines = [f"{inner}{as_json(item, depth + 1)}" for item in value]
    return "[\n" + ",\n".join(lines) + f"\n{outer}]"

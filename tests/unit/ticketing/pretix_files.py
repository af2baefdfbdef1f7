"""A seating plan as pretix's editor writes it, for tests: a stage, stalls with an aisle, a balcony."""

from __future__ import annotations

from typing import Any

Plan = dict[str, Any]


def seat(zone: str, row: str, number: int, x: float, category: str = "Stalls") -> Plan:
    guid = f"{zone}/{row}/{number}"
    return {
        "seat_guid": guid,
        "seat_number": str(number),
        "uuid": guid,
        "position": {"x": x, "y": 0},
        "category": category,
        "radius": 10,
    }


def row(zone: str, label: str, y: float, numbers: range, x: float = 0, **more: Any) -> Plan:
    return {
        "row_number": label,
        "row_number_position": "both",
        "uuid": f"{zone}/{label}/{numbers.start}",
        "position": {"x": x, "y": y},
        "seats": [
            seat(zone, label, number, at * 25, more.get("category", "Stalls"))
            for at, number in enumerate(numbers)
        ],
    }


def town_hall() -> Plan:
    """Stalls of three rows of 4 + 4 seats, written with the back row first; a balcony of 6."""
    stalls = []
    for label in ("3", "2", "1"):
        y = 100 + 30 * int(label)
        category = "Front" if label == "1" else "Stalls"
        # The right half comes before the left one, as editors happen to write them.
        stalls.append(row("Stalls", label, y, range(5, 9), 160, category=category))
        stalls.append(row("Stalls", label, y, range(1, 5), 0, category=category))
    return {
        "name": "Town hall",
        "categories": [
            {"name": "Front", "color": "#7f4a91"},
            {"name": "Stalls", "color": "red"},
            {"name": "Nobody sits here", "color": "red"},
        ],
        "zones": [
            {
                "name": "Stalls",
                "uuid": "z1",
                "zone_id": "ground",
                "position": {"x": 50, "y": 0},
                "rows": stalls,
                "areas": [
                    {
                        "shape": "rectangle",
                        "uuid": "a1",
                        "rotation": 0,
                        "position": {"x": 10, "y": 20},
                        "rectangle": {"width": 200, "height": 60},
                        "text": {"text": "Main Stage", "position": {"x": 0, "y": 0}},
                    },
                    {
                        "shape": "circle",
                        "position": {"x": 400, "y": 90},
                        "circle": {"radius": 30},
                        "text": {"text": "Bar"},
                    },
                ],
            },
            {
                "name": "Galerie für Gäste",
                "position": {"x": 0, "y": 300},
                "rows": [row("Balcony", "A", 0, range(1, 7), category="")],
                "areas": [],
            },
            {"name": "Foyer", "position": {"x": 0, "y": 500}, "rows": [], "areas": []},
        ],
        "size": {"width": 600, "height": 600},
    }


def of_seats(count: int) -> Plan:
    """A hall of so many seats, in rows of 50."""
    return {
        "name": "Arena",
        "categories": [{"name": "Stalls"}],
        "zones": [
            {
                "name": f"Block {first // 2_500 + 1}",
                "position": {"x": first // 2_500 % 8 * 1_400, "y": first // 20_000 * 1_400},
                "rows": [
                    row(f"b{first}", str(at + 1), at * 25, range(1, 51))
                    for at in range(min(2_500, count - first) // 50)
                ],
            }
            for first in range(0, count, 2_500)
        ],
    }

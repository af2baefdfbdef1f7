"""Make park.json, the sample catalogue of a garden that is visited by time slot.

    python resources/samples/make_park.py

Nothing in it has a seat. A slot is a performance: so many people may enter from its start until it
ends. The grounds let in a crowd each hour, the canopy walk a few people every twenty minutes. The
same file comes out every time.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from resources.samples.parts import as_json, catalogue, price_tier, prices, text, ticket_types

PARK_JSON = Path(__file__).with_name("park.json")

DAYS = 3
OPENS_H, CLOSES_H = 9, 18
GROUNDS_PER_SLOT, WALK_PER_SLOT = 400, 30
GROUNDS_EVERY_MIN, WALK_EVERY_MIN = 60, 20
WALK_FIRST_NUMBER = 1001  # performance numbers are the venue's, over both events

TICKET_TYPES = (
    (1, "adult", "成人", "Adult", 100),
    (2, "child", "儿童", "Child", 50),
    (3, "senior", "长者", "Senior", 50),
    (4, "student", "学生", "Student", 75),
)

GROUNDS = [[20, 40], [300, 0], [620, 30], [640, 400], [360, 440], [30, 410]]
WALK = [[60, 200], [200, 90], [420, 80], [600, 190], [580, 260], [400, 160], [220, 170], [90, 260]]


def park() -> dict[str, Any]:
    """Return the sample catalogue."""
    return catalogue(
        "lakeside",
        text("湖畔植物园", "Lakeside Botanical Garden"),
        [
            plan("grounds", text("园区", "Garden"), GROUNDS, GROUNDS_PER_SLOT),
            plan("canopy-walk", text("林冠步道", "Canopy Walk"), WALK, WALK_PER_SLOT),
        ],
        [
            event(
                "garden-entry",
                text("植物园入园", "Garden Entry"),
                plan_id="grounds",
                adult_minor=6_000,
                performances=slots(1, GROUNDS_EVERY_MIN),
            ),
            event(
                "canopy-entry",
                text("林冠步道", "Canopy Walk"),
                plan_id="canopy-walk",
                adult_minor=4_000,
                performances=slots(WALK_FIRST_NUMBER, WALK_EVERY_MIN),
            ),
        ],
    )


def plan(
    plan_id: str, name: dict[str, str], shape: list[list[int]], capacity: int
) -> dict[str, Any]:
    """Return a plan of one area in which nobody has a place of their own."""
    area = {
        "id": plan_id,
        "name": name,
        "kind": "standing",
        "first_unit": 1,
        "capacity": capacity,
        "shape": shape,
    }
    return {"id": plan_id, "name": name, "areas": [area]}


def event(
    event_id: str,
    name: dict[str, str],
    *,
    plan_id: str,
    adult_minor: int,
    performances: list[dict[str, Any]],
) -> dict[str, Any]:
    """Return an event of one price tier and its slots."""
    return {
        "id": event_id,
        "name": name,
        "plan": plan_id,
        "price_tiers": [
            price_tier("entry", text("门票", "Entry"), "E", 2, [{"area": plan_id}]),
        ],
        "ticket_types": ticket_types(TICKET_TYPES),
        "price_list": {
            "version": 1,
            "prices_minor": {"entry": prices(TICKET_TYPES, adult_minor)},
        },
        "performances": performances,
    }


def slots(first_number: int, every_min: int) -> list[dict[str, Any]]:
    """Return the slots of the first days, and before them one that is always about to begin."""
    regular = [
        f"D+{day}T{minute // 60:02}:{minute % 60:02}"
        for day in range(DAYS)
        for minute in range(OPENS_H * 60, CLOSES_H * 60, every_min)
    ]
    return [
        {"number": number, "starts": start, "doors_minutes": 10, "runs_minutes": every_min}
        for number, start in enumerate(("+15m", *regular), start=first_number)
    ]


def main() -> None:
    """Write park.json beside this script."""
    PARK_JSON.write_text(as_json(park()) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

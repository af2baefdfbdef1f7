"""Make theatre.json, the sample catalogue: a theatre of 1,200 seats and 60 standing places.

    python resources/samples/make_theatre.py

Rows are arcs around one point behind the stage. Lengths are in plan units, ten to a seat; angles in
radians, 0 straight ahead of the stage, positive to the right. The same file comes out every time.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi, sin
from pathlib import Path
from typing import Any

from resources.samples.parts import as_json, catalogue, price_tier, prices, text, ticket_types

THEATRE_JSON = Path(__file__).with_name("theatre.json")

CENTRE_X, CENTRE_Y = 450.0, -270.0  # of the arcs; negative: behind the stage's back wall
SEAT_PITCH = 10.0
ROW_PITCH = 11.5
AISLE = 28.0  # between the last seat of one block and the first of the next
STAGE_RADIUS = 318.0
STANDING_UNITS = 60


@dataclass(frozen=True)
class Level:
    """One floor: where its first row is, and the seats per row of its side and centre blocks."""

    id: str
    zh: str
    en: str
    radius: float
    centre: tuple[int, ...]
    side: tuple[int, ...]
    gate: str


LEVELS = (
    Level(
        id="stalls",
        zh="池座",
        en="Stalls",
        radius=370,
        centre=(14, 14, 15, 15, 16, 16, 17, 17, 18, 18, 19, 19, 20, 20),
        side=(11, 11, 12, 12, 12, 12, 13, 13, 13, 14, 14, 14),
        gate="1",
    ),
    Level(
        id="balcony-1",
        zh="二层",
        en="First Balcony",
        radius=622,
        centre=(21, 21, 22, 22, 23, 23),
        side=(18, 18, 19, 19, 20, 20),
        gate="2",
    ),
    Level(
        id="balcony-2",
        zh="三层",
        en="Second Balcony",
        radius=744,
        centre=(26, 26, 26, 26),
        side=(24, 24, 25, 25),
        gate="3",
    ),
)
SIDES = ((-1, "left", "左", "Left"), (0, "centre", "中", "Centre"), (1, "right", "右", "Right"))
STANDING_FROM, STANDING_TO = 544.0, 574.0  # radii: a strip behind the stalls

# Which price tier the rows of an area have: (area, first row, last row).
TIER_ROWS = {
    "vip": (("stalls-left", 1, 3), ("stalls-centre", 1, 5), ("stalls-right", 1, 3)),
    "a": (("stalls-left", 4, 8), ("stalls-centre", 6, 11), ("stalls-right", 4, 8)),
    "b": (
        *(("stalls-left", 9, 12), ("stalls-centre", 12, 14), ("stalls-right", 9, 12)),
        *(("balcony-1-left", 1, 6), ("balcony-1-centre", 1, 6), ("balcony-1-right", 1, 6)),
    ),
    "c": (("balcony-2-left", 1, 4), ("balcony-2-centre", 1, 4), ("balcony-2-right", 1, 4)),
}
TIERS = (
    ("vip", "VIP", "VIP", "V", 88_000),
    ("a", "A 档", "Tier A", "A", 58_000),
    ("b", "B 档", "Tier B", "B", 38_000),
    ("c", "C 档", "Tier C", "C", 18_000),
    ("standing", "立席", "Standing", "S", 8_000),
)
TICKET_TYPES = (
    (1, "adult", "成人", "Adult", 100),
    (2, "child", "儿童", "Child", 50),
    (3, "senior", "长者", "Senior", 70),
    (4, "student", "学生", "Student", 60),
)
MATINEE = 2
EARLY_BIRD_EVENING = 4

# (level, side, row, seat): in the last rows of the stalls, next to the lengthwise aisles.
WHEELCHAIR = {
    *(("stalls", -1, 12, 14), ("stalls", 1, 12, 1)),
    *(("stalls", 0, 14, 1), ("stalls", 0, 14, 20)),
}
COMPANION = {
    *(("stalls", -1, 12, 13), ("stalls", 1, 12, 2)),
    *(("stalls", 0, 14, 2), ("stalls", 0, 14, 19)),
}
RESTRICTED_FROM_THE_WALL = {  # how many seats next to the side wall, per (level, row)
    **{("stalls", row): 2 for row in (1, 2)},
    **{("balcony-1", row): 2 for row in (1, 2)},
    **{("balcony-2", row): 3 for row in (1, 2)},
}


def theatre() -> dict[str, Any]:
    """Return the sample catalogue."""
    name = text("海韵大剧院", "Seaview Grand Theatre")
    return catalogue("seaview", name, [plan()], [swan_lake()])


def at(radius: float, angle: float) -> tuple[float, float]:
    """Return the point of an arc, rounded to a tenth of a unit (a hundredth of a seat)."""
    x, y = CENTRE_X + radius * sin(angle), CENTRE_Y + radius * cos(angle)
    return round(x, 1) + 0.0, round(y, 1) + 0.0


def plan() -> dict[str, Any]:
    """Return the opera house: three levels of three blocks, and the standing strip."""
    areas: list[dict[str, Any]] = []
    unit = 1
    for level in LEVELS:
        for side, *words in SIDES:
            areas.append(seated_area(level, side, words, unit))
            unit += sum(level.side if side else level.centre)
        if level.id == "stalls":
            areas.append({})  # keeps the standing strip's turn; its units follow all seats
    areas[len(SIDES)] = standing_area(unit)
    return {
        "id": "opera-house",
        "name": text("歌剧厅", "Opera House"),
        "seat_pitch": SEAT_PITCH,
        "stage": stage(),
        "areas": areas,
    }


def seated_area(level: Level, side: int, words: list[str], first_unit: int) -> dict[str, Any]:
    """Return one block; its rows widen with the arc, so that the aisles stay straight."""
    word, zh, en = words
    area_id = f"{level.id}-{word}"
    counts = level.side if side else level.centre
    rows = []
    unit = first_unit
    for number, count in enumerate(counts, start=1):
        radius = level.radius + (number - 1) * ROW_PITCH
        middle = side * block_angle(level)
        seats = [
            seat(place, at(radius, angle), level=level, side=side, row=number, count=count)
            for place, angle in enumerate(seat_angles(radius, middle, count), start=1)
        ]
        rows.append({"label": str(number), "first_unit": unit, "seats": seats})
        unit += count
    return {
        "id": area_id,
        "name": text(f"{level.zh}{zh}", f"{level.en} {en}"),
        "kind": "seated",
        "gate": text(f"{level.gate} 号门", f"Gate {level.gate}"),
        "label_at": list(at(level.radius - (34 if side else 20), side * block_angle(level))),
        "rows": rows,
    }


def block_angle(level: Level) -> float:
    """Return the angle between the middles of the centre block and of a side block."""
    half_centre = (level.centre[0] - 1) * SEAT_PITCH / 2
    half_side = (level.side[0] - 1) * SEAT_PITCH / 2
    return (half_centre + AISLE + half_side) / level.radius


def seat_angles(radius: float, middle: float, count: int) -> list[float]:
    """Return where `count` seats stand along an arc, a seat's pitch apart."""
    step = SEAT_PITCH / radius
    return [middle + (place - (count - 1) / 2) * step for place in range(count)]


def seat(
    place: int, point: tuple[float, float], *, level: Level, side: int, row: int, count: int
) -> dict[str, Any]:
    """Return one seat with what a seller must know of it."""
    from_wall = {-1: place, 0: count, 1: count + 1 - place}[side]
    attributes = [
        word
        for word, holds in (
            ("aisle", place in (1, count)),
            ("wheelchair", (level.id, side, row, place) in WHEELCHAIR),
            ("companion", (level.id, side, row, place) in COMPANION),
            (
                "restricted_view",
                side != 0 and from_wall <= RESTRICTED_FROM_THE_WALL.get((level.id, row), 0),
            ),
        )
        if holds
    ]
    x, y = point
    return {"label": str(place), "x": x, "y": y} | (
        {"attributes": attributes} if attributes else {}
    )


def standing_area(first_unit: int) -> dict[str, Any]:
    """Return the strip behind the stalls."""
    half = 0.2
    steps = [half * (step / 6 - 1) for step in range(13)]
    outer = [at(STANDING_TO, angle) for angle in steps]
    inner = [at(STANDING_FROM, angle) for angle in reversed(steps)]
    return {
        "id": "standing",
        "name": text("池座立席", "Stalls Standing"),
        "kind": "standing",
        "gate": text("1 号门", "Gate 1"),
        "first_unit": first_unit,
        "capacity": STANDING_UNITS,
        "shape": [list(point) for point in (*outer, *inner)],
        "label_at": list(at((STANDING_FROM + STANDING_TO) / 2, 0.0)),
    }


def stage() -> list[list[float]]:
    """Return the stage: a straight back wall, sides drawn in, an apron along the first row's arc."""
    apron = [at(STAGE_RADIUS, pi * degrees / 180) for degrees in range(21, -22, -3)]
    (right_x, _), (left_x, _) = apron[0], apron[-1]
    back_y = round(apron[0][1] - 45, 1)
    corners = [(round(left_x - 14, 1), back_y), (round(right_x + 14, 1), back_y)]
    return [list(point) for point in (*corners, *apron)]


def swan_lake() -> dict[str, Any]:
    """Return the event. Its first performance is always about to begin, so a trial needs no wait."""
    usual = {tier[0]: prices(TICKET_TYPES, tier[4]) for tier in TIERS}
    del usual["vip"]["student"]
    return {
        "id": "swan-lake",
        "name": text("芭蕾舞剧《天鹅湖》", "Swan Lake — National Ballet"),
        "plan": "opera-house",
        "price_tiers": [
            price_tier(tier_id, text(zh, en), letter, colour, places(tier_id))
            for colour, (tier_id, zh, en, letter, _) in enumerate(TIERS)
        ],
        "ticket_types": ticket_types(TICKET_TYPES),
        "price_list": {
            "version": 1,
            "prices_minor": usual,
            "exceptions": [
                {
                    "performances": [MATINEE],
                    "prices_minor": {
                        "b": prices(TICKET_TYPES, 32_000),
                        "c": prices(TICKET_TYPES, 15_000),
                    },
                }
            ],
        },
        "price_rules": price_rules(),
        "performances": [
            {"number": number, "starts": starts, "doors_minutes": 60, "runs_minutes": 150}
            for number, starts in enumerate(
                ("+45m", "D+1T14:00", "D+1T19:30", "D+2T19:30", "D+3T19:30"), start=1
            )
        ],
    }


def price_rules() -> dict[str, Any]:
    """Return one rule of each kind. None of them touches a pair of adults on the first evenings."""
    return {
        "pools": [
            {"id": "first-standing", "capacity": 20},
            {"id": "press-seats", "capacity": 12},
            {"id": "staff-seats", "capacity": 30},
        ],
        "rates": [
            {
                "id": "early-bird",
                "name": text("早鸟 85 折", "Early bird, 15 % off"),
                "percent_off": 15,
                "until": "D+1T12:00",
                "performances": [EARLY_BIRD_EVENING],
            },
            {
                "id": "first-standing",
                "name": text("立席前 20 张", "The first 20 standing"),
                "price_minor": 6_000,
                "pool": "first-standing",
                "price_tiers": ["standing"],
            },
        ],
        "packages": [
            {
                "id": "family",
                "name": text("家庭套票 8 折", "Family, 20 % off"),
                "percent_off": 20,
                "tickets": [  # two children, and whoever comes with them
                    {"count": 2, "ticket_types": ["child"], "price_tiers": ["vip", "a", "b"]},
                    {"count": 2, "price_tiers": ["vip", "a", "b"]},
                ],
            },
            {
                "id": "season",
                "name": text("三场联票 85 折", "Any three evenings, 15 % off"),
                "percent_off": 15,
                "tickets": [{"count": 3}],
                "over": "different_performances",
                "one_price_tier": True,
            },
        ],
        "house_tickets": [
            {
                "id": "press",
                "name": text("媒体票", "Press"),
                "pool": "press-seats",
                "approver": "supervisor",
            },
            {
                "id": "staff",
                "name": text("员工票", "Staff"),
                "price_minor": 5_000,
                "pool": "staff-seats",
                "approver": "manager",
                "price_tiers": ["b", "c"],
            },
        ],
        "discounts": [
            {
                "id": "goodwill",
                "name": text("客诉补偿", "Goodwill"),
                "caps_percent": {"cashier": 5, "supervisor": 20, "manager": 100},
            },
            {
                "id": "poor-view",
                "name": text("视线遮挡", "Poor view"),
                "caps_percent": {"cashier": 20, "manager": 50},
            },
        ],
        "rounding": {"step_minor": 100},
    }


def places(tier_id: str) -> list[dict[str, Any]]:
    """Return the tier's rows, or the standing strip."""
    if tier_id not in TIER_ROWS:
        return [{"area": tier_id}]
    return [
        {"area": area_id, "rows": [str(row) for row in range(first, last + 1)]}
        for area_id, first, last in TIER_ROWS[tier_id]
    ]


def main() -> None:
    """Write theatre.json beside this script."""
    THEATRE_JSON.write_text(as_json(theatre()) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

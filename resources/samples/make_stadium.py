"""Make a sample catalogue of 50,000 seats: a stadium with the stage in the middle of its field.

    python resources/samples/make_stadium.py FILE

Two rings of areas lie around a rectangle: rectangular ones along its sides, wedges at its corners.
Lengths are in plan units, ten to a seat; angles in radians. The same file comes out every time; it
has more than two megabytes, so it is made where it is needed instead of being kept.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from math import cos, floor, pi, sin
from pathlib import Path
from typing import Any

from resources.samples.parts import catalogue, price_tier, prices, text, ticket_types

SEATS = 50_000
SEAT_PITCH = 10.0
ROW_PITCH = 12.0
AISLE = 28.0  # between the last seat of one area and the first of the next
AREA_SEATS = 24  # in each row of an area along a side
AREA_WIDTH = AREA_SEATS * SEAT_PITCH + AISLE
LONG_AREAS, SHORT_AREAS = 8, 5  # along each side
HALF_X, HALF_Y = LONG_AREAS * AREA_WIDTH / 2, SHORT_AREAS * AREA_WIDTH / 2
CENTRE_X, CENTRE_Y = 2_100.0, 1_700.0
STAGE_X, STAGE_Y = 300.0, 190.0  # half of its sides


@dataclass(frozen=True)
class Ring:
    """One floor: how far its first row is from the rectangle, and the wedges of each corner."""

    first_number: int
    radius: float
    rows: int
    corner_areas: int


LOWER = Ring(first_number=101, radius=300.0, rows=22, corner_areas=2)
UPPER = Ring(first_number=201, radius=720.0, rows=27, corner_areas=3)

TURNS = 4  # sides, each with the corner after it, clockwise from the top

TIERS = (
    ("one", "一档", "Category 1", "1", 128_000),
    ("two", "二档", "Category 2", "2", 98_000),
    ("three", "三档", "Category 3", "3", 68_000),
    ("four", "四档", "Category 4", "4", 38_000),
)
TICKET_TYPES = ((1, "adult", "成人", "Adult", 100), (2, "child", "儿童", "Child", 50))

Point = tuple[float, float]


@dataclass(frozen=True)
class Block:
    """An area before it is numbered: its rows' points, front first, and what it costs."""

    rows: tuple[tuple[Point, ...], ...]
    at_side: bool
    at_long_side: bool
    upper: bool

    @property
    def tier_id(self) -> str:
        """Near and beside the stage costs most."""
        if self.upper:
            return "three" if self.at_long_side else "four"
        return "one" if self.at_long_side else "two"


def stadium() -> dict[str, Any]:
    """Return the sample catalogue."""
    blocks = [block for ring in (LOWER, UPPER) for block in blocks_of(ring)]
    name = text("海湾体育场", "Harbour Stadium")
    return catalogue("harbour", name, [plan(blocks)], [concert(blocks)])


def number_of(at: int) -> str:
    """Return an area's number by its order: 101 on below, 201 on above."""
    lower = areas_in(LOWER)
    return str(LOWER.first_number + at if at < lower else UPPER.first_number + at - lower)


def areas_in(ring: Ring) -> int:
    """Return how many areas a ring has."""
    return 2 * (LONG_AREAS + SHORT_AREAS) + TURNS * ring.corner_areas


def blocks_of(ring: Ring) -> Iterator[Block]:
    """Yield a ring's areas clockwise, from the left end of the top side."""
    for turn in range(TURNS):
        long = turn % 2 == 0
        for at in range(LONG_AREAS if long else SHORT_AREAS):
            yield side_block(ring, turn, at)
        for at in range(ring.corner_areas):
            yield corner_block(ring, turn, at)


def side_block(ring: Ring, turn: int, at: int) -> Block:
    """Return a rectangular area along a side."""
    long = turn % 2 == 0
    half_along, half_out = (HALF_X, HALF_Y) if long else (HALF_Y, HALF_X)
    left = -half_along + at * AREA_WIDTH + (AREA_WIDTH - (AREA_SEATS - 1) * SEAT_PITCH) / 2
    rows = tuple(
        tuple(
            placed(turn, left + seat * SEAT_PITCH, half_out + ring.radius + row * ROW_PITCH)
            for seat in range(AREA_SEATS)
        )
        for row in range(ring.rows)
    )
    return Block(rows, at_side=True, at_long_side=long, upper=ring is UPPER)


def corner_block(ring: Ring, turn: int, at: int) -> Block:
    """Return a wedge; its rows widen with the arc."""
    long = turn % 2 == 0
    centre_along, centre_out = (HALF_X, HALF_Y) if long else (HALF_Y, HALF_X)
    share = pi / 2 / ring.corner_areas
    rows = []
    for row in range(ring.rows):
        radius = ring.radius + row * ROW_PITCH
        count = floor((radius * share - AISLE) / SEAT_PITCH) + 1
        angles = [
            (at + 0.5) * share + (seat - (count - 1) / 2) * SEAT_PITCH / radius
            for seat in range(count)
        ]
        rows.append(
            tuple(
                placed(turn, centre_along + radius * sin(angle), centre_out + radius * cos(angle))
                for angle in angles
            )
        )
    return Block(tuple(rows), at_side=False, at_long_side=False, upper=ring is UPPER)


def placed(turn: int, along: float, out: float) -> Point:
    """Return the point so far clockwise and outwards from the middle, seen from one of the sides."""
    x, y = ((along, -out), (out, along), (-along, out), (-out, -along))[turn]
    return round(CENTRE_X + x, 1), round(CENTRE_Y + y, 1)


def plan(blocks: list[Block]) -> dict[str, Any]:
    """Return the bowl. The places over 50,000 are the cameras': the last rows' ends above."""
    surplus = sum(len(row) for block in blocks for row in block.rows) - SEATS
    lower = areas_in(LOWER)
    areas, unit = [], 1
    for at, block in enumerate(blocks):
        cameras = 0
        if at >= lower:
            left = len(blocks) - at
            cameras = -(-surplus // left)
            surplus -= cameras
        made = area(at, block, unit, cameras)
        areas.append(made)
        unit += sum(len(row["seats"]) for row in made["rows"])
    return {
        "id": "bowl",
        "name": text("主体育场", "Main Bowl"),
        "seat_pitch": SEAT_PITCH,
        "stage": [
            [CENTRE_X + x * STAGE_X, CENTRE_Y + y * STAGE_Y]
            for x, y in ((-1.0, -0.6), (-0.8, -1.0), (0.8, -1.0), (1.0, -0.6))
        ]
        + [
            [CENTRE_X + x * STAGE_X, CENTRE_Y + y * STAGE_Y]
            for x, y in ((1.0, 0.6), (0.8, 1.0), (-0.8, 1.0), (-1.0, 0.6))
        ],
        "areas": areas,
    }


def area(at: int, block: Block, first_unit: int, cameras: int) -> dict[str, Any]:
    """Return one area; `cameras` places are missing at the end of its last row."""
    number = number_of(at)
    rows, unit = [], first_unit
    for row, points in enumerate(block.rows, start=1):
        last = row == len(block.rows)
        kept = points[: len(points) - cameras] if last else points
        seats = [
            seat(block, row, place, len(kept), point) for place, point in enumerate(kept, start=1)
        ]
        rows.append({"label": str(row), "first_unit": unit, "seats": seats})
        unit += len(seats)
    return {
        "id": f"area-{number}",
        "name": text(f"{number}区", number),
        "kind": "seated",
        "gate": text(f"{at % 8 + 1} 号门", f"Gate {at % 8 + 1}"),
        "rows": rows,
    }


def seat(block: Block, row: int, place: int, count: int, point: Point) -> dict[str, Any]:
    """Return one seat with what a seller must know of it."""
    last = row == len(block.rows)
    with_room = last and not block.upper and block.at_side
    at_rail = block.upper and row == 1 and not block.at_side
    attributes = [
        word
        for word, holds in (
            ("aisle", place in (1, count)),
            ("wheelchair", with_room and place in (3, 5)),
            ("companion", with_room and place in (4, 6)),
            ("restricted_view", at_rail and place in (1, 2, count - 1, count)),
        )
        if holds
    ]
    x, y = point
    return {"label": str(place), "x": x, "y": y} | (
        {"attributes": attributes} if attributes else {}
    )


def concert(blocks: list[Block]) -> dict[str, Any]:
    """Return the event. Its first performance is always about to begin, so a trial needs no wait."""
    return {
        "id": "harbour-lights",
        "name": text("海湾之夜演唱会", "Harbour Lights — Live in the Round"),
        "plan": "bowl",
        "price_tiers": [
            price_tier(tier_id, text(zh, en), letter, colour, places(blocks, tier_id))
            for colour, (tier_id, zh, en, letter, _) in enumerate(TIERS)
        ],
        "ticket_types": ticket_types(TICKET_TYPES),
        "price_list": {
            "version": 1,
            "prices_minor": {
                tier_id: prices(TICKET_TYPES, adult_minor) for tier_id, *_, adult_minor in TIERS
            },
        },
        "performances": [
            {"number": number, "starts": starts, "doors_minutes": 180, "runs_minutes": 180}
            for number, starts in enumerate(("+45m", "D+1T19:30"), start=1)
        ],
    }


def places(blocks: list[Block], tier_id: str) -> list[dict[str, Any]]:
    """Return the areas of a price tier."""
    return [
        {"area": f"area-{number_of(at)}"}
        for at, block in enumerate(blocks)
        if block.tier_id == tier_id
    ]


def main(argv: list[str]) -> int:
    """Write the catalogue to the file named; 2 without one."""
    if len(argv) != 1:
        sys.stderr.write("usage: python resources/samples/make_stadium.py FILE\n")
        return 2
    written = json.dumps(stadium(), ensure_ascii=False, separators=(",", ":"))
    Path(argv[0]).write_text(written + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

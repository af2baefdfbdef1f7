"""The polygon around rows of seats, for areas whose document gives no shape."""

from __future__ import annotations

from math import hypot
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

Point = tuple[float, float]

_ACROSS: Point = (1.0, 0.0)  # the direction assumed for a row of one seat
_DECIMALS = 2


def outline(rows: Sequence[Sequence[Point]], margin: float) -> tuple[Point, ...]:
    """Return the polygon that follows the front row, the row ends and the back row.

    `rows` are seat centres, front to back; `margin` is how far outside the centres the line runs.
    Curved rows keep their curve, which a convex hull would cut off. Rows may be numbered in either
    direction. ValueError when there is no seat.
    """
    facing = _facing_one_way([row for row in rows if row])
    if not facing:
        raise ValueError("an outline needs at least one seat")
    front, back = facing[0], facing[-1]
    outward = _front_normal(front, back)
    line = _shifted(front, outward, margin)
    line += [_beyond(row, -1, margin) for row in facing]
    line += reversed(_shifted(back, (-outward[0], -outward[1]), margin))
    line += [_beyond(row, 0, margin) for row in reversed(facing)]
    return tuple((round(x, _DECIMALS), round(y, _DECIMALS)) for x, y in line)


def _facing_one_way(rows: Sequence[Sequence[Point]]) -> list[Sequence[Point]]:
    """Turn round the rows that run against the first one."""
    if not rows:
        return []
    across = _direction(rows[0][0], rows[0][-1])
    return [row if _dot(across, _direction(row[0], row[-1])) >= 0 else row[::-1] for row in rows]


def _front_normal(front: Sequence[Point], back: Sequence[Point]) -> Point:
    """Return the unit vector from the back row to the front one, square to the front row."""
    along_x, along_y = _direction(front[0], front[-1])
    normal = (along_y, -along_x)
    towards = (_mean(front)[0] - _mean(back)[0], _mean(front)[1] - _mean(back)[1])
    return normal if _dot(normal, towards) >= 0 else (-along_y, along_x)


def _shifted(row: Sequence[Point], normal: Point, margin: float) -> list[Point]:
    """Return the row moved out to the side of `normal`, each seat by its own bit of the curve."""
    line: list[Point] = []
    last = len(row) - 1
    for at, (x, y) in enumerate(row):
        along_x, along_y = _direction(row[max(at - 1, 0)], row[min(at + 1, last)])
        out = (along_y, -along_x)
        if _dot(out, normal) < 0:
            out = (-along_y, along_x)
        end = (at == last) - (at == 0)  # the corners stand out along the row as well
        line.append(
            (x + margin * (out[0] + end * along_x), y + margin * (out[1] + end * along_y)),
        )
    return line


def _beyond(row: Sequence[Point], end: int, margin: float) -> Point:
    """Return the point just outside a row's first (0) or last (-1) seat."""
    neighbour = row[min(1, len(row) - 1)] if end == 0 else row[max(len(row) - 2, 0)]
    sign = -1.0 if end == 0 else 1.0
    along = _direction(row[0], neighbour) if end == 0 else _direction(neighbour, row[-1])
    return row[end][0] + sign * margin * along[0], row[end][1] + sign * margin * along[1]


def _direction(start: Point, end: Point) -> Point:
    length = hypot(end[0] - start[0], end[1] - start[1])
    if length == 0:
        return _ACROSS
    return (end[0] - start[0]) / length, (end[1] - start[1]) / length


def _dot(one: Point, other: Point) -> float:
    return one[0] * other[0] + one[1] * other[1]


def _mean(points: Sequence[Point]) -> Point:
    return sum(x for x, _ in points) / len(points), sum(y for _, y in points) / len(points)

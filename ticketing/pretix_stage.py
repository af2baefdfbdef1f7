"""The drawings of a pretix plan: all that is asked of one is whether it is the stage, and its line."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import cos, pi, radians, sin
from typing import Any

from ticketing.document_reader import Node
from ticketing.seating import Point
from ticketing.seating_document import COORDINATE_MAX, POINTS_MAX

STAGE_KEYS = (
    "position",
    "rotation",
    "text",
    "shape",
    "rectangle",
    "circle",
    "ellipse",
    "polygon",
    "width",
    "height",
)
_STAGE = re.compile(
    r"stage|bühne|buehne|scène|escenario|palcoscenico|screen|leinwand|舞台|银幕", re.IGNORECASE
)
_CORNERS = 32  # of a polygon that stands for a circle


@dataclass(frozen=True, slots=True)
class Drawing:
    """A drawing. `outline` is empty when its shape is none that we know."""

    is_stage: bool
    outline: tuple[Point, ...]


def read_drawing(members: Mapping[str, Node], origin: Point) -> Drawing:
    """Read a drawing of a zone that stands at `origin`. What is odd about one is no problem."""
    raw = {key: node.value for key, node in members.items() if node.present}
    text = raw.get("text")
    words = text.get("text") if isinstance(text, dict) else text
    is_called_stage = isinstance(words, str) and _STAGE.search(words) is not None
    corners = _corners(raw) if is_called_stage else ()
    x, y = _pair(raw.get("position")) or (math.inf, math.inf)
    turn = _number(raw.get("rotation")) or 0.0
    outline = tuple(_placed(corner, (origin[0] + x, origin[1] + y), turn) for corner in corners)
    if not all(abs(a) <= COORDINATE_MAX and abs(b) <= COORDINATE_MAX for a, b in outline):
        outline = ()
    return Drawing(bool(outline), outline)


def _corners(raw: Mapping[str, Any]) -> tuple[Point, ...]:
    """The corners around the drawing's own position."""
    shape = raw.get("shape", "rectangle")
    inner = raw.get(shape) if isinstance(shape, str) else None
    inner = inner if isinstance(inner, dict) else {}
    if shape == "polygon":
        points = inner.get("points")
        found = [_pair(each) for each in points[:POINTS_MAX]] if isinstance(points, list) else []
        return tuple(each for each in found if each) if len(found) > 2 and all(found) else ()
    if shape == "circle":
        radius = _number(inner.get("radius"))
        return _round(radius, radius)
    if shape == "ellipse":
        across, down = _pair(inner.get("radius")) or (None, None)
        return _round(across, down)
    width = _number(inner.get("width", raw.get("width")))
    height = _number(inner.get("height", raw.get("height")))
    if shape != "rectangle" or not width or not height:
        return ()
    return (0.0, 0.0), (width, 0.0), (width, height), (0.0, height)


def _round(across: float | None, down: float | None) -> tuple[Point, ...]:
    if not across or not down:
        return ()
    angles = (2 * pi * corner / _CORNERS for corner in range(_CORNERS))
    return tuple((across * cos(angle), down * sin(angle)) for angle in angles)


def _placed(corner: Point, at: Point, turn: float) -> Point:
    x, y = corner
    angle = radians(turn % 360)
    turned = x * cos(angle) - y * sin(angle), x * sin(angle) + y * cos(angle)
    return round(at[0] + turned[0], 2), round(at[1] + turned[1], 2)


def _pair(value: object) -> Point | None:
    if not isinstance(value, dict):
        return None
    x, y = _number(value.get("x")), _number(value.get("y"))
    return None if x is None or y is None else (x, y)


def _number(value: object) -> float | None:
    """A finite number that is no larger than coordinates are; None for anything else."""
    if type(value) not in (int, float) or not abs(value) <= COORDINATE_MAX:  # type: ignore[arg-type]
        return None
    return float(value)  # type: ignore[arg-type]

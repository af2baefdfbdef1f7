"""A seating plan as SVG, drawn on the server: shapes, classes and text; no script, nothing fetched.

Up to SEATS_DRAWN_MAX seats each one is drawn. Of a larger house the areas are shapes with a few
words in them, and each leads to a close-up. Seats of one look are one path, so that a page stays
small. Whatever a plan's author wrote is escaped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from markupsafe import Markup, escape

from sync_server.services.place_choice import runs_of
from ticketing.seating import Area, AreaKind, Point, Row, Seat, SeatingPlan

SEATS_DRAWN_MAX = 5_000
CLOSE_UP_SEATS_MAX = 20_000
_PITCH = 10.0  # of the drawing, whatever the plan's own is
_HALF = 3.4  # of a seat
_MARGIN = 12.0
_ROWS_LABELLED_MAX = 400
_LABEL_PER_WIDTH = 72  # a label's height is a part of the drawing's width, and no less than below
_LABEL_MIN = 11.0
_SCALE_MAX = 2.4  # pixels for a unit of the drawing: a small room is not blown up


class Look(StrEnum):
    """How a seat is drawn: its shape tells its state as well as its colour does."""

    SQUARE = "square"
    DOT = "dot"
    CROSS = "cross"
    SLASH = "slash"
    DIAMOND = "diamond"


@dataclass(frozen=True, slots=True)
class Layer:
    """Seats of one look. `css` is a class that says its colour."""

    css: str
    look: Look
    units: frozenset[int]


@dataclass(frozen=True, slots=True)
class AreaLook:
    """How an area's shape is drawn where its seats are not: its class, words below its name, and
    where it leads.
    """

    css: str
    words: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True)
class Drawing:
    """What is asked of a drawing. `areas`: for each area's id; `close_up`: of one area alone.

    `names_units`: each layer says which units it draws, in the order in which it draws them.
    """

    plan: SeatingPlan
    layers: Sequence[Layer]
    areas: Mapping[str, AreaLook]
    language: str
    label: str
    stage_word: str
    close_up: str = ""
    names_units: bool = False

    @property
    def shown(self) -> Sequence[Area]:
        """The areas that are drawn."""
        if not self.close_up:
            return self.plan.areas
        return [area for area in self.plan.areas if area.id == self.close_up]

    @property
    def has_seats(self) -> bool:
        """Whether seats are drawn, or areas only."""
        most = CLOSE_UP_SEATS_MAX if self.close_up else SEATS_DRAWN_MAX
        return sum(len(row.seats) for area in self.shown for row in area.rows) <= most


def draw(asked: Drawing) -> Markup:
    """The drawing as an SVG element for a page."""
    return Markup("").join(_Pen(asked).strokes())


def draw_sample(look: Look, css: str) -> Markup:
    """One seat of a look, for a legend."""
    return Markup(
        '<svg class="seat-sample" viewBox="0 0 10 10" aria-hidden="true"><path class="{}" d="{}"/></svg>'
    ).format(f"seat look-{look} {css}", _STROKES[look]("5", "5"))


@dataclass(slots=True)
class _Pen:
    asked: Drawing
    scale: float = field(init=False)
    left: float = field(init=False)
    top: float = field(init=False)
    width: float = field(init=False)
    height: float = field(init=False)

    def __post_init__(self) -> None:
        left, top, right, bottom = self._bounds()
        self.scale = _PITCH / self.asked.plan.seat_pitch
        self.left, self.top = left, top
        self.width = (right - left) * self.scale + 2 * _MARGIN
        self.height = (bottom - top) * self.scale + 2 * _MARGIN

    def strokes(self) -> Iterator[Markup]:
        asked = self.asked
        yield Markup(
            '<svg class="plan-drawing" role="{}" aria-label="{}" width="{}" viewBox="0 0 {} {}">'
        ).format(
            "group" if self._leads else "img",
            asked.label,
            _n(self.width * _SCALE_MAX),
            _n(self.width),
            _n(self.height),
        )
        if asked.plan.stage and not asked.close_up:
            yield from self._stage(asked.plan.stage)
        for area in asked.shown:
            yield self._shape(area)
        if asked.has_seats:
            for layer in asked.layers:
                yield from self._layer(layer)
            yield from self._row_labels()
        for area in asked.shown:
            yield from self._area_words(area)
        yield Markup("</svg>")

    def _bounds(self) -> tuple[float, float, float, float]:
        if not self.asked.close_up:
            return self.asked.plan.bounds
        points = [point for area in self.asked.shown for point in area.shape]
        across, down = [x for x, _ in points] or [0.0], [y for _, y in points] or [0.0]
        return min(across), min(down), max(across), max(down)

    def _at(self, point: Point) -> tuple[str, str]:
        x, y = point
        return (
            _n((x - self.left) * self.scale + _MARGIN),
            _n((y - self.top) * self.scale + _MARGIN),
        )

    def _polygon(self, points: Iterable[Point]) -> str:
        return " ".join(",".join(self._at(point)) for point in points)

    def _stage(self, stage: Sequence[Point]) -> Iterator[Markup]:
        yield Markup('<polygon class="plan-stage" points="{}"/>').format(self._polygon(stage))
        across, down = [x for x, _ in stage], [y for _, y in stage]
        middle = (min(across) + max(across)) / 2, (min(down) + max(down)) / 2
        yield self._text("plan-stage-word", middle, self._label_size, self.asked.stage_word)

    def _shape(self, area: Area) -> Markup:
        look = self.asked.areas.get(area.id, AreaLook("plan-area"))
        is_filled = not self.asked.has_seats or area.kind is AreaKind.STANDING
        css = look.css if is_filled else "plan-outline"
        shape = Markup('<polygon class="{}" points="{}"/>').format(
            f"plan-shape {css}", self._polygon(area.shape)
        )
        if not self._leads or not look.path or area.kind is AreaKind.STANDING:
            return shape
        name = area.name.in_language(self.asked.language)
        return Markup('<a href="{}" aria-label="{}">{}</a>').format(look.path, name, shape)

    def _layer(self, layer: Layer) -> Iterator[Markup]:
        stroke = _STROKES[layer.look]
        seats = [
            seat
            for area in self.asked.shown
            for row in area.rows
            for seat in row.seats
            if seat.unit in layer.units
        ]
        if seats:
            drawn = "".join(stroke(*self._at((seat.x, seat.y))) for seat in seats)
            units = Markup("")
            if self.asked.names_units:
                units = Markup(' data-units="{}"').format(runs_of(seat.unit for seat in seats))
            yield Markup('<path class="{}" d="{}"{}/>').format(
                f"seat look-{layer.look} {layer.css}", drawn, units
            )

    def _row_labels(self) -> Iterator[Markup]:
        rows = [row for area in self.asked.shown for row in area.rows]
        if len(rows) > _ROWS_LABELLED_MAX:
            return
        for row in rows:
            yield self._text("plan-row", _before(row, self.asked.plan.seat_pitch), 5.5, row.label)

    def _area_words(self, area: Area) -> Iterator[Markup]:
        look = self.asked.areas.get(area.id)
        name, size = area.name.in_language(self.asked.language), self._label_size
        if self.asked.has_seats and area.kind is AreaKind.SEATED:
            return  # over the seats it would hide them; the table names the areas
        (x, y), words = area.label_at, look.words if look else ""
        half = 0.6 * size / self.scale if words else 0.0  # of the two lines' distance
        yield self._text("plan-name", (x, y - half), size, name)
        if words:
            yield self._text("plan-words", (x, y + half), size * 0.85, words)

    @property
    def _leads(self) -> bool:
        """Whether areas lead to their close-ups: where their seats are not drawn here."""
        return not self.asked.has_seats and not self.asked.close_up

    @property
    def _label_size(self) -> float:
        return max(_LABEL_MIN, self.width / _LABEL_PER_WIDTH)

    def _text(self, css: str, at: Point, size: float, words: str) -> Markup:
        x, y = self._at(at)
        return Markup('<text class="{}" x="{}" y="{}" font-size="{}">{}</text>').format(
            css, x, y, _n(size), escape(words)
        )


def _before(row: Row, pitch: float) -> Point:
    """Where a row's label stands: beyond its first seat, in line with the row."""
    first: Seat = row.seats[0]
    if len(row.seats) == 1:
        return first.x - pitch, first.y
    second = row.seats[1]
    across, down = second.x - first.x, second.y - first.y
    length = (across * across + down * down) ** 0.5 or 1.0
    return first.x - across / length * pitch, first.y - down / length * pitch


def _square(x: str, y: str) -> str:
    side = _n(2 * _HALF)
    return f"M{_n(float(x) - _HALF)} {_n(float(y) - _HALF)}h{side}v{side}h-{side}z"


def _dot(x: str, y: str) -> str:
    """A point: the round end of its stroke makes the dot."""
    return f"M{x} {y}h0"


def _cross(x: str, y: str) -> str:
    side = _n(2 * _HALF)
    corner = f"M{_n(float(x) - _HALF)} {_n(float(y) - _HALF)}"
    return f"{corner}l{side} {side}m0-{side}l-{side} {side}"


def _slash(x: str, y: str) -> str:
    side = _n(2 * _HALF)
    return f"{_square(x, y)}m{side} 0l-{side} {side}"


def _diamond(x: str, y: str) -> str:
    half = _n(_HALF)
    return f"M{x} {_n(float(y) - _HALF)}l{half} {half}-{half} {half}-{half}-{half}z"


_STROKES: Mapping[Look, Callable[[str, str], str]] = {
    Look.SQUARE: _square,
    Look.DOT: _dot,
    Look.CROSS: _cross,
    Look.SLASH: _slash,
    Look.DIAMOND: _diamond,
}


def _n(value: float) -> str:
    """A number as short as it can be."""
    return f"{value:.1f}".removesuffix(".0")

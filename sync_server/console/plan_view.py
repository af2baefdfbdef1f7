"""Seating plans, ready to show: lines of a list, areas, categories, and the drawing's colours."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from markupsafe import Markup

from program.i18n import format_count, translations
from sync_server.console.moments import moment
from sync_server.console.plan_drawing import AreaLook, Drawing, Layer, Look, draw
from sync_server.console.plan_words import source_words
from sync_server.services.plan_store import PlanLine
from ticketing.pretix_plan import Category
from ticketing.seating import Area, AreaKind, SeatingPlan

PLANS_PATH = "/console/plans"
ONE_PATH = f"{PLANS_PATH}/one"
DRAFT_PATH = f"{PLANS_PATH}/draft"
_TIER_COLOURS = 5
_SNIPPET_SPANS_MAX = 2_000


@dataclass(frozen=True, slots=True)
class PlanRow:
    """A version of a plan in a list."""

    path: str
    name: str
    id: str
    places: str
    version: str
    saved: str
    source: str
    person: str
    events: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AreaRow:
    """An area of a plan; `css` is its colour in the drawing."""

    name: str
    id: str
    kind: str
    rows: str
    places: str
    gate: str
    units: str
    path: str
    css: str


@dataclass(frozen=True, slots=True)
class CategoryRow:
    """A group of seats of the file. `snippet`: what a price tier of a catalogue would say of it."""

    name: str
    places: str
    css: str
    snippet: str


@dataclass(frozen=True, slots=True)
class PlanPicture:
    """A plan's drawing with its tables. `close_up` names the area that is drawn alone."""

    svg: Markup
    areas: tuple[AreaRow, ...]
    categories: tuple[CategoryRow, ...]
    close_up: str
    is_of_areas: bool


def plan_path(plan_id: str, version: int | None = None) -> str:
    """Where a plan is."""
    asked = {"id": plan_id} | ({"version": str(version)} if version else {})
    return f"{ONE_PATH}?{urlencode(asked)}"


def plan_row(line: PlanLine, language: str, zone: ZoneInfo, events: Sequence[str] = ()) -> PlanRow:
    """A line of a list."""
    return PlanRow(
        plan_path(line.id, line.version),
        line.name.in_language(language),
        line.id,
        format_count(line.unit_count, language),
        format_count(line.version, language),
        moment(line.saved_ms, language, zone) if line.saved_ms else "",
        source_words(line.source, language),
        line.person_name,
        tuple(events),
    )


def make_picture(
    plan: SeatingPlan, categories: Sequence[Category], language: str, base: str, area_id: str
) -> PlanPicture:
    """Draw a plan. `base` is the page's own address with a question in it; `area_id` a close-up."""
    _ = translations(language).gettext
    close_up = plan.area(area_id) if area_id else None
    colours = {area.id: _tier(at) for at, area in enumerate(plan.areas)}
    layers = _layers(plan, categories, colours)
    name = plan.name.in_language(language)
    drawing = Drawing(
        plan,
        layers,
        {
            area.id: AreaLook(
                f"plan-area {colours[area.id]}",
                format_count(area.capacity, language),
                _area_path(base, area.id),
            )
            for area in plan.areas
        },
        language,
        _("Seating plan {name}").format(name=name),
        _("Stage"),
        close_up.id if close_up else "",
    )
    return PlanPicture(
        draw(drawing),
        tuple(_area_row(area, colours[area.id], language, base) for area in plan.areas),
        _category_rows(categories, language),
        close_up.name.in_language(language) if close_up else "",
        not drawing.has_seats,
    )


def _tier(at: int) -> str:
    return f"tier-{at % _TIER_COLOURS}"


def _layers(
    plan: SeatingPlan, categories: Sequence[Category], colours: Mapping[str, str]
) -> list[Layer]:
    """Seats in the colours of their categories, and where the file had none in their areas'."""
    if not categories:
        return [
            Layer(colours[area.id], Look.DOT, frozenset(area.units))
            for area in plan.areas
            if area.kind is AreaKind.SEATED
        ]
    return [
        Layer(_tier(at), Look.DOT, frozenset(_units(each.spans)))
        for at, each in enumerate(categories)
    ]


def _units(spans: Iterable[tuple[int, int]]) -> Iterable[int]:
    for first, last in spans:
        yield from range(first, last + 1)


def _area_path(base: str, area_id: str) -> str:
    return f"{base}&{urlencode({'area': area_id})}"


def _area_row(area: Area, css: str, language: str, base: str) -> AreaRow:
    _ = translations(language).gettext
    is_standing = area.kind is AreaKind.STANDING
    first = min(span[0] for span in area.unit_spans)
    last = max(span[1] for span in area.unit_spans)
    return AreaRow(
        area.name.in_language(language),
        area.id,
        _("standing") if is_standing else _("seats"),
        "" if is_standing else format_count(len(area.rows), language),
        format_count(area.capacity, language),
        area.gate.in_language(language) if area.gate else "",
        f"{first}–{last}",
        "" if is_standing else _area_path(base, area.id),
        css,
    )


def _category_rows(categories: Sequence[Category], language: str) -> tuple[CategoryRow, ...]:
    _ = translations(language).gettext
    return tuple(
        CategoryRow(
            each.name or _("(no category)"),
            format_count(each.seat_count, language),
            _tier(at),
            json.dumps({"units": [list(span) for span in each.spans[:_SNIPPET_SPANS_MAX]]}),
        )
        for at, each in enumerate(categories)
    )

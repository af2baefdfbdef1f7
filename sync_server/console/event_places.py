"""Which places of an event are in which price tier: looked at on the plan, and moved by a form."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from markupsafe import Markup

from program.i18n import format_count, translations
from sync_server.console.block_words import sentence
from sync_server.console.event_desk import AskedEvent, asked_event, change_event, fault_context
from sync_server.console.event_fields import Faults
from sync_server.console.event_paths import EVENT_PATH, places_page
from sync_server.console.performance_paths import event_page
from sync_server.console.plan_drawing import AreaLook, Drawing, Layer, Look, draw, draw_sample
from sync_server.console.rendering import language_of, render
from sync_server.console.seat_view import RUNS_SHOWN_MAX, place_runs
from sync_server.handlers.forms import read_form
from sync_server.handlers.routes import route
from sync_server.heart.kept_back import NotKept
from sync_server.services.performance_changes import Refused
from sync_server.services.permissions import Permission
from sync_server.services.place_choice import CHOICE_CHARS_MAX, Choice, Misnamed, chosen_units
from ticketing.event import Event
from ticketing.faults import Problem as FileProblem
from ticketing.seating import AreaKind, SeatingPlan

_FORM_BYTES_MAX = 65_536
_SHORT_CHARS_MAX = 200
_PATH = f"{EVENT_PATH}/places"
_MAY = Permission.CATALOGUE_WRITE
_FIELDS = ("tier", "area", "rows", "seats", "count", "units")
_COLOURS = 5


@dataclass(frozen=True, slots=True)
class TierRow:
    """A price tier with its places, ready to show."""

    id: str
    name: str
    sample: Markup
    count: str
    places: tuple[str, ...]
    more: str


@dataclass(frozen=True, slots=True)
class PlacesOfTiers:
    """The drawing and its table; `close_up` names the area that is drawn alone."""

    svg: Markup
    tiers: tuple[TierRow, ...]
    close_up: str
    is_of_areas: bool


@route("GET", _PATH, permission=_MAY, page=True)
async def places_form(request: web.Request) -> web.Response:
    """The places as they are; `area` draws one alone."""
    return await _show(request, await asked_event(request), {})


@route("POST", _PATH, permission=_MAY, body_max=_FORM_BYTES_MAX, page=True)
async def move_places(request: web.Request) -> web.Response:
    """Put the chosen places into a tier, as a new version of the event."""
    form, asked = read_form(await request.read()), await asked_event(request)
    event, plan, language = asked.event, asked.loaded[1], language_of(request)
    units, tier_id = chosen_units(plan, _choice(form), None), form.get("tier", "")
    if isinstance(units, Misnamed):
        return await _show(request, asked, form, above=sentence(units, language))
    if not units or all(tier.id != tier_id for tier in event.price_tiers):
        return await _show(request, asked, form, above=sentence(NotKept.NOTHING, language))
    refused = await change_event(
        request, event.id, lambda members: _move(members, units, tier_id), form
    )
    if refused is None:
        return web.Response(status=303, headers={"Location": places_page(event.id)})
    return await _show(request, asked, form, refused=refused)


def _choice(form: Mapping[str, str]) -> Choice:
    area, rows, seats, count = (
        form.get(name, "")[:_SHORT_CHARS_MAX] for name in ("area", "rows", "seats", "count")
    )
    return Choice(area, rows, seats, count, form.get("units", "")[:CHOICE_CHARS_MAX])


def _move(members: dict[str, Any], units: Collection[int], tier_id: str) -> None:
    """Out of every tier, and into this one. What is written here is as `event_document` writes it."""
    moved = frozenset(units)
    for tier in members["price_tiers"]:
        had = {
            unit
            for place in tier["places"]
            for first, last in place["units"]
            for unit in range(first, last + 1)
        }
        has = had | moved if tier["id"] == tier_id else had - moved
        tier["places"] = [{"units": _spans(has)}] if has else []


def _spans(units: Collection[int]) -> list[list[int]]:
    spans: list[list[int]] = []
    for unit in sorted(units):
        if spans and unit == spans[-1][1] + 1:
            spans[-1][1] = unit
        else:
            spans.append([unit, unit])
    return spans


async def _show(
    request: web.Request,
    asked: AskedEvent,
    typed: Mapping[str, str],
    *,
    above: str = "",
    refused: Refused | None = None,
) -> web.Response:
    language, event, plan = language_of(request), asked.event, asked.loaded[1]
    faults: Faults = {}
    for each in refused.rules if refused is not None else ():
        if isinstance(each, FileProblem):
            faults.setdefault("", each)
    context, status = fault_context(faults, refused, language)
    area = request.query.get("area", "")[:_SHORT_CHARS_MAX]
    picture = await asyncio.to_thread(places_of_tiers, plan, event, language, area)
    context |= {
        "above": above or context["above"],
        "path": places_page(event.id),
        "event_path": event_page(event.id),
        "venue": asked.venue.name.in_language(language),
        "event_name": event.name.in_language(language),
        "page": picture,
        "typed": {name: typed.get(name, "")[:CHOICE_CHARS_MAX] for name in _FIELDS},
        "seen": asked.rev,
        "areas": [
            (each.id, each.name.in_language(language), each.kind is AreaKind.STANDING)
            for each in plan.areas
        ],
    }
    return render(
        request, "event_places.html", context, status=HTTPStatus.BAD_REQUEST if above else status
    )


def places_of_tiers(plan: SeatingPlan, event: Event, language: str, area_id: str) -> PlacesOfTiers:
    """The plan in the colours of the tiers, and what each has in words."""
    _ = translations(language).gettext
    close_up = plan.area(area_id) if area_id else None
    units = {tier.id: set[int]() for tier in event.price_tiers}
    for span in event.tier_spans:
        units[span.tier_id].update(range(span.first_unit, span.last_unit + 1))
    looks = {tier.id: _look(at) for at, tier in enumerate(event.price_tiers)}
    drawing = Drawing(
        plan,
        [Layer(looks[id_][1], looks[id_][0], frozenset(found)) for id_, found in units.items()],
        {
            area.id: AreaLook(
                f"plan-area {looks[event.tier_of(area.first_unit)][1]}",
                ", ".join(_letters(event, area.units)),
                ""
                if area.kind is AreaKind.STANDING
                else f"{places_page(event.id)}?{urlencode({'area': area.id})}",
            )
            for area in plan.areas
        },
        language,
        _("Price tiers of {name}").format(name=plan.name.in_language(language)),
        _("Stage"),
        close_up.id if close_up else "",
        names_units=True,
    )
    rows = []
    for tier in event.price_tiers:
        runs = list(place_runs(plan, units[tier.id], language))
        more = sum(count for _words, count in runs[RUNS_SHOWN_MAX:])
        said = translations(language).ngettext("and {n} more place", "and {n} more places", more)
        rows.append(
            TierRow(
                tier.id,
                f"{tier.letter} · {tier.name.in_language(language)}",
                draw_sample(*looks[tier.id]),
                format_count(len(units[tier.id]), language),
                tuple(words for words, _count in runs[:RUNS_SHOWN_MAX]),
                said.format(n=format_count(more, language)) if more else "",
            )
        )
    name = close_up.name.in_language(language) if close_up else ""
    return PlacesOfTiers(draw(drawing), tuple(rows), name, not drawing.has_seats)


def _look(at: int) -> tuple[Look, str]:
    """Colours come again after some tiers, in another shape."""
    shapes = (Look.DOT, Look.SQUARE, Look.DIAMOND)
    return shapes[at // _COLOURS % len(shapes)], f"tier-{at % _COLOURS}"


def _letters(event: Event, units: Collection[int]) -> list[str]:
    """The letters of the tiers that an area has places of."""
    found = {event.tier_of(unit) for unit in units}
    return [tier.letter for tier in event.price_tiers if tier.id in found]

"""The form of an event's price list: what each ticket type costs in each price tier.

Usual prices, or those of one performance, which go before them. Of a large list a tier at a time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from program.i18n import translations
from sync_server.console.event_desk import AskedEvent, asked_event, change_event, fault_context
from sync_server.console.event_fields import (
    Faults,
    Slip,
    amount_text,
    path_text,
    read_amount,
)
from sync_server.console.event_paths import EVENT_PATH, prices_page
from sync_server.console.event_words import performance_words
from sync_server.console.performance_paths import event_page
from sync_server.console.rendering import language_of, render
from sync_server.handlers.forms import read_form
from sync_server.handlers.problems import Problem
from sync_server.handlers.routes import route
from sync_server.services.performance_changes import NotChanged, Refused
from sync_server.services.permissions import Permission
from ticketing.event import Performance, PriceTier
from ticketing.faults import Problem as FileProblem
from ticketing.performance_document import PERFORMANCE_NUMBER_MAX

_FORM_BYTES_MAX = 65_536
_FIELDS_AT_ONCE_MAX = 200
"""A form takes 256 fields; a longer list is shown a tier at a time."""
_PATH = f"{EVENT_PATH}/prices"
_MAY = Permission.CATALOGUE_WRITE
_NOT_SOLD = "-"
_TYPED_CHARS_MAX = 20


@dataclass(frozen=True, slots=True)
class Sheet:
    """The part of the price list that a form is about. `performance` None: the usual prices."""

    asked: AskedEvent
    performance: Performance | None
    tiers: tuple[PriceTier, ...]

    @property
    def keys(self) -> list[tuple[str, str, str]]:
        """Its fields: name, price tier, ticket type."""
        return [
            (f"p.{tier.id}.{kind.id}", tier.id, kind.id)
            for tier in self.tiers
            for kind in self.asked.event.ticket_types
        ]


@route("GET", _PATH, permission=_MAY, page=True)
async def prices_form(request: web.Request) -> web.Response:
    """The prices as they are."""
    sheet = await _sheet(request, request.query)
    return _show(request, sheet, _typed_now(sheet))


@route("POST", _PATH, permission=_MAY, body_max=_FORM_BYTES_MAX, page=True)
async def save_prices(request: web.Request) -> web.Response:
    """Store them, as a new version of the event."""
    form = read_form(await request.read())
    sheet = await _sheet(request, form)
    typed = {name: form.get(name, "").strip()[:_TYPED_CHARS_MAX] for name, _, _ in sheet.keys}
    prices = _read(sheet, typed)
    faults: Faults = {}
    for name, tier, kind in sheet.keys:
        price = prices[tier, kind]
        if isinstance(price, Slip):
            faults[name] = price
    refused = None
    if not faults:
        refused = await change_event(
            request, sheet.asked.event.id, lambda members: _put(members, sheet, prices), form
        )
        if refused is None:
            page = event_page(sheet.asked.event.id)
            return web.Response(status=303, headers={"Location": page})
        if refused.why is NotChanged.MEANWHILE:
            typed = _typed_now(sheet)
        faults = _faults(sheet, refused)
    return _show(request, sheet, typed, faults, refused)


async def _sheet(request: web.Request, asked_by: Mapping[str, str]) -> Sheet:
    asked = await asked_event(request)
    event, number, tier_id = asked.event, asked_by.get("performance", ""), asked_by.get("tier", "")
    performance = None
    if number:
        fits = number.isascii() and number.isdecimal() and len(number) <= 10
        found = int(number) if fits else PERFORMANCE_NUMBER_MAX + 1
        performance = event.performance(found)
    if number and performance is None:
        raise Problem(404, "not_found", "the event has no such performance")
    tiers = event.price_tiers
    if len(tiers) * len(event.ticket_types) > _FIELDS_AT_ONCE_MAX or tier_id:
        tiers = tuple(each for each in tiers if each.id == (tier_id or tiers[0].id))
    if not tiers:
        raise Problem(404, "not_found", "the event has no such price tier")
    return Sheet(asked, performance, tiers)


def _typed_now(sheet: Sheet) -> dict[str, str]:
    event, number = sheet.asked.event, sheet.performance.number if sheet.performance else None
    own = {
        (price.tier_id, price.ticket_type_id): price.price_minor
        for price in event.prices
        if price.performance_number == number
    }
    typed = {}
    for name, tier, kind in sheet.keys:
        if (tier, kind) in own:
            minor = own[tier, kind]
            is_sold = minor is not None
            typed[name] = amount_text(minor or 0, event.currency) if is_sold else _NOT_SOLD
    return typed


def _read(sheet: Sheet, typed: Mapping[str, str]) -> dict[tuple[str, str], int | Slip | str | None]:
    """Minor units; None for what is not said, `-` for what is not sold."""
    found: dict[tuple[str, str], int | Slip | str | None] = {}
    for name, tier, kind in sheet.keys:
        written = typed[name]
        if not written or (written == _NOT_SOLD and sheet.performance is None):
            found[tier, kind] = None
        elif written == _NOT_SOLD:
            found[tier, kind] = _NOT_SOLD
        else:
            found[tier, kind] = read_amount(written, sheet.asked.event.currency)
    return found


def _put(
    members: dict[str, Any],
    sheet: Sheet,
    prices: Mapping[tuple[str, str], int | Slip | str | None],
) -> None:
    price_list = members["price_list"]
    table = price_list["prices_minor"]
    if sheet.performance is not None:
        table = _exception(price_list, sheet.performance.number)
    for (tier, kind), price in prices.items():
        row = table.setdefault(tier, {})
        row.pop(kind, None)
        if price is not None:
            row[kind] = None if price == _NOT_SOLD else price
        if not row:
            table.pop(tier)
    price_list["exceptions"] = [each for each in price_list["exceptions"] if each["prices_minor"]]


def _exception(price_list: dict[str, Any], number: int) -> dict[str, Any]:
    """The table of a performance's own prices, which each stored exception has one of."""
    listed = price_list["exceptions"]
    found = next((each for each in listed if each["performances"] == [number]), None)
    if found is None:
        found = {"performances": [number], "prices_minor": {}}
        listed.append(found)
    table: dict[str, Any] = found["prices_minor"]
    return table


def _faults(sheet: Sheet, refused: Refused) -> Faults:
    """The document's faults beside the prices that they are about."""
    ends = {path_text((tier, kind))[1:]: name for name, tier, kind in sheet.keys}
    faults: Faults = {}
    for each in refused.rules:
        if isinstance(each, FileProblem):
            about = (name for end, name in ends.items() if each.path.endswith(end))
            faults.setdefault(next(about, ""), each)
    return faults


def _show(
    request: web.Request,
    sheet: Sheet,
    typed: Mapping[str, str],
    faults: Faults | None = None,
    refused: Refused | None = None,
) -> web.Response:
    language, asked = language_of(request), sheet.asked
    event, event_id = asked.event, asked.event.id
    gettext = translations(language).gettext
    number = sheet.performance.number if sheet.performance else 0
    tier_id = sheet.tiers[0].id if len(sheet.tiers) < len(event.price_tiers) else ""
    context, status = fault_context(faults or {}, refused, language)
    context |= {
        "path": prices_page(event_id),
        "query": prices_page(event_id, performance=number, tier=tier_id).partition("?")[2],
        "venue": asked.venue.name.in_language(language),
        "event_name": event.name.in_language(language),
        "event_path": event_page(event_id),
        "form_path": prices_page(event_id),
        "currency": event.currency,
        "seen": asked.rev,
        "number": number,
        "tier_id": tier_id,
        "about": performance_words(sheet.performance, asked.venue, language)
        if sheet.performance
        else gettext("The usual prices"),
        "types": [each.name.in_language(language) for each in event.ticket_types],
        "rows": [
            (
                tier.name.in_language(language),
                tier.letter,
                [
                    (
                        f"p.{tier.id}.{kind.id}",
                        kind.name.in_language(language),
                        _usual(sheet, tier.id, kind.id),
                    )
                    for kind in event.ticket_types
                ],
            )
            for tier in sheet.tiers
        ],
        "typed": typed,
        "tiers": [
            (
                each.name.in_language(language),
                prices_page(event_id, performance=number, tier=each.id),
            )
            for each in event.price_tiers
        ]
        if tier_id
        else [],
    }
    return render(request, "event_prices.html", context, status=status)


def _usual(sheet: Sheet, tier_id: str, type_id: str) -> str:
    """What an empty field of a performance means: the usual price."""
    if sheet.performance is None:
        return ""
    minor = sheet.asked.event.price(tier_id, type_id)
    return amount_text(minor, sheet.asked.event.currency) if minor is not None else ""

"""The page of the rows behind a figure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from aiohttp import web
from sqlalchemy import Connection

from program.i18n import format_datetime, format_money, translations
from sync_server.console.account_words import CHECKS
from sync_server.console.plan_words import place_words
from sync_server.console.rendering import language_of, render
from sync_server.console.statement import make_statement, scope_path
from sync_server.handlers.problems import Problem
from sync_server.handlers.state import CENTRE
from sync_server.services.account_rows import (
    ROWS_MAX,
    Cell,
    RowsBehind,
    Which,
    entries_behind,
    orders_behind,
    places_behind,
)
from sync_server.services.catalogue import load_plan
from sync_server.services.reckoning import By, CheckKind, Reckoning
from sync_server.services.reconciling import House


def N_(text: str) -> str:  # noqa: N802 - gettext's usual name for "translate later"
    """Mark a text for translation where it is not yet known into which language."""
    return text


CELLS = {
    Cell.ORDER: N_("Order no."),
    Cell.RECEIPT: N_("Receipt"),
    Cell.NODE: N_("Window"),
    Cell.TIME: N_("Time"),
    Cell.TOTAL: N_("Total"),
    Cell.BOOKED: N_("Booked"),
    Cell.TAKEN: N_("Taken"),
    Cell.BACK: N_("Taken back"),
    Cell.UNIT: N_("Place"),
    Cell.TICKET: N_("Ticket no."),
    Cell.CLAIM: N_("The place is"),
    Cell.STATE: N_("The ticket is"),
    Cell.ENTRIES: N_("Entries"),
    Cell.ALLOWED: N_("Allowed"),
}
STATES = {
    "": N_("not known"),
    "valid": N_("valid"),
    "void": N_("taken back"),
    "disputed": N_("disputed"),
    "sold": N_("sold"),
    "free": N_("free"),
    "allot": N_("lent"),
    "hold": N_("held"),
    "blocked": N_("blocked"),
    "returned": N_("returned"),
}
_MONEY = frozenset({Cell.TOTAL, Cell.BOOKED, Cell.TAKEN, Cell.BACK})
_NUMBERS = _MONEY | {Cell.ENTRIES, Cell.ALLOWED}
Read = Callable[[Connection], RowsBehind]


async def show_rows(request: web.Request, house: House, reckoning: Reckoning) -> web.Response:
    """The rows of the check that the query names."""
    language, zone = language_of(request), house.facts.venue.zone
    kind, part = request.query.get("check", ""), request.query.get("part", "")
    read, event_id = _reader(reckoning, kind, part), part.rpartition("/")[0]
    found, loaded = await request.app[CENTRE].read(lambda c: (read(c), load_plan(c, event_id)))
    plan = loaded[1] if loaded is not None else None
    gettext = translations(language).gettext
    said = gettext("The newest; none of them differs.")
    if found.differing:
        said = gettext("These make the difference.")
    return render(
        request,
        "account_rows.html",
        {
            "venue": house.facts.venue.name.in_language(language),
            "title": gettext(CHECKS[CheckKind(kind)]),
            "about": make_statement(reckoning, language, zone).title,
            "back": scope_path(reckoning.by, reckoning.of),
            "differing": found.differing,
            "said": said,
            "columns": [(gettext(CELLS[each]), each in _NUMBERS) for each in found.columns],
            "rows": [
                [
                    place_words(plan, int(str(value)), language)
                    if cell is Cell.UNIT and plan is not None
                    else _shown(house, cell, value, found.currency, language)
                    for cell, value in zip(found.columns, row, strict=True)
                ]
                for row in found.rows
            ],
            "is_cut": len(found.rows) >= ROWS_MAX,
            "rows_max": ROWS_MAX,
        },
    )


def _reader(reckoning: Reckoning, kind: str, part: str) -> Read:
    if kind == CheckKind.TAKINGS:
        which = _which(reckoning, part)
        return lambda connection: orders_behind(connection, which)
    event_id, _slash, number = part.rpartition("/")
    if kind not in (CheckKind.STOCK, CheckKind.TICKETS) or not number.isdecimal():
        raise Problem(404, "not_found", "there are no rows behind this")
    read = places_behind if kind == CheckKind.STOCK else entries_behind
    performance = min(int(number), 2**31)
    return lambda connection: read(connection, event_id, performance)


def _which(reckoning: Reckoning, part: str) -> Which:
    match reckoning.by:
        case By.DAY:
            return Which(from_ms=reckoning.starts_ms, to_ms=reckoning.ends_ms)
        case By.SHIFT:
            return Which(shift=reckoning.of)
        case By.PERFORMANCE:
            return Which(event_id=part)
        case By.TILL | By.GATE:
            return Which(node_id=reckoning.of)


def _shown(house: House, cell: Cell, value: object, currency: str, language: str) -> str:
    if cell in _MONEY and isinstance(value, int):
        return format_money(value, currency, language)
    if cell in _MONEY:  # PostgreSQL's sums are decimals
        return format_money(int(str(value)), currency, language)
    if cell is Cell.TIME:
        at = datetime.fromtimestamp(int(str(value)) / 1000, UTC)
        return format_datetime(at, language, zone=house.facts.venue.zone, year=True)
    if cell is Cell.NODE:
        node = house.nodes.get(str(value))
        return node.name if node else str(value)
    if cell in (Cell.STATE, Cell.CLAIM):
        known = STATES.get(str(value))
        return translations(language).gettext(known) if known else str(value)
    return str(value)

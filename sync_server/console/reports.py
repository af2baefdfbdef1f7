"""The sales report: for the house, and for an agency of what its windows sold."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web
from sqlalchemy import Connection

from sync_server.console.agencies import MY_AGENCY_PATH, asked_of, my_agencies
from sync_server.console.rendering import language_of, render
from sync_server.console.report_page import (
    REPORTS_PATH,
    SALES_PATH,
    day_of,
    event_choices,
    event_of,
    performance_choices,
    performance_of,
    table_links,
    table_response,
    tabs,
)
from sync_server.console.report_words import Names, read_names
from sync_server.console.sales_view import FIGURES, SalesWords
from sync_server.handlers.routes import route
from sync_server.handlers.shapes import reports as shapes
from sync_server.handlers.state import CENTRE
from sync_server.report_keeping import REPORTS
from sync_server.services.agencies import Agency
from sync_server.services.permissions import Permission
from sync_server.services.sales_report import SalesAsked, SalesReport, read_sales
from sync_server.services.scopes import Reach

_MY_SALES = f"{MY_AGENCY_PATH}/sales"


@dataclass(frozen=True, slots=True)
class _Read:
    asked: SalesAsked
    report: SalesReport
    names: Names


@route("GET", REPORTS_PATH, permission=Permission.BOOKS_READ, page=True)
async def sales(request: web.Request) -> web.Response:
    """What was sold and given back, by one thing or another."""
    return _page(request, await _read(request), SALES_PATH)


@route("GET", f"{SALES_PATH}.{{kind}}", permission=Permission.BOOKS_READ, page=True)
async def sales_table(request: web.Request) -> web.Response:
    """The same as CSV or as a workbook."""
    return await _table(request, await _read(request))


@route(
    "GET",
    f"{REPORTS_PATH}.json",
    permission=Permission.BOOKS_READ,
    asks=shapes.SalesQuery,
    gives=shapes.Sales,
)
async def sales_json(request: web.Request) -> web.Response:
    """The same for programs."""
    report = (await _read(request)).report
    lines = [
        {
            "by": line.by,
            "event": line.event_id,
            "of": line.of,
            "currency": line.currency,
            "sold_count": line.sold_count,
            "sold_minor": line.sold_minor,
            "back_count": line.back_count,
            "back_minor": line.back_minor,
        }
        for line in report.lines
    ]
    return web.json_response({"counted_ms": report.counted_ms, "lines": lines})


@route("GET", _MY_SALES, permission=Permission.AGENCY_OWN, page=True, reach=Reach.AGENCY)
async def my_sales(request: web.Request) -> web.Response:
    """What the caller's own agency sold."""
    agency = asked_of(request, await my_agencies(request))
    return _page(request, await _read(request, agency), _MY_SALES, agency)


@route(
    "GET", f"{_MY_SALES}.{{kind}}", permission=Permission.AGENCY_OWN, page=True, reach=Reach.AGENCY
)
async def my_sales_table(request: web.Request) -> web.Response:
    """The same as CSV or as a workbook."""
    agency = asked_of(request, await my_agencies(request))
    return await _table(request, await _read(request, agency))


async def _read(request: web.Request, agency: Agency | None = None) -> _Read:
    """As of now, where counting what has changed takes no longer than somebody waits."""
    asked = SalesAsked(
        event_of(request),
        performance_of(request),
        day_of(request, "first"),
        day_of(request, "last"),
        None if agency is None else agency.id,
    )
    centre = request.app[CENTRE]
    await request.app[REPORTS].catch_up()

    def read(connection: Connection) -> _Read:
        report = read_sales(connection, asked)
        names = read_names(connection, centre.venue_id, set(report.performances))
        return _Read(asked, report, names)

    return await centre.read(read)


def _page(
    request: web.Request, read: _Read, table_path: str, agency: Agency | None = None
) -> web.Response:
    language, asked, names = language_of(request), read.asked, read.names
    words = SalesWords(read.report, names, language)
    typed = {
        "id": agency.id if agency else "",
        "event": asked.event_id,
        "performance": str(asked.performance or ""),
        "first": asked.first_day,
        "last": asked.last_day,
    }
    known = read.report.performances
    context = {
        "venue": names.venue.name.in_language(language),
        "agency": agency,
        "agency_path": MY_AGENCY_PATH,
        "typed": typed,
        "tabs": [] if agency else tabs(REPORTS_PATH, language),
        "events": event_choices(names, known, asked.event_id, language),
        "performances": performance_choices(
            names, asked.event_id, known.get(asked.event_id, ()), asked.performance, language
        ),
        "figures": words.figures(),
        "parts": words.parts(),
        "as_of": words.as_of(),
        "tables": table_links(table_path, typed),
    }
    return render(request, "report_sales.html", context)


async def _table(request: web.Request, read: _Read) -> web.Response:
    rows = SalesWords(read.report, read.names, language_of(request)).table()
    return await table_response(request, "sales", rows, FIGURES)

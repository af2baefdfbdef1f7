"""The refund list of a cancelled performance, as a page and as tables to take away."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from aiohttp import web

from program.i18n import format_count, format_money, translations
from sync_server.console.moments import moment
from sync_server.console.performance_paths import PERFORMANCES_PATH
from sync_server.console.performances import Asked, asked_for, heading
from sync_server.console.rendering import language_of, render
from sync_server.console.statement import decimal_text
from sync_server.console.tables import rows_to_csv, rows_to_xlsx
from sync_server.handlers.problems import Problem
from sync_server.handlers.routes import route
from sync_server.handlers.state import CENTRE
from sync_server.services.permissions import Permission
from sync_server.services.refund_list import (
    CASH,
    RefundLine,
    Sums,
    read_cancelled,
    read_refunds,
    summed,
    summed_by,
)
from ticketing.event import Venue

LINES_SHOWN_MAX = 200
_PATH = f"{PERFORMANCES_PATH}/{{number}}/refunds"
_KINDS = {
    "refunds.csv": "text/csv",
    "refunds.xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_AMOUNTS = frozenset({4, 5, 6, 7})
"""The columns of a table that hold figures."""


@route("GET", _PATH, permission=Permission.BOOKS_READ, page=True)
async def refunds(request: web.Request) -> web.Response:
    """What is still to go back, and what went back since."""
    language = language_of(request)
    asked, lines = await _read(request)
    total = summed(lines)
    shown = lines[:LINES_SHOWN_MAX]
    venue, path = asked.snapshot.venue, f"{PERFORMANCES_PATH}/{asked.performance.number}/refunds"
    context = {
        **heading(asked, language),
        "still_out": format_money(total.open_minor, asked.event.currency, language),
        "given_back": format_money(total.back_minor, asked.event.currency, language),
        "is_settled": not any(line.open_count for line in lines),
        "by_window": _sum_rows(summed_by(lines, tender=False), asked, language),
        "by_tender": _sum_rows(
            {
                tender_name(name, venue, language): sums
                for name, sums in summed_by(lines, tender=True).items()
            },
            asked,
            language,
        ),
        "lines": [_shown(line, asked, language) for line in shown],
        "left_out": len(lines) - len(shown),
        "reports": [(name.rpartition(".")[2].upper(), f"{path}/{name}") for name in _KINDS],
    }
    return render(request, "refunds.html", context)


@route("GET", f"{_PATH}/{{name}}", permission=Permission.BOOKS_READ, page=True)
async def refund_table(request: web.Request) -> web.Response:
    """The whole list as CSV or as a workbook."""
    name, language = request.match_info["name"], language_of(request)
    if name not in _KINDS:
        raise Problem(404, "not_found", "there is no such page")
    asked, lines = await _read(request)
    # On a thread: of a large performance this is seconds.
    body = await asyncio.to_thread(_made, name, lines, asked, language)
    response = web.Response(body=body, content_type=_KINDS[name])
    file = f"boxgate-{asked.performance.number}-{name}"
    response.headers["Content-Disposition"] = f'attachment; filename="{file}"'
    return response


def _made(name: str, lines: Sequence[RefundLine], asked: Asked, language: str) -> bytes:
    rows = _table(lines, asked, language)
    if name == "refunds.csv":
        return rows_to_csv(rows, _AMOUNTS)
    return rows_to_xlsx(rows, _AMOUNTS, asked.event.name.in_language(language))


async def _read(request: web.Request) -> tuple[Asked, list[RefundLine]]:
    """The performance and its list. Raises Problem for one that takes place."""
    asked, centre = await asked_for(request), request.app[CENTRE]
    event_id, number = asked.event.id, asked.performance.number
    cancelled = await centre.read(lambda c: read_cancelled(c, event_id, number))
    if cancelled is None:
        raise Problem(404, "not_found", "this performance is not cancelled")
    lines = await centre.read(lambda c: read_refunds(c, event_id, number, cancelled))
    return asked, lines


def _sum_rows(
    sums: dict[str, Sums], asked: Asked, language: str
) -> list[tuple[str, str, str, str, str]]:
    currency = asked.event.currency
    return [
        (
            name,
            format_count(each.order_count, language),
            format_count(each.ticket_count, language),
            format_money(each.open_minor, currency, language),
            format_money(each.back_minor, currency, language),
        )
        for name, each in sums.items()
    ]


def _shown(line: RefundLine, asked: Asked, language: str) -> dict[str, object]:
    gettext, venue = translations(language).gettext, asked.snapshot.venue
    return {
        "receipt": line.receipt_no,
        "order": line.order_id,
        "window": line.window,
        "sold": moment(line.sold_ms, language, venue.zone),
        "tickets": format_count(line.open_count + line.back_count, language),
        "still_out": format_money(line.open_minor, line.currency, language),
        "given_back": format_money(line.back_minor, line.currency, language),
        "is_open": line.open_count > 0,
        "paid": gettext(", ").join(_paid(line, venue, language)),
        "is_late": line.is_late,
    }


def _paid(line: RefundLine, venue: Venue, language: str) -> Iterable[str]:
    for tender, minor in sorted(line.taken.items()):
        name = tender_name(tender, venue, language)
        yield f"{name} {format_money(minor, line.currency, language)}"


def tender_name(tender: str, venue: Venue, language: str) -> str:
    """What people call a means of payment."""
    gettext = translations(language).gettext
    if tender == CASH:
        return gettext("Cash")
    if not tender:
        return gettext("several means")
    named = venue.tender(tender)
    return named.name.in_language(language) if named is not None else tender


def _table(lines: Sequence[RefundLine], asked: Asked, language: str) -> Sequence[tuple[str, ...]]:
    """A heading, then a row an order; amounts are plain decimals."""
    _, venue = translations(language).gettext, asked.snapshot.venue
    head = (
        _("Order no."),
        _("Receipt"),
        _("Window"),
        _("Sold at"),
        _("Tickets still out"),
        _("To give back"),
        _("Tickets given back"),
        _("Given back"),
        _("Currency"),
        _("Paid by"),
        _("Sold after it was cancelled"),
    )
    return [head] + [
        (
            line.order_id,
            line.receipt_no,
            line.window,
            moment(line.sold_ms, language, venue.zone),
            str(line.open_count),
            decimal_text(line.open_minor, line.currency),
            str(line.back_count),
            decimal_text(line.back_minor, line.currency),
            line.currency,
            _(", ").join(_paid(line, venue, language)),
            _("yes") if line.is_late else "",
        )
        for line in lines
    ]

"""What all reports have: where they are, what may be chosen, and tables to take away."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import date
from urllib.parse import urlencode

from aiohttp import web

from program.i18n import translations
from sync_server.console.rendering import language_of
from sync_server.console.report_words import N_, Names
from sync_server.console.tables import rows_to_csv, rows_to_xlsx
from sync_server.handlers.problems import Problem
from ticketing.performance_document import PERFORMANCE_NUMBER_MAX

REPORTS_PATH = "/console/reports"
SALES_PATH = f"{REPORTS_PATH}/sales"
SLOTS_PATH = f"{REPORTS_PATH}/slots"
ENTRIES_PATH = f"{REPORTS_PATH}/entries"
CHOICES_MAX = 1_000
_TEXT_CHARS_MAX = 200
_YEARS = range(1970, 2200)
_TABS = (
    (REPORTS_PATH, N_("Sales")),
    (SLOTS_PATH, N_("How full they are")),
    (ENTRIES_PATH, N_("Entries")),
)
_KINDS = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
Choice = tuple[str, str, bool]
"""A value, what it is called, and whether it is chosen."""


def tabs(here: str, language: str) -> list[Choice]:
    """The reports of the house."""
    _ = translations(language).gettext
    return [(path, _(label), path == here) for path, label in _TABS]


def event_of(request: web.Request) -> str:
    """The event that is asked for, "" for all."""
    return request.query.get("event", "")[:_TEXT_CHARS_MAX]


def performance_of(request: web.Request) -> int:
    """The performance that is asked for, 0 for all. Raises Problem for what is no number."""
    asked = request.query.get("performance", "") or "0"
    if asked.isascii() and asked.isdecimal() and len(asked) <= len(str(PERFORMANCE_NUMBER_MAX)):
        return int(asked)
    raise Problem(400, "malformed", "a performance is asked for by its number")


def day_of(request: web.Request, name: str) -> str:
    """A business day that is asked for, "" for any. Raises Problem for what is none."""
    asked = request.query.get(name, "")
    if not asked:
        return ""
    with suppress(ValueError):
        found = date.fromisoformat(asked[:_TEXT_CHARS_MAX])
        if found.year in _YEARS:
            return found.isoformat()
    raise Problem(400, "malformed", "a day is asked for as 2026-11-28")


def event_choices(
    names: Names, event_ids: Iterable[str], chosen: str, language: str
) -> list[Choice]:
    """Events by name."""
    found = [(each, names.event(each, language), each == chosen) for each in event_ids]
    return sorted(found, key=lambda each: each[1])[:CHOICES_MAX]


def performance_choices(
    names: Names, event_id: str, numbers: Sequence[int], chosen: int, language: str
) -> list[Choice]:
    """An event's performances by their times, the newest first."""
    starts = {number: names.performance(event_id, number) for number in numbers}

    def order(number: int) -> float:
        found = starts[number]
        return found.starts_at.timestamp() if found else 0.0

    return [
        (str(number), names.when(event_id, number, language), number == chosen)
        for number in sorted(numbers, key=order, reverse=True)[:CHOICES_MAX]
    ]


def table_links(path: str, asked: Mapping[str, str]) -> list[tuple[str, str]]:
    """What the tables are called, and where they are."""
    kept = {name: value for name, value in asked.items() if value}
    tail = f"?{urlencode(kept)}" if kept else ""
    return [(kind.upper(), f"{path}.{kind}{tail}") for kind in _KINDS]


async def table_response(
    request: web.Request, name: str, rows: Sequence[Sequence[str]], figures: frozenset[int]
) -> web.Response:
    """The table of the kind that the path names. Raises Problem for another one."""
    kind, _ = request.match_info["kind"], translations(language_of(request)).gettext
    if kind not in _KINDS:
        raise Problem(404, "not_found", "there is no such page")
    # On a thread: in a large house this is seconds.
    if kind == "csv":
        body = await asyncio.to_thread(rows_to_csv, rows, figures)
    else:
        body = await asyncio.to_thread(rows_to_xlsx, rows, figures, _("Report"))
    response = web.Response(body=body, content_type=_KINDS[kind])
    response.headers["Content-Disposition"] = f'attachment; filename="boxgate-{name}.{kind}"'
    return response

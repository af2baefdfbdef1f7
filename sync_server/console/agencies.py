"""Agencies: all of them for the house; for who works at one, their own and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlencode

from aiohttp import web
from sqlalchemy import Connection

from sync_server.console.agency_view import AMOUNTS, DAYS_SHOWN_MAX, AgencyWords
from sync_server.console.figures import FIGURES
from sync_server.console.key_words import Fault, fault_sentence
from sync_server.console.node_view import node_path
from sync_server.console.people import person_path
from sync_server.console.rendering import language_of, render
from sync_server.console.tables import rows_to_csv
from sync_server.handlers.actors import actor_of
from sync_server.handlers.forms import read_form
from sync_server.handlers.problems import Problem
from sync_server.handlers.routes import route
from sync_server.handlers.state import CENTRE, PERSON
from sync_server.heart.agency_limits import AGENCY_UNITS_MAX
from sync_server.services.agencies import (
    NAME_CHARS_MAX,
    Agency,
    NotChanged,
    add_agency,
    read_agencies,
    rename_agency,
    retire_agency,
    windows_of,
)
from sync_server.services.agency_account import (
    ORDERS_SHOWN_MAX,
    AgencyCase,
    AgencyOrder,
    account_of,
    read_open_cases,
    read_orders,
)
from sync_server.services.agency_limits import read_agency_limits
from sync_server.services.permissions import Permission, PersonRole, person_may
from sync_server.services.reconciling import House
from sync_server.services.scopes import Reach, ScopeKind
from sync_server.services.staff import read_staff
from ticketing.operations import is_name

AGENCIES_PATH, MY_AGENCY_PATH = "/console/agencies", "/console/agency"
ONE_AGENCY_PATH = f"{AGENCIES_PATH}/one"
_TABLE = "takings.csv"
_FORM_BYTES_MAX = 4_096
_FIND_CHARS_MAX = 40
_UNREADABLE = (Fault.NODE_NAME, Fault.AGENCY_LIMIT)
_FAULTS = {
    NotChanged.NAME_TAKEN: Fault.AGENCY_NAME_TAKEN,
    NotChanged.HAS_WINDOWS: Fault.AGENCY_HAS_WINDOWS,
    NotChanged.TOO_MANY: Fault.TOO_MANY_AGENCIES,
}


@dataclass(frozen=True, slots=True)
class _Read:
    """What the page of an agency has beside the figures."""

    windows: dict[str, str]
    orders: list[AgencyOrder]
    cases: list[AgencyCase]
    limits: dict[str, int]


@route("GET", AGENCIES_PATH, permission=Permission.BOOKS_READ, page=True)
async def agencies(request: web.Request) -> web.Response:
    """All agencies with what they owe, and the form for one more."""
    return await _list(request)


@route("GET", ONE_AGENCY_PATH, permission=Permission.BOOKS_READ, page=True)
async def agency(request: web.Request) -> web.Response:
    """One agency: its account, its windows and people, its orders."""
    return await show_agency(request, await asked_agency(request, request.query.get("id", "")))


@route("GET", f"{AGENCIES_PATH}/{_TABLE}", permission=Permission.BOOKS_READ, page=True)
async def takings_table(request: web.Request) -> web.Response:
    """Takings by day, window and tender: of one agency, or of all."""
    if "id" in request.query:
        return await _table(request, [await asked_agency(request, request.query["id"])])
    return await _table(request, await request.app[CENTRE].read(read_agencies))


@route(
    "POST",
    f"{AGENCIES_PATH}/add",
    permission=Permission.AGENCIES_MANAGE,
    body_max=_FORM_BYTES_MAX,
    page=True,
)
async def add(request: web.Request) -> web.Response:
    """One more agency."""
    name, actor = read_form(await request.read()).get("name", "").strip(), actor_of(request)
    if not _is_name(name):
        return await _list(request, fault=Fault.NODE_NAME, name=name)
    made = await request.app[CENTRE].write(lambda tx: add_agency(tx, name, actor))
    if isinstance(made, NotChanged):
        return await _list(request, fault=_FAULTS[made], name=name)
    return to_agency(made)


@route(
    "POST",
    f"{ONE_AGENCY_PATH}/rename",
    permission=Permission.AGENCIES_MANAGE,
    body_max=_FORM_BYTES_MAX,
    page=True,
)
async def rename(request: web.Request) -> web.Response:
    """Another name for it."""
    form, actor = read_form(await request.read()), actor_of(request)
    found, name = await asked_agency(request, form.get("id", "")), form.get("name", "").strip()
    if not _is_name(name):
        return await show_agency(request, found, fault=Fault.NODE_NAME)
    refused = await request.app[CENTRE].write(lambda tx: rename_agency(tx, found.id, name, actor))
    if refused is not None:
        return await show_agency(request, found, fault=_FAULTS[refused])
    return to_agency(found.id)


@route(
    "POST",
    f"{ONE_AGENCY_PATH}/retire",
    permission=Permission.AGENCIES_MANAGE,
    body_max=_FORM_BYTES_MAX,
    page=True,
)
async def retire(request: web.Request) -> web.Response:
    """It sells no more, and its people see nothing more."""
    form, actor = read_form(await request.read()), actor_of(request)
    found = await asked_agency(request, form.get("id", ""))
    refused = await request.app[CENTRE].write(lambda tx: retire_agency(tx, found.id, actor))
    if refused is NotChanged.HAS_WINDOWS:
        return await show_agency(request, found, fault=Fault.AGENCY_HAS_WINDOWS)
    return to_agency(found.id)  # retired by now, by this or by somebody else


@route("GET", MY_AGENCY_PATH, permission=Permission.AGENCY_OWN, page=True, reach=Reach.AGENCY)
async def my_agency(request: web.Request) -> web.Response:
    """The caller's own agency; of several the one that is asked for."""
    mine = await my_agencies(request)
    return await show_agency(request, asked_of(request, mine), mine)


@route(
    "GET",
    f"{MY_AGENCY_PATH}/{_TABLE}",
    permission=Permission.AGENCY_OWN,
    page=True,
    reach=Reach.AGENCY,
)
async def my_takings_table(request: web.Request) -> web.Response:
    """Takings of the caller's own agency by day, window and tender."""
    return await _table(request, [asked_of(request, await my_agencies(request))])


async def my_agencies(request: web.Request) -> list[Agency]:
    """The agencies that the caller works for. Raises Problem when there is none."""
    scope = request[PERSON].scope
    ids = scope.ids if scope.kind is ScopeKind.AGENCY else frozenset()
    known = await request.app[CENTRE].read(read_agencies)
    mine = [each for each in known if each.is_active and each.id in ids]
    if not mine:
        raise Problem(403, "forbidden", "the caller works for no agency")
    return mine


def asked_of(request: web.Request, mine: Sequence[Agency]) -> Agency:
    """Another's is answered as one that does not exist."""
    asked = request.query.get("id", mine[0].id)
    found = next((each for each in mine if each.id == asked), None)
    if found is None:
        raise Problem(404, "not_found", "there is no such agency")
    return found


async def asked_agency(request: web.Request, agency_id: str) -> Agency:
    """The agency of an address or a form. Raises Problem when there is none."""
    known = await request.app[CENTRE].read(read_agencies)
    found = next((each for each in known if each.id == agency_id), None)
    if found is None:
        raise Problem(404, "not_found", "there is no such agency")
    return found


async def _list(
    request: web.Request, *, fault: Fault | None = None, name: str = ""
) -> web.Response:
    house, language = await request.app[FIGURES].house(), language_of(request)

    def read(connection: Connection) -> list[tuple[Agency, dict[str, str]]]:
        return [(each, windows_of(connection, each.id)) for each in read_agencies(connection)]

    known = await request.app[CENTRE].read(read)
    accounts = {each.id: account_of(house, windows) for each, windows in known}
    words = _words(request, house)
    rows = words.agencies([each for each, _windows in known], accounts)
    context = {
        "path": AGENCIES_PATH,
        "venue": house.facts.venue.name.in_language(language),
        "rows": [row for row in rows if row["is_active"]],
        "retired": [row for row in rows if not row["is_active"]],
        "fault": fault_sentence(fault, language),
        "name": name[:NAME_CHARS_MAX],
        "name_max": NAME_CHARS_MAX,
        "may_manage": person_may(request[PERSON].role, Permission.AGENCIES_MANAGE),
        "report": f"{AGENCIES_PATH}/{_TABLE}",
    }
    return render(request, "agencies.html", context, status=_status(fault))


async def show_agency(
    request: web.Request,
    found: Agency,
    mine: Sequence[Agency] = (),
    *,
    fault: Fault | None = None,
) -> web.Response:
    """The page of an agency. `mine`: who asks works for these, and sees nothing of the house."""
    house, language = await request.app[FIGURES].house(), language_of(request)
    receipt = request.query.get("receipt", "").strip()[:_FIND_CHARS_MAX]
    read = await request.app[CENTRE].read(lambda c: _read(c, found.id, receipt))
    account, words = account_of(house, read.windows), _words(request, house)
    role = request[PERSON].role
    context = {
        "path": request.path if request.method == "GET" else ONE_AGENCY_PATH,
        "venue": house.facts.venue.name.in_language(language),
        "agency": found,
        "is_mine": bool(mine),
        "others": [(_path(MY_AGENCY_PATH, each.id), each.name, each is found) for each in mine],
        "figures": words.figures(account),
        "places": words.places(account, read.limits),
        "limits": words.limits(read.limits),
        "events": words.events(),
        "units_max": AGENCY_UNITS_MAX,
        "days": words.days(account.days, read.windows),
        "days_left_out": max(0, len(account.days) - DAYS_SHOWN_MAX),
        "orders": words.orders(read.orders[:ORDERS_SHOWN_MAX], read.windows),
        "orders_max": ORDERS_SHOWN_MAX if len(read.orders) > ORDERS_SHOWN_MAX else 0,
        "receipt": receipt,
        "cases": words.cases(read.cases),
        "windows": [(node_path(node_id), name) for node_id, name in read.windows.items()],
        "people": [] if mine else await _people(request, found.id),
        "sales_path": _path(f"{MY_AGENCY_PATH}/sales", found.id),
        "report": _path(f"{MY_AGENCY_PATH if mine else AGENCIES_PATH}/{_TABLE}", found.id),
        "fault": fault_sentence(fault, language),
        "name_max": NAME_CHARS_MAX,
        "find_max": _FIND_CHARS_MAX,
        "may_manage": not mine and person_may(role, Permission.AGENCIES_MANAGE),
        "may_limit": not mine and person_may(role, Permission.STOCK_POLICY),
        "may_people": not mine and person_may(role, Permission.PEOPLE_MANAGE),
    }
    return render(request, "agency.html", context, status=_status(fault))


def _read(connection: Connection, agency_id: str, receipt: str) -> _Read:
    return _Read(
        windows_of(connection, agency_id),
        read_orders(connection, agency_id, receipt),
        read_open_cases(connection, agency_id),
        read_agency_limits(connection, agency_id),
    )


async def _people(request: web.Request, agency_id: str) -> list[tuple[str, str]]:
    """Who works there: paths and names."""
    centre = request.app[CENTRE]
    staff = await centre.read(lambda c: read_staff(c, centre.venue_id, centre.now_ms()))
    return [
        (person_path(each.person.id), each.person.name)
        for each in staff
        if each.is_active
        and each.person.role is PersonRole.AGENT
        and agency_id in each.person.scope.ids
    ]


async def _table(request: web.Request, asked: Sequence[Agency]) -> web.Response:
    house, language = await request.app[FIGURES].house(), language_of(request)

    def read(connection: Connection) -> list[tuple[Agency, dict[str, str]]]:
        return [(each, windows_of(connection, each.id)) for each in asked]

    known = await request.app[CENTRE].read(read)
    parts = [(each, account_of(house, windows), windows) for each, windows in known]
    rows = AgencyWords(house, language, b"").table(parts)
    body = await asyncio.to_thread(rows_to_csv, rows, AMOUNTS)
    response = web.Response(body=body, content_type="text/csv")
    response.headers["Content-Disposition"] = 'attachment; filename="boxgate-agency-takings.csv"'
    return response


def _words(request: web.Request, house: House) -> AgencyWords:
    return AgencyWords(house, language_of(request), request.app[CENTRE].keys.personal_data)


def _is_name(name: str) -> bool:
    return is_name(name) and len(name) <= NAME_CHARS_MAX


def _path(path: str, agency_id: str) -> str:
    return f"{path}?{urlencode({'id': agency_id})}"


def to_agency(agency_id: str) -> web.Response:
    """To the agency's page."""
    return web.Response(status=303, headers={"Location": _path(ONE_AGENCY_PATH, agency_id)})


def _status(fault: Fault | None) -> int:
    if fault is None:
        return HTTPStatus.OK
    return HTTPStatus.BAD_REQUEST if fault in _UNREADABLE else HTTPStatus.CONFLICT

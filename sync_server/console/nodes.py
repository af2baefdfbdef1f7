"""Windows, gates and hubs: how they are, letting one in by a code, and shutting a lost one out."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from aiohttp import web
from sqlalchemy import Connection

from program.i18n import format_count, translations
from sync_server.console.figures import FIGURES
from sync_server.console.key_words import Fault, fault_sentence
from sync_server.console.moments import moment
from sync_server.console.node_view import (
    NODES_PATH,
    MachineRow,
    code_rows,
    machine_rows,
    node_path,
)
from sync_server.console.overview import Snapshot, node_rows
from sync_server.console.own_password import is_own_password
from sync_server.console.qr import qr_svg
from sync_server.console.rendering import language_of, render
from sync_server.console.wording import node_role_name
from sync_server.handlers.actors import actor_of
from sync_server.handlers.forms import read_form
from sync_server.handlers.problems import Problem
from sync_server.handlers.routes import route
from sync_server.handlers.state import CENTRE, PERSON, SETTINGS
from sync_server.services.agencies import Agency, read_agencies
from sync_server.services.audit import TEXT_CHARS_MAX, Deed, audited
from sync_server.services.enrolment import (
    NAME_CHARS_MAX,
    CodeRefusal,
    EnrolmentCode,
    add_code,
    add_code_for_node,
    new_code,
    withdraw_code,
)
from sync_server.services.house import read_meta
from sync_server.services.machines import (
    Gone,
    Machine,
    NewPin,
    WaitingCode,
    count_pins_at,
    is_version,
    put_min_version,
    read_machines,
    read_waiting_codes,
    ready_pins,
    report_gone,
)
from sync_server.services.nodes import MIN_VERSION_KEY, read_nodes
from sync_server.services.permissions import NodeRole, Permission, person_may
from ticketing.operations import is_name

_FORM_BYTES_MAX = 8_192
_ONE = f"{NODES_PATH}/one"
_MINUTES = (15, 60, 240, 1_440)
_MINUTES_FIRST = 60
_CODE_FAULTS = {
    CodeRefusal.NAME_TAKEN: Fault.NODE_NAME_TAKEN,
    CodeRefusal.NO_VENUE: Fault.UNKNOWN_CHOICE,
    CodeRefusal.UNKNOWN_AGENCY: Fault.UNKNOWN_AGENCY,
}
_COMMANDS = {
    NodeRole.TILL: "boxgate-pos enrol --server {server} {code}",
    NodeRole.GATE: "boxgate-gate enrol --server {server} {code}",
    NodeRole.HUB: "boxgate-server join --server {server} --code {code}",
}


@dataclass(frozen=True, slots=True)
class Machines:
    """What the list shows, read in one go."""

    all: list[Machine]
    codes: list[WaitingCode]
    least: str
    agencies: list[Agency]


@route("GET", NODES_PATH, permission=Permission.CONSOLE_VIEW, page=True)
async def nodes(request: web.Request) -> web.Response:
    """All machines, the codes that wait, and the forms of who may enrol."""
    return await _list(request)


@route("GET", _ONE, permission=Permission.CONSOLE_VIEW, page=True)
async def node(request: web.Request) -> web.Response:
    """One machine."""
    return await _one(request, request.query.get("id", ""))


@route(
    "POST",
    f"{NODES_PATH}/enrol",
    permission=Permission.NODES_ENROL,
    body_max=_FORM_BYTES_MAX,
    page=True,
)
async def enrol(request: web.Request) -> web.Response:
    """A code by which a new machine joins: shown once, as text and as a picture."""
    form, centre = read_form(await request.read()), request.app[CENTRE]
    name, minutes = form.get("name", "").strip(), _minutes(form)
    role = NodeRole(form["role"]) if form.get("role") in set(NodeRole) else None
    agency = form.get("agency", "")
    if role is None or minutes is None:
        return await _list(request, fault=Fault.UNKNOWN_CHOICE, typed=form)
    if not is_name(name) or len(name) > NAME_CHARS_MAX:
        return await _list(request, fault=Fault.NODE_NAME, typed=form)
    if not await is_own_password(request, form):
        return await _list(request, fault=Fault.PASSWORD, typed=form)
    code = new_code(centre.keys.node_public)
    job = audited(
        lambda tx: add_code(tx, code.secret, role, name, minutes, agency),
        Deed.ENROL_CODE_MADE,
        f"node:{name}",
        actor_of(request),
        done=lambda refused: refused is None,
        after=lambda _: {"role": role, "minutes": minutes, **_of(agency)},
    )
    if refused := await centre.write(job):
        return await _list(request, fault=_CODE_FAULTS[refused], typed=form)
    return await _show_code(request, code, role, name, minutes)


@route(
    "POST",
    f"{NODES_PATH}/withdraw",
    permission=Permission.NODES_ENROL,
    body_max=_FORM_BYTES_MAX,
    page=True,
)
async def withdraw(request: web.Request) -> web.Response:
    """End a code that was shown and not used. No password: it lets nobody in, it keeps out."""
    form, centre = read_form(await request.read()), request.app[CENTRE]
    asked, actor = form.get("code", ""), actor_of(request)
    if not await centre.write(lambda tx: withdraw_code(tx, asked, actor)):
        return await _list(request, fault=Fault.CODE_OVER)
    return web.Response(status=303, headers={"Location": NODES_PATH})


@route(
    "POST",
    f"{_ONE}/again",
    permission=Permission.NODES_ENROL,
    body_max=_FORM_BYTES_MAX,
    page=True,
)
async def enrol_again(request: web.Request) -> web.Response:
    """A code by which another machine takes this one's place, name and history."""
    form, centre = read_form(await request.read()), request.app[CENTRE]
    machine, minutes = await _machine(request, form.get("id", "")), _minutes(form)
    if minutes is None:
        return await _one(request, machine.id, fault=Fault.UNKNOWN_CHOICE)
    if not await is_own_password(request, form):
        return await _one(request, machine.id, fault=Fault.PASSWORD)
    code = new_code(centre.keys.node_public)
    job = audited(
        lambda tx: add_code_for_node(tx, code.secret, machine.name, minutes),
        Deed.ENROL_CODE_MADE,
        f"node:{machine.name}",
        actor_of(request),
        done=lambda answer: isinstance(answer, NodeRole),
        after=lambda answer: {"role": answer, "minutes": minutes, "again": True},
    )
    answer = await centre.write(job)
    if answer is CodeRefusal.UNKNOWN_AGENCY:
        return await _one(request, machine.id, fault=Fault.UNKNOWN_AGENCY)
    if isinstance(answer, CodeRefusal):
        raise Problem(404, "not_found", "there is no such machine")
    return await _show_code(request, code, machine.role, machine.name, minutes)


@route(
    "POST",
    f"{_ONE}/gone",
    permission=Permission.NODES_REVOKE,
    body_max=_FORM_BYTES_MAX,
    page=True,
)
async def gone(request: web.Request) -> web.Response:
    """It is lost or stolen: shut it out, and show the new PINs of a stolen one's people."""
    form, centre = read_form(await request.read()), request.app[CENTRE]
    machine, reason = await _machine(request, form.get("id", "")), form.get("reason", "").strip()
    if form.get("how") not in set(Gone):
        return await _one(request, machine.id, fault=Fault.UNKNOWN_CHOICE, reason=reason)
    if not reason or len(reason) > TEXT_CHARS_MAX:
        return await _one(request, machine.id, fault=Fault.REASON, reason=reason)
    if not await is_own_password(request, form):
        return await _one(request, machine.id, fault=Fault.PASSWORD, reason=reason)
    how, actor = Gone(form["how"]), actor_of(request)
    count = await centre.read(lambda c: count_pins_at(c, machine.id)) if how is Gone.STOLEN else 0
    ready = await asyncio.to_thread(ready_pins, count)
    pins = await centre.write(
        lambda tx: report_gone(tx, centre.venue_id, machine.name, how, actor, reason, ready)
    )
    if pins is None:
        return await _one(request, machine.id, fault=Fault.GONE, reason=reason)
    return await _show_pins(request, machine, how, pins)


@route(
    "POST",
    f"{NODES_PATH}/min-version",
    permission=Permission.NODES_REVOKE,
    body_max=_FORM_BYTES_MAX,
    page=True,
)
async def set_min_version(request: web.Request) -> web.Response:
    """From now on older programs are told and lent nothing; an empty field takes every version."""
    form, centre = read_form(await request.read()), request.app[CENTRE]
    version, actor = form.get("version", "").strip(), actor_of(request)
    if version and not is_version(version):
        return await _list(request, fault=Fault.VERSION, typed=form)
    if not await is_own_password(request, form):
        return await _list(request, fault=Fault.PASSWORD, typed=form)
    await centre.write(lambda tx: put_min_version(tx, centre.venue_id, version, actor))
    return web.Response(status=303, headers={"Location": NODES_PATH})


def _of(agency: str) -> dict[str, object]:
    return {"agency": agency} if agency else {}


def _minutes(form: Mapping[str, str]) -> int | None:
    asked = form.get("minutes", "")
    return next((each for each in _MINUTES if str(each) == asked), None)


def _read(connection: Connection, now_ms: int) -> Machines:
    too_old = frozenset(n.id for n in read_nodes(connection).values() if n.is_too_old)
    return Machines(
        read_machines(connection, too_old),
        read_waiting_codes(connection, now_ms),
        read_meta(connection).get(MIN_VERSION_KEY, ""),
        [each for each in read_agencies(connection) if each.is_active],
    )


async def _machine(request: web.Request, node_id: str) -> Machine:
    """The machine of an id. Raises Problem when there is none."""
    centre = request.app[CENTRE]
    found = await centre.read(lambda c: _read(c, centre.now_ms()))
    machine = next((each for each in found.all if each.id == node_id), None)
    if machine is None:
        raise Problem(404, "not_found", "there is no such machine")
    return machine


async def _rows(request: web.Request, machines: list[Machine]) -> tuple[Snapshot, list[MachineRow]]:
    """The machines with what the books know of them; the books may be a moment older."""
    language = language_of(request)
    snapshot = await request.app[FIGURES].books()
    shown = {row.name: row for row in node_rows(snapshot, language)}
    return snapshot, machine_rows(machines, shown, language)


async def _list(
    request: web.Request, *, fault: Fault | None = None, typed: Mapping[str, str] | None = None
) -> web.Response:
    language, centre, typed = language_of(request), request.app[CENTRE], typed or {}
    found = await centre.read(lambda c: _read(c, centre.now_ms()))
    snapshot, rows = await _rows(request, found.all)
    role = request[PERSON].role
    context = {
        "path": NODES_PATH,
        "venue": snapshot.venue.name.in_language(language),
        "rows": sorted((r for r in rows if r.is_active), key=lambda row: not row.needs_a_look),
        "shut_out": [row for row in rows if not row.is_active],
        "codes": code_rows(found.codes, language, snapshot.venue.zone),
        "least": found.least,
        "fault": fault_sentence(fault, language),
        "typed": typed,
        "roles": [(each.value, node_role_name(each, language)) for each in NodeRole],
        "agencies": [(each.id, each.name) for each in found.agencies],
        "minutes": _minute_choices(language, _minutes(typed) or _MINUTES_FIRST),
        "name_max": NAME_CHARS_MAX,
        "may_enrol": person_may(role, Permission.NODES_ENROL),
        "may_revoke": person_may(role, Permission.NODES_REVOKE),
    }
    return render(request, "nodes.html", context, status=_status(fault))


async def _one(
    request: web.Request, node_id: str, *, fault: Fault | None = None, reason: str = ""
) -> web.Response:
    language, centre = language_of(request), request.app[CENTRE]
    machine = await _machine(request, node_id)
    snapshot, rows = await _rows(request, [machine])
    pins = await centre.read(lambda c: count_pins_at(c, machine.id))
    role = request[PERSON].role
    context = {
        "path": _ONE,
        "query": node_path(node_id).partition("?")[2],
        "venue": snapshot.venue.name.in_language(language),
        "row": rows[0],
        "is_till": machine.role is NodeRole.TILL,
        "pin_count": pins,
        "pins": format_count(pins, language),
        "fault": fault_sentence(fault, language),
        "reason": reason[:TEXT_CHARS_MAX],
        "reason_max": TEXT_CHARS_MAX,
        "minutes": _minute_choices(language, _MINUTES_FIRST),
        "may_enrol": person_may(role, Permission.NODES_ENROL),
        "may_revoke": person_may(role, Permission.NODES_REVOKE) and rows[0].is_active,
    }
    return render(request, "node.html", context, status=_status(fault))


async def _show_code(
    request: web.Request, code: EnrolmentCode, role: NodeRole, name: str, minutes: int
) -> web.Response:
    language, centre = language_of(request), request.app[CENTRE]
    snapshot = await request.app[FIGURES].books()
    scheme = "https" if request.app[SETTINGS].is_secure else "http"
    until = moment(centre.now_ms() + minutes * 60_000, language, snapshot.venue.zone)
    server = f"{scheme}://{request.host}"
    context = {
        "path": NODES_PATH,
        "venue": snapshot.venue.name.in_language(language),
        "name": name,
        "kind": node_role_name(role, language),
        "code": code.text,
        "qr": qr_svg(code.text),
        "until": until,
        "is_till": role is NodeRole.TILL,
        "server": server,
        "command": _COMMANDS[role].format(server=server, code=code.text),
    }
    return render(request, "node_code.html", context)


async def _show_pins(
    request: web.Request, machine: Machine, how: Gone, pins: tuple[NewPin, ...]
) -> web.Response:
    snapshot = await request.app[FIGURES].books()
    context = {
        "path": NODES_PATH,
        "venue": snapshot.venue.name.in_language(language_of(request)),
        "name": machine.name,
        "node_path": node_path(machine.id),
        "is_stolen": how is Gone.STOLEN,
        "is_till": machine.role is NodeRole.TILL,
        "pins": pins,
    }
    return render(request, "node_gone.html", context)


def _minute_choices(language: str, chosen: int) -> list[tuple[int, str, bool]]:
    found = translations(language)
    return [
        (
            each,
            found.ngettext("{n} hour", "{n} hours", each // 60).format(n=each // 60)
            if each >= 60
            else found.ngettext("{n} minute", "{n} minutes", each).format(n=each),
            each == chosen,
        )
        for each in _MINUTES
    ]


def _status(fault: Fault | None) -> int:
    if fault is None:
        return HTTPStatus.OK
    taken = fault in (Fault.NODE_NAME_TAKEN, Fault.GONE, Fault.CODE_OVER, Fault.UNKNOWN_AGENCY)
    return HTTPStatus.CONFLICT if taken else HTTPStatus.BAD_REQUEST

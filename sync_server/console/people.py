"""People: who may sign in, what they may do and where, their keys and logins."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from aiohttp import web

from program.i18n import translations
from sync_server.console.figures import FIGURES
from sync_server.console.key_words import Fault, fault_sentence
from sync_server.console.login_rows import login_rows
from sync_server.console.moments import moment
from sync_server.console.overview import Snapshot
from sync_server.console.own_password import is_own_password
from sync_server.console.people_form import (
    AGENCY_FIELD,
    EVENT_FIELD,
    read_login,
    read_rights,
    ticked,
)
from sync_server.console.rendering import language_of, render
from sync_server.console.wording import person_role_name
from sync_server.handlers.actors import actor_of
from sync_server.handlers.forms import read_form
from sync_server.handlers.problems import Problem
from sync_server.handlers.routes import route
from sync_server.handlers.state import CENTRE, LIMITS, PERSON
from sync_server.services.agencies import Agency, read_agencies
from sync_server.services.audit import Actor
from sync_server.services.people import (
    LOGIN_CHARS_MAX,
    Person,
    hash_password,
    hash_pin,
    new_person_id,
    random_password,
    random_pin,
    works_by_pin,
)
from sync_server.services.permissions import Permission, PersonRole
from sync_server.services.scopes import Scope, ScopeKind
from sync_server.services.sessions import read_logins
from sync_server.services.staff import (
    NotKept,
    StaffLine,
    add_to_staff,
    change_person,
    end_factor,
    end_logins_of,
    read_staff,
    renew_password,
    renew_pin,
    switch_off,
    switch_on,
)
from sync_server.store.writer import Transaction

PEOPLE_PATH = "/console/people"
_ONE = f"{PEOPLE_PATH}/one"
_FORM_BYTES_MAX = 32_768
_MAY = Permission.PEOPLE_MANAGE
_FAULTS = {
    NotKept.LOGIN_TAKEN: Fault.LOGIN_TAKEN,
    NotKept.OWN: Fault.OWN,
    NotKept.LAST_KEEPER: Fault.LAST_KEEPER,
    NotKept.NO_PIN: Fault.NO_PIN,
    NotKept.SWITCHED_OFF: Fault.SWITCHED_OFF,
}
_NOT_NOW = frozenset(_FAULTS.values())
_Job = Callable[[Transaction], NotKept | None]


@dataclass(frozen=True, slots=True)
class PersonRow:
    """A person, ready to show. `is_slowed`: so many wrong tries that a new device has to wait."""

    id: str
    path: str
    name: str
    login: str
    role: str
    scope: str
    is_active: bool
    signed_in: str
    where: str
    login_count: int
    is_slowed: bool


@dataclass(frozen=True, slots=True)
class Typed:
    """What the fields of a person show."""

    login: str = ""
    name: str = ""
    role: str = PersonRole.CASHIER.value
    kind: str = ScopeKind.VENUE.value
    ids: frozenset[str] = frozenset()


@route("GET", PEOPLE_PATH, permission=_MAY, page=True)
async def people(request: web.Request) -> web.Response:
    """Everybody, and the form for one more."""
    return await _list(request)


@route("GET", _ONE, permission=_MAY, page=True)
async def person(request: web.Request) -> web.Response:
    """One person: rights, keys and logins."""
    return await _one(request, request.query.get("id", ""))


@route("POST", f"{PEOPLE_PATH}/add", permission=_MAY, body_max=_FORM_BYTES_MAX, page=True)
async def add(request: web.Request) -> web.Response:
    """One more person; password and PIN are shown once."""
    form, centre, actor = read_form(await request.read()), request.app[CENTRE], actor_of(request)
    login, rights = read_login(form), read_rights(form, await _agencies(request))
    if isinstance(login, Fault):
        return await _list(request, fault=login, form=form)
    if isinstance(rights, Fault):
        return await _list(request, fault=rights, form=form)
    if not await is_own_password(request, form):
        return await _list(request, fault=Fault.PASSWORD, form=form)
    new = Person(new_person_id(), login, rights.name, rights.role, scope=rights.scope)
    password = random_password()
    pin = random_pin() if works_by_pin(rights.role, rights.scope) else ""
    password_hash = await asyncio.to_thread(hash_password, password)
    pin_hash = await asyncio.to_thread(hash_pin, pin) if pin else ""
    refused = await centre.write(
        lambda tx: add_to_staff(
            tx, centre.venue_id, new, actor, password_hash=password_hash, pin_hash=pin_hash
        )
    )
    if refused:
        return await _list(request, fault=_FAULTS[refused], form=form)
    return await _show_keys(request, new.id, new.name, login, password=password, pin=pin)


@route("POST", f"{_ONE}/change", permission=_MAY, body_max=_FORM_BYTES_MAX, page=True)
async def change(request: web.Request) -> web.Response:
    """Another name, role or scope."""
    form, venue_id, actor = await _read(request)
    person_id, rights = form.get("id", ""), read_rights(form, await _agencies(request))
    if isinstance(rights, Fault):
        return await _one(request, person_id, fault=rights, form=form)
    return await _do(
        request,
        form,
        lambda tx: change_person(
            tx,
            venue_id,
            person_id,
            actor,
            name=rights.name,
            role=rights.role,
            scope=rights.scope,
        ),
    )


@route("POST", f"{_ONE}/state", permission=_MAY, body_max=_FORM_BYTES_MAX, page=True)
async def change_state(request: web.Request) -> web.Response:
    """Switch somebody off, or on again."""
    form, venue_id, actor = await _read(request)
    job = switch_on if form.get("state") == "active" else switch_off
    return await _do(request, form, lambda tx: job(tx, venue_id, form.get("id", ""), actor))


@route("POST", f"{_ONE}/factor", permission=_MAY, body_max=_FORM_BYTES_MAX, page=True)
async def end_phone(request: web.Request) -> web.Response:
    """They lost the phone that shows their codes."""
    form, _venue_id, actor = await _read(request)
    return await _do(request, form, lambda tx: end_factor(tx, form.get("id", ""), actor))


@route("POST", f"{_ONE}/password", permission=_MAY, body_max=_FORM_BYTES_MAX, page=True)
async def reset_password(request: web.Request) -> web.Response:
    """A new password, shown once; their logins end."""
    form, _venue_id, actor = await _read(request)
    person_id, password = form.get("id", ""), random_password()
    if not await is_own_password(request, form):
        return await _one(request, person_id, fault=Fault.PASSWORD)
    hashed = await asyncio.to_thread(hash_password, password)
    refused = await request.app[CENTRE].write(
        lambda tx: renew_password(tx, person_id, hashed, actor)
    )
    if refused:
        return await _one(request, person_id, fault=_fault(refused))
    line = await _line(request, person_id)
    return await _show_keys(
        request, person_id, line.person.name, line.person.login, password=password
    )


@route("POST", f"{_ONE}/pin", permission=_MAY, body_max=_FORM_BYTES_MAX, page=True)
async def reset_pin(request: web.Request) -> web.Response:
    """A new PIN, shown once."""
    form, venue_id, actor = await _read(request)
    person_id, pin = form.get("id", ""), random_pin()
    if not await is_own_password(request, form):
        return await _one(request, person_id, fault=Fault.PASSWORD)
    hashed = await asyncio.to_thread(hash_pin, pin)
    refused = await request.app[CENTRE].write(
        lambda tx: renew_pin(tx, venue_id, person_id, hashed, actor)
    )
    if refused:
        return await _one(request, person_id, fault=_fault(refused))
    line = await _line(request, person_id)
    return await _show_keys(request, person_id, line.person.name, line.person.login, pin=pin)


@route("POST", f"{_ONE}/logins", permission=_MAY, body_max=_FORM_BYTES_MAX, page=True)
async def end_logins(request: web.Request) -> web.Response:
    """End one of their logins, or all but the one that asks. Takes rights away, gives none."""
    form, _venue_id, actor = await _read(request)
    person_id, kept = form.get("id", ""), request[PERSON].session_hash
    await _line(request, person_id)
    await request.app[CENTRE].write(
        lambda tx: end_logins_of(tx, person_id, actor, login_id=form.get("login", ""), kept=kept)
    )
    return _to(person_id)


async def _read(request: web.Request) -> tuple[Mapping[str, str], str, Actor]:
    form = read_form(await request.read())
    return form, request.app[CENTRE].venue_id, actor_of(request)


async def _do(request: web.Request, form: Mapping[str, str], job: _Job) -> web.Response:
    """A change by somebody who has shown the own password again; then the person's page."""
    person_id = form.get("id", "")
    if not await is_own_password(request, form):
        return await _one(request, person_id, fault=Fault.PASSWORD, form=form)
    if refused := await request.app[CENTRE].write(job):
        return await _one(request, person_id, fault=_fault(refused))
    return _to(person_id)


def _fault(refused: NotKept) -> Fault:
    """What the page says. Raises Problem when there is nobody to say it of."""
    if refused is NotKept.UNKNOWN:
        raise Problem(404, "not_found", "there is nobody to whom this could be done")
    return _FAULTS[refused]


async def _line(request: web.Request, person_id: str) -> StaffLine:
    """The person of an id. Raises Problem when there is none."""
    centre = request.app[CENTRE]
    staff = await centre.read(lambda c: read_staff(c, centre.venue_id, centre.now_ms()))
    found = next((each for each in staff if each.person.id == person_id), None)
    if found is None:
        raise Problem(404, "not_found", "there is no such person")
    return found


async def _list(
    request: web.Request, *, fault: Fault | None = None, form: Mapping[str, str] | None = None
) -> web.Response:
    language, centre = language_of(request), request.app[CENTRE]
    snapshot = await request.app[FIGURES].books()
    staff = await centre.read(lambda c: read_staff(c, centre.venue_id, centre.now_ms()))
    agencies = await _agencies(request)
    rows = [_row(request, each, snapshot, agencies) for each in staff]
    typed = _typed(form) if form is not None else Typed()
    context = {
        "path": PEOPLE_PATH,
        "venue": snapshot.venue.name.in_language(language),
        "rows": [row for row in rows if row.is_active],
        "switched_off": [row for row in rows if not row.is_active],
        "fault": fault_sentence(fault, language),
        "login_max": LOGIN_CHARS_MAX,
        **_fields(snapshot, agencies, typed, language),
    }
    return render(request, "people.html", context, status=_status(fault))


async def _one(
    request: web.Request,
    person_id: str,
    *,
    fault: Fault | None = None,
    form: Mapping[str, str] | None = None,
) -> web.Response:
    language, centre, me = language_of(request), request.app[CENTRE], request[PERSON]
    line = await _line(request, person_id)
    snapshot = await request.app[FIGURES].books()
    logins = await centre.read(lambda c: read_logins(c, person_id, centre.now_ms()))
    agencies = await _agencies(request)
    who, zone = line.person, snapshot.venue.zone
    typed = Typed(who.login, who.name, who.role.value, who.scope.kind.value, who.scope.ids)
    if form is not None and "role" in form:
        typed = _typed(form)
    context = {
        "path": _ONE,
        "query": person_path(person_id).partition("?")[2],
        "venue": snapshot.venue.name.in_language(language),
        "row": _row(request, line, snapshot, agencies),
        "line": line,
        "is_me": person_id == me.id,
        "has_pin_role": works_by_pin(who.role, who.scope),
        "logins": login_rows(logins, me.session_hash, language, zone),
        "fault": fault_sentence(fault, language),
        **_fields(snapshot, agencies, typed, language),
    }
    return render(request, "person.html", context, status=_status(fault))


async def _show_keys(
    request: web.Request,
    person_id: str,
    name: str,
    login: str,
    *,
    password: str = "",
    pin: str = "",
) -> web.Response:
    snapshot = await request.app[FIGURES].books()
    context = {
        "path": PEOPLE_PATH,
        "venue": snapshot.venue.name.in_language(language_of(request)),
        "person_path": person_path(person_id),
        "name": name,
        "login": login,
        "password": password,
        "pin": pin,
    }
    return render(request, "person_keys.html", context)


async def _agencies(request: web.Request) -> dict[str, Agency]:
    """All agencies by their id."""
    return {each.id: each for each in await request.app[CENTRE].read(read_agencies)}


def _row(
    request: web.Request, line: StaffLine, snapshot: Snapshot, agencies: Mapping[str, Agency]
) -> PersonRow:
    language, who = language_of(request), line.person
    limits, now_s = request.app[LIMITS], time.monotonic()
    waits = limits.sign_in_login.wait_s(who.login, now_s) + limits.code_person.wait_s(who.id, now_s)
    return PersonRow(
        id=who.id,
        path=person_path(who.id),
        name=who.name,
        login=who.login,
        role=person_role_name(who.role, language),
        scope=_scope_text(who.scope, snapshot, agencies, language),
        is_active=line.is_active,
        signed_in=_signed_in(line, language, snapshot.venue.zone),
        where=line.signed_in_at,
        login_count=line.login_count,
        is_slowed=waits > 0,
    )


def _signed_in(line: StaffLine, language: str, zone: ZoneInfo) -> str:
    if not line.signed_in_ms:
        return translations(language).gettext("not yet")
    return moment(line.signed_in_ms, language, zone)


def _scope_text(
    scope: Scope, snapshot: Snapshot, agencies: Mapping[str, Agency], language: str
) -> str:
    gettext = translations(language).gettext
    if scope.is_whole:
        return gettext("the whole house")
    names = [_event_name(snapshot, each, language) for each in sorted(scope.ids)]
    if scope.kind is ScopeKind.EVENT:
        return gettext("only {names}").format(names=gettext(", ").join(names))
    names = sorted(agencies[each].name if each in agencies else each for each in scope.ids)
    return gettext("only agency {names}").format(names=gettext(", ").join(names))


def _event_name(snapshot: Snapshot, event_id: str, language: str) -> str:
    event = snapshot.events.get(event_id)
    return event.name.in_language(language) if event else event_id


def _fields(
    snapshot: Snapshot, agencies: Mapping[str, Agency], typed: Typed, language: str
) -> dict[str, object]:
    """What the fields of a person offer, and what is in them."""
    of_events = typed.ids if typed.kind == ScopeKind.EVENT else frozenset()
    of_agencies = typed.ids if typed.kind == ScopeKind.AGENCY else frozenset()
    known: Iterable[str] = snapshot.events.keys() | of_events
    return {
        "typed": typed,
        "roles": [(each.value, person_role_name(each, language)) for each in PersonRole],
        "events": [
            (EVENT_FIELD + each, _event_name(snapshot, each, language), each in of_events)
            for each in sorted(known)
        ],
        "agencies": [
            (AGENCY_FIELD + each.id, each.name, each.id in of_agencies)
            for each in agencies.values()
            if each.is_active or each.id in of_agencies
        ],
    }


def _typed(form: Mapping[str, str]) -> Typed:
    """The fields as they were sent, to be sent again."""
    kind = form.get("scope", "")
    ids = ticked(form, AGENCY_FIELD if kind == ScopeKind.AGENCY else EVENT_FIELD)
    return Typed(form.get("login", ""), form.get("name", ""), form.get("role", ""), kind, ids)


def person_path(person_id: str) -> str:
    """Where a person's page is."""
    return f"{_ONE}?{urlencode({'id': person_id})}"


def _to(person_id: str) -> web.Response:
    return web.Response(status=303, headers={"Location": person_path(person_id)})


def _status(fault: Fault | None) -> int:
    if fault is None:
        return HTTPStatus.OK
    return HTTPStatus.CONFLICT if fault in _NOT_NOW else HTTPStatus.BAD_REQUEST

"""Signing in: the password, then, for who has set it up, a code of their phone's app.

Guesses are slowed down and nobody is shut out. What counts a guess is the login together with the
address it comes from, and the address; a device on which the person has signed in before counts
alone, and its password is checked in a lane of its own. Many guesses at one login from everywhere
make each new one from an unknown device wait a little: a guesser cannot keep a person out.
"""

from __future__ import annotations

import asyncio
import hmac
import time
from asyncio import sleep
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus

from aiohttp import web

from program.logs import get_logger
from sync_server.console.rendering import language_of, render
from sync_server.console.session import (
    SIGN_IN_PATH,
    begin_visit,
    keep_visit,
    known_device,
    visit_token,
)
from sync_server.console.sign_in_words import why_sentence
from sync_server.handlers.actors import acting
from sync_server.handlers.addresses import address_of
from sync_server.handlers.forms import read_form
from sync_server.handlers.problems import Problem
from sync_server.handlers.routes import route
from sync_server.handlers.state import CENTRE, CHECKS, LIMITS, SETTINGS
from sync_server.services.audit import Deed, note
from sync_server.services.limits import Limit
from sync_server.services.people import (
    LOGIN_CHARS_MAX,
    PASSWORD_CHARS_MAX,
    Person,
    is_password,
)
from sync_server.services.permissions import Permission, PersonRole
from sync_server.services.scopes import Reach
from sync_server.services.second_factor import find_second_factor, take_code
from sync_server.services.sessions import Origin, begin_session, find_person, find_person_to_sign_in
from sync_server.store.writer import Transaction

CODE_PATH = f"{SIGN_IN_PATH}/code"
FORM_BYTES_MAX = 4_096
PENDING_S = 300
SLOWED_S = 1.0
WAITING_MAX = 64
"""So many passwords of unknown devices may wait to be checked; each check takes a core."""
_log = get_logger(__name__)
Limited = list[tuple[Limit, str]]


@route("GET", SIGN_IN_PATH, permission=Permission.PUBLIC, page=True)
async def sign_in_page(request: web.Request) -> web.Response:
    """The form; `why` in the address says what came of a sign-in by the provider."""
    why = why_sentence(request.query.get("why", ""), language_of(request))
    return _form(request, "login.html", {"login": "", "why": why})


@route("POST", SIGN_IN_PATH, permission=Permission.PUBLIC, body_max=FORM_BYTES_MAX, page=True)
async def sign_in(request: web.Request) -> web.Response:
    """Check login and password; then a session and the overview, the code's form, or this one."""
    if not request.app[SETTINGS].oidc.passwords:
        raise Problem(403, "forbidden", "nobody signs in by a password here")
    form = read_form(await request.read())
    login, password = form.get("login", "").strip(), form.get("password", "")
    limits = _limits_of(request, login)
    if wait_s := held_back(limits):
        return _form(request, "login.html", {"login": login}, wait_s=wait_s)
    take_tries(limits)  # before the check, so that many at once do not slip through
    is_known = known_device(request, login) is not None
    if not is_known:
        await _slow_down(request, login)
    person, is_right = await _check(request, login, password, is_known=is_known)
    if person is None or not is_right or not _may_sign_in(person):
        await note_refusal(request, person)
        return _form(request, "login.html", {"login": login}, is_wrong=True)
    _forget_own(limits)
    return await go_on_as(request, person)


@route("POST", CODE_PATH, permission=Permission.PUBLIC, body_max=FORM_BYTES_MAX, page=True)
async def sign_in_by_code(request: web.Request) -> web.Response:
    """The second step: the code of the phone's app, soon after the right password."""
    form = read_form(await request.read())
    pending, code = form.get("pending", ""), form.get("code", "").replace(" ", "")
    person = await _person_pending(request, pending)
    if person is None:
        return web.Response(status=303, headers={"Location": SIGN_IN_PATH})
    limits = _limits_of_codes(request, person)
    if wait_s := held_back(limits):
        return _form(request, "code.html", {"pending": pending}, wait_s=wait_s)
    take_tries(limits)
    centre = request.app[CENTRE]
    root = centre.keys.personal_data
    if not await centre.write(lambda tx: take_code(tx, root, person.id, code, turn_on=False)):
        await note_refusal(request, person)
        return _form(request, "code.html", {"pending": pending}, is_wrong=True)
    _forget_own(limits)
    return await begin(request, person)


async def go_on_as(request: web.Request, person: Person, *, by: str = "") -> web.Response:
    """The password was right, or what stands for one (`by`): a session, or first the code's form."""
    centre = request.app[CENTRE]
    factor = await centre.read(
        lambda c: find_second_factor(c, centre.keys.personal_data, person.id)
    )
    if factor is not None and factor.is_on:
        shown = {"pending": _pending(request, person), "path": SIGN_IN_PATH, "query": ""}
        return _form(request, "code.html", shown)
    return await begin(request, person, by=by)


async def begin(request: web.Request, person: Person, *, by: str = "") -> web.Response:
    """All was right: a session, and on to the first page."""
    actor = acting(request, "person", person.id)
    limits = request.app[SETTINGS].console.limits
    origin = Origin(actor.address, request.headers.get("User-Agent", ""))

    def start(tx: Transaction) -> str:
        told = {"by": by} if by else None
        note(tx, Deed.SIGNED_IN, f"person:{person.id}", actor, after=told)
        return begin_session(tx, person.id, limits, origin)

    token = await request.app[CENTRE].write(start)
    _log.info("signed_in", person_id=person.id)
    return begin_visit(request, token, person)


async def check_own_password(request: web.Request, login: str, password: str) -> bool:
    """Whether this is the password of somebody who is signed in already; guesses are limited."""
    limits: Limited = [(request.app[LIMITS].sign_in_pair, f"own {login}")]
    if wait_s := held_back(limits):
        raise Problem(429, "too_many_tries", "too many failed tries", retry_after_s=wait_s)
    take_tries(limits)
    _person, is_right = await _check(request, login, password, is_known=True)
    if is_right:
        _forget_own(limits)
    return is_right


async def vouching_person(
    request: web.Request, login: str, password: str, code: str
) -> Person | None:
    """The second person at a form that needs two: anybody of the house, by their password and, where
    they have set it up, their app's code; None when that is not right. Guesses are limited.
    """
    login = login.strip()
    limits = _limits_of(request, login)
    if wait_s := held_back(limits):
        raise Problem(429, "too_many_tries", "too many failed tries", retry_after_s=wait_s)
    take_tries(limits)
    is_known = known_device(request, login) is not None
    if not is_known:
        await _slow_down(request, login)
    person, is_right = await _check(request, login, password, is_known=is_known)
    if person is None or not is_right or person.role is PersonRole.AGENT:
        return None
    if not await _has_told_code(request, person, code):
        return None
    _forget_own(limits)
    return person


async def _has_told_code(request: web.Request, person: Person, code: str) -> bool:
    """Whether they need no code, or this is theirs and was not used before."""
    centre, limits = request.app[CENTRE], _limits_of_codes(request, person)
    root = centre.keys.personal_data
    factor = await centre.read(lambda c: find_second_factor(c, root, person.id))
    if factor is None or not factor.is_on:
        return True
    if wait_s := held_back(limits):
        raise Problem(429, "too_many_tries", "too many failed tries", retry_after_s=wait_s)
    take_tries(limits)
    told = code.replace(" ", "")
    is_right = await centre.write(lambda tx: take_code(tx, root, person.id, told, turn_on=False))
    if is_right:
        _forget_own(limits)
    return is_right


def _limits_of(request: web.Request, login: str) -> Limited:
    limits = request.app[LIMITS]
    device = known_device(request, login)
    if device is not None:
        return [(limits.sign_in_pair, f"device {device}")]
    address = address_of(request)
    return [
        (limits.sign_in_pair, f"{address} {login[:LOGIN_CHARS_MAX]}"),
        (limits.sign_in_address, address),
    ]


def _limits_of_codes(request: web.Request, person: Person) -> Limited:
    """Six digits are few, so all guesses at a person count together; whoever makes them has the
    password. The person's own device is counted alone.
    """
    limits = request.app[LIMITS]
    device = known_device(request, person.login)
    if device is not None:
        return [(limits.code_pair, f"device {device}")]
    return [
        (limits.code_pair, f"{address_of(request)} {person.id}"),
        (limits.code_person, person.id),
    ]


def held_back(limits: Limited) -> int:
    """Whole seconds until one more try is allowed; 0 when it is now."""
    now_s = time.monotonic()
    wait_s = max(limit.wait_s(key, now_s) for limit, key in limits)
    if wait_s:
        _log.warning("sign_in_held_back", wait_s=wait_s)
    return wait_s


def take_tries(limits: Limited) -> None:
    """Count one try."""
    now_s = time.monotonic()
    for limit, key in limits:
        limit.take(key, now_s)


def _forget_own(limits: Limited) -> None:
    own_limit, own_key = limits[0]
    own_limit.forget(own_key)


async def _slow_down(request: web.Request, login: str) -> None:
    """Guesses at one login from many addresses: each waits, and none is refused for the others."""
    limit, key, now_s = request.app[LIMITS].sign_in_login, login[:LOGIN_CHARS_MAX], time.monotonic()
    is_under_attack = limit.wait_s(key, now_s) > 0
    limit.take(key, now_s)
    if is_under_attack:
        await sleep(SLOWED_S)


async def _check(
    request: web.Request, login: str, password: str, *, is_known: bool
) -> tuple[Person | None, bool]:
    """Who has the login, and whether the password is theirs."""
    if not 0 < len(login) <= LOGIN_CHARS_MAX or len(password) > PASSWORD_CHARS_MAX:
        return None, False
    found = await request.app[CENTRE].read(lambda c: find_person_to_sign_in(c, login))
    password_hash = found[1] if found else ""
    async with _lane(request, is_known=is_known):
        is_right = await asyncio.to_thread(is_password, password_hash, password)
    return (found[0], is_right) if found else (None, False)


def _may_sign_in(person: Person) -> bool:
    return person.access.may(Permission.OWN_ACCOUNT, Reach.OWN)


@asynccontextmanager
async def _lane(request: web.Request, *, is_known: bool) -> AsyncIterator[None]:
    checks = request.app[CHECKS]
    if is_known:
        async with checks.known:
            yield
        return
    if checks.waiting >= WAITING_MAX:
        raise Problem(503, "busy", "too many sign-ins at once", retry_after_s=2)
    checks.waiting += 1
    try:
        async with checks.unknown:
            yield
    finally:
        checks.waiting -= 1


async def note_refusal(request: web.Request, person: Person | None) -> None:
    """Of a person that there is; what strangers type may be anything, and is not kept."""
    _log.warning("sign_in_refused")
    if person is not None:
        actor = acting(request, "nobody", "")
        await request.app[CENTRE].write(
            lambda tx: note(tx, Deed.SIGN_IN_REFUSED, f"person:{person.id}", actor)
        )


def _pending(request: web.Request, person: Person) -> str:
    """What says, for PENDING_S, that the password was right; it holds for this visit only."""
    until = int(time.time()) + PENDING_S
    return f"{person.id}.{until}.{_pending_mark(request, person.id, until)}"


def _pending_mark(request: web.Request, person_id: str, until: int) -> str:
    _token, visit = visit_token(request)
    message = f"boxgate pending\0{person_id}\0{until}\0{visit}".encode()
    return hmac.digest(request.app[CENTRE].keys.cookie, message, "sha256").hex()


async def _person_pending(request: web.Request, pending: str) -> Person | None:
    person_id, _, rest = pending.partition(".")
    until, _, mark = rest.partition(".")
    if not (until.isascii() and until.isdigit() and len(until) < 16):
        return None
    expected = _pending_mark(request, person_id, int(until))
    if not hmac.compare_digest(expected.encode(), mark.encode()) or int(until) < time.time():
        return None
    return await request.app[CENTRE].read(lambda c: find_person(c, person_id))


def _form(
    request: web.Request,
    template: str,
    context: Mapping[str, object],
    *,
    is_wrong: bool = False,
    wait_s: int = 0,
) -> web.Response:
    token, visit = visit_token(request)
    status = HTTPStatus.OK
    if wait_s:
        status = HTTPStatus.TOO_MANY_REQUESTS
    elif is_wrong:
        status = HTTPStatus.UNAUTHORIZED
    provider = request.app[SETTINGS].oidc
    shown = {
        "form_token": token,
        "is_wrong": is_wrong,
        "wait_s": wait_s,
        "why": "",
        "has_provider": provider.is_on,
        "provider": provider.name,
        "has_passwords": provider.passwords,
        **context,
    }
    response = render(request, template, shown, status=status)
    if wait_s:
        response.headers["Retry-After"] = str(wait_s)
    keep_visit(request, response, visit)
    return response

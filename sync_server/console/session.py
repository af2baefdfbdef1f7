"""Who is at the console: the session's cookie, the forms' tokens, and pages for problems."""

from __future__ import annotations

import hmac
import secrets
import time

from aiohttp import web

from sync_server.console.navigation import home_of
from sync_server.console.rendering import language_of, render
from sync_server.console.wording import problem_sentence
from sync_server.handlers.problems import Problem
from sync_server.handlers.state import CENTRE, PERSON, REQUEST_ID, SETTINGS, PersonIdentity
from sync_server.handlers.uploads import read_fields
from sync_server.services.people import Person
from sync_server.services.sessions import (
    Session,
    extend_session,
    find_session,
    form_token,
    is_form_token,
)

OVERVIEW_PATH = "/console/"
SIGN_IN_PATH = "/console/login"
REFRESH_HEADER = "X-Boxgate-Refresh"
"""Sent by the page's own reload, which must not keep a session alive that nobody uses."""

_LIVE = "text/event-stream"
"""What a page accepts when it listens for news: nobody's doing either."""
FORM_TOKEN_FIELD = "form_token"  # noqa: S105 - a field's name
_VISIT_COOKIE = "boxgate_visit"
_DEVICE_COOKIE = "boxgate_device"
_DEVICE_COOKIE_S = 180 * 24 * 3_600


async def identify_person(request: web.Request) -> PersonIdentity | None:
    """The person of the session's cookie, while the session lives; using it keeps it alive."""
    token = request.cookies.get(_session_cookie(request))
    if not token:
        return None
    centre, now_ms = request.app[CENTRE], _now_ms()
    session = await centre.read(lambda connection: find_session(connection, token, now_ms))
    if session is None:
        return None
    await _extend(request, session, now_ms)
    person = session.person
    return PersonIdentity(
        person.id,
        person.login,
        person.name,
        person.role,
        session.token_hash,
        form_token(centre.keys.cookie, token),
        person.scope,
    )


async def check_form(request: web.Request) -> None:
    """Refuse a form that did not come from a page that we gave to this very visitor."""
    fields = read_fields(request.headers.get("Content-Type", ""), await request.read())
    given = fields.get(FORM_TOKEN_FIELD)
    cookie = _session_cookie(request) if PERSON in request else _VISIT_COOKIE
    basis = request.cookies.get(cookie)
    elsewhere = request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none")
    if elsewhere or not basis or not is_form_token(request.app[CENTRE].keys.cookie, basis, given):
        raise Problem(403, "form_expired", "the form is not from this visit; load the page again")


def visit_token(request: web.Request) -> tuple[str, str]:
    """The form token of a visitor who is not signed in, and their cookie (new if need be)."""
    visit = request.cookies.get(_VISIT_COOKIE) or secrets.token_urlsafe(32)
    return form_token(request.app[CENTRE].keys.cookie, visit), visit


def keep_visit(request: web.Request, response: web.StreamResponse, visit: str) -> None:
    """Give the visitor the cookie that the sign-in form's token is bound to."""
    _set_cookie(request, response, _VISIT_COOKIE, visit, path=SIGN_IN_PATH)


def begin_visit(request: web.Request, token: str, person: Person) -> web.Response:
    """Signed in: on to the person's first page, with the session's cookie."""
    login = person.login
    response = web.Response(status=303, headers={"Location": home_of(person.role)})
    _set_cookie(request, response, _session_cookie(request), token, path="/")
    device = _device_of(request, login) or secrets.token_hex(16)
    _set_cookie(
        request,
        response,
        _DEVICE_COOKIE,
        f"{device}.{_device_mark(request, login, device)}",
        path=SIGN_IN_PATH,
        max_age=_DEVICE_COOKIE_S,
    )
    return response


def end_visit(request: web.Request) -> web.Response:
    """Not or no longer signed in: to the sign-in page, without a session's cookie."""
    response = web.Response(status=303, headers={"Location": SIGN_IN_PATH})
    if _session_cookie(request) in request.cookies:
        response.del_cookie(
            _session_cookie(request),
            path="/",
            secure=request.app[SETTINGS].is_secure,
            httponly=True,
            samesite="Strict",
        )
    return response


def known_device(request: web.Request, login: str) -> str | None:
    """The device from which this person has signed in before, if this is one.

    Guessing is limited per device then, so that a flood of guesses from elsewhere cannot keep
    the person out (OWASP, "Device cookies").
    """
    return _device_of(request, login)


async def page_for_problem(request: web.Request, problem: Problem) -> web.Response:
    """An error page: what happened, and the request's id for whoever reads the log."""
    context = {
        "title": problem_sentence(problem.code, problem.status, language_of(request)),
        "status": problem.status,
        "request_id": request[REQUEST_ID],
    }
    response = render(request, "problem.html", context, status=problem.status)
    response.headers.update(problem.headers())
    return response


async def _extend(request: web.Request, session: Session, now_ms: int) -> None:
    if REFRESH_HEADER in request.headers or _LIVE in request.headers.get("Accept", ""):
        return
    expires_ms = session.extended(now_ms, request.app[SETTINGS].console.limits)
    if expires_ms is not None:
        await request.app[CENTRE].write(
            lambda tx: extend_session(tx, session.token_hash, expires_ms)
        )


def _session_cookie(request: web.Request) -> str:
    # The prefix makes the browser itself insist on Secure, no Domain and Path=/.
    return "__Host-boxgate_session" if request.app[SETTINGS].is_secure else "boxgate_session"


def _device_of(request: web.Request, login: str) -> str | None:
    device, _, mark = request.cookies.get(_DEVICE_COOKIE, "").partition(".")
    expected = _device_mark(request, login, device)
    return device if device and hmac.compare_digest(mark.encode(), expected.encode()) else None


def _device_mark(request: web.Request, login: str, device: str) -> str:
    key = request.app[CENTRE].keys.cookie
    return hmac.digest(key, f"boxgate device\0{login}\0{device}".encode(), "sha256").hex()


def _set_cookie(
    request: web.Request,
    response: web.StreamResponse,
    name: str,
    value: str,
    *,
    path: str,
    max_age: int | None = None,
) -> None:
    response.set_cookie(
        name,
        value,
        path=path,
        max_age=max_age,
        httponly=True,
        samesite="Strict",
        secure=request.app[SETTINGS].is_secure,
    )


def _now_ms() -> int:
    return time.time_ns() // 1_000_000

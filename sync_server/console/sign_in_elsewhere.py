"""Signing in by an OpenID provider: there, back, and on with what follows a right password.

The authorization code flow with PKCE, state and nonce. The browser comes back from another site,
and so without our cookies, which are `SameSite=Strict`: a page of ours leads it on to where they
are sent again, and only there anything is looked at. Whoever signs in must be a person of the house
already, and keeps the rights that they have here: a provider names people and makes none.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from program.logs import get_logger
from sync_server.console.oidc_attempt import Attempt, attempt_of, new_attempt
from sync_server.console.oidc_provider import PROVIDER, Provider, ProviderAway
from sync_server.console.rendering import render
from sync_server.console.session import SIGN_IN_PATH, keep_visit, visit_token
from sync_server.console.sign_in import go_on_as, held_back, note_refusal, take_tries
from sync_server.console.sign_in_words import Why
from sync_server.handlers.addresses import address_of
from sync_server.handlers.problems import Problem
from sync_server.handlers.routes import route
from sync_server.handlers.state import CENTRE, LIMITS, SETTINGS
from sync_server.oidc_settings import CALLBACK_PATH
from sync_server.services.id_token import TokenFault
from sync_server.services.people import LOGIN_CHARS_MAX, Person
from sync_server.services.permissions import Permission
from sync_server.services.scopes import Reach
from sync_server.services.sessions import find_person_to_sign_in

PROVIDER_PATH = f"{SIGN_IN_PATH}/provider"
DONE_PATH = f"{PROVIDER_PATH}/done"
CODE_CHARS_MAX = 2_048
_COOKIE = "boxgate_try"
_STATE = re.compile(r"[A-Za-z0-9_-]{43}")
_log = get_logger(__name__)


@route("GET", PROVIDER_PATH, permission=Permission.PUBLIC, page=True)
async def begin_elsewhere(request: web.Request) -> web.Response:
    """Off to the provider."""
    provider = _provider(request)
    attempt = new_attempt(request.app[CENTRE].keys.cookie, time.time())
    try:
        address = await provider.address_for(attempt)
    except ProviderAway as error:
        return _not_signed_in(Why.AWAY, str(error))
    response = web.Response(status=303, headers={"Location": address})
    _set_cookie(request, response, attempt)
    _token, visit = visit_token(request)
    keep_visit(request, response, visit)  # a code of the phone's app may be asked for afterwards
    return response


@route("GET", CALLBACK_PATH, permission=Permission.PUBLIC, page=True)
async def come_back(request: web.Request) -> web.Response:
    """Back from the provider, without our cookies: on to where they are sent again."""
    provider, query = _provider(request), request.query
    if "error" in query:
        return _not_signed_in(Why.CANCELLED, "the provider says no")
    code, state = query.get("code", ""), query.get("state", "")
    if query.get("iss", provider.settings.issuer) != provider.settings.issuer:  # RFC 9207
        return _not_signed_in(Why.NOT_LET_IN, "the answer is another issuer's")
    if not 0 < len(code) <= CODE_CHARS_MAX or _STATE.fullmatch(state) is None:
        return _not_signed_in(Why.EXPIRED, "not an answer to anything")
    onward = f"{DONE_PATH}?{urlencode({'code': code, 'state': state})}"
    return render(request, "come_back.html", {"onward": onward})


@route("GET", DONE_PATH, permission=Permission.PUBLIC, page=True)
async def sign_in_elsewhere(request: web.Request) -> web.Response:
    """The provider's answer, in the browser that had asked: turn its code into a person."""
    provider, code = _provider(request), request.query.get("code", "")
    limits = [(request.app[LIMITS].sign_in_address, address_of(request))]
    if wait_s := held_back(limits):
        raise Problem(429, "too_many_tries", "too many tries", retry_after_s=wait_s)
    take_tries(limits)
    now_s, cookie = time.time(), request.cookies.get(_COOKIE, "")
    key = request.app[CENTRE].keys.cookie
    attempt = attempt_of(key, cookie, request.query.get("state", ""), now_s)
    if attempt is None or len(code) > CODE_CHARS_MAX or not provider.used.use(attempt, now_s):
        return _not_signed_in(Why.EXPIRED, "not the answer to this browser's try")
    try:
        claims = await provider.claims_for(code, attempt)
    except ProviderAway as error:
        return _not_signed_in(Why.AWAY, str(error))
    if isinstance(claims, TokenFault):
        return _not_signed_in(Why.NOT_LET_IN, f"token: {claims}")
    person = await _person_of(request, provider, claims)
    if person is None:
        return _not_signed_in(Why.NOT_LET_IN, "nobody of this house")
    response = await go_on_as(request, person, by="oidc")
    _end_cookie(request, response)
    return response


async def _person_of(
    request: web.Request, provider: Provider, claims: Mapping[str, Any]
) -> Person | None:
    """The person of the house whom the claims name, if they may sign in here and by them."""
    who = provider.settings.who_is_who
    login = who.login_of(claims)
    if not 0 < len(login) <= LOGIN_CHARS_MAX:
        return None
    found = await request.app[CENTRE].read(lambda c: find_person_to_sign_in(c, login))
    if found is None:
        return None
    person = found[0]
    may_sign_in = person.access.may(Permission.OWN_ACCOUNT, Reach.OWN)
    if not may_sign_in or not who.lets(claims, person.role):
        await note_refusal(request, person)
        return None
    return person


def _provider(request: web.Request) -> Provider:
    provider = request.app.get(PROVIDER)
    if provider is None:
        raise Problem(404, "not_found", "there is no such page")
    return provider


def _not_signed_in(why: Why, reason: str) -> web.Response:
    """Back to the sign-in page, which says what the visitor may know; the log knows more."""
    _log.warning("oidc_sign_in_failed", why=why.value, reason=reason)
    return web.Response(status=303, headers={"Location": f"{SIGN_IN_PATH}?why={why}"})


def _set_cookie(request: web.Request, response: web.StreamResponse, attempt: Attempt) -> None:
    response.set_cookie(
        _COOKIE,
        attempt.cookie,
        path=PROVIDER_PATH,
        max_age=max(0, attempt.until_s - int(time.time())),
        httponly=True,
        samesite="Strict",
        secure=request.app[SETTINGS].is_secure,
    )


def _end_cookie(request: web.Request, response: web.StreamResponse) -> None:
    response.del_cookie(
        _COOKIE,
        path=PROVIDER_PATH,
        secure=request.app[SETTINGS].is_secure,
        httponly=True,
        samesite="Strict",
    )

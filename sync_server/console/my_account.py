"""A person's own account: where they are signed in, their password, their second factor."""

from __future__ import annotations

import asyncio

from aiohttp import web

from sync_server.console.login_rows import login_rows
from sync_server.console.navigation import ACCOUNT_PATH
from sync_server.console.qr import qr_svg
from sync_server.console.rendering import language_of, render
from sync_server.console.sign_in import FORM_BYTES_MAX, check_own_password
from sync_server.handlers.actors import actor_of
from sync_server.handlers.forms import read_form
from sync_server.handlers.routes import route
from sync_server.handlers.state import CENTRE, PERSON
from sync_server.services.audit import Deed, note
from sync_server.services.catalogue import load_venue
from sync_server.services.passwords import PASSWORD_CHARS_MIN, fault_of_password, put_password
from sync_server.services.people import hash_password
from sync_server.services.permissions import Permission
from sync_server.services.scopes import Reach
from sync_server.services.second_factor import (
    begin_second_factor,
    end_second_factor,
    find_second_factor,
    take_code,
)
from sync_server.services.sessions import end_other_logins, read_logins
from sync_server.services.staff import end_logins_of
from sync_server.services.totp import app_uri, as_text
from sync_server.store.writer import Transaction

_MINE = Permission.OWN_ACCOUNT


@route("GET", ACCOUNT_PATH, permission=_MINE, page=True, reach=Reach.OWN)
async def account(request: web.Request) -> web.Response:
    """Where I am signed in, and what I may change of it."""
    return await _page(request)


@route(
    "POST",
    f"{ACCOUNT_PATH}/logins",
    permission=_MINE,
    body_max=FORM_BYTES_MAX,
    page=True,
    reach=Reach.OWN,
)
async def end_logins(request: web.Request) -> web.Response:
    """End one of my logins, or all but this one."""
    form, person, actor = read_form(await request.read()), request[PERSON], actor_of(request)
    login_id, kept = form.get("login", ""), person.session_hash
    await request.app[CENTRE].write(
        lambda tx: end_logins_of(tx, person.id, actor, login_id=login_id, kept=kept)
    )
    return _back()


@route(
    "POST",
    f"{ACCOUNT_PATH}/password",
    permission=_MINE,
    body_max=FORM_BYTES_MAX,
    page=True,
    reach=Reach.OWN,
)
async def change_password(request: web.Request) -> web.Response:
    """A new password in exchange for the old one; every other login ends."""
    form, person, actor = read_form(await request.read()), request[PERSON], actor_of(request)
    old, new = form.get("old", ""), form.get("new", "")
    if not await check_own_password(request, person.login, old):
        return await _page(request, fault="password_wrong")
    if (fault := fault_of_password(new, login=person.login, old=old)) is not None:
        return await _page(request, fault=fault)
    hashed = await asyncio.to_thread(hash_password, new)

    def change(tx: Transaction) -> None:
        put_password(tx, person.id, hashed, kept=person.session_hash)
        note(tx, Deed.PASSWORD_CHANGED, f"person:{person.id}", actor)

    await request.app[CENTRE].write(change)
    return _back()


@route(
    "POST",
    f"{ACCOUNT_PATH}/second-factor",
    permission=_MINE,
    body_max=FORM_BYTES_MAX,
    page=True,
    reach=Reach.OWN,
)
async def change_second_factor(request: web.Request) -> web.Response:
    """Begin one, confirm it by its first code, or end it; beginning and ending ask the password."""
    form, person, actor = read_form(await request.read()), request[PERSON], actor_of(request)
    centre, action = request.app[CENTRE], form.get("action", "")
    root = centre.keys.personal_data
    asks = action in ("begin", "end")
    if asks and not await check_own_password(request, person.login, form.get("password", "")):
        return await _page(request, fault="password_wrong")
    if action == "begin":
        await centre.write(lambda tx: begin_second_factor(tx, root, person.id))
        return await _page(request, shows_secret=True)

    def change(tx: Transaction) -> bool:
        if action == "end":
            done, deed = end_second_factor(tx, person.id), Deed.SECOND_FACTOR_ENDED
        else:
            code = form.get("code", "").replace(" ", "")
            done = take_code(tx, root, person.id, code, turn_on=True)
            deed = Deed.SECOND_FACTOR_BEGUN
        if done:
            note(tx, deed, f"person:{person.id}", actor)
            end_other_logins(tx, person.id, person.session_hash)
        return done

    if not await centre.write(change):
        return await _page(request, fault="code_wrong", shows_secret=action != "end")
    return _back()


def _back() -> web.Response:
    return web.Response(status=303, headers={"Location": ACCOUNT_PATH})


async def _page(
    request: web.Request, *, fault: str = "", shows_secret: bool = False
) -> web.Response:
    centre, person, language = request.app[CENTRE], request[PERSON], language_of(request)
    root, now_ms = centre.keys.personal_data, centre.now_ms()
    venue = await centre.read(lambda c: load_venue(c, centre.venue_id))
    factor = await centre.read(lambda c: find_second_factor(c, root, person.id))
    logins = await centre.read(lambda c: read_logins(c, person.id, now_ms))
    pending = factor if factor is not None and not factor.is_on and shows_secret else None
    uri = app_uri(pending.secret, person.login, centre.venue_id) if pending else ""
    context = {
        "venue": venue.name.in_language(language),
        "logins": login_rows(logins, person.session_hash, language, venue.zone),
        "fault": fault,
        "password_min": PASSWORD_CHARS_MIN,
        "has_factor": factor is not None and factor.is_on,
        "secret": as_text(pending.secret) if pending else "",
        "app_uri": uri,
        "qr": qr_svg(uri) if uri else "",
        "path": ACCOUNT_PATH,
    }
    return render(request, "my_account.html", context, status=400 if fault else 200)

"""Who asks for a handheld page: sessions, forms that are ours, PINs that are counted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import TypeVar

from aiohttp import web

from edge.errors import ReplicaError
from edge.pins import PIN_DIGITS_MAX, Account, PinRefused
from gate_agent.desks import Desks
from gate_agent.screen.hand_words import HandWords
from gate_agent.screen.places import Places
from gate_agent.screen.rendering import language_of
from gate_agent.screen.sessions import Sessions
from gate_agent.screen.tries import Tries
from program.logs import get_logger

T = TypeVar("T")
HOME = "/hand"
COOKIE = "boxgate_hand"
REFRESH_HEADER = "X-Boxgate-Refresh"
"""Sent by the page's own look for news, which must not keep a session alive that nobody uses."""
WORKING_MAX = 2
"""So many of these pages look things up at the same time: the lanes come first."""
_PIN_TRIES, _PIN_PERIOD_S = 20, 15.0
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Visit:
    """A request of somebody who is signed in."""

    person: Account
    token: str
    form_token: str
    words: HandWords


class Staff:
    """Shared by the handheld's pages. Made and used on the loop; what reads files runs beside it."""

    def __init__(self, places: Places, desks: Desks) -> None:
        self.places, self.desks = places, desks
        self.sessions = Sessions()
        self.tries = Tries(_PIN_TRIES, _PIN_PERIOD_S)
        self._working = asyncio.Semaphore(WORKING_MAX)

    async def visit(self, request: web.Request) -> Visit | None:
        """Who asks, as long as their session lives and they still may."""
        token = request.cookies.get(COOKIE, "")
        person_id = self.sessions.person_of(token, uses=REFRESH_HEADER not in request.headers)
        find = self.desks.tickets.person
        person = await self.work(lambda: find(person_id)) if person_id else None
        if person is None:
            return None
        return Visit(person, token, self.sessions.form_token(token), self.words(request))

    async def deed(self, request: web.Request) -> tuple[Visit, Mapping[str, object]]:
        """Whoever sends a form of ours, and the form. Raises an answer that says what is wrong."""
        visit, form = await self.visit(request), dict[str, object](await request.post())
        if visit is None:
            raise web.HTTPSeeOther(HOME)
        if not self.sessions.is_form_token(visit.token, form.get("form_token")):
            raise web.HTTPForbidden
        return visit, form

    async def checked_pin(
        self, request: web.Request, form: Mapping[str, object], who: str
    ) -> Account | PinRefused:
        """The person whom the form's field `who` names, if its PIN is theirs; tries are counted.

        Raises an answer when there were too many tries from there.
        """
        if not self.tries.take(request.remote or ""):
            raise web.HTTPTooManyRequests
        person_id, pin = text_of(form, who), text_of(form, "pin")[:PIN_DIGITS_MAX]
        checked = await self.work(lambda: self.desks.tickets.sign_in(person_id, pin))
        if isinstance(checked, PinRefused):
            _log.warning("pin_refused", reason=checked.reason.value)
        return checked

    def words(self, request: web.Request) -> HandWords:
        """Whoever asks, in their language."""
        return HandWords(self.places, language_of(request))

    async def work(self, work: Callable[[], T]) -> T:
        """Do something that reads or writes files, and does not hold the loop up."""
        async with self._working:
            try:
                return await asyncio.to_thread(work)
            except ReplicaError as error:
                _log.error("hand_page_failed", error=str(error))
                raise web.HTTPServiceUnavailable from error


def text_of(form: object, name: str) -> str:
    """A field of a form; "" for none and for a file."""
    value = form.get(name, "") if hasattr(form, "get") else ""
    return value if isinstance(value, str) else ""


def to(path: str) -> web.Response:
    """Go on there."""
    return web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": path})

"""The handheld pages of a gate: sign in, find a ticket, let it in, take an entry back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import TypeVar

from aiohttp import web

from edge.errors import ReplicaError
from edge.pins import PIN_DIGITS_MAX, Account, PinRefused
from gate_agent.found import FoundTicket
from gate_agent.hand_desk import HandDesk
from gate_agent.screen.board import Board, Decided
from gate_agent.screen.hand_words import HandWords
from gate_agent.screen.places import Places
from gate_agent.screen.rendering import language_of, render
from gate_agent.screen.sessions import Sessions
from gate_agent.screen.streams import Streams
from gate_agent.screen.tries import Tries
from program.logs import get_logger
from ticketing.admission import Admit, ByHand, NotByHand
from ticketing.admission.by_hand import NOTE_CHARS_MAX

T = TypeVar("T")
HOME = "/hand"
COOKIE = "boxgate_hand"
REFRESH_HEADER = "X-Boxgate-Refresh"
"""Sent by the page's own look for news, which must not keep a session alive that nobody uses."""
SEARCH_CHARS_MAX = 200
RECENT_SHOWN = 12
WORKING_MAX = 2
"""So many of these pages look things up at the same time: the lanes come first."""
_TOPIC = "hand"
_PIN_TRIES, _PIN_PERIOD_S = 20, 15.0
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Visit:
    """A request of somebody who is signed in."""

    person: Account
    token: str
    form_token: str
    words: HandWords


class HandPages:
    """Forms and pages; everything that reads or writes files runs beside the loop."""

    def __init__(self, board: Board, places: Places, desk: HandDesk) -> None:
        self._board, self._places, self._desk = board, places, desk
        self._sessions = Sessions()
        self._tries = Tries(_PIN_TRIES, _PIN_PERIOD_S)
        self._streams = Streams()
        self._working = asyncio.Semaphore(WORKING_MAX)

    def add_to(self, app: web.Application) -> None:
        """The routes."""
        ticket = HOME + "/tickets/{ticket:[0-9a-f]{16}}"
        app.router.add_get(HOME, self.home)
        app.router.add_get(HOME + "/events", self.events)
        app.router.add_post(HOME + "/sign-in", self.sign_in)
        app.router.add_post(HOME + "/sign-out", self.sign_out)
        app.router.add_get(ticket, self.ticket)
        app.router.add_post(ticket + "/let-in", self.let_in)
        app.router.add_post(ticket + "/let-in-against", self.let_in_against)
        app.router.add_post(ticket + "/undo", self.undo)

    def deliver(self, decided: list[Decided], _changed: list[str]) -> None:
        """Have the lists of latest decisions look again."""
        if decided:
            self._streams.send(_TOPIC, "decided", {})

    def close(self) -> None:
        """End the streams."""
        self._streams.close()

    # --- who

    async def sign_in(self, request: web.Request) -> web.Response:
        """Check a PIN; the first page, or the form again."""
        form = await request.post()
        person_id, pin = _text(form, "person"), _text(form, "pin")
        who = request.remote or ""
        words = self._words(request)
        if not self._tries.take(who):
            _log.warning("sign_in_held_back")
            wait_s = self._tries.wait_s(who)
            return await self._sign_in_form(request, HTTPStatus.TOO_MANY_REQUESTS, "", wait_s)
        checked = await self._work(lambda: self._desk.sign_in(person_id, pin[:PIN_DIGITS_MAX]))
        if isinstance(checked, PinRefused):
            _log.warning("sign_in_refused", reason=checked.reason.value)
            status, said = HTTPStatus.UNAUTHORIZED, words.refusal(checked)
            return await self._sign_in_form(request, status, said)
        self._tries.forget(who)
        _log.info("signed_in", person_id=checked.id)
        response = _to(HOME)
        token = self._sessions.begin(checked.id)
        response.set_cookie(COOKIE, token, httponly=True, samesite="Strict", path=HOME)
        return response

    async def sign_out(self, request: web.Request) -> web.Response:
        """End the session."""
        self._sessions.end(request.cookies.get(COOKIE, ""))
        response = _to(HOME)
        response.del_cookie(COOKIE, path=HOME)
        return response

    # --- pages

    async def home(self, request: web.Request) -> web.Response:
        """Search, what was found, and what lanes said lately."""
        visit = await self._visit(request)
        if visit is None:
            return await self._sign_in_form(request, HTTPStatus.OK, "")
        wanted = request.query.get("q", "").strip()[:SEARCH_CHARS_MAX]
        found = await self._work(lambda: self._desk.find(wanted) if wanted else ())
        if len(found) == 1:
            return _to(f"{HOME}/tickets/{found[0].facts.ticket_id}")
        context = {
            "visit": visit,
            "role": visit.words.role(visit.person.role),
            "wanted": wanted,
            "found": [visit.words.found(each) for each in found],
            "recent": await self._work(lambda: self._recent(visit.words)),
        }
        return render(request, "hand.html", context)

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Tells the list of latest decisions when there is a new one."""
        if await self._visit(request) is None:
            raise web.HTTPUnauthorized
        return await self._streams.serve(request, _TOPIC, tuple)

    async def ticket(self, request: web.Request) -> web.Response:
        """One ticket: what the lane would say, its history, and what may be done."""
        visit = await self._visit(request)
        if visit is None:
            return _to(HOME)
        done = visit.words.done(request.query.get("said", ""))
        return await self._ticket_page(request, visit, done=done)

    # --- deeds

    async def let_in(self, request: web.Request) -> web.Response:
        """Let a ticket in that nothing speaks against."""
        visit, found, form = await self._deed(request)
        lane, note = self._lane(_text(form, "lane")), _text(form, "note").strip()
        outcome = await self._work(lambda: self._desk.let_in(found, lane, visit.person, note))
        return await self._after_let_in(request, visit, outcome, note)

    async def let_in_against(self, request: web.Request) -> web.Response:
        """Let a ticket in against the rules: a second person types their PIN."""
        visit, found, form = await self._deed(request)
        lane, note = self._lane(_text(form, "lane")), _text(form, "note").strip()
        second, pin = _text(form, "second"), _text(form, "pin")[:PIN_DIGITS_MAX]
        looked = await self._work(lambda: self._desk.look(found, lane, visit.person))
        if looked.against is None or looked.against.value != _text(form, "against"):
            return await self._ticket_page(request, visit, note=note)  # it has changed: look again
        problem = None
        if not note or len(note) > NOTE_CHARS_MAX:
            problem = visit.words.refusal(NotByHand.NO_NOTE)
        elif second == visit.person.id:
            problem = visit.words.refusal(NotByHand.TWO_PEOPLE)
        elif not self._tries.take(request.remote or ""):
            raise web.HTTPTooManyRequests
        if problem is not None:
            return await self._ticket_page(request, visit, problem=problem, note=note)
        checked = await self._work(lambda: self._desk.sign_in(second, pin))
        if isinstance(checked, PinRefused):
            _log.warning("second_person_refused", reason=checked.reason.value)
            said = visit.words.refusal(checked)
            return await self._ticket_page(request, visit, problem=said, note=note)
        wanted = ByHand(looked.against, visit.person.id, checked.id, note)
        outcome = await self._work(lambda: self._desk.let_in_against(found, lane, wanted))
        return await self._after_let_in(request, visit, outcome, note)

    async def undo(self, request: web.Request) -> web.Response:
        """Take an entry back."""
        visit, found, form = await self._deed(request)
        op_id = _text(form, "op")
        refused = await self._work(lambda: self._desk.undo(found, op_id, visit.person))
        if refused is not None:
            problem = visit.words.refusal(refused)
            return await self._ticket_page(request, visit, problem=problem)
        return _to(f"{HOME}/tickets/{found.facts.ticket_id}?said=undone")

    # --- parts

    async def _visit(self, request: web.Request) -> _Visit | None:
        """Who asks, as long as their session lives and they still may."""
        token = request.cookies.get(COOKIE, "")
        person_id = self._sessions.person_of(token, uses=REFRESH_HEADER not in request.headers)
        person = await self._work(lambda: self._desk.person(person_id)) if person_id else None
        if person is None:
            return None
        return _Visit(person, token, self._sessions.form_token(token), self._words(request))

    async def _deed(self, request: web.Request) -> tuple[_Visit, FoundTicket, dict[str, object]]:
        """Whoever sends a form, the ticket it is about, and the form."""
        visit, form = await self._visit(request), dict[str, object](await request.post())
        if visit is None:
            raise web.HTTPSeeOther(HOME)
        if not self._sessions.is_form_token(visit.token, form.get("form_token")):
            raise web.HTTPForbidden
        return visit, await self._ticket(request), form

    async def _ticket(self, request: web.Request) -> FoundTicket:
        ticket_id = request.match_info["ticket"]
        found = await self._work(lambda: self._desk.ticket(ticket_id))
        if found is None:
            raise web.HTTPNotFound
        return found

    async def _after_let_in(
        self,
        request: web.Request,
        visit: _Visit,
        outcome: Mapping[str, object] | NotByHand,
        note: str,
    ) -> web.Response:
        if isinstance(outcome, NotByHand):
            problem = visit.words.refusal(outcome)
        elif outcome.get("decision") == "admit":
            said = "let_in" if outcome.get("barrier") == "opened" else "let_in_stuck"
            return _to(f"{HOME}/tickets/{request.match_info['ticket']}?said={said}")
        else:
            problem = visit.words.turned_away(outcome)
        return await self._ticket_page(request, visit, problem=problem, note=note)

    async def _ticket_page(
        self,
        request: web.Request,
        visit: _Visit,
        *,
        done: str = "",
        problem: str = "",
        note: str = "",
    ) -> web.Response:
        found, words = await self._ticket(request), visit.words
        number = request.query.get("lane") or str((await request.post()).get("lane", ""))
        lane = self._lane(number)
        looked = await self._work(lambda: self._desk.look(found, lane, visit.person))
        people = [one for one in await self._work(self._desk.people) if one.id != visit.person.id]
        context = {
            "visit": visit,
            "ticket": found.facts.ticket_id,
            "lanes": self._desk.lanes,
            "lane_number": self._desk.lanes.index(lane) + 1,
            "says": words.says(looked),
            "facts": words.facts(looked),
            "history": [(one, *words.visit(one)) for one in looked.history],
            "may_let_in": isinstance(looked.decision, Admit),
            "against": looked.against,
            "people": [(one.id, one.name, words.role(one.role)) for one in people],
            "done": done,
            "problem": problem,
            "note": note,
            "note_max": NOTE_CHARS_MAX,
        }
        status = HTTPStatus.CONFLICT if problem else HTTPStatus.OK
        return render(request, "hand_ticket.html", context, status=status)

    async def _sign_in_form(
        self, request: web.Request, status: HTTPStatus, problem: str, wait_s: int = 0
    ) -> web.Response:
        words = self._words(request)
        people = await self._work(self._desk.people)
        context = {
            "people": [(one.id, one.name, words.role(one.role)) for one in people],
            "problem": problem,
            "wait_s": wait_s,
        }
        return render(request, "hand_sign_in.html", context, status=status)

    def _recent(self, words: HandWords) -> list[object]:
        lanes = self._desk.lanes
        rows: list[object] = []
        for decided in self._board.recent():
            number = lanes.index(decided.lane) + 1 if decided.lane in lanes else 1
            row = words.recent(decided, number)
            if row is not None:
                rows.append(row)
        return rows[:RECENT_SHOWN]

    def _lane(self, number: str) -> str:
        lanes = self._desk.lanes
        at = int(number) if number.isascii() and number.isdigit() and len(number) < 4 else 1
        return lanes[at - 1] if 1 <= at <= len(lanes) else lanes[0]

    def _words(self, request: web.Request) -> HandWords:
        return HandWords(self._places, language_of(request))

    async def _work(self, work: Callable[[], T]) -> T:
        async with self._working:
            try:
                return await asyncio.to_thread(work)
            except ReplicaError as error:
                _log.error("hand_page_failed", error=str(error))
                raise web.HTTPServiceUnavailable from error


def _text(form: object, name: str) -> str:
    value = form.get(name, "") if hasattr(form, "get") else ""
    return value if isinstance(value, str) else ""


def _to(path: str) -> web.Response:
    return web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": path})

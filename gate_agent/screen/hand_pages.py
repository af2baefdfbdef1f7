"""The handheld pages about tickets: sign in, find one, let it in, take an entry back, block it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from http import HTTPStatus

from aiohttp import web

from edge.pins import PIN_DIGITS_MAX, PinRefused
from gate_agent.found import FoundTicket
from gate_agent.hand_desk import NotNow
from gate_agent.screen.board import Board, Decided
from gate_agent.screen.hand_visit import COOKIE, HOME, Staff, Visit, text_of, to
from gate_agent.screen.hand_words import HandWords
from gate_agent.screen.lane_words import LaneWords
from gate_agent.screen.rendering import render
from gate_agent.screen.streams import Streams, event
from program.logs import get_logger
from ticketing.admission import Admit, ByHand, NotByHand
from ticketing.admission.by_hand import DECIDING_ROLES, NOTE_CHARS_MAX
from ticketing.operations import BLOCK_CHARS_MAX

SEARCH_CHARS_MAX = 200
RECENT_SHOWN = 12
_TOPIC = "hand"
_log = get_logger(__name__)


class HandPages:
    """Forms and pages; everything that reads or writes files runs beside the loop."""

    def __init__(self, board: Board, staff: Staff) -> None:
        self._board, self._staff = board, staff
        self._desk = staff.desks.tickets
        self._streams = Streams()
        self._told_count = secrets.randbelow(2**32)
        """Grows each time that the lists are told to look again: who knows this number has missed
        nothing. It begins anywhere, so that a page made before a restart knows not."""
        self._cases_told = board.cases_count
        self._states_told = self._states()

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
        app.router.add_post(ticket + "/block", self.block)

    def deliver(self, decided: list[Decided], _changed: list[str]) -> None:
        """Have the lists look again: of decisions, of cases, of lanes in another state."""
        cases, states = self._board.cases_count, self._states()
        if decided or cases != self._cases_told or states != self._states_told:
            self._cases_told, self._states_told = cases, states
            self._told_count += 1
            self._streams.send(_TOPIC, "news", {})

    def close(self) -> None:
        """End the streams."""
        self._streams.close()

    # --- who

    async def sign_in(self, request: web.Request) -> web.Response:
        """Check a PIN; the first page, or the form again."""
        form = await request.post()
        person_id, pin = text_of(form, "person"), text_of(form, "pin")
        who, tries = request.remote or "", self._staff.tries
        if not tries.take(who):
            _log.warning("sign_in_held_back")
            wait_s = tries.wait_s(who)
            return await self._sign_in_form(request, HTTPStatus.TOO_MANY_REQUESTS, "", wait_s)
        checked = await self._staff.work(
            lambda: self._desk.sign_in(person_id, pin[:PIN_DIGITS_MAX])
        )
        if isinstance(checked, PinRefused):
            _log.warning("sign_in_refused", reason=checked.reason.value)
            status, said = HTTPStatus.UNAUTHORIZED, self._staff.words(request).refusal(checked)
            return await self._sign_in_form(request, status, said)
        tries.forget(who)
        _log.info("signed_in", person_id=checked.id)
        response = to(HOME)
        token = self._staff.sessions.begin(checked.id)
        response.set_cookie(COOKIE, token, httponly=True, samesite="Strict", path=HOME)
        return response

    async def sign_out(self, request: web.Request) -> web.Response:
        """End the session."""
        self._staff.sessions.end(request.cookies.get(COOKIE, ""))
        response = to(HOME)
        response.del_cookie(COOKIE, path=HOME)
        return response

    # --- pages

    async def home(self, request: web.Request) -> web.Response:
        """Search, what was found, double entries, what lanes said lately, and how they are."""
        visit = await self._staff.visit(request)
        if visit is None:
            return await self._sign_in_form(request, HTTPStatus.OK, "")
        heard_count = self._told_count  # before anything is read: what comes meanwhile is news
        wanted = request.query.get("q", "").strip()[:SEARCH_CHARS_MAX]
        found = await self._staff.work(lambda: self._desk.find(wanted) if wanted else ())
        if len(found) == 1:
            return to(f"{HOME}/tickets/{found[0].facts.ticket_id}")
        cases = await self._staff.work(self._staff.desks.cases.open_double_entries)
        lanes = LaneWords(visit.words.places, visit.words.language)
        context = {
            "visit": visit,
            "heard_count": heard_count,
            "wanted": wanted,
            "found": [visit.words.found(each) for each in found],
            "cases": [lanes.double_entry(each) for each in cases],
            "recent": await self._staff.work(lambda: self._recent(visit.words)),
            "lanes": [lanes.row(lane, self._board.status_of(lane)) for lane in self._board.lanes],
        }
        return render(request, "hand.html", context)

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Tells the lists when there is something new; at once, when the page has missed some."""
        if await self._staff.visit(request) is None:
            raise web.HTTPUnauthorized
        return await self._streams.serve(request, _TOPIC, lambda: self._missed(request))

    async def ticket(self, request: web.Request) -> web.Response:
        """One ticket: what the lane would say, its history, and what may be done."""
        visit = await self._staff.visit(request)
        if visit is None:
            return to(HOME)
        done = visit.words.done(request.query.get("said", ""))
        return await self._ticket_page(request, visit, done=done)

    # --- deeds

    async def let_in(self, request: web.Request) -> web.Response:
        """Let a ticket in that nothing speaks against."""
        visit, found, form = await self._deed(request)
        lane, note = self._lane(text_of(form, "lane")), text_of(form, "note").strip()
        outcome = await self._staff.work(lambda: self._desk.let_in(found, lane, visit.person, note))
        return await self._after_let_in(request, visit, outcome, note)

    async def let_in_against(self, request: web.Request) -> web.Response:
        """Let a ticket in against the rules: a second person types their PIN."""
        visit, found, form = await self._deed(request)
        lane, note = self._lane(text_of(form, "lane")), text_of(form, "note").strip()
        looked = await self._staff.work(lambda: self._desk.look(found, lane, visit.person))
        if looked.against is None or looked.against.value != text_of(form, "against"):
            return await self._ticket_page(request, visit, note=note)  # it has changed: look again
        problem: NotByHand | None = None
        if not note or len(note) > NOTE_CHARS_MAX:
            problem = NotByHand.NO_NOTE
        elif text_of(form, "second") == visit.person.id:
            problem = NotByHand.TWO_PEOPLE
        if problem is not None:
            said = visit.words.refusal(problem)
            return await self._ticket_page(request, visit, problem=said, note=note)
        checked = await self._staff.checked_pin(request, form, "second")
        if isinstance(checked, PinRefused):
            said = visit.words.refusal(checked)
            return await self._ticket_page(request, visit, problem=said, note=note)
        wanted = ByHand(looked.against, visit.person.id, checked.id, note)
        outcome = await self._staff.work(lambda: self._desk.let_in_against(found, lane, wanted))
        return await self._after_let_in(request, visit, outcome, note)

    async def undo(self, request: web.Request) -> web.Response:
        """Take an entry back."""
        visit, found, form = await self._deed(request)
        op_id = text_of(form, "op")
        refused = await self._staff.work(lambda: self._desk.undo(found, op_id, visit.person))
        if refused is not None:
            problem = visit.words.refusal(refused)
            return await self._ticket_page(request, visit, problem=problem)
        return to(f"{HOME}/tickets/{found.facts.ticket_id}?said=undone")

    async def block(self, request: web.Request) -> web.Response:
        """Block a ticket, or lift that."""
        visit, found, form = await self._deed(request)
        reason, lift = text_of(form, "reason"), text_of(form, "lift") == "1"
        refused = await self._staff.work(
            lambda: self._desk.block(found, visit.person, reason, lift=lift)
        )
        if refused is not None:
            problem = visit.words.refusal(refused)
            return await self._ticket_page(request, visit, problem=problem, note=reason)
        said = "freed" if lift else "blocked"
        return to(f"{HOME}/tickets/{found.facts.ticket_id}?said={said}")

    # --- parts

    async def _deed(self, request: web.Request) -> tuple[Visit, FoundTicket, Mapping[str, object]]:
        """Whoever sends a form, the ticket it is about, and the form."""
        visit, form = await self._staff.deed(request)
        return visit, await self._ticket(request), form

    async def _ticket(self, request: web.Request) -> FoundTicket:
        ticket_id = request.match_info["ticket"]
        found = await self._staff.work(lambda: self._desk.ticket(ticket_id))
        if found is None:
            raise web.HTTPNotFound
        return found

    async def _after_let_in(
        self,
        request: web.Request,
        visit: Visit,
        outcome: Mapping[str, object] | NotByHand | NotNow,
        note: str,
    ) -> web.Response:
        if isinstance(outcome, NotByHand | NotNow):
            problem = visit.words.refusal(outcome)
        elif outcome.get("decision") == "admit":
            said = "let_in" if outcome.get("barrier") == "opened" else "let_in_stuck"
            return to(f"{HOME}/tickets/{request.match_info['ticket']}?said={said}")
        else:
            problem = visit.words.turned_away(outcome)
        return await self._ticket_page(request, visit, problem=problem, note=note)

    async def _ticket_page(
        self,
        request: web.Request,
        visit: Visit,
        *,
        done: str = "",
        problem: str = "",
        note: str = "",
    ) -> web.Response:
        found, words = await self._ticket(request), visit.words
        form = await request.post()
        lane = self._lane(request.query.get("lane") or text_of(form, "lane"))
        looked = await self._staff.work(lambda: self._desk.look(found, lane, visit.person))
        people = await self._staff.work(self._desk.people)
        may_act = not looked.burns
        context = {
            "visit": visit,
            "ticket": found.facts.ticket_id,
            "lanes": self._desk.lanes,
            "lane_number": self._desk.lanes.index(lane) + 1,
            "says": words.says(looked),
            "facts": words.facts(looked),
            "history": [(one, *words.visit(one)) for one in looked.history],
            "may_let_in": may_act and isinstance(looked.decision, Admit),
            "against": looked.against if may_act else None,
            "may_block": looked.row is not None and not looked.row.blocked,
            "is_blocked": looked.row is not None and bool(looked.row.blocked),
            "may_free": visit.person.role in DECIDING_ROLES,
            "people": [
                (one.id, one.name, words.role(one.role))
                for one in people
                if one.id != visit.person.id
            ],
            "done": done,
            "problem": problem,
            "note": note,
            "note_max": NOTE_CHARS_MAX,
            "reason_max": BLOCK_CHARS_MAX,
        }
        status = HTTPStatus.CONFLICT if problem else HTTPStatus.OK
        return render(request, "hand_ticket.html", context, status=status)

    async def _sign_in_form(
        self, request: web.Request, status: HTTPStatus, problem: str, wait_s: int = 0
    ) -> web.Response:
        words = self._staff.words(request)
        people = await self._staff.work(self._desk.people)
        context = {
            "people": [(one.id, one.name, words.role(one.role)) for one in people],
            "problem": problem,
            "wait_s": wait_s,
        }
        return render(request, "hand_sign_in.html", context, status=status)

    def _missed(self, request: web.Request) -> list[bytes]:
        """News for a page that was made before the latest; it says in its query what it knows."""
        is_latest = request.query.get("heard") == str(self._told_count)
        return [] if is_latest else [event("news", {})]

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

    def _states(self) -> tuple[object, ...]:
        return tuple(self._board.status_of(lane).get("state") for lane in self._board.lanes)

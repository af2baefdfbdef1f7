"""The handheld pages about lanes: how each of them is; open it for a while, and shut it again."""

from __future__ import annotations

from http import HTTPStatus

from aiohttp import web

from edge.pins import PinRefused
from gate_agent.lane_desk import OPEN_MINUTES
from gate_agent.screen.board import Board, Decided
from gate_agent.screen.hand_visit import HOME, Staff, Visit, text_of, to
from gate_agent.screen.lane_words import LaneWords
from gate_agent.screen.rendering import render
from ticketing.admission.by_hand import DECIDING_ROLES, NOTE_CHARS_MAX

LANES = HOME + "/lanes"


class HandLanePages:
    """A page for each lane, ways out too, by its number among all lanes."""

    def __init__(self, board: Board, staff: Staff) -> None:
        self._board, self._staff = board, staff
        self._desk = staff.desks.lanes

    def add_to(self, app: web.Application) -> None:
        """The routes."""
        lane = LANES + "/{number:[0-9]{1,2}}"
        app.router.add_get(lane, self.lane)
        app.router.add_post(lane + "/open", self.open)
        app.router.add_post(lane + "/shut", self.shut)

    def deliver(self, _decided: list[Decided], _changed: list[str]) -> None:
        """These pages are loaded again by whoever wants to know."""

    def close(self) -> None:
        """Nothing is open."""

    async def lane(self, request: web.Request) -> web.Response:
        """How it is, and what may be done."""
        visit = await self._staff.visit(request)
        if visit is None:
            return to(HOME)
        return await self._page(request, visit, said=request.query.get("said", ""))

    async def open(self, request: web.Request) -> web.Response:
        """Open it for a while: a supervisor or a manager types their PIN, and says why."""
        visit, form = await self._staff.deed(request)
        lane, words = self._lane(request), _words(visit)
        note, minutes = text_of(form, "note"), text_of(form, "minutes")
        checked = await self._staff.checked_pin(request, form, "who")
        if isinstance(checked, PinRefused):
            problem = visit.words.refusal(checked)
            return await self._page(request, visit, problem=problem, note=note, minutes=minutes)
        wanted = int(minutes) if minutes in map(str, OPEN_MINUTES) else 0
        refused = await self._staff.work(lambda: self._desk.open(lane, checked, note, wanted))
        if refused is not None:
            problem = words.not_opened(refused)
            return await self._page(request, visit, problem=problem, note=note, minutes=minutes)
        return to(f"{LANES}/{request.match_info['number']}?said=opened")

    async def shut(self, request: web.Request) -> web.Response:
        """Shut it again."""
        visit, _form = await self._staff.deed(request)
        lane = self._lane(request)
        refused = await self._staff.work(lambda: self._desk.shut(lane, visit.person))
        if refused is not None:
            return await self._page(request, visit, problem=_words(visit).not_opened(refused))
        return to(f"{LANES}/{request.match_info['number']}?said=shut")

    async def _page(
        self,
        request: web.Request,
        visit: Visit,
        *,
        said: str = "",
        problem: str = "",
        note: str = "",
        minutes: str = "",
    ) -> web.Response:
        lane, words = self._lane(request), _words(visit)
        status = self._desk.now(lane, self._board.status_of(lane))
        people = await self._staff.work(self._staff.desks.tickets.people)
        context = {
            "visit": visit,
            "lane": lane,
            "number": request.match_info["number"],
            "says": words.says(status),
            "facts": words.facts(status),
            "faults": words.faults(status),
            "is_open": status.get("state") == "open",
            "burns": status.get("state") == "fire",
            "deciding": [
                (one.id, one.name, visit.words.role(one.role))
                for one in people
                if one.role in DECIDING_ROLES
            ],
            "choices": [(each, words.minutes(each)) for each in OPEN_MINUTES],
            "chosen": minutes or str(OPEN_MINUTES[1]),
            "note": note,
            "note_max": NOTE_CHARS_MAX,
            "done": words.done(said),
            "problem": problem,
        }
        code = HTTPStatus.CONFLICT if problem else HTTPStatus.OK
        return render(request, "hand_lane.html", context, status=code)

    def _lane(self, request: web.Request) -> str:
        number = int(request.match_info["number"])
        if not 1 <= number <= len(self._board.lanes):
            raise web.HTTPNotFound
        return self._board.lanes[number - 1]


def _words(visit: Visit) -> LaneWords:
    return LaneWords(visit.words.places, visit.words.language)

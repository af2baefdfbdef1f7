"""The screen of a lane, and the list of lanes."""

from __future__ import annotations

import time

from aiohttp import web

from gate_agent.screen.board import Board, Decided
from gate_agent.screen.faces import Face, face_of
from gate_agent.screen.idle import LEVEL_ICONS, Idle, idle_of
from gate_agent.screen.places import Places
from gate_agent.screen.rendering import pages_version, render
from gate_agent.screen.streams import Streams, event

ICONS = (
    "check",
    "x",
    "triangle-alert",
    "clock",
    "scan-line",
    "users",
    "flame",
    "door-open",
    *LEVEL_ICONS.values(),
)


class LanePages:
    """Shows what the board has. Used on the loop alone."""

    def __init__(self, board: Board, places: Places) -> None:
        self._board, self._places = board, places
        self._streams = Streams()

    def add_to(self, app: web.Application) -> None:
        """The routes."""
        app.router.add_get("/", self.lanes)
        app.router.add_get("/lanes/{number:[0-9]{1,2}}", self.screen)
        app.router.add_get("/lanes/{number:[0-9]{1,2}}/events", self.events)

    def deliver(self, decided: list[Decided], changed: list[str]) -> None:
        """Send what is new to the pages that are open."""
        for one in decided:
            face = self._face(one.line) if self._streams.watched(one.lane) else None
            if face is not None:
                self._streams.send(one.lane, "decision", face)
        for lane in changed:
            if self._streams.watched(lane):
                self._streams.send(lane, "status", self._idle(lane))

    def close(self) -> None:
        """End the streams."""
        self._streams.close()

    async def lanes(self, request: web.Request) -> web.Response:
        """All lanes; where there is one, its screen."""
        if len(self._board.lanes) == 1 and not request.query:
            return web.Response(status=303, headers={"Location": "/lanes/1"})
        return render(request, "lanes.html", {"lanes": self._board.lanes})

    async def screen(self, request: web.Request) -> web.Response:
        """One lane's screen."""
        lane = self._lane(request)
        context = {"lane": lane, "number": request.match_info["number"], "icons": ICONS}
        return render(request, "lane.html", context)

    async def events(self, request: web.Request) -> web.StreamResponse:
        """What happens at the lane, as it happens."""
        lane = self._lane(request)
        return await self._streams.serve(request, lane, lambda: self._first(lane))

    def _first(self, lane: str) -> list[bytes]:
        """The status, and a decision that is still to be seen: a page may come back in between."""
        told = [event("hello", {"version": pages_version()}), event("status", self._idle(lane))]
        latest = self._board.latest(lane)
        face = self._face(latest.line) if latest else None
        if latest is not None and face is not None:
            left_ms = int(str(face["for_ms"])) - int((time.monotonic() - latest.at_s) * 1_000)
            if left_ms > 0:
                told.append(event("decision", {**face, "for_ms": left_ms, "sound": ""}))
        return told

    def _face(self, line: object) -> Face | None:
        return face_of(line, self._places) if isinstance(line, dict) else None

    def _idle(self, lane: str) -> Idle:
        return idle_of(lane, self._board.status_of(lane), self._places)

    def _lane(self, request: web.Request) -> str:
        number = int(request.match_info["number"])
        if not 1 <= number <= len(self._board.lanes):
            raise web.HTTPNotFound
        return self._board.lanes[number - 1]

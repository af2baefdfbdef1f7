"""The gate's pages served: a thread of its own with a loop of its own. No lane ever waits for it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from typing import Protocol

from aiohttp import web

from gate_agent.screen.access import (
    KEY_FIELD,
    KEY_PATH,
    Doorkeeper,
    add_headers,
    guard,
)
from gate_agent.screen.board import Board, Decided
from gate_agent.screen.rendering import USUAL_LANGUAGE, page_for_problem, render, static_file
from gate_agent.screen.settings import is_loopback
from gate_agent.screen.tries import Tries
from program.logs import get_logger

AGAIN_S = 5.0
"""An address that cannot be had is tried again after so long."""
_STOP_S = 3.0
_BODY_BYTES_MAX = 8_192
_TRIES_MAX, _TRIES_PERIOD_S = 10, 30.0
_log = get_logger(__name__)


class Pages(Protocol):
    """A part of the pages."""

    def add_to(self, app: web.Application) -> None:
        """Add its routes."""

    def deliver(self, decided: list[Decided], changed: list[str]) -> None:
        """The board has news: decisions, and lanes of a new status."""

    def close(self) -> None:
        """End what is open."""


class ScreenServer:
    """Serves from `start` to `stop`. What goes wrong in it is logged and harms no lane."""

    def __init__(
        self,
        address: tuple[str, int],
        key: str,
        language: str,
        board: Board,
        make_pages: Callable[[], list[Pages]],
    ) -> None:
        """`address` is host and port (0: any free one); `make_pages` is called on the loop."""
        self._host, self._port = address
        self._keeper = Doorkeeper(key, is_local=is_loopback(self._host))
        self._language, self._board, self._make_pages = language, board, make_pages
        self._key_tries = Tries(_TRIES_MAX, _TRIES_PERIOD_S)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ending: asyncio.Event | None = None
        self._tried = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="gate-screen", daemon=True)
        self.url = ""

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def wait(self, timeout_s: float) -> str:
        """The address that is served, once it is; "" when it could not be had."""
        self._tried.wait(timeout_s)
        return self.url

    def stop(self) -> None:
        """End it. Safe to call when it was never started."""
        self._stopped.set()
        self._board.unlisten()
        loop, ending = self._loop, self._ending
        if loop is not None and ending is not None:
            with suppress(RuntimeError):  # it has ended already
                loop.call_soon_threadsafe(ending.set)
        if self._thread.is_alive():
            self._thread.join(_STOP_S)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception:  # noqa: BLE001 - a bug here must not end the gate
            _log.exception("screen_crashed")
        finally:
            self._tried.set()

    async def _serve(self) -> None:
        self._loop, self._ending = asyncio.get_running_loop(), asyncio.Event()
        if self._stopped.is_set():
            return
        pages = self._make_pages()
        runner = web.AppRunner(self._app(pages), access_log=None, shutdown_timeout=1)
        await runner.setup()
        try:
            if await self._bind(runner):
                self._board.listen(self._ringing(pages))
                await self._ending.wait()
        finally:
            self._board.unlisten()
            await runner.cleanup()

    def _ringing(self, pages: list[Pages]) -> Callable[[], None]:
        loop = self._loop
        assert loop is not None, "made on the loop"

        def deliver() -> None:
            news = self._board.take()
            for each in pages:
                each.deliver(*news)

        def ring() -> None:
            with suppress(RuntimeError):  # the loop is closing: nobody looks any more
                loop.call_soon_threadsafe(deliver)

        return ring

    async def _bind(self, runner: web.AppRunner) -> bool:
        """Have the address, now or later; False when the program stops before."""
        assert self._ending is not None, "made on the loop"
        while not self._ending.is_set():
            try:
                await web.TCPSite(runner, self._host, self._port).start()
            except OSError as error:
                if not self._tried.is_set():
                    _log.warning("screen_not_served", error=str(error))
                self._tried.set()
                with suppress(TimeoutError):
                    async with asyncio.timeout(AGAIN_S):
                        await self._ending.wait()
                continue
            host, port = runner.addresses[0][:2]
            self.url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
            _log.info("screen_served", url=self.url)
            self._tried.set()
            return True
        return False

    def _app(self, pages: list[Pages]) -> web.Application:
        public = frozenset({KEY_PATH, "/static/theme.css", "/static/hand.css"})
        public |= {"/static/favicon.svg"}
        app = web.Application(
            middlewares=[guard(self._keeper, public, self._ask_for_key, page_for_problem)],  # type: ignore[list-item]
            client_max_size=_BODY_BYTES_MAX,
        )
        app[USUAL_LANGUAGE] = self._language
        app.on_response_prepare.append(add_headers)
        app.router.add_get("/static/{name}", static_file)
        app.router.add_post(KEY_PATH, self._take_key)
        for each in pages:
            each.add_to(app)

        async def close(_app: web.Application) -> None:
            for each in pages:
                each.close()

        app.on_shutdown.append(close)
        return app

    async def _ask_for_key(self, request: web.Request) -> web.StreamResponse:
        """The form; or straight on, when the address has the key in it."""
        given = request.query.get(KEY_FIELD)
        if given is None:
            return render(request, "key.html", {"is_wrong": False}, status=HTTPStatus.UNAUTHORIZED)
        return self._judge(request, given, request.path)

    async def _take_key(self, request: web.Request) -> web.StreamResponse:
        form = await request.post()
        return self._judge(request, form.get(KEY_FIELD), "/")

    def _judge(self, request: web.Request, given: object, then: str) -> web.Response:
        """Right: on to the page, with the cookie, and with an address that has no key in it."""
        if self._key_tries.take(request.remote or "") and self._keeper.is_key(given):
            response = web.Response(status=303, headers={"Location": then})
            self._keeper.keep(response)
            return response
        _log.warning("screen_key_refused")
        return render(request, "key.html", {"is_wrong": True}, status=HTTPStatus.UNAUTHORIZED)

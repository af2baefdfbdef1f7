"""Loopback TCP that can be cut: every node and every server speaks through a wire of its own.

A wire that holds bytes back delivers them when it is mended, as retransmission does: a request may
arrive long after whoever sent it has given it up and asked again.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from enum import StrEnum
from typing import Any

PIECE = 65_536
SLOW_PIECE, SLOW_PAUSE_S = 300, 0.02
_CALL_TIMEOUT_S = 10.0


class Mode(StrEnum):
    """What a wire does to what goes through it."""

    OPEN = "open"
    REFUSE = "refuse"  # everything is reset at once, also what is open
    RESET = "reset"  # each connection is reset in the middle of the next piece
    BLACK_HOLE = "black hole"  # nothing comes through, and nobody is told
    MUTE = "mute"  # one way: requests are held back
    DEAF = "deaf"  # one way: answers are held back
    SLOW = "slow"
    HALF_OPEN = "half open"  # the far ends are gone, the near ones never hear of it


class _Link:
    """One connection through a wire."""

    def __init__(self, near: asyncio.StreamWriter, far: asyncio.StreamWriter) -> None:
        self.near, self.far = near, far

    def reset(self) -> None:
        for writer in (self.near, self.far):
            writer.transport.abort()


class Wire:
    """One port on loopback that leads to the first of `targets` that answers."""

    def __init__(self, wires: Wires, targets: Sequence[int]) -> None:
        self._wires, self._targets = wires, list(targets)
        self._mode = Mode.OPEN
        self._changed = asyncio.Event()
        self._links: set[_Link] = set()
        self._turn = 0
        self._server: asyncio.Server | None = None
        self.port = 0

    @property
    def mode(self) -> Mode:
        """What it does now."""
        return self._mode

    def set(self, mode: Mode) -> None:
        """Do this from now on."""
        self._wires.call(lambda: self._set(mode))

    def mend(self, *, cut: bool) -> None:
        """Let everything through again. `cut`: what was held back is lost with its connection."""

        def work() -> None:
            self._turn_to(Mode.OPEN)
            if cut:
                self._reset_all()

        self._wires.call(work)

    async def open(self) -> None:
        """Begin to listen."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stop listening and cut everything."""
        assert self._server is not None
        self._server.close()
        self._reset_all()

    def _turn_to(self, mode: Mode) -> None:
        self._mode = mode
        self._changed.set()
        self._changed = asyncio.Event()

    def _set(self, mode: Mode) -> None:
        self._turn_to(mode)
        if mode is Mode.REFUSE:
            self._reset_all()
        elif mode is Mode.HALF_OPEN:
            for link in self._links:
                link.far.transport.abort()

    def _reset_all(self) -> None:
        for link in list(self._links):
            link.reset()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.CancelledError):
            await self._forward(reader, writer)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._wait_while(Mode.HALF_OPEN, Mode.BLACK_HOLE)
        far = None if self._mode is Mode.REFUSE else await self._connect()
        if far is None:
            writer.transport.abort()
            return
        link = _Link(writer, far[1])
        self._links.add(link)
        try:
            await asyncio.gather(
                self._pump(reader, link, link.far, is_request=True),
                self._pump(far[0], link, link.near, is_request=False),
            )
        finally:
            link.reset()
            self._links.discard(link)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        self._turn += 1
        for step in range(len(self._targets)):
            port = self._targets[(self._turn + step) % len(self._targets)]
            with suppress(OSError):
                return await asyncio.open_connection("127.0.0.1", port)
        return None

    async def _pump(
        self,
        source: asyncio.StreamReader,
        link: _Link,
        sink: asyncio.StreamWriter,
        *,
        is_request: bool,
    ) -> None:
        with suppress(OSError):
            while piece := await source.read(PIECE):
                await self._wait_until_let_through(is_request)
                if self._mode is Mode.RESET:
                    sink.write(piece[: len(piece) // 2])
                    await sink.drain()
                    break
                await self._write(sink, piece)
        if self._mode is Mode.HALF_OPEN and not is_request:
            await self._wait_while(Mode.HALF_OPEN)
        link.reset()

    async def _wait_until_let_through(self, is_request: bool) -> None:
        held = {Mode.BLACK_HOLE, Mode.HALF_OPEN, Mode.MUTE if is_request else Mode.DEAF}
        await self._wait_while(*held)

    async def _wait_while(self, *modes: Mode) -> None:
        while self._mode in modes:
            await self._changed.wait()

    async def _write(self, sink: asyncio.StreamWriter, piece: bytes) -> None:
        if self._mode is not Mode.SLOW:
            sink.write(piece)
            await sink.drain()
            return
        for at in range(0, len(piece), SLOW_PIECE):
            sink.write(piece[at : at + SLOW_PIECE])
            await sink.drain()
            if self._mode is Mode.SLOW:
                await asyncio.sleep(SLOW_PAUSE_S)


class Wires:
    """All wires of a house, on an event loop in a thread of their own. A context manager."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="wires", daemon=True)
        self._wires: list[Wire] = []

    def __enter__(self) -> Wires:
        self._thread.start()
        return self

    def __exit__(self, *_details: object) -> None:
        for wire in self._wires:
            self._run(wire.close())
        self._run(self._cancel_all())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_CALL_TIMEOUT_S)
        self._loop.close()

    def lay(self, *targets: int) -> Wire:
        """A new wire to these ports."""
        wire = Wire(self, targets)
        self._run(wire.open())
        self._wires.append(wire)
        return wire

    def call(self, work: Callable[[], None]) -> None:
        """Do something on the loop, and wait for it."""

        async def on_loop() -> None:
            work()

        self._run(on_loop())

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(_CALL_TIMEOUT_S)

    async def _cancel_all(self) -> None:
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

"""Threads of control without threads: programs wait, the world goes on, one seed decides all.

The programs' own code blocks where it waits for a reply, a clock or an event. In a fiber such a
wait is a switch back to the world, so the very code that runs on threads in production runs here
one step after the other, in an order that is the same for the same seed.
"""

from __future__ import annotations

import functools
import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

import greenlet  # type: ignore[import-untyped]


class Crash(BaseException):
    """The program is gone. Not an Exception: no program catches its own death."""


@dataclass(slots=True, eq=False)
class Process:
    """One run of a program: everything it had in memory ends with it."""

    name: str
    dead: bool = False
    fibers: dict[Any, None] = field(default_factory=dict)
    """In the order in which they began: what depends on it is the same for the same seed."""

    def check(self) -> None:
        """Raise Crash when this run is over: what is still on the stack does nothing any more."""
        if self.dead:
            raise Crash


class Clockwork:
    """The heap of what happens next, and the true time in seconds."""

    def __init__(self, seed: object) -> None:
        self.rng = Random(str(seed))
        self.now = 0.0
        self.events = 0
        self.hub = greenlet.getcurrent()
        self._heap: list[tuple[float, int, Callable[[], object]]] = []
        self._count = 0

    def at(self, when: float, what: Callable[[], object]) -> None:
        """Have something happen at a true time."""
        self._count += 1
        heapq.heappush(self._heap, (max(when, self.now), self._count, what))

    def after(self, seconds: float, what: Callable[[], object]) -> None:
        """Have something happen after so many true seconds."""
        self.at(self.now + seconds, what)

    def run(self, until: float) -> None:
        """Go on until a true time, or until nothing is left to happen."""
        self.hub = greenlet.getcurrent()
        while self._heap and self._heap[0][0] <= until:
            self.now, _number, what = heapq.heappop(self._heap)
            self.events += 1
            what()
        self.now = max(self.now, until)

    # --- fibers

    def spawn(self, process: Process, body: Callable[[], object]) -> None:
        """Run `body` as a fiber of a process, from now on."""

        def run() -> None:
            try:
                process.check()
                body()
            except Crash:
                pass
            finally:
                process.fibers.pop(fiber, None)

        fiber = greenlet.greenlet(run)
        process.fibers[fiber] = None
        self.after(0, lambda: self._switch_to(fiber, process))

    def _switch_to(self, fiber: Any, process: Process) -> None:
        if not fiber.dead and not process.dead:
            fiber.parent = self.hub
            fiber.switch()

    def kill(self, process: Process) -> None:
        """End a process as a power cut would: its fibers never run on."""
        process.dead = True
        for fiber in list(process.fibers):
            if fiber is greenlet.getcurrent() or fiber.dead:
                continue
            process.fibers.pop(fiber, None)
            self.after(0, functools.partial(self._end, fiber))

    def end_all(self, processes: list[Process]) -> None:
        """The world is over: every fiber ends where it waits."""
        self.hub = greenlet.getcurrent()
        for process in processes:
            process.dead = True
            for fiber in list(process.fibers):
                self._end(fiber)

    def _end(self, fiber: Any) -> None:
        if not fiber.dead and fiber:
            fiber.parent = self.hub
            fiber.throw(Crash)

    def wait(self, process: Process, register: Callable[[Callable[[], None]], None]) -> None:
        """Give the world its turn until somebody calls the wake-up that `register` is handed."""
        process.check()
        fiber = greenlet.getcurrent()
        assert fiber is not self.hub, "only a fiber can wait"
        woken = False

        def wake() -> None:
            nonlocal woken
            if not woken:
                woken = True
                self.after(0, lambda: self._switch_to(fiber, process))

        register(wake)
        self.hub.switch()
        process.check()

    def sleep(self, process: Process, seconds: float) -> None:
        """Let so many true seconds pass."""
        self.wait(process, lambda wake: self.after(seconds, wake))


class SimEvent:
    """`threading.Event` for fibers."""

    def __init__(self, works: Clockwork, process: Process) -> None:
        self._works, self._process = works, process
        self._flag = False
        self._waiting: list[Callable[[], None]] = []

    def is_set(self) -> bool:
        """Whether it happened."""
        return self._flag

    def set(self) -> None:
        """It happened: whoever waits goes on."""
        self._flag = True
        waiting, self._waiting = self._waiting, []
        for wake in waiting:
            wake()

    def clear(self) -> None:
        """It has not happened again."""
        self._flag = False

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for it, at most so long."""
        if self._flag:
            return True

        def register(wake: Callable[[], None]) -> None:
            self._waiting.append(wake)
            if timeout is not None:
                self._works.after(max(0.001, timeout), wake)  # or time might stand still

        self._works.wait(self._process, register)
        return self._flag

"""The barrier's part of a lane: one thread that owns it and does what `barrier_state` says."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass, field
from typing import Protocol

from gate_agent.barrier_state import (
    BarrierRules,
    BarrierState,
    CameBack,
    Effect,
    Event,
    Failed,
    Granted,
    Lost,
    OpenFor,
    PeriodBegan,
    PeriodEnded,
    Pulse,
    Shut,
    ShutNow,
    Told,
    Uncertain,
    Ungranted,
    Went,
    step,
)
from hardware.barrier import CONTACT_S, Sensed
from hardware.errors import DeviceError
from program.logs import get_logger
from ticketing.operations import GateCause as Cause

ANSWER_TIMEOUT_S = 3.0
"""A board that is silent is given up after three tries of 0.3 s; this only ends a hang."""
_COMMANDS_MAX = 16
_log = get_logger(__name__)


class Opens(Protocol):
    """The barrier as this part sees it (`hardware.barrier.Barrier`)."""

    @property
    def address(self) -> str:
        """For messages."""
        ...

    @property
    def has_passage_contact(self) -> bool:
        """Whether it tells that somebody passed."""
        ...

    @property
    def poll_s(self) -> float:
        """How often `sense` wants to be called."""
        ...

    def open_for(self, duration_ms: int) -> None:
        """Open; raises DeviceError."""
        ...

    def shut(self) -> None:
        """Shut; raises DeviceError."""
        ...

    def sense(self) -> Sensed:
        """What the contacts say; raises DeviceError."""
        ...

    def close(self) -> None:
        """Let go; raises DeviceError."""
        ...


class Book(Protocol):
    """Who writes down what happened at the barrier. Called on the barrier's thread; never raises."""

    def ended(self, effect: Went | CameBack | Uncertain) -> None:
        """A grant came to its end."""
        ...

    def walked(self, cause: Cause) -> None:
        """Somebody passed without a grant."""
        ...

    def period(self, effect: PeriodBegan | PeriodEnded) -> None:
        """The gate stands open from now on, or no longer."""
        ...

    def tick(self) -> None:
        """Time passes: once in a while."""
        ...


@dataclass(slots=True)
class _Command:
    """Something that a lane wants of its barrier, and waits for."""

    event: Event
    done: Future[bool] = field(default_factory=Future)
    is_given_up: bool = False


@dataclass(slots=True)
class BarrierPart:
    """One lane's barrier. `run` is supervised; the rest is called from any thread."""

    barrier: Opens
    rules: BarrierRules
    book: Book
    clock: Callable[[], float] = time.monotonic
    state: BarrierState = field(init=False, default_factory=BarrierState)
    fault: str = field(init=False, default="")
    """Why the board does not work, a plain sentence part; "" when it does."""
    _commands: queue.Queue[_Command] = field(init=False)
    _is_running: bool = field(init=False, default=False)
    _sensed_s: float = field(init=False, default=float("-inf"))
    _asked_s: float = field(init=False, default=float("inf"))

    def __post_init__(self) -> None:
        self._commands = queue.Queue(_COMMANDS_MAX)

    def open(self, key: str) -> bool:
        """Let one person pass. True once the board has confirmed that it opened.

        After False it is shut, and nobody is waited for.
        """
        return self._command(Granted(key))

    def open_gate(self, seconds: float) -> bool:
        """Let everybody pass for so long."""
        return self._command(OpenFor(seconds))

    def shut_gate(self) -> bool:
        """End that."""
        return self._command(ShutNow())

    def waits_for(self, key: str) -> bool:
        """Whether this grant was surely not used yet, and still may be.

        Not where the contact was not watched all the while: somebody may be inside by it.
        """
        return any(each.key == key and not each.has_gap for each in self.state.waiting)

    @property
    def burns(self) -> bool:
        """Whether the fire contact says so."""
        return self.state.fire is True

    @property
    def open_left_s(self) -> float | None:
        """How long it still stands open by somebody's hand; None when it does not."""
        until_s = self.state.open_until_s
        return None if until_s is None else max(0.0, until_s - self.clock())

    @property
    def is_stuck(self) -> bool:
        """Whether the passage contact tells nothing any more."""
        return self.state.is_stuck(self.clock())

    def _command(self, event: Event) -> bool:
        if not self._is_running:
            return False
        command = _Command(event)
        try:
            self._commands.put_nowait(command)
            return command.done.result(ANSWER_TIMEOUT_S)
        except (FutureTimeout, queue.Full):
            command.is_given_up = True
            command.done.cancel()
            _log.error("barrier_does_not_answer", barrier=self.barrier.address)
            return False

    # --- on the part's own thread

    def run(self, stop: threading.Event) -> None:
        """Until `stop`. A board that is away is waited for; the barrier is shut first."""
        try:
            self._is_running = True
            self._try(self.barrier.shut)
            while not stop.is_set():
                self._turn()
        finally:
            self._is_running = False
            self._refuse_waiting()
            self._try(self.barrier.close)

    def _turn(self) -> None:
        try:
            command = self._commands.get(timeout=self.barrier.poll_s)
        except queue.Empty:
            pass
        else:
            self._obey(command)
        if time.monotonic() - self._sensed_s >= self.barrier.poll_s:
            self._sensed_s = time.monotonic()
            self._look()
            self.book.tick()

    def _look(self) -> None:
        """Ask the contacts, and have the time pass."""
        try:
            sensed = self.barrier.sense()
        except DeviceError as error:
            self._note_fault(error)
            self._happens(Lost())
            return
        self.fault = ""
        # Somebody may have passed between two looks that lie too far apart.
        has_gap = sensed.answered_s - self._asked_s > CONTACT_S
        self._asked_s = sensed.asked_s
        self._happens(Told(sensed.passage, sensed.fire, has_gap))

    def _obey(self, command: _Command) -> None:
        if not command.done.set_running_or_notify_cancel():
            return  # nobody waits for it any more
        try:
            works = self._happens(command.event)
        except BaseException:
            command.done.set_result(False)
            raise
        command.done.set_result(works)
        if command.is_given_up and isinstance(command.event, Granted):
            # The lane was told that it stays shut, and the ticket may be shown again.
            self._happens(Failed(command.event.key))
            if not self.state.stands_open:
                self._try(self.barrier.shut)

    def _happens(self, event: Event) -> bool:
        """Step, and do what follows. False when the board did not do its part of it."""
        self.state, effects = step(self.state, event, self.rules, self.clock())
        works = True
        for effect in effects:
            works = self._do(effect) and works
        return works

    def _do(self, effect: Effect) -> bool:
        match effect:
            case Pulse(duration_ms, key):
                opened = self._try(lambda: self.barrier.open_for(duration_ms))
                if not opened and key:
                    self.state, _none = step(self.state, Failed(key), self.rules, self.clock())
                return opened
            case Shut():
                return self._try(self.barrier.shut)
            case Went() | CameBack() | Uncertain():
                self.book.ended(effect)
            case Ungranted(cause):
                self.book.walked(cause)
            case PeriodBegan() | PeriodEnded():
                self.book.period(effect)
        return True

    def _try(self, command: Callable[[], None]) -> bool:
        try:
            command()
        except DeviceError as error:
            self._note_fault(error)
            return False
        self.fault = ""
        return True

    def _note_fault(self, error: DeviceError) -> None:
        if not self.fault:
            _log.warning("barrier_failed", barrier=error.device, reason=error.reason)
        self.fault = error.reason

    def _refuse_waiting(self) -> None:
        """Whoever waits for the barrier hears that it does not open."""
        while True:
            try:
                command = self._commands.get_nowait()
            except queue.Empty:
                return
            if command.done.set_running_or_notify_cancel():
                command.done.set_result(False)

"""A barrier as a lane sees it: it opens for a while, and may tell who passed and whether it burns.

Several barriers may hang on one relay board; they share it, and each call has it to itself.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from hardware.errors import BadDeviceAddress, DeviceError
from hardware.relay.driver import Relay, make_relay

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

POLL_S: Final = 0.03
CONTACT_S: Final = 0.15
"""Contacts are asked for every POLL_S: those of passages close for CONTACT_S and more."""
QUIET_POLL_S: Final = 0.5
_SIGN_OF_LIFE_S: Final = 2.0
"""A board without inputs is asked so often whether it is there."""


@dataclass(frozen=True)
class Wiring:
    """How one barrier hangs on its board: relays and inputs are numbered from 1, 0 is none.

    `private`: nobody unknown passes here, so a board that does not time its pulses is allowed.
    `fire_when_open`: the fire contact is closed as long as it does not burn.
    """

    relay: str
    relay_number: int = 1
    passage_input: int = 0
    fire_input: int = 0
    fire_when_open: bool = False
    private: bool = False


@dataclass(frozen=True)
class Sensed:
    """What the contacts say; None where there is none, or the board did not say this time.

    They were looked at between `asked_s` and `answered_s`, monotonic seconds.
    """

    passage: bool | None = None
    fire: bool | None = None
    asked_s: float = 0.0
    answered_s: float = 0.0


@dataclass
class Board:
    """One relay board with the barriers that hang on it. `clock` is monotonic seconds."""

    relay: Relay
    clock: Callable[[], float] = time.monotonic
    lock: threading.Lock = field(default_factory=threading.Lock)
    _inputs: tuple[bool, ...] | None = None
    _asked_at: float = float("-inf")
    _answered_at: float = float("-inf")
    _failure: DeviceError | None = None

    def inputs(self) -> tuple[tuple[bool, ...] | None, float, float]:
        """The inputs, and when they were asked for and told: asked for at most once in POLL_S for
        all barriers. Raises DeviceError.
        """
        with self.lock:
            now = self.clock()
            if now - self._asked_at >= self._period_s():
                self._asked_at = now
                self._ask()
                self._answered_at = self.clock()
            if self._failure is not None:
                raise self._failure
            return self._inputs, self._asked_at, self._answered_at

    def _period_s(self) -> float:
        quiet = self.relay.times_pulses and not self.relay.inputs_count
        # A little less than the barriers' own period, so that each of their turns brings news.
        return _SIGN_OF_LIFE_S if quiet else POLL_S * 0.8

    def _ask(self) -> None:
        try:
            if not self.relay.inputs_count:
                self.relay.check()
            self._inputs, self._failure = self.relay.inputs(), None
        except DeviceError as error:
            self._inputs, self._failure = None, error


class Barrier:
    """One barrier. Its lane's barrier thread owns it. All calls may raise DeviceError."""

    def __init__(self, board: Board, wiring: Wiring) -> None:
        self._board = board
        self._wiring = wiring
        self._channel = wiring.relay_number - 1

    @property
    def address(self) -> str:
        """The board's address, for messages."""
        return self._wiring.relay

    @property
    def has_passage_contact(self) -> bool:
        """Whether it tells that somebody passed."""
        return self._wiring.passage_input > 0

    @property
    def poll_s(self) -> float:
        """How often `sense` wants to be called: a quiet barrier only gives signs of life."""
        wired = self._wiring.passage_input or self._wiring.fire_input
        return POLL_S if wired or not self._board.relay.times_pulses else QUIET_POLL_S

    def open_for(self, duration_ms: int) -> None:
        """Open; the board shuts it by itself. Returns when that is confirmed."""
        with self._board.lock:
            self._board.relay.pulse(duration_ms, self._channel)

    def shut(self) -> None:
        """Shut it now: also the way to begin. The first call shuts all barriers of the board."""
        with self._board.lock:
            self._board.relay.shut(self._channel)

    def sense(self) -> Sensed:
        """What the contacts say now."""
        inputs, asked_s, answered_s = self._board.inputs()
        if inputs is None:
            return Sensed(asked_s=asked_s, answered_s=answered_s)
        wiring = self._wiring
        fire = _at(inputs, wiring.fire_input)
        if fire is not None and wiring.fire_when_open:
            fire = not fire
        return Sensed(_at(inputs, wiring.passage_input), fire, asked_s, answered_s)

    def close(self) -> None:
        """Let go of the board. Harmless when not open, and for the others that share it."""
        with self._board.lock:
            self._board.relay.close()


def make_barriers(wirings: Iterable[Wiring]) -> list[Barrier]:
    """A barrier for each; the same address is the same board. Raises BadDeviceAddress."""
    boards: dict[str, Board] = {}
    used: set[tuple[str, int]] = set()
    barriers: list[Barrier] = []
    for wiring in wirings:
        board = boards.get(wiring.relay)
        if board is None:
            board = boards[wiring.relay] = Board(make_relay(wiring.relay))
        _check(board.relay, wiring)
        place = (wiring.relay, wiring.relay_number)
        if place in used and not wiring.relay.startswith("none:"):
            raise BadDeviceAddress("two barriers hang on the same relay of a board", wiring.relay)
        used.add(place)
        barriers.append(Barrier(board, wiring))
    return barriers


def _check(relay: Relay, wiring: Wiring) -> None:
    if not relay.times_pulses and not wiring.private:
        raise BadDeviceAddress(
            "this board does not time its pulses and is not for public lanes; a lane that only "
            "staff use says so by private = true",
            wiring.relay,
        )
    if not 1 <= wiring.relay_number <= relay.channels_count:
        raise BadDeviceAddress(
            f"relay {wiring.relay_number} is not in use; channels says how many are", wiring.relay
        )
    for number in (wiring.passage_input, wiring.fire_input):
        if not 0 <= number <= relay.inputs_count:
            raise BadDeviceAddress(
                f"input {number} is not in use; inputs says how many are", wiring.relay
            )


def _at(inputs: tuple[bool, ...], number: int) -> bool | None:
    return inputs[number - 1] if number else None

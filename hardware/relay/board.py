"""A relay board as a model: requests in, replies out, time as an argument.

It behaves as a Waveshare board does: it times a flash by itself, a repeated flash begins the time
anew, and an ordinary write ends a flash.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from hardware.relay.protocol import (
    COIL_OFF,
    COIL_ON,
    FLASH_ON,
    FLASH_STEP_MS,
    CoilStates,
    InputStates,
    ReadCoils,
    ReadInputs,
    Refusal,
    RefusalCode,
    Reply,
    Request,
    WriteCoil,
    pack_coils,
)

if TYPE_CHECKING:
    from collections.abc import Callable

# The record is for tests and demonstrations: the oldest openings go first.
OPENINGS_COUNT_MAX: Final = 10_000


@dataclass(frozen=True)
class Opening:
    """One time that a relay was closed and so a barrier open; monotonic seconds.

    `ends_monotonic` is when the board will end it by itself; None when only a command ends it.
    `ended_monotonic` is None while it lasts.
    """

    channel: int
    began_monotonic: float
    ends_monotonic: float | None
    ended_monotonic: float | None = None

    @property
    def duration_s(self) -> float | None:
        """How long it lasted, or None while it lasts."""
        return None if self.ended_monotonic is None else self.ended_monotonic - self.began_monotonic


class RelayBoard:
    """The state of one board. `now` is monotonic seconds and never goes back.

    `on_end` is called for each opening when it ends. It has as many inputs as relays, and `inputs`
    says which of them have current.
    """

    def __init__(
        self,
        unit: int = 1,
        channels_count: int = 8,
        on_end: Callable[[Opening], None] = lambda _opening: None,
    ) -> None:
        self.unit: Final = unit
        self.channels_count: Final = channels_count
        self._open: dict[int, Opening] = {}
        self._ended: list[Opening] = []
        self._on_end = on_end
        self.inputs = [False] * channels_count

    @property
    def openings(self) -> tuple[Opening, ...]:
        """Every opening so far in the order of their beginning, the lasting ones included."""
        return tuple(
            sorted([*self._ended, *self._open.values()], key=lambda one: one.began_monotonic)
        )

    def answer(self, request: Request, now: float) -> Reply:
        """Obey `request` and answer it, or refuse it."""
        self.advance(now)
        match request:
            case ReadCoils():
                return self._read(request)
            case ReadInputs():
                return self._sense(request)
            case WriteCoil():
                return self._write(request, now)

    def advance(self, now: float) -> None:
        """End the flashes whose time is over."""
        over = [
            one
            for one in self._open.values()
            if one.ends_monotonic is not None and one.ends_monotonic <= now
        ]
        for one in over:
            self._end(one.channel, one.ends_monotonic or now)

    def power_off(self, now: float) -> None:
        """End every opening, as a power cut does."""
        self.advance(now)
        for channel in tuple(self._open):
            self._end(channel, now)

    def next_end_monotonic(self) -> float | None:
        """When the next flash ends by itself, or None while none lasts."""
        return min(
            (one.ends_monotonic for one in self._open.values() if one.ends_monotonic), default=None
        )

    def _read(self, request: ReadCoils) -> Reply:
        if not 1 <= request.count <= self.channels_count - request.address:
            return Refusal(self.unit, 1, RefusalCode.ILLEGAL_ADDRESS)
        asked = range(request.address, request.address + request.count)
        return CoilStates(self.unit, pack_coils([channel in self._open for channel in asked]))

    def _sense(self, request: ReadInputs) -> Reply:
        if not 1 <= request.count <= self.channels_count - request.address:
            return Refusal(self.unit, 2, RefusalCode.ILLEGAL_ADDRESS)
        asked = self.inputs[request.address : request.address + request.count]
        return InputStates(self.unit, pack_coils(asked))

    def _write(self, request: WriteCoil, now: float) -> Reply:
        channel = request.address & 0xFF
        command = request.address & 0xFF00
        if channel >= self.channels_count or command not in {0, FLASH_ON}:
            return Refusal(self.unit, 5, RefusalCode.ILLEGAL_ADDRESS)
        if command == FLASH_ON:
            self._begin(channel, now, now + request.value * FLASH_STEP_MS / 1000)
        elif request.value == COIL_ON:
            self._begin(channel, now, None)
        elif request.value == COIL_OFF:
            self._end(channel, now)
        else:
            return Refusal(self.unit, 5, RefusalCode.ILLEGAL_VALUE)
        return request

    def _begin(self, channel: int, now: float, ends_monotonic: float | None) -> None:
        lasting = self._open.get(channel)
        began_monotonic = now if lasting is None else lasting.began_monotonic
        self._open[channel] = Opening(channel, began_monotonic, ends_monotonic)

    def _end(self, channel: int, at: float) -> None:
        lasting = self._open.pop(channel, None)
        if lasting is None:
            return
        ended = replace(lasting, ended_monotonic=at)
        self._ended = [*self._ended[1 - OPENINGS_COUNT_MAX :], ended]
        self._on_end(ended)

"""A Modbus relay board, on a serial line or in the network."""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final, TypeVar

from hardware.backoff import Backoff
from hardware.errors import DeviceError, DeviceGone, DeviceRefused
from hardware.relay.protocol import (
    FLASH_STEP_MS,
    FLASH_STEPS_MAX,
    CoilStates,
    InputStates,
    ReadCoils,
    ReadInputs,
    Refusal,
    RefusalCode,
    flash_on,
    switch,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from hardware.relay.line import Line
    from hardware.relay.protocol import Reply, Request

log = logging.getLogger(__name__)
T = TypeVar("T")

# A request and its echo take 17 ms at 9600 baud; boards answer within 20 ms more.
REPLY_TIMEOUT_S: Final = 0.3
# A lost reply is asked for again: a repeated flash only begins the time anew, as long as the first
# still lasts. So a flash is repeated early enough to fall into itself, and never opens twice.
ATTEMPTS_COUNT: Final = 3
_REPEAT_WITHIN: Final = 0.6
# Inputs are asked for many times a second: one answer that is late or lost is no reason to hold up
# a command, nor to give the board up; so many in a row are.
_SILENCES_COUNT_MAX: Final = 5
INPUTS_TIMEOUT_S: Final = 0.1
# Shorter than for cameras: somebody stands before the barrier with a ticket already taken.
RETRY_DELAYS_S: Final = (0.5, 1.0, 2.0, 4.0)

_REFUSALS: Final = {
    RefusalCode.ILLEGAL_FUNCTION: "the board does not know this command",
    RefusalCode.ILLEGAL_ADDRESS: "the board has no such relay",
    RefusalCode.ILLEGAL_VALUE: "the board does not take this value",
    RefusalCode.DEVICE_FAILURE: "the board reports a failure of its own",
    RefusalCode.BUSY: "the board is busy",
}


class ModbusRelay:
    """Implements Relay. The line is opened by the first command, and again after a loss.

    While the board is lost, commands within the retry delay fail at once, so that a lane is not
    held up by a board that is switched off.
    """

    times_pulses: Final = True

    def __init__(
        self,
        address: str,
        line: Line,
        *,
        unit: int,
        channels_count: int,
        inputs_count: int = 0,
        reply_timeout_s: float = REPLY_TIMEOUT_S,
        inputs_timeout_s: float = INPUTS_TIMEOUT_S,
        retry_delays_s: tuple[float, ...] = RETRY_DELAYS_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.address: Final = address
        self.channels_count: Final = channels_count
        self.inputs_count: Final = inputs_count
        self._line = line
        self._unit = unit
        self._reply_timeout_s = reply_timeout_s
        self.inputs_timeout_s = inputs_timeout_s
        """How long one answer about the inputs may take."""
        self._backoff = Backoff(retry_delays_s)
        self._clock = clock
        self._is_open = False
        self._silences_count = 0
        self._retry_from = float("-inf")
        self._lost_since: float | None = None

    def pulse(self, duration_ms: int, channel: int = 0) -> None:
        """Flash relay `channel` for `duration_ms`, rounded up to the board's steps of 100 ms."""
        if not 0 < duration_ms <= FLASH_STEP_MS * FLASH_STEPS_MAX:
            raise ValueError(f"a pulse of {duration_ms} ms cannot be timed by the board")
        self._refuse_unused(channel)
        steps_count = -(-duration_ms // FLASH_STEP_MS)
        timeout_s = min(self._reply_timeout_s, _REPEAT_WITHIN * steps_count * FLASH_STEP_MS / 1000)
        self._command(flash_on(self._unit, channel, steps_count), timeout_s)

    def shut(self, channel: int = 0) -> None:
        """Switch relay `channel` off."""
        self._refuse_unused(channel)
        self._command(switch(self._unit, channel, on=False), self._reply_timeout_s)

    def inputs(self) -> tuple[bool, ...] | None:
        """Which inputs have current, asked for once; None when the answer did not come in time."""
        if not self.inputs_count:
            return ()
        if not self._is_open:
            self._reopen()
        return self._guarded(self._sense)

    def all_off(self) -> None:
        """Switch every relay in use off and read back that they are."""
        if not self._is_open:
            self._reopen()  # which switches off
            return
        self._guarded(self._switch_off)

    def check(self) -> None:
        """Read the relays' states, as a sign of life."""
        self._command(ReadCoils(self._unit, 0, self.channels_count), self._reply_timeout_s)

    def close(self) -> None:
        """Let go of the port."""
        self._is_open = False
        self._line.close()

    def _refuse_unused(self, channel: int) -> None:
        if not 0 <= channel < self.channels_count:
            raise ValueError(f"relay {channel} is not among the {self.channels_count} in use")

    def _sense(self) -> tuple[bool, ...] | None:
        reply = self._line.ask(ReadInputs(self._unit, 0, self.inputs_count), self.inputs_timeout_s)
        if reply is None or _is_busy(reply):
            self._silences_count += 1
            if self._silences_count >= _SILENCES_COUNT_MAX:
                raise DeviceGone("the board does not answer", self.address)
            return None
        self._silences_count = 0
        if not isinstance(reply, InputStates):
            raise DeviceRefused(_refusal_sentence(_code_of(reply)), self.address)
        return tuple(map(reply.is_on, range(self.inputs_count)))

    def _command(self, request: Request, timeout_s: float) -> None:
        if not self._is_open:
            self._reopen()
        self._guarded(lambda: self._exchange(request, timeout_s))

    def _reopen(self) -> None:
        now = self._clock()
        if now < self._retry_from:
            wait_s = self._retry_from - now
            raise DeviceGone(f"no contact; the next try is in {wait_s:.1f} s", self.address)
        try:
            self._open_shut()
        except DeviceError as error:
            self._lose(error)
            raise
        self._backoff.reset()
        if self._lost_since is not None:
            log.info("relay %s works again after %.0f s", self.address, now - self._lost_since)
            self._lost_since = None

    def _open_shut(self) -> None:
        """Open the port and prove that every relay in use is off; half of it is not enough."""
        self._line.open()
        self._switch_off()
        self._is_open = True
        self._silences_count = 0

    def _switch_off(self) -> None:
        for channel in range(self.channels_count):
            self._exchange(switch(self._unit, channel, on=False), self._reply_timeout_s)
        read = ReadCoils(self._unit, 0, self.channels_count)
        states = self._exchange(read, self._reply_timeout_s)
        if isinstance(states, CoilStates) and any(map(states.is_on, range(self.channels_count))):
            raise DeviceRefused("a relay stays on after it was switched off", self.address)

    def _guarded(self, work: Callable[[], T]) -> T:
        """Run `work`; when the board is lost in it, close the line and note when to try again."""
        try:
            return work()
        except DeviceRefused:
            raise  # it answers: nothing is lost
        except DeviceError as error:
            self._lose(error)
            raise

    def _lose(self, error: DeviceError) -> None:
        now = self._clock()
        self._retry_from = now + self._backoff.next_delay_s()
        if self._lost_since is None:
            self._lost_since = now
            log.warning("relay %s does not work: %s", self.address, error.reason)
        with suppress(DeviceError):  # a port whose device is gone may refuse even to be closed
            self.close()

    def _exchange(self, request: Request, timeout_s: float) -> Reply:
        """Send `request` until its answer comes, at most ATTEMPTS_COUNT times."""
        reply: Reply | None = None
        for _ in range(ATTEMPTS_COUNT):
            reply = self._line.ask(request, timeout_s)
            if reply is not None and not _is_busy(reply):
                break
        if reply is None:
            raise DeviceGone("the board does not answer", self.address)
        if isinstance(reply, Refusal):
            raise DeviceRefused(_refusal_sentence(reply.code), self.address)
        return reply


def _is_busy(reply: Reply) -> bool:
    return isinstance(reply, Refusal) and reply.code == RefusalCode.BUSY


def _code_of(reply: Reply) -> int:
    return reply.code if isinstance(reply, Refusal) else 0


def _refusal_sentence(code: int) -> str:
    try:
        return _REFUSALS[RefusalCode(code)]
    except ValueError:
        return f"the board refuses with code {code}"

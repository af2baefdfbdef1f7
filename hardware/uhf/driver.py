"""A UHF module of the YRM100 family, chosen by address.

`uhf:PATH?baud=115200&rssi_min=-60&power=20&pace_ms=50&again_ms=1500`: chips that answer weaker than
`rssi_min` (dBm) are left out; `power` is what the module sends with (dBm; left as it is set up
without the option); it is asked every `pace_ms`.

UHF reads an area, not a gesture: it sees chips behind the person too. Use a threshold, low power
and a presence beam, or count with it only.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from hardware.errors import DeviceGone
from hardware.reader.repeats import Repeats, again_s_of
from hardware.reader.seen import Seen, SeenKind
from hardware.reader.wire import WIRE_OPTIONS, WirePort
from hardware.uhf.protocol import (
    POLL_ONCE,
    POWER_DBM_MAX,
    POWER_DBM_MIN,
    STOP_POLLING,
    Command,
    Frame,
    FrameParser,
    FrameType,
    chip_of,
    encode,
    set_power,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from hardware.address import DeviceAddress

SILENT_AFTER_S: Final = 2.0
"""A module that answered no question for so long is lost."""
_RSSI_DBM_LOW: Final = -127
_BAUD: Final = 115_200


class UhfSource:
    """Asks the module again and again for the chips in its field."""

    def __init__(
        self, address: DeviceAddress, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        address.allow(WIRE_OPTIONS | {"rssi_min", "power", "pace_ms"})
        self.address: Final = address.text
        self._port = WirePort(address, baud=_BAUD)
        self._rssi_min = address.whole("rssi_min", _RSSI_DBM_LOW, low=_RSSI_DBM_LOW, high=0)
        self._power_dbm = address.whole("power", 0, low=POWER_DBM_MIN, high=POWER_DBM_MAX)
        self._pace_s = address.whole("pace_ms", 50, low=10, high=1000) / 1000
        self._repeats = Repeats(again_s_of(address))
        self._frames = FrameParser()
        self._clock = clock
        self._answered_at = 0.0
        self._asked_at = float("-inf")
        self._misheard_count = 0

    @property
    def bad_frames_count(self) -> int:
        """Frames with a wrong sum, cut off, and chips misheard."""
        return self._frames.bad_frames_count + self._misheard_count

    def open(self) -> None:
        """Open the port and set the module up; whether it answers shows by and by."""
        self._port.open()
        self._frames.reset()
        self._port.send(encode(STOP_POLLING))
        if self._power_dbm:
            self._port.send(encode(set_power(self._power_dbm)))
        self._answered_at = self._clock()

    def read(self, timeout_s: float) -> list[Seen]:
        """The chips that answered, each once per stay in the field."""
        now = self._clock()
        if now - self._answered_at > SILENT_AFTER_S:
            raise DeviceGone("the module does not answer", self.address)
        if now - self._asked_at >= self._pace_s:
            self._asked_at = now
            self._port.send(encode(POLL_ONCE))
        data = self._port.receive(min(timeout_s, self._pace_s))
        at_s = self._clock()
        return [
            seen
            for frame in self._frames.feed(data, at_s)
            if (seen := self._take(frame, at_s)) is not None
        ]

    def close(self) -> None:
        """Let go of the port; the module stays quiet unless asked."""
        self._port.close()

    def _take(self, frame: Frame, at_s: float) -> Seen | None:
        self._answered_at = at_s
        chip = chip_of(frame)
        if chip is None:
            is_notice = frame.type is FrameType.NOTICE and frame.command == Command.POLL_ONCE
            self._misheard_count += is_notice
            return None
        if chip.rssi_dbm < self._rssi_min or not self._repeats.is_new(chip.epc, at_s):
            return None
        return Seen(
            SeenKind.RFID_UHF, chip.epc, self.address, at_s, uid=chip.epc, rssi_dbm=chip.rssi_dbm
        )


def uhf_source(address: DeviceAddress) -> UhfSource:
    """The source of a `uhf:` address; raises BadDeviceAddress."""
    return UhfSource(address)

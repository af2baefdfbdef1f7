"""Readers that speak PC/SC, chosen by address.

`pcsc:` is the first reader that the machine has, `pcsc:ACR1252` the first one whose name holds
that; option `again_ms`. pcscd must run and the package pyscard be installed
(`requirements/pcsc.txt`).
"""

from __future__ import annotations

import importlib
import time
from typing import TYPE_CHECKING, Final

from hardware.errors import DeviceGone
from hardware.nfc.chip import ChipLeft
from hardware.nfc.taps import repeats_key, seen_of
from hardware.reader.repeats import Repeats, again_s_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from hardware.address import DeviceAddress
    from hardware.nfc.smartcards import Slot
    from hardware.reader.seen import Seen

_TRIES_COUNT: Final = 3
"""How often a chip that lies there is asked again when it did not say all."""


class PcscSource:
    """One reader; its thread alone touches the connection to pcscd."""

    def __init__(
        self, address: DeviceAddress, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Raises BadDeviceAddress."""
        address.allow({"again_ms"})
        self.address: Final = address.text
        self._name = address.target
        self._repeats = Repeats(again_s_of(address))
        self._clock = clock
        self._slot: Slot | None = None
        self._tries_left = 0
        self.bad_frames_count = 0

    def open(self) -> None:
        """Find the reader; raises DeviceError."""
        self.close()
        try:
            # Late: a lane without such a reader needs no pyscard.
            smartcards = importlib.import_module("hardware.nfc.smartcards")
        except ImportError as error:
            raise DeviceGone("the package pyscard is not installed", self.address) from error
        self._slot = smartcards.Slot(self._name, self.address)
        self._tries_left = 0

    def read(self, timeout_s: float) -> list[Seen]:
        """The chip laid on, once."""
        if self._slot is None:
            raise DeviceGone("the reader is not open", self.address)
        change = self._slot.wait(timeout_s)
        if change is not None:
            self._tries_left = _TRIES_COUNT if change else 0
        if not self._tries_left:
            return []
        self._tries_left -= 1
        try:
            uid, message = self._slot.read_chip()
        except ChipLeft:
            self.bad_frames_count += 1
            return []
        self._tries_left = 0
        now = self._clock()
        if not self._repeats.is_new(repeats_key(uid), now):
            return []
        return [seen_of(uid, message, self.address, now)]

    def close(self) -> None:
        """Let go of pcscd."""
        slot, self._slot = self._slot, None
        if slot is not None:
            slot.close()


def pcsc_source(address: DeviceAddress) -> PcscSource:
    """The source of a `pcsc:` address; raises BadDeviceAddress."""
    return PcscSource(address)

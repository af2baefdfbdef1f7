"""Readers by nfcpy, chosen by address.

- `nfc:pn532:/dev/serial/by-id/...`: a PN532 at a serial port or a USB one that acts as one
- `nfc:usb` or `nfc:usb:054c:06c3`: an RC-S380, SCL3711, PN533; the first one found, or that one
- `nfc:udp:127.0.0.1:54321`: nfcpy's air made of UDP, for trials

Options: `felica=0` does not look for FeliCa chips (as in UDP's air, where each look for one that
is not there lasts a second), `again_ms`.
"""

from __future__ import annotations

import importlib
import re
import time
from typing import TYPE_CHECKING, Final

from hardware.errors import BadDeviceAddress, DeviceGone
from hardware.nfc.chip import ChipLeft
from hardware.nfc.taps import repeats_key, seen_of
from hardware.reader.repeats import Repeats, again_s_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from hardware.address import DeviceAddress
    from hardware.nfc.frontend import Frontend
    from hardware.reader.seen import Seen

_PACE_S: Final = 0.04
_TARGETS: Final = {
    # Nothing that a shell understands: nfcpy hands the path to one.
    "pn532": re.compile(r"[A-Za-z0-9/._:+@-]+"),
    "usb": re.compile(r"([0-9a-fA-F]{4}:[0-9a-fA-F]{4})?"),
    "udp": re.compile(r"[A-Za-z0-9.-]+:[0-9]{1,5}"),
}


class NfcpySource:
    """One reader; its thread alone touches nfcpy, which is not thread safe."""

    def __init__(
        self, address: DeviceAddress, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Raises BadDeviceAddress."""
        address.allow({"felica", "again_ms"})
        self.address: Final = address.text
        self._kind, self._target = _split(address)
        is_wide = address.flag("felica", default=self._kind != "udp")
        self._rates = ("106A", "212F") if is_wide else ("106A",)
        self._repeats = Repeats(again_s_of(address))
        self._clock = clock
        self._frontend: Frontend | None = None
        self.bad_frames_count = 0

    def open(self) -> None:
        """Open the reader; raises DeviceError."""
        self.close()
        try:
            # Late: a lane without such a reader needs no nfcpy.
            frontend = importlib.import_module("hardware.nfc.frontend")
        except ImportError as error:
            raise DeviceGone("the package nfcpy is not installed", self.address) from error
        self._frontend = frontend.Frontend(self._kind, self._target, self.address)

    def read(self, timeout_s: float) -> list[Seen]:
        """The chip held up, once."""
        until = self._clock() + timeout_s
        while True:
            seen = self._look()
            if seen is not None:
                return [seen]
            left_s = until - self._clock()
            if left_s <= 0:
                return []
            time.sleep(min(_PACE_S, left_s))

    def close(self) -> None:
        """Let go of the reader."""
        frontend, self._frontend = self._frontend, None
        if frontend is not None:
            frontend.close()

    def _look(self) -> Seen | None:
        """One look into the field."""
        if self._frontend is None:
            raise DeviceGone("the reader is not open", self.address)
        found = self._frontend.sense(self._rates)
        if found is None:
            return None
        key = repeats_key(found.uid)
        if not self._repeats.is_new(key, self._clock()):
            return None
        try:
            message = self._frontend.message_of(found)
        except ChipLeft:  # nothing is known of it: the next look tries again
            self._repeats.forget(key)
            self.bad_frames_count += 1
            return None
        return seen_of(found.uid, message, self.address, self._clock())


def nfc_source(address: DeviceAddress) -> NfcpySource:
    """The source of an `nfc:` address; raises BadDeviceAddress."""
    return NfcpySource(address)


def _split(address: DeviceAddress) -> tuple[str, str]:
    kind, _, target = address.target.partition(":")
    pattern = _TARGETS.get(kind)
    if pattern is None or not pattern.fullmatch(target):
        raise BadDeviceAddress(
            "an NFC reader is pn532:PATH, usb, usb:VENDOR:PRODUCT or udp:HOST:PORT", address.text
        )
    return kind, target

"""Readers, chosen by address.

- `serial-line:PATH`: a device that sends a line per code, see `hardware.reader.line`
- `rdm6300:PATH`, `id12:PATH`: 125 kHz chips, see `hardware.rfid.driver`
- `nfc:pn532:PATH`, `nfc:usb`: NFC chips by nfcpy, see `hardware.nfc.nfcpy`
- `pcsc:`: NFC chips by a reader that speaks PC/SC, see `hardware.nfc.pcsc`
- `uhf:PATH`: UHF chips by a module of the YRM100 family, see `hardware.uhf.driver`
"""

from __future__ import annotations

from pkgutil import resolve_name
from typing import TYPE_CHECKING, Final

from hardware.address import parse_address
from hardware.errors import BadDeviceAddress
from hardware.reader.supervised import SupervisedReader

if TYPE_CHECKING:
    from collections.abc import Callable

    from hardware.address import DeviceAddress
    from hardware.reader.shape import ReaderState, SeenSource


def make_reader(
    text: str,
    *,
    arrived: Callable[[], None] = lambda: None,
    on_state: Callable[[ReaderState], None] = lambda _state: None,
) -> SupervisedReader:
    """The reader that `text` names, not yet started; raises BadDeviceAddress where it names none.

    See `SupervisedReader` for `arrived` and `on_state`.
    """
    return SupervisedReader(make_source(text), arrived=arrived, on_state=on_state)


def make_source(text: str) -> SeenSource:
    """The device of an address without a thread, not yet opened; raises BadDeviceAddress."""
    address = parse_address(text)
    name = _SOURCES.get(address.scheme)
    if name is None:
        known = ", ".join(f"{scheme}:" for scheme in _SOURCES)
        raise BadDeviceAddress(f"no reader is of kind {address.scheme!r}; known are {known}", text)
    make: Callable[[DeviceAddress], SeenSource] = resolve_name(name)
    return make(address)


# By name, because drivers are made of this package's parts, and because a lane loads only the
# drivers that it has readers for.
_SOURCES: Final = {
    "serial-line": "hardware.reader.line:line_source",
    "rdm6300": "hardware.rfid.driver:rdm6300_source",
    "id12": "hardware.rfid.driver:id12_source",
    "uhf": "hardware.uhf.driver:uhf_source",
    "pcsc": "hardware.nfc.pcsc:pcsc_source",
    "nfc": "hardware.nfc.nfcpy:nfc_source",
}

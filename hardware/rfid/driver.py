"""125 kHz readers, chosen by address.

- `rdm6300:PATH?baud=9600&id=full&again_ms=1500`: RDM6300 and its like; a number counts when it was
  read twice in a row
- `id12:PATH?...`: ID-2LA, ID-12LA, ID-20LA in ASCII mode, which say a number once; `reads=2` makes
  people hold the chip up twice

`id=low` leaves the version byte out, for houses that also have readers which send the number in
decimal: `serial-line:PATH?form=em-decimal`. `reads` is how many equal reads make a number sure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardware.errors import BadDeviceAddress
from hardware.reader.seen import Seen, SeenKind
from hardware.reader.wire import WIRE_OPTIONS, WireSource
from hardware.rfid.protocol import ID12, RDM6300, Confirmed, FrameShape, TagFrames, low_number

if TYPE_CHECKING:
    from hardware.address import DeviceAddress

_OPTIONS = WIRE_OPTIONS | {"id", "reads"}


class TagFeeder:
    """Frames in, sure numbers out."""

    def __init__(self, shape: FrameShape, reader: str, *, reads_count: int, is_low: bool) -> None:
        self._frames = TagFrames(shape)
        self._confirmed = Confirmed(reads_count)
        self._reader = reader
        self._is_low = is_low

    @property
    def bad_frames_count(self) -> int:
        """Frames with a wrong check or cut off."""
        return self._frames.bad_frames_count

    def feed(self, data: bytes, at_s: float) -> list[Seen]:
        """Take the next bytes; the numbers that are sure by them."""
        numbers = self._frames.feed(data, at_s)
        return [self._seen(each, at_s) for each in numbers if self._confirmed.is_sure(each, at_s)]

    def reset(self) -> None:
        """Forget what was begun."""
        self._frames.reset()
        self._confirmed.reset()

    def _seen(self, number: str, at_s: float) -> Seen:
        value = low_number(number) if self._is_low else number
        return Seen(SeenKind.RFID_LF, value, self._reader, at_s)


def rdm6300_source(address: DeviceAddress) -> WireSource:
    """The source of an `rdm6300:` address; raises BadDeviceAddress."""
    return _source(address, RDM6300)


def id12_source(address: DeviceAddress) -> WireSource:
    """The source of an `id12:` address; raises BadDeviceAddress."""
    return _source(address, ID12)


def _source(address: DeviceAddress, shape: FrameShape) -> WireSource:
    address.allow(_OPTIONS)
    form = address.options.get("id", "full")
    if form not in {"full", "low"}:
        raise BadDeviceAddress("id is full or low", address.text)
    feeder = TagFeeder(
        shape,
        address.text,
        reads_count=address.whole("reads", shape.reads_count, low=1, high=5),
        is_low=form == "low",
    )
    return WireSource(address, feeder)

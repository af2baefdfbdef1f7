"""The second opinion: zbar through pyzbar. Reads some blurred codes that zxing-cpp does not."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from hardware.qr.decoder import NOTHING, Found, Reading

if TYPE_CHECKING:
    from types import ModuleType

    from hardware.qr.decoder import Corners, Grey

log = logging.getLogger(__name__)


class PyzbarDecoder:
    """pyzbar, restricted to QR codes whose text is pure ASCII.

    Only ASCII, because zbar guesses the character set of anything else and guesses wrong on Han
    and kana text; our own tickets are ASCII.
    """

    name: Final = "pyzbar"

    def __init__(self, library: ModuleType) -> None:
        self._library = library
        self.failures_count = 0

    def decode(self, grey: Grey) -> Found:
        """Everything zbar finds in `grey`; its exceptions are counted and mean nothing found.

        The first part of a structured-append code is enough to raise a ValueError in pyzbar.
        """
        try:
            symbols = self._library.decode(grey, symbols=[self._library.ZBarSymbol.QRCODE])
            readings = tuple(
                Reading(symbol.data.decode("ascii"), self.name, _corners(symbol))
                for symbol in symbols
                if symbol.data and symbol.data.isascii()
            )
        except Exception:  # noqa: BLE001 - a visitor can make it raise at will; it must not count
            self.failures_count += 1
            return NOTHING
        return Found(readings)


def load_pyzbar() -> PyzbarDecoder | None:
    """The pyzbar decoder, or None with a warning where zbar's shared library is not installed."""
    try:
        from pyzbar import pyzbar  # noqa: PLC0415 - importing it loads libzbar, which may be absent
    except (ImportError, OSError) as error:
        log.warning("no second opinion on hard codes: pyzbar cannot be loaded (%s)", error)
        return None
    return PyzbarDecoder(pyzbar)


def _corners(symbol: Any) -> Corners:
    """The symbol's outline where it has four corners, else the box around it."""
    polygon = [(float(point.x), float(point.y)) for point in symbol.polygon]
    if len(polygon) == 4:
        a, b, c, d = polygon
        return a, b, c, d
    left, top = float(symbol.rect.left), float(symbol.rect.top)
    right, bottom = left + symbol.rect.width, top + symbol.rect.height
    return (left, top), (right, top), (right, bottom), (left, bottom)

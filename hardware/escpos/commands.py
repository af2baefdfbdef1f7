"""ESC/POS commands as bytes. Source: Epson, "ESC/POS Command Reference" (by command name)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hardware.escpos.document import Align, QrLevel
from hardware.escpos.profile import Cutter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardware.escpos.document import Raster
    from hardware.escpos.profile import Drawer

INIT: Final = b"\x1b@"  # ESC @: every setting back, what is in the print buffer dropped
LINE_FEED: Final = b"\n"
HAN_ON: Final = b"\x1c&"  # FS &
HAN_OFF: Final = b"\x1c."  # FS .
SHIFT_JIS: Final = b"\x1cC\x01"  # FS C 1

_ALIGN: Final = {Align.LEFT: 0, Align.CENTRE: 1, Align.RIGHT: 2}
_QR_LEVEL: Final = {QrLevel.L: 48, QrLevel.M: 49, QrLevel.Q: 50, QrLevel.H: 51}
_FEED_DOTS_MAX: Final = 255


def align(side: Align) -> bytes:
    """ESC a n; only at the beginning of a line."""
    return b"\x1ba" + bytes((_ALIGN[side],))


def bold(on: bool) -> bytes:
    """ESC E n."""
    return b"\x1bE" + bytes((on,))


def scale(wide: int, high: int) -> bytes:
    """GS ! n: 1 to 8 times in each direction, Han characters included."""
    return b"\x1d!" + bytes(((wide - 1) << 4 | high - 1,))


def code_page(number: int) -> bytes:
    """ESC t n."""
    return b"\x1bt" + bytes((number,))


def feed_lines(count: int) -> bytes:
    """ESC d n: print what is in the buffer and feed `count` lines."""
    return b"\x1bd" + bytes((count,))


def feed_dots(count: int) -> bytes:
    """ESC J n."""
    return b"\x1bJ" + bytes((min(count, _FEED_DOTS_MAX),))


def cut(cutter: Cutter) -> bytes:
    """GS V m, the knife alone; nothing for a printer without one."""
    match cutter:
        case Cutter.NONE:
            return b""
        case Cutter.FULL:
            return b"\x1dV\x00"
        case Cutter.PARTIAL:
            return b"\x1dV\x01"


def kick(drawer: Drawer) -> bytes:
    """ESC p m t1 t2, in the order of the other bytes; times in steps of 2 ms."""
    connector = 0 if drawer.pin == 2 else 1
    return b"\x1bp" + bytes((connector, drawer.pulse_on_ms // 2, drawer.pulse_off_ms // 2))


def kick_now(drawer: Drawer) -> bytes:
    """DLE DC4 1 m t: the same in real time, also while the printer has no paper; steps of 100 ms."""
    connector = 0 if drawer.pin == 2 else 1
    steps = min(8, max(1, -(-drawer.pulse_on_ms // 100)))
    return b"\x10\x14\x01" + bytes((connector, steps))


def qr(payload: bytes, module_dots: int, level: QrLevel) -> bytes:
    """GS ( k, functions 165 (model 2), 167 (size), 169 (level), 180 (store), 181 (print)."""
    return b"".join(
        (
            _function_k(65, b"\x32\x00"),
            _function_k(67, bytes((module_dots,))),
            _function_k(69, bytes((_QR_LEVEL[level],))),
            _function_k(80, b"\x30" + payload),
            _function_k(81, b"\x30"),
        )
    )


def bars(payload: bytes, height_dots: int, module_dots: int) -> bytes:
    """Code 128 by GS k 73, its text below (GS H 2), code set B; a brace is doubled."""
    data = b"{B" + payload.replace(b"{", b"{{")
    return b"".join(
        (
            b"\x1dh" + bytes((height_dots,)),
            b"\x1dw" + bytes((module_dots,)),
            b"\x1dH\x02",
            b"\x1dkI" + bytes((len(data),)) + data,
        )
    )


def raster(picture: Raster, band_rows: int) -> Iterator[bytes]:
    """GS v 0, the picture in bands of at most `band_rows`; bands join without a gap."""
    width = picture.row_bytes
    for top in range(0, picture.height_dots, band_rows):
        count = min(band_rows, picture.height_dots - top)
        data = tame(picture.rows[top * width : (top + count) * width])
        yield b"\x1dv0\x00" + width.to_bytes(2, "little") + count.to_bytes(2, "little") + data


def tame(dots: bytes) -> bytes:
    """The same dots without bytes that a printer takes for a real-time command.

    Printers look for DLE EOT, DLE ENQ and DLE DC4 also inside a picture ([DLE EOT], notes), and the
    last one opens the drawer. One dot more before each of them is not seen.
    """
    for code in (b"\x04", b"\x05", b"\x14"):
        dots = dots.replace(b"\x10" + code, b"\x18" + code)
    return dots


def _function_k(function: int, data: bytes) -> bytes:
    return b"\x1d(k" + (len(data) + 2).to_bytes(2, "little") + bytes((49, function)) + data

"""The size of a picture, read from the first bytes of its file.

A few kilobytes of PNG can unpack to gigabytes, so the size is judged before anything is unpacked.
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

Size: TypeAlias = tuple[int, int]

KNOWN_FORMATS: Final = "JPEG, PNG, BMP, GIF, WebP and PNM"


def image_size(data: bytes) -> Size | None:
    """Width and height in pixels by the header of `data`, or None where it is no format we know.

    Total: a cut or forged header gives None or a wrong size, never an exception.
    """
    for signature, offset, read_size in _FORMATS:
        if data.startswith(signature, offset):
            try:
                return read_size(data)
            except (struct.error, IndexError, ValueError):
                return None
    return None


def _png(data: bytes) -> Size:
    # PNG (ISO/IEC 15948) 11.2.2: IHDR comes first, width and height big-endian.
    width, height = struct.unpack_from(">II", data, 16)
    return width, height


def _gif(data: bytes) -> Size:
    # GIF89a section 18: logical screen width and height, little-endian.
    width, height = struct.unpack_from("<HH", data, 6)
    return width, height


def _bmp(data: bytes) -> Size:
    (header_bytes,) = struct.unpack_from("<I", data, 14)
    if header_bytes == 12:  # BITMAPCOREHEADER
        width, height = struct.unpack_from("<HH", data, 18)
    else:
        width, height = struct.unpack_from("<ii", data, 18)
    return abs(width), abs(height)  # a negative height means rows from the top


def _webp(data: bytes) -> Size | None:
    # RFC 9649: three bitstreams, each with its own place for the size.
    kind = data[12:16]
    if kind == b"VP8X":
        return _uint24(data, 24) + 1, _uint24(data, 27) + 1
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    return None


def _uint24(data: bytes, at: int) -> int:
    if len(data) < at + 3:
        raise IndexError(at)
    return int.from_bytes(data[at : at + 3], "little")


def _jpeg(data: bytes) -> Size | None:
    # ITU-T T.81 annex B: segments of marker and length; a start of frame (SOF) holds the size.
    at = 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            return None
        marker = data[at + 1]
        if marker == 0xFF or marker in _JPEG_BARE_MARKERS:
            at += 1 if marker == 0xFF else 2
            continue
        if marker in _JPEG_FRAME_MARKERS:
            height, width = struct.unpack_from(">HH", data, at + 5)
            return width, height
        (segment_bytes,) = struct.unpack_from(">H", data, at + 2)
        at += 2 + max(2, segment_bytes)
    return None


_JPEG_BARE_MARKERS: Final = frozenset({0x01, *range(0xD0, 0xD9)})
_JPEG_FRAME_MARKERS: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}

_PNM_HEADER: Final = re.compile(rb"P[1-6](?:\s|#[^\n]*\n)+(\d{1,9})(?:\s|#[^\n]*\n)+(\d{1,9})\s")


def _pnm(data: bytes) -> Size | None:
    match = _PNM_HEADER.match(data[:4096])
    return None if match is None else (int(match[1]), int(match[2]))


_FORMATS: Final[tuple[tuple[bytes, int, Callable[[bytes], Size | None]], ...]] = (
    (b"\x89PNG\r\n\x1a\n", 0, _png),
    (b"\xff\xd8\xff", 0, _jpeg),
    (b"GIF8", 0, _gif),
    (b"BM", 0, _bmp),
    (b"WEBP", 8, _webp),
    *((b"P%d" % kind, 0, _pnm) for kind in range(1, 7)),
)

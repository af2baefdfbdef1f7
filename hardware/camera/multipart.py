"""The bytes of an MJPEG stream over HTTP: `multipart/x-mixed-replace` (RFC 2046 section 5.1).

Bytes in, pictures out; nothing is opened here. Cameras take the RFC lightly, so this goes by what
they have in common: headers up to an empty line, then a picture, whose length is in a
`Content-Length` or which ends at the next boundary.
"""

from __future__ import annotations

import re
from email.message import Message
from typing import Final

from hardware.camera.frame import is_jpeg

# A 720p picture is 50 to 300 KB; a 4K one at the best quality about 6 MB.
PICTURE_BYTES_MAX: Final = 16 * 1024 * 1024
HEADERS_BYTES_MAX: Final = 16 * 1024
_BLANK_LINE: Final = re.compile(rb"\r?\n\r?\n")
_LENGTH: Final = re.compile(rb"(?im)^content-length[ \t]*:[ \t]*(\d{1,9})[ \t]*\r?$")
# What may come before the delimiter proper: a line end and dashes (some declare the dashes too).
_DELIMITER_SLACK_BYTES: Final = 8


class NotMotionJpeg(ValueError):
    """The bytes are no MJPEG stream; the argument is a sentence part for people."""


def boundary_of(content_type: str) -> bytes:
    """The boundary that an answer's Content-Type declares, without dashes at its front.

    Raises NotMotionJpeg where the type is another.
    """
    message = Message()
    message["content-type"] = content_type
    declared = message.get_boundary()
    if message.get_content_maintype() != "multipart" or not declared:
        raise NotMotionJpeg(f"what it sends is no MJPEG stream but {content_type[:60]!r}")
    core = declared.lstrip("-") or declared
    return core.encode("ascii", "replace")


class MultipartParser:
    """Takes a stream's bytes, cut anywhere, and gives the pictures in it."""

    def __init__(self, boundary: bytes) -> None:
        """`boundary` as `boundary_of` gives it."""
        self._delimiter: Final = re.compile(rb"\r?\n-{2,6}" + re.escape(boundary))
        self._delimiter_bytes_max: Final = len(boundary) + _DELIMITER_SLACK_BYTES
        self._buffer = bytearray()
        self._in_headers = True
        self._length: int | None = None
        self._searched_bytes = 0

    def feed(self, data: bytes) -> list[bytes]:
        """The pictures that are complete now, oldest first.

        Raises NotMotionJpeg where the stream passes the limits; the parser is then done with.
        """
        self._buffer += data
        pictures: list[bytes] = []
        while (part := self._next_part()) is not None:
            if is_jpeg(part):
                pictures.append(part)
        return pictures

    def _next_part(self) -> bytes | None:
        """The body of the next part, or None while bytes are missing."""
        if self._in_headers and not self._take_headers():
            return None
        return self._take_body() if self._length is None else self._take_measured(self._length)

    def _take_headers(self) -> bool:
        if self._length is not None:  # some send an empty line more behind a picture
            self._drop(len(self._buffer) - len(self._buffer.lstrip(b"\r\n")))
        end = _BLANK_LINE.search(self._buffer, 0, HEADERS_BYTES_MAX)
        if end is None:
            if len(self._buffer) >= HEADERS_BYTES_MAX:
                raise NotMotionJpeg("the headers of a picture do not end")
            return False
        length = _LENGTH.search(self._buffer, 0, end.end())
        self._length = None if length is None else int(length[1])
        if self._length is not None and self._length > PICTURE_BYTES_MAX:
            raise NotMotionJpeg("it announces a picture that is too large")
        self._drop(end.end())
        self._in_headers = False
        return True

    def _take_measured(self, length: int) -> bytes | None:
        if len(self._buffer) < length:
            return None
        return self._take(length, length)

    def _take_body(self) -> bytes | None:
        end = self._delimiter.search(self._buffer, self._searched_bytes, PICTURE_BYTES_MAX)
        if end is None:
            if len(self._buffer) >= PICTURE_BYTES_MAX:
                raise NotMotionJpeg("a picture does not end")
            self._searched_bytes = max(0, len(self._buffer) - self._delimiter_bytes_max)
            return None
        return self._take(end.start(), end.end())

    def _take(self, body_bytes: int, used_bytes: int) -> bytes:
        body = bytes(self._buffer[:body_bytes])
        self._drop(used_bytes)
        self._in_headers = True
        return body

    def _drop(self, used_bytes: int) -> None:
        del self._buffer[:used_bytes]
        self._searched_bytes = 0

"""A camera's picture and where pictures come from."""

from __future__ import annotations

from typing import Final, Protocol, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels: TypeAlias = NDArray[np.uint8]

# A thumbnail is an eighth of the picture's width and height: of a JPEG its blocks' mean values,
# which can be had without unpacking the rest.
THUMBNAIL_SCALE: Final = 8
JPEG_START: Final = b"\xff\xd8"
_NO_PIXELS: Final[Pixels] = np.zeros((0, 0), np.uint8)


class Frame:
    """One picture. `number` rises for ever, also across a reopened source.

    `taken_monotonic` is in seconds of `time.monotonic`. A picture that came as a JPEG is unpacked
    when somebody asks for its pixels: most frames of an idle lane are never looked at in full.
    One thread at a time may ask.
    """

    __slots__ = ("_jpeg", "_pixels", "number", "taken_monotonic")

    def __init__(self, picture: Pixels | bytes, number: int, taken_monotonic: float) -> None:
        """`picture`: pixels, BGR or grey, or the bytes of a JPEG."""
        self._jpeg = picture if isinstance(picture, bytes) else None
        self._pixels = None if isinstance(picture, bytes) else picture
        self.number: Final = number
        self.taken_monotonic: Final = taken_monotonic

    @property
    def pixels(self) -> Pixels:
        """The pixels, BGR or grey; a JPEG's are grey, and none (0 x 0) where it is damaged."""
        if self._pixels is None:
            self._pixels = _unpack(self._jpeg or b"", cv2.IMREAD_GRAYSCALE)
        return self._pixels

    def thumbnail(self) -> Pixels:
        """The picture in grey at an eighth of its size; 0 x 0 where nothing can be shown."""
        if self._pixels is None:
            return _unpack(self._jpeg or b"", cv2.IMREAD_REDUCED_GRAYSCALE_8)
        return _shrink(self._pixels)


class FrameSource(Protocol):
    """Where frames come from. One thread owns it; it may be opened again after it was closed."""

    @property
    def address(self) -> str:
        """The address it was made from, for messages; without the password of a camera."""
        ...

    @property
    def quiet_is_normal(self) -> bool:
        """Whether no new frame for a long time means nothing (a folder) or a fault (a camera)."""
        ...

    def open(self) -> None:
        """Get ready to read; raise DeviceError where that cannot be."""
        ...

    def read(self) -> Frame | None:
        """The next frame, or None when there is none yet; raise DeviceGone when it went away.

        May wait for the next frame to be due, at most a few seconds where a network is silent.
        """
        ...

    def close(self) -> None:
        """Let go of the device; harmless when it is not open."""
        ...


def is_jpeg(data: bytes) -> bool:
    """Whether `data` begins as a JPEG does (ITU-T T.81 annex B: start of image)."""
    return data.startswith(JPEG_START)


def _unpack(jpeg: bytes, how: int) -> Pixels:
    try:
        found = cv2.imdecode(np.frombuffer(jpeg, np.uint8), how)
    except cv2.error:  # an empty buffer
        return _NO_PIXELS
    return _NO_PIXELS if found is None else np.asarray(found, np.uint8)


def _shrink(pixels: Pixels) -> Pixels:
    height, width = pixels.shape[0] // THUMBNAIL_SCALE, pixels.shape[1] // THUMBNAIL_SCALE
    if height == 0 or width == 0:
        return _NO_PIXELS
    small = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
    if small.ndim == 3:
        small = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY)
    return np.asarray(small, np.uint8)

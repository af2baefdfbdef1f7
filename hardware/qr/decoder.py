"""What a QR decoder takes and gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

Grey: TypeAlias = NDArray[np.uint8]
"""A picture of one byte a pixel, rows first."""

Point: TypeAlias = tuple[float, float]
Corners: TypeAlias = tuple[Point, Point, Point, Point]
"""Corners in pixels (x, y), going round the code from the symbol's own top left."""


@dataclass(frozen=True)
class Reading:
    """One code that was read: its text, which decoder read it, and where it is."""

    text: str
    decoder: str
    corners: Corners

    @property
    def centre(self) -> Point:
        """The mean of the corners, in pixels."""
        return sum(x for x, _ in self.corners) / 4, sum(y for _, y in self.corners) / 4


@dataclass(frozen=True)
class Found:
    """What one picture held. `suspected`: a code was seen that could not be read."""

    readings: tuple[Reading, ...] = ()
    suspected: bool = False


NOTHING: Final = Found()


class Decoder(Protocol):
    """Reads QR codes out of one grey picture. Never raises: an unreadable picture is `NOTHING`."""

    @property
    def name(self) -> str:
        """The name that readings carry."""
        ...

    def decode(self, grey: Grey) -> Found:
        """Everything found in `grey`."""
        ...


def as_grey(frame: object) -> Grey | None:
    """`frame` as one byte a pixel, or None where it is no picture. Total: takes any object.

    Takes uint8 arrays of shape (h, w), (h, w, 1), (h, w, 3) in BGR and (h, w, 4) in BGRA.
    """
    if not isinstance(frame, np.ndarray) or frame.dtype != np.uint8 or frame.size == 0:
        return None
    if frame.ndim == 2:
        return np.ascontiguousarray(frame)
    if frame.ndim != 3:
        return None
    if frame.shape[2] == 1:
        return np.ascontiguousarray(frame[:, :, 0])
    conversion = _TO_GREY.get(frame.shape[2])
    return None if conversion is None else np.asarray(cv2.cvtColor(frame, conversion), np.uint8)


_TO_GREY: Final = {3: cv2.COLOR_BGR2GRAY, 4: cv2.COLOR_BGRA2GRAY}

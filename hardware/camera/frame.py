"""A camera's picture and where pictures come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

Pixels: TypeAlias = NDArray[np.uint8]


@dataclass(frozen=True)
class Frame:
    """One picture, BGR or grey. `number` rises for ever, also across a reopened source.

    `taken_monotonic` is in seconds of `time.monotonic`.
    """

    pixels: Pixels
    number: int
    taken_monotonic: float


class FrameSource(Protocol):
    """Where frames come from. One thread owns it; it may be opened again after it was closed."""

    @property
    def address(self) -> str:
        """The address it was made from, for messages."""
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

        May wait for the next frame to be due, at most a second.
        """
        ...

    def close(self) -> None:
        """Let go of the device; harmless when it is not open."""
        ...

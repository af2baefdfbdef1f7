"""A video file as a camera, for trials and tests of a lane."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from hardware.camera.frame import Frame
from hardware.camera.pace import Pace
from hardware.errors import DeviceGone

if TYPE_CHECKING:
    import os

    from hardware.address import DeviceAddress
    from hardware.camera.frame import Pixels

# For files whose header says nothing usable (a stream saved raw says 0, 90000 or 1e6).
DEFAULT_FPS: Final = 25.0
_FPS_LOW, _FPS_HIGH = 1.0, 120.0


class VideoSource:
    """Plays `file:PATH` at its own pace; at the end it stays quiet, or begins again with `loop`.

    The file is gone when its name is gone or names another file, as a cable that was pulled.
    """

    quiet_is_normal: Final = True

    def __init__(
        self, address: DeviceAddress, *, fps: int, loop: bool, pace: Pace | None = None
    ) -> None:
        self.address: Final = address.text
        self._path = Path(address.target)
        self._wanted_fps = fps
        self._loop = loop
        self._pace = pace or Pace()
        self._numbers = itertools.count()
        self._capture: cv2.VideoCapture | None = None
        self._identity: tuple[int, int] | None = None
        self._fps = DEFAULT_FPS

    def open(self) -> None:
        """Open the file; DeviceGone where it is absent or no video."""
        self.close()
        self._identity = self._identify()
        # Named: OpenCV's other back ends would read a name like f%04d.jpg as a picture sequence.
        capture = cv2.VideoCapture(str(self._path), cv2.CAP_FFMPEG)
        if not capture.isOpened():
            capture.release()
            raise DeviceGone("the file is no video that can be played", self.address)
        self._capture = capture
        self._fps = self._wanted_fps or _sane_fps(capture.get(cv2.CAP_PROP_FPS))

    def read(self) -> Frame | None:
        """The next frame when it is due; None at the end."""
        taken = self._pace.wait(self._fps)
        if self._identify() != self._identity:
            raise DeviceGone("the file was replaced", self.address)
        pixels = self._next_pixels()
        return None if pixels is None else Frame(pixels, next(self._numbers), taken)

    def close(self) -> None:
        """Close the file."""
        if self._capture is not None:
            self._capture.release()
            self._capture = None

    def _next_pixels(self) -> Pixels | None:
        if self._capture is None:
            raise DeviceGone("the file is not open", self.address)
        read, pixels = self._capture.read()
        if not read and self._loop:
            self._capture.set(cv2.CAP_PROP_POS_FRAMES, 0)
            read, pixels = self._capture.read()
        return np.asarray(pixels, np.uint8) if read else None

    def _identify(self) -> tuple[int, int]:
        try:
            status: os.stat_result = self._path.stat()
        except OSError as error:
            raise DeviceGone(f"the file is not there ({error.strerror})", self.address) from error
        return status.st_dev, status.st_ino


def _sane_fps(fps: float) -> float:
    return fps if _FPS_LOW <= fps <= _FPS_HIGH else DEFAULT_FPS

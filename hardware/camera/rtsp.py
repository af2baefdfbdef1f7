"""A network camera that speaks RTSP, through OpenCV's FFmpeg."""

from __future__ import annotations

import itertools
import os
import time
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from hardware.camera.frame import Frame
from hardware.camera.url import without_password
from hardware.errors import DeviceGone

if TYPE_CHECKING:
    from collections.abc import Callable

OPEN_TIMEOUT_MS: Final = 5_000
READ_TIMEOUT_MS: Final = 2_000
# OpenCV takes FFmpeg's options from the environment only. Over UDP a lost packet leaves grey
# smears in the picture until the next key frame; TCP sends it again.
_OPTIONS: Final = ("OPENCV_FFMPEG_CAPTURE_OPTIONS", "rtsp_transport;tcp|fflags;nobuffer")
# FFmpeg's own messages at each vain try: -8 is its AV_LOG_QUIET. A loss is logged once, by us.
_QUIET: Final = ("OPENCV_FFMPEG_LOGLEVEL", "-8")


class RtspSource:
    """Reads `rtsp://...`. Frames are read and unpacked as they come, so that none grows old."""

    quiet_is_normal: Final = False

    def __init__(
        self,
        url: str,
        *,
        read_timeout_ms: int = READ_TIMEOUT_MS,
        open_capture: Callable[[str, list[int]], cv2.VideoCapture] | None = None,
    ) -> None:
        """`url` as `hardware.camera.url` takes it."""
        self.address: Final = without_password(url)
        self._url: Final = url
        self._read_timeout_ms: Final = read_timeout_ms
        self._open_capture = open_capture or _open_quietly
        self._numbers = itertools.count()
        self._capture: cv2.VideoCapture | None = None

    def open(self) -> None:
        """Connect and begin to play; DeviceGone where nobody answers in five seconds."""
        self.close()
        limits = [
            cv2.CAP_PROP_OPEN_TIMEOUT_MSEC,
            OPEN_TIMEOUT_MS,
            cv2.CAP_PROP_READ_TIMEOUT_MSEC,
            self._read_timeout_ms,
        ]
        try:
            capture = self._open_capture(self._url, limits)
        except cv2.error as error:
            raise DeviceGone("the camera does not answer", self.address) from error
        if not capture.isOpened():
            capture.release()
            raise DeviceGone("the camera does not answer", self.address)
        self._capture = capture

    def read(self) -> Frame | None:
        """The next frame; DeviceGone where the stream ended or stands still."""
        if self._capture is None:
            raise DeviceGone("the camera is not open", self.address)
        try:
            read, pixels = self._capture.read()
        except cv2.error as error:
            raise DeviceGone("reading the camera failed", self.address) from error
        if not read:
            raise DeviceGone("the stream ended or stands still", self.address)
        return Frame(np.asarray(pixels, np.uint8), next(self._numbers), time.monotonic())

    def close(self) -> None:
        """Hang up."""
        if self._capture is not None:
            self._capture.release()
            self._capture = None


def _open_quietly(url: str, limits: list[int]) -> cv2.VideoCapture:
    for name, value in (_OPTIONS, _QUIET):
        os.environ.setdefault(name, value)
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
    return cv2.VideoCapture(url, cv2.CAP_FFMPEG, limits)

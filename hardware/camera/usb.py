"""A USB camera through V4L2 (Linux) or what OpenCV finds elsewhere."""

from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from hardware.camera.frame import Frame
from hardware.errors import DeviceGone

if TYPE_CHECKING:
    from collections.abc import Callable

    from hardware.address import DeviceAddress


class UsbSource:
    """`usb:INDEX` or `usb:/dev/...`. Reading waits for the camera's next frame."""

    quiet_is_normal: Final = False

    def __init__(
        self,
        address: DeviceAddress,
        *,
        width: int,
        height: int,
        open_capture: Callable[[int | str], cv2.VideoCapture] | None = None,
    ) -> None:
        self.address: Final = address.text
        target = address.target
        self._device: int | str = int(target) if _is_index(target) else target
        self._width, self._height = width, height
        self._open_capture = open_capture or _open_quietly
        self._numbers = itertools.count()
        self._capture: cv2.VideoCapture | None = None

    def open(self) -> None:
        """Open the camera and ask for compressed frames of the wanted size and a short buffer."""
        self.close()
        try:
            capture = self._open_capture(self._device)
        except cv2.error as error:
            raise DeviceGone("the camera cannot be opened", self.address) from error
        if not capture.isOpened():
            capture.release()
            raise DeviceGone("no camera answers here", self.address)
        # Uncompressed 720p does not fit through USB 2 at 30 frames a second; a buffer of one keeps
        # the driver from handing out old frames.
        capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, self._width)
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, self._height)
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        self._capture = capture

    def read(self) -> Frame | None:
        """The camera's next frame; None where it gave none (a pulled plug looks like that too)."""
        if self._capture is None:
            raise DeviceGone("the camera is not open", self.address)
        try:
            read, pixels = self._capture.read()
        except cv2.error as error:
            raise DeviceGone("reading the camera failed", self.address) from error
        if not read:
            return None
        return Frame(np.asarray(pixels, np.uint8), next(self._numbers), time.monotonic())

    def close(self) -> None:
        """Let go of the camera."""
        if self._capture is not None:
            self._capture.release()
            self._capture = None


def _open_quietly(device: int | str) -> cv2.VideoCapture:
    """Open a camera without OpenCV's warning on stderr at every try: a loss is logged once."""
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
    return cv2.VideoCapture(device)


def _is_index(target: str) -> bool:
    return target.isascii() and target.isdigit() and len(target) <= 3

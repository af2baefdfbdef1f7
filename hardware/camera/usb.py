"""A USB camera through V4L2 (Linux) or what OpenCV finds elsewhere."""

from __future__ import annotations

import itertools
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from hardware.camera.frame import Frame, is_jpeg
from hardware.errors import DeviceGone

if TYPE_CHECKING:
    from collections.abc import Callable

    from hardware.address import DeviceAddress
    from hardware.camera.frame import Pixels

# V4L2_CID_EXPOSURE_AUTO: 1 is V4L2_EXPOSURE_MANUAL (linux/v4l2-controls.h); OpenCV passes it on.
_V4L2_EXPOSURE_MANUAL: Final = 1


@dataclass(frozen=True)
class UsbWish:
    """What a camera is asked for. `exposure` in units of 100 us (V4L2's); 0 is its own choice."""

    width: int = 1280
    height: int = 720
    fps: int = 30
    exposure: int = 0


class UsbSource:
    """`usb:INDEX` or `usb:/dev/...`. Reading waits for the camera's next frame.

    On Linux frames are taken as the camera sends them, JPEG, and unpacked only where somebody
    looks: unpacking all of them in colour would cost more than reading the codes in them.
    """

    quiet_is_normal: Final = False

    def __init__(
        self,
        address: DeviceAddress,
        wish: UsbWish,
        *,
        open_capture: Callable[[int | str], cv2.VideoCapture] | None = None,
        packed: bool = sys.platform == "linux",
    ) -> None:
        self.address: Final = address.text
        target = address.target
        self._device: int | str = int(target) if _is_index(target) else target
        self._wish = wish
        self._open_capture = open_capture or _open_quietly
        self._packed = packed
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
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, self._wish.width)
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, self._wish.height)
        capture.set(cv2.CAP_PROP_FPS, self._wish.fps)
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        if self._wish.exposure:
            capture.set(cv2.CAP_PROP_AUTO_EXPOSURE, _V4L2_EXPOSURE_MANUAL)
            capture.set(cv2.CAP_PROP_EXPOSURE, self._wish.exposure)
        if self._packed:
            capture.set(cv2.CAP_PROP_CONVERT_RGB, 0)
        self._capture = capture

    def read(self) -> Frame | None:
        """The camera's next frame; None where it gave none (a pulled plug looks like that too)."""
        if self._capture is None:
            raise DeviceGone("the camera is not open", self.address)
        try:
            read, raw = self._capture.read()
        except cv2.error as error:
            raise DeviceGone("reading the camera failed", self.address) from error
        if not read:
            return None
        picture = _picture_of(np.asarray(raw, np.uint8))
        if picture is None:  # a format of its own: let OpenCV convert it, here and from now on
            self._packed = False
            self._capture.set(cv2.CAP_PROP_CONVERT_RGB, 1)
            return None
        return Frame(picture, next(self._numbers), time.monotonic())

    def close(self) -> None:
        """Let go of the camera."""
        if self._capture is not None:
            self._capture.release()
            self._capture = None


def _picture_of(raw: Pixels) -> Pixels | bytes | None:
    """What a camera gave as a picture: pixels as they are, a row of bytes as a JPEG, else None."""
    if raw.ndim == 3 and raw.shape[2] == 3:
        return raw
    if raw.ndim == 3 and raw.shape[2] == 2:  # YUYV: each pixel's brightness, then its colour
        return np.ascontiguousarray(raw[:, :, 0])
    if 1 in raw.shape:
        packed = raw.tobytes()
        return packed if is_jpeg(packed) else None
    return raw if raw.ndim == 2 else None


def _open_quietly(device: int | str) -> cv2.VideoCapture:
    """Open a camera without OpenCV's warning on stderr at every try: a loss is logged once."""
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
    return cv2.VideoCapture(device)


def _is_index(target: str) -> bool:
    return target.isascii() and target.isdigit() and len(target) <= 3

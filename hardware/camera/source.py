"""Frame sources, chosen by address.

- `usb:0` or `usb:/dev/v4l/by-id/...`: a USB camera; options `width`, `height`, `fps`, `exposure`
- `file:PATH`: a video file at its own pace; options `fps`, `loop`
- `folder:PATH`: the pictures of a folder in name order; options `fps`, `repeat`, `watch`
- `http://...`, `https://...`: a network camera's MJPEG stream; a query belongs to the URL
- `rtsp://...`: a network camera's RTSP stream; a query belongs to the URL
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hardware.address import parse_address
from hardware.camera.folder import FolderSource
from hardware.camera.frame import Frame, FrameSource
from hardware.camera.mjpeg import MjpegSource
from hardware.camera.rtsp import RtspSource
from hardware.camera.url import check_url
from hardware.camera.usb import UsbSource, UsbWish
from hardware.camera.video import VideoSource
from hardware.errors import BadDeviceAddress

if TYPE_CHECKING:
    from collections.abc import Callable

    from hardware.address import DeviceAddress

__all__ = ["Frame", "FrameSource", "make_source"]


def make_source(text: str) -> FrameSource:
    """The source that `text` names, not yet opened; raise BadDeviceAddress where it names none."""
    from_url = _URL_SOURCES.get(text.partition(":")[0].lower())
    if from_url is not None:
        check_url(text)
        return from_url(text)
    address = parse_address(text)
    make = _SOURCES.get(address.scheme)
    if make is None:
        known = ", ".join(f"{scheme}:" for scheme in (*_SOURCES, *_URL_SOURCES))
        raise BadDeviceAddress(f"no camera is of kind {address.scheme!r}; known are {known}", text)
    if not address.target:
        raise BadDeviceAddress("the address names no camera after the colon", text)
    return make(address)


def _usb(address: DeviceAddress) -> FrameSource:
    address.allow({"width", "height", "fps", "exposure"})
    width = address.whole("width", 1280, low=160, high=7680)
    height = address.whole("height", 720, low=120, high=4320)
    wish = UsbWish(
        width,
        height,
        fps=address.whole("fps", 30, low=1, high=120),
        # 0: as the camera likes, which in the dark is too long for a moving hand.
        exposure=address.whole("exposure", 0, low=0, high=10_000),
    )
    return UsbSource(address, wish)


def _video(address: DeviceAddress) -> FrameSource:
    address.allow({"fps", "loop"})
    # 0: as fast as the file itself says.
    fps = address.whole("fps", 0, low=0, high=120)
    return VideoSource(address, fps=fps, loop=address.flag("loop", default=False))


def _folder(address: DeviceAddress) -> FrameSource:
    address.allow({"fps", "repeat", "watch"})
    return FolderSource(
        address,
        fps=address.whole("fps", 10, low=1, high=120),
        repeat_count=address.whole("repeat", 5, low=1, high=1000),
        watch=address.flag("watch", default=False),
    )


_SOURCES: Final[dict[str, Callable[[DeviceAddress], FrameSource]]] = {
    "usb": _usb,
    "file": _video,
    "folder": _folder,
}
_URL_SOURCES: Final[dict[str, Callable[[str], FrameSource]]] = {
    "http": MjpegSource,
    "https": MjpegSource,
    "rtsp": RtspSource,
}

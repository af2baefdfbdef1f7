"""A folder of pictures as a camera, for trials, demonstrations and tests of a lane."""

from __future__ import annotations

import itertools
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from hardware.camera.frame import Frame
from hardware.camera.pace import Pace
from hardware.errors import DeviceGone

if TYPE_CHECKING:
    from hardware.address import DeviceAddress
    from hardware.camera.frame import Pixels

log = logging.getLogger(__name__)

PICTURE_SUFFIXES: Final = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp"})
# A folder is listed ten times a second; more names than this and listing would be the work.
PICTURES_COUNT_MAX: Final = 10_000


class FolderSource:
    """Shows each picture of `folder:PATH` for `repeat_count` frames, in name order, then waits.

    With `watch` a picture that arrives later is shown too (in name order among the new ones); it
    is taken up when its size was the same on two looks, so that a half-written file is not shown.
    A picture that cannot be decoded is logged and passed over.
    """

    quiet_is_normal: Final = True

    def __init__(
        self,
        address: DeviceAddress,
        *,
        fps: int,
        repeat_count: int,
        watch: bool,
        pace: Pace | None = None,
    ) -> None:
        self.address: Final = address.text
        self._folder = Path(address.target)
        self._fps = fps
        self._repeat_count = repeat_count
        self._watch = watch
        self._pace = pace or Pace()
        self._numbers = itertools.count()
        self._waiting: list[str] = []
        self._seen: set[str] = set()
        self._sizes: dict[str, int] = {}
        self._shown: Pixels | None = None
        self._showings_left_count = 0

    def open(self) -> None:
        """List the folder and begin with its first picture; DeviceGone where it is absent."""
        self.close()
        self._sizes = self._list()
        self._waiting = sorted(self._sizes)
        self._seen.clear()

    def read(self) -> Frame | None:
        """The picture on show, when a frame is due; None while there is nothing new to show."""
        taken = self._pace.wait(self._fps)
        sizes = self._list()
        if self._showings_left_count == 0:
            if self._watch:
                self._take_up(sizes)
            self._show_next()
        if self._shown is None:
            return None
        self._showings_left_count -= 1
        frame = Frame(self._shown, next(self._numbers), taken)
        if self._showings_left_count == 0:
            self._shown = None
        return frame

    def close(self) -> None:
        """Forget the picture on show."""
        self._shown = None
        self._showings_left_count = 0

    def _take_up(self, sizes: dict[str, int]) -> None:
        # A name that was removed and came back is a new picture.
        self._seen &= sizes.keys()
        known = self._seen.union(self._waiting)
        settled = {name for name, size in sizes.items() if self._sizes.get(name) == size}
        self._waiting = sorted([*self._waiting, *(settled - known)])
        self._sizes = sizes

    def _show_next(self) -> None:
        while self._waiting and self._shown is None:
            name = self._waiting.pop(0)
            self._seen.add(name)
            self._shown = self._load(name)
        self._showings_left_count = self._repeat_count if self._shown is not None else 0

    def _load(self, name: str) -> Pixels | None:
        try:
            data = np.frombuffer((self._folder / name).read_bytes(), np.uint8)
            pixels = cv2.imdecode(data, cv2.IMREAD_COLOR)
        except (OSError, cv2.error):
            pixels = None
        if pixels is None:
            log.warning("%s: %s is no readable picture and is passed over", self.address, name)
            return None
        return np.asarray(pixels, np.uint8)

    def _list(self) -> dict[str, int]:
        """The sizes in bytes of the pictures by name; DeviceGone where the folder is absent."""
        try:
            with os.scandir(self._folder) as entries:
                pictures = (entry for entry in entries if _is_picture(entry.name))
                some = itertools.islice(pictures, PICTURES_COUNT_MAX)
                return dict(filter(None, map(_size_of, some)))
        except OSError as error:
            raise DeviceGone(f"the folder is not there ({error.strerror})", self.address) from error


def _is_picture(name: str) -> bool:
    return Path(name).suffix.lower() in PICTURE_SUFFIXES and not name.startswith(".")


def _size_of(entry: os.DirEntry[str]) -> tuple[str, int] | None:
    try:
        return entry.name, entry.stat().st_size
    except OSError:  # removed since the folder was listed
        return None

"""Whether a frame is worth decoding: an idle lane shows the same wall for minutes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

if TYPE_CHECKING:
    from hardware.qr.decoder import Grey

# After something moved or a code was seen, every frame is looked at for so long: the camera's
# focus and a hand come to rest without changing the thumbnail.
AWAKE_S: Final = 2.0
# Where nothing moves, one frame in this time is looked at all the same.
IDLE_LOOK_EVERY_S: Final = 1 / 6
# A cell of a thumbnail is the mean of 64 pixels: a dark hall's sensor noise of 12 grey levels
# becomes 1.5 in it, and the largest of 14,400 differences about 8.
_CHANGE_LEVELS: Final = 12
_CHANGED_CELLS_MIN: Final = 3


class Presence:
    """Tells by thumbnails (an eighth of the frame's size, grey) when to look at a frame in full.

    What is compared with is the frame last looked at, so that a slow change adds up. Skipped are
    only frames that look like one in which there was nothing. Times are monotonic seconds.
    """

    def __init__(self) -> None:
        self._looked_at: Grey = np.zeros((0, 0), np.uint8)
        self._awake_until_s = float("-inf")
        self._next_look_s = float("-inf")

    def is_awake(self, now_s: float) -> bool:
        """Whether every frame is to be looked at now, whatever it shows."""
        return now_s < self._awake_until_s

    def wants(self, thumbnail: Grey, now_s: float) -> bool:
        """Whether to look at the frame of `thumbnail`; it then counts as looked at."""
        if self._has_changed(thumbnail):
            self.stay_awake(now_s)
        elif not self.is_awake(now_s) and now_s < self._next_look_s:
            return False
        self._looked_at = thumbnail
        self._next_look_s = now_s + IDLE_LOOK_EVERY_S
        return True

    def stay_awake(self, now_s: float) -> None:
        """There is a code, or something like one, in view."""
        self._awake_until_s = now_s + AWAKE_S

    def _has_changed(self, thumbnail: Grey) -> bool:
        if thumbnail.shape != self._looked_at.shape:
            return True
        if thumbnail.size == 0:
            return False
        difference = cv2.absdiff(thumbnail, self._looked_at)
        return int(np.count_nonzero(difference > _CHANGE_LEVELS)) >= _CHANGED_CELLS_MIN

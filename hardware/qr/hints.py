"""What to tell a visitor whose code is seen and cannot be read."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

if TYPE_CHECKING:
    from hardware.qr.decoder import Found, Grey

HINT_AFTER_S: Final = 2.0
"""A code that was suspected for so long without being read needs help."""
HINT_AGAIN_S: Final = 4.0
HINTS_IN_A_ROW_MAX: Final = 3
"""Then it is no visitor but a torn poster: nothing more is said until it goes away."""
_FORGOTTEN_AFTER_S: Final = 1.0
_SUSPICIONS_MIN: Final = 4

_TILE_PIXELS: Final = 40
# Measured on our own degraded tickets (tests/bench): of those that stayed unread, the blurred ones
# had at most 0.06 and all others at least 0.09; those too far away had at most 12 tiles.
_SHARP_MIN: Final = 0.075
_TILES_MIN: Final = 14
_BRIGHT_MIN: Final = 90


class Hint(StrEnum):
    """One advice to a visitor; stored and sent, never renamed."""

    HOLD_STILL = "hold_still"
    BRIGHTER = "brighter"
    CLOSER = "closer"
    WHOLE_CODE = "whole_code"  # covered, creased, or a lamp is mirrored in it
    ONE_AT_A_TIME = "one_at_a_time"


class OncePer:
    """Lets something through at most once in `pause_s`. Times are monotonic seconds."""

    def __init__(self, pause_s: float) -> None:
        self._pause_s = pause_s
        self._next_s = float("-inf")

    def is_due(self, now_s: float) -> bool:
        """Whether it may happen now; it then has."""
        if now_s < self._next_s:
            return False
        self._next_s = now_s + self._pause_s
        return True


@dataclass(frozen=True)
class Sharpness:
    """How a frame's sharpest spot looks.

    `edges` is the mean slope between neighbouring pixels' slopes, as a share of the spot's
    contrast; `tiles_count` is how many tiles are at least half as detailed; `bright` is the grey
    level that one pixel in twenty exceeds there.
    """

    edges: float
    tiles_count: int
    bright: float


class Hints:
    """Watches what is found and says, now and then, what would help. Times are monotonic seconds.

    Only a code that a decoder suspects counts; movement alone is somebody walking by.
    """

    def __init__(self) -> None:
        self._last_s = self._due_s = float("inf")
        self._forget()

    def advise(self, found: Found, grey: Grey, now_s: float) -> Hint | None:
        """The hint that is due after this frame, or None."""
        if found.readings or now_s - self._last_s > _FORGOTTEN_AFTER_S:
            self._forget()
        if found.readings or not found.suspected:
            return None
        if self._count == 0:
            self._due_s = now_s + HINT_AFTER_S
        self._count += 1
        self._last_s = now_s
        if now_s < self._due_s or self._count < _SUSPICIONS_MIN or not self._left_count:
            return None
        self._left_count -= 1
        self._due_s = now_s + HINT_AGAIN_S
        return hint_for(measure(grey))

    def _forget(self) -> None:
        self._count = 0
        self._left_count = HINTS_IN_A_ROW_MAX
        self._last_s = float("inf")
        self._due_s = float("inf")


def hint_for(seen: Sharpness) -> Hint:
    """What would help a code that is in a frame that looks so."""
    if seen.bright < _BRIGHT_MIN:
        return Hint.BRIGHTER
    if seen.edges < _SHARP_MIN:
        return Hint.HOLD_STILL
    return Hint.CLOSER if seen.tiles_count < _TILES_MIN else Hint.WHOLE_CODE


def measure(grey: Grey) -> Sharpness:
    """Look at the frame's most detailed tile, which is in a code where there is one (8 ms)."""
    rows, columns = grey.shape[0] // _TILE_PIXELS, grey.shape[1] // _TILE_PIXELS
    if not rows or not columns:
        return Sharpness(0.0, 0, 0.0)
    edges = np.abs(cv2.Laplacian(cv2.GaussianBlur(grey, (3, 3), 0), cv2.CV_32F))
    tiles = cv2.resize(edges, (columns, rows), interpolation=cv2.INTER_AREA)
    row, column = divmod(int(tiles.argmax()), columns)
    top, left = row * _TILE_PIXELS, column * _TILE_PIXELS
    spot = grey[top : top + _TILE_PIXELS, left : left + _TILE_PIXELS]
    low, high = np.percentile(spot, (5, 95))
    most = float(tiles.max())
    return Sharpness(
        most / max(1.0, float(high - low)),
        int(np.count_nonzero(tiles > most / 2)),
        float(high),
    )

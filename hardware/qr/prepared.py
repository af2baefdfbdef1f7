"""Decoders that look at a reworked picture.

In front of every frame any rework lowers the score (adaptive threshold 71.6 -> 61.1 %); after a
miss each of these rescues codes that the plain picture hid. So they are fallbacks only.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

from hardware.qr.decoder import NOTHING, Found, Reading

if TYPE_CHECKING:
    from collections.abc import Callable

    from hardware.qr.decoder import Corners, Decoder, Grey


@dataclass(frozen=True)
class PreparedDecoder:
    """`inner` on a reworked picture; readings carry `inner`'s name and the original's corners.

    `scale` says how many times larger than the original the reworked picture is.
    """

    inner: Decoder
    rework: Callable[[Grey], Grey]
    scale: float = 1.0

    @property
    def name(self) -> str:
        """The name that readings carry."""
        return self.inner.name

    def decode(self, grey: Grey) -> Found:
        """Everything `inner` finds in the reworked picture; one too small to rework is nothing."""
        try:
            reworked = self.rework(grey)
        except cv2.error:
            return NOTHING
        found = self.inner.decode(reworked)
        return Found(tuple(self._rescaled(reading) for reading in found.readings), found.suspected)

    def _rescaled(self, reading: Reading) -> Reading:
        a, b, c, d = ((x / self.scale, y / self.scale) for x, y in reading.corners)
        corners: Corners = (a, b, c, d)
        return replace(reading, corners=corners)


def threshold_locally(grey: Grey) -> Grey:
    """Black and white by the mean of each pixel's 51 x 51 neighbours: takes out uneven light."""
    mean, binary = cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY
    return np.asarray(cv2.adaptiveThreshold(grey, 255, mean, binary, 51, 7), np.uint8)


def blur_slightly(grey: Grey) -> Grey:
    """A 5 x 5 Gaussian blur: takes out sensor noise and the moire of screens."""
    return np.asarray(cv2.GaussianBlur(grey, (5, 5), 0), np.uint8)


def sharpen(grey: Grey) -> Grey:
    """Unsharp masking over 4 pixels, strongly: undoes a soft focus."""
    soft = cv2.GaussianBlur(grey, (0, 0), 4)
    return np.asarray(cv2.addWeighted(grey, 6, soft, -5, 0), np.uint8)


def equalise_locally(grey: Grey) -> Grey:
    """Local contrast raised (CLAHE), for glare and deep shadow."""
    return np.asarray(cv2.createCLAHE(clipLimit=3.0, tileGridSize=(8, 8)).apply(grey), np.uint8)


def scaled_by(factor: float) -> Callable[[Grey], Grey]:
    """A rework that resizes by `factor`: area averaging down, cubic up."""

    def rework(grey: Grey) -> Grey:
        how = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
        return np.asarray(cv2.resize(grey, None, fx=factor, fy=factor, interpolation=how), np.uint8)

    return rework

"""The decoder a camera lane uses: cheap on every frame, thorough only where a code is suspected."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import cv2

from hardware.qr.decoder import NOTHING, Found, as_grey
from hardware.qr.prepared import (
    PreparedDecoder,
    blur_slightly,
    scaled_by,
    sharpen,
    threshold_locally,
)
from hardware.qr.zbar import load_pyzbar
from hardware.qr.zxing import ZxingDecoder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hardware.qr.decoder import Decoder, Grey

# The fallbacks together take 20 to 40 ms of a core; five a second is a tenth or two of it.
FALLBACKS_PER_SECOND_MAX: Final = 5.0


class CascadeDecoder:
    """zxing-cpp on every frame; where it suspects a code it cannot read, the fallbacks in turn.

    An empty frame costs only the first decoder (about 2 ms at 720p). The fallbacks run at most
    `FALLBACKS_PER_SECOND_MAX` times a second, whatever is held in front of the camera.
    """

    name: Final = "cascade"

    def __init__(
        self,
        first: Decoder | None = None,
        fallbacks: Sequence[Decoder] | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`clock` gives monotonic seconds. The defaults are the decoders for a camera."""
        self._first = ZxingDecoder() if first is None else first
        self._fallbacks = camera_fallbacks() if fallbacks is None else tuple(fallbacks)
        self._clock = clock
        self._fallbacks_allowed_from = float("-inf")

    def decode(self, frame: object) -> Found:
        """Everything found in `frame`. Total: None, empty, colour or oddly typed never raises."""
        try:
            grey = as_grey(frame)
        except cv2.error:
            return NOTHING
        if grey is None:
            return NOTHING
        found = self._first.decode(grey)
        if found.readings or not found.suspected or not self._may_fall_back():
            return found
        return self._fall_back(grey) or found

    def _may_fall_back(self) -> bool:
        now = self._clock()
        if now < self._fallbacks_allowed_from:
            return False
        self._fallbacks_allowed_from = now + 1 / FALLBACKS_PER_SECOND_MAX
        return True

    def _fall_back(self, grey: Grey) -> Found | None:
        for decoder in self._fallbacks:
            found = decoder.decode(grey)
            if found.readings:
                return found
        return None


def camera_fallbacks() -> tuple[Decoder, ...]:
    """zxing-cpp on the frame reworked, and at last pyzbar: about 40 ms together on a slow machine.

    Of 121 of our own degraded tickets that the first decoder saw and missed (tests/bench), the
    sharpened frame (7 ms) reads 26, the enlarged one (7 ms) 18, the thresholded one (5 ms) 8,
    pyzbar on a blurred one (24 ms) 8; together 40. On public photographs, which none of this was
    fitted to, the last two are the ones that helped.
    """
    zxing = ZxingDecoder()
    reworked = (
        PreparedDecoder(zxing, sharpen),
        PreparedDecoder(zxing, threshold_locally),
        PreparedDecoder(zxing, scaled_by(1.5), 1.5),
    )
    pyzbar = load_pyzbar()
    if pyzbar is None:
        return reworked
    return *reworked, PreparedDecoder(pyzbar, blur_slightly)

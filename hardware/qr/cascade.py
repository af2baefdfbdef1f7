"""The decoder a camera lane uses: cheap on every frame, thorough only where a code is suspected."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import cv2

from hardware.qr.decoder import NOTHING, Found, as_grey
from hardware.qr.prepared import PreparedDecoder, blur_slightly, threshold_locally
from hardware.qr.zbar import load_pyzbar
from hardware.qr.zxing import ZxingDecoder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hardware.qr.decoder import Decoder, Grey

# Both fallbacks together take about 20 ms of a core; five a second is a tenth of it.
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
    """Locally thresholded zxing-cpp (3 ms), then pyzbar on a blurred frame (17 ms)."""
    thresholded = PreparedDecoder(ZxingDecoder(), threshold_locally)
    pyzbar = load_pyzbar()
    if pyzbar is None:
        return (thresholded,)
    return thresholded, PreparedDecoder(pyzbar, blur_slightly)

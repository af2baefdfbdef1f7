"""What a camera lane sees: frames in, codes and hints out."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

import cv2

from hardware.qr.cascade import CascadeDecoder
from hardware.qr.decoder import NOTHING, Found, as_grey
from hardware.qr.hints import Hint, Hints
from hardware.qr.presence import Presence

if TYPE_CHECKING:
    from collections.abc import Callable

    from hardware.qr.decoder import Decoder, Grey


class Picture(Protocol):
    """A camera's frame as the eye sees it."""

    @property
    def pixels(self) -> Grey:
        """All of it, BGR or grey."""
        ...

    def thumbnail(self) -> Grey:
        """An eighth of its size, grey."""
        ...


@dataclass(frozen=True)
class Sight:
    """What one frame held, and a hint for the visitor when one is due."""

    found: Found = NOTHING
    hint: Hint | None = None


_NOTHING: Final = Sight()


class Eye:
    """Looks at the frames of one camera, in their order, on one thread.

    Frames that look like an empty one are passed over (`Presence`); all others are decoded.
    """

    def __init__(
        self, decoder: Decoder | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`clock` gives monotonic seconds.

        OpenCV is told, for the whole process, to use no threads of its own: they would wake every
        core for a millisecond's work, thirty times a second for each lane.
        """
        cv2.setNumThreads(1)
        self._decoder = CascadeDecoder(clock=clock) if decoder is None else decoder
        self._clock = clock
        self._presence = Presence()
        self._hints = Hints()

    def look(self, picture: Picture) -> Sight:
        """What is in `picture`. Total: a frame of any shape, or a damaged one, is one like others."""
        now_s = self._clock()
        grey: Grey | None = None
        try:
            if self._presence.is_awake(now_s):
                grey = as_grey(picture.pixels)  # first, so that the thumbnail is made from it
            if not self._presence.wants(picture.thumbnail(), now_s):
                return _NOTHING
            grey = as_grey(picture.pixels) if grey is None else grey
        except cv2.error:
            return _NOTHING
        return _NOTHING if grey is None else self._look_closely(grey, now_s)

    def _look_closely(self, grey: Grey, now_s: float) -> Sight:
        found = self._decoder.decode(grey)
        if found.readings or found.suspected:
            self._presence.stay_awake(now_s)
        return Sight(found, self._hints.advise(found, grey, now_s))

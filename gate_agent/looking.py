"""From readers to the lane: cameras are looked through frame by frame, the others tell."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from edge.errors import ReplicaError
from gate_agent.lane import LaneRunner, Shown
from gate_agent.proofs import HeldChip, read_seen
from hardware.camera.frame import Frame
from hardware.qr.choice import SeveralCodes, choose
from hardware.qr.eye import Sight
from hardware.qr.hints import HINT_AGAIN_S, Hint, OncePer
from hardware.reader import Seen
from program.logs import get_logger
from ticketing.code import PREFIX
from ticketing.credential import ChipKeys

FRAME_WAIT_S = 0.5
_log = get_logger(__name__)


class Frames(Protocol):
    """A camera as the lane sees it."""

    def next_frame(self, timeout_s: float, after: int = -1) -> Frame | None:
        """The newest frame with a number above `after`, or None when none came in time."""


class Looks(Protocol):
    """An eye as the lane sees it: never raises."""

    def look(self, picture: Frame) -> Sight:
        """The codes in a frame, and a hint when one is due."""


class Tells(Protocol):
    """Any other reader as the lane sees it (`hardware.reader.Reader`)."""

    def next_seen(self, timeout_s: float) -> Seen | None:
        """The oldest thing seen that nobody has fetched, or None when none came in time."""


@dataclass(slots=True)
class CameraWatch:
    """Looks through a camera for a lane. `run` is supervised."""

    camera: Frames
    eye: Looks
    lane: LaneRunner
    several_codes: SeveralCodes = SeveralCodes.MIDDLE
    _several: OncePer = field(default_factory=lambda: OncePer(HINT_AGAIN_S))

    def run(self, stop: threading.Event) -> None:
        """Until `stop`: always the newest frame."""
        number = -1
        while not stop.is_set():
            frame = self.camera.next_frame(FRAME_WAIT_S, after=number)
            if frame is not None:
                number = frame.number
                self._look(frame)

    def _look(self, frame: Frame) -> None:
        sight = self.eye.look(frame)
        if sight.hint is not None:
            self.lane.tell_hint(sight.hint.value)
        readings = sight.found.readings
        if not readings:
            return
        choice = choose(readings, frame.pixels.shape[:2], self.several_codes, _is_ours)
        if choice.several and self._several.is_due(time.monotonic()):
            self.lane.tell_hint(Hint.ONE_AT_A_TIME.value)
        chosen = choice.reading
        shown = None if chosen is None else Shown(chosen.text, chosen.decoder)
        self.lane.see([reading.text for reading in readings], shown)


@dataclass(slots=True)
class ReaderWatch:
    """Hears what any other reader has seen. `run` is supervised."""

    reader: Tells
    lane: LaneRunner
    chip_keys: Callable[[], ChipKeys | None] = lambda: None

    def run(self, stop: threading.Event) -> None:
        """Until `stop`: one thing seen after the other."""
        while not stop.is_set():
            seen = self.reader.next_seen(FRAME_WAIT_S)
            if seen is not None:
                self._hear(seen)

    def _hear(self, seen: Seen) -> None:
        try:
            what = read_seen(seen, self.chip_keys(), self.lane.doorman.knowledge)
        except ReplicaError as error:  # nobody is let in on a guess: it is held up again
            _log.error("scan_failed", error=str(error))
            return
        if isinstance(what, str):
            self.lane.hear(Shown(what, seen.kind.value))
            return
        text = what.text if isinstance(what, HeldChip) else f"{seen.kind.value}·{seen.value}"
        self.lane.hear(Shown(text, seen.kind.value, what))


def _is_ours(text: str) -> bool:
    """Whether it says that it is a ticket of ours, of this version or a later one."""
    return text.startswith(PREFIX[:3])

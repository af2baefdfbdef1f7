"""The shape that every reader of a lane has, whatever it reads."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from hardware.reader.seen import Seen


class ReaderState(StrEnum):
    """What a reader is doing, for a status line or a lamp."""

    STARTING = "starting"
    LIVE = "live"
    GONE = "gone"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class ReaderHealth:
    """How a reader is, at one moment. `fault` is a plain sentence part, empty unless it is gone.

    `since_s` is the monotonic second of the last change of `state`; counts are since the start.
    """

    state: ReaderState = ReaderState.STARTING
    fault: str = ""
    since_s: float = 0.0
    seen_count: int = 0
    dropped_count: int = 0  # nobody fetched them in time
    bad_frames_count: int = 0  # noise, wrong checks, cut-off frames, chips that made no sense
    losses_count: int = 0


class Reader(Protocol):
    """Sees codes or chips on a thread of its own and keeps the newest for whoever asks.

    A device that vanishes is opened again with growing delays (1, 2, 4, 8, 15 s), for ever; all
    that is said of it is its health. Nothing here raises because of a device.
    """

    @property
    def address(self) -> str:
        """The address it was made from, for messages."""
        ...

    @property
    def health(self) -> ReaderHealth:
        """How it is now; from any thread."""
        ...

    def start(self) -> None:
        """Begin to read; a reader is started once."""
        ...

    def stop(self, timeout_s: float = 5.0) -> bool:
        """Stop and let go of the device; False where a read did not return in time."""
        ...

    def next_seen(self, timeout_s: float) -> Seen | None:
        """The oldest thing seen that nobody has fetched; waits for one, None after `timeout_s`."""
        ...


class SeenSource(Protocol):
    """A device as its thread sees it. Not thread safe: one thread owns it.

    Each method may raise DeviceError, `close` never; after one the source is closed and opened
    anew.
    """

    @property
    def address(self) -> str:
        """The address it was made from."""
        ...

    @property
    def bad_frames_count(self) -> int:
        """What came and made no sense, since the start; never falls."""
        ...

    def open(self) -> None:
        """Open the device anew, with nothing left of what came before."""
        ...

    def read(self, timeout_s: float) -> list[Seen]:
        """What was seen, once per holding up; returns after about `timeout_s` at the latest."""
        ...

    def close(self) -> None:
        """Let go of the device. Harmless when not open."""
        ...

"""Several codes in one frame: which one is meant."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from hardware.qr.decoder import Reading


class SeveralCodes(StrEnum):
    """What a lane does when it sees more than one code that could be a ticket."""

    MIDDLE = "middle"  # the one nearest the middle of the frame is meant
    REFUSE = "refuse"  # none is, until there is only one


@dataclass(frozen=True)
class Choice:
    """The code that is meant, if any; `several`: codes were refused because they were several."""

    reading: Reading | None = None
    several: bool = False


def choose(
    readings: Iterable[Reading],
    size: tuple[int, int],
    policy: SeveralCodes,
    is_ours: Callable[[str], bool],
) -> Choice:
    """Which of `readings` is meant in a frame of `size` (height, width) pixels.

    Where some text `is_ours`, only such count: the advertisement beside a ticket is no second
    ticket. One code that is in view twice (a ticket and its stub) is one.
    """
    candidates = list(readings)
    ours = [reading for reading in candidates if is_ours(reading.text)]
    meant = ours or candidates
    if policy is SeveralCodes.REFUSE and len({reading.text for reading in meant}) > 1:
        return Choice(several=True)
    height, width = size

    def distance(reading: Reading) -> float:
        x, y = reading.centre
        return (x - width / 2) ** 2 + (y - height / 2) ** 2

    return Choice(min(meant, key=distance, default=None))

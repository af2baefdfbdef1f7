"""What a window is told when it is made."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Options:
    """Of one window.

    `lock_after_s`: locked after so long without a key, a tap or a scan; 0 never. `training_pin`:
    this is a training, which shows that and the PIN all the time. `train` opens a training in a
    program of its own and says whether it could; None where there is none to open. `has_display`:
    buyers are shown what is sold, on a second window. `text_size` in percent, as at the start.
    """

    lock_after_s: int = 0
    training_pin: str = ""
    train: Callable[[], bool] | None = None
    has_display: bool = False
    text_size: int = 100
    monotonic: Callable[[], float] = time.monotonic


PLAIN = Options()

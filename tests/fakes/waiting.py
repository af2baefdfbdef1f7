"""Waiting for something that another thread does."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE_S = 20.0


def until(condition: Callable[[], bool]) -> None:
    """Return once `condition` holds; fail when it never does."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "this never came true"
        time.sleep(0.002)

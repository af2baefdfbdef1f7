"""Runners without threads: at once, or when the test says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def run_now(
    work: Callable[[], T], then: Callable[[T], None], failed: Callable[[Exception], None]
) -> None:
    """Have the result home before this returns."""
    try:
        result = work()
    except Exception as error:  # noqa: BLE001 - the presenter is told, as a till would
        failed(error)
        return
    then(result)


class HeldRunner:
    """Keeps the work until it is released, in order."""

    def __init__(self) -> None:
        self._held: list[Callable[[], None]] = []

    def __call__(
        self, work: Callable[[], T], then: Callable[[T], None], failed: Callable[[Exception], None]
    ) -> None:
        self._held.append(lambda: run_now(work, then, failed))

    @property
    def held_count(self) -> int:
        return len(self._held)

    def release(self) -> None:
        """Do everything that waits, and what that leads to."""
        while self._held:
            self.release_next()

    def release_next(self) -> None:
        """Do what has waited longest."""
        self._held.pop(0)()

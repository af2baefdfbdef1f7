"""How presenters send work away: it runs on a worker thread, its result comes home."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

T = TypeVar("T")


class Run(Protocol):
    """Run `work` elsewhere, in order; later call `then` or `failed` on the presenter's thread.

    Exactly one of the two is called, never during this call's own stack in a real till, and
    neither after the till has closed.
    """

    def __call__(
        self,
        work: Callable[[], T],
        then: Callable[[T], None],
        failed: Callable[[Exception], None],
    ) -> None:
        """Take the work; return at once."""

"""The card about the server: how the link is, what waits, what a manager looks at."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pos_app.presenters.observable import Observable
from pos_app.services.queue import Queue

if TYPE_CHECKING:
    from pos_app.presenters.runner import Run
    from pos_app.services.model import SyncStatus
    from pos_app.services.till import TillServices


@dataclass(frozen=True, slots=True)
class SyncPage:
    """`status` is None before it was read once; `copied`: the details are in the clipboard."""

    is_open: bool = False
    status: SyncStatus | None = None
    queue: Queue = field(default_factory=Queue)
    copied: bool = False


class SyncPresenter(Observable[SyncPage]):
    """Reads the queue when the card opens, and again whenever its length changes."""

    def __init__(self, services: TillServices, run: Run) -> None:
        super().__init__(SyncPage())
        self._services = services
        self._run = run

    def open(self) -> None:
        """Show the card."""
        self._become(replace(self.state, is_open=True, copied=False))
        self._read()

    def close(self) -> bool:
        """Hide it; False when it was not shown."""
        was_open = self.state.is_open
        if was_open:
            self._become(replace(self.state, is_open=False))
        return was_open

    def show_status(self, status: SyncStatus) -> None:
        """The link as it is now."""
        before = self.state.status
        if status == before:
            return
        self._become(replace(self.state, status=status))
        counts = (status.unsynced_count, status.rejected_count)
        if before is None or counts != (before.unsynced_count, before.rejected_count):
            self._read()

    def send_now(self) -> None:
        """Try at once."""
        self._run(self._services.sync_now, self._sent, self._fail)

    def copied(self) -> None:
        """The details were put into the clipboard."""
        self._become(replace(self.state, copied=True))

    def _read(self) -> None:
        if self.state.is_open:
            self._run(self._services.queue, self._show, self._fail)

    def _show(self, queue: Queue) -> None:
        self._become(replace(self.state, queue=queue))

    def _sent(self, _done: object) -> None:
        self._read()

    def _fail(self, _error: Exception) -> None:
        """A fault of ours; the runner has logged it, and the card shows what it knew."""

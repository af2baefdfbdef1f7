"""Looking the whole journal over while the node runs, without holding anything up.

A node starts once the file's ends are known to be sound; with a long journal the rest is looked at
by this thread, in small reads with pauses. What it finds locks the node at once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from edge import integrity
from edge.database import is_sound, was_checked
from edge.errors import ReplicaDamaged, ReplicaError
from edge.integrity import Damage, Fault
from edge.journal import LockReason
from edge.replica import Replica
from program.logs import get_logger

PAUSE_S: Final = 0.02
"""Between two reads of 100 operations: a journal of 200,000 takes about a minute."""
_log = get_logger(__name__)


class Inspector:
    """One look at everything, on a thread of its own."""

    def __init__(
        self, replica: Replica, found: Callable[[], None], pause_s: float = PAUSE_S
    ) -> None:
        """`found` is called on the thread once the node is locked for what was found."""
        self._replica, self._found, self._pause_s = replica, found, pause_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="journal-inspector", daemon=True)

    def start(self) -> None:
        """Begin; returns at once. Once only."""
        self._thread.start()

    def wait(self, timeout_s: float) -> None:
        """Wait until it is through."""
        self._thread.join(timeout_s)

    def stop(self, timeout_s: float = 3.0) -> None:
        """End it, finished or not. Safe to call when it was never started."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def _run(self) -> None:
        try:
            damage = self._look_at_all()
        except ReplicaDamaged as error:
            damage = Damage(Fault.PAGE, str(error))
        except ReplicaError as error:  # it is being closed, or can't be read just now
            _log.warning("journal_not_inspected", error=str(error))
            return
        if damage is None:
            _log.info("journal_sound", complete=not self._stop.is_set())
            return
        _log.error("journal_damaged", fault=str(damage.fault), where=damage.where)
        self._replica.condemn(LockReason.DAMAGED)
        self._found()

    def _look_at_all(self) -> Damage | None:
        path: Path = self._replica.folder / "journal.db"
        if not was_checked(path) and not is_sound(path, self._stop):
            return Damage(Fault.PAGE, path.name)
        with self._replica.reading() as connection:
            places = tuple(integrity.beginnings(connection))
        for begin in places:
            damage = self._look_along(begin)
            if damage is not None or self._stop.is_set():
                return damage
        with self._replica.reading() as connection:
            return integrity.count_orders(connection)

    def _look_along(self, begin: integrity.Place) -> Damage | None:
        place: integrity.Place | None = begin
        while place is not None and not self._stop.is_set():
            with self._replica.reading() as connection:
                seen = integrity.look(connection, place)
            if isinstance(seen, Damage):
                return seen
            place = seen
            self._stop.wait(self._pause_s)
        return None

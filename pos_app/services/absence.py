"""A till that has not heard of its server for a week is opened by a supervisor.

Its list of people may be old: whoever left the house since can still sign in here. So somebody
looks at the till once a day before cashiers go on with it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from edge.errors import ReplicaError
from edge.journal import Unit, get_meta, set_meta
from edge.replica import Replica
from pos_app.services.model import Person
from pos_app.services.people import role_of
from program.logs import get_logger
from ticketing.pricing import Role

ABSENCE_MAX_MS: Final = 7 * 24 * 3_600_000
OPENED_FOR_MS: Final = 24 * 3_600_000
_NOTED_EVERY_MS: Final = 3_600_000
_HEARD: Final = "heard_ms"
_OPENED: Final = "opened_unheard_ms"
_log = get_logger(__name__)


class Absence:
    """`heard_ms` is the last contact of this run, None before one; `now_ms` the node's clock.

    A till that never noted a contact keeps nobody out: it cannot have people without one.
    """

    def __init__(
        self, replica: Replica, heard_ms: Callable[[], int | None], now_ms: Callable[[], int]
    ) -> None:
        self._replica = replica
        self._heard_ms, self._now_ms = heard_ms, now_ms

    def note(self) -> None:
        """Keep when the server was last heard, over the end of the program; hourly at most."""
        heard_ms = self._heard_ms()
        if heard_ms is not None and heard_ms - self._read(_HEARD) >= _NOTED_EVERY_MS:
            self._write(_HEARD, heard_ms)

    def keeps_out(self, person: Person) -> bool:
        """Whether somebody of a higher role has to sign in first; if it is they, the till is open."""
        self.note()
        heard_ms, now_ms = max(self._read(_HEARD), self._heard_ms() or 0), self._now_ms()
        if not heard_ms or now_ms - heard_ms <= ABSENCE_MAX_MS:
            return False
        if role_of(person).covers(Role.SUPERVISOR):
            self._write(_OPENED, now_ms)
            return False
        return not 0 <= now_ms - self._read(_OPENED) < OPENED_FOR_MS

    def _read(self, key: str) -> int:
        with self._replica.reading() as connection:
            return int(get_meta(connection, key) or 0)

    def _write(self, key: str, value: int) -> None:
        def write(unit: Unit) -> None:
            set_meta(unit, key, str(value))

        try:
            self._replica.transact(write)
        except ReplicaError as error:  # asked again at the next sign-in
            _log.warning("contact_not_noted", error=str(error))

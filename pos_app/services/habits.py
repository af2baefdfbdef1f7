"""What a window remembers of its cashiers' habits, beside its journal."""

from __future__ import annotations

from typing import Final, Protocol

from edge.errors import ReplicaError
from edge.journal import Unit, get_meta, set_meta
from edge.replica import Replica
from program.logs import get_logger

DEFAULT_QUANTITY: Final = 2
_QUANTITY: Final = "quantity:"
_log = get_logger(__name__)


class HabitServices(Protocol):
    """As TillServices: never the network, any thread."""

    def quantity(self, event_id: str) -> int:
        """How many seats were picked at once the last time at this event."""

    def note_quantity(self, event_id: str, quantity: int) -> None:
        """So many were picked at once; it is the number from now on, also after a restart."""


class Habits:
    """Kept in the journal's file; nothing is lost with it but a habit."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica

    def quantity(self, event_id: str) -> int:
        """How many seats were picked at once the last time at this event."""
        with self._replica.reading() as connection:
            text = get_meta(connection, _QUANTITY + event_id)
        return int(text) if text else DEFAULT_QUANTITY

    def note_quantity(self, event_id: str, quantity: int) -> None:
        """So many were picked at once. What cannot be written is not worth a word to the cashier."""
        if self.quantity(event_id) == quantity:
            return

        def note(unit: Unit) -> None:
            set_meta(unit, _QUANTITY + event_id, str(quantity))

        try:
            self._replica.transact(note)
        except ReplicaError as error:
            _log.warning("habit_not_kept", error=str(error))

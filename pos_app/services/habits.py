"""What a window remembers of its cashiers' habits, beside its journal."""

from __future__ import annotations

from typing import Final, Protocol

from edge.errors import ReplicaError
from edge.journal import Unit, get_meta, set_meta
from edge.replica import Replica
from program.logs import get_logger

DEFAULT_QUANTITY: Final = 2
_QUANTITY: Final = "quantity:"
_TEXT_SIZE: Final = "text_size"
_log = get_logger(__name__)


class HabitServices(Protocol):
    """As TillServices: never the network, any thread."""

    def quantity(self, event_id: str) -> int:
        """How many seats were picked at once the last time at this event."""

    def note_quantity(self, event_id: str, quantity: int) -> None:
        """So many were picked at once; it is the number from now on, also after a restart."""

    def text_size(self) -> int:
        """How large the cashiers want their text, in percent; 0 when nobody has chosen."""

    def note_text_size(self, percent: int) -> None:
        """Text is to be this large from now on, also after a restart."""


class Habits:
    """Kept in the journal's file; nothing is lost with it but a habit."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica

    def quantity(self, event_id: str) -> int:
        """How many seats were picked at once the last time at this event."""
        return self._read(_QUANTITY + event_id) or DEFAULT_QUANTITY

    def note_quantity(self, event_id: str, quantity: int) -> None:
        """So many were picked at once. What cannot be written is not worth a word to the cashier."""
        if self.quantity(event_id) != quantity:
            self._note(_QUANTITY + event_id, quantity)

    def text_size(self) -> int:
        """How large the cashiers want their text, in percent; 0 when nobody has chosen."""
        return self._read(_TEXT_SIZE)

    def note_text_size(self, percent: int) -> None:
        """Text is to be this large from now on, also after a restart."""
        self._note(_TEXT_SIZE, percent)

    def _read(self, key: str) -> int:
        with self._replica.reading() as connection:
            text = get_meta(connection, key)
        return int(text) if text else 0

    def _note(self, key: str, value: int) -> None:
        def note(unit: Unit) -> None:
            set_meta(unit, key, str(value))

        try:
            self._replica.transact(note)
        except ReplicaError as error:
            _log.warning("habit_not_kept", error=str(error))

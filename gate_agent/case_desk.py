"""What staff with a handheld see of the cases that their gate was part of."""

from __future__ import annotations

from dataclasses import dataclass, replace

from edge.mirror import Mirror
from gate_agent.double_entries import DoubleEntry, double_entries

SHOWN_MAX = 10


@dataclass(frozen=True, slots=True)
class CaseDesk:
    """Reads the mirror of the gate `node_id`. Used by any thread."""

    mirror: Mirror
    node_id: str

    def open_double_entries(self) -> tuple[DoubleEntry, ...]:
        """The newest that nobody has settled, with people's names. Raises ReplicaError."""
        cases = [case for _id, case in double_entries(self.mirror, self.node_id) if case.is_open]
        if not cases:
            return ()
        names = self._names()
        return tuple(
            replace(
                case,
                entries=tuple(
                    replace(entry, people=tuple(names.get(one, one) for one in entry.people))
                    for entry in case.entries
                ),
            )
            for case in cases[:SHOWN_MAX]
        )

    def _names(self) -> dict[str, str]:
        with self.mirror.reading() as connection:
            return dict(connection.execute("SELECT id, name FROM person").fetchall())

"""The catalogue as the mirror has it: events with their plans, parsed once per revision."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass

from edge.mirror import Mirror
from program.logs import get_logger
from ticketing.catalogue import CatalogueError, parse_event_document
from ticketing.event import Event, Performance, Venue
from ticketing.seating import SeatingPlan

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Known:
    """One event as of a revision of its document."""

    rev: int
    venue: Venue
    plan: SeatingPlan
    event: Event


class MirrorCatalogue:
    """Every event in the mirror. Usable from any thread."""

    def __init__(self, mirror: Mirror) -> None:
        self._mirror = mirror
        self._known: dict[str, Known] = {}
        self._unreadable: dict[str, int] = {}
        self._guard = threading.Lock()

    def events(self) -> tuple[Known, ...]:
        """All events that this program can read, in the order of their ids."""
        with self._mirror.reading() as connection:
            rows = connection.execute(
                "SELECT id, rev FROM doc WHERE kind = 'event' AND id = stream ORDER BY id"
            ).fetchall()
        found = (self._load(row["id"], row["rev"]) for row in rows)
        return tuple(known for known in found if known is not None)

    def event(self, event_id: str) -> Known | None:
        """One event, or None when the mirror lacks it or this program cannot read it."""
        with self._mirror.reading() as connection:
            row = connection.execute(
                "SELECT rev FROM doc WHERE stream = ? AND kind = 'event' AND id = ?",
                (event_id, event_id),
            ).fetchone()
        return self._load(event_id, row["rev"]) if row else None

    def performance(self, number: int) -> tuple[Known, Performance] | None:
        """The event that a performance number belongs to, and the performance."""
        for known in self.events():
            performance = known.event.performance(number)
            if performance is not None:
                return known, performance
        return None

    def _load(self, event_id: str, rev: int) -> Known | None:
        with self._guard:
            known = self._known.get(event_id)
            if known is not None and known.rev == rev:
                return known
            if self._unreadable.get(event_id) == rev:
                return None
            with self._mirror.reading() as connection:
                row = connection.execute(
                    "SELECT rev, body FROM doc WHERE stream = ? AND kind = 'event' AND id = ?",
                    (event_id, event_id),
                ).fetchone()
            return self._parse(event_id, row["rev"], row["body"]) if row else None

    def _parse(self, event_id: str, rev: int, body: str) -> Known | None:
        try:
            venue, plan, event = parse_event_document(json.loads(body), source=f"event {event_id}")
        except CatalogueError as error:  # of a newer server: the other events go on
            self._unreadable[event_id] = rev
            _log.error("event_unreadable", event_id=event_id, rev=rev, problem=str(error))
            return None
        known = self._known[event_id] = Known(rev, venue, plan, event)
        return known

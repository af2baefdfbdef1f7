"""The catalogue as the mirror has it: events with their plans, parsed once per revision."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass

from edge.mirror import Mirror
from ticketing.catalogue import parse_event_document
from ticketing.event import Event, Performance, Venue
from ticketing.seating import SeatingPlan


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
        self._guard = threading.Lock()

    def events(self) -> tuple[Known, ...]:
        """All events, in the order of their ids."""
        with self._mirror.reading() as connection:
            rows = connection.execute(
                "SELECT stream, rev FROM doc WHERE kind = 'event' ORDER BY stream"
            ).fetchall()
        return tuple(self._load(row["stream"], row["rev"]) for row in rows)

    def event(self, event_id: str) -> Known | None:
        """One event, or None when the mirror lacks it."""
        return next((known for known in self.events() if known.event.id == event_id), None)

    def performance(self, number: int) -> tuple[Known, Performance] | None:
        """The event that a performance number belongs to, and the performance."""
        for known in self.events():
            performance = known.event.performance(number)
            if performance is not None:
                return known, performance
        return None

    def _load(self, event_id: str, rev: int) -> Known:
        with self._guard:
            known = self._known.get(event_id)
            if known is not None and known.rev == rev:
                return known
            with self._mirror.reading() as connection:
                body = connection.execute(
                    "SELECT body FROM doc WHERE stream = ? AND kind = 'event' AND id = ?",
                    (event_id, event_id),
                ).fetchone()
            venue, plan, event = parse_event_document(
                json.loads(body["body"]), source=f"event {event_id}"
            )
            known = self._known[event_id] = Known(rev, venue, plan, event)
            return known

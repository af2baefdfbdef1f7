"""Which event uses which plan: looked up in the events' documents, and kept until these change."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass

from sqlalchemy import Connection, text

from sync_server.services.plan_store import plan_digest
from ticketing.text import Text


@dataclass(frozen=True, slots=True)
class PlanUse:
    """An event uses a plan. `digest` is that of the plan as the event's document has it."""

    event_id: str
    event_name: Text
    plan_id: str
    digest: str


class PlanUses:
    """For one database. Called from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[str, PlanUse]] = {}

    def read(self, connection: Connection, generation: str) -> list[PlanUse]:
        """All of them, by event. Another history gives the same revisions out again."""
        rows = connection.execute(
            text(
                "SELECT event_id, rev FROM doc WHERE kind = 'event' AND id = event_id "
                "ORDER BY event_id"
            )
        )
        with self._lock:
            known = self._kept
        found = {}
        for event_id, rev in rows:
            mark = f"{generation}/{rev}"
            kept = known.get(event_id)
            if kept is None or kept[0] != mark:
                kept = mark, _read_use(connection, event_id)
            found[event_id] = kept
        with self._lock:
            self._kept = found
        return [use for _mark, use in found.values()]


def _read_use(connection: Connection, event_id: str) -> PlanUse:
    body = connection.execute(
        text("SELECT body FROM doc WHERE event_id = :e AND kind = 'event' AND id = :e"),
        {"e": event_id},
    ).scalar_one()
    document = json.loads(body)
    plan, name = document["plan"], document["event"]["name"]
    return PlanUse(event_id, Text.from_names(name), plan["id"], plan_digest(plan))

"""What became of an event, by the audit: who changed it, when, and what."""

from __future__ import annotations

import json
from collections.abc import Container, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from sync_server.services.audit import Deed
from sync_server.services.event_differences import Differences
from sync_server.store.audit import Row

HISTORY_SHOWN_MAX = 50
LOOKED_AT_MAX = 20_000
"""Records of the audit for one page: a tenth of a second, however large the audit is."""


@dataclass(frozen=True, slots=True)
class Step:
    """One deed that changed an event or a performance of it."""

    deed: Deed
    at_ms: int
    actor_kind: str
    actor_id: str
    about: str
    reason: str
    differences: Differences


def history_marks(event_id: str) -> list[str]:
    """By what the audit's records of an event are known. A text in a record has its quotation
    marks escaped, so none can pass for one of these.
    """
    return [
        f'"about":"event:{event_id}"',
        f'"about":"performance:{event_id}:',
        f'"deed":"{Deed.CATALOGUE_IMPORTED.value}"',
    ]


def read_steps(rows: Iterable[Row], deeds: Container[Deed]) -> list[Step]:
    """The deeds of records, as far as they are of these kinds: others are about events, too."""
    steps = (_step(int(row[2]), json.loads(row[3])) for row in rows)
    return [each for each in steps if each.deed in deeds]


def person_names(connection: Connection) -> dict[str, str]:
    """Everybody who ever had an account, by id."""
    rows = connection.execute(text("SELECT id, name FROM person"))
    return {str(row[0]): str(row[1]) for row in rows}


def _step(at_ms: int, body: dict[str, Any]) -> Step:
    before, after = body.get("before") or {}, body.get("after") or {}
    count = after.pop("count", 0)
    return Step(
        Deed(body["deed"]),
        at_ms,
        body["actor"]["kind"],
        body["actor"].get("id", ""),
        body["about"],
        body.get("reason", ""),
        Differences(before, after, int(count)),
    )

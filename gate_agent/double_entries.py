"""Double entries that this gate was part of: told to its people as soon as the server has found out.

The server opens a case when the facts of gates that could not hear each other meet; it comes with
the feed. Each state of a case is told once in a run of the program.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from edge.admission_words import tell_causes
from edge.mirror import Mirror
from ticketing.admission import Cause, instant_of

KIND = "double_entry"
OPEN, CLOSED = "open", "closed"
CASES_MAX = 200
"""The newest; nobody at a gate reads more."""
RECENT_MS = 12 * 3_600_000
"""An open case is of this evening when its last entry is no older."""


@dataclass(frozen=True, slots=True)
class EntryTold:
    """One entry of the ticket, by the centre's clock. `gate` is its name, or its id if unknown."""

    gate: str
    lane: str
    at_ms: int
    offline: bool
    people: tuple[str, ...]
    """Who let it in by hand; ids."""
    is_ours: bool


@dataclass(frozen=True, slots=True)
class DoubleEntry:
    """A ticket that was let in too often, and here among others. `causes`: the likeliest first."""

    ticket_id: str
    performance: int
    unit: int
    is_open: bool
    entries: tuple[EntryTold, ...]
    causes: tuple[Cause, ...]

    def is_recent(self, now_ms: int) -> bool:
        """Whether it is of this evening."""
        return max(entry.at_ms for entry in self.entries) > now_ms - RECENT_MS


@dataclass(slots=True)
class DoubleEntryWatch:
    """Tells of cases as the feed brings them. Called on the sync engine's thread."""

    mirror: Mirror
    node_id: str
    place_of: Callable[[int, int], str]
    language: str
    say: Callable[[dict[str, object]], None]
    _told: dict[str, DoubleEntry] = field(default_factory=dict)
    """By case: as it was when we told of it."""

    def open_count(self, now_ms: int) -> int:
        """How many are open and of this evening. On any thread."""
        told = list(self._told.values())
        return sum(case.is_open and case.is_recent(now_ms) for case in told)

    def on_pulled(self, kinds: frozenset[str]) -> None:
        """Rows of these kinds have come."""
        if "case" not in kinds:
            return
        cases = dict(double_entries(self.mirror, self.node_id))
        for case_id, case in cases.items():
            if self._is_news(case_id, case):
                self._told[case_id] = case
                self.say(self._line(case))
        # Of those that are older than the newest nothing more is told.
        self._told = {case_id: case for case_id, case in self._told.items() if case_id in cases}

    def _is_news(self, case_id: str, case: DoubleEntry) -> bool:
        """One that is settled is news only to who was told that it is open."""
        before = self._told.get(case_id)
        return (before is not None and before.is_open) is not case.is_open

    def _line(self, case: DoubleEntry) -> dict[str, object]:
        return {
            "case": KIND,
            "state": OPEN if case.is_open else CLOSED,
            "ticket": case.ticket_id,
            "performance": case.performance,
            "place": self.place_of(case.performance, case.unit),
            "causes": list(case.causes),
            "sentences": tell_causes(case.causes, self.language),
            "entries": [
                {
                    "gate": entry.gate,
                    "lane": entry.lane,
                    "at": instant_of(entry.at_ms).isoformat(timespec="milliseconds"),
                    "offline": entry.offline,
                    "by": list(entry.people),
                    "here": entry.is_ours,
                }
                for entry in case.entries
            ],
        }


def double_entries(mirror: Mirror, node_id: str) -> Iterator[tuple[str, DoubleEntry]]:
    """(case id, case) of every double entry that this gate was part of, newest first."""
    with mirror.reading() as connection:
        rows = connection.execute(
            "SELECT id, state, body FROM case_file WHERE kind = ? ORDER BY rev DESC LIMIT ?",
            (KIND, CASES_MAX),
        ).fetchall()
        names = dict(connection.execute("SELECT id, name FROM node").fetchall())
    for row in rows:
        case = _read(json.loads(row["body"]), row["state"] == OPEN, names, node_id)
        if any(entry.is_ours for entry in case.entries):
            yield row["id"], case


def _read(
    body: Mapping[str, Any], is_open: bool, names: Mapping[str, str], node_id: str
) -> DoubleEntry:
    """A case of the feed; a cause that only a newer server knows is left out."""
    known = tuple(Cause)
    return DoubleEntry(
        body["ticket"],
        body.get("performance", 0),
        body.get("unit", 0),
        is_open,
        tuple(_entry(raw, names, node_id) for raw in body["entries"]),
        tuple(Cause(cause) for cause in body.get("causes", ()) if cause in known),
    )


def _entry(raw: Mapping[str, Any], names: Mapping[str, str], node_id: str) -> EntryTold:
    gate = raw["node_id"]
    return EntryTold(
        names.get(gate, gate),
        raw["lane"],
        raw["at_ms"],
        bool(raw["offline"]),
        tuple(raw.get("by", ())),
        gate == node_id,
    )

"""The most that an agency may have of a performance: lent to its windows, or sold by them.

What a manager says, kept beside the rules of lending in the same document of the event. It bounds
what is lent, and so what can be sold without the network. What is lent already stays where it is;
a sale that a journal tells of is a fact, and counts.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum

from sync_server.heart.lending_rules import LENDING_DOC, lending_document
from sync_server.heart.work import Work
from ticketing.claim import ClaimKind

AGENCY_UNITS_MAX = 100_000
_HAD = (ClaimKind.ALLOT, ClaimKind.SOLD)


def limits_of(text: str | None) -> dict[str, int]:
    """The limits of an event's document, by agency: units of each performance."""
    return dict(lending_document(text).get("agencies", {}))


def room_of(work: Work, node_id: str, performance: int) -> int | None:
    """How many units more a window may be lent, never below 0; None for as many as there are."""
    agency = work.agency_of(node_id)
    most = limits_of(work.doc(LENDING_DOC)).get(agency) if agency else None
    return None if most is None else max(0, most - len(_had(work, agency, performance)))


def _had(work: Work, agency: str, performance: int) -> set[int]:
    """What the agency has, with what this very batch changes."""
    rows = work.sql.rows(
        "SELECT c.unit FROM claim c JOIN node n ON n.id = c.node_id WHERE c.event_id = ? "
        "AND c.perf_id = ? AND c.kind IN ('allot', 'sold') AND n.agency = ?",
        work.stream,
        performance,
        agency,
    )
    units = {int(row[0]) for row in rows}
    for (number, unit), claim in work.claims.changed.items():
        if number == performance:
            units.discard(unit)
            if claim.kind in _HAD and work.agency_of(claim.node_id) == agency:
                units.add(unit)
    return units


class NoLimit(StrEnum):
    """Why a limit was not set."""

    AGENCY = "agency"  # there is none of this id that sells
    COUNT = "count"


@dataclass(frozen=True, slots=True)
class LimitSet:
    """A limit was set; None is none."""

    before: int | None
    after: int | None


@dataclass(frozen=True, slots=True)
class SetAgencyLimit:
    """Say how much an agency may have of each performance of an event; None takes the limit away."""

    stream: str
    agency: str
    most: int | None

    def want(self, work: Work) -> None:
        """Nothing: a document is read when it is asked for."""

    def apply(self, work: Work) -> LimitSet | NoLimit:
        """From the next request of a window on."""
        if self.most is not None and not 0 <= self.most <= AGENCY_UNITS_MAX:
            return NoLimit.COUNT
        if work.sql.row("SELECT 1 FROM agency WHERE id = ?", self.agency) is None:
            return NoLimit.AGENCY
        document = lending_document(work.doc(LENDING_DOC))
        limits = dict(document.get("agencies", {}))
        before = limits.pop(self.agency, None)
        if self.most is not None:
            limits[self.agency] = self.most
        if before != self.most:
            document |= {"agencies": limits}
            text = json.dumps(document, separators=(",", ":"), sort_keys=True)
            work.put_doc(LENDING_DOC, text)
        return LimitSet(before, self.most)

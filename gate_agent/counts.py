"""How many went in: counted anew from what the mirror and our own journal hold, never counted up."""

from __future__ import annotations

import heapq
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter

from edge.catalogue import Known, MirrorCatalogue
from edge.database import let_go_of_pages
from edge.errors import ReplicaError
from edge.replica import Replica
from gate_agent.facts import LEFT
from program.logs import get_logger
from ticketing.admission.catalogued import let_in_at
from ticketing.journal import OpKind
from ticketing.operations import GateCause, decode_walked

PERIOD_S = 2.0
"""Counted at most so often."""
_SHARE_MAX = 0.05
"""Counting takes at most this share of a processor: large houses are counted less often."""
_COUNTED = frozenset({"granted", "passed"})
_WALKED_FOR_MS = 18 * 3_600_000
"""People without a ticket are counted for an evening and the afternoon before it."""
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Numbers:
    """People, over all performances that anybody is let in to now.

    `entered_count` is of tickets that went in and were not returned, `inside_count` less those that
    went out again; `inside_by_area` has the latter by the area of the ticket's place, by its name.
    """

    at_ms: int = 0
    total_count: int = 0
    entered_count: int = 0
    inside_count: int = 0
    inside_by_area: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Counts:
    """Counts beside the work. `run` is supervised; the rest is called from any thread."""

    replica: Replica
    catalogue: MirrorCatalogue
    corrected_ms: Callable[[], int]
    language: str
    numbers: Numbers = field(default_factory=Numbers)
    _news: threading.Event = field(default_factory=threading.Event)

    def changed(self) -> None:
        """Somebody went in or out, or tickets were sold."""
        self._news.set()

    def run(self, stop: threading.Event) -> None:
        """Until `stop`."""
        self._news.set()
        while not stop.is_set():
            took_s = self._count_news()
            stop.wait(max(PERIOD_S, took_s / _SHARE_MAX))

    def _count_news(self) -> float:
        """Count if there is news; the processor's seconds that it took."""
        if not self._news.is_set():
            return 0.0
        self._news.clear()
        began_s = time.thread_time()
        try:
            self.numbers = self.count()
        except ReplicaError as error:  # the numbers of before stand
            _log.warning("not_counted", error=str(error))
        return time.thread_time() - began_s

    def count(self) -> Numbers:
        """Count now. Raises ReplicaError."""
        now_ms = self.corrected_ms()
        now = datetime.fromtimestamp(now_ms / 1000, UTC)
        total = entered = inside = 0
        areas: Counter[str] = Counter()
        for known in self.catalogue.events():
            served = let_in_at(known.event, now)
            if not served:
                continue
            house = self._of_event(known, served)
            total += house.total_count
            entered += house.entered_count
            inside += house.inside_count
            areas.update(house.inside_by_area)
        return Numbers(now_ms, total, entered, inside, dict(areas))

    def _of_event(self, known: Known, served: frozenset[int]) -> Numbers:
        stream = known.event.id
        crowd = Crowd(known, served, self.language)
        with self.replica.reading() as journal, self.replica.mirror.reading() as mirror:
            total = _valid_count(mirror, stream, served)
            own, told = _own_entries(journal, stream), _told_entries(mirror, stream)
            for _op, phase, ticket, performance, unit in _once(own, told):
                crowd.add(phase, ticket, performance, unit)
            let_go_of_pages(journal)
            let_go_of_pages(mirror)
        return crowd.numbers(total)


class Crowd:
    """The people of one event. Holds a number for each ticket, not its row: houses are large."""

    def __init__(self, known: Known, served: frozenset[int], language: str) -> None:
        self._plan = known.plan
        self._served = served
        self._language = language
        self._went_in: set[int] = set()
        self._inside: Counter[str] = Counter()

    def add(self, phase: str, ticket_id: str, performance: int, unit: int) -> None:
        """An entry or exit, once."""
        if performance not in self._served or not self._plan.has_unit(unit):
            return
        area = self._plan.area_of(unit).id
        if phase in _COUNTED:
            self._went_in.add(int(ticket_id, 16))
            self._inside[area] += 1
        elif phase == LEFT:
            self._inside[area] -= 1

    def numbers(self, total_count: int) -> Numbers:
        """What came of it. Somebody who came in unheard of yet, and left, is nobody inside."""
        by_area: dict[str, int] = {}
        for area in self._plan.areas:
            count = self._inside[area.id]
            if count > 0:
                name = area.name.in_language(self._language)
                by_area[name] = by_area.get(name, 0) + count
        return Numbers(0, total_count, len(self._went_in), sum(by_area.values()), by_area)


def walked_before(replica: Replica, lane: str, now_ms: int) -> dict[GateCause, int]:
    """People without a grant at a lane that earlier runs of the program wrote down, this evening."""
    with replica.reading() as journal:
        rows = journal.execute(
            "SELECT body FROM op WHERE kind = ? AND wall_ms >= ?",
            (OpKind.WALKED.value, now_ms - _WALKED_FOR_MS),
        ).fetchall()
    found: Counter[GateCause] = Counter()
    for row in rows:
        walked = decode_walked(row["body"])
        if walked is not None and walked.lane == lane:
            found[walked.cause] += walked.count
    return dict(found)


def _once(own: Iterable[sqlite3.Row], told: Iterable[sqlite3.Row]) -> Iterable[sqlite3.Row]:
    """Each operation once: where both tell of it, as our own. Holds none of them: houses are large."""
    operation = itemgetter(0)
    in_order = heapq.merge(own, told, key=operation)  # of two equal ones the first one's first
    return (next(rows) for _op, rows in groupby(in_order, key=operation))


def _valid_count(mirror: sqlite3.Connection, stream: str, served: frozenset[int]) -> int:
    marks = ",".join("?" * len(served))
    row = mirror.execute(
        f"SELECT count(*) FROM ticket WHERE stream = ? AND performance IN ({marks}) "  # noqa: S608 - only question marks are put in
        "AND state = 'valid'",
        (stream, *sorted(served)),
    ).fetchone()
    return int(row[0])


def _told_entries(mirror: sqlite3.Connection, stream: str) -> Iterable[sqlite3.Row]:
    """Operation, phase, ticket, performance, unit of what the server told, by operation."""
    return mirror.execute(
        "SELECT e.op_id, e.phase, e.ticket_id, t.performance, t.unit FROM entry e "
        "CROSS JOIN ticket t ON t.stream = e.stream AND t.id = e.ticket_id "  # entries first
        "WHERE e.stream = ? ORDER BY e.op_id",
        (stream,),
    )


def _own_entries(journal: sqlite3.Connection, stream: str) -> Iterable[sqlite3.Row]:
    """The same of what this gate did: it knows the end of its own entries first."""
    return journal.execute(
        "SELECT op_id, phase, ticket_id, performance, unit FROM entry WHERE stream = ? "
        "ORDER BY op_id",
        (stream,),
    )

"""A new history of the database, and the quarantine in which nodes say what the old one held.

A restore or a failover may have lost the last part of the history, and with it grants of units
that tills go on selling. So every event's units stand still until each till has pushed what its
journal has, and has declared the allotments it ever received; then `heart.recovery` joins them.

Why nothing of the lost part can be mistaken for something new:

* An allotment's id is made of the generation's random short id and a feed revision. Revisions do
  begin again below those that nodes have seen; the generation differs.
* A node's cursor is only worth something together with its generation: another one makes it forget
  its copy and read from 0.
* A superseded owner is fenced by the epoch, which every new generation raises; what lends asks the
  database for the generation, never memory.
* The present generation is the one that started last; the start is forced above all earlier ones,
  so that a clock that was put back can't bring an old one up again.
* Operations, orders, tickets and requests carry random ids of their own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sync_server.heart.asked import ASKED_STATE, Asked
from sync_server.heart.cases import CaseKind, open_case
from sync_server.heart.recovery import recover
from sync_server.heart.source import NodeRole, Source
from sync_server.heart.work import ALL_REPORT, LOST_REPORT, Work
from sync_server.store.sql import Sql
from ticketing.ids import AllotmentId

DECLARED_PER_CALL_MAX = 200
ASKED_PER_CALL_MAX = 200
DECLARED_PER_NODE_MAX = 5_000
DECLARED_CHARS_PER_NODE_MAX = 4_000_000
HUB_DECLARES_TIMES = 4
"""A hub reports for all tills below it."""
UNITS_PER_ALLOTMENT_MAX = 2_000


@dataclass(frozen=True, slots=True)
class NewGeneration:
    """A history to begin: `id` is a UUIDv7 and `short` random, never made of restored data.

    `timeline` is PostgreSQL's, 0 on SQLite. `lost` are short ids of generations that are known to
    have been, though this database may have no trace of them.
    """

    id: str
    short: str
    now_ms: int
    reason: str
    timeline: int = 0
    lost: tuple[str, ...] = ()


def begin_generation(sql: Sql, made: NewGeneration) -> None:
    """Begin a new history, and have every active till report on every event; for those below a hub
    the hub does, which has what they sell from.
    """
    started_ms = _note_lost(sql, made)
    sql.run(
        "INSERT INTO generation (id, short, started_ms, reason, timeline) VALUES (?, ?, ?, ?, ?)",
        made.id,
        made.short,
        started_ms,
        made.reason,
        made.timeline,
    )
    sql.run("UPDATE stream SET epoch = epoch + 1, owner_url = '', lease_until_ms = 0")
    sql.run("UPDATE node SET hello_session = '', hello_turn = 0")  # nobody has greeted it yet
    sql.run("DELETE FROM quarantine")
    sql.run(
        "INSERT INTO quarantine (event_id, node_id, state) SELECT s.event_id, n.id, 'waiting' "
        "FROM stream s, node n WHERE s.kind = 'event' AND n.state = 'active' "
        "AND (n.role = 'till' AND n.hub = '' OR n.role = 'hub' AND n.id IN "
        "(SELECT hub FROM node WHERE role = 'till' AND state = 'active'))"
    )
    sql.run(
        "UPDATE stream SET quarantine = ? WHERE kind = 'event' "
        "AND event_id IN (SELECT event_id FROM quarantine)",
        ALL_REPORT,
    )


def _note_lost(sql: Sql, made: NewGeneration) -> int:
    """Remember the histories that are over; the first moment after every known generation."""
    rows = sql.rows("SELECT short, started_ms FROM generation")
    known = {row[0] for row in rows}
    after_ms = max((row[1] for row in rows), default=0) + 1
    for short in dict.fromkeys(made.lost):
        if short not in known and short != made.short:
            sql.run(
                "INSERT INTO generation (id, short, started_ms, reason) VALUES (?, ?, ?, 'lost')",
                f"lost-{short}",
                short,
                after_ms,
            )
            after_ms += 1
    return max(made.now_ms, after_ms)


@dataclass(frozen=True, slots=True)
class Declared:
    """An allotment as a node received it. `granted_ms` is the server's time then, 0 if unknown.

    `over`: the node sells nothing more from it. What closed it, a write-off say, may be lost.
    """

    id: AllotmentId
    performance: int
    firm: bool
    units: tuple[tuple[int, int], ...]
    counts: tuple[tuple[str, int], ...] = ()
    req: str = ""
    granted_ms: int = 0
    soft_s: int = 0
    hard_s: int = 0
    over: bool = False


@dataclass(frozen=True, slots=True)
class Reported:
    """The declaration is stored; `quarantined`: the event still waits for this node or others."""

    quarantined: bool


@dataclass(frozen=True, slots=True)
class OtherGeneration:
    """The node speaks of another history than the present one: hello first."""

    generation: str


@dataclass(frozen=True, slots=True)
class Declare:
    """A till says which allotments of an event it ever received; `done` with the last call.

    It says `done` once its journal has been pushed. Saying it again changes nothing. `asked`: the
    revocations that it asked for and that its journal does not tell of.
    """

    source: Source
    generation: str
    allotments: tuple[Declared, ...]
    done: bool
    asked: tuple[Asked, ...] = ()

    @property
    def stream(self) -> str:
        """The event."""
        return self.source.stream

    def want(self, work: Work) -> None:
        """Name the allotments."""
        work.allots.want(str(one.id) for one in self.allotments)

    def apply(self, work: Work) -> Reported | OtherGeneration:
        """Keep what this history does not know; recover once nobody is waited for any more."""
        if self.generation != work.generation:
            return OtherGeneration(work.generation)
        if work.is_house or not work.quarantine_level:
            return Reported(quarantined=False)
        if not work.awaits(self.source.node_id):
            return Reported(quarantined=False)
        for one in self.allotments:
            self._keep(work, one)
        for asked in self.asked:
            self._insert(work, asked.op_id, ASKED_STATE, asked.to_text())
        if self.done:
            _mark(work, [self.source.node_id], "reported")
            _leave_if_complete(work)
        return Reported(work.awaits(self.source.node_id))

    def _keep(self, work: Work, one: Declared) -> None:
        node_id = self.source.node_id
        known = work.allots.get(str(one.id))
        if known is not None and known.state != "held":
            if known.node_id != node_id:
                _refuse(work, self.source, one, "of_another_node")
            elif one.over and known.state == "open" and known.inc == self.source.incarnation:
                self._store(work, one, "over")
            return
        if one.id.generation == work.generation or len(one.units) > UNITS_PER_ALLOTMENT_MAX:
            _refuse(work, self.source, one, "never_granted")
            return
        self._store(work, one, "pending")

    def _store(self, work: Work, one: Declared, state: str) -> None:
        node_id = self.source.node_id
        row = work.sql.row(
            "SELECT count(*), coalesce(sum(length(body)), 0) FROM declared "
            "WHERE event_id = ? AND node_id = ?",
            work.stream,
            node_id,
        )
        assert row is not None, "an aggregate always has a row"
        times = HUB_DECLARES_TIMES if self.source.role == NodeRole.HUB else 1
        rows_max, chars_max = DECLARED_PER_NODE_MAX * times, DECLARED_CHARS_PER_NODE_MAX * times
        if row[0] >= rows_max or row[1] >= chars_max:
            _refuse(work, self.source, one, "too_many")
            return
        self._insert(work, str(one.id), state, declared_to_text(one))

    def _insert(self, work: Work, row_id: str, state: str, body: str) -> None:
        work.sql.run(
            "INSERT INTO declared (event_id, id, node_id, inc, state, body) "
            "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (event_id, id, node_id) DO NOTHING",
            work.stream,
            row_id,
            self.source.node_id,
            self.source.incarnation,
            state,
            body,
        )


@dataclass(frozen=True, slots=True)
class GivenUp:
    """These nodes are not waited for any more; `quarantined`: others still are."""

    node_ids: tuple[str, ...]
    quarantined: bool


@dataclass(frozen=True, slots=True)
class ListLost:
    """Two people give nodes up for lost: the event goes on without their reports.

    What such a node holds of the lost part of the history may be sold twice: the case says who
    took that on. Should it come back, it reports by itself before it is served.
    """

    stream: str
    node_ids: tuple[str, ...]
    by: str
    second: str
    why: str = field(default="")

    def want(self, work: Work) -> None:
        """Nothing beforehand."""

    def apply(self, work: Work) -> GivenUp:
        """Note it for those that are waited for, and recover when nobody is any more."""
        assert self.by != self.second, "two people"
        waited = [node for node in self.node_ids if node in waiting_nodes(work.sql, work.stream)]
        if not work.quarantine:
            return GivenUp((), quarantined=False)
        _mark(work, waited, "lost")
        for node_id in waited:
            body = {"node": node_id, "by": self.by, "second": self.second, "why": self.why}
            open_case(work, CaseKind.GRANT, f"{work.generation}:lost:{node_id}", body)
        _leave_if_complete(work)
        return GivenUp(tuple(waited), work.quarantine)


def waiting_nodes(sql: Sql, stream: str) -> tuple[str, ...]:
    """The tills that an event waits for."""
    rows = sql.rows(
        "SELECT node_id FROM quarantine WHERE event_id = ? AND state = 'waiting' ORDER BY node_id",
        stream,
    )
    return tuple(row[0] for row in rows)


def quarantined_streams(sql: Sql, node_id: str) -> tuple[str, ...]:
    """The events in which a node's word on units waits, for its own report or for others'."""
    rows = sql.rows(
        "SELECT s.event_id FROM stream s LEFT JOIN quarantine q "
        "ON q.event_id = s.event_id AND q.node_id = ? "
        "WHERE s.quarantine = ? OR (s.quarantine = ? AND q.state = 'lost') ORDER BY s.event_id",
        node_id,
        ALL_REPORT,
        LOST_REPORT,
    )
    return tuple(row[0] for row in rows)


def declared_to_text(one: Declared) -> str:
    """As the `declared` table keeps it."""
    body: Mapping[str, object] = {
        "p": one.performance,
        "firm": one.firm,
        "units": one.units,
        "counts": dict(one.counts),
        "req": one.req,
        "granted_ms": one.granted_ms,
        "soft_s": one.soft_s,
        "hard_s": one.hard_s,
        "over": one.over,
    }
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def _refuse(work: Work, source: Source, one: Declared, code: str) -> None:
    body = {"node": source.node_id, "allotment": str(one.id), "p": one.performance, "code": code}
    open_case(work, CaseKind.GRANT, f"{one.id}:{source.node_id}", body)


def _mark(work: Work, node_ids: Iterable[str], state: str) -> None:
    for node_id in node_ids:
        work.sql.run(
            "UPDATE quarantine SET state = ? WHERE event_id = ? AND node_id = ?",
            state,
            work.stream,
            node_id,
        )
    work.forget_lost()


def _leave_if_complete(work: Work) -> None:
    """Nobody is waited for: what was deferred and declared is joined, and the event goes on.

    With the journals of lost nodes missing the event goes on as well, but not for those nodes.
    """
    if work.quarantine and waiting_nodes(work.sql, work.stream):
        return
    recover(work)
    lost = work.sql.row(
        "SELECT count(*) FROM quarantine WHERE event_id = ? AND state = 'lost'", work.stream
    )
    assert lost is not None, "an aggregate always has a row"
    work.quarantine_level = LOST_REPORT if lost[0] else 0
    work.sql.run(
        "UPDATE stream SET quarantine = ? WHERE event_id = ?", work.quarantine_level, work.stream
    )
    work.forget_lost()

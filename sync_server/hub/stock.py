"""What a hub was lent by the centre to lend on: whole allotments, each to one till, and for good.

At the centre every allotment stays the hub's. Here its row says which till has it. A till sells
from it, and gives it back, by its own journal alone, which the centre judges as it comes; so no
word of ours has to reach the centre before a till's. What an earlier history of ours was lent is
never lent on: nobody knows who has it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, text

from sync_server.heart.lending import (
    UNITS_PER_GRANT_MAX,
    Acquire,
    Grant,
    NoGrant,
    grant_of,
    no_performance,
)
from sync_server.heart.lending_rules import LendMode, rule_for
from sync_server.heart.policy import Policy
from sync_server.heart.rows import Allot, Claim
from sync_server.heart.share import Refill
from sync_server.heart.source import Source
from sync_server.heart.units import units_of
from sync_server.heart.work import Work
from ticketing.claim import ClaimKind
from ticketing.ids import is_op_id

PIECE_UNITS = 8
"""What the hub asks for at a time: a till that picks a seat gets the whole piece around it."""
UNITS_PER_TILL = 40
"""So many units of each performance the hub has ready for each till below it."""
UNLENT_PER_CALL = 200
DECLARED_PER_CALL = 200
_TILLS = "SELECT count(*) FROM node WHERE hub = :h AND role = 'till' AND state = 'active'"
_ALLOT_COLUMNS = "id, node_id, inc, perf_id, req, firm, state, granted_ms, soft_s, hard_s, body"


def req_of(generation: str, rest: str) -> str:
    """A request of this history of ours: by it we know again what it was lent. 32 hex digits."""
    return generation + rest[: 32 - len(generation)]


@dataclass(frozen=True, slots=True)
class Missing:
    """The hub has not these units, which nobody seems to have, or nothing: the centre may lend it."""

    units: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class LendOn:
    """Give a till what it wishes out of what the hub has.

    `hub_id`, and our `generation`. `just_lent`: an allotment that the centre has lent us meanwhile.
    """

    source: Source
    wish: Acquire
    hub_id: str
    generation: str
    just_lent: Mapping[str, Any] | None = None
    policy: Policy = field(default_factory=Policy)

    @property
    def stream(self) -> str:
        """The event."""
        return self.source.stream

    def want(self, work: Work) -> None:
        """Name the units, when they are known."""
        work.claims.want((self.wish.performance, unit) for unit in self.wish.units)
        work.journals.want([(self.source.node_id, self.source.incarnation)])

    def apply(self, work: Work) -> tuple[Grant, ...] | Missing | NoGrant:
        """The allotments that are the till's now; the same ones for the same request."""
        if self.just_lent is not None:
            put_lent(work, self.hub_id, self.just_lent)
        earlier = self._earlier(work)
        if earlier:
            return tuple(map(grant_of, earlier))
        if work.journal(self.source.node_id, self.source.incarnation).state != "open":
            return NoGrant.FENCED
        refusal = no_performance(work, self.wish.performance)
        if refusal is not None:
            return refusal
        if len(self.wish.units) > UNITS_PER_GRANT_MAX or self.wish.count > UNITS_PER_GRANT_MAX:
            return NoGrant.LIMIT
        if rule_for(work, self.source.node_id).mode is LendMode.NONE:
            return NoGrant.LIMIT
        ready = self._ready(work)
        chosen = self._with_units(work, ready) if self.wish.units else self._about(work, ready)
        if not isinstance(chosen, list):
            return chosen
        for number, allot in enumerate(chosen):
            self._pass_on(work, allot, number)
        return tuple(map(grant_of, chosen))

    def _earlier(self, work: Work) -> list[Allot]:
        rows = work.sql.rows(
            "SELECT id FROM allot WHERE event_id = ? AND node_id = ? AND (req = ? OR req LIKE ?)",
            work.stream,
            self.source.node_id,
            self.wish.req,
            f"{self.wish.req}.%",
        )
        found = {row[0] for row in rows}
        found |= {
            one.id
            for one in work.allots.changed.values()
            if one.node_id == self.source.node_id and one.req.partition(".")[0] == self.wish.req
        }
        allots = (work.allots.get(allot_id) for allot_id in found)
        given = [one for one in allots if one is not None]
        return sorted(given, key=lambda one: int(one.req.partition(".")[2] or 0))  # as at first

    def _ready(self, work: Work) -> list[Allot]:
        """What may be lent on of the performance, the oldest first."""
        rows = work.sql.rows(
            "SELECT id FROM allot WHERE event_id = ? AND perf_id = ? AND node_id = ? "
            "AND state = 'open'",
            work.stream,
            self.wish.performance,
            self.hub_id,
        )
        ids = {row[0] for row in rows} | set(work.allots.changed)
        work.allots.want(ids)
        found = [work.allots.get(allot_id) for allot_id in ids]
        ours = [one for one in found if one is not None and self._may_lend(one)]
        return sorted(ours, key=lambda one: (one.granted_ms, one.id))

    def _may_lend(self, allot: Allot) -> bool:
        is_here = (allot.node_id, allot.perf_id) == (self.hub_id, self.wish.performance)
        is_open = allot.state == "open" and not allot.recall
        return is_here and is_open and allot.req.startswith(self.generation)

    def _with_units(self, work: Work, ready: list[Allot]) -> list[Allot] | Missing | NoGrant:
        """The allotments that have these very units, and the shares of pools wished with them."""
        wish, missing = self.wish, []
        of_unit = {unit: allot for allot in ready for unit, _version in units_of(allot)}
        chosen: dict[str, Allot] = {}
        for unit in wish.units:
            if unit in of_unit:
                chosen[of_unit[unit].id] = of_unit[unit]
                continue
            claim = work.claim(wish.performance, unit)
            if not work.plan.has_unit(unit):
                return NoGrant.UNKNOWN_UNIT
            if claim.kind == ClaimKind.ALLOT:
                is_own = claim.node_id == self.source.node_id
                return NoGrant.ALREADY_YOURS if is_own else NoGrant.LENT_ELSEWHERE
            if claim.kind != ClaimKind.FREE:
                return NoGrant.TAKEN
            missing.append(unit)
        if missing:
            return Missing(tuple(missing))
        lent: dict[str, int] = {}
        for allot in chosen.values():
            for pool, count in json.loads(allot.body).get("counts", {}).items():
                lent[pool] = lent.get(pool, 0) + count
        if any(lent.get(pool, 0) < count for pool, count in wish.counts):
            return NoGrant.POOL_EMPTY
        return list(chosen.values())

    def _about(self, work: Work, ready: list[Allot]) -> list[Allot] | Missing | NoGrant:
        """As many whole allotments as come to about what the till needs, or its part of all."""
        rule = rule_for(work, self.source.node_id)
        wish = self.wish
        refill = Refill(self.source, wish.performance, wish.count, 1, self.policy, rule)
        wanted = refill.wanted(work, work.claims_of(wish.performance))
        if wanted < 1:
            return NoGrant.ENOUGH
        row = work.sql.row(_TILLS.replace(":h", "?"), self.hub_id)
        tills = max(1, row[0] if row is not None else 1)
        wanted = min(wanted, -(-sum(len(units_of(one)) for one in ready) // tills))
        if not ready:
            return Missing(())
        chosen: list[Allot] = []
        for allot in ready:
            if wanted > 0:
                chosen.append(allot)
                wanted -= len(units_of(allot))
        return chosen

    def _pass_on(self, work: Work, allot: Allot, number: int) -> None:
        allot.node_id, allot.inc = self.source.node_id, self.source.incarnation
        allot.req = f"{self.wish.req}.{number}" if number else self.wish.req
        work.allots.put(allot.id, allot)
        work.claims.want((allot.perf_id, unit) for unit, _version in units_of(allot))
        for unit, version in units_of(allot):
            claim = work.claim(allot.perf_id, unit)
            is_news = claim.kind == ClaimKind.FREE and claim.version <= version
            if is_news or (claim.kind, claim.ref) == (ClaimKind.ALLOT, allot.id):
                claim.kind, claim.ref, claim.version = ClaimKind.ALLOT, allot.id, version
                claim.node_id = allot.node_id
                work.put_claim(claim)


def put_lent(work: Work, hub_id: str, told: Mapping[str, Any]) -> None:
    """An allotment as the centre's answer tells of it, unless the feed brought it before."""
    if work.allots.get(told["id"]) is not None or told["state"] != "open":
        return
    body: dict[str, object] = {"units": told["units"]}
    if told["counts"]:
        body["counts"] = told["counts"]
    allot = Allot(
        work.stream,
        told["id"],
        hub_id,
        told["inc"],
        told["p"],
        told["req"],
        int(told["firm"]),
        "open",
        told["granted_ms"],
        0,
        told["soft_s"],
        told["hard_s"],
        int(told["recall"]),
        json.dumps(body, separators=(",", ":")),
    )
    work.allots.put(allot.id, allot)


@dataclass(frozen=True, slots=True)
class StopLending:
    """Keep back what the centre asks for, and is with nobody, from tills: it can go back then."""

    stream: str
    hub_id: str
    generation: str

    def want(self, work: Work) -> None:
        """Nothing: which ones, the database says."""

    def apply(self, work: Work) -> int:
        """How many are to go back from now on."""
        rows = work.sql.rows(
            "SELECT id FROM allot WHERE event_id = ? AND node_id = ? AND state = 'open' "
            "AND recall = 1 AND req LIKE ? ORDER BY id LIMIT ?",
            work.stream,
            self.hub_id,
            f"{self.generation}%",
            UNLENT_PER_CALL,
        )
        for row in rows:
            allot = work.allots.get(row[0])
            assert allot is not None, "read a moment ago, in this very transaction"
            allot.state, allot.expires_ms = "closed", GOING_BACK
            work.allots.put(allot.id, allot)
        return len(rows)


GOING_BACK = 1
"""In place of a hold's end: closed here, and open at the centre as far as we have read."""


def merge_own(known: Allot | None, told: Allot, hub_id: str) -> None:
    """An allotment of ours as the centre tells of it: what only we know of it stays.

    Who has it, and by which request; and that we are done with it.
    """
    if told.node_id != hub_id or known is None:
        return
    if known.node_id != hub_id:
        told.node_id, told.inc, told.req = known.node_id, known.inc, known.req
    elif known.state == "closed" and told.state == "open":
        told.state, told.expires_ms = "closed", GOING_BACK


def merge_claim(work: Work, told: Claim, hub_id: str) -> None:
    """A unit of ours as the centre tells of it: who has it, or has sold it, we heard of first."""
    if (told.kind, told.node_id) != (ClaimKind.ALLOT, hub_id):
        return
    allot = work.allots.get(told.ref)
    if allot is not None:
        told.node_id = allot.node_id
    known = work.claims.get((told.perf_id, told.unit))
    if known is None or known.kind not in (ClaimKind.SOLD, ClaimKind.RETURNED):
        return
    ticket = work.tickets.get(known.ref)
    if ticket is not None and (ticket.allot_id, known.version) == (told.ref, told.version):
        told.kind, told.ref, told.node_id = known.kind, known.ref, known.node_id


@dataclass(frozen=True, slots=True)
class Lack:
    """A performance of which the hub should have more ready: how many requests that takes."""

    stream: str
    performance: int
    requests: int


def lacks(connection: Connection, hub_id: str, generation: str, now_ms: int) -> tuple[Lack, ...]:
    """Where tills below us should find more, for performances that are not over."""
    tills = connection.execute(
        text(_TILLS),
        {"h": hub_id},
    ).scalar_one()
    if not tills:
        return ()
    rows = connection.execute(
        text(
            "SELECT event_id, perf_id FROM performance WHERE cancelled_ms = 0 AND ends_ms > :now "
            "ORDER BY starts_ms LIMIT 50"
        ),
        {"now": now_ms},
    ).fetchall()
    found = []
    for row in rows:
        ready = _ready_units(connection, hub_id, generation, row.event_id, row.perf_id)
        lacking = tills * UNITS_PER_TILL - ready
        if 2 * lacking > tills * UNITS_PER_TILL:
            found.append(Lack(row.event_id, row.perf_id, -(-lacking // PIECE_UNITS)))
    return tuple(found)


def _ready_units(
    connection: Connection, hub_id: str, generation: str, stream: str, performance: int
) -> int:
    rows = connection.execute(
        text(
            "SELECT body FROM allot WHERE event_id = :e AND perf_id = :p AND node_id = :h "
            "AND state = 'open' AND recall = 0 AND req LIKE :ours"
        ),
        {"e": stream, "p": performance, "h": hub_id, "ours": f"{generation}%"},
    )
    return sum(len(json.loads(row[0])["units"]) for row in rows)


def going_back(connection: Connection, hub_id: str) -> dict[str, list[str]]:
    """By event: what we are done with, and the centre has not closed yet as far as we know."""
    rows = connection.execute(
        text(
            "SELECT event_id, id FROM allot WHERE node_id = :h AND state = 'closed' "
            "AND expires_ms = :going ORDER BY event_id, id"
        ),
        {"h": hub_id, "going": GOING_BACK},
    )
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row.event_id, []).append(row.id)
    return found


def recalled_streams(connection: Connection, hub_id: str, generation: str) -> tuple[str, ...]:
    """Events of which the centre asks something back that is with nobody."""
    rows = connection.execute(
        text(
            "SELECT DISTINCT event_id FROM allot WHERE node_id = :h AND state = 'open' "
            "AND recall = 1 AND req LIKE :ours"
        ),
        {"h": hub_id, "ours": f"{generation}%"},
    )
    return tuple(row[0] for row in rows)


def declarations(connection: Connection, hub_id: str, stream: str) -> list[list[dict[str, object]]]:
    """Everything that we were ever lent of an event, as the centre is told in a new history."""
    rows = connection.execute(
        text(
            f"SELECT {_ALLOT_COLUMNS} FROM allot WHERE event_id = :e AND (node_id = :h "  # noqa: S608
            "OR node_id IN (SELECT id FROM node WHERE hub = :h AND role = 'till')) ORDER BY id"
        ),
        {"e": stream, "h": hub_id},
    ).fetchall()
    told = [_declared(row) for row in rows]
    return [told[at : at + DECLARED_PER_CALL] for at in range(0, len(told), DECLARED_PER_CALL)]


def _declared(row: Any) -> dict[str, object]:
    lent, req = json.loads(row.body), row.req.partition(".")[0]
    return {
        "id": row.id,
        "p": row.perf_id,
        "firm": bool(row.firm),
        "units": lent["units"],
        "counts": lent.get("counts", {}),
        "req": req if is_op_id(req) else "",
        "granted_ms": row.granted_ms,
        "soft_s": row.soft_s,
        "hard_s": row.hard_s,
    } | ({} if row.state == "open" else {"over": True})


@dataclass(frozen=True, slots=True)
class NoteHolder:
    """The centre has lent something for this very till, a replacement's place: the feed of ours
    tells it to that till.
    """

    source: Source
    hub_id: str
    told: Mapping[str, Any]

    @property
    def stream(self) -> str:
        """The event."""
        return self.source.stream

    def want(self, work: Work) -> None:
        """Name the allotment."""
        work.allots.want([self.told["id"]])

    def apply(self, work: Work) -> None:
        """Once; also when the feed has brought it before."""
        put_lent(work, self.hub_id, self.told)
        allot = work.allots.get(self.told["id"])
        if allot is not None and allot.node_id == self.hub_id:
            allot.node_id, allot.inc = self.source.node_id, self.source.incarnation
            work.allots.put(allot.id, allot)

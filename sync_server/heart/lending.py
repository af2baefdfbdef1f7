"""Lending: units become an allotment of a till, which alone may end it.

A grant is idempotent by (event, node, req): asking again gives the same allotment. Time alone
never frees what was lent: a printed ticket cannot be fenced. Only the server's own holds end by
its clock.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from sync_server.heart.agency_limits import room_of
from sync_server.heart.lending_rules import LendMode, rule_for
from sync_server.heart.policy import Policy
from sync_server.heart.rows import Allot, Claim
from sync_server.heart.share import Refill
from sync_server.heart.source import Source
from sync_server.heart.units import counts_of, take_share, units_of
from sync_server.heart.work import Work
from ticketing.admission import AllotmentState
from ticketing.claim import ClaimKind
from ticketing.ids import AllotmentId
from ticketing.seating import SeatingPlan

UNITS_PER_GRANT_MAX = 2_000


class NoGrant(StrEnum):
    """Why nothing was lent."""

    TAKEN = "taken"  # some unit asked for is sold, or kept back
    LENT_ELSEWHERE = "lent_elsewhere"  # some unit asked for is lent to another till
    ALREADY_YOURS = "already_yours"  # lent to the asker by an earlier grant: the feed brings it
    SOLD_OUT = "sold_out"  # nothing is free to lend
    POOL_EMPTY = "pool_empty"  # less is left of a counter pool than asked for
    UNKNOWN_PERFORMANCE = "unknown_performance"
    CANCELLED = "cancelled"  # the performance is: nothing of it is lent any more
    UNKNOWN_UNIT = "unknown_unit"
    LIMIT = "limit"  # too many units in one request, or more than a manager's rule gives this till
    ENOUGH = "enough"  # the asker has as much unsold as it needs for a while
    NOT_HELD = "not_held"  # there is no such hold of the asker's, or it is over
    QUARANTINE = "quarantine"  # nothing is lent until the nodes have reported
    FENCED = "journal_forked"  # the asker's journal contradicts what it sent before


@dataclass(frozen=True, slots=True)
class Acquire:
    """A till's wish: these very units (`firm`: for a basket), or about `count` in whole rows.

    `counts` are shares of pools: with units all of them or nothing is lent, with a count at most
    so many.
    """

    req: str
    performance: int
    units: tuple[int, ...] = ()
    count: int = 0
    firm: bool = False
    counts: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Grant:
    """Units lent, each with its version: a ticket sold on it cites both.

    `state` is open, unless the request is an old one that comes again: then as of now.
    """

    id: AllotmentId
    performance: int
    units: tuple[tuple[int, int], ...]
    firm: bool
    state: AllotmentState
    counts: Mapping[str, int] = field(default_factory=dict)
    soft_s: int = 0
    hard_s: int = 0
    recall: bool = False
    granted_ms: int = 0
    """When it was granted or last extended, by the centre's clock."""
    incarnation: int = 0


@dataclass(frozen=True, slots=True)
class Lend:
    """Lend the wished units of an event to a till, all of them or none.

    `tills`: how many share the house.
    """

    source: Source
    wish: Acquire
    policy: Policy = field(default_factory=Policy)
    tills: int = 1

    @property
    def stream(self) -> str:
        """The event."""
        return self.source.stream

    def want(self, work: Work) -> None:
        """Name the units, when they are known."""
        performance = self.wish.performance
        work.claims.want((performance, unit) for unit in self.wish.units)
        work.pools.want(pool for pool, _count in self.wish.counts)
        work.journals.want([(self.source.node_id, self.source.incarnation)])

    def apply(self, work: Work) -> Grant | NoGrant:
        """Decide; the claims' revisions have the last word when they are written."""
        wish, source = self.wish, self.source
        earlier = find_by_req(work, source.node_id, wish.req)
        if earlier is not None:
            return grant_of(earlier)
        refusal = self._refused(work)
        if refusal is not None:
            return refusal
        units, rule = wish.units, rule_for(work, source.node_id)
        room = room_of(work, source.node_id, wish.performance)
        if rule.mode is LendMode.NONE or room == 0:
            return NoGrant.LIMIT
        if not units and wish.count:
            refill = Refill(source, wish.performance, wish.count, self.tills, self.policy, rule)
            share = refill.share(work)
            if share is None:
                return NoGrant.ENOUGH
            units = share[:room]
        if room is not None and len(units) > room:
            return NoGrant.LIMIT
        claims = [work.claim(wish.performance, unit) for unit in units]
        counts = wish.counts if wish.units else self._fair_counts(work, len(units))
        obstacle = obstacle_of(claims, work.plan, source.node_id)
        if obstacle is None and not pools_have(work, counts):
            obstacle = NoGrant.POOL_EMPTY
        if obstacle is not None:
            return obstacle
        return grant_of(self._lend(work, claims, counts))

    def _refused(self, work: Work) -> NoGrant | None:
        wish, source = self.wish, self.source
        if work.awaits(source.node_id):
            return NoGrant.QUARANTINE
        if work.journal(source.node_id, source.incarnation).state != "open":
            return NoGrant.FENCED
        obstacle = no_performance(work, wish.performance)
        if obstacle is not None:
            return obstacle
        if len(wish.units) > UNITS_PER_GRANT_MAX or wish.count > UNITS_PER_GRANT_MAX:
            return NoGrant.LIMIT
        return None

    def _fair_counts(self, work: Work, unit_count: int) -> tuple[tuple[str, int], ...]:
        """What a refill gets of the pools: its part of what is free, one for each place at most."""
        fair = (
            (id_, min(wanted, unit_count, self._part(work, id_)))
            for id_, wanted in self.wish.counts
        )
        return tuple((pool_id, count) for pool_id, count in fair if count)

    def _part(self, work: Work, pool_id: str) -> int:
        """A till's part of what is free of a pool, rounded up; none of a pool there is not."""
        pool = work.pools.get(pool_id)
        return -(-pool.free // max(1, self.tills)) if pool is not None else 0

    def _lend(self, work: Work, claims: list[Claim], wished: tuple[tuple[str, int], ...]) -> Allot:
        wish = self.wish
        lender = Lender(self.source, self.policy)
        allot = lender.lend(work, wish.req, wish.performance, claims, firm=wish.firm)
        counts = {pool: count for pool, count in wished if take_share(work, allot.id, pool, count)}
        if counts:
            allot.body = allot_body(list(units_of(allot)), counts)
        return allot


@dataclass(frozen=True, slots=True)
class Lender:
    """Makes allotments of a node: whose, and on what terms. What a till below a hub is lent, a
    replacement's place, is the hub's: whoever speaks for the one speaks for all of them.
    """

    source: Source
    policy: Policy

    def lend(
        self, work: Work, req: str, performance: int, claims: list[Claim], *, firm: bool
    ) -> Allot:
        """A new allotment of these units, whoever had them: the caller has seen to that."""
        number = str(AllotmentId(work.generation, work.take_rev()))
        policy = rule_for(work, self.source.node_id).terms_of(self.policy)
        allot = Allot(
            work.stream,
            number,
            work.hub_of(self.source.node_id) or self.source.node_id,
            self.source.incarnation,
            performance,
            req,
            int(firm),
            "open",
            work.now_ms,
            0,
            policy.soft_s,
            policy.hard_s,
            0,
            allot_body([(claim.unit, claim.version) for claim in claims], {}),
        )
        work.allots.put(number, allot)
        for claim in claims:
            claim.kind, claim.ref, claim.node_id = ClaimKind.ALLOT, number, allot.node_id
            work.put_claim(claim)
        return allot


def allot_body(units: list[tuple[int, int]], counts: Mapping[str, int]) -> str:
    """What an allotment holds, as its row keeps it."""
    body: dict[str, object] = {"units": units}
    if counts:
        body["counts"] = dict(counts)
    return json.dumps(body, separators=(",", ":"))


def find_by_req(work: Work, node_id: str, req: str) -> Allot | None:
    """The allotment or hold that a request got before."""
    for allot in work.allots.changed.values():
        if (allot.node_id, allot.req) == (node_id, req):
            return allot
    row = work.sql.row(
        "SELECT id FROM allot WHERE event_id = ? AND node_id = ? AND req = ?",
        work.stream,
        node_id,
        req,
    )
    return work.allots.get(row[0]) if row else None


def grant_of(allot: Allot) -> Grant:
    """What a node is told of its allotment."""
    number = AllotmentId.parse(allot.id)
    assert number is not None, allot.id
    return Grant(
        number,
        allot.perf_id,
        units_of(allot),
        bool(allot.firm),
        AllotmentState(allot.state),
        counts_of(allot),
        allot.soft_s,
        allot.hard_s,
        bool(allot.recall),
        allot.granted_ms,
        allot.inc,
    )


def obstacle_of(claims: list[Claim], plan: SeatingPlan, node_id: str) -> NoGrant | None:
    """Why these units can't be lent to the node; None when they can."""
    if not claims:
        return NoGrant.SOLD_OUT
    for claim in claims:
        if not plan.has_unit(claim.unit):  # also a free one that a later plan no longer has
            return NoGrant.UNKNOWN_UNIT
        if claim.kind == ClaimKind.FREE:
            continue
        if claim.kind != ClaimKind.ALLOT:
            return NoGrant.TAKEN
        return NoGrant.ALREADY_YOURS if claim.node_id == node_id else NoGrant.LENT_ELSEWHERE
    return None


def no_performance(work: Work, number: int) -> NoGrant | None:
    """Why nothing of a performance is lent or held; None when it takes place."""
    performance = None if work.is_house else work.event.performance(number)
    if performance is None:
        return NoGrant.UNKNOWN_PERFORMANCE
    return NoGrant.CANCELLED if performance.is_cancelled else None


def pools_have(work: Work, counts: tuple[tuple[str, int], ...]) -> bool:
    """Whether every pool has as much left."""
    pools = ((work.pools.get(pool_id), count) for pool_id, count in counts)
    return all(pool is not None and pool.free >= count for pool, count in pools)

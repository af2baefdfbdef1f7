"""How much of the house a till gets when it asks for "about so many", and whom to ask it back from.

Policy only, by `ticketing.sizing`: a wrong size costs comfort, never a seat sold twice.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from sync_server.heart.lending_rules import AS_EVER, LendingRule, LendMode
from sync_server.heart.policy import Policy
from sync_server.heart.rows import Allot, Claim
from sync_server.heart.source import NodeRole, Source
from sync_server.heart.work import Work
from ticketing.claim import ClaimKind
from ticketing.event import Event
from ticketing.journal import OpKind
from ticketing.seating import SeatingPlan
from ticketing.sizing import (
    Holder,
    Pace,
    TierRows,
    is_nearly_sold_out,
    recalls,
    share,
    target_units,
    tier_rows,
)

PACE_OPS_MAX = 50  # a node's last operations tell how fast it sells
CONNECTED_MS = 60_000  # who was heard of since then can give something back now


@dataclass(frozen=True, slots=True)
class Refill:
    """A till's wish for about `count` units of a performance, which `tills` share; a manager's `rule`
    may say how many it should have, and of which areas first.
    """

    source: Source
    performance: int
    count: int
    tills: int
    policy: Policy
    rule: LendingRule = AS_EVER

    def share(self, work: Work) -> tuple[int, ...] | None:
        """Free units for it, maybe none; None when it has enough.

        It has enough when it holds what it asks for and what it sells in `offline_cover_min`.
        Near the end, units are asked back from those who would last longer: a later request gets
        them.
        """
        known = work.claims_of(self.performance)
        wanted = self.wanted(work, known)
        if wanted < 1:
            return None
        tiers = _Catalogue(work.plan, work.event).tiers
        free = _free(tiers, known)
        units = self._share(work.plan, tiers, free, wanted)
        capacity = sum(tier.capacity for tier in tiers)
        is_in_need = self.source.role != NodeRole.HUB  # which keeps what others may never ask for
        if (
            is_in_need
            and len(units) < wanted
            and (not units or is_nearly_sold_out(capacity, len(free)))
        ):
            self._ask_back(work, known, wanted - len(units))
        return units

    def wanted(self, work: Work, known: Mapping[int, Claim]) -> int:
        """How many of them it needs. A hub knows that itself: it keeps what others sell."""
        if self.source.role == NodeRole.HUB:
            return self.count if self.rule.mode is LendMode.AHEAD else 0
        unsold = sum(
            claim.kind == ClaimKind.ALLOT and claim.node_id == self.source.node_id
            for claim in known.values()
        )
        return self.rule.wanted(self.count, unsold, self._target(work, self.source.node_id))

    def _share(
        self, plan: SeatingPlan, tiers: tuple[TierRows, ...], free: set[int], wanted: int
    ) -> tuple[int, ...]:
        """Of the areas that come first, then of the others; no more than a rule allows."""
        areas = (area for area in plan.areas if area.id in self.rule.first)
        first = free.intersection(unit for area in areas for unit in area.units)
        units = share(tiers, first, wanted, self.tills) if first else ()
        if not self.rule.first or len(units) < wanted:
            units += share(tiers, free - first, wanted - len(units), self.tills)
        return units[:wanted] if self.rule.most else units

    def _target(self, work: Work, node_id: str) -> int:
        return target_units(_per_minute(work, node_id), self.policy.offline_cover_min)

    def _ask_back(self, work: Work, known: Mapping[int, Claim], wanted: int) -> None:
        """Recall allotments of others, except baskets and what was recalled before."""
        lent = _lent_by_allotment(work, known)
        ours = self.source.node_id
        wanted -= sum(count for allot, count in lent if allot.recall and allot.node_id != ours)
        open_ones = [(allot, count) for allot, count in lent if not allot.recall]
        if wanted < 1 or not open_ones:
            return
        holders = list(self._holders(work, open_ones))
        asker = next((one for one in holders if one.node_id == ours), None)
        if asker is None:
            asker = Holder(ours, 0, self._target(work, ours), connected=True)
        for node_id, count in recalls(asker, holders, wanted):
            _recall(work, [pair for pair in open_ones if pair[0].node_id == node_id], count)

    def _holders(self, work: Work, lent: list[tuple[Allot, int]]) -> Iterator[Holder]:
        unsold: dict[str, int] = {}
        for allot, count in lent:
            unsold[allot.node_id] = unsold.get(allot.node_id, 0) + count
        seen = work.sql.rows("SELECT id, last_seen_ms FROM node WHERE state = 'active'")
        for node_id, last_seen_ms in sorted(tuple(row) for row in seen):
            if node_id in unsold:
                connected = work.now_ms - last_seen_ms < CONNECTED_MS
                target = self._target(work, node_id) if connected else 1
                yield Holder(node_id, unsold[node_id], target, connected)


def _recall(work: Work, lent: list[tuple[Allot, int]], wanted: int) -> None:
    """Ask allotments back, the smallest first, until they have as many units."""
    for allot, count in sorted(lent, key=lambda pair: (pair[1], pair[0].id)):
        if wanted < 1:
            return
        wanted -= count
        allot.recall = 1
        work.allots.put(allot.id, allot)


def _lent_by_allotment(work: Work, known: Mapping[int, Claim]) -> list[tuple[Allot, int]]:
    """Allotments with unsold units, and how many; not those of baskets."""
    counts: dict[str, int] = {}
    for claim in known.values():
        if claim.kind == ClaimKind.ALLOT:
            counts[claim.ref] = counts.get(claim.ref, 0) + 1
    work.allots.want(counts)
    work.allots.fetch()
    found = ((work.allots.get(allot_id), count) for allot_id, count in counts.items())
    return [(allot, count) for allot, count in found if allot is not None and not allot.firm]


def _per_minute(work: Work, node_id: str) -> float:
    """How fast a node sells by its own clock: what it brings after hours alone was not sold now."""
    row = work.sql.row("SELECT inc, clock_offset_ms FROM node WHERE id = ?", node_id)
    if row is None:
        return 0.0
    incarnation, offset_ms = row
    last = work.journal(node_id, incarnation).seq
    ops = work.sql.rows(
        "SELECT wall_ms, kind, body FROM op WHERE event_id = ? AND node_id = ? AND inc = ? "
        "AND seq > ? AND branch = '' ORDER BY seq",
        work.stream,
        node_id,
        incarnation,
        last - PACE_OPS_MAX,
    )
    if not ops:
        return 0.0
    pace = Pace(ops[0][0], ops[0][0])
    for wall_ms, kind, body in ops:
        if kind == OpKind.SALE:
            pace = pace.after(_line_count(body), wall_ms)
    return pace.per_minute(work.now_ms + offset_ms)


def _line_count(body: str) -> int:
    """How many lines a stored sale has; none where it can't be read."""
    try:
        raw = json.loads(body)
        return len(raw["lines"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return 0


class _Catalogue:
    """A plan with its event, told by which objects they are: comparing them would take long."""

    def __init__(self, plan: SeatingPlan, event: Event) -> None:
        self.plan, self.event = plan, event

    def __hash__(self) -> int:
        return hash((id(self.plan), id(self.event)))

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, _Catalogue) and self.plan is other.plan and self.event is other.event
        )

    @property
    def tiers(self) -> tuple[TierRows, ...]:
        """The rows by tier, made once while the same plan is in use."""
        return _tiers(self)


@lru_cache(maxsize=32)
def _tiers(catalogue: _Catalogue) -> tuple[TierRows, ...]:
    return tier_rows(catalogue.plan, catalogue.event)


def _free(tiers: tuple[TierRows, ...], known: Mapping[int, Claim]) -> set[int]:
    taken = {unit for unit, claim in known.items() if claim.kind != ClaimKind.FREE}
    return {unit for tier in tiers for row in tier.rows for unit in row if unit not in taken}

"""The ladder for a line whose unit its till did not hold: is the unit free, is another one?

The money is taken and the ticket printed, so whatever can still be honoured is.
"""

from __future__ import annotations

from dataclasses import dataclass

from sync_server.heart.rows import Claim, ClaimKind
from sync_server.heart.units import units_of
from sync_server.heart.work import Work
from ticketing.journal import Verdict
from ticketing.operations import SaleLine
from ticketing.seating import AreaKind

PROPOSED_MAX = 6


@dataclass(frozen=True, slots=True)
class Late:
    """The unit that the ticket gets; none: it is disputed, and `proposed` seats may replace it."""

    verdict: Verdict
    claim: Claim | None
    proposed: tuple[int, ...] = ()


def late_claim(work: Work, node_id: str, claim: Claim, line: SaleLine) -> Late:
    """Where a late sale of a unit ends up. What was never lent to the node is not late but wrong."""
    if not _was_lent(work, node_id, line):
        return Late(Verdict.DISPUTED, None, _units(_free_alternatives(work, line)))
    if claim.kind == ClaimKind.FREE and claim.version == line.version and _exists(work, line):
        return Late(Verdict.OK_LATE, claim)
    free = _free_alternatives(work, line)
    if free and _is_standing(work, line.unit):
        return Late(Verdict.OK_MOVED, free[0])
    return Late(Verdict.DISPUTED, None, _units(free))


def _was_lent(work: Work, node_id: str, line: SaleLine) -> bool:
    """Whether the allotment that the line cites was this node's and had the unit."""
    allot = work.allots.get(str(line.allotment))
    if allot is None or (allot.node_id, allot.perf_id) != (node_id, line.performance):
        return False
    return (line.unit, line.version) in units_of(allot)


def _units(claims: list[Claim]) -> tuple[int, ...]:
    return tuple(claim.unit for claim in claims[:PROPOSED_MAX])


def _exists(work: Work, line: SaleLine) -> bool:
    known = work.event.performance(line.performance) is not None
    return known and work.plan.has_unit(line.unit)


def _is_standing(work: Work, unit: int) -> bool:
    return work.plan.area_of(unit).kind is AreaKind.STANDING


def _free_alternatives(work: Work, line: SaleLine) -> list[Claim]:
    """Free units of the same area and price tier, the nearest numbers first."""
    if not _exists(work, line):
        return []
    known = work.claims_of(line.performance)
    tier_of = work.event.tier_of
    tier = tier_of(line.unit)
    found = []
    for unit in work.plan.area_of(line.unit).units:
        claim = known.get(unit)
        if (claim is None or claim.kind == ClaimKind.FREE) and tier_of(unit) == tier:
            found.append(claim or work.claim(line.performance, unit))
    return sorted(found, key=lambda other: abs(other.unit - line.unit))

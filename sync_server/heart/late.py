"""A line whose unit its till does not hold: what `ticketing.ladder` says, on the centre's rows."""

from __future__ import annotations

from collections.abc import Collection, Set
from dataclasses import dataclass

from sync_server.heart.rows import Claim
from sync_server.heart.units import was_lent
from sync_server.heart.work import Work
from ticketing.admission import AllotmentState
from ticketing.journal import Verdict
from ticketing.ladder import Rung, settle_line
from ticketing.operations import SaleLine

_VERDICTS = {
    Rung.OK: Verdict.OK,
    Rung.OK_LATE: Verdict.OK_LATE,
    Rung.OK_MOVED: Verdict.OK_MOVED,
}


@dataclass(frozen=True, slots=True)
class Late:
    """The unit that the ticket gets; none: it is disputed, and `proposed` units may replace it."""

    verdict: Verdict
    claim: Claim | None
    proposed: tuple[int, ...] = ()


def late_claim(
    work: Work, node_id: str, claim: Claim, line: SaleLine, sold: Collection[SaleLine] = ()
) -> Late:
    """Where a late sale of a unit ends up. What was never lent to the node is not late but wrong.

    `sold` are all lines of the same sale: none of their units stands in for another's.
    """
    was_lent, is_open = _allotment(work, node_id, line)
    settled = settle_line(
        line,
        node_id,
        claim,
        was_lent=was_lent,
        allotment_open=is_open,
        plan=work.plan,
        event=work.event,
        free=lambda: _free_units(work, line, sold),
    )
    verdict = _VERDICTS.get(settled.rung)
    if verdict is None:
        return Late(Verdict.DISPUTED, None, settled.units)
    (unit,) = settled.units
    return Late(verdict, work.claim(line.performance, unit))


def _free_units(work: Work, line: SaleLine, sold: Collection[SaleLine]) -> Set[int]:
    """The units that may stand in for a line's."""
    free = work.free_units(line.performance)
    others = {one.unit for one in sold if one.performance == line.performance} - {line.unit}
    return free if free.isdisjoint(others) else free - others


def _allotment(work: Work, node_id: str, line: SaleLine) -> tuple[bool, bool]:
    """Whether the allotment that the line cites was this node's or its hub's with the unit, and is open."""
    allot = work.allots.get(str(line.allotment))
    if allot is None or allot.perf_id != line.performance:
        return False, False
    if not work.may_sell_for(node_id, allot.node_id):
        return False, False
    return was_lent(allot, line.unit, line.version), allot.state == AllotmentState.OPEN

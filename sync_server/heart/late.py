"""A line whose unit its till does not hold: what `ticketing.ladder` says, on the centre's rows."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from sync_server.heart.rows import Claim, ClaimKind
from sync_server.heart.units import units_of
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
        free=_FreeUnits(work, line, sold),
    )
    verdict = _VERDICTS.get(settled.rung)
    if verdict is None:
        return Late(Verdict.DISPUTED, None, settled.units)
    (unit,) = settled.units
    return Late(verdict, work.claim(line.performance, unit))


class _FreeUnits(Collection[int]):
    """The units that may stand in for a line's; read when first asked for, which is rarely."""

    def __init__(self, work: Work, line: SaleLine, sold: Collection[SaleLine]) -> None:
        self._work, self._line, self._sold = work, line, sold
        self._found: frozenset[int] | None = None

    def __contains__(self, unit: object) -> bool:
        return unit in self._units()

    def __iter__(self) -> Iterator[int]:
        return iter(self._units())

    def __len__(self) -> int:
        return len(self._units())

    def _units(self) -> frozenset[int]:
        if self._found is None:
            performance = self._line.performance
            known = self._work.claims_of(performance)
            taken = {unit for unit, claim in known.items() if claim.kind != ClaimKind.FREE}
            others = (one for one in self._sold if one.performance == performance)
            taken.update(one.unit for one in others if one.unit != self._line.unit)
            units = (unit for area in self._work.plan.areas for unit in area.units)
            self._found = frozenset(unit for unit in units if unit not in taken)
        return self._found


def _allotment(work: Work, node_id: str, line: SaleLine) -> tuple[bool, bool]:
    """Whether the allotment that the line cites was this node's with the unit, and is open."""
    allot = work.allots.get(str(line.allotment))
    if allot is None or (allot.node_id, allot.perf_id) != (node_id, line.performance):
        return False, False
    return (line.unit, line.version) in units_of(allot), allot.state == AllotmentState.OPEN

"""The ladder: whatever the facts, nobody is honoured on a unit that somebody else has."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.ticketing.house import catalogue
from ticketing.claim import Claim, ClaimKind
from ticketing.ids import AllotmentId, TicketId
from ticketing.ladder import PROPOSED_MAX, Rung, settle_line
from ticketing.operations import SaleLine

CATALOGUE = catalogue()
PLAN, EVENT = CATALOGUE.plans[0], CATALOGUE.events[0]
UNITS = [unit for area in PLAN.areas for unit in area.units]
DEARNESS = [tier.id for tier in reversed(EVENT.tiers_dearest_first())]
TILLS = st.sampled_from(["till-1", "till-2"])
VERSIONS = st.integers(0, 2)
ALLOTMENTS = st.builds(AllotmentId, st.just("1a2b3c4d"), st.integers(1, 2))
TICKETS = st.sampled_from([TicketId("0000000000000001"), TicketId("0000000000000002")])
LINES = st.builds(
    SaleLine,
    ticket_id=TICKETS,
    performance=st.just(1),
    unit=st.sampled_from([*UNITS, 999]),
    version=VERSIONS,
    allotment=ALLOTMENTS,
    tier_id=st.sampled_from(["a", "b"]),
    ticket_type_id=st.just("adult"),
    price_minor=st.just(100),
    rule=st.just("list"),
    code=st.just("BXG1"),
)
CLAIMS = st.builds(
    Claim,
    st.sampled_from(ClaimKind),
    st.just("") | ALLOTMENTS.map(str) | TICKETS,
    st.just("") | TILLS,
    VERSIONS,
)


@given(
    line=LINES,
    till=TILLS,
    claim=CLAIMS,
    was_lent=st.booleans(),
    allotment_open=st.booleans(),
    others=st.frozensets(st.sampled_from(UNITS)),
)
def test_nobody_is_honoured_on_what_somebody_else_has(
    line: SaleLine,
    till: str,
    claim: Claim,
    was_lent: bool,
    allotment_open: bool,
    others: frozenset[int],
) -> None:
    free = others | {line.unit} if claim.kind is ClaimKind.FREE else others - {line.unit}
    settled = settle_line(
        line,
        till,
        claim,
        was_lent=was_lent,
        allotment_open=allotment_open,
        plan=PLAN,
        event=EVENT,
        free=lambda: free,
    )
    own = claim.ref in (str(line.allotment), line.ticket_id)
    if settled.rung in (Rung.OK, Rung.OK_LATE):
        assert settled.units == (line.unit,)
        assert own or (claim.kind is ClaimKind.FREE and claim.version == line.version and was_lent)
        return
    assert free.issuperset(settled.units)
    assert len(set(settled.units)) == len(settled.units) <= PROPOSED_MAX
    assert bool(settled.units) == (settled.rung is not Rung.OVERSOLD)
    for unit in settled.units:
        assert PLAN.area_of(unit).kind is PLAN.area_of(line.unit).kind
        assert DEARNESS.index(EVENT.tier_of(unit)) >= DEARNESS.index(line.tier_id)
    if settled.rung is Rung.OK_MOVED:
        assert was_lent
        assert len(settled.units) == 1

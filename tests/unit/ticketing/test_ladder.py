"""A late sale: which rung its line is settled on, and with which units."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import replace

import pytest

from tests.unit.ticketing.house import catalogue
from ticketing.claim import UNTOUCHED, Claim, ClaimKind
from ticketing.event import Event
from ticketing.ids import AllotmentId, TicketId
from ticketing.journal import Verdict
from ticketing.ladder import Rung, Settled, settle_line
from ticketing.operations import SaleLine

CATALOGUE = catalogue()
PLAN, EVENT = CATALOGUE.plans[0], CATALOGUE.events[0]
ALL = frozenset(unit for area in PLAN.areas for unit in area.units)
TILL, OTHER = "00000000000000aa", "00000000000000bb"
ALLOTMENT, ANOTHER = AllotmentId("1a2b3c4d", 7), AllotmentId("1a2b3c4d", 8)

SEAT = SaleLine(
    TicketId("0000000000000001"), 1, 9, 2, ALLOTMENT, "a", "adult", 58_000, "list", "BXG1"
)
PLACE = replace(SEAT, unit=103, tier_id="b")
LENT = Claim(ClaimKind.ALLOT, str(ALLOTMENT), TILL, 2)
FREED = Claim(ClaimKind.FREE, "", "", 2)
RESOLD = Claim(ClaimKind.SOLD, "00000000000000cc", OTHER, 2)


def settle(
    line: SaleLine,
    claim: Claim,
    free: AbstractSet[int] = frozenset(),
    *,
    was_lent: bool = True,
    allotment_open: bool = True,
    event: Event = EVENT,
) -> Settled:
    return settle_line(
        line,
        TILL,
        claim,
        was_lent=was_lent,
        allotment_open=allotment_open,
        plan=PLAN,
        event=event,
        free=lambda: free,
    )


def test_what_the_till_holds_is_sold() -> None:
    assert settle(SEAT, LENT) == Settled(Rung.OK, (9,))


def test_what_was_freed_and_not_touched_since_is_sold_late() -> None:
    assert settle(SEAT, FREED, ALL) == Settled(Rung.OK_LATE, (9,))
    assert settle(PLACE, FREED, ALL) == Settled(Rung.OK_LATE, (103,))
    assert settle(replace(SEAT, version=0), UNTOUCHED, ALL) == Settled(Rung.OK_LATE, (9,))


def test_what_nobody_else_got_from_a_closed_allotment_is_sold_late() -> None:
    assert settle(SEAT, LENT, allotment_open=False) == Settled(Rung.OK_LATE, (9,))


def test_the_same_sale_seen_again_is_no_second_one() -> None:
    mine = replace(RESOLD, ref=SEAT.ticket_id)
    assert settle(SEAT, mine, ALL) == Settled(Rung.OK, (9,))


def test_a_freed_unit_one_version_up_is_not_sold_late() -> None:
    """Gates refuse the code that the buyer has. The seat itself may be offered, with a new code."""
    up = replace(FREED, version=3)
    assert settle(SEAT, up, ALL) == Settled(Rung.PROPOSE, (9, 8, 10))
    assert settle(PLACE, up, frozenset({103})) == Settled(Rung.OK_MOVED, (103,))


ELSEWHERE = [
    pytest.param(RESOLD, id="sold to somebody"),
    pytest.param(replace(LENT, node_id=OTHER), id="lent to another till"),
    pytest.param(replace(LENT, ref=str(ANOTHER)), id="lent again, to this very till"),
    pytest.param(replace(LENT, version=3), id="lent one version up"),
    pytest.param(Claim(ClaimKind.HOLD, "basket", "", 2), id="held for the online channel"),
    pytest.param(Claim(ClaimKind.RETURNED, "", "", 2), id="returned and not yet free"),
    pytest.param(Claim(ClaimKind.BLOCKED, "", "", 2), id="kept back"),
]


@pytest.mark.parametrize("claim", ELSEWHERE)
def test_a_seat_that_is_gone_is_made_good_by_the_nearest_ones(claim: Claim) -> None:
    assert settle(SEAT, claim, ALL - {9, 8}) == Settled(Rung.PROPOSE, (10, 3, 2))


@pytest.mark.parametrize("claim", ELSEWHERE)
def test_a_place_that_is_gone_is_another_place(claim: Claim) -> None:
    assert settle(PLACE, claim, ALL - {103, 101}) == Settled(Rung.OK_MOVED, (102,))


@pytest.mark.parametrize("claim", ELSEWHERE)
@pytest.mark.parametrize(
    ("line", "free"),
    [
        pytest.param(SEAT, frozenset(range(13, 35)), id="only worse seats are free"),
        pytest.param(SEAT, frozenset(), id="no seat is free"),
        pytest.param(SEAT, frozenset({101, 102}), id="only standing places are free"),
        pytest.param(PLACE, frozenset({1, 2, 13}), id="only seats are free"),
        pytest.param(replace(SEAT, unit=999), ALL, id="a unit that no plan has"),
        pytest.param(replace(SEAT, tier_id="x"), ALL, id="a tier that is no more"),
        pytest.param(replace(PLACE, tier_id="x"), ALL, id="a place of a tier that is no more"),
    ],
)
def test_with_nothing_as_good_it_is_oversold(
    claim: Claim, line: SaleLine, free: AbstractSet[int]
) -> None:
    assert settle(line, claim, free) == Settled(Rung.OVERSOLD, ())


def test_a_better_tier_makes_good_a_cheaper_seat() -> None:
    cheap = replace(SEAT, unit=16, tier_id="b")
    assert settle(cheap, RESOLD, frozenset({10, 15, 34})) == Settled(Rung.PROPOSE, (15, 10, 34))


def test_a_place_moves_to_a_better_tier_only_when_its_own_is_full() -> None:
    spans = (*EVENT.tier_spans[:-1],)
    last = EVENT.tier_spans[-1]
    assert (last.first_unit, last.last_unit) == (101, 105)
    split = replace(
        EVENT,
        tier_spans=(
            *spans,
            replace(last, last_unit=102, tier_id="a"),
            replace(last, first_unit=103),
        ),
    )

    def moved(free: AbstractSet[int]) -> tuple[int, ...]:
        return settle(PLACE, RESOLD, free, event=split).units

    assert moved(frozenset({101, 105})) == (105,)
    assert moved(frozenset({101})) == (101,)


def test_a_wheelchair_place_is_not_offered_to_who_did_not_have_one() -> None:
    line = replace(SEAT, unit=16, tier_id="b")
    assert settle(line, RESOLD, frozenset({17, 18})) == Settled(Rung.OVERSOLD, ())


def test_what_was_never_lent_to_the_till_is_for_a_person_to_decide() -> None:
    assert settle(SEAT, FREED, ALL, was_lent=False) == Settled(Rung.PROPOSE, (9, 8, 10))
    assert settle(PLACE, FREED, ALL, was_lent=False) == Settled(Rung.PROPOSE, (101,))
    assert settle(PLACE, RESOLD, was_lent=False) == Settled(Rung.OVERSOLD, ())


def test_a_unit_that_no_plan_has_is_not_sold_late() -> None:
    assert settle(replace(SEAT, unit=999), FREED, ALL) == Settled(Rung.OVERSOLD, ())


def test_the_rungs_that_are_verdicts_have_their_words() -> None:
    assert {Rung.OK.value, Rung.OK_LATE.value, Rung.OK_MOVED.value} <= {v.value for v in Verdict}

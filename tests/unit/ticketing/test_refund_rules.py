"""A refund ladder: which step holds, what it keeps, and who is turned away."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.fakes.till import sample_catalogue
from ticketing.catalogue import event_document, parse_event_document
from ticketing.document_reader import Node, Problems
from ticketing.ids import TicketId
from ticketing.refund_rules import (
    DEFAULT_RULES,
    Asker,
    Bar,
    Deed,
    PackageRefund,
    PaidOrder,
    PaidTicket,
    Preview,
    RefundRules,
    RefundStep,
    preview,
)
from ticketing.refund_rules_document import read_refund_rules, refund_rules_members

STARTS = datetime(2026, 11, 25, 11, 30, tzinfo=UTC)
A, B, C = (TicketId(f"{n:016x}") for n in (1, 2, 3))
LADDER = RefundRules(
    (RefundStep(48 * 60), RefundStep(24 * 60, fee_hundredths=1_000), RefundStep(60, fee_minor=500)),
    minimum_fee_minor=200,
)
CASHIER, MANAGER = Asker(), Asker(is_manager=True)


def ticket(ticket_id: TicketId = A, paid: int = 10_000, **members: object) -> PaidTicket:
    return replace(PaidTicket(ticket_id, STARTS, paid, paid), **members)  # type: ignore[arg-type]


def order(*tickets: PaidTicket) -> PaidOrder:
    return PaidOrder(STARTS - timedelta(days=9), tickets or (ticket(),))


def look(
    left: timedelta,
    rules: RefundRules = LADDER,
    deed: Deed = Deed.REFUND,
    asker: Asker = CASHIER,
    of: PaidOrder | None = None,
    chosen: tuple[TicketId, ...] = (A,),
) -> Preview:
    return preview(deed, of or order(), chosen, STARTS - left, rules, asker)


@pytest.mark.parametrize(
    ("left", "fee"),
    [
        pytest.param(timedelta(days=9), 0, id="long before: free"),
        pytest.param(timedelta(hours=48), 0, id="on the first step's last instant"),
        pytest.param(timedelta(hours=48) - timedelta(seconds=1), 1_000, id="a second later"),
        pytest.param(timedelta(hours=24), 1_000, id="a day before"),
        pytest.param(timedelta(hours=23, minutes=59), 500, id="the fixed fee"),
        pytest.param(timedelta(minutes=60), 500, id="an hour before"),
    ],
)
def test_the_step_that_holds_says_what_is_kept(left: timedelta, fee: int) -> None:
    found = look(left)
    assert (found.refund_minor, found.fee_minor, found.bars) == (10_000 - fee, fee, ())


def test_after_the_last_step_nothing_goes_back_unless_a_manager_may_decide() -> None:
    late = timedelta(minutes=59)
    assert look(late).bars == (Bar.TOO_LATE,)
    lenient = replace(LADDER, later_by_manager=True)
    assert look(late, lenient).bars == (Bar.NEEDS_MANAGER,)
    assert look(late, lenient, asker=MANAGER).refund_minor == 9_500


def test_without_rules_the_full_price_goes_back_until_the_performance_begins() -> None:
    assert look(timedelta(0), DEFAULT_RULES).refund_minor == 10_000
    assert look(timedelta(seconds=-1), DEFAULT_RULES).bars == (Bar.TOO_LATE,)
    assert look(timedelta(seconds=-1), DEFAULT_RULES, asker=MANAGER).bars == (Bar.TOO_LATE,)


def test_the_minimum_counts_where_something_is_kept_and_never_exceeds_the_price() -> None:
    day = timedelta(hours=30)
    assert look(day, of=order(ticket(paid=1_000))).fee_minor == 200
    assert look(day, of=order(ticket(paid=150))).fee_minor == 150
    assert look(timedelta(days=9), of=order(ticket(paid=1_000))).fee_minor == 0
    assert look(day, of=order(ticket(paid=0))).fee_minor == 0


def test_who_went_in_or_went_back_before_is_turned_away() -> None:
    for member, bar in (("has_entered", Bar.ENTERED), ("is_valid", Bar.NOT_VALID)):
        paid = ticket(**{member: member == "has_entered"})  # type: ignore[arg-type]
        for deed in Deed:
            found = look(timedelta(days=9), deed=deed, of=order(paid), asker=Asker(same_shift=True))
            assert found.bars == (bar,)
            assert found.refund_minor == 0


def test_a_void_is_free_in_the_same_shift_and_for_so_many_minutes() -> None:
    here = Asker(same_shift=True)
    sold = PaidOrder(STARTS - timedelta(minutes=40), (ticket(),))
    half_hour = replace(LADDER, void_minutes=30)
    assert look(timedelta(minutes=5), deed=Deed.VOID, of=sold).bars == (Bar.NOT_SAME_SHIFT,)
    assert look(timedelta(minutes=5), deed=Deed.VOID, of=sold, asker=here).refund_minor == 10_000
    held = look(timedelta(minutes=10), half_hour, Deed.VOID, here, sold)
    assert held.can_be_done
    over = look(timedelta(minutes=9), half_hour, Deed.VOID, here, sold)
    assert over.bars == (Bar.VOID_OVER,)


def test_of_a_cancelled_performance_everything_goes_back_whenever() -> None:
    for package in (PackageRefund.WHOLE_ONLY, PackageRefund.RELIST):
        rules = replace(LADDER, package=package)
        family = order(
            ticket(A, 4_900, list_minor=5_800, package="family", is_cancelled=True),
            ticket(B, 4_900, list_minor=5_800, package="family"),
        )
        for left in (timedelta(hours=25), timedelta(days=-30)):
            found = look(left, rules, of=family)
            assert (found.bars, found.refund_minor, found.fee_minor) == ((), 4_900, 0)
    entered = ticket(is_cancelled=True, has_entered=True)
    assert look(timedelta(days=9), of=order(entered)).bars == (Bar.ENTERED,)


def test_a_package_goes_back_by_share_or_list_price_or_only_whole() -> None:
    family = order(
        ticket(A, 4_900, list_minor=5_800, package="family"),
        ticket(B, 4_900, list_minor=5_800, package="family"),
        ticket(C, 2_900, list_minor=5_800, package="family"),
    )
    days = timedelta(days=9)
    share = look(days, of=family)
    assert (share.refund_minor, share.fee_minor) == (4_900, 0)
    relist = replace(LADDER, package=PackageRefund.RELIST)
    assert look(days, relist, of=family).refund_minor == 4_900 - 900 - 2_900
    assert look(days, relist, of=family, chosen=(A, B, C)).refund_minor == 12_700
    whole = replace(LADDER, package=PackageRefund.WHOLE_ONLY)
    assert look(days, whole, of=family).bars == (Bar.WHOLE_PACKAGE,)
    assert look(days, whole, of=family, chosen=(A, B, C)).refund_minor == 12_700


def test_what_a_broken_package_still_holds_goes_back_for_what_it_cost() -> None:
    relist = replace(LADDER, package=PackageRefund.RELIST)
    broken = order(
        ticket(A, 4_900, list_minor=5_800, package="family", is_valid=False),
        ticket(B, 4_900, list_minor=5_800, package="family"),
        ticket(C, 2_900, list_minor=5_800, package="family"),
    )
    assert look(timedelta(days=9), relist, of=broken, chosen=(B,)).refund_minor == 4_900


def test_an_exchange_credits_the_price_and_a_replacement_asks_no_step() -> None:
    days = timedelta(hours=30)
    assert look(days, deed=Deed.EXCHANGE).refund_minor == 10_000
    assert look(timedelta(hours=-1), deed=Deed.EXCHANGE).bars == (Bar.TOO_LATE,)
    assert look(timedelta(hours=-1), deed=Deed.REPLACEMENT).can_be_done


def test_nothing_chosen_or_another_orders_ticket_is_nothing_to_do() -> None:
    assert not look(timedelta(days=9), chosen=()).can_be_done
    assert look(timedelta(days=9), chosen=(B,)).bars == (Bar.NOT_OF_ORDER,)


def read(document: object) -> tuple[RefundRules, list[str]]:
    problems = Problems("rules.json")
    found = read_refund_rules(Node(document, problems))
    return found, [str(problem) for problem in problems.shown]


@pytest.mark.parametrize("rules", [LADDER, replace(LADDER, package=PackageRefund.RELIST)])
def test_rules_written_are_read_back(rules: RefundRules) -> None:
    assert read(json.loads(json.dumps(refund_rules_members(rules)))) == (rules, [])


def test_the_default_is_not_written() -> None:
    assert refund_rules_members(DEFAULT_RULES) == {}


@pytest.mark.parametrize(
    ("document", "said"),
    [
        pytest.param(
            {"steps": [{"minutes_before": 0}, {"minutes_before": 60}]}, "one after", id="order"
        ),
        pytest.param(
            {"steps": [{"minutes_before": 0, "fee": 5, "fee_percent": 1}]}, "not both", id="both"
        ),
        pytest.param({"steps": [], "package": "shares"}, "did you mean", id="package"),
        pytest.param({"minimum_fee": 1}, 'has no "steps"', id="no steps"),
        pytest.param({"steps": [{"minutes_before": -1}]}, "whole number", id="negative"),
    ],
)
def test_a_fault_in_the_rules_is_explained_in_its_place(document: object, said: str) -> None:
    rules, problems = read(document)
    assert rules == DEFAULT_RULES
    assert said in "".join(problems)


def test_an_events_document_carries_its_refund_rules() -> None:
    catalogue = sample_catalogue()
    event = replace(catalogue.events[0], refund_rules=LADDER)
    plan = catalogue.plan(event.plan_id)
    assert plan is not None
    document = json.loads(json.dumps(event_document(catalogue.venue, plan, event)))
    assert parse_event_document(document, source="event")[2] == event
    assert "refund_rules" not in event_document(catalogue.venue, plan, catalogue.events[0])["event"]


def test_a_ladder_that_makes_no_sense_is_a_bug() -> None:
    with pytest.raises(ValueError, match="one after the other"):
        RefundRules((RefundStep(0), RefundStep(60)))
    with pytest.raises(ValueError, match="not both"):
        RefundStep(0, 1, 1)

"""A shift's sums: in any order, in any parts, they come to the same."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tests.property.ticketing.test_operations import NAMES, exchanges, refunds, sales
from ticketing.ids import OrderId
from ticketing.ledger import ROUNDING, cash_account, postings, tender_account
from ticketing.operations import (
    CASH,
    CashAction,
    CashMoved,
    DrawerOpened,
    Exchange,
    Refund,
    Sale,
    ShiftClosed,
    ShiftOpened,
    cash_count,
    count_minor,
    decode_shift_closed,
    encode_shift_closed,
)
from ticketing.operations.shift_report import report_adds_up
from ticketing.shift import ShiftOperation, make_report

NODE = "00000000000000aa"
SHIFT = OrderId("0000000000000abc")
COUNTS = st.dictionaries(
    st.sampled_from([100_00, 50_00, 10_00, 1_00, 50, 10]), st.integers(0, 500)
).map(lambda pieces: cash_count(pieces.items()))
MOVES = st.builds(
    CashMoved,
    st.just(SHIFT),
    st.sampled_from(CashAction),
    st.integers(1, 10**7),
    st.just("CNY"),
    NAMES,
    NAMES,
)
KICKS = st.builds(DrawerOpened, st.just(SHIFT), NAMES, NAMES)
OPERATIONS: st.SearchStrategy[list[ShiftOperation]] = st.lists(
    sales() | refunds() | exchanges() | MOVES | KICKS, max_size=12
)


def opened(count: tuple[tuple[int, int], ...]) -> ShiftOpened:
    return ShiftOpened(SHIFT, "li.na", "CNY", count)


def by_hand(operation: ShiftOperation) -> int:
    """What an operation does to the drawer."""
    match operation:
        case Sale():
            return operation.cash.amount_minor
        case Refund():
            return -operation.cash_minor
        case Exchange():
            return operation.cash_minor
        case CashMoved():
            went_out = operation.action is not CashAction.PAY_IN
            return -operation.amount_minor if went_out else operation.amount_minor
        case DrawerOpened():
            return 0


@given(count=COUNTS, operations=OPERATIONS, chance=st.randoms(use_true_random=False))
def test_the_drawer_holds_float_and_sums_in_any_order(
    count: tuple[tuple[int, int], ...], operations: list[ShiftOperation], chance: object
) -> None:
    report = make_report(opened(count), 1, operations, 2)
    assert report.expected_minor == count_minor(count) + sum(map(by_hand, operations))
    shuffled = list(operations)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert make_report(opened(count), 1, shuffled, 2) == report


@given(count=COUNTS, operations=OPERATIONS)
def test_the_parts_of_a_report_add_up(
    count: tuple[tuple[int, int], ...], operations: list[ShiftOperation]
) -> None:
    report = make_report(opened(count), 1, operations, 2)
    assert report_adds_up(report)
    orders = [one for one in operations if isinstance(one, Sale | Exchange)]
    assert report.ticket_count == sum(len(one.lines) for one in orders)
    assert report.counts.sales + report.counts.exchanges == len(orders)
    dearer = (
        replace(report.operators[0], sold_minor=report.operators[0].sold_minor + 1)
        if (report.operators)
        else None
    )
    if dearer is not None:
        assert not report_adds_up(replace(report, operators=(dearer, *report.operators[1:])))


@given(count=COUNTS, operations=OPERATIONS, counted=COUNTS)
def test_a_close_brings_the_books_to_what_was_counted(
    count: tuple[tuple[int, int], ...],
    operations: list[ShiftOperation],
    counted: tuple[tuple[int, int], ...],
) -> None:
    begun = opened(count)
    closed = ShiftClosed(1, "li.na", (counted,), 10_00, make_report(begun, 1, operations, 2))
    assert decode_shift_closed(encode_shift_closed(closed)) == closed
    booked = [one for one in operations if not isinstance(one, DrawerOpened)]
    drawn = [dict(postings(one, NODE)) for one in (begun, *booked, closed)]
    assert sum(one.get(cash_account(NODE), 0) for one in drawn) == count_minor(counted)


@given(operations=OPERATIONS)
def test_each_tender_has_its_own_sum_and_the_drawer_only_cash(
    operations: list[ShiftOperation],
) -> None:
    report = make_report(opened(()), 1, operations, 2)
    booked = [one for one in operations if not isinstance(one, DrawerOpened | CashMoved)]
    lines = [line for one in booked for line in postings(one, NODE)]
    for row in report.tenders:
        account = cash_account(NODE) if row.tender == CASH else tender_account(row.tender, NODE)
        net = sum(amount for name, amount in lines if name == account)
        assert row.taken_minor - row.returned_minor == net
    assert report.rounding_minor == -sum(amount for name, amount in lines if name == ROUNDING)
    assert next(row.tender for row in report.tenders) == CASH

"""The drawer at the centre: floats, movements, closes, and what becomes a case."""

from __future__ import annotations

from dataclasses import replace

from sync_server.heart.cases import CaseKind
from tests.integration.sync_server.stage import EVENT, VENUE, Stage, Till
from ticketing.ids import OrderId
from ticketing.journal import OpKind
from ticketing.operations import (
    CashAction,
    CashMoved,
    DrawerOpened,
    Sale,
    ShiftClosed,
    ShiftOpened,
    cash_count,
    encode_cash_moved,
    encode_drawer_opened,
    encode_shift_closed,
    encode_shift_opened,
)
from ticketing.shift import ShiftOperation, make_report

SHIFT = OrderId("0000000000000abc")
FLOAT = ShiftOpened(SHIFT, "li.na", "CNY", cash_count([(100_00, 5)]))
DROP = CashMoved(SHIFT, CashAction.SAFE_DROP, 300_00, "CNY", "li.na", "too_much")
PAY_IN = CashMoved(SHIFT, CashAction.PAY_IN, 20_00, "CNY", "li.na", "change")
KICK = DrawerOpened(SHIFT, "li.na", "change")


def counter_of(till: Till) -> Till:
    """The same till's house journal."""
    return replace(till, stream=VENUE, ops=[], acked=0)


def close(counted_minor: int, operations: list[ShiftOperation], z: int = 1) -> ShiftClosed:
    report = make_report(FLOAT, 1_000, operations, 2_000)
    return ShiftClosed(z, "li.na", (cash_count([(1, counted_minor)]),), 10_00, report)


def cash_of(stage: Stage) -> int:
    (account,) = stage.books().cash
    return account.cash_minor


def ledger_sums(stage: Stage) -> set[int]:
    rows = stage.rows("SELECT sum(amount_minor) FROM ledger GROUP BY event_id, node_id, inc, seq")
    return {int(row[0]) for row in rows}


def cases(stage: Stage) -> dict[str, str]:
    return {case.kind: case.body for case in stage.books().open_cases}


def work_a_shift(stage: Stage) -> tuple[Till, Till, Sale]:
    """500 float, a sale, 20 paid in, 300 into the safe, and the drawer opened once."""
    till = stage.till()
    counter = counter_of(till)
    counter.say(OpKind.SHIFT_OPENED, encode_shift_opened(FLOAT))
    counter.push()
    sale = till.sell(till.borrow(1, 2), 1, 2)
    till.push()
    counter.say(OpKind.CASH_MOVED, encode_cash_moved(PAY_IN))
    counter.say(OpKind.CASH_MOVED, encode_cash_moved(DROP))
    counter.say(OpKind.DRAWER_OPENED, encode_drawer_opened(KICK))
    counter.push()
    return till, counter, sale


def test_the_books_hold_what_lies_in_the_drawer(stage: Stage) -> None:
    _till, counter, sale = work_a_shift(stage)
    expected = 500_00 + sale.total_minor + 20_00 - 300_00
    assert cash_of(stage) == expected
    closed = close(expected - 3_50, [sale, PAY_IN, DROP, KICK])
    counter.say(OpKind.SHIFT_CLOSED, encode_shift_closed(closed))
    assert counter.push() == ["ok"]
    assert cash_of(stage) == closed.counted_minor == expected - 3_50
    assert ledger_sums(stage) == {0}
    assert stage.books().balanced, "a few coins are no case"


def test_money_that_was_in_the_drawer_already_is_not_booked_twice(stage: Stage) -> None:
    _till, counter, sale = work_a_shift(stage)
    expected = 500_00 + sale.total_minor + 20_00 - 300_00
    counter.say(
        OpKind.SHIFT_CLOSED, encode_shift_closed(close(expected, [sale, PAY_IN, DROP, KICK]))
    )
    again = replace(FLOAT, shift_id=OrderId("0000000000000abd"), carried_minor=expected)
    counter.say(OpKind.SHIFT_OPENED, encode_shift_opened(again))
    counter.push()
    assert cash_of(stage) == again.float_minor == 500_00


def test_too_large_a_difference_is_a_case_whatever_the_till_calls_its_limit(stage: Stage) -> None:
    till = stage.till()
    counter = counter_of(till)
    counter.say(OpKind.SHIFT_OPENED, encode_shift_opened(FLOAT))
    generous = replace(close(400_00, []), threshold_minor=10**9, approver="chen", reason="other")
    counter.say(OpKind.SHIFT_CLOSED, encode_shift_closed(generous))
    counter.push()
    assert set(cases(stage)) == {CaseKind.CASH_DIFFERENCE}
    assert '"difference": -10000' in cases(stage)[CaseKind.CASH_DIFFERENCE]
    assert cash_of(stage) == 400_00, "what was counted is in the books all the same"


def test_z_numbers_in_their_order_are_no_case(stage: Stage) -> None:
    counter = counter_of(stage.till())
    for number in (1, 2):
        counter.say(OpKind.SHIFT_CLOSED, encode_shift_closed(close(500_00, [], number)))
    counter.push()
    counter.say(OpKind.SHIFT_CLOSED, encode_shift_closed(close(500_00, [], 3)))
    counter.push()
    assert cases(stage) == {}


def test_a_z_number_that_comes_twice_or_is_left_out_is_a_case(stage: Stage) -> None:
    for name, second in (("Window 1", 1), ("Window 2", 3)):
        counter = counter_of(stage.till(name))
        counter.say(OpKind.SHIFT_CLOSED, encode_shift_closed(close(500_00, [])))
        counter.push()
        report = replace(close(500_00, []).report, shift_id=OrderId(f"{second:016x}"))
        odd = replace(close(500_00, [], second), report=report)
        counter.say(OpKind.SHIFT_CLOSED, encode_shift_closed(odd))
        counter.push()
    found = [case for case in stage.books().open_cases if case.kind == CaseKind.Z_NUMBER]
    assert len(found) == 2
    assert all('"last": 1' in case.body for case in found)


def test_the_drawer_is_no_business_of_an_event(stage: Stage) -> None:
    till = stage.till()
    till.say(OpKind.CASH_MOVED, encode_cash_moved(PAY_IN))
    assert till.push() == ["rejected unknown_kind"]
    assert stage.books().cash == ()
    assert [case.event_id for case in stage.books().open_cases] == [EVENT]


def test_resending_a_shift_books_it_once(stage: Stage) -> None:
    _till, counter, sale = work_a_shift(stage)
    before = cash_of(stage)
    counter.acked = 0
    assert set(counter.push()) == {"ok"}
    assert cash_of(stage) == before == 500_00 + sale.total_minor + 20_00 - 300_00

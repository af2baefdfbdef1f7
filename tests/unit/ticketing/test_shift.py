"""A shift in figures: what the drawer must hold, what the reports say, what bodies are refused."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.unit.ticketing.test_operations import EXCHANGE, REFUND, REPLACEMENT, SALE, VOID
from ticketing.ids import OrderId
from ticketing.ledger import postings
from ticketing.operations import (
    CashAction,
    CashMoved,
    DrawerOpened,
    ShiftClosed,
    ShiftOpened,
    cash_count,
    decode_cash_moved,
    decode_drawer_opened,
    decode_sale,
    decode_shift_closed,
    decode_shift_opened,
    encode_cash_moved,
    encode_drawer_opened,
    encode_sale,
    encode_shift_closed,
    encode_shift_opened,
)
from ticketing.operations.shift_report import ROWS_MAX, JournalSeen
from ticketing.shift import ShiftOperation, is_next_z, is_over_threshold, make_report

NODE = "00000000000000aa"
DRAWER = f"cash:{NODE}"
SHIFT = OrderId("0000000000000abc")
OPENED = ShiftOpened(SHIFT, "li.na", "CNY", cash_count([(100_00, 3), (10_00, 0), (50, 4)]))
PAY_IN = CashMoved(SHIFT, CashAction.PAY_IN, 50_00, "CNY", "li.na", "change")
PAY_OUT = CashMoved(SHIFT, CashAction.PAY_OUT, 12_50, "CNY", "li.na", "flowers for the foyer")
DROP = CashMoved(SHIFT, CashAction.SAFE_DROP, 800_00, "CNY", "chen", "too_much")
KICK = DrawerOpened(SHIFT, "li.na", "change")
DAY: tuple[ShiftOperation, ...] = (
    SALE,
    REFUND,
    replace(SALE, receipt_no="A1-000009", sold_by="wang"),
    VOID,
    EXCHANGE,
    REPLACEMENT,
    PAY_IN,
    PAY_OUT,
    DROP,
    KICK,
    KICK,
)
JOURNALS = (JournalSeen("swan-lake", 1, 7, "a" * 64, 5),)
REPORT = make_report(OPENED, 1_000, DAY, 9_000, JOURNALS, 2, ["A1-000009"])
CLOSED = ShiftClosed(
    12,
    "li.na",
    (cash_count([(100_00, 1)]), cash_count([(100_00, 1), (10_00, 1)])),
    10_00,
    REPORT,
    "chen",
    "counted twice",
)


def test_a_float_is_the_sum_of_its_pieces_without_empty_lines() -> None:
    assert OPENED.count == ((100_00, 3), (50, 4))
    assert OPENED.float_minor == 302_00


def test_the_drawer_must_hold_float_and_sales_less_what_went_out() -> None:
    taken = 870_00 + 870_00 + 300_00 + 10_00  # two sales, an exchange, a lost ticket replaced
    returned = 850_00 + 870_00
    assert REPORT.cash_taken_minor == taken
    assert REPORT.cash_returned_minor == returned
    assert REPORT.expected_minor == 302_00 + taken - returned + 50_00 - 12_50 - 800_00


def test_the_report_tells_types_people_and_counts() -> None:
    assert [(one.ticket_type_id, one.count) for one in REPORT.ticket_types] == [("adult", 8)]
    assert [(one.person_id, one.ticket_count) for one in REPORT.operators] == [
        ("li.na", 6),
        ("wang", 2),
    ]
    counts = REPORT.counts
    told = (counts.sales, counts.exchanges, counts.voids, counts.refunds, counts.drawer)
    assert told == (2, 2, 1, 1, 2)
    assert (REPORT.first_receipt, REPORT.last_receipt) == ("A1-000001", "A1-000009")
    assert REPORT.fees_minor == 20_00 + 10_00 + 10_00


def test_an_empty_shift_expects_its_float() -> None:
    report = make_report(OPENED, 1, (), 2)
    assert report.expected_minor == OPENED.float_minor
    assert (report.first_receipt, report.ticket_types, report.operators) == ("", (), ())


def test_the_difference_is_what_was_counted_last() -> None:
    assert CLOSED.counted_minor == 110_00
    assert CLOSED.difference_minor == 110_00 - REPORT.expected_minor


@pytest.mark.parametrize(
    ("difference", "over"), [(0, False), (10_00, False), (-10_00, False), (10_01, True)]
)
def test_ten_yuan_may_be_missing_without_a_second_count(difference: int, over: bool) -> None:
    assert is_over_threshold(difference, "CNY") is over
    assert is_over_threshold(-difference, "CNY") is over


def test_a_currency_without_minor_units_has_its_own_threshold() -> None:
    assert not is_over_threshold(1_000, "JPY")
    assert is_over_threshold(1_001, "JPY")


@pytest.mark.parametrize(
    ("number", "incarnation", "last", "follows"),
    [
        pytest.param(1, 1, None, True, id="the first"),
        pytest.param(2, 1, None, False, id="the first is missing"),
        pytest.param(5, 1, (4, 1), True, id="the next"),
        pytest.param(4, 1, (4, 1), False, id="the same again"),
        pytest.param(6, 1, (4, 1), False, id="a gap"),
        pytest.param(1, 2, (4, 1), True, id="on an empty folder"),
        pytest.param(5, 2, (4, 1), True, id="on the old folder"),
        pytest.param(1, 1, (4, 1), False, id="from the beginning"),
    ],
)
def test_z_numbers_follow_each_other(
    number: int, incarnation: int, last: tuple[int, int] | None, follows: bool
) -> None:
    assert is_next_z(number, incarnation, last) is follows


@pytest.mark.parametrize(
    ("operation", "lines"),
    [
        pytest.param(OPENED, ((DRAWER, 302_00), ("safe", -302_00)), id="a float from the safe"),
        pytest.param(
            replace(OPENED, carried_minor=310_00),
            ((DRAWER, -8_00), ("safe", 8_00)),
            id="less than the last shift left",
        ),
        pytest.param(replace(OPENED, carried_minor=302_00), (), id="as the last shift left it"),
        pytest.param(PAY_IN, ((DRAWER, 50_00), ("paid_in", -50_00)), id="paid in"),
        pytest.param(PAY_OUT, ((DRAWER, -12_50), ("paid_out", 12_50)), id="paid out"),
        pytest.param(DROP, ((DRAWER, -800_00), ("safe", 800_00)), id="into the safe"),
        pytest.param(
            CLOSED,
            ((DRAWER, CLOSED.difference_minor), ("over_short", -CLOSED.difference_minor)),
            id="closed with a difference",
        ),
    ],
)
def test_the_ledger_has_what_the_drawer_has(
    operation: ShiftOpened | CashMoved | ShiftClosed, lines: tuple[tuple[str, int], ...]
) -> None:
    assert postings(operation, NODE) == lines


def test_after_the_close_the_books_hold_what_was_counted() -> None:
    booked = [one for one in (OPENED, *DAY, CLOSED) if not isinstance(one, DrawerOpened)]
    cash = sum(
        amount for one in booked for account, amount in postings(one, NODE) if account == DRAWER
    )
    assert cash == CLOSED.counted_minor


def test_what_was_written_is_read() -> None:
    assert decode_shift_opened(encode_shift_opened(OPENED)) == OPENED
    carried = replace(OPENED, carried_minor=5)
    assert decode_shift_opened(encode_shift_opened(carried)) == carried
    for moved in (PAY_IN, PAY_OUT, DROP):
        assert decode_cash_moved(encode_cash_moved(moved)) == moved
    assert decode_drawer_opened(encode_drawer_opened(KICK)) == KICK
    assert decode_shift_closed(encode_shift_closed(CLOSED)) == CLOSED
    plain = replace(CLOSED, approver="", reason="")
    assert decode_shift_closed(encode_shift_closed(plain)) == plain


def test_a_sale_without_a_shift_reads_as_it_always_did() -> None:
    assert "shift" not in json.loads(encode_sale(SALE))
    cited = replace(SALE, shift=SHIFT)
    assert decode_sale(encode_sale(cited)) == cited
    assert decode_sale(encode_sale(cited).replace(SHIFT, "nonsense")) is None


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"difference": 0}, id="another difference"),
        pytest.param({"counts": []}, id="never counted"),
        pytest.param({"counts": [[[100, 1], [200, 1]]]}, id="a count in no order"),
        pytest.param({"counts": [[[100, 0]]]}, id="a line of nothing"),
        pytest.param({"z": 0}, id="Z number zero"),
        pytest.param({"reason": None}, id="an approval without a reason"),
        pytest.param({"report": None}, id="no report"),
    ],
)
def test_a_close_that_breaks_a_rule_is_refused(change: dict[str, Any]) -> None:
    raw = json.loads(encode_shift_closed(CLOSED)) | change
    assert decode_shift_closed(json.dumps(raw)) is None


@pytest.mark.parametrize(
    ("key", "value"),
    [
        pytest.param("types", [["adult", 8, 1]], id="types that are not the money"),
        pytest.param("operators", [], id="nobody sold it"),
        pytest.param("tenders", [["cash", 1, 1, 1, 1]], id="other tenders"),
        pytest.param("counts", [1, 2, 3], id="counts missing"),
        pytest.param("journals", [["swan-lake", 1, 7, "no hash", 5]], id="no hash"),
        pytest.param("unsynced_receipts", "A1", id="no list"),
        pytest.param("unsynced_receipts", ["A1"] * (ROWS_MAX + 1), id="too long a list"),
        pytest.param("float", -1, id="less than no float"),
        pytest.param("made", 1.5, id="half a millisecond"),
    ],
)
def test_a_report_that_breaks_a_rule_is_refused(key: str, value: object) -> None:
    raw = json.loads(encode_shift_closed(CLOSED))
    raw["report"][key] = value
    assert decode_shift_closed(json.dumps(raw)) is None


def test_a_movement_of_nothing_is_refused() -> None:
    assert decode_cash_moved(encode_cash_moved(replace(PAY_IN, amount_minor=0))) is None
    assert decode_cash_moved(encode_cash_moved(replace(PAY_IN, reason=""))) is None


def test_the_longest_report_still_fits_a_body() -> None:
    many = [
        replace(
            SALE,
            receipt_no=f"{at:064}",
            sold_by=f"{at:064}",
            lines=tuple(replace(one, ticket_type_id=f"{at:064}") for one in SALE.lines),
        )
        for at in range(ROWS_MAX * 2)
    ]
    heads = [JournalSeen(f"{at:032}", 1, 2**40, "f" * 64, 2**40) for at in range(ROWS_MAX * 2)]
    report = make_report(OPENED, 1, many, 2, heads, 999, [one.receipt_no for one in many])
    assert len(report.ticket_types) == len(report.operators) == ROWS_MAX
    assert report.sold_minor == 870_00 * ROWS_MAX * 2
    closed = replace(CLOSED, report=report)
    body = encode_shift_closed(closed)
    assert len(body) <= 65_536
    assert decode_shift_closed(body) == closed

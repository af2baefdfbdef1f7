"""Seats as people type them, in both languages."""

from __future__ import annotations

import pytest

from pos_app.presenters.notice import Topic
from pos_app.presenters.seat_query import (
    SeatQuery,
    find_seats,
    is_order_query,
    nearest_to_type,
    parse_seat,
)
from pos_app.presenters.sell import SellPresenter
from pos_app.services.model import UnitState
from tests.fakes.runner import run_now
from tests.fakes.till import CASHIER, PIN, FakeTill, stocked_till

PLAN = FakeTill().plan()


def unit(area: str, row: str, seat: str) -> int:
    return FakeTill().unit(area, row, seat)


@pytest.mark.parametrize(
    ("typed", "query"),
    [
        pytest.param("8-12", SeatQuery("", "8", "12"), id="a hyphen"),
        pytest.param("8 12", SeatQuery("", "8", "12"), id="a space"),
        pytest.param(" 8 / 12 ", SeatQuery("", "8", "12"), id="a slash"),
        pytest.param("8排12座", SeatQuery("", "8", "12"), id="Chinese"),
        pytest.param("8排12号", SeatQuery("", "8", "12"), id="Chinese, as tickets in cinemas say"),
        pytest.param("8－12", SeatQuery("", "8", "12"), id="full width, from an input method"),
        pytest.param("Row 8 Seat 12", SeatQuery("", "8", "12"), id="English in full"),
        pytest.param("row B seat 4", SeatQuery("", "b", "4"), id="a row with a letter"),
        pytest.param("A区 8 12", SeatQuery("a", "8", "12"), id="an area by its letter"),
        pytest.param("101 8 12", SeatQuery("101", "8", "12"), id="an area by its number"),
        pytest.param("section 101 8-12", SeatQuery("101", "8", "12"), id="with its word"),
        pytest.param("池座中 8排12座", SeatQuery("池座中", "8", "12"), id="an area in Chinese"),
        pytest.param("池座中8排12座", SeatQuery("池座中", "8", "12"), id="without a gap"),
        pytest.param(
            "Stalls Centre 8 12", SeatQuery("stalls centre", "8", "12"), id="an area of two words"
        ),
        pytest.param("8", None, id="a row alone"),
        pytest.param("", None, id="nothing"),
        pytest.param("-", None, id="a hyphen alone"),
    ],
)
def test_what_is_typed_is_read_as(typed: str, query: SeatQuery | None) -> None:
    assert parse_seat(typed) == query


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        pytest.param("Stalls Centre 8 12", unit("stalls-centre", "8", "12"), id="by name"),
        pytest.param("池座中 8排12座", unit("stalls-centre", "8", "12"), id="by name in Chinese"),
        pytest.param("stalls-left 3-4", None, id="an id with a hyphen is two words"),
        pytest.param("centre 8 12", unit("stalls-centre", "8", "12"), id="by a part, the first"),
        pytest.param("balcony right 2 3", unit("balcony-1-right", "2", "3"), id="by some words"),
        pytest.param("99-1", None, id="a row that is nowhere"),
        pytest.param("nowhere 8 12", None, id="an area that is nowhere"),
    ],
)
def test_a_seat_is_found(typed: str, found: int | None) -> None:
    query = parse_seat(typed)
    assert query is not None
    units = find_seats(PLAN, query)
    if typed.startswith("stalls-left"):
        assert units == (unit("stalls-left", "3", "4"),)
    else:
        assert (units[0] if units else None) == found


def test_of_several_the_one_where_the_cursor_is() -> None:
    query = parse_seat("2-3")
    assert query is not None
    units = find_seats(PLAN, query)
    assert len(units) > 3
    near = unit("balcony-2-left", "1", "1")
    assert nearest_to_type(units, PLAN, near) == unit("balcony-2-left", "2", "3")
    assert nearest_to_type(units, PLAN, None) == units[0]
    assert nearest_to_type((), PLAN, near) is None


@pytest.mark.parametrize("text", ["BXG1ABCDEF", "3F2A-000012", "0123456789abcdef", "X" * 20 + "7"])
def test_codes_and_numbers_of_orders_are_not_seats(text: str) -> None:
    assert is_order_query(text)


@pytest.mark.parametrize("text", ["8-12", "8排12座", "Stalls Centre 8 12", "StallsCentre", ""])
def test_seats_are_not_orders(text: str) -> None:
    assert not is_order_query(text)


class TestAtTheWindow:
    @pytest.fixture
    def till(self) -> FakeTill:
        till = stocked_till()
        till.sign_in(CASHIER.id, PIN)
        return till

    @pytest.fixture
    def sell(self, till: FakeTill) -> SellPresenter:
        presenter = SellPresenter(till, run_now, run_now)
        till.subscribe(presenter.on_news)
        presenter.open(1)
        return presenter

    def test_a_seat_typed_is_picked_once(self, till: FakeTill, sell: SellPresenter) -> None:
        wanted = till.unit("stalls-centre", "8", "12")
        till.set_states(1, UnitState.FREE, [wanted])
        sell.refresh()
        assert sell.seek("stalls centre 8 12", None) == wanted
        sell.pick_typed("stalls centre 8 12", None)
        sell.pick_typed("stalls centre 8 12", None)
        assert sell.state.selected == {wanted}, "typing it again puts nothing back"

    def test_a_seat_that_is_nowhere_is_said(self, sell: SellPresenter) -> None:
        assert sell.seek("99-99", None) is None
        sell.pick_typed("99-99", None)
        notice = sell.state.notice
        assert notice is not None
        assert (notice.topic, notice.code) == (Topic.NO_SUCH_SEAT, "99-99")
        assert sell.state.selected == frozenset()

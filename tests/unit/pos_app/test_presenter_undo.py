"""Undoing at the sell screen: what comes back at once, what is asked for, what is gone."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from pos_app.presenters.history import TOAST_S, Deed, Toast
from pos_app.presenters.notice import Topic
from pos_app.presenters.sell import SellPresenter
from pos_app.services.model import Link, UnitState
from pos_app.services.parking_model import HOLD_S, PARK_S, Parked, ParkRefusal
from pos_app.services.tender_model import Payment, RecordedLeg
from tests.fakes.runner import HeldRunner, run_now
from tests.fakes.till import CASHIER, MANAGER, NOW, PIN, FakeTill, stocked_till
from ticketing.operations import CASH


class Clock:
    def __init__(self) -> None:
        self.now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def pass_s(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def till(clock: Clock) -> FakeTill:
    till = stocked_till()
    till.now = clock
    till.staff = (CASHIER, MANAGER)
    till.sign_in(CASHIER.id, PIN)
    return till


@pytest.fixture
def sell(till: FakeTill) -> SellPresenter:
    return opened(till)


def opened(till: FakeTill, runner: HeldRunner | None = None) -> SellPresenter:
    presenter = SellPresenter(till, runner or run_now, run_now)
    till.subscribe(presenter.on_news)
    presenter.open(1)
    presenter.refresh()
    if runner is not None:
        runner.release()
    return presenter


def free(till: FakeTill, count: int) -> list[int]:
    found = [unit for unit, each in till.states[1].items() if each is UnitState.FREE]
    return found[:count]


def elsewhere(till: FakeTill) -> int:
    return next(
        seat.unit
        for seat in till.plan().seats
        if seat.unit not in till.states[1] and seat.area_id == "stalls-right"
    )


def units(sell: SellPresenter) -> list[int]:
    return list(sell.state.basket.units) if sell.state.basket else []


def types(sell: SellPresenter) -> list[str]:
    return [line.ticket_type_id for line in sell.state.basket.lines] if sell.state.basket else []


def hold(sell: SellPresenter) -> datetime | None:
    return sell.state.hold_until


def toast(sell: SellPresenter) -> Toast | None:
    return sell.state.toast


def parked(sell: SellPresenter) -> list[int]:
    return [each.number for each in sell.state.parked]


def topic(sell: SellPresenter) -> Topic | None:
    return sell.state.notice.topic if sell.state.notice else None


def pick(sell: SellPresenter, *wanted: int) -> None:
    for unit in wanted:
        sell.tap_unit(unit)


# --- back and forth


def test_a_seat_picked_is_put_back_and_picked_again(till: FakeTill, sell: SellPresenter) -> None:
    one, other = free(till, 2)
    pick(sell, one, other)
    sell.undo()
    assert units(sell) == [one]
    assert till.given_back == [(1, (other,))]
    sell.redo()
    assert units(sell) == [one, other]
    sell.undo()
    sell.undo()
    sell.undo()
    assert units(sell) == []


def test_a_line_taken_out_comes_back_at_its_place_and_as_it_was(
    till: FakeTill, sell: SellPresenter
) -> None:
    first, second, third = free(till, 3)
    pick(sell, first, second, third)
    sell.change_type(1, second, "child")
    total = sell.state.total_minor
    sell.remove_line(1, second)
    sell.undo()
    assert units(sell) == [first, second, third]
    assert types(sell)[1] == "child"
    assert sell.state.total_minor == total
    sell.redo()
    assert units(sell) == [first, third]


def test_a_ticket_type_goes_back(till: FakeTill, sell: SellPresenter) -> None:
    [unit] = free(till, 1)
    pick(sell, unit)
    before = types(sell)
    sell.change_type(1, unit, "child")
    sell.undo()
    assert types(sell) == before
    sell.redo()
    assert types(sell) == ["child"]


def test_clearing_is_undone_with_the_note(till: FakeTill, sell: SellPresenter) -> None:
    wanted = free(till, 3)
    pick(sell, *wanted)
    sell.write_note("by the aisle")
    sell.clear()
    assert units(sell) == []
    sell.undo()
    assert units(sell) == wanted
    assert sell.state.basket is not None
    assert sell.state.basket.note == "by the aisle"


def test_seats_found_together_are_one_step(sell: SellPresenter) -> None:
    sell.best_together()
    assert len(units(sell)) == 2
    sell.undo()
    assert units(sell) == []


def test_a_discount_is_taken_back_and_given_again(till: FakeTill, sell: SellPresenter) -> None:
    from ticketing.pricing import Discounted, PercentOff

    [unit] = free(till, 1)
    pick(sell, unit)
    full = sell.state.total_minor
    sell.begin_giving(1, unit)
    sell.give(Discounted("goodwill", PercentOff(500)))
    less = sell.state.total_minor
    assert less < full
    sell.undo()
    assert sell.state.total_minor == full
    sell.redo()
    assert sell.state.total_minor == less


def test_a_sale_cannot_be_undone(till: FakeTill, sell: SellPresenter) -> None:
    pick(sell, *free(till, 2))
    sell.pay_cash()
    assert sell.state.history.past == ()
    sell.undo()
    assert units(sell) == []


def test_nothing_is_undone_while_money_is_taken(till: FakeTill) -> None:
    runner = HeldRunner()
    sell = opened(till, runner)
    pick(sell, *free(till, 1))
    runner.release()
    sell.pay_cash()
    sell.undo()
    assert len(units(sell)) == 1
    runner.release()
    assert len(till.sold) == 1


# --- seats that are not simply there


def test_a_seat_that_was_sold_meanwhile_is_named(till: FakeTill, sell: SellPresenter) -> None:
    one, other = free(till, 2)
    pick(sell, one, other)
    sell.clear()
    till.set_states(1, UnitState.SOLD, [one])
    sell.refresh()
    sell.undo()
    assert units(sell) == [other]
    assert topic(sell) is Topic.NOT_UNDONE
    assert sell.state.notice is not None
    assert sell.state.notice.units == (one,)


def test_a_seat_acquired_for_the_basket_is_asked_for_again_as_it_was(
    till: FakeTill, sell: SellPresenter
) -> None:
    unit = elsewhere(till)
    pick(sell, unit)
    sell.change_type(1, unit, "child")
    sell.remove_line(1, unit)
    till.states[1].pop(unit)
    sell.refresh()
    steps = sell.state.history.past
    till.answers = None
    sell.undo()
    assert units(sell) == []
    assert sell.state.asking == {unit}
    till.answer(1, (unit,))
    assert units(sell) == [unit]
    assert types(sell) == ["child"]
    assert sell.state.history.past == steps[:-1], "coming back is no new step"


def test_a_seat_that_is_not_granted_again_says_so(till: FakeTill, sell: SellPresenter) -> None:
    unit = elsewhere(till)
    pick(sell, unit)
    sell.remove_line(1, unit)
    till.states[1].pop(unit)
    sell.refresh()
    till.answers = "taken"
    sell.undo()
    assert units(sell) == []
    assert topic(sell) is Topic.NOT_GRANTED


def test_offline_a_seat_that_went_back_does_not_come(till: FakeTill, sell: SellPresenter) -> None:
    unit = elsewhere(till)
    pick(sell, unit)
    sell.remove_line(1, unit)
    till.states[1].pop(unit)
    till.link = Link.OFFLINE
    sell.refresh()
    sell.undo()
    assert topic(sell) is Topic.SEAT_NOT_OURS_OFFLINE


def test_a_seat_of_another_performance_comes_back_too(till: FakeTill, sell: SellPresenter) -> None:
    [unit] = free(till, 1)
    till.set_states(2, UnitState.FREE, [unit])
    pick(sell, unit)
    sell.open(2)
    pick(sell, unit)
    sell.open(1)
    sell.clear()
    sell.undo()
    assert sell.state.basket is not None
    assert [line.picked.place for line in sell.state.basket.lines] == [(1, unit), (2, unit)]


# --- what is offered back


def test_what_was_removed_is_offered_back_for_a_while(till: FakeTill, sell: SellPresenter) -> None:
    [unit] = free(till, 1)
    pick(sell, unit)
    assert toast(sell) is None, "adding needs no word"
    sell.remove_line(1, unit)
    shown = toast(sell)
    assert shown is not None
    assert shown.step.deed is Deed.REMOVE
    for _second in range(TOAST_S - 1):
        sell.tick()
    assert toast(sell) is not None
    sell.tick()
    assert toast(sell) is None
    sell.undo()
    assert units(sell) == [unit], "the key still works"


# --- parking


def test_putting_aside_and_undoing_it_is_as_if_nothing_was(
    till: FakeTill, sell: SellPresenter
) -> None:
    wanted = free(till, 2)
    pick(sell, *wanted)
    sell.park_or_recall()
    assert units(sell) == []
    assert parked(sell) == [1]
    shown = toast(sell)
    assert shown is not None
    assert shown.step.deed is Deed.PARK
    sell.undo()
    assert units(sell) == wanted
    assert parked(sell) == []
    sell.undo()
    assert units(sell) == wanted[:1], "and what was done before it can be undone"
    sell.redo()
    sell.redo()
    assert units(sell) == []
    assert parked(sell) == [2]
    sell.undo()
    assert units(sell) == wanted


def test_another_basket_stands_in_the_way_of_undoing_that(
    till: FakeTill, sell: SellPresenter
) -> None:
    one, other = free(till, 2)
    pick(sell, one)
    sell.park_or_recall()
    till.answers = ""
    pick(sell, other)
    sell.undo()
    sell.undo()
    assert units(sell) == [one]


def test_the_only_one_that_waits_is_taken_out_at_once(till: FakeTill, sell: SellPresenter) -> None:
    wanted = free(till, 2)
    pick(sell, *wanted)
    sell.write_note("Row 3, please")
    sell.park_or_recall()
    sell.park_or_recall()
    assert units(sell) == wanted
    assert sell.state.basket is not None
    assert sell.state.basket.note == "Row 3, please"
    assert parked(sell) == []
    assert topic(sell) is None


def test_several_that_wait_are_listed(till: FakeTill, sell: SellPresenter) -> None:
    one, other = free(till, 2)
    for unit in (one, other):
        pick(sell, unit)
        sell.park_or_recall()
    sell.park_or_recall()
    listed = sell.state
    assert listed.recalling
    sell.recall(1)
    assert units(sell) == [one]
    assert not sell.state.recalling
    sell.list_parked()
    sell.recall(2)
    assert units(sell) == [other], "the basket that was open waits instead"
    assert [each.lines[0].unit for each in sell.state.parked] == [one]


def test_nothing_parked_is_said(sell: SellPresenter) -> None:
    sell.park_or_recall()
    assert topic(sell) is Topic.NOTHING_PARKED
    assert not sell.state.recalling


@pytest.mark.parametrize("refusal", [ParkRefusal.TOO_MANY, ParkRefusal.DISK_FULL])
def test_a_basket_that_cannot_be_put_aside_stays(
    till: FakeTill, sell: SellPresenter, refusal: ParkRefusal
) -> None:
    pick(sell, *free(till, 2))
    till.parking.refusal = refusal
    sell.park_or_recall()
    assert len(units(sell)) == 2
    assert topic(sell) is Topic.NOT_PARKED
    assert not sell.state.is_frozen


def test_nothing_touches_a_basket_on_its_way(till: FakeTill) -> None:
    runner = HeldRunner()
    sell = opened(till, runner)
    one, other = free(till, 2)
    pick(sell, one)
    runner.release()
    sell.park_or_recall()
    pick(sell, other)
    sell.remove_line(1, one)
    sell.clear()
    sell.undo()
    sell.pay_cash()
    assert units(sell) == [one]
    runner.release()
    assert units(sell) == []
    assert till.sold == []
    assert [line.unit for line in till.parking.parked[0].lines] == [one]


def test_seats_that_are_gone_are_named_at_the_recall(till: FakeTill, sell: SellPresenter) -> None:
    one, other = free(till, 2)
    pick(sell, one, other)
    sell.park_or_recall()
    till.parking.gone = {one}
    sell.park_or_recall()
    assert units(sell) == [other]
    assert topic(sell) is Topic.RECALLED_WITHOUT
    assert sell.state.notice is not None
    assert sell.state.notice.units == (one,)


def test_other_prices_are_said_at_the_recall(till: FakeTill, sell: SellPresenter) -> None:
    pick(sell, *free(till, 2))
    before = sell.state.total_minor
    sell.park_or_recall()
    till.change_prices(10)
    sell.park_or_recall()
    assert sell.state.total_minor > before
    assert topic(sell) is Topic.RECALLED_AT_OTHER_PRICE
    assert sell.state.notice is not None
    assert sell.state.notice.amounts == (before, sell.state.total_minor)


def test_a_basket_of_another_event_is_taken_out_where_it_belongs(till: FakeTill) -> None:
    till.add_event("nutcracker", 11)
    sell = opened(till)
    [unit] = free(till, 1)
    pick(sell, unit)
    sell.open(11)
    assert topic(sell) is Topic.OTHER_EVENT
    assert sell.state.number == 1
    sell.park_and_open()
    assert sell.state.number == 11
    assert units(sell) == []
    till.set_states(11, UnitState.FREE, [unit])
    sell.refresh()
    sell.undo()
    assert sell.state.number == 1
    assert units(sell) == [unit]


def test_steps_of_one_event_are_not_undone_at_another(till: FakeTill) -> None:
    till.add_event("nutcracker", 11)
    sell = opened(till)
    [unit] = free(till, 1)
    pick(sell, unit)
    sell.remove_line(1, unit)
    sell.open(11)
    till.set_states(11, UnitState.FREE, [unit])
    sell.undo()
    assert units(sell) == []


def test_what_waits_too_long_goes_back_and_is_said(
    till: FakeTill, sell: SellPresenter, clock: Clock
) -> None:
    pick(sell, *free(till, 2))
    sell.park_or_recall()
    clock.pass_s(PARK_S - 1)
    sell.tick()
    assert len(parked(sell)) == 1
    clock.pass_s(1)
    sell.tick()
    assert parked(sell) == []
    assert topic(sell) is Topic.PARKED_TOO_LONG
    assert till.parking.given_back[0].number == 1
    sell.undo()
    assert topic(sell) is Topic.NOT_PARKED
    assert units(sell) == []


def test_an_extension_keeps_it(till: FakeTill, sell: SellPresenter, clock: Clock) -> None:
    pick(sell, *free(till, 2))
    sell.park_or_recall()
    clock.pass_s(PARK_S - 5)
    sell.extend_parked(1)
    clock.pass_s(60)
    sell.tick()
    assert len(parked(sell)) == 1


def test_what_cannot_be_given_back_is_not_tried_every_second(
    till: FakeTill, sell: SellPresenter, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    pick(sell, *free(till, 1))
    sell.park_or_recall()
    tries: list[int] = []

    def expire() -> tuple[Parked, ...]:
        tries.append(1)
        return ()

    monkeypatch.setattr(till.parking, "expire", expire)
    clock.pass_s(PARK_S)
    for _second in range(40):
        sell.tick()
        clock.pass_s(1)
    assert len(tries) == 2


# --- the countdown of the basket


def test_seats_acquired_for_a_basket_are_counted_down_and_go_back(
    till: FakeTill, sell: SellPresenter, clock: Clock
) -> None:
    [own], asked = free(till, 1), elsewhere(till)
    pick(sell, own)
    assert hold(sell) is None, "seats in stock cost nobody anything"
    pick(sell, asked)
    assert hold(sell) == clock() + timedelta(seconds=HOLD_S)
    clock.pass_s(HOLD_S - 1)
    sell.tick()
    assert units(sell) == [own, asked]
    clock.pass_s(1)
    sell.tick()
    assert units(sell) == [own]
    assert till.given_back == [(1, (asked,))]
    assert topic(sell) is Topic.HELD_TOO_LONG
    assert hold(sell) is None


def test_the_countdown_ends_with_the_last_of_them_and_can_be_extended(
    till: FakeTill, sell: SellPresenter, clock: Clock
) -> None:
    asked = elsewhere(till)
    pick(sell, asked)
    clock.pass_s(HOLD_S - 1)
    sell.extend_hold()
    assert hold(sell) == clock() + timedelta(seconds=HOLD_S)
    sell.remove_line(1, asked)
    assert hold(sell) is None


def test_a_recalled_basket_counts_down_what_was_acquired_for_it(
    till: FakeTill, sell: SellPresenter
) -> None:
    asked = elsewhere(till)
    pick(sell, asked)
    till.parking.firm = {(1, asked)}
    sell.park_or_recall()
    assert hold(sell) is None
    sell.park_or_recall()
    assert hold(sell) is not None


# --- the number of seats, and the note


def test_the_number_used_last_is_the_events_own(till: FakeTill) -> None:
    till.add_event("nutcracker", 11)
    sell = opened(till)
    assert sell.state.quantity == 2
    sell.set_quantity(4)
    assert till.habits.quantities == {}, "only what was used counts"
    sell.best_together()
    sell.clear()
    sell.open(11)
    assert sell.state.quantity == 2
    sell.open(1)
    assert sell.state.quantity == 4
    assert opened(till).state.quantity == 4


def test_a_note_is_one_line_of_bounded_length(till: FakeTill, sell: SellPresenter) -> None:
    pick(sell, *free(till, 1))
    sell.write_note("  door 2,\n wheelchair  ")
    assert sell.state.basket is not None
    assert sell.state.basket.note == "door 2, wheelchair"
    sell.write_note("x" * 300)
    assert len(sell.state.basket.note) == 200
    sell.pay_cash()
    assert till.sold_baskets[0].note == "x" * 200
    assert sell.state.basket.note == ""


def test_a_note_survives_new_prices(till: FakeTill, sell: SellPresenter) -> None:
    from pos_app.services.model import News, NewsKind

    pick(sell, *free(till, 1))
    sell.write_note("aisle")
    till.change_prices(10)
    sell.on_news(News(NewsKind.CATALOGUE))
    assert sell.state.basket is not None
    assert sell.state.basket.note == "aisle"


def test_a_basket_that_is_partly_paid_is_neither_parked_nor_taken_apart(
    till: FakeTill, sell: SellPresenter, clock: Clock
) -> None:
    asked = elsewhere(till)
    pick(sell, asked)
    leg = RecordedLeg("0" * 16, CASH, 1_00)
    sell._board.become(replace(sell.state, payment=Payment("1" * 16, (leg,))))
    sell.park_or_recall()
    assert topic(sell) is Topic.NOT_PARKED
    assert till.parking.parked == []
    clock.pass_s(HOLD_S)
    sell.tick()
    assert units(sell) == [asked]


def test_what_cannot_be_put_aside_makes_room_all_the_same(
    till: FakeTill, sell: SellPresenter
) -> None:
    """An exchange picks into an empty basket, also when too many orders are parked."""
    wanted = free(till, 2)
    pick(sell, *wanted)
    till.parking.refusal = ParkRefusal.TOO_MANY
    sell.set_aside()
    assert units(sell) == []
    assert till.given_back == [(1, tuple(wanted))]
    assert sell.state.history.past == ()

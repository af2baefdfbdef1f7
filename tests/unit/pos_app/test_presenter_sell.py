"""Selling without a window: what taps, news and payments lead to."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pos_app.presenters.notice import Notice, Topic
from pos_app.presenters.sell import SellPresenter
from pos_app.presenters.sell_house import search
from pos_app.presenters.sell_state import QUANTITY_MAX
from pos_app.services.basket import LINES_MAX, Basket
from pos_app.services.model import (
    Availability,
    Link,
    News,
    NewsKind,
    PrintResult,
    SaleRefusal,
    SaleRefused,
    Sold,
    UnitState,
)
from pos_app.services.tender_model import Payment
from tests.fakes.runner import HeldRunner, run_now
from tests.fakes.till import CASHIER, NOW, PIN, FakeTill, stocked_till


@pytest.fixture
def till() -> FakeTill:
    till = stocked_till()
    till.sign_in(CASHIER.id, PIN)
    return till


@pytest.fixture
def sell(till: FakeTill) -> SellPresenter:
    return opened(till)


class Counting(FakeTill):
    """Notes which performances were read."""

    def __init__(self, states: dict[int, dict[int, UnitState]]) -> None:
        super().__init__(states=states)
        self.reads: list[int] = []

    def availability(self, performance: int) -> Availability:
        self.reads.append(performance)
        return super().availability(performance)


def opened(till: FakeTill, runner: HeldRunner | None = None) -> SellPresenter:
    presenter = SellPresenter(till, runner or run_now, runner or run_now)
    till.subscribe(presenter.on_news)
    presenter.open(1)
    presenter.refresh()
    if runner is not None:
        runner.release()
    return presenter


def unit_in(till: FakeTill, state: UnitState, nth: int = 0) -> int:
    found = [unit for unit, each in till.states[1].items() if each is state]
    return found[nth]


def unit_elsewhere(till: FakeTill) -> int:
    return next(
        seat.unit
        for seat in till.plan().seats
        if seat.unit not in till.states[1] and seat.area_id == "stalls-right"
    )


def units_of(sell: SellPresenter) -> tuple[int, ...]:
    return sell.state.basket.units if sell.state.basket else ()


def topic_of(sell: SellPresenter) -> Topic | None:
    return sell.state.notice.topic if sell.state.notice else None


class TestPicking:
    def test_opening_a_performance_stocks_it(self, till: FakeTill, sell: SellPresenter) -> None:
        assert sell.state.number == 1
        assert till.stocked == [1]

    def test_a_seat_of_ours_is_in_the_basket_at_once(
        self, till: FakeTill, sell: SellPresenter
    ) -> None:
        unit = unit_in(till, UnitState.FREE)
        sell.tap_unit(unit)
        assert units_of(sell) == (unit,)
        assert sell.state.selected == {unit}
        assert till.asked_for == []

    def test_a_second_tap_puts_it_back(self, till: FakeTill, sell: SellPresenter) -> None:
        unit = unit_in(till, UnitState.FREE)
        sell.tap_unit(unit)
        sell.tap_unit(unit)
        assert units_of(sell) == ()
        assert till.given_back == [(1, (unit,))]

    @pytest.mark.parametrize(
        ("state", "topic"),
        [
            pytest.param(UnitState.SOLD, Topic.SEAT_SOLD, id="sold"),
            pytest.param(UnitState.LENT, Topic.SEAT_LENT, id="lent to another window"),
            pytest.param(UnitState.BLOCKED, Topic.SEAT_BLOCKED, id="kept back"),
        ],
    )
    def test_a_seat_not_to_be_had_is_explained_and_another_offered(
        self, till: FakeTill, sell: SellPresenter, state: UnitState, topic: Topic
    ) -> None:
        sell.tap_unit(unit_in(till, state))
        assert units_of(sell) == ()
        assert till.asked_for == []
        assert topic_of(sell) is topic
        notice = sell.state.notice
        assert notice is not None
        assert notice.offer is not None
        assert till.states[1][notice.offer] is UnitState.FREE
        sell.take_offer()
        assert units_of(sell) == (notice.offer,)
        assert sell.state.notice is None

    def test_a_ticket_that_has_no_price_is_refused(
        self, till: FakeTill, sell: SellPresenter
    ) -> None:
        sell.tap_unit(unit_in(till, UnitState.FREE))
        line = sell.state.basket.lines[0] if sell.state.basket else None
        assert line is not None
        assert line.tier_id == "vip"
        sell.change_type(1, line.unit, "student")
        assert topic_of(sell) is Topic.TYPE_NOT_SOLD
        sell.change_type(1, line.unit, "child")
        assert sell.state.total_minor == line.price_minor // 2

    def test_the_basket_ends_at_its_limit(self, till: FakeTill, sell: SellPresenter) -> None:
        for nth in range(LINES_MAX + 1):
            sell.tap_unit(unit_in(till, UnitState.FREE, nth))
        assert len(units_of(sell)) == LINES_MAX
        assert topic_of(sell) is Topic.BASKET_FULL

    def test_clearing_gives_everything_back(self, till: FakeTill, sell: SellPresenter) -> None:
        sell.best_together()
        units = units_of(sell)
        assert len(units) == 2
        sell.clear()
        assert units_of(sell) == ()
        assert till.given_back == [(1, units)]

    def test_the_quantity_stays_within_its_limits(self, sell: SellPresenter) -> None:
        sell.set_quantity(0)
        assert sell.state.quantity == 1
        sell.set_quantity(1_000)
        assert sell.state.quantity == QUANTITY_MAX

    def test_nothing_happens_before_a_performance_is_open(self, till: FakeTill) -> None:
        sell = SellPresenter(till, run_now, run_now)
        sell.tap_unit(1)
        sell.best_together()
        sell.add_standing("standing")
        sell.change_type(1, 1, "adult")
        sell.remove_line(1, 1)
        sell.clear()
        sell.take_offer()
        assert sell.state.basket is None


class TestBestTogether:
    def test_takes_our_own_seats_first(self, till: FakeTill, sell: SellPresenter) -> None:
        sell.set_quantity(3)
        sell.best_together()
        assert len(units_of(sell)) == 3
        assert all(till.states[1][unit] is UnitState.FREE for unit in units_of(sell))
        assert till.asked_for == []

    def test_takes_other_seats_the_second_time(self, sell: SellPresenter) -> None:
        sell.best_together()
        sell.best_together()
        assert len(set(units_of(sell))) == 4

    def test_keeps_to_the_tier_in_view(self, till: FakeTill, sell: SellPresenter) -> None:
        sell.filter_tier("b")
        sell.best_together()
        event = till.catalogue.events[0]
        assert {event.tier_of(unit) for unit in units_of(sell)} == {"b"}
        sell.filter_tier("b")
        assert sell.state.tier_id is None

    def test_asks_for_seats_when_ours_do_not_do(self, till: FakeTill, sell: SellPresenter) -> None:
        till.states[1] = {}
        sell.refresh()
        sell.best_together()
        assert len(till.asked_for) == 1
        assert len(units_of(sell)) == 2

    def test_says_so_when_there_are_none(self, till: FakeTill, sell: SellPresenter) -> None:
        till.go_offline(NOW)
        till.states[1] = {}
        sell.refresh()
        sell.best_together()
        assert topic_of(sell) is Topic.NONE_TOGETHER
        assert units_of(sell) == ()

    def test_a_second_press_while_searching_is_one_search(self, till: FakeTill) -> None:
        runner = HeldRunner()
        sell = opened(till, runner)
        sell.best_together()
        sell.best_together()
        runner.release()
        assert len(units_of(sell)) == 2

    def test_what_went_while_it_was_looked_for_is_looked_for_again(self, till: FakeTill) -> None:
        runner = HeldRunner()
        sell = opened(till, runner)
        gone = search(sell.state, till.house(1), None)
        assert gone is not None
        till.set_states(1, UnitState.SOLD, gone)
        till.tell(News(NewsKind.AVAILABILITY, 1))
        sell.best_together()  # among what was free before the news is read
        runner.release()
        assert len(units_of(sell)) == 2
        assert set(units_of(sell)).isdisjoint(gone)

    def test_what_was_found_for_another_performance_is_dropped(self, till: FakeTill) -> None:
        runner = HeldRunner()
        sell = opened(till, runner)
        sell.open(2)
        sell.best_together()
        runner.release()
        assert sell.state.number == 2
        assert units_of(sell) == ()
        assert not sell.state.finding


class TestStandingPlaces:
    def test_are_added_by_quantity(self, till: FakeTill, sell: SellPresenter) -> None:
        sell.set_quantity(3)
        sell.add_standing("standing")
        assert [till.plan().area_of(unit).id for unit in units_of(sell)] == ["standing"] * 3

    def test_missing_ones_are_asked_for(self, till: FakeTill, sell: SellPresenter) -> None:
        sell.set_quantity(12)
        sell.add_standing("standing")
        sell.add_standing("standing")
        assert len(units_of(sell)) == 24  # 20 are ours
        assert [len(units) for _, units in till.asked_for] == [4]

    def test_offline_only_ours_can_be_added(self, till: FakeTill, sell: SellPresenter) -> None:
        till.go_offline(NOW)
        sell.set_quantity(12)
        sell.add_standing("standing")
        sell.add_standing("standing")
        assert len(units_of(sell)) == 12
        assert topic_of(sell) is Topic.TOO_FEW_PLACES
        assert sell.state.notice is not None
        assert sell.state.notice.count == 8

    def test_an_unknown_area_is_ignored(self, sell: SellPresenter) -> None:
        sell.add_standing("moon")
        assert units_of(sell) == ()


class TestAsking:
    def test_a_granted_seat_comes_into_the_basket(
        self, till: FakeTill, sell: SellPresenter
    ) -> None:
        till.answers = None
        unit = unit_elsewhere(till)
        sell.tap_unit(unit)
        assert sell.state.asking == {unit}
        assert units_of(sell) == ()
        till.answer(1, (unit,))
        assert sell.state.asking == frozenset()
        assert units_of(sell) == (unit,)

    def test_a_refused_seat_is_explained_and_the_nearest_offered(
        self, till: FakeTill, sell: SellPresenter
    ) -> None:
        till.answers = "taken"
        sell.tap_unit(unit_elsewhere(till))
        assert units_of(sell) == ()
        assert sell.state.asking == frozenset()
        assert sell.state.notice is not None
        assert (sell.state.notice.topic, sell.state.notice.code) == (Topic.NOT_GRANTED, "taken")
        assert sell.state.notice.offer is not None

    def test_a_second_tap_gives_up_the_wish_and_a_late_grant_goes_back(
        self, till: FakeTill, sell: SellPresenter
    ) -> None:
        till.answers = None
        unit = unit_elsewhere(till)
        sell.tap_unit(unit)
        sell.tap_unit(unit)
        assert sell.state.asking == frozenset()
        till.answer(1, (unit,))
        assert units_of(sell) == ()
        assert till.given_back == [(1, (unit,))]

    def test_a_grant_that_comes_twice_leaves_the_seat_in_the_basket(
        self, till: FakeTill, sell: SellPresenter
    ) -> None:
        unit = unit_elsewhere(till)
        sell.tap_unit(unit)
        till.answer(1, (unit,))
        assert units_of(sell) == (unit,)
        assert till.given_back == []

    def test_a_refusal_of_a_forgotten_wish_says_nothing(
        self, till: FakeTill, sell: SellPresenter
    ) -> None:
        till.answers = None
        unit = unit_elsewhere(till)
        sell.tap_unit(unit)
        sell.clear()
        till.answer(1, (unit,), "taken")
        assert sell.state.notice is None

    @pytest.mark.parametrize("link", [Link.OFFLINE, Link.CONNECTING])
    def test_without_the_server_nothing_is_asked(
        self, till: FakeTill, sell: SellPresenter, link: Link
    ) -> None:
        till.link = link
        sell.refresh()
        sell.tap_unit(unit_elsewhere(till))
        assert topic_of(sell) is Topic.SEAT_NOT_OURS_OFFLINE
        assert sell.state.asking == frozenset()
        assert units_of(sell) == ()

    def test_units_granted_while_paying_go_back(self, till: FakeTill) -> None:
        till.answers = None
        runner = HeldRunner()
        sell = opened(till, runner)
        unit = unit_elsewhere(till)
        sell.tap_unit(unit)
        sell.tap_unit(unit_in(till, UnitState.FREE))
        runner.release()
        sell.pay_cash()
        till.answer(1, (unit,))
        runner.release()
        assert len(till.sold_baskets[0].lines) == 1
        assert till.given_back == [(1, (unit,))]


class TestPaying:
    def test_a_sale_empties_the_basket_and_shows_the_change(
        self, till: FakeTill, sell: SellPresenter
    ) -> None:
        sell.best_together()
        total = sell.state.total_minor
        sell.pay_cash(total + 40_00)
        assert units_of(sell) == ()
        assert sell.state.change is not None
        assert sell.state.change.change_minor == 40_00
        assert till.printed == [sell.state.change.order_id]
        assert sell.state.status.unsynced_count == 1

    def test_what_was_just_sold_is_not_found_again_before_the_next_reading(
        self, till: FakeTill
    ) -> None:
        runner = HeldRunner()
        sell = opened(till, runner)
        sell.best_together()
        runner.release()
        first = units_of(sell)
        sell.pay_cash()
        runner.release_next()
        sell.best_together()
        assert sell.state.change is None
        assert {sell.state.state_of(unit) for unit in first} == {UnitState.SOLD}
        runner.release()
        assert len(units_of(sell)) == 2
        assert set(units_of(sell)).isdisjoint(first)

    def test_the_change_goes_away_with_the_next_thing_done(
        self, till: FakeTill, sell: SellPresenter
    ) -> None:
        sell.best_together()
        sell.pay_cash()
        sell.tap_unit(unit_in(till, UnitState.FREE))
        assert sell.state.change is None
        assert sell.state.last_sale is not None

    def test_paying_twice_is_one_sale(self, till: FakeTill) -> None:
        runner = HeldRunner()
        sell = opened(till, runner)
        sell.tap_unit(unit_in(till, UnitState.FREE))
        sell.pay_cash()
        assert not sell.state.can_pay
        sell.pay_cash()
        runner.release()
        sell.pay_cash()
        runner.release()
        assert till.payments_count == 1
        assert len(till.sold) == 1

    def test_nothing_touches_the_basket_while_paying(self, till: FakeTill) -> None:
        runner = HeldRunner()
        sell = opened(till, runner)
        unit, other = unit_in(till, UnitState.FREE), unit_in(till, UnitState.FREE, 1)
        sell.tap_unit(unit)
        sell.pay_cash()
        sell.tap_unit(other)
        sell.remove_line(1, unit)
        sell.change_type(1, unit, "child")
        sell.add_standing("standing")
        sell.best_together()
        sell.clear()
        assert units_of(sell) == (unit,)
        runner.release()
        assert [basket.units for basket in till.sold_baskets] == [(unit,)]

    def test_an_empty_basket_is_said_but_not_over_the_change(self, sell: SellPresenter) -> None:
        sell.pay_cash()
        assert topic_of(sell) is Topic.SALE_REFUSED
        sell.best_together()
        sell.pay_cash()
        sell.pay_cash()
        assert sell.state.notice is None
        assert sell.state.change is not None

    @pytest.mark.parametrize(
        "reason", sorted({*SaleRefusal} - {SaleRefusal.EMPTY, SaleRefusal.LATE_APPROVAL})
    )
    def test_a_refused_sale_keeps_the_basket(
        self, till: FakeTill, sell: SellPresenter, reason: SaleRefusal
    ) -> None:
        sell.best_together()
        units = units_of(sell)
        till.sale_refusal = reason
        sell.pay_cash()
        assert units_of(sell) == units
        assert sell.state.notice is not None
        assert sell.state.notice.topic in (Topic.SALE_REFUSED, Topic.PRICES_RENEWED)
        till.sale_refusal = None
        sell.pay_cash()
        assert len(till.sold) == 1

    @pytest.mark.parametrize("reason", [SaleRefusal.TERM_OVER, SaleRefusal.LATE_LIMIT])
    def test_units_past_their_term_leave_the_basket_and_go_back(
        self, till: FakeTill, sell: SellPresenter, reason: SaleRefusal
    ) -> None:
        sell.best_together()
        first, *rest = units_of(sell)
        till.sale_refusal, till.refused_units = reason, (first,)
        sell.pay_cash()
        assert units_of(sell) == tuple(rest)
        assert till.given_back == [(1, (first,))]
        assert sell.state.notice == Notice(Topic.SALE_REFUSED, reason, units=(first,))

    def test_units_that_are_gone_leave_the_basket_and_the_rest_can_be_paid(
        self, till: FakeTill, sell: SellPresenter
    ) -> None:
        sell.set_quantity(3)
        sell.best_together()
        first, *rest = units_of(sell)
        till.set_states(1, UnitState.SOLD, [first])
        sell.pay_cash()
        assert units_of(sell) == tuple(rest)
        sell.pay_cash()
        assert till.sold[0].ticket_count == 2

    def test_a_changed_price_is_shown_before_it_is_taken(
        self, till: FakeTill, sell: SellPresenter
    ) -> None:
        sell.best_together()
        total = sell.state.total_minor
        till.change_prices(percent=10)
        sell.pay_cash()
        assert till.sold == []
        assert sell.state.total_minor == total * 110 // 100
        assert sell.state.notice is not None
        assert sell.state.notice.code == SaleRefusal.PRICE_CHANGED
        sell.pay_cash()
        assert till.sold[0].total_minor == total * 110 // 100

    def test_new_prices_reach_a_basket_by_news(self, till: FakeTill, sell: SellPresenter) -> None:
        sell.best_together()
        till.change_prices(percent=50)
        till.tell(News(NewsKind.CATALOGUE))
        assert topic_of(sell) is Topic.PRICES_RENEWED
        sell.pay_cash()
        assert len(till.sold) == 1

    def test_a_payment_that_broke_says_that_it_is_not_known(self, till: FakeTill) -> None:
        class Breaking(FakeTill):
            def pay(self, basket: Basket, payment: Payment) -> Sold | SaleRefused:
                raise OSError(f"{len(basket.lines)} {payment.tendered_minor}")

        breaking = Breaking(states=till.states)
        sell = opened(breaking)
        sell.best_together()
        sell.pay_cash()
        assert topic_of(sell) is Topic.PAYMENT_BROKEN
        assert len(units_of(sell)) == 2
        assert sell.state.can_pay


class TestPrinting:
    def test_paper_that_does_not_come_never_undoes_the_sale(
        self, till: FakeTill, sell: SellPresenter
    ) -> None:
        till.paper = False
        sell.best_together()
        sell.pay_cash()
        assert len(till.sold) == 1
        assert topic_of(sell) is Topic.NOT_PRINTED
        assert [order.ticket_count for order in sell.state.unprinted] == [2]
        till.paper = True
        sell.print_waiting()
        assert sell.state.unprinted == ()
        assert len(till.printed) == 1

    def test_an_order_at_the_printer_is_not_printed_again(self, till: FakeTill) -> None:
        printer = HeldRunner()
        sell = SellPresenter(till, run_now, printer)
        till.subscribe(sell.on_news)
        sell.open(1)
        sell.refresh()
        sell.best_together()
        sell.pay_cash()
        assert len(sell.state.printing) == 1
        assert sell.state.unprinted == ()
        sell.print_waiting()
        assert printer.held_count == 1

    def test_a_printer_that_broke_leaves_the_order_waiting(self, till: FakeTill) -> None:
        class Breaking(FakeTill):
            def print_order(self, order_id: str) -> PrintResult:
                raise OSError(order_id)

        sell = opened(Breaking(states=till.states, signed_in=CASHIER))
        sell.best_together()
        sell.pay_cash()
        assert topic_of(sell) is Topic.NOT_PRINTED
        assert len(sell.state.unprinted) == 1


class TestNews:
    def test_a_seat_that_is_sold_elsewhere_changes_its_state(
        self, till: FakeTill, sell: SellPresenter
    ) -> None:
        unit = unit_elsewhere(till)
        till.set_states(1, UnitState.SOLD, [unit])
        till.tell(News(NewsKind.AVAILABILITY, 1))
        assert sell.state.state_of(unit) is UnitState.SOLD

    def test_changes_during_a_reading_lead_to_one_more(self, till: FakeTill) -> None:
        runner = HeldRunner()
        counting = Counting(till.states)
        opened(counting, runner)
        counting.reads.clear()
        for _change in range(20):
            counting.tell(News(NewsKind.AVAILABILITY, 1))
        runner.release()
        assert counting.reads == [1, 1]

    def test_what_is_known_is_not_read_again(self, till: FakeTill) -> None:
        counting = Counting(till.states)
        sell = opened(counting)
        counting.reads.clear()
        counting.tell(News(NewsKind.AVAILABILITY, 1, version=sell.state.version))
        assert counting.reads == []
        counting.tell(News(NewsKind.AVAILABILITY, 1, version=sell.state.version + 1))
        assert counting.reads == [1]

    @pytest.mark.parametrize(("newer", "reads"), [(0, [1]), (1, [1, 1])])
    def test_a_change_that_a_reading_knows_of_leads_to_no_other(
        self, till: FakeTill, newer: int, reads: list[int]
    ) -> None:
        runner = HeldRunner()
        counting = Counting(till.states)
        sell = opened(counting, runner)
        known = sell.state.version
        counting.reads.clear()
        sell.refresh()
        counting.set_states(1, UnitState.SOLD, ())  # the reading will have the version after this
        counting.tell(News(NewsKind.AVAILABILITY, 1, version=known + 1 + newer))
        runner.release()
        assert counting.reads == reads

    def test_changes_of_other_performances_are_not_read(self, till: FakeTill) -> None:
        runner = HeldRunner()
        opened(till, runner)
        till.tell(News(NewsKind.AVAILABILITY, 4))
        assert runner.held_count == 0

    def test_being_back_online_is_said_with_the_number_sent(
        self, till: FakeTill, sell: SellPresenter
    ) -> None:
        offline = []
        sell.watch(lambda state: offline.append(state.offline))
        till.go_offline(NOW, unsynced_count=12)
        till.go_online()
        assert (offline[0], True in offline, offline[-1]) == (False, True, False)
        assert sell.state.notice is not None
        assert (sell.state.notice.topic, sell.state.notice.count) == (Topic.SYNCED, 12)

    def test_offline_only_our_own_units_count(self, till: FakeTill, sell: SellPresenter) -> None:
        online = sell.state.stock.total(ours_only=sell.state.offline)
        till.go_offline(NOW)
        ours = sell.state.stock.total(ours_only=sell.state.offline)
        assert ours == sum(state is UnitState.FREE for state in till.states[1].values())
        assert online > ours

    def test_a_locked_window_cannot_pay(self, till: FakeTill, sell: SellPresenter) -> None:
        sell.best_together()
        till.link = Link.LOCKED
        till.tell(News(NewsKind.STATUS))
        assert not sell.state.can_pay

    def test_a_fault_in_the_background_keeps_the_basket(self, till: FakeTill) -> None:
        class Breaking(FakeTill):
            def give_back(self, performance: int, units: object) -> None:
                raise OSError(f"{performance} {units}")

        sell = opened(Breaking(states=till.states))
        sell.best_together()
        sell.remove_line(1, units_of(sell)[0])
        assert topic_of(sell) is Topic.BROKEN
        assert len(units_of(sell)) == 1
        sell.dismiss()
        assert sell.state.notice is None


class TestAnotherPerformance:
    def test_of_the_same_event_keeps_the_basket(self, till: FakeTill, sell: SellPresenter) -> None:
        sell.best_together()
        first = units_of(sell)
        sell.open(3)
        assert sell.state.number == 3
        assert sell.state.selected == frozenset()
        till.set_states(3, UnitState.FREE, list(first))
        sell.refresh()
        sell.tap_unit(first[0])
        assert len(units_of(sell)) == 3
        sell.clear()
        assert sorted(till.given_back) == sorted([(1, first), (3, (first[0],))])

    def test_of_another_event_waits_until_the_basket_is_sold(
        self, till: FakeTill, sell: SellPresenter
    ) -> None:
        till.add_event("gala", first_number=101)
        sell.best_together()
        sell.open(101)
        assert sell.state.number == 1
        assert topic_of(sell) is Topic.OTHER_EVENT
        sell.pay_cash()
        sell.open(101)
        assert sell.state.number == 101
        assert sell.state.basket is not None
        assert sell.state.basket.event_id == "gala"


def watching(sell: SellPresenter) -> tuple[list[bool], Callable[[], None]]:
    """How often the state was told, and whether it could be paid then."""
    told: list[bool] = []
    sell.watch(lambda state: told.append(state.can_pay))
    return told, told.clear


def test_a_state_that_did_not_change_is_not_told(sell: SellPresenter) -> None:
    told, forget = watching(sell)
    assert told == [False]
    forget()
    sell.refresh()
    sell.set_quantity(sell.state.quantity)
    assert told == []

"""A sale is one transaction: all of it or nothing, final with or without the network."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from edge.errors import ReplicaFull
from edge.id_mint import IdMint
from edge.journal import LockReason, lock_node
from edge.link import LinkState
from pos_app.services.basket import Basket
from pos_app.services.model import Link as WindowLink
from pos_app.services.model import NewsKind, Person, SaleRefusal, SaleRefused, Sold, UnitState
from pos_app.services.sales import Seller, UnitsGone, sell
from pos_app.services.tender_model import Payment, in_cash
from tests.fakes.hall import EVENT_ID, FIRST, ROW, SECOND, STANDING, Feed
from tests.fakes.till import NOW, sample_catalogue
from tests.integration.pos_app.window_stage import CASHIER, Stage, at_once
from ticketing.catalogue import event_document
from ticketing.code import TicketCode, parse_code
from ticketing.event import Event
from ticketing.journal import ROOT_HASH, OpKind, first_break
from ticketing.operations import CashLeg, Sale, decode_sale
from ticketing.terms import DEFAULT_CAPS, DRIFT_MAX, Caps, Terms

SOFT_S, HARD_S = 600, 1_200
SUPERVISOR = Person("wang", "王芳", "supervisor")
PLAN = sample_catalogue().plans[0]
EVENT = sample_catalogue().events[0]


def sales(stage: Stage) -> list[Sale]:
    found = [decode_sale(op.body) for op in stage.ops(OpKind.SALE)]
    assert None not in found
    return [sale for sale in found if sale is not None]


def receipts(stage: Stage) -> list[str]:
    return [sale.receipt_no for sale in sales(stage)]


def publish(stage: Stage, event: Event) -> None:
    """The server has a new document of the event."""
    venue = replace(sample_catalogue().venue, currency=event.currency)
    stage.feed.open_house(event_document(venue, PLAN, event))


def pay(stage: Stage, basket: Basket) -> Sold | SaleRefused:
    return stage.window.pay_cash(basket, basket.total_minor)


def pay_approved(stage: Stage, basket: Basket, approver: Person | None) -> Sold | SaleRefused:
    payment = Payment(tendered_minor=basket.total_minor, approver=approver)
    return stage.window.pay(basket, payment)


# --- what a sale records


def test_a_sale_takes_the_units_and_records_the_money(till: Stage) -> None:
    till.lend(ROW[:2])
    standing = till.lend([STANDING], version=3)
    basket = till.basket([ROW[0], STANDING])
    sold = till.window.pay_cash(basket, 100_000)
    assert isinstance(sold, Sold)
    total = 88_000 + 8_000
    assert (sold.ticket_count, sold.total_minor) == (2, total)
    assert (sold.tendered_minor, sold.change_minor) == (100_000, 100_000 - total)
    [sale] = sales(till)
    assert (sale.order_id, sale.receipt_no) == (sold.order_id, sold.receipt_no)
    assert (sale.sold_by, sale.currency, sale.cash) == (CASHIER, "CNY", CashLeg(total, 100_000))
    assert [(line.unit, line.price_minor, line.rule) for line in sale.lines] == [
        (ROW[0], 88_000, "list"),
        (STANDING, 8_000, "list"),
    ]
    assert (sale.lines[1].allotment, sale.lines[1].version) == (standing, 3)
    states = till.window.availability(FIRST).states
    assert [states[unit] for unit in (ROW[0], ROW[1], STANDING)] == [
        UnitState.SOLD,
        UnitState.FREE,
        UnitState.SOLD,
    ]


def test_a_tickets_code_says_what_its_line_says_and_is_signed_by_this_till(till: Stage) -> None:
    till.lend(ROW[:3], version=7)
    till.lend(ROW[:3], SECOND, version=9)
    basket = till.basket(ROW[:2])
    basket = replace(basket, lines=(*basket.lines, *till.basket(ROW[:1], SECOND).lines))
    assert isinstance(pay(till, basket), Sold)
    [sale] = sales(till)
    for line in sale.lines:
        code = parse_code(line.code)
        assert isinstance(code, TicketCode)
        assert code.is_genuine(till.key.public)
        performance = EVENT.performance(line.performance)
        ticket_type = EVENT.ticket_type(line.ticket_type_id)
        assert performance is not None
        assert ticket_type is not None
        facts = code.facts
        assert facts.key_id == till.key.id
        assert (facts.ticket_id, facts.performance, facts.unit) == (
            line.ticket_id,
            line.performance,
            line.unit,
        )
        assert (facts.version, facts.allotment) == (line.version, line.allotment)
        assert facts.ticket_type == ticket_type.number
        assert (facts.valid_from, facts.valid_to) == (performance.doors_at, performance.ends_at)
        assert not facts.flags
    assert len({line.ticket_id for line in sale.lines}) == 3


def test_one_seat_of_two_performances_is_two_units_of_two_allotments(till: Stage) -> None:
    first, second = till.lend([ROW[0]], version=1), till.lend([ROW[0]], SECOND, version=2)
    basket = till.basket([ROW[0]])
    basket = replace(basket, lines=(*basket.lines, *till.basket([ROW[0]], SECOND).lines))
    assert isinstance(pay(till, basket), Sold)
    [sale] = sales(till)
    cited = [(line.performance, line.allotment, line.version) for line in sale.lines]
    assert cited == [(FIRST, first, 1), (SECOND, second, 2)]


def test_a_seat_that_is_ours_for_another_performance_only_is_not_sold(till: Stage) -> None:
    till.lend([ROW[0]], SECOND)
    basket = till.basket([ROW[0]])
    basket = replace(basket, lines=(*basket.lines, *till.basket([ROW[0]], SECOND).lines))
    assert pay(till, basket) == SaleRefused(SaleRefusal.UNIT_NOT_OURS, (ROW[0],))
    assert sales(till) == []


def test_a_sale_without_the_network_is_as_final_as_any(till: Stage) -> None:
    till.lend(ROW)
    till.engine.become(LinkState.OFFLINE)
    till.heard()
    sold = till.sell(ROW[:2])
    assert till.heard_kinds() == {NewsKind.AVAILABILITY, NewsKind.STATUS}
    assert till.engine.nudged > 0, "the pusher tries as soon as it can"
    till.restart()
    till.sign_in()
    assert [sale.order_id for sale in sales(till)] == [sold.order_id]
    assert till.window.status().unsynced_count == 4, "two sign-ins, the shift, the sale"
    assert pay(till, till.basket([ROW[0]])) == SaleRefused(SaleRefusal.UNIT_NOT_OURS, (ROW[0],))


def test_the_journal_stays_one_chain(till: Stage) -> None:
    till.lend(ROW)
    for unit in ROW[:3]:
        till.sell([unit])
    ops = till.ops(OpKind.SALE)
    assert [op.seq for op in ops] == [1, 2, 3]
    assert first_break(ops, ROOT_HASH, 1, EVENT_ID, till.node_id, 1) is None


def test_receipt_numbers_have_no_gap_over_refusals_and_restarts(till: Stage) -> None:
    till.lend(ROW)
    till.sell([ROW[0]])
    pay(till, till.basket([ROW[0], ROW[1]]))
    till.window.pay_cash(till.basket([ROW[1]]), 1)
    till.sell([ROW[1]])
    till.restart()
    till.sign_in()
    till.sell([ROW[2]])
    prefix = till.node_id[:4].upper()
    assert receipts(till) == [f"{prefix}-{number:06d}" for number in (1, 2, 3)]


# --- what is refused, and that nothing is left of it


def untouched(stage: Stage) -> None:
    """Nothing was taken, nothing recorded, and no receipt number used."""
    assert stage.ops(OpKind.SALE) == []
    assert stage.count("orders") == 0
    states = stage.window.availability(FIRST).states
    assert {states[unit] for unit in ROW} == {UnitState.FREE}
    assert stage.sell([ROW[5]]).receipt_no.endswith("-000001")


def test_nobody_signed_in_sells_nothing(stage: Stage) -> None:
    stage.lend(ROW)
    basket = stage.basket(ROW)
    assert pay(stage, basket) == SaleRefused(SaleRefusal.NOT_SIGNED_IN)
    stage.sign_in()
    stage.window.sign_out()
    assert pay(stage, basket) == SaleRefused(SaleRefusal.NOT_SIGNED_IN)
    stage.sign_in()
    untouched(stage)


def test_an_empty_basket_is_not_sold(till: Stage) -> None:
    till.lend(ROW)
    assert till.window.pay_cash(till.basket([]), 100) == SaleRefused(SaleRefusal.EMPTY)
    untouched(till)


def test_a_basket_with_one_unit_that_is_not_ours_is_not_sold(till: Stage) -> None:
    till.lend(ROW)
    gone = (1, 2)
    assert pay(till, till.basket([*ROW, *gone])) == SaleRefused(SaleRefusal.UNIT_NOT_OURS, gone)
    untouched(till)


def test_a_unit_twice_in_a_basket_is_not_sold_twice(till: Stage) -> None:
    till.lend(ROW)
    basket = till.basket([ROW[0]])
    basket = replace(basket, lines=basket.lines * 2)
    assert pay(till, basket) == SaleRefused(SaleRefusal.UNIT_NOT_OURS, (ROW[0],))
    untouched(till)


def test_a_released_unit_is_not_sold(till: Stage) -> None:
    till.lend(ROW)
    till.lend([1], firm=True)
    basket = till.basket([1])
    till.window.give_back(FIRST, [1])
    assert pay(till, basket) == SaleRefused(SaleRefusal.UNIT_NOT_OURS, (1,))
    untouched(till)


def test_a_unit_past_its_hard_term_is_not_sold_and_the_window_says_so(till: Stage) -> None:
    till.lend(ROW, terms=Terms(SOFT_S, HARD_S))
    till.lend([1])
    assert not till.window.status().outlived
    till.env.pass_s(HARD_S)
    basket = till.basket([ROW[0], 1])
    assert pay_approved(till, basket, SUPERVISOR) == SaleRefused(SaleRefusal.TERM_OVER, (ROW[0],))
    assert sales(till) == []
    status = till.window.status()
    assert (status.outlived, status.late) == (True, None)
    assert isinstance(pay(till, till.basket([1])), Sold), "what has no term is sold all the same"


@pytest.mark.parametrize(
    "approver",
    [
        pytest.param(None, id="nobody"),
        pytest.param(Person(CASHIER, "李娜", "manager"), id="who sells"),
        pytest.param(Person("xu", "徐", "cashier"), id="another cashier"),
    ],
)
def test_past_the_soft_term_a_second_person_of_a_higher_role_has_to_let_it_be(
    till: Stage, approver: Person | None
) -> None:
    till.lend(ROW, terms=Terms(SOFT_S, HARD_S))
    till.env.pass_s(SOFT_S)
    refused = SaleRefused(SaleRefusal.LATE_APPROVAL, (ROW[0],))
    assert pay_approved(till, till.basket([ROW[0]]), approver) == refused
    assert sales(till) == []
    assert till.window.tenders.abandoned() == ()


def test_an_approved_sale_past_the_soft_term_names_who_let_it_be_and_is_counted(
    till: Stage,
) -> None:
    till.lend(ROW, terms=Terms(SOFT_S, HARD_S))
    assert till.window.status().late is None
    till.env.pass_s(SOFT_S)
    before, basket = till.window.status().late, till.basket([ROW[0]])
    assert isinstance(pay_approved(till, basket, SUPERVISOR), Sold)
    [sale] = sales(till)
    assert (sale.late, sale.late_approved_by) == (True, SUPERVISOR.id)
    after = till.window.status().late
    assert before is not None
    assert after is not None
    assert after.ticket_count == before.ticket_count - 1 == DEFAULT_CAPS.tickets_max - 1
    assert after.amount_minor == before.amount_minor - basket.total_minor
    left = after.until - till.window.now()
    assert left == timedelta(seconds=HARD_S * (1 - DRIFT_MAX) - SOFT_S)


def test_nobody_is_asked_to_approve_what_a_cap_forbids(till: Stage) -> None:
    till.lend(ROW, terms=Terms(SOFT_S, HARD_S))
    till.env.pass_s(SOFT_S)
    alone = Seller(till.env, IdMint(till.env), till.key, CASHIER, "A", "", Caps(1, 1_000_000))
    paid = in_cash(till.basket(ROW[:2]).total_minor)
    with pytest.raises(UnitsGone) as refused:
        till.replica.transact(lambda unit: sell(unit, alone, EVENT, till.basket(ROW[:2]), paid))
    assert refused.value.reason is SaleRefusal.LATE_LIMIT


def test_an_approval_that_was_not_needed_is_not_recorded(till: Stage) -> None:
    till.lend(ROW, terms=Terms(SOFT_S, HARD_S))
    assert isinstance(pay_approved(till, till.basket([ROW[0]]), SUPERVISOR), Sold)
    [sale] = sales(till)
    assert (sale.late, sale.late_approved_by) == (False, "")


def test_a_unit_that_is_gone_is_named_before_one_past_its_term(till: Stage) -> None:
    till.lend(ROW, terms=Terms(SOFT_S, HARD_S))
    till.env.pass_s(SOFT_S)
    assert pay(till, till.basket([ROW[0], 2])) == SaleRefused(SaleRefusal.UNIT_NOT_OURS, (2,))


def test_an_approved_sale_past_the_soft_term_is_marked_and_ends_at_the_cap(till: Stage) -> None:
    till.lend(ROW, terms=Terms(SOFT_S, HARD_S))
    till.env.pass_s(SOFT_S)
    seller = Seller(till.env, IdMint(till.env), till.key, CASHIER, "A", "wang", Caps(1, 1_000_000))

    def sell_late(units: Sequence[int]) -> Sale:
        basket = till.basket(units)
        return till.replica.transact(
            lambda unit: sell(unit, seller, EVENT, basket, in_cash(basket.total_minor))
        )

    with pytest.raises(UnitsGone) as refused:
        sell_late(ROW[:2])
    assert (refused.value.reason, refused.value.units) == (SaleRefusal.LATE_LIMIT, tuple(ROW[:2]))
    assert sales(till) == []
    assert sell_late(ROW[:1]).late
    with pytest.raises(UnitsGone) as refused:
        sell_late(ROW[1:2])
    assert refused.value.reason is SaleRefusal.LATE_LIMIT
    assert len(sales(till)) == 1


@pytest.mark.parametrize("reason", LockReason)
def test_a_locked_window_sells_nothing_and_knows_why(till: Stage, reason: LockReason) -> None:
    till.lend(ROW)
    assert till.window.status().lock is None
    till.replica.transact(lambda unit: lock_node(unit, reason))
    assert pay(till, till.basket(ROW)) == SaleRefused(SaleRefusal.SELLING_LOCKED)
    assert sales(till) == []
    status = till.window.status()
    assert (status.link, status.lock) == (WindowLink.LOCKED, reason.value)


def test_too_little_cash_sells_nothing(till: Stage) -> None:
    till.lend(ROW)
    basket = till.basket(ROW)
    refused = till.window.pay_cash(basket, basket.total_minor - 1)
    assert refused == SaleRefused(SaleRefusal.TENDER_TOO_SMALL)
    untouched(till)


def _dearer(event: Event) -> Event:
    prices = tuple(
        replace(price, price_minor=price.price_minor + 1)
        if price.price_minor and price.tier_id == "standing"
        else price
        for price in event.prices
    )
    return replace(event, prices=prices, price_list_version=event.price_list_version + 1)


def _no_longer_sold(event: Event) -> Event:
    prices = tuple(price for price in event.prices if price.tier_id != "standing")
    return replace(event, prices=prices)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(_dearer, id="dearer"),
        pytest.param(_no_longer_sold, id="not sold any more"),
        pytest.param(lambda event: replace(event, currency="EUR"), id="another currency"),
    ],
)
def test_a_price_that_changed_under_the_basket_sells_nothing(till: Stage, change: object) -> None:
    assert callable(change)
    till.lend([*ROW, STANDING])
    basket = till.basket([ROW[0], STANDING])
    publish(till, change(EVENT))
    refused = till.window.pay_cash(basket, basket.total_minor + 100)
    assert isinstance(refused, SaleRefused)
    assert refused.reason is SaleRefusal.PRICE_CHANGED
    assert STANDING in refused.units
    publish(till, EVENT)
    untouched(till)


def test_a_new_price_list_that_leaves_the_baskets_prices_alone_sells(till: Stage) -> None:
    till.lend(ROW)
    basket = till.basket([ROW[0]])
    publish(till, _dearer(EVENT))
    assert isinstance(pay(till, basket), Sold)
    assert sales(till)[0].price_list_version == basket.price_list_version


def test_a_place_that_a_new_plan_lacks_is_a_price_that_changed(till: Stage) -> None:
    till.lend(ROW)
    basket = till.basket([ROW[0]])
    alien = replace(basket, lines=(replace(basket.lines[0], unit=1_000_000),))
    assert pay(till, alien) == SaleRefused(SaleRefusal.PRICE_CHANGED, (1_000_000,))
    untouched(till)


def _off_sale(event: Event) -> Event:
    first, *others = event.performances
    return replace(event, performances=(replace(first, on_sale=False), *others))


def _cancelled(event: Event) -> Event:
    return replace(event, performances=event.performances[1:])


@pytest.mark.parametrize("change", [_off_sale, _cancelled])
def test_a_performance_that_is_not_sold_any_more_sells_nothing(till: Stage, change: object) -> None:
    assert callable(change)
    till.lend(ROW)
    basket = till.basket(ROW)
    publish(till, change(EVENT))
    assert pay(till, basket) == SaleRefused(SaleRefusal.SALE_ENDED)
    publish(till, EVENT)
    untouched(till)


def test_a_performance_is_sold_until_it_ends(till: Stage) -> None:
    till.lend(ROW)
    performance = EVENT.performance(FIRST)
    assert performance is not None
    till.env.pass_s((performance.ends_at - NOW).total_seconds() - 1)
    basket = till.basket(ROW[:1])
    assert isinstance(pay(till, basket), Sold)
    till.env.pass_s(1)
    assert pay(till, till.basket(ROW[1:])) == SaleRefused(SaleRefusal.SALE_ENDED)
    assert len(sales(till)) == 1


def test_an_event_that_the_mirror_lost_sells_nothing(till: Stage) -> None:
    till.lend(ROW)
    basket = till.basket(ROW)
    till.replica.mirror.forget()
    assert pay(till, basket) == SaleRefused(SaleRefusal.SALE_ENDED)
    Feed(till.replica.mirror).open_house()
    untouched(till)


def test_a_fenced_journal_sells_nothing(till: Stage) -> None:
    till.lend(ROW)
    till.fence_after_a_sale()
    assert pay(till, till.basket([ROW[0]])) == SaleRefused(SaleRefusal.SELLING_LOCKED)
    assert len(sales(till)) == 1
    assert till.count("orders") == 1
    assert till.window.availability(FIRST).states[ROW[0]] is UnitState.FREE


@pytest.mark.expected_errors("disk_full")
def test_a_full_disk_sells_nothing(till: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise ReplicaFull("no room")

    till.lend(ROW)
    with monkeypatch.context() as patched:
        patched.setattr("pos_app.services.sales.append", full)
        assert pay(till, till.basket(ROW)) == SaleRefused(SaleRefusal.DISK_FULL)
    untouched(till)


@pytest.mark.parametrize("step", ["make_code", "encode_sale", "append"])
def test_a_crash_inside_the_sale_leaves_nothing_of_it(
    till: Stage, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    class Crash(Exception):
        pass

    def crash(*_: object, **__: object) -> None:
        raise Crash

    till.lend(ROW)
    with monkeypatch.context() as patched:
        patched.setattr(f"pos_app.services.sales.{step}", crash)
        with pytest.raises(Crash):
            pay(till, till.basket(ROW))
    untouched(till)


def test_a_sale_that_no_server_would_take_is_never_recorded(till: Stage) -> None:
    till.lend(ROW)
    with pytest.raises(AssertionError):
        till.window.pay_cash(till.basket(ROW), 10**12 + 1)
    untouched(till)


# --- two at once


def test_of_two_baskets_that_share_a_unit_exactly_one_is_sold(till: Stage) -> None:
    for round_no in range(8):
        mine, yours, shared = (3 * round_no + 1, 3 * round_no + 2, 3 * round_no + 3)
        till.lend([mine, yours, shared])
        baskets = till.basket([mine, shared]), till.basket([shared, yours])
        answers = at_once(*(lambda basket=basket: pay(till, basket) for basket in baskets))
        won = [isinstance(answer, Sold) for answer in answers]
        assert sorted(won) == [False, True]
        assert answers[won.index(False)] == SaleRefused(SaleRefusal.UNIT_NOT_OURS, (shared,))
        free = (yours, mine)[won.index(True)]
        assert till.window.availability(FIRST).states[free] is UnitState.FREE
    sold = [(line.performance, line.unit) for sale in sales(till) for line in sale.lines]
    assert len(sold) == len(set(sold)) == 16
    assert [int(number[-6:]) for number in receipts(till)] == list(range(1, 9))


def test_a_sale_waits_for_a_reader_of_the_journal_and_the_other_way_round(till: Stage) -> None:
    till.lend(ROW)
    with till.replica.reading() as connection:
        assert connection.execute("SELECT count(*) FROM orders").fetchone()[0] == 0
        till.sell([ROW[0]])
        assert connection.execute("SELECT count(*) FROM orders").fetchone()[0] == 0
    assert till.count("orders") == 1


def test_the_row_of_a_sale_is_on_the_disk_when_it_is_answered(till: Stage, tmp_path: Path) -> None:
    till.lend(ROW)
    sold = till.sell([ROW[0]])
    other = sqlite3.connect(tmp_path / "till" / "journal.db")
    found = other.execute("SELECT receipt_no, copies FROM orders").fetchall()
    other.close()
    assert found == [(sold.receipt_no, 0)]

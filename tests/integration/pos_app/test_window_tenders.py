"""Orders paid by other means than cash, and in parts: written down first, sold once, told if not."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from pos_app.services import tender_legs
from pos_app.services.model import SaleRefusal, SaleRefused, Sold
from pos_app.services.shifts import report
from pos_app.services.tender_model import LegRecorded, Payment
from tests.fakes.hall import EVENT_ID, FIRST, ROW
from tests.fakes.till import sample_catalogue
from tests.integration.pos_app.window_stage import CASHIER, PIN, Stage
from ticketing.catalogue import event_document
from ticketing.house_tender import HouseTender, TenderIcon
from ticketing.journal import OpKind
from ticketing.operations import CASH, CashLeg, HandLeg, Sale, decode_sale
from ticketing.tender import LegState
from ticketing.text import Text

CARD = HouseTender("card", Text((("zh", "刷卡机"), ("en", "Card reader"))), TenderIcon.CARD)
BANK = HouseTender(
    "bank",
    Text((("zh", "转账"), ("en", "Bank transfer"))),
    TenderIcon.BANK,
    asks_reference=True,
    opens_drawer=True,
    refunds=False,
)
PRICE = 88_000


def name_tenders(
    till: Stage, *tenders: HouseTender, cash_unit: int = 1, price: int = PRICE
) -> None:
    """A manager has named these, and the smallest coin."""
    catalogue = sample_catalogue()
    venue = replace(catalogue.venue, tenders=tenders, cash_unit_minor=cash_unit)
    event = catalogue.events[0]
    dear = max(line.price_minor or 0 for line in event.prices)
    prices = tuple(
        replace(line, price_minor=price) if line.price_minor == dear else line
        for line in event.prices
    )
    till.feed.open_house(event_document(venue, catalogue.plans[0], replace(event, prices=prices)))


@pytest.fixture
def shop(till: Stage) -> Stage:
    name_tenders(till, CARD, BANK)
    till.lend(ROW)
    return till


def the_sale(till: Stage) -> Sale:
    [op] = till.ops(OpKind.SALE)
    sale = decode_sale(op.body)
    assert sale is not None
    return sale


def legs(till: Stage) -> list[tuple[str, int, LegState]]:
    with till.replica.reading() as connection:
        rows = connection.execute("SELECT id FROM tender_leg ORDER BY rowid").fetchall()
        found = [tender_legs.find(connection, row["id"]) for row in rows]
    return [(leg.tender, leg.amount_minor, leg.state) for leg in found if leg is not None]


def record(till: Stage, leg: HandLeg, order_id: str = "") -> LegRecorded:
    made = till.window.tenders.record(EVENT_ID, order_id, "CNY", leg)
    assert isinstance(made, LegRecorded)
    return made


def test_a_sale_is_paid_by_card_alone(shop: Stage) -> None:
    basket = shop.basket(ROW[:1])
    sold = shop.window.pay(basket, Payment(legs=(HandLeg("card", PRICE, "0042"),)))
    assert isinstance(sold, Sold)
    assert (sold.cash_minor, sold.change_minor) == (0, 0)
    assert sold.legs == (HandLeg("card", PRICE, "0042"),)
    sale = the_sale(shop)
    assert (sale.cash, sale.legs) == (CashLeg(0, 0), sold.legs)
    assert legs(shop) == [("card", PRICE, LegState.CAPTURED)]


def test_a_sale_is_split_over_card_and_cash(shop: Stage) -> None:
    card = record(shop, HandLeg("card", 50_000))
    assert legs(shop) == [("card", 50_000, LegState.TENDERED)], "on the disk before the sale"
    payment = Payment(card.order_id, (card.leg,), (), 40_000)
    sold = shop.window.pay(shop.basket(ROW[:1]), payment)
    assert isinstance(sold, Sold)
    assert sold.order_id == card.order_id
    assert (sold.cash_minor, sold.tendered_minor, sold.change_minor) == (38_000, 40_000, 2_000)
    assert the_sale(shop).cash == CashLeg(38_000, 40_000)
    assert legs(shop) == [
        ("card", 50_000, LegState.CAPTURED),
        ("cash", 38_000, LegState.CAPTURED),
    ]


def test_cash_first_and_the_rest_by_card(shop: Stage) -> None:
    cash = record(shop, HandLeg(CASH, 20_000))
    payment = Payment(cash.order_id, (cash.leg,), (HandLeg("card", PRICE - 20_000),))
    assert isinstance(shop.window.pay(shop.basket(ROW[:1]), payment), Sold)
    assert the_sale(shop).cash == CashLeg(20_000, 20_000)


@pytest.mark.parametrize(
    ("payment", "why"),
    [
        pytest.param(
            Payment(legs=(HandLeg("card", PRICE - 1),)), SaleRefusal.TENDER_TOO_SMALL, id="short"
        ),
        pytest.param(
            Payment(legs=(HandLeg("card", PRICE + 1),)), SaleRefusal.TENDER_TOO_LARGE, id="too much"
        ),
        pytest.param(
            Payment(legs=(HandLeg("gold", PRICE),)), SaleRefusal.UNKNOWN_TENDER, id="unnamed"
        ),
        pytest.param(Payment(tendered_minor=PRICE - 1), SaleRefusal.TENDER_TOO_SMALL, id="cash"),
    ],
)
def test_legs_that_do_not_sum_to_the_total_sell_nothing(
    shop: Stage, payment: Payment, why: SaleRefusal
) -> None:
    assert shop.window.pay(shop.basket(ROW[:1]), payment) == SaleRefused(why)
    assert (shop.ops(OpKind.SALE), legs(shop)) == ([], [])


def test_what_only_a_refused_sale_had_begun_ends_with_it_and_recorded_parts_stay(
    shop: Stage,
) -> None:
    card = record(shop, HandLeg("card", 50_000))
    basket = shop.basket([ROW[0]])
    shop.sell([ROW[0]])
    refused = shop.window.pay(basket, Payment(card.order_id, (card.leg,), (), 38_000))
    assert isinstance(refused, SaleRefused)
    assert refused.reason is SaleRefusal.UNIT_NOT_OURS
    assert legs(shop) == [
        ("card", 50_000, LegState.TENDERED),
        ("cash", PRICE, LegState.CAPTURED),
        ("cash", 38_000, LegState.REVERSED_CLOSED),
    ]
    payment = Payment(card.order_id, (card.leg,), (), 38_000)
    assert isinstance(shop.window.pay(shop.basket([ROW[1]]), payment), Sold)


def test_a_part_that_was_given_back_pays_nothing(shop: Stage) -> None:
    card = record(shop, HandLeg("card", 50_000))
    shop.window.tenders.take_back([card.leg.id])
    assert legs(shop) == [("card", 50_000, LegState.REVERSED_CLOSED)]
    refused = shop.window.pay(
        shop.basket(ROW[:1]), Payment(card.order_id, (card.leg,), (), PRICE - 50_000)
    )
    assert refused == SaleRefused(SaleRefusal.PAYMENT_GONE)
    assert shop.ops(OpKind.SALE) == []


def test_a_part_is_taken_by_one_sale_only(shop: Stage) -> None:
    card = record(shop, HandLeg("card", PRICE))
    payment = Payment(card.order_id, (card.leg,))
    assert isinstance(shop.window.pay(shop.basket([ROW[0]]), payment), Sold)
    again = shop.window.pay(shop.basket([ROW[1]]), payment)
    assert again == SaleRefused(SaleRefusal.PAYMENT_GONE)


def test_a_part_without_a_sale_is_abandoned_at_the_next_start_and_told_until_read(
    shop: Stage,
) -> None:
    record(shop, HandLeg("card", 50_000, "0042"))
    shop.sell([ROW[1]])
    shop.restart()
    shop.restart()
    assert legs(shop) == [
        ("card", 50_000, LegState.ABANDONED),
        ("cash", PRICE, LegState.CAPTURED),
    ]
    [told] = shop.window.tenders.abandoned()
    assert (told.tender, told.amount_minor, told.reference) == ("card", 50_000, "0042")
    shop.window.tenders.acknowledge()
    assert shop.window.tenders.abandoned() == ()


def test_killed_between_the_parts_and_the_sale_nothing_is_owed(shop: Stage) -> None:
    shop.close()
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.integration.pos_app.doomed_payment",
            shop.folder,
            str(ROW[0]),
        ],
        cwd=Path(__file__).parents[3],
        timeout=60,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    with sqlite3.connect(shop.folder / "till" / "journal.db") as raw:
        left = raw.execute("SELECT tender, state FROM tender_leg ORDER BY rowid").fetchall()
    assert left == [("card", "tendered"), ("cash", "tendered")]
    shop.start_again()
    assert shop.ops(OpKind.SALE) == []
    assert {state for _tender, _amount, state in legs(shop)} == {LegState.ABANDONED}
    assert [one.amount_minor for one in shop.window.tenders.abandoned()] == [50_000, 38_000]
    shop.window.sign_in(CASHIER, PIN)
    assert isinstance(shop.sell([ROW[0]]), Sold), "the unit was never taken"


def test_cash_is_rounded_to_the_smallest_coin_and_a_card_is_not(till: Stage) -> None:
    name_tenders(till, CARD, cash_unit=10, price=87_996)
    till.lend(ROW)
    sold = till.window.pay(till.basket([ROW[0]]), Payment(tendered_minor=88_000))
    assert isinstance(sold, Sold)
    assert (sold.total_minor, sold.cash_minor, sold.change_minor) == (87_996, 88_000, 0)
    assert the_sale(till).rounding_minor == sold.rounding_minor == 4
    exact = till.window.pay(till.basket([ROW[1]]), Payment(legs=(HandLeg("card", 87_996),)))
    assert isinstance(exact, Sold)
    assert exact.rounding_minor == 0
    split = Payment(legs=(HandLeg("card", 87_993),), tendered_minor=0)
    odd = till.window.pay(till.basket([ROW[2]]), split)
    assert isinstance(odd, Sold), "three fen are nothing that coins make"
    assert (odd.cash_minor, odd.rounding_minor) == (0, -3)


def test_the_drawer_opens_for_cash_and_for_slips_that_lie_there(shop: Stage) -> None:
    kicks: list[str] = []
    shop.window._drawer.kick = lambda: kicks.append("kick")  # type: ignore[method-assign]
    shop.window.pay(shop.basket([ROW[0]]), Payment(legs=(HandLeg("card", PRICE),)))
    assert kicks == []
    shop.window.pay(shop.basket([ROW[1]]), Payment(legs=(HandLeg("bank", PRICE, "7"),)))
    assert kicks == ["kick"]
    shop.window.pay(shop.basket([ROW[2]]), Payment(tendered_minor=PRICE))
    assert kicks == ["kick", "kick"]


def test_a_shift_counts_cash_and_lists_the_other_tenders(shop: Stage) -> None:
    shop.window.pay(shop.basket([ROW[0]]), Payment(legs=(HandLeg("card", PRICE),)))
    payment = Payment(legs=(HandLeg("card", 50_000),), tendered_minor=38_000)
    shop.window.pay(shop.basket([ROW[1]]), payment)
    shop.sell([ROW[2]])
    with shop.replica.reading() as connection:
        figures = report(connection, 0)
    assert [(one.tender, one.taken_minor, one.taken_count) for one in figures.tenders] == [
        ("cash", 38_000 + PRICE, 2),
        ("card", PRICE + 50_000, 2),
    ]
    assert figures.expected_minor == 38_000 + PRICE


def test_an_old_body_still_counts(shop: Stage) -> None:
    """A sale from before there were other tenders reads as it always did."""
    shop.sell([ROW[0]])
    assert not {"legs", "rounding"} & set(json.loads(shop.ops(OpKind.SALE)[0].body))
    assert shop.window.house(FIRST).venue.tender("card") == CARD

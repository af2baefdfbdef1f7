"""Money goes back by the tenders it came by: previewed, recorded, and never more than came."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edge.handing import ToldOrder
from pos_app.services import tender_back, tender_legs
from pos_app.services.after_sale_finding import OwnOrder
from pos_app.services.after_sale_model import (
    Asked,
    AsksNumber,
    Barred,
    Done,
    Offer,
    Refused,
    Request,
    TicketStanding,
)
from pos_app.services.model import Sold
from pos_app.services.shifts import report
from pos_app.services.tender_model import Payment
from tests.fakes.hall import ROW, SECOND
from tests.integration.pos_app.test_after_sale import (
    ask,
    ids,
    look,
    request,
    sale_of,
    server_says_yes,
)
from tests.integration.pos_app.test_window_tenders import BANK, CARD, name_tenders
from tests.integration.pos_app.window_stage import Stage
from ticketing.ids import OpId
from ticketing.journal import OpKind
from ticketing.operations import Exchange, HandLeg, Refund, Sale, decode_exchange, decode_refund
from ticketing.pay_back import Fund
from ticketing.refund_rules import Deed
from ticketing.tender import LegState

TOTAL = 2 * 88_000
SLIP = replace(CARD, id="slip", asks_reference=True)


@pytest.fixture
def shop(till: Stage) -> Stage:
    name_tenders(till, CARD, BANK, SLIP)
    till.lend(ROW, SECOND)
    return till


def sell(till: Stage, *legs: HandLeg, units: tuple[int, ...] = tuple(ROW[:2])) -> Sale:
    """Two seats; what the legs leave is paid in cash."""
    basket = till.basket(units, SECOND)
    rest = basket.total_minor - sum(leg.amount_minor for leg in legs)
    sold = till.window.pay(basket, Payment(legs=legs, tendered_minor=rest))
    assert isinstance(sold, Sold), sold
    return sale_of(till, sold)


def refunds(till: Stage) -> list[Refund]:
    found = [decode_refund(op.body) for op in till.ops(OpKind.REFUND)]
    return [one for one in found if one is not None]


def here(till: Stage, deed: Deed, sale: Sale, count: int = 99) -> Done:
    """Without the server: it has not heard of the sale, and the papers are on the desk."""
    papers = frozenset(ids(sale, count))
    offer = look(till, deed, sale, count, papers)
    done = till.window.after_sale.do(request(offer, papers))
    assert isinstance(done, Done), done
    return done


def legs_of(offer: Offer | Done) -> tuple[tuple[str, int], ...]:
    return tuple((leg.tender, leg.amount_minor) for leg in offer.legs)


def test_a_card_payment_goes_back_to_the_card_by_its_number(shop: Stage) -> None:
    sale = sell(shop, HandLeg("card", TOTAL, "0042"))
    offer = look(shop, Deed.VOID, sale, scanned=frozenset(ids(sale)))
    assert (offer.legs, offer.cash_minor) == ((HandLeg("card", TOTAL, "0042"),), 0)
    done = here(shop, Deed.VOID, sale)
    assert (done.pay_out_minor, done.cash_out_minor) == (TOTAL, 0)
    [refund] = refunds(shop)
    assert (refund.cash_minor, refund.legs) == (0, (HandLeg("card", TOTAL, "0042"),))
    with shop.replica.reading() as connection:
        kept = tender_legs.legs_of(connection, "swan-lake", sale.order_id)
    assert [(leg.amount_minor, leg.state) for leg in kept] == [
        (TOTAL, LegState.CAPTURED),
        (-TOTAL, LegState.REFUNDED),
    ]


def test_the_newest_part_goes_back_first_and_the_rest_remembers(shop: Stage) -> None:
    sale = sell(shop, HandLeg("card", 100_000))
    first = here(shop, Deed.VOID, sale, 1)
    assert (legs_of(first), first.cash_out_minor) == ((("card", 12_000),), 76_000)
    rest = replace(sale, lines=sale.lines[1:])
    second = here(shop, Deed.VOID, rest)
    assert (legs_of(second), second.cash_out_minor) == ((("card", 88_000),), 0)


def test_a_tender_that_takes_nothing_back_is_paid_back_in_cash(shop: Stage) -> None:
    sale = sell(shop, HandLeg("bank", TOTAL, "7"))
    done = here(shop, Deed.VOID, sale)
    assert (done.legs, done.cash_out_minor) == ((), TOTAL)


def test_with_the_servers_yes_it_goes_back_the_same_way(shop: Stage) -> None:
    sale = sell(shop, HandLeg("card", TOTAL))
    asked = ask(shop, Deed.REFUND, sale)
    server_says_yes(shop, asked)
    done = shop.window.after_sale.progress(asked.op_id)
    assert isinstance(done, Done)
    assert legs_of(done) == (("card", TOTAL),)


def test_the_drawer_opens_for_cash_alone_and_the_shift_counts_each_tender(shop: Stage) -> None:
    kicks: list[str] = []
    shop.window._after_sale._counter = replace(
        shop.window._after_sale._counter, pay=lambda: kicks.append("kick")
    )
    here(shop, Deed.VOID, sell(shop, HandLeg("card", TOTAL)))
    assert kicks == []
    here(shop, Deed.VOID, sell(shop, units=tuple(ROW[2:4])))
    assert kicks == ["kick"]
    with shop.replica.reading() as connection:
        figures = report(connection, 0)
    sums = {one.tender: (one.taken_minor, one.returned_minor) for one in figures.tenders}
    assert sums == {"cash": (TOTAL, TOTAL), "card": (TOTAL, TOTAL)}
    assert figures.expected_minor == 0


def test_cash_goes_back_in_coins(till: Stage) -> None:
    name_tenders(till, CARD, cash_unit=10, price=87_996)
    till.lend(ROW, SECOND)
    basket = till.basket(ROW[:1], SECOND)
    sold = till.window.pay(basket, Payment(tendered_minor=88_000))
    assert isinstance(sold, Sold)
    sale = sale_of(till, sold)
    offer = look(till, Deed.VOID, sale, scanned=frozenset(ids(sale)))
    assert (offer.back_minor, offer.cash_minor) == (87_996, 88_000)
    assert here(till, Deed.VOID, sale).pay_out_minor == 88_000
    [refund] = refunds(till)
    assert (refund.cash_minor, refund.rounding_minor, refund.worth_minor) == (88_000, -4, 87_996)
    with till.replica.reading() as connection:
        figures = report(connection, 0)
    assert (figures.rounding_minor, figures.expected_minor) == (0, 0)


def test_an_exchange_for_less_pays_the_difference_back_to_the_card(shop: Stage) -> None:
    sale = sell(shop, HandLeg("card", TOTAL))
    papers = frozenset(ids(sale))
    offer = look(shop, Deed.EXCHANGE, sale, scanned=papers)
    basket = shop.basket([ROW[4]], SECOND)
    done = shop.window.after_sale.do(request(offer, papers, basket=basket))
    assert isinstance(done, Done), done
    assert (legs_of(done), done.cash_out_minor) == ((("card", 88_000),), 0)
    [op] = shop.ops(OpKind.EXCHANGE)
    exchange = decode_exchange(op.body)
    assert exchange is not None
    assert (exchange.cash_minor, exchange.paid_minor) == (0, -88_000)
    swapped = replace(sale, order_id=exchange.order_id, lines=exchange.lines)
    again = here(shop, Deed.VOID, swapped)
    assert legs_of(again) == (("card", 88_000),), "the new order was paid from the card, too"

    with shop.replica.reading() as connection:
        kept = tender_legs.legs_of(connection, "swan-lake", sale.order_id)
    assert [leg.amount_minor for leg in kept] == [TOTAL, -88_000], "it came with the first order"


class TestAnotherWindowsOrder:
    """What is left of its money, after a ticket of 880 went back by the newest of it."""

    @pytest.fixture
    def foreign(self, shop: Stage) -> OwnOrder:
        sale = sell(shop, HandLeg("card", 100_000, "0042"))
        here(shop, Deed.VOID, sale, 1)
        own = shop.window._after_sale._finder.own("swan-lake", sale.order_id)
        assert own is not None
        return replace(own, from_node="0000000000000bbb")

    def left(self, shop: Stage, order: OwnOrder, told: ToldOrder | None) -> list[tuple[str, int]]:
        with shop.replica.reading() as connection:
            funds = tender_back.funds_elsewhere(connection, "swan-lake", order, told)
        return [(fund.tender, fund.amount_minor) for fund in funds]

    def told(self, order: OwnOrder, *counted: OpId) -> ToldOrder:
        came = (Fund("cash", 76_000), Fund("card", 100_000, "0042"))
        left = (Fund("card", 88_000, "0042"),) if counted else came
        return ToldOrder("swan-lake", "0bbb", 1, order.order, {}, {}, 0, left, frozenset(counted))

    def test_is_as_the_server_told(self, shop: Stage, foreign: OwnOrder) -> None:
        [op] = shop.ops(OpKind.REFUND)
        told = self.told(foreign, op.op_id)
        assert self.left(shop, foreign, told) == [("card", 88_000)]

    def test_is_less_by_what_was_done_here_since(self, shop: Stage, foreign: OwnOrder) -> None:
        assert self.left(shop, foreign, self.told(foreign)) == [("card", 88_000)]

    def test_is_known_without_its_word_where_all_was_done_here(
        self, shop: Stage, foreign: OwnOrder
    ) -> None:
        assert self.left(shop, foreign, None) == [("card", 88_000)]
        other = foreign.order.lines[1].ticket_id
        elsewhere = replace(foreign, states={**foreign.states, other: TicketStanding.VOID})
        assert self.left(shop, elsewhere, None) == []


class TestTheDifferenceOfAnExchange:
    """Two seats of 880 for three of them: 880 to pay."""

    @pytest.fixture
    def sale(self, shop: Stage) -> Sale:
        return sell(shop, HandLeg("card", TOTAL, "0042"))

    @pytest.fixture
    def swap(self, shop: Stage, sale: Sale) -> Request:
        offer = look(shop, Deed.EXCHANGE, sale, scanned=frozenset(ids(sale)))
        basket = shop.basket(ROW[2:5], SECOND)
        return request(offer, frozenset(ids(sale)), basket=basket)

    def test_is_paid_by_a_hand_recorded_tender(self, shop: Stage, swap: Request) -> None:
        done = shop.window.after_sale.do(replace(swap, tender="card"))
        assert isinstance(done, Done), done
        assert (done.take_in_minor, done.cash_in_minor, done.change_minor) == (88_000, 0, 0)
        exchange = the_exchange(shop)
        assert (exchange.cash_minor, exchange.tendered_minor) == (0, 0)
        assert exchange.legs == (HandLeg("card", 88_000),)
        with shop.replica.reading() as connection:
            kept = tender_legs.legs_of(connection, "swan-lake", exchange.order_id)
            figures = report(connection, 0)
        assert [(leg.tender, leg.amount_minor, leg.state) for leg in kept] == [
            ("card", 88_000, LegState.CAPTURED)
        ]
        assert figures.expected_minor == 0, "no cash came in"

    def test_goes_back_by_all_that_paid_for_it_with_their_numbers(
        self, shop: Stage, sale: Sale, swap: Request
    ) -> None:
        asked = shop.window.after_sale.do(replace(swap, tender="slip"))
        assert asked == AsksNumber(None, "slip", 88_000, "CNY")
        assert shop.ops(OpKind.EXCHANGE) == []
        done = shop.window.after_sale.do(replace(swap, tender="slip", number="0077"))
        assert isinstance(done, Done), done
        exchange = the_exchange(shop)
        again = here(
            shop, Deed.VOID, replace(sale, order_id=exchange.order_id, lines=exchange.lines)
        )
        assert again.legs == (HandLeg("slip", 88_000, "0077"), HandLeg("card", TOTAL, "0042"))

    def test_is_not_recorded_before_its_number_also_after_the_servers_yes(
        self, shop: Stage, swap: Request
    ) -> None:
        shop.go_online()
        no_paper = replace(swap.chosen, scanned=frozenset())
        asked = shop.window.after_sale.do(replace(swap, tender="slip", chosen=no_paper))
        assert isinstance(asked, Asked), asked
        server_says_yes(shop, asked)
        shop.restart()
        shop.go_online()
        asks = shop.window.after_sale.progress(asked.op_id)
        assert asks == AsksNumber(asked.op_id, "slip", 88_000, "CNY")
        assert shop.ops(OpKind.EXCHANGE) == []
        assert isinstance(shop.window.after_sale.progress(asked.op_id, "0077"), Done)
        assert the_exchange(shop).legs == (HandLeg("slip", 88_000, "0077"),)

    def test_is_taken_by_no_tender_that_the_house_does_not_name(
        self, shop: Stage, swap: Request
    ) -> None:
        refused = shop.window.after_sale.do(replace(swap, tender="cheque"))
        assert refused == Refused(Barred.UNKNOWN_TENDER)


def the_exchange(till: Stage) -> Exchange:
    [op] = till.ops(OpKind.EXCHANGE)
    exchange = decode_exchange(op.body)
    assert exchange is not None
    return exchange

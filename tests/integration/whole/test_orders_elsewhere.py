"""After the sale against the real server: own orders, those of another till, and their paper."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest

from pos_app.services.after_sale_model import (
    HANDOUT_ASKED,
    Answer,
    Asked,
    Chosen,
    Done,
    FoundOrder,
    GoReason,
    OrderDetail,
    Refused,
    Request,
    TicketStanding,
)
from pos_app.services.basket import Basket
from pos_app.services.buyers_model import NoBuyer
from pos_app.services.model import PrintOutcome, Sold
from pos_app.services.tender_model import Payment
from pos_app.services.window import Window
from sync_server.buyer_commands import _erase, _new_key
from tests.fakes.edge_node import wait_until
from tests.integration.sync_server.conftest import SampleHouse, house, sample
from tests.integration.sync_server.support import HouseOnDisk
from tests.integration.whole.centre_thread import PERFORMANCE, Counter, counter, serving
from ticketing.ids import OpId, OrderId, TicketId
from ticketing.operations import HandLeg
from ticketing.personal import Buyer
from ticketing.refund_rules import Deed

__all__ = ["SampleHouse", "house", "sample"]


@dataclass
class Two:
    """Two tills of one house."""

    house: HouseOnDisk
    first: Counter
    second: Counter


@pytest.fixture
def two(house: HouseOnDisk, tmp_path: Path) -> Iterator[Two]:
    with ExitStack() as stack:
        url = stack.enter_context(serving(house))
        first = stack.enter_context(counter(house, url, tmp_path / "first", "Counter 8"))
        second = stack.enter_context(counter(house, url, tmp_path / "second", "Counter 9"))
        yield Two(house, first, second)


def opened(at: Counter, sold: Sold) -> OrderDetail:
    """The order on a till's screen, with its tickets: of another till's, once the server told."""
    services = at.window.after_sale
    wait_until(lambda: services.find(sold.receipt_no, PERFORMANCE).orders)
    [found] = services.find(sold.receipt_no, PERFORMANCE).orders
    if not found.is_own:
        wait_until(lambda: services.look_up(found))

    def detail() -> OrderDetail | None:
        shown = services.detail(found)
        return shown if shown is not None and shown.tickets else None

    wait_until(lambda: detail() is not None)
    shown = detail()
    assert shown is not None
    return shown


def do(at: Counter, deed: Deed, sold: Sold, basket: Basket | None = None) -> Done:
    """Have a deed done with all tickets of an order, to its end."""
    detail, services = opened(at, sold), at.window.after_sale
    chosen = Chosen(
        detail.found.event_id, OrderId(sold.order_id), tuple(t.id for t in detail.tickets)
    )
    offer = services.offer(deed, chosen)
    assert offer is not None
    assert offer.can_be_done, offer.bars
    tendered = basket.total_minor if basket else offer.fee_minor
    request = Request(deed, chosen, GoReason.BUYER, offer.back_minor, offer.fee_minor)
    answer = services.do(replace(request, basket=basket, tendered_minor=tendered))
    return answer if isinstance(answer, Done) else ended(at, answer)


def ended(at: Counter, answer: Answer) -> Done:
    assert isinstance(answer, Asked), answer
    op_id: OpId = answer.op_id
    found: list[Done] = []

    def look() -> bool:
        told = at.window.after_sale.progress(op_id)
        if isinstance(told, Done):
            found.append(told)
        assert not isinstance(told, Refused), told
        return bool(found)

    wait_until(look)
    at.be_synced()
    return found[0]


def standings(at: Counter, sold: Sold) -> set[TicketStanding]:
    return {ticket.standing for ticket in opened(at, sold).tickets}


def refusal(at: Counter, found: FoundOrder) -> str:
    """Ask to print it here until that is refused; the reason."""
    services = at.window.after_sale

    def code() -> str:
        detail = services.detail(found)
        return detail.handout if detail is not None else ""

    def is_refused() -> bool:
        services.hand_out(found)
        wait_until(lambda: code() != "")
        return code() != HANDOUT_ASKED

    wait_until(is_refused)
    return code()


def test_the_four_deeds_with_own_orders(two: Two) -> None:
    till = two.first
    void, refund, swap, lost = (till.sell(2) for _sale in range(4))
    done = do(till, Deed.VOID, void)
    assert done.pay_out_minor == void.total_minor
    assert do(till, Deed.REFUND, refund).pay_out_minor == refund.total_minor
    basket = till.basket(till.hold(2))
    swapped = do(till, Deed.EXCHANGE, swap, basket)
    assert swapped.pay_out_minor - swapped.take_in_minor == swap.total_minor - basket.total_minor
    assert do(till, Deed.REPLACEMENT, lost).new_order_id
    for sold in (void, refund, swap, lost):
        assert standings(till, sold) == {TicketStanding.VOID}
    assert till.window.status().rejected_count == 0


def test_another_tills_order_is_shown_refunded_exchanged_and_replaced(two: Two) -> None:
    refund, swap, lost = (two.first.sell(2) for _sale in range(3))
    till = two.second
    detail = opened(till, refund)
    assert (detail.window, len(detail.tickets)) == ("Counter 8", 2)
    at_gate = [ticket.at_gate for ticket in detail.tickets]
    assert all(one is not None and one.is_fresh for one in at_gate), "the server told of entries"
    chosen = Chosen(detail.found.event_id, OrderId(refund.order_id), (detail.tickets[0].id,))
    void = till.window.after_sale.offer(Deed.VOID, chosen)
    assert void is not None
    assert void.bars == ("not_same_shift",)
    assert do(till, Deed.REFUND, refund).pay_out_minor == refund.total_minor
    assert do(till, Deed.EXCHANGE, swap, till.basket(till.hold(2))).new_order_id
    replaced = do(till, Deed.REPLACEMENT, lost)
    assert till.window.print_order(replaced.new_order_id).outcome is PrintOutcome.PRINTED
    for sold in (refund, swap, lost):
        assert standings(till, sold) == {TicketStanding.VOID}
    assert till.window.status().rejected_count == 0


def test_what_is_left_of_another_tills_order_goes_back_by_its_own_tenders(two: Two) -> None:
    """Half by card, half in cash. The first till gives the cash back, so the card is left."""
    first, second = two.first, two.second
    basket = first.basket(first.hold(2))
    half = basket.total_minor // 2
    legs = (HandLeg("card", half, "0042"),)
    sold = first.window.pay(basket, Payment(legs=legs, tendered_minor=half))
    assert isinstance(sold, Sold)
    first.be_synced()
    tickets = [ticket.id for ticket in opened(first, sold).tickets]
    at_first = refund_one(first, sold, tickets[0])
    assert (at_first.legs, at_first.cash_out_minor) == ((), half)
    at_second = refund_one(second, sold, tickets[1])
    assert (at_second.legs, at_second.cash_out_minor) == (legs, 0)


def refund_one(at: Counter, sold: Sold, ticket: TicketId) -> Done:
    detail, services = opened(at, sold), at.window.after_sale
    chosen = Chosen(detail.found.event_id, OrderId(sold.order_id), (ticket,))
    offer = services.offer(Deed.REFUND, chosen)
    assert offer is not None
    request = Request(Deed.REFUND, chosen, GoReason.BUYER, offer.back_minor, offer.fee_minor)
    return ended(at, services.do(request))


def test_tickets_that_were_not_printed_are_handed_out_by_another_till_and_by_one_alone(
    two: Two,
) -> None:
    sold = two.first.sell(2)
    first, second = two.first.window, two.second.window
    assert [one.order_id for one in first.unprinted()] == [sold.order_id]
    found = opened(two.second, sold).found
    assert second.after_sale.hand_out(found)
    wait_until(lambda: [one.order_id for one in second.unprinted()] == [sold.order_id])
    assert first.unprinted() == ()
    assert first.print_order(sold.order_id).outcome is PrintOutcome.FAILED
    assert second.print_order(sold.order_id).outcome is PrintOutcome.PRINTED
    assert two.second.papers == [f"{sold.receipt_no}.pdf"]
    assert two.first.papers == []
    assert opened(two.first, sold).gone_to == "Counter 9"
    two.second.be_synced()
    assert standings(two.second, sold) == {TicketStanding.VALID}
    assert refusal(two.first, found) == "already_printed"


def test_what_is_printed_is_not_handed_out_again(two: Two) -> None:
    sold = two.first.sell()
    assert two.first.window.print_order(sold.order_id).outcome is PrintOutcome.PRINTED
    found = opened(two.second, sold).found
    assert refusal(two.second, found) == "already_printed"
    assert two.second.window.unprinted() == ()
    assert two.second.papers == []


def test_a_buyer_is_found_masked_opened_and_erased_everywhere(two: Two) -> None:
    first, second = two.first.window, two.second.window
    wait_until(lambda: first.buyers.can_note() and second.buyers.can_note())
    assert first.buyers.take_along("张 三", "+86 138-0013 8000") is None
    sold = two.first.sell()
    assert first.buyers.along().is_empty, "the next sale is somebody else's"
    for asked in ("张三", "13800138000", "8000"):
        [here] = first.after_sale.find(asked, PERFORMANCE).orders
        assert (here.order_id, here.buyer) == (sold.order_id, "张** · 138****8000")
        wait_until(partial(finds, second, asked))
    [own] = first.after_sale.find("8000", PERFORMANCE).orders
    [found] = second.after_sale.find("8000", PERFORMANCE).orders
    assert (found.order_id, found.is_own, found.buyer) == (sold.order_id, False, own.buyer)
    assert first.buyers.open(own.event_id, sold.order_id) == Buyer("张 三", "13800138000")
    assert second.buyers.open(own.event_id, sold.order_id) is NoBuyer.NOT_YOURS
    for folder in (two.first.folder, two.second.folder, two.house.settings.data_dir):
        for path in folder.rglob("*"):
            with suppress(FileNotFoundError):  # the programs are running: some come and go
                raw = path.read_bytes() if path.is_file() else b""
                assert "张 三".encode() not in raw, path
                assert b"13800138000" not in raw, path
    commands_run(two)
    wait_until(lambda: not second.after_sale.find("8000", PERFORMANCE).orders)
    wait_until(lambda: first.buyers.open(own.event_id, sold.order_id) is NoBuyer.NOTHING)
    two.first.node.engine.nudge()

    def is_gone() -> bool:
        with two.first.node.replica.reading() as connection:
            row = connection.execute("SELECT sealed, tokens FROM buyer").fetchone()
        return tuple(row) == ("", "[]")

    wait_until(is_gone)
    assert standings(two.first, sold) == {TicketStanding.VALID}


def finds(window: Window, asked: str) -> bool:
    return bool(window.after_sale.find(asked, PERFORMANCE).orders)


def commands_run(two: Two) -> None:
    """A manager begins a new key, then forgets the buyer."""
    settings = two.house.settings
    assert _new_key(settings, argparse.Namespace()) == 0
    options = argparse.Namespace(receipt=None, buyer="138 0013 8000", dry_run=False)
    assert _erase(settings, options) == 0

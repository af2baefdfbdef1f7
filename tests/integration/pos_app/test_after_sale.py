"""After the sale on real files: the tickets die first, the money moves second, and only once."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from edge.allotments import Grant, units_of
from edge.link import LinkState
from edge.protocol import revoke
from edge.protocol.revoke import pending_revocations
from edge.sync import RevokeWish, Wish
from pos_app.services import after_sale_draft
from pos_app.services.after_sale_model import (
    Asked,
    Barred,
    Chosen,
    Done,
    FindNote,
    FoundOrder,
    GoReason,
    Offer,
    Refused,
    Request,
    Standing,
    TicketStanding,
)
from pos_app.services.basket import Basket, reprice
from pos_app.services.model import NewsKind, Person, PrintOutcome, Sold
from pos_app.services.sales import price_context
from tests.fakes.edge_node import NODE
from tests.fakes.hall import EVENT_ID, FIRST, GENERATION, ROW, SECOND, event_row
from tests.integration.pos_app.window_stage import CASHIER, Stage, at_once
from ticketing.ids import AllotmentId, OrderId, TicketId
from ticketing.journal import OpKind
from ticketing.operations import (
    RefundAction,
    Sale,
    decode_exchange,
    decode_refund,
    decode_sale,
)
from ticketing.pricing import Role
from ticketing.refund_rules import Bar, Deed
from ticketing.returns import Route

NOBODY: frozenset[TicketId] = frozenset()


def sale_of(till: Stage, sold: Sold) -> Sale:
    """The sale as it was recorded."""
    found = [decode_sale(op.body) for op in till.ops(OpKind.SALE)]
    return next(sale for sale in found if sale and sale.order_id == sold.order_id)


def sell(till: Stage, units: Sequence[int] = ROW[:2], performance: int = SECOND) -> Sale:
    """Sell places that were lent, of tomorrow's performance."""
    till.lend(units, performance)
    basket = till.basket(units, performance)
    sold = till.window.pay_cash(basket, basket.total_minor)
    assert isinstance(sold, Sold), sold
    return sale_of(till, sold)


def ids(sale: Sale, count: int = 99) -> tuple[TicketId, ...]:
    return tuple(line.ticket_id for line in sale.lines[:count])


def look(
    till: Stage, deed: Deed, sale: Sale, count: int = 99, scanned: frozenset[TicketId] = NOBODY
) -> Offer:
    chosen = Chosen(EVENT_ID, sale.order_id, ids(sale, count), scanned)
    offer = till.window.after_sale.offer(deed, chosen)
    assert offer is not None
    return offer


def request(offer: Offer, scanned: frozenset[TicketId] = NOBODY, **more: object) -> Request:
    tickets = tuple(each.ticket_id for each in offer.preview.tickets)
    made = Request(
        offer.deed,
        Chosen(offer.event_id, offer.order_id, tickets, scanned),
        GoReason.BUYER,
        offer.back_minor,
        offer.fee_minor,
    )
    return replace(made, **more)  # type: ignore[arg-type]


def ask(till: Stage, deed: Deed, sale: Sale, count: int = 99, **more: object) -> Asked:
    till.go_online()
    asked = till.window.after_sale.do(request(look(till, deed, sale, count), NOBODY, **more))
    assert isinstance(asked, Asked), asked
    return asked


def wish_of(till: Stage) -> RevokeWish:
    found = list(cast("list[object]", till.engine.wishes))
    wish = next(wish for wish in reversed(found) if isinstance(wish, RevokeWish))
    till.engine.wishes.remove(cast("Wish", wish))
    return wish


def server_says_yes(till: Stage, asked: Asked, lent: Grant | None = None) -> None:
    """The server's answer, taken in as the pusher would, before anybody hears of it."""
    with till.replica.reading() as connection:
        planned = revoke.find_revocation(connection, asked.op_id)
    assert planned is not None
    reply: dict[str, object] = {"tickets": [{"id": t, "state": "void"} for t in planned.ticket_ids]}
    if lent is not None:
        pairs = [list(pair) for pair in lent.units]
        reply["allotment"] = {
            "id": str(lent.id), "p": lent.performance, "units": pairs, "firm": True,
            "soft_s": 0, "hard_s": 0,
        }  # fmt: skip
    till.replica.transact(lambda unit: revoke.on_revoke(unit, planned, reply))


def server_says_no(till: Stage, asked: Asked, code: str) -> None:
    with till.replica.reading() as connection:
        planned = revoke.find_revocation(connection, asked.op_id)
    assert planned is not None
    till.replica.transact(lambda unit: revoke.on_revoke_refused(unit, planned, code))


def refunds(till: Stage) -> list[tuple[str, int]]:
    """What was paid out by the journal: (order, cash)."""
    found = [decode_refund(op.body) for op in till.ops(OpKind.REFUND)]
    return [(one.order_id, one.cash_minor) for one in found if one is not None]


def order(till: Stage, sale: Sale) -> FoundOrder:
    [found] = till.window.after_sale.find(sale.receipt_no, SECOND).orders
    return found


def standings(till: Stage, sale: Sale) -> list[TicketStanding]:
    detail = till.window.after_sale.detail(order(till, sale))
    assert detail is not None
    return [ticket.standing for ticket in detail.tickets]


# ------------------------------------------------------------------------------ void and refund


def test_a_refund_is_asked_for_first_and_paid_after_the_servers_yes(till: Stage) -> None:
    sale = sell(till)
    price = sale.lines[0].price_minor
    asked = ask(till, Deed.REFUND, sale, 1)
    services = till.window.after_sale
    assert refunds(till) == [], "no money before the tickets are dead"
    assert services.progress(asked.op_id) == asked
    assert standings(till, sale) == [TicketStanding.ASKED, TicketStanding.VALID]
    server_says_yes(till, asked)
    till.heard()
    wish_of(till).then("whatever came")
    assert NewsKind.AFTER_SALE in till.heard_kinds()
    done = services.progress(asked.op_id)
    assert isinstance(done, Done)
    assert (done.pay_out_minor, done.fee_minor, done.ticket_count) == (price, 0, 1)
    [op] = till.ops(OpKind.REFUND)
    refund = decode_refund(op.body)
    assert refund is not None
    assert op.op_id == asked.op_id
    assert (refund.action, refund.cash_minor) == (RefundAction.REFUND, price)
    assert (refund.by, refund.reason) == ("li.na", "buyer")
    assert refund.shift == sale.shift != ""
    assert standings(till, sale) == [TicketStanding.VOID, TicketStanding.VALID]
    assert order(till, sale).standing is Standing.PARTLY_BACK
    with till.replica.reading() as connection:
        assert units_of(connection, EVENT_ID, SECOND)[ROW[0]].state == "returned"


def test_asked_twice_what_came_of_it_the_money_goes_out_once(till: Stage) -> None:
    sale = sell(till)
    asked = ask(till, Deed.REFUND, sale)
    server_says_yes(till, asked)
    answers = [till.window.after_sale.progress(asked.op_id) for _ in range(3)]
    assert [type(answer) for answer in answers] == [Done, Refused, Refused]
    assert len(refunds(till)) == 1


def test_two_threads_that_finish_one_deed_pay_once(till: Stage) -> None:
    sale = sell(till)
    asked = ask(till, Deed.REFUND, sale)
    server_says_yes(till, asked)
    answers = at_once(*[lambda: till.window.after_sale.progress(asked.op_id)] * 4)
    assert sorted(type(answer).__name__ for answer in answers) == ["Done", *["Refused"] * 3]
    assert len(refunds(till)) == 1


def test_a_void_gives_everything_back_in_the_shift_that_sold(till: Stage) -> None:
    sale = sell(till)
    asked = ask(till, Deed.VOID, sale)
    server_says_yes(till, asked)
    done = till.window.after_sale.progress(asked.op_id)
    assert isinstance(done, Done)
    assert done.pay_out_minor == sale.total_minor
    assert order(till, sale).standing is Standing.BACK
    assert look(till, Deed.REFUND, sale).bars == (Bar.NOT_VALID,)


def test_after_the_performance_began_nothing_goes_back(till: Stage) -> None:
    sale = sell(till, performance=FIRST)
    till.go_online()
    assert look(till, Deed.REFUND, sale).can_be_done
    till.env.pass_s(90 * 60)
    assert look(till, Deed.REFUND, sale).bars == (Bar.TOO_LATE,)
    assert isinstance(till.window.after_sale.do(request(look(till, Deed.REFUND, sale))), Refused)


def test_somebody_went_in_meanwhile_and_the_server_says_no(till: Stage) -> None:
    sale = sell(till)
    asked = ask(till, Deed.REFUND, sale)
    server_says_no(till, asked, "entered")
    assert till.window.after_sale.progress(asked.op_id) == Refused("entered")
    assert refunds(till) == []
    assert till.window.after_sale.unfinished() == ()
    assert standings(till, sale) == [TicketStanding.VALID] * 2


def test_an_entry_that_the_till_has_heard_of_is_no_question_at_all(till: Stage) -> None:
    sale = sell(till)
    till.feed.entry("ab" * 16, sale.lines[0].ticket_id, "gate", "lane", 1_000)
    assert standings(till, sale) == [TicketStanding.ENTERED, TicketStanding.VALID]
    till.go_online()
    assert look(till, Deed.REFUND, sale).bars == (Bar.ENTERED,)


def with_rules(till: Stage, **rules: object) -> None:
    """The catalogue comes again, with refund rules."""
    document = json.loads(json.dumps(event_row()[1]))
    document["event"]["refund_rules"] = rules
    till.feed.open_house(document)


def test_the_events_ladder_is_kept_to_and_its_fee_is_booked(till: Stage) -> None:
    sale = sell(till)
    with_rules(till, steps=[{"minutes_before": 60, "fee_percent": 10}], minimum_fee=100)
    offer = look(till, Deed.REFUND, sale)
    fee = sale.total_minor // 10
    assert (offer.back_minor, offer.fee_minor) == (sale.total_minor - fee, fee)
    asked = ask(till, Deed.REFUND, sale)
    server_says_yes(till, asked)
    till.window.after_sale.progress(asked.op_id)
    [op] = till.ops(OpKind.REFUND)
    refund = decode_refund(op.body)
    assert refund is not None
    assert (refund.cash_minor, refund.fee_minor) == (sale.total_minor - fee, fee)


def test_an_exchange_and_a_replacement_ask_their_fees(till: Stage) -> None:
    sale = sell(till, ROW[:2])
    with_rules(till, steps=[{"minutes_before": 0}], exchange_fee=700, replacement_fee=300)
    basket = other_places(till, ROW[4:5])
    offer = look(till, Deed.EXCHANGE, sale, 1)
    assert (offer.back_minor, offer.fee_minor) == (sale.lines[0].price_minor, 700)
    asked = ask(till, Deed.EXCHANGE, sale, 1, basket=basket, tendered_minor=1_000)
    server_says_yes(till, asked)
    done = till.window.after_sale.progress(asked.op_id)
    assert isinstance(done, Done)
    assert (done.take_in_minor, done.change_minor) == (700, 300)
    lost = look(till, Deed.REPLACEMENT, sale)
    assert lost.bars == (Bar.NOT_VALID,)
    second = Chosen(EVENT_ID, sale.order_id, ids(sale)[1:])
    one = till.window.after_sale.offer(Deed.REPLACEMENT, second)
    assert one is not None
    assert one.fee_minor == 300


def test_terms_that_are_not_those_shown_are_not_paid(till: Stage) -> None:
    sale = sell(till)
    till.go_online()
    shown = request(look(till, Deed.REFUND, sale), back_minor=1)
    assert till.window.after_sale.do(shown) == Refused(Barred.TERMS_CHANGED)
    assert refunds(till) == []


def test_without_a_person_nothing_goes_back(till: Stage) -> None:
    sale = sell(till)
    till.go_online()
    offer = look(till, Deed.REFUND, sale)
    till.window.sign_out()
    assert till.window.after_sale.do(request(offer)) == Refused(Barred.NOT_SIGNED_IN)


# ------------------------------------------------------------------------------------- offline


def test_offline_an_unheard_sale_goes_back_against_its_scanned_papers_only(till: Stage) -> None:
    sale = sell(till)
    papers = frozenset(ids(sale))
    assert look(till, Deed.VOID, sale).bars == (Barred.OFFLINE_SCAN,)
    offer = look(till, Deed.VOID, sale, scanned=papers)
    assert (offer.route, offer.bars) == (Route.HERE, ())
    done = till.window.after_sale.do(request(offer, papers))
    assert isinstance(done, Done)
    assert done.pay_out_minor == sale.total_minor
    assert refunds(till) == [(sale.order_id, sale.total_minor)]
    again = till.window.after_sale.do(request(offer, papers))
    assert again == Refused(Bar.NOT_VALID)


def test_offline_what_the_server_has_heard_of_waits_for_it(till: Stage) -> None:
    sale = sell(till)
    till.acknowledge_all()
    papers = frozenset(ids(sale))
    assert look(till, Deed.VOID, sale, scanned=papers).bars == (Barred.OFFLINE,)
    assert look(till, Deed.REPLACEMENT, sale, scanned=papers).bars == (Barred.OFFLINE,)


def test_scanning_the_code_that_was_printed_proves_the_paper_and_a_forged_one_does_not(
    till: Stage,
) -> None:
    sale = sell(till)
    find = till.window.after_sale.find
    line = sale.lines[0]
    found = find(line.code, FIRST)
    assert (found.scanned, found.note) == (line.ticket_id, None)
    assert [one.order_id for one in found.orders] == [sale.order_id]
    other = line.code[:-20] + ("A" if line.code[-20] != "A" else "B") + line.code[-19:]
    assert find(other, FIRST).scanned is None


# ----------------------------------------------------------------- killed at any point between


def finished(till: Stage, asked: Asked) -> Done:
    [left] = till.window.after_sale.unfinished()
    assert left.op_id == asked.op_id
    done = till.window.after_sale.progress(asked.op_id)
    assert isinstance(done, Done)
    return done


def test_killed_before_the_answer_it_is_shown_and_finished_with_the_same_amounts(
    till: Stage,
) -> None:
    sale = sell(till)
    asked = ask(till, Deed.REFUND, sale)
    till.restart()
    till.sign_in()
    [left] = till.window.after_sale.unfinished()
    assert (left.is_granted, left.pay_out_minor) == (False, sale.total_minor)
    assert not till.window.after_sale.drop(asked.op_id), "the server may have killed the tickets"
    server_says_yes(till, asked)
    till.env.pass_s(3 * 86_400)  # long after the performance: agreed is agreed
    assert finished(till, asked).pay_out_minor == sale.total_minor
    assert till.window.after_sale.unfinished() == ()


def test_killed_between_revocation_and_money_it_is_paid_once(till: Stage) -> None:
    sale = sell(till)
    asked = ask(till, Deed.REFUND, sale)
    server_says_yes(till, asked)
    till.restart()
    till.sign_in()
    assert till.window.after_sale.unfinished()[0].is_granted
    finished(till, asked)
    till.restart()
    assert till.window.after_sale.unfinished() == ()
    assert refunds(till) == [(sale.order_id, sale.total_minor)]


def test_what_was_granted_can_be_dropped_and_then_nothing_is_paid(till: Stage) -> None:
    sale = sell(till)
    asked = ask(till, Deed.REFUND, sale)
    server_says_yes(till, asked)
    assert till.window.after_sale.drop(asked.op_id)
    assert till.window.after_sale.unfinished() == ()
    assert isinstance(till.window.after_sale.progress(asked.op_id), Refused)
    assert refunds(till) == []
    assert standings(till, sale) == [TicketStanding.VOID] * 2


@pytest.mark.parametrize("point", ["before_commit"])
def test_a_crash_while_it_is_recorded_leaves_it_to_be_finished(
    till: Stage, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    sale = sell(till)
    asked = ask(till, Deed.REFUND, sale)
    server_says_yes(till, asked)

    def crash(*_all: object) -> None:
        raise ZeroDivisionError(point)

    with monkeypatch.context() as patched:
        patched.setattr("pos_app.services.after_sale_draft.forget", crash)
        with pytest.raises(ZeroDivisionError):
            till.window.after_sale.progress(asked.op_id)
    assert refunds(till) == []
    assert finished(till, asked).pay_out_minor == sale.total_minor


# ------------------------------------------------------------------- exchange and replacement


def other_places(till: Stage, units: Sequence[int], performance: int = SECOND) -> Basket:
    till.lend(units, performance)
    return till.basket(units, performance)


def test_an_exchange_is_one_swap_with_one_difference(till: Stage) -> None:
    sale = sell(till, ROW[:1])
    basket = other_places(till, [ROW[4], 900])
    offer_fee = 0
    due = basket.total_minor + offer_fee - sale.total_minor
    asked = ask(till, Deed.EXCHANGE, sale, basket=basket, tendered_minor=due + 1_000)
    assert till.ops(OpKind.EXCHANGE) == []
    server_says_yes(till, asked)
    done = till.window.after_sale.progress(asked.op_id)
    assert isinstance(done, Done)
    assert (done.take_in_minor, done.change_minor, done.pay_out_minor) == (due, 1_000, 0)
    [op] = till.ops(OpKind.EXCHANGE)
    exchange = decode_exchange(op.body)
    assert exchange is not None
    assert (exchange.returned, exchange.of_order) == (ids(sale), sale.order_id)
    assert (exchange.credit_minor, exchange.paid_minor) == (sale.total_minor, due)
    assert till.window.print_order(done.new_order_id).outcome is PrintOutcome.PRINTED
    [new] = till.window.after_sale.find(done.new_receipt_no, SECOND).orders
    assert (new.ticket_count, new.standing) == (2, Standing.PAID)
    assert order(till, sale).standing is Standing.BACK
    swapped = Chosen(EVENT_ID, OrderId(done.new_order_id), (exchange.lines[0].ticket_id,))
    again = till.window.after_sale.offer(Deed.REFUND, swapped)
    assert again is not None
    assert again.can_be_done, "what was swapped in is an order like any other"


def test_an_exchange_keeps_the_rules_prices_over_a_restart(till: Stage) -> None:
    sale = sell(till, ROW[:1])
    event = till.window.house(SECOND).event
    with till.replica.reading() as connection:
        context = price_context(connection, EVENT_ID, till.env.now, None)
    basket = reprice(other_places(till, ROW[3:5]), event, context)
    assert all(line.priced for line in basket.lines)
    due = basket.total_minor - sale.total_minor
    asked = ask(till, Deed.EXCHANGE, sale, basket=basket, tendered_minor=due)
    till.restart()
    till.sign_in()
    server_says_yes(till, asked)
    assert finished(till, asked).take_in_minor == due
    [op] = till.ops(OpKind.EXCHANGE)
    exchange = decode_exchange(op.body)
    assert exchange is not None
    assert [(line.price_minor, line.rule) for line in exchange.lines] == [
        (line.price_minor, line.rule) for line in basket.lines
    ]


def test_a_cheaper_place_gives_the_difference_back(till: Stage) -> None:
    sale = sell(till, ROW[:1])
    basket = other_places(till, [900])
    due = basket.total_minor - sale.total_minor
    assert due < 0
    asked = ask(till, Deed.EXCHANGE, sale, basket=basket)
    server_says_yes(till, asked)
    done = till.window.after_sale.progress(asked.op_id)
    assert isinstance(done, Done)
    assert (done.pay_out_minor, done.take_in_minor, done.change_minor) == (-due, 0, 0)


def test_what_an_exchange_pays_back_bears_the_ladders_fee(till: Stage) -> None:
    sale = sell(till, ROW[:1])
    with_rules(till, steps=[{"minutes_before": 0, "fee_percent": 20}])
    basket = other_places(till, [900])
    rest = sale.total_minor - basket.total_minor
    kept = rest * 20 // 100
    till.go_online()
    offer = look(till, Deed.EXCHANGE, sale)
    assert (offer.fee_for(sale.total_minor), offer.fee_for(basket.total_minor)) == (0, kept)
    asked = ask(till, Deed.EXCHANGE, sale, basket=basket)
    server_says_yes(till, asked)
    done = till.window.after_sale.progress(asked.op_id)
    assert isinstance(done, Done)
    assert (done.pay_out_minor, done.fee_minor) == (rest - kept, kept)
    [op] = till.ops(OpKind.EXCHANGE)
    exchange = decode_exchange(op.body)
    assert exchange is not None
    assert (exchange.fee_minor, exchange.paid_minor) == (kept, kept - rest)


def test_an_exchange_with_too_little_cash_or_nothing_to_take_is_not_begun(till: Stage) -> None:
    sale = sell(till, ROW[:1])
    till.go_online()
    offer = look(till, Deed.EXCHANGE, sale)
    do: Callable[[Request], object] = till.window.after_sale.do
    dearer = other_places(till, [ROW[4], ROW[5]])
    assert do(request(offer, basket=dearer)) == Refused(Barred.TENDER_TOO_SMALL)
    assert do(request(offer)) == Refused(Barred.EMPTY)
    assert do(request(offer, basket=replace(dearer, lines=()))) == Refused(Barred.EMPTY)
    assert do(request(offer, basket=replace(dearer, event_id="faust"))) == Refused(
        Barred.OTHER_EVENT
    )
    assert till.engine.wishes == []


def test_new_places_that_went_away_leave_the_credit_to_be_paid_back(till: Stage) -> None:
    sale = sell(till, ROW[:1])
    basket = other_places(till, ROW[4:5])
    asked = ask(till, Deed.EXCHANGE, sale, basket=basket, tendered_minor=basket.total_minor)
    till.replica.transact(
        lambda unit: unit.execute("DELETE FROM allot_unit WHERE unit = ?", [ROW[4]])
    )
    server_says_yes(till, asked)
    services = till.window.after_sale
    assert services.progress(asked.op_id) == Refused(Barred.UNITS_GONE, (ROW[4],))
    assert len(services.unfinished()) == 1
    done = services.refund_instead(asked.op_id)
    assert isinstance(done, Done)
    assert done.pay_out_minor == sale.total_minor
    assert refunds(till) == [(sale.order_id, sale.total_minor)]
    assert services.unfinished() == ()


def test_an_unheard_sale_is_swapped_offline_against_its_paper(till: Stage) -> None:
    sale = sell(till, ROW[:1])
    papers = frozenset(ids(sale))
    basket = other_places(till, ROW[4:5])
    offer = look(till, Deed.EXCHANGE, sale, scanned=papers)
    assert offer.route is Route.HERE
    done = till.window.after_sale.do(request(offer, papers, basket=basket))
    assert isinstance(done, Done)
    assert (done.pay_out_minor, done.take_in_minor) == (0, 0)
    assert len(till.ops(OpKind.EXCHANGE)) == 1


def test_a_lost_ticket_is_replaced_one_version_up_and_the_old_code_is_dead(till: Stage) -> None:
    sale = sell(till, ROW[:2])
    asked = ask(till, Deed.REPLACEMENT, sale, 1)
    lent = Grant(AllotmentId(GENERATION, 77), SECOND, True, "open", ((ROW[0], 1),))
    server_says_yes(till, asked, lent)
    till.engine.listeners.pulled(EVENT_ID, frozenset({"allot"}))
    with till.replica.reading() as connection:
        assert units_of(connection, EVENT_ID, SECOND)[ROW[0]].state == "free", "it is promised"
    till.restart()
    till.sign_in()
    done = finished(till, asked)
    assert (done.pay_out_minor, done.take_in_minor) == (0, 0)
    [op] = till.ops(OpKind.EXCHANGE)
    exchange = decode_exchange(op.body)
    assert exchange is not None
    [line] = exchange.lines
    assert (line.unit, line.version, line.price_minor) == (ROW[0], 1, sale.lines[0].price_minor)
    assert line.code != sale.lines[0].code
    assert standings(till, sale) == [TicketStanding.VOID, TicketStanding.VALID]


def test_a_dropped_replacement_gives_its_place_back(till: Stage) -> None:
    sale = sell(till, ROW[:1])
    asked = ask(till, Deed.REPLACEMENT, sale)
    lent = Grant(AllotmentId(GENERATION, 77), SECOND, True, "open", ((ROW[0], 1),))
    server_says_yes(till, asked, lent)
    assert till.window.after_sale.drop(asked.op_id)
    till.engine.listeners.pulled(EVENT_ID, frozenset({"allot"}))
    assert len(till.ops(OpKind.RELEASE)) == 1


# ------------------------------------------------------------------------------------- finding


def test_an_order_is_found_by_every_name_it_has(till: Stage) -> None:
    sale = sell(till, ROW[:2])
    sell(till, ROW[2:3])
    detail = till.window.after_sale.detail(order(till, sale))
    assert detail is not None
    seat = detail.plan.seat_by_unit(ROW[0])
    assert seat is not None
    area = detail.plan.area_of(ROW[0])
    number = str(int(sale.receipt_no.rpartition("-")[2]))
    for text in (
        sale.receipt_no,
        sale.receipt_no.lower(),
        number,
        sale.lines[1].ticket_id[:8].upper(),
        f"{area.name.in_language('en')} {seat.row}-{seat.label}",
        f"{area.name.in_language('zh')} {seat.row}排{seat.label}座",
        f" Row {seat.row} Seat {seat.label} ",
        sale.lines[0].code.lower(),
    ):
        found = till.window.after_sale.find(text, SECOND)
        assert sale.order_id in [one.order_id for one in found.orders], text
    assert [one.is_own for one in till.window.after_sale.recent()] == [True, True]


def test_a_search_says_why_it_found_nothing(till: Stage) -> None:
    sale = sell(till, ROW[:1])
    find = till.window.after_sale.find
    assert find("nothing like it", FIRST).note is FindNote.NOTHING
    assert find("", FIRST).note is FindNote.NOTHING
    assert find(sale.lines[0].code[:-3], FIRST).note is FindNote.DAMAGED_CODE


def test_of_another_windows_sale_there_is_what_the_server_told_and_no_more(till: Stage) -> None:
    till.feed.claims(SECOND, "sold", [300], ref="00000000000000c1")
    body = {
        "id": "00000000000000c0", "node": "0000000000000bbb", "no": "0BBB-000001",
        "state": "partly_refunded", "total": 58_000, "refunded": 1, "currency": "CNY",
        "by": "wang", "at_ms": 1_000,
    }  # fmt: skip
    till.feed.tell(EVENT_ID, ("order", body))
    found = till.window.after_sale.find("0bbb-000001", SECOND)
    assert found.note is FindNote.ELSEWHERE
    [head] = found.orders
    assert (head.is_own, head.standing, head.total_minor) == (False, Standing.PARTLY_BACK, 58_000)
    detail = till.window.after_sale.detail(head)
    assert detail is not None
    assert detail.tickets == ()
    own = till.window.after_sale
    assert own.offer(Deed.REFUND, Chosen(EVENT_ID, OrderId(head.order_id), ())) is None
    plan = detail.plan
    seat = plan.seat_by_unit(300)
    assert seat is not None
    area = plan.area_of(300).id
    [ticket] = own.find(f"{area} {seat.row} {seat.label}", SECOND).orders
    assert (ticket.ticket_id, ticket.is_own) == ("00000000000000c1", False)


def test_the_cache_of_what_was_sold_is_made_anew_when_it_is_gone_or_damaged(till: Stage) -> None:
    sale = sell(till, ROW[:1])
    till.window.after_sale.recent()
    for harm in (Path.unlink, lambda path: path.write_bytes(b"no database" * 400)):
        till.window.stop()
        for suffix in ("-wal", "-shm"):
            (till.folder / "till" / f"finding.db{suffix}").unlink(missing_ok=True)
        harm(till.folder / "till" / "finding.db")
        till._open()
        found = till.window.after_sale.find(sale.lines[0].code, SECOND)
        assert [one.order_id for one in found.orders] == [sale.order_id]


def test_a_slip_is_printed_for_what_was_done(till: Stage) -> None:
    sale = sell(till, ROW[:1])
    asked = ask(till, Deed.REFUND, sale)
    server_says_yes(till, asked)
    done = till.window.after_sale.progress(asked.op_id)
    assert isinstance(done, Done)
    assert till.window.after_sale.print_slip(done) == ""
    slip = till.folder / "tickets" / f"{sale.receipt_no}-refund.pdf"
    assert slip.read_bytes().startswith(b"%PDF")


def test_an_order_of_nobody_here_is_refused(till: Stage) -> None:
    till.go_online()
    chosen = Chosen(EVENT_ID, OrderId("f" * 16), (TicketId("e" * 16),))
    nobody = Request(Deed.REFUND, chosen, GoReason.BUYER, 0, 0)
    assert till.window.after_sale.do(nobody) == Refused(Barred.ELSEWHERE)
    assert till.node_id == NODE
    assert till.engine.link.state is LinkState.ONLINE
    with till.replica.reading() as connection:
        assert pending_revocations(connection) == ()


MANAGER = Person("chen", "Chen", "manager")
SUPERVISOR = Person("wu", "Wu", "supervisor")


def test_what_the_rules_refuse_a_manager_lets_be_by_name(till: Stage) -> None:
    sale = sell(till, ROW[:1])
    with_rules(till, steps=[{"minutes_before": 90_000, "fee_percent": 20}])
    till.go_online()
    late = look(till, Deed.REFUND, sale)
    assert (late.bars, late.approval, late.can_be_done) == (("too_late",), Role.MANAGER, False)
    assert late.fee_minor == sale.total_minor // 5, "at the terms of the last step"
    do = till.window.after_sale.do
    for nobody in (None, SUPERVISOR, Person(CASHIER, "Li Na", "manager")):
        assert do(request(late, approver=nobody)) == Refused("too_late")
    asked = do(request(late, approver=MANAGER))
    assert isinstance(asked, Asked)
    server_says_yes(till, asked)
    assert finished(till, asked).pay_out_minor == sale.total_minor - late.fee_minor
    [op] = till.ops(OpKind.REFUND)
    refund = decode_refund(op.body)
    assert refund is not None
    assert (refund.by, refund.approved_by) == (CASHIER, MANAGER.id)


def test_a_sale_of_another_shift_is_undone_as_a_refund_of_everything(till: Stage) -> None:
    sale = sell(till, ROW[:1])
    with_rules(till, steps=[{"minutes_before": 0, "fee_percent": 50}], void_minutes=1)
    till.env.pass_s(120)
    till.go_online()
    over = look(till, Deed.VOID, sale)
    assert (over.bars, over.approval) == (("void_over",), Role.MANAGER)
    assert (over.back_minor, over.fee_minor) == (sale.total_minor, 0)
    asked = till.window.after_sale.do(request(over, approver=MANAGER))
    assert isinstance(asked, Asked)
    server_says_yes(till, asked)
    assert finished(till, asked).pay_out_minor == sale.total_minor
    [op] = till.ops(OpKind.REFUND)
    refund = decode_refund(op.body)
    assert refund is not None
    assert (refund.action, refund.fee_minor) == (RefundAction.REFUND, 0)
    assert refund.approved_by == MANAGER.id


def test_above_a_cap_the_next_role_pays(till: Stage) -> None:
    sale = sell(till, ROW[:2])
    steps = [{"minutes_before": 0}]
    with_rules(till, steps=steps, cashier_cap=sale.total_minor - 1)
    till.go_online()
    offer = look(till, Deed.REFUND, sale)
    assert (offer.bars, offer.approval) == (("over_cap",), Role.SUPERVISOR)
    assert look(till, Deed.REFUND, sale, 1).can_be_done
    with_rules(till, steps=steps, cashier_cap=1, supervisor_cap=2)
    assert look(till, Deed.REFUND, sale).approval is Role.MANAGER
    assert till.window.after_sale.do(request(offer, approver=SUPERVISOR)) == Refused("over_cap")


def test_a_lost_ticket_above_a_cap_is_replaced_when_the_next_role_lets_it_be(till: Stage) -> None:
    """What is handed out again is worth as much as a refund of it."""
    sale = sell(till, ROW[:2])
    steps = [{"minutes_before": 0}]
    with_rules(till, steps=steps, cashier_cap=sale.total_minor - 1)
    till.go_online()
    offer = look(till, Deed.REPLACEMENT, sale)
    assert (offer.bars, offer.approval) == (("over_cap",), Role.SUPERVISOR)
    assert till.window.after_sale.do(request(offer)) == Refused("over_cap")
    assert look(till, Deed.REPLACEMENT, sale, 1).can_be_done
    asked = till.window.after_sale.do(request(offer, approver=SUPERVISOR))
    assert isinstance(asked, Asked)
    with till.replica.reading() as connection:
        draft = after_sale_draft.kept(connection, asked.op_id)
    assert draft is not None
    assert draft.approved_by == SUPERVISOR.id


def test_nobody_lets_be_that_somebody_went_in_or_that_nobody_can_be_asked(till: Stage) -> None:
    sale = sell(till, ROW[:1])
    with_rules(till, steps=[{"minutes_before": 90_000}])
    assert look(till, Deed.REFUND, sale).approval is None, "offline"
    till.go_online()
    at_ms = till.env.wall_ms()
    till.feed.entry("ab" * 16, sale.lines[0].ticket_id, "gate", "lane", at_ms)
    assert look(till, Deed.REFUND, sale).approval is None

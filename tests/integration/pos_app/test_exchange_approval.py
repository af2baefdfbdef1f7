"""An exchange that needs a second person: money goes out, or its new places are past their term."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pos_app.services.after_sale_model import Asked, Barred, Done, Refused, Request
from pos_app.services.basket import Basket
from pos_app.services.model import Person
from tests.fakes.hall import ROW, SECOND
from tests.integration.pos_app.test_after_sale import (
    finished,
    ids,
    look,
    other_places,
    request,
    sell,
    server_says_yes,
    with_rules,
)
from tests.integration.pos_app.window_stage import CASHIER, Stage
from ticketing.journal import OpKind
from ticketing.operations import Exchange, Sale, decode_exchange, decode_refund
from ticketing.pricing import Role
from ticketing.refund_rules import Deed
from ticketing.terms import Terms

MANAGER = Person("chen", "Chen", "manager")
SUPERVISOR = Person("wu", "Wu", "supervisor")
SOFT_S, HARD_S = 3_600, 2 * 3_600


def exchanges(till: Stage) -> list[Exchange]:
    found = [decode_exchange(op.body) for op in till.ops(OpKind.EXCHANGE)]
    return [one for one in found if one is not None]


def swap(till: Stage, sale: Sale, basket: Basket, approver: Person | None = None) -> Request:
    """All of an order for this, its papers on the desk."""
    papers = frozenset(ids(sale))
    offer = look(till, Deed.EXCHANGE, sale, scanned=papers)
    return request(offer, papers, basket=basket, approver=approver, tendered_minor=10_000_000)


def test_what_an_exchange_pays_out_has_a_refunds_cap(till: Stage) -> None:
    sale, basket = sell(till, ROW[:2]), other_places(till, [900])
    rest = sale.total_minor - basket.total_minor
    with_rules(till, steps=[{"minutes_before": 0}], cashier_cap=rest)
    done = till.window.after_sale.do(swap(till, sale, basket))
    assert isinstance(done, Done), "exactly the cap is within it"
    assert done.pay_out_minor == rest


def test_above_the_cap_the_next_role_lets_an_exchange_be_by_name(till: Stage) -> None:
    sale, basket = sell(till, ROW[:2]), other_places(till, [900])
    rest = sale.total_minor - basket.total_minor
    with_rules(till, steps=[{"minutes_before": 0}], cashier_cap=rest - 1)
    till.go_online()
    do: Callable[[Request], object] = till.window.after_sale.do
    refused = Refused(Barred.OVER_CAP, approval=Role.SUPERVISOR)
    himself, other = Person(CASHIER, "Li Na", "manager"), Person("xu", "Xu", "cashier")
    for nobody in (None, himself, other):
        assert do(swap(till, sale, basket, nobody)) == refused
    assert till.engine.wishes == []
    asked = do(request(look(till, Deed.EXCHANGE, sale), basket=basket, approver=SUPERVISOR))
    assert isinstance(asked, Asked)
    server_says_yes(till, asked)
    assert finished(till, asked).pay_out_minor == rest
    [exchange] = exchanges(till)
    assert (exchange.sold_by, exchange.approved_by) == (CASHIER, SUPERVISOR.id)


def test_an_exchange_that_costs_something_has_no_cap(till: Stage) -> None:
    sale = sell(till, ROW[:1])
    basket = other_places(till, ROW[4:6])
    with_rules(till, steps=[{"minutes_before": 0}], cashier_cap=1, supervisor_cap=2)
    assert isinstance(till.window.after_sale.do(swap(till, sale, basket)), Done)
    [exchange] = exchanges(till)
    assert exchange.approved_by == ""


def late_places(till: Stage) -> tuple[Sale, Basket]:
    """A sale, and other places whose soft term is over since."""
    sale = sell(till, ROW[:1])
    till.lend([900, 901], SECOND, terms=Terms(SOFT_S, HARD_S))
    till.env.pass_s(SOFT_S)
    return sale, till.basket([900], SECOND)


def test_places_past_their_soft_term_are_given_when_a_second_person_lets_it_be(till: Stage) -> None:
    sale, basket = late_places(till)
    do, before = till.window.after_sale.do, till.window.status().late
    refused = Refused(Barred.LATE_APPROVAL, (900,), Role.SUPERVISOR)
    assert do(swap(till, sale, basket)) == refused
    assert do(swap(till, sale, basket, Person(CASHIER, "Li Na", "manager"))) == refused
    assert exchanges(till) == []
    assert isinstance(do(swap(till, sale, basket, SUPERVISOR)), Done)
    [exchange] = exchanges(till)
    assert exchange.approved_by == SUPERVISOR.id
    after = till.window.status().late
    assert before is not None
    assert after is not None
    assert after.ticket_count == before.ticket_count - 1, "it counts like a sale"


def test_one_approval_does_for_the_cap_and_for_the_term(till: Stage) -> None:
    sale, basket = late_places(till)
    with_rules(till, steps=[{"minutes_before": 0}], cashier_cap=1, supervisor_cap=2)
    do = till.window.after_sale.do
    assert do(swap(till, sale, basket)) == Refused(Barred.OVER_CAP, approval=Role.MANAGER)
    assert isinstance(do(swap(till, sale, basket, MANAGER)), Done)
    assert [each.approved_by for each in exchanges(till)] == [MANAGER.id]


def test_nobody_lets_be_what_is_past_its_hard_term(till: Stage) -> None:
    sale, basket = late_places(till)
    till.env.pass_s(HARD_S)
    for approver in (None, MANAGER):
        answer = till.window.after_sale.do(swap(till, sale, basket, approver))
        assert answer == Refused(Barred.TERM_OVER, (900,))


def test_money_back_instead_of_places_that_went_has_the_cap_too(till: Stage) -> None:
    sale = sell(till, ROW[:1])
    basket = other_places(till, ROW[4:5])
    with_rules(till, steps=[{"minutes_before": 0}], cashier_cap=sale.total_minor - 1)
    till.go_online()
    services = till.window.after_sale
    asked = services.do(request(look(till, Deed.EXCHANGE, sale), basket=basket))
    assert isinstance(asked, Asked)
    till.replica.transact(
        lambda unit: unit.execute("DELETE FROM allot_unit WHERE unit = ?", [ROW[4]])
    )
    server_says_yes(till, asked)
    refused = Refused(Barred.OVER_CAP, approval=Role.SUPERVISOR)
    assert services.refund_instead(asked.op_id) == refused
    assert len(services.unfinished()) == 1
    done = services.refund_instead(asked.op_id, SUPERVISOR)
    assert isinstance(done, Done)
    assert done.pay_out_minor == sale.total_minor
    [op] = till.ops(OpKind.REFUND)
    refund = decode_refund(op.body)
    assert refund is not None
    assert refund.approved_by == SUPERVISOR.id


@pytest.mark.parametrize("approver", [None, MANAGER])
def test_places_that_are_gone_are_found_out_before_the_server_is_asked(
    till: Stage, approver: Person | None
) -> None:
    sale = sell(till, ROW[:1])
    basket = other_places(till, ROW[4:5])
    till.go_online()
    till.replica.transact(
        lambda unit: unit.execute("DELETE FROM allot_unit WHERE unit = ?", [ROW[4]])
    )
    asked = request(look(till, Deed.EXCHANGE, sale), basket=basket, approver=approver)
    assert till.window.after_sale.do(asked) == Refused(Barred.UNITS_GONE_BEFORE, (ROW[4],))
    assert till.engine.wishes == []

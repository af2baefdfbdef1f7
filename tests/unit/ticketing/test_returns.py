"""Void, refund, exchange, replacement: where, to which state, and when the unit is sold again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ticketing.ids import TicketId
from ticketing.operations import ExchangeAction, RefundAction
from ticketing.order import OrderState
from ticketing.returns import (
    SILENT_AFTER_MS,
    GateCursor,
    Resale,
    ResellPolicy,
    ReturnAction,
    ReturnRefusal,
    Route,
    SoldOrder,
    default_resell,
    order_after,
    resale,
    return_route,
    version_after,
)
from ticketing.ticket import TicketState

VOID, REFUND = RefundAction.VOID, RefundAction.REFUND
EXCHANGE, REPLACEMENT = ExchangeAction.EXCHANGE, ExchangeAction.REPLACEMENT
ONE, TWO, STRANGE = (TicketId(f"{at:016x}") for at in (1, 2, 3))
VALID = TicketState.VALID
UNHEARD = SoldOrder({ONE: VALID, TWO: VALID}, own=True, same_shift=True, acknowledged=False)
HEARD = replace(UNHEARD, acknowledged=True)
LAST_SHIFT = replace(UNHEARD, same_shift=False)
ELSEWHERE = replace(HEARD, own=False, same_shift=False)


@pytest.mark.parametrize(
    ("action", "order", "scanned", "route"),
    [
        pytest.param(VOID, UNHEARD, {ONE, TWO}, Route.HERE, id="paper handed in, nobody knows"),
        pytest.param(REFUND, LAST_SHIFT, {ONE, TWO}, Route.HERE, id="a refund a shift later"),
        pytest.param(EXCHANGE, UNHEARD, {ONE, TWO, STRANGE}, Route.HERE, id="an exchange"),
        pytest.param(VOID, UNHEARD, {ONE}, Route.CENTRE, id="a paper ticket is missing"),
        pytest.param(VOID, UNHEARD, set(), Route.CENTRE, id="no paper at all"),
        pytest.param(VOID, HEARD, {ONE, TWO}, Route.CENTRE, id="the centre knows the sale"),
        pytest.param(REFUND, ELSEWHERE, {ONE, TWO}, Route.CENTRE, id="another till's sale"),
        pytest.param(
            REFUND, replace(UNHEARD, own=False), {ONE, TWO}, Route.CENTRE, id="not heard, not ours"
        ),
        pytest.param(REPLACEMENT, UNHEARD, {ONE, TWO}, Route.CENTRE, id="a lost ticket"),
        pytest.param(
            VOID, LAST_SHIFT, {ONE, TWO}, ReturnRefusal.NOT_SAME_SHIFT, id="a void a shift later"
        ),
        pytest.param(
            VOID, ELSEWHERE, {ONE, TWO}, ReturnRefusal.NOT_SAME_SHIFT, id="a void elsewhere"
        ),
        pytest.param(
            VOID,
            replace(HEARD, own=False),
            {ONE, TWO},
            ReturnRefusal.NOT_SAME_SHIFT,
            id="a void at another till in the same shift",
        ),
        pytest.param(
            REFUND,
            replace(UNHEARD, tickets={ONE: VALID, TWO: TicketState.VOID}),
            {ONE, TWO},
            ReturnRefusal.ALREADY_REVOKED,
            id="revoked before",
        ),
        pytest.param(
            REFUND,
            replace(HEARD, tickets={ONE: VALID, TWO: TicketState.DISPUTED}),
            {ONE, TWO},
            Route.CENTRE,
            id="a disputed one has its money back",
        ),
        pytest.param(
            REFUND,
            replace(UNHEARD, tickets={ONE: VALID}),
            {ONE, TWO},
            ReturnRefusal.NOT_OF_ORDER,
            id="a ticket of another order",
        ),
    ],
)
def test_where_two_tickets_may_be_revoked(
    action: ReturnAction,
    order: SoldOrder,
    scanned: set[TicketId],
    route: Route | ReturnRefusal,
) -> None:
    assert return_route(action, order, (ONE, TWO), scanned) is route


def test_only_the_tickets_that_are_revoked_need_be_handed_in() -> None:
    assert return_route(VOID, UNHEARD, [ONE], [ONE]) is Route.HERE
    assert return_route(VOID, UNHEARD, [], [ONE]) is ReturnRefusal.NO_TICKETS


PAID, PARTLY = OrderState.PAID, OrderState.PARTLY_REFUNDED
REFUNDED, VOIDED = OrderState.REFUNDED, OrderState.VOIDED


@pytest.mark.parametrize(
    ("state", "action", "all_revoked", "after"),
    [
        pytest.param(PAID, VOID, True, VOIDED, id="all voided"),
        pytest.param(PAID, VOID, False, PARTLY, id="a part voided"),
        pytest.param(PARTLY, VOID, True, REFUNDED, id="the rest voided"),
        pytest.param(PAID, REFUND, True, REFUNDED, id="all refunded"),
        pytest.param(PAID, REFUND, False, PARTLY, id="a part refunded"),
        pytest.param(PARTLY, REFUND, False, PARTLY, id="another part refunded"),
        pytest.param(PARTLY, REFUND, True, REFUNDED, id="the rest refunded"),
        pytest.param(PAID, EXCHANGE, True, REFUNDED, id="all exchanged"),
        pytest.param(PAID, REPLACEMENT, False, PARTLY, id="one replaced"),
        pytest.param(REFUNDED, REFUND, True, None, id="nothing left to refund"),
        pytest.param(VOIDED, VOID, True, None, id="voided before"),
        pytest.param(VOIDED, REFUND, False, None, id="a void has no parts"),
    ],
)
def test_the_state_of_the_order_afterwards(
    state: OrderState, action: ReturnAction, all_revoked: bool, after: OrderState | None
) -> None:
    assert order_after(state, action, all_revoked=all_revoked) is after


def test_a_unit_comes_back_one_version_up_while_a_code_can_say_so() -> None:
    assert (version_after(0), version_after(254), version_after(255)) == (1, 255, None)


def test_a_seat_waits_for_the_gates_and_a_standing_place_does_not() -> None:
    assert default_resell(standing=False) is ResellPolicy.WHEN_GATES_ACKED
    assert default_resell(standing=True) is ResellPolicy.NOW


NOW_MS = 1_700_000_000_000
KNOWS = GateCursor("g1", 40, NOW_MS)
BEHIND = GateCursor("g3", 39, NOW_MS - SILENT_AFTER_MS + 1)
SILENT = GateCursor("g2", 39, NOW_MS - SILENT_AFTER_MS)
LONG_GONE = GateCursor("g0", 0, 0)


@pytest.mark.parametrize(
    ("gates", "without", "expected"),
    [
        pytest.param([], [], Resale(True, (), ()), id="no gates"),
        pytest.param([KNOWS], [], Resale(True, (), ()), id="all know"),
        pytest.param([KNOWS, BEHIND], [], Resale(False, ("g3",), ()), id="one will know soon"),
        pytest.param(
            [KNOWS, BEHIND], ["g3"], Resale(False, ("g3",), ()), id="that one can't be left out"
        ),
        pytest.param([SILENT, KNOWS], [], Resale(False, (), ("g2",)), id="one is silent"),
        pytest.param([SILENT, KNOWS], ["g2"], Resale(True, (), ("g2",)), id="and done without"),
        pytest.param(
            [SILENT, LONG_GONE], ["g2"], Resale(False, (), ("g0", "g2")), id="but for another"
        ),
        pytest.param(
            [replace(SILENT, rev=41)], [], Resale(True, (), ()), id="silent since it knew"
        ),
    ],
)
def test_a_unit_is_sold_again_when_every_gate_knows_or_is_done_without(
    gates: list[GateCursor], without: list[str], expected: Resale
) -> None:
    assert resale(ResellPolicy.WHEN_GATES_ACKED, 40, gates, NOW_MS, without) == expected


def test_sold_again_at_once_its_exposure_is_named_all_the_same() -> None:
    found = resale(ResellPolicy.NOW, 40, [SILENT, BEHIND, KNOWS], NOW_MS)
    assert found == Resale(True, ("g3",), ("g2",))

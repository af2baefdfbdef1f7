"""An order's life: every pair of state and action has the answer of this table."""

from __future__ import annotations

import pytest

from ticketing.order import TRANSITIONS, OrderAction, OrderState, next_state

PAID, PARTLY = OrderState.PAID, OrderState.PARTLY_REFUNDED
REFUNDED, VOIDED = OrderState.REFUNDED, OrderState.VOIDED
VOID, PART, REST = OrderAction.VOID, OrderAction.REFUND_PART, OrderAction.REFUND_REST


@pytest.mark.parametrize(
    ("state", "action", "after"),
    [
        pytest.param(PAID, VOID, VOIDED, id="a paid order can be voided"),
        pytest.param(PAID, PART, PARTLY, id="a paid order can be refunded in part"),
        pytest.param(PAID, REST, REFUNDED, id="a paid order can be refunded whole"),
        pytest.param(PARTLY, VOID, None, id="a part was refunded: too late to void"),
        pytest.param(PARTLY, PART, PARTLY, id="another part can be refunded"),
        pytest.param(PARTLY, REST, REFUNDED, id="the rest can be refunded"),
        pytest.param(REFUNDED, VOID, None, id="refunded is final: no void"),
        pytest.param(REFUNDED, PART, None, id="refunded is final: no part"),
        pytest.param(REFUNDED, REST, None, id="refunded is final: no rest"),
        pytest.param(VOIDED, VOID, None, id="voided is final: not again"),
        pytest.param(VOIDED, PART, None, id="voided is final: no part"),
        pytest.param(VOIDED, REST, None, id="voided is final: no rest"),
    ],
)
def test_an_action_leads_where_the_table_says(
    state: OrderState, action: OrderAction, after: OrderState | None
) -> None:
    assert next_state(state, action) is after


def test_every_state_can_be_reached_from_a_paid_order() -> None:
    reached = {PAID, *TRANSITIONS.values()}
    assert reached == set(OrderState)

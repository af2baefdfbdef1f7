"""An order's life: which state may follow which, and the sums that must hold."""

from __future__ import annotations

from enum import StrEnum


class OrderState(StrEnum):
    """Where an order stands. Stored and sent, never renamed."""

    PAID = "paid"
    PARTLY_REFUNDED = "partly_refunded"
    REFUNDED = "refunded"
    VOIDED = "voided"


class OrderAction(StrEnum):
    """What can be done to an order after its sale."""

    VOID = "void"  # undo in the same shift at the same till
    REFUND_PART = "refund_part"
    REFUND_REST = "refund_rest"


TRANSITIONS: dict[tuple[OrderState, OrderAction], OrderState] = {
    (OrderState.PAID, OrderAction.VOID): OrderState.VOIDED,
    (OrderState.PAID, OrderAction.REFUND_PART): OrderState.PARTLY_REFUNDED,
    (OrderState.PAID, OrderAction.REFUND_REST): OrderState.REFUNDED,
    (OrderState.PARTLY_REFUNDED, OrderAction.REFUND_PART): OrderState.PARTLY_REFUNDED,
    (OrderState.PARTLY_REFUNDED, OrderAction.REFUND_REST): OrderState.REFUNDED,
}
"""A basket becomes an order only when it is paid, so there is no unpaid order to clean up."""


def next_state(state: OrderState, action: OrderAction) -> OrderState | None:
    """The state after an action, or None when the action is not allowed in this state."""
    return TRANSITIONS.get((state, action))

"""Handing over the right to print an order's tickets for the first time."""

from __future__ import annotations

from dataclasses import dataclass

from ticketing.ids import OrderId, is_node_id, is_order_id
from ticketing.operations.fields import is_count, to_object, to_text


@dataclass(frozen=True, slots=True)
class HandOver:
    """The node that may print the tickets first lets `to` do it, and will not do it any more.

    `copies` above 0 says that it has printed them so often already, and nothing is handed over.
    `turn` counts such answers of an order over all nodes: a later one wins.
    """

    order_id: OrderId
    to: str
    turn: int
    copies: int = 0


def encode_hand_over(hand_over: HandOver) -> str:
    """Its body text."""
    body: dict[str, object] = {
        "order": hand_over.order_id,
        "to": hand_over.to,
        "turn": hand_over.turn,
    }
    return to_text(body | {"copies": hand_over.copies} if hand_over.copies else body)


def decode_hand_over(body: str) -> HandOver | None:
    """What it says, or None."""
    raw = to_object(body)
    copies = raw.get("copies", 0)
    if not (
        is_order_id(raw.get("order"))
        and is_node_id(raw.get("to"))
        and is_count(raw.get("turn"))
        and is_count(copies)
    ):
        return None
    return HandOver(OrderId(raw["order"]), raw["to"], raw["turn"], copies)

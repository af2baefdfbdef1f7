"""What is done to an order after its sale: tickets revoked for money, or for other tickets."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ticketing.ids import OrderId, TicketId, is_currency, is_order_id, is_ticket_id
from ticketing.operations.fields import (
    LINES_MAX,
    is_count,
    is_minor,
    is_name,
    is_shift,
    is_signed_minor,
    to_object,
    to_text,
)
from ticketing.operations.sale import SaleLine, all_differ, line_to_json, lines_from_json


class RefundAction(StrEnum):
    """How an order is undone. Stored and sent, never renamed."""

    VOID = "void"  # in the same shift at the same till: everything goes back, nothing is kept
    REFUND = "refund"  # later


class ExchangeAction(StrEnum):
    """Why tickets are given for others. Stored and sent, never renamed."""

    EXCHANGE = "exchange"
    REPLACEMENT = "replacement"  # of a lost ticket: the same worth again, only a fee is paid


@dataclass(frozen=True, slots=True)
class Refund:
    """Tickets of one order revoked. `cash_minor` was paid out, `fee_minor` of their worth kept.

    `shift`: the till's shift that paid it out.
    """

    order_id: OrderId
    action: RefundAction
    ticket_ids: tuple[TicketId, ...]
    cash_minor: int
    fee_minor: int
    currency: str
    by: str
    reason: str
    shift: str = ""


@dataclass(frozen=True, slots=True)
class Exchange:
    """Tickets of one order revoked, and a new order sold for their worth.

    `credit_minor` is what the returned tickets counted for. `paid_minor` is what the buyer paid
    on top; when negative, what was paid out. The rest of `tendered_minor` went back.
    `shift`: the till's shift that took or paid the difference, and owns the new order.
    """

    returned: tuple[TicketId, ...]
    of_order: OrderId
    action: ExchangeAction
    order_id: OrderId
    receipt_no: str
    sold_by: str
    currency: str
    price_list_version: int
    lines: tuple[SaleLine, ...]
    credit_minor: int
    fee_minor: int
    paid_minor: int
    tendered_minor: int
    shift: str = ""

    @property
    def total_minor(self) -> int:
        """The worth of the new tickets."""
        return sum(line.price_minor for line in self.lines)


def encode_refund(refund: Refund) -> str:
    """A refund as its body text."""
    body: dict[str, object] = {
        "order": refund.order_id,
        "action": refund.action,
        "tickets": list(refund.ticket_ids),
        "cash": refund.cash_minor,
        "fee": refund.fee_minor,
        "currency": refund.currency,
        "by": refund.by,
        "reason": refund.reason,
    }
    return to_text(body | {"shift": refund.shift} if refund.shift else body)


def decode_refund(body: str) -> Refund | None:
    """The refund, or None; a void that keeps a fee is refused."""
    raw = to_object(body)
    tickets = _ticket_ids(raw.get("tickets"))
    if tickets is None or not (
        is_order_id(raw.get("order"))
        and raw.get("action") in tuple(RefundAction)
        and is_minor(raw.get("cash"))
        and is_minor(raw.get("fee"))
        and is_currency(raw.get("currency"))
        and is_name(raw.get("by"))
        and is_name(raw.get("reason"))
        and is_shift(raw.get("shift", ""))
    ):
        return None
    action = RefundAction(raw["action"])
    if action is RefundAction.VOID and raw["fee"]:
        return None
    return Refund(
        OrderId(raw["order"]),
        action,
        tickets,
        raw["cash"],
        raw["fee"],
        raw["currency"],
        raw["by"],
        raw["reason"],
        raw.get("shift", ""),
    )


def encode_exchange(exchange: Exchange) -> str:
    """An exchange as its body text."""
    body: dict[str, object] = {
        "returned": list(exchange.returned),
        "of_order": exchange.of_order,
        "action": exchange.action,
        "order": exchange.order_id,
        "receipt": exchange.receipt_no,
        "sold_by": exchange.sold_by,
        "currency": exchange.currency,
        "price_list": exchange.price_list_version,
        "lines": [line_to_json(line) for line in exchange.lines],
        "credit": exchange.credit_minor,
        "fee": exchange.fee_minor,
        "paid": exchange.paid_minor,
        "tendered": exchange.tendered_minor,
    }
    return to_text(body | {"shift": exchange.shift} if exchange.shift else body)


def decode_exchange(body: str) -> Exchange | None:
    """The exchange, or None when any rule is broken, also when it does not add up."""
    raw = to_object(body)
    returned, lines = _ticket_ids(raw.get("returned")), lines_from_json(raw.get("lines"))
    if returned is None or lines is None:
        return None
    if not (
        raw.get("action") in tuple(ExchangeAction)
        and all(is_order_id(raw.get(key)) for key in ("of_order", "order"))
        and all(is_name(raw.get(key)) for key in ("receipt", "sold_by"))
        and is_currency(raw.get("currency"))
        and is_count(raw.get("price_list"))
        and all(is_minor(raw.get(key)) for key in ("credit", "fee", "tendered"))
        and is_signed_minor(raw.get("paid"))
        and is_shift(raw.get("shift", ""))
    ):
        return None
    exchange = Exchange(
        returned,
        OrderId(raw["of_order"]),
        ExchangeAction(raw["action"]),
        OrderId(raw["order"]),
        raw["receipt"],
        raw["sold_by"],
        raw["currency"],
        raw["price_list"],
        lines,
        raw["credit"],
        raw["fee"],
        raw["paid"],
        raw["tendered"],
        raw.get("shift", ""),
    )
    return exchange if exchange_adds_up(exchange) else None


def exchange_adds_up(exchange: Exchange) -> bool:
    """Lines + fee - credit = paid, cash covers it, and nothing comes twice or is its own return.

    A replacement gives the same worth for as many tickets, so that its fee alone is paid.
    """
    total, paid = exchange.total_minor, exchange.paid_minor
    replaced = exchange.action is ExchangeAction.REPLACEMENT
    return (
        total + exchange.fee_minor - exchange.credit_minor == paid
        and exchange.tendered_minor >= paid
        and (paid > 0 or exchange.tendered_minor == 0)
        and all_differ(exchange.lines)
        and exchange.order_id != exchange.of_order
        and {line.ticket_id for line in exchange.lines}.isdisjoint(exchange.returned)
        and (not replaced or exchange.credit_minor == total)
        and (not replaced or len(exchange.lines) == len(exchange.returned))
    )


def _ticket_ids(raw: object) -> tuple[TicketId, ...] | None:
    """1 to LINES_MAX different tickets."""
    if not isinstance(raw, list) or not 1 <= len(raw) <= LINES_MAX:
        return None
    if not all(map(is_ticket_id, raw)) or len(set(raw)) != len(raw):
        return None
    return tuple(TicketId(text) for text in raw)

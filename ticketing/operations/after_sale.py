"""What is done to an order after its sale: tickets revoked for money, or for other tickets."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ticketing.cash_rounding import is_rounding
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
from ticketing.operations.tender import HandLeg, legs_from_json, legs_minor, legs_to_json


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

    `legs` went back by the tenders they came by. `rounding_minor`: what the drawer gained (or
    lost, below zero) since coins do not make the exact amount. `shift`: the till's shift that paid.
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
    legs: tuple[HandLeg, ...] = ()
    rounding_minor: int = 0
    approved_by: str = ""

    @property
    def back_minor(self) -> int:
        """What the buyer got back by all tenders together, before rounding."""
        return self.cash_minor + self.rounding_minor + legs_minor(self.legs)

    @property
    def worth_minor(self) -> int:
        """What the tickets had cost."""
        return self.back_minor + self.fee_minor


@dataclass(frozen=True, slots=True)
class Exchange:
    """Tickets of one order revoked, and a new order sold for their worth.

    `credit_minor` is what the returned tickets counted for. `paid_minor` is what the buyer paid
    on top; when negative, what was paid out. `legs` of that were recorded by hand, the rest was
    cash, of which the rest of `tendered_minor` went back; `rounding_minor` as in Sale and Refund.
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
    legs: tuple[HandLeg, ...] = ()
    rounding_minor: int = 0
    approved_by: str = ""

    @property
    def legs_minor(self) -> int:
        """What was paid by hand-recorded tenders; negative when it was paid out by them."""
        return legs_minor(self.legs) * (1 if self.paid_minor > 0 else -1)

    @property
    def cash_minor(self) -> int:
        """What came into the drawer; negative when it went out."""
        return self.paid_minor - self.legs_minor + self.rounding_minor

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
    body |= _tender_members(refund)
    return to_text(body | {"shift": refund.shift} if refund.shift else body)


def decode_refund(body: str) -> Refund | None:
    """The refund, or None; a void that keeps a fee is refused."""
    raw = to_object(body)
    tickets, legs = _ticket_ids(raw.get("tickets")), legs_from_json(raw.get("legs", []))
    if tickets is None or legs is None:
        return None
    if not (
        is_order_id(raw.get("order"))
        and raw.get("action") in tuple(RefundAction)
        and is_minor(raw.get("cash"))
        and is_minor(raw.get("fee"))
        and is_currency(raw.get("currency"))
        and is_name(raw.get("by"))
        and is_name(raw.get("reason"))
        and is_signed_minor(raw.get("rounding", 0))
        and is_shift(raw.get("shift", ""))
        and _is_approver(raw)
    ):
        return None
    action = RefundAction(raw["action"])
    if action is RefundAction.VOID and raw["fee"]:
        return None
    refund = Refund(
        OrderId(raw["order"]),
        action,
        tickets,
        raw["cash"],
        raw["fee"],
        raw["currency"],
        raw["by"],
        raw["reason"],
        raw.get("shift", ""),
        legs,
        raw.get("rounding", 0),
        raw.get("approved_by", ""),
    )
    exact = refund.cash_minor + refund.rounding_minor
    return refund if exact >= 0 and is_rounding(refund.rounding_minor, exact) else None


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
    body |= _tender_members(exchange)
    return to_text(body | {"shift": exchange.shift} if exchange.shift else body)


def decode_exchange(body: str) -> Exchange | None:
    """The exchange, or None when any rule is broken, also when it does not add up."""
    raw = to_object(body)
    returned, lines = _ticket_ids(raw.get("returned")), lines_from_json(raw.get("lines"))
    legs = legs_from_json(raw.get("legs", []))
    if returned is None or lines is None or legs is None:
        return None
    if not (
        raw.get("action") in tuple(ExchangeAction)
        and all(is_order_id(raw.get(key)) for key in ("of_order", "order"))
        and all(is_name(raw.get(key)) for key in ("receipt", "sold_by"))
        and is_currency(raw.get("currency"))
        and is_count(raw.get("price_list"))
        and all(is_minor(raw.get(key)) for key in ("credit", "fee", "tendered"))
        and is_signed_minor(raw.get("paid"))
        and is_signed_minor(raw.get("rounding", 0))
        and is_shift(raw.get("shift", ""))
        and _is_approver(raw)
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
        legs,
        raw.get("rounding", 0),
        raw.get("approved_by", ""),
    )
    return exchange if exchange_adds_up(exchange) else None


def exchange_adds_up(exchange: Exchange) -> bool:
    """Lines + fee - credit = paid, cash covers it, and nothing comes twice or is its own return.

    A replacement gives the same worth for as many tickets, so that its fee alone is paid.
    """
    total, paid, cash = exchange.total_minor, exchange.paid_minor, exchange.cash_minor
    in_cash = paid - exchange.legs_minor
    replaced = exchange.action is ExchangeAction.REPLACEMENT
    return (
        total + exchange.fee_minor - exchange.credit_minor == paid
        and (paid != 0 or not exchange.legs)
        and in_cash * paid >= 0
        and cash * paid >= 0
        and is_rounding(exchange.rounding_minor, in_cash)
        and exchange.tendered_minor >= cash
        and (cash > 0 or exchange.tendered_minor == 0)
        and all_differ(exchange.lines)
        and exchange.order_id != exchange.of_order
        and {line.ticket_id for line in exchange.lines}.isdisjoint(exchange.returned)
        and (not replaced or exchange.credit_minor == total)
        and (not replaced or len(exchange.lines) == len(exchange.returned))
    )


def _tender_members(money: Refund | Exchange) -> dict[str, object]:
    """Legs, rounding and who approved it, where there are any."""
    members: dict[str, object] = {}
    if money.legs:
        members["legs"] = legs_to_json(money.legs)
    if money.rounding_minor:
        members["rounding"] = money.rounding_minor
    if money.approved_by:
        members["approved_by"] = money.approved_by
    return members


def _is_approver(raw: dict[str, Any]) -> bool:
    return "approved_by" not in raw or is_name(raw["approved_by"])


def _ticket_ids(raw: object) -> tuple[TicketId, ...] | None:
    """1 to LINES_MAX different tickets."""
    if not isinstance(raw, list) or not 1 <= len(raw) <= LINES_MAX:
        return None
    if not all(map(is_ticket_id, raw)) or len(set(raw)) != len(raw):
        return None
    return tuple(TicketId(text) for text in raw)

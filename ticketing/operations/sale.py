"""A sale: tickets of one event, sold and paid at a till."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ticketing.cash_rounding import is_rounding
from ticketing.ids import (
    AllotmentId,
    OrderId,
    TicketId,
    is_currency,
    is_order_id,
    is_ticket_id,
    is_u32,
)
from ticketing.operations.fields import (
    LINES_MAX,
    is_count,
    is_minor,
    is_name,
    is_note,
    is_shift,
    is_signed_minor,
    is_version,
    to_object,
    to_text,
)
from ticketing.operations.tender import (
    CashLeg,
    HandLeg,
    legs_from_json,
    legs_minor,
    legs_to_json,
)


@dataclass(frozen=True, slots=True)
class SaleLine:
    """One ticket sold: which unit of which allotment, at what price by which rule.

    `pool` is the counter pool ("the first 500 at this price") whose share the line spent, or "".
    `list_minor` is what the list asked, 0 where `rule` is the list; lines with the same `package`,
    above 0, are one package. `off_minor` was taken off by hand on top of the rule, for the reason
    `discount`. `approved_by` let the line be as it is; "" where there was nothing to let be.
    """

    ticket_id: TicketId
    performance: int
    unit: int
    version: int
    allotment: AllotmentId
    tier_id: str
    ticket_type_id: str
    price_minor: int
    rule: str
    code: str
    pool: str = ""
    list_minor: int = 0
    package: int = 0
    discount: str = ""
    off_minor: int = 0
    approved_by: str = ""


@dataclass(frozen=True, slots=True)
class Sale:
    """An order paid at a till. Its lines' prices and its tender legs add up to the same total.

    `legs` were recorded by hand, in this order; what they leave was paid in cash, after them.
    `rounding_minor`: what the drawer gained (or lost, below zero) since coins do not make the
    exact amount. `late`: sold after the soft term of an allotment, under the policy for long
    absences; then `late_approved_by` let it be. `shift`: the till's shift that took the money and owns the order for ever. `note` is
    what the cashier wrote on the order, or "".
    """

    order_id: OrderId
    receipt_no: str
    sold_by: str
    currency: str
    price_list_version: int
    total_minor: int
    lines: tuple[SaleLine, ...]
    cash: CashLeg
    late: bool = False
    shift: str = ""
    legs: tuple[HandLeg, ...] = ()
    rounding_minor: int = 0
    note: str = ""
    late_approved_by: str = ""


def encode_sale(sale: Sale) -> str:
    """A sale as its body text."""
    body: dict[str, object] = {
        "order": sale.order_id,
        "receipt": sale.receipt_no,
        "sold_by": sale.sold_by,
        "currency": sale.currency,
        "price_list": sale.price_list_version,
        "total": sale.total_minor,
        "cash": {"amount": sale.cash.amount_minor, "tendered": sale.cash.tendered_minor},
        "lines": [line_to_json(line) for line in sale.lines],
    }
    if sale.late:
        body["late"] = True
    if sale.late_approved_by:
        body["late_approved_by"] = sale.late_approved_by
    if sale.legs:
        body["legs"] = legs_to_json(sale.legs)
    if sale.rounding_minor:
        body["rounding"] = sale.rounding_minor
    if sale.note:
        body["note"] = sale.note
    return to_text(body | {"shift": sale.shift} if sale.shift else body)


def decode_sale(body: str) -> Sale | None:
    """The sale, or None when any rule is broken, also when it does not add up."""
    raw = to_object(body)
    cash, late, shift = raw.get("cash"), raw.get("late", False), raw.get("shift", "")
    lines, legs = lines_from_json(raw.get("lines")), legs_from_json(raw.get("legs", []))
    note, approved_by = raw.get("note", ""), raw.get("late_approved_by", "")
    if not isinstance(cash, dict) or lines is None or legs is None:
        return None
    if not (
        is_order_id(raw.get("order"))
        and is_name(raw.get("receipt"))
        and is_name(raw.get("sold_by"))
        and is_currency(raw.get("currency"))
        and is_count(raw.get("price_list"))
        and is_minor(raw.get("total"))
        and is_minor(cash.get("amount"))
        and is_minor(cash.get("tendered"))
        and is_signed_minor(raw.get("rounding", 0))
        and isinstance(late, bool)
        and ("late_approved_by" not in raw or (late and is_name(approved_by)))
        and is_shift(shift)
        and is_note(note)
    ):
        return None
    sale = Sale(
        OrderId(raw["order"]),
        raw["receipt"],
        raw["sold_by"],
        raw["currency"],
        raw["price_list"],
        raw["total"],
        lines,
        CashLeg(cash["amount"], cash["tendered"]),
        late,
        shift,
        legs,
        raw.get("rounding", 0),
        note,
        approved_by,
    )
    return sale if adds_up(sale) else None


def adds_up(sale: Sale) -> bool:
    """Lines = total = tender legs, cash covers its leg, and no unit or ticket comes twice."""
    in_cash = sale.total_minor - legs_minor(sale.legs)
    return (
        sum(line.price_minor for line in sale.lines) == sale.total_minor
        and in_cash >= 0
        and in_cash + sale.rounding_minor == sale.cash.amount_minor
        and is_rounding(sale.rounding_minor, in_cash)
        and sale.cash.tendered_minor >= sale.cash.amount_minor
        and all_differ(sale.lines)
    )


def all_differ(lines: Sequence[SaleLine]) -> bool:
    """No unit and no ticket comes twice."""
    units = {(line.performance, line.unit) for line in lines}
    tickets = {line.ticket_id for line in lines}
    return len(units) == len(tickets) == len(lines)


def lines_from_json(raw: object) -> tuple[SaleLine, ...] | None:
    """1 to LINES_MAX lines; None when one of them is broken."""
    if not isinstance(raw, list) or not 1 <= len(raw) <= LINES_MAX:
        return None
    lines = tuple(line for line in map(_line_from_json, raw) if line is not None)
    return lines if len(lines) == len(raw) else None


def line_to_json(line: SaleLine) -> dict[str, object]:
    """A line as it stands in a body."""
    raw: dict[str, object] = {
        "ticket": line.ticket_id,
        "performance": line.performance,
        "unit": line.unit,
        "version": line.version,
        "allotment": str(line.allotment),
        "tier": line.tier_id,
        "type": line.ticket_type_id,
        "price": line.price_minor,
        "rule": line.rule,
        "code": line.code,
    }
    later = {
        "pool": line.pool,
        "list": line.list_minor,
        "package": line.package,
        "discount": line.discount,
        "off": line.off_minor,
        "approved_by": line.approved_by,
    }
    return raw | {key: value for key, value in later.items() if value}


def _line_from_json(raw: object) -> SaleLine | None:
    if not isinstance(raw, dict):
        return None
    allotment = AllotmentId.parse(raw.get("allotment"))
    code, pool = raw.get("code"), raw.get("pool", "")
    if not (
        allotment is not None
        and is_ticket_id(raw.get("ticket"))
        and is_u32(raw.get("performance"))
        and is_u32(raw.get("unit"))
        and is_version(raw.get("version"))
        and is_minor(raw.get("price"))
        and is_name(raw.get("tier"))
        and is_name(raw.get("type"))
        and is_name(raw.get("rule"))
        and isinstance(code, str)
        and len(code) <= 1_024
        and ("pool" not in raw or is_name(pool))
    ):
        return None
    why = _NO_REASONS if len(raw) <= _PLAIN_KEYS_MAX else _reasons_from_json(raw)
    if why is None:
        return None
    return SaleLine(
        TicketId(raw["ticket"]),
        raw["performance"],
        raw["unit"],
        raw["version"],
        allotment,
        raw["tier"],
        raw["type"],
        raw["price"],
        raw["rule"],
        code,
        pool,
        *why,
    )


_PLAIN_KEYS_MAX = 10
"""A line with no more keys than these says nothing of rules: most lines by far."""
_Reasons = tuple[int, int, str, int, str]
_NO_REASONS: _Reasons = (0, 0, "", 0, "")


def _reasons_from_json(raw: dict[str, Any]) -> _Reasons | None:
    """List price, package, discount, what it took off, and who let it be."""
    list_minor, off_minor = raw.get("list", 0), raw.get("off", 0)
    package = raw.get("package", 0)
    discount, approved_by = raw.get("discount", ""), raw.get("approved_by", "")
    if not (
        is_minor(list_minor)
        and is_minor(off_minor)
        and is_count(package)
        and ("discount" not in raw or is_name(discount))
        and ("approved_by" not in raw or is_name(approved_by))
    ):
        return None
    return list_minor, package, discount, off_minor, approved_by

"""The bodies of journal operations: JSON texts that nodes write and the server reads.

Decoders are total: a body gives its value, or None when any rule is broken. Encoders sort keys,
so that one value always has one text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ticketing.ids import (
    U8_MAX,
    AllotmentId,
    KeyId,
    OpId,
    OrderId,
    TicketId,
    is_currency,
    is_key_id,
    is_op_id,
    is_order_id,
    is_ticket_id,
    is_u32,
)

LINES_MAX = 100
MINOR_MAX = 10**12
_MS_MAX = 2**53
UNITS_MAX = 2_000
_NAME = re.compile("[^\0-\x1f\x7f\ud800-\udfff]{1,64}")


@dataclass(frozen=True, slots=True)
class SaleLine:
    """One ticket sold: which unit of which allotment, at what price by which rule."""

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


@dataclass(frozen=True, slots=True)
class CashLeg:
    """Cash taken: `amount_minor` pays the order, the rest of `tendered_minor` went back."""

    amount_minor: int
    tendered_minor: int


@dataclass(frozen=True, slots=True)
class Sale:
    """An order paid at a till. Its lines' prices and its tender legs add up to the same total."""

    order_id: OrderId
    receipt_no: str
    sold_by: str
    currency: str
    price_list_version: int
    total_minor: int
    lines: tuple[SaleLine, ...]
    cash: CashLeg


@dataclass(frozen=True, slots=True)
class Release:
    """Units of one allotment given back unsold."""

    performance: int
    allotment: AllotmentId
    units: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Print:
    """An order's tickets came out of the printer, as copy 1, 2..."""

    order_id: OrderId
    copy: int


@dataclass(frozen=True, slots=True)
class EntryGranted:
    """A lane let a ticket in. `offline`: decided without the arbiter's answer."""

    ticket_id: TicketId
    performance: int
    unit: int
    version: int
    key_id: KeyId
    allotment: AllotmentId
    lane: str
    at_ms: int
    offline: bool


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A person opened (or locked) a till with a PIN."""

    person_id: str


def encode_sale(sale: Sale) -> str:
    """A sale as its body text."""
    return _text(
        {
            "order": sale.order_id,
            "receipt": sale.receipt_no,
            "sold_by": sale.sold_by,
            "currency": sale.currency,
            "price_list": sale.price_list_version,
            "total": sale.total_minor,
            "cash": {"amount": sale.cash.amount_minor, "tendered": sale.cash.tendered_minor},
            "lines": [_line_to_json(line) for line in sale.lines],
        }
    )


def decode_sale(body: str) -> Sale | None:
    """The sale, or None when any rule is broken, also when it does not add up."""
    raw = _object(body)
    cash = raw.get("cash")
    lines_raw = raw.get("lines")
    if not isinstance(cash, dict) or not isinstance(lines_raw, list):
        return None
    lines = [_line_from_json(line) for line in lines_raw]
    numbers = (raw.get("total"), cash.get("amount"), cash.get("tendered"))
    if not (
        is_order_id(raw.get("order"))
        and is_name(raw.get("receipt"))
        and is_name(raw.get("sold_by"))
        and is_currency(raw.get("currency"))
        and _is_count(raw.get("price_list"))
        and all(_is_minor(number) for number in numbers)
        and 1 <= len(lines) <= LINES_MAX
    ):
        return None
    sound = tuple(line for line in lines if line is not None)
    sale = Sale(
        OrderId(raw["order"]),
        raw["receipt"],
        raw["sold_by"],
        raw["currency"],
        raw["price_list"],
        raw["total"],
        sound,
        CashLeg(cash["amount"], cash["tendered"]),
    )
    return sale if len(sound) == len(lines) and adds_up(sale) else None


def adds_up(sale: Sale) -> bool:
    """Lines = total = tender legs, cash covers its leg, and no unit or ticket comes twice."""
    units = {(line.performance, line.unit) for line in sale.lines}
    tickets = {line.ticket_id for line in sale.lines}
    return (
        sum(line.price_minor for line in sale.lines) == sale.total_minor == sale.cash.amount_minor
        and sale.cash.tendered_minor >= sale.cash.amount_minor
        and len(units) == len(tickets) == len(sale.lines)
    )


def encode_release(release: Release) -> str:
    """A release as its body text."""
    return _text(
        {
            "performance": release.performance,
            "allotment": str(release.allotment),
            "units": list(release.units),
        }
    )


def decode_release(body: str) -> Release | None:
    """The release, or None; a unit named twice and more than UNITS_MAX are refused."""
    raw = _object(body)
    allotment, units = AllotmentId.parse(raw.get("allotment")), raw.get("units")
    if allotment is None or not is_u32(raw.get("performance")) or not isinstance(units, list):
        return None
    if not 1 <= len(units) <= UNITS_MAX or not all(map(is_u32, units)):
        return None
    if len(set(units)) != len(units):
        return None
    return Release(raw["performance"], allotment, tuple(units))


def encode_print(printed: Print) -> str:
    """A print as its body text."""
    return _text({"order": printed.order_id, "copy": printed.copy})


def decode_print(body: str) -> Print | None:
    """The print, or None."""
    raw = _object(body)
    if not is_order_id(raw.get("order")) or not is_u32(raw.get("copy")):
        return None
    return Print(OrderId(raw["order"]), raw["copy"])


def encode_entry(entry: EntryGranted) -> str:
    """An entry as its body text."""
    return _text(
        {
            "phase": "granted",
            "ticket": entry.ticket_id,
            "performance": entry.performance,
            "unit": entry.unit,
            "version": entry.version,
            "key": entry.key_id,
            "allotment": str(entry.allotment),
            "lane": entry.lane,
            "at_ms": entry.at_ms,
            "offline": entry.offline,
        }
    )


def decode_entry(body: str) -> EntryGranted | None:
    """The entry, or None."""
    raw = _object(body)
    allotment = AllotmentId.parse(raw.get("allotment"))
    if not (
        raw.get("phase") == "granted"
        and allotment is not None
        and is_ticket_id(raw.get("ticket"))
        and is_u32(raw.get("performance"))
        and is_u32(raw.get("unit"))
        and _is_version(raw.get("version"))
        and is_key_id(raw.get("key"))
        and is_name(raw.get("lane"))
        and _is_instant(raw.get("at_ms"))
        and isinstance(raw.get("offline"), bool)
    ):
        return None
    return EntryGranted(
        TicketId(raw["ticket"]),
        raw["performance"],
        raw["unit"],
        raw["version"],
        KeyId(raw["key"]),
        allotment,
        raw["lane"],
        raw["at_ms"],
        raw["offline"],
    )


def encode_signed_in(signed: SignedIn) -> str:
    """A sign-in or sign-out as its body text."""
    return _text({"person": signed.person_id})


def decode_signed_in(body: str) -> SignedIn | None:
    """The sign-in, or None."""
    raw = _object(body)
    return SignedIn(raw["person"]) if is_name(raw.get("person")) else None


def is_seen_list(value: object, most: int) -> bool:
    """A list of at most `most` operation ids."""
    return isinstance(value, list) and len(value) <= most and all(map(is_op_id, value))


def op_ids(value: list[str]) -> tuple[OpId, ...]:
    """Operation ids of a list that has been checked."""
    return tuple(OpId(text) for text in value)


def is_name(value: object) -> bool:
    """1 to 64 characters of one line: what receipts, rules, lanes and people are called."""
    return isinstance(value, str) and _NAME.fullmatch(value) is not None


def _line_to_json(line: SaleLine) -> dict[str, object]:
    return {
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


def _line_from_json(raw: object) -> SaleLine | None:
    if not isinstance(raw, dict):
        return None
    allotment = AllotmentId.parse(raw.get("allotment"))
    code = raw.get("code")
    if not (
        allotment is not None
        and is_ticket_id(raw.get("ticket"))
        and is_u32(raw.get("performance"))
        and is_u32(raw.get("unit"))
        and _is_version(raw.get("version"))
        and _is_minor(raw.get("price"))
        and all(is_name(raw.get(key)) for key in ("tier", "type", "rule"))
        and isinstance(code, str)
        and len(code) <= 1_024
    ):
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
    )


def _text(value: Mapping[str, object]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def _object(body: str) -> dict[str, Any]:
    try:
        raw = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return raw if isinstance(raw, dict) else {}


def _is_minor(value: object) -> bool:
    return type(value) is int and 0 <= value <= MINOR_MAX


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value < 2**31


def _is_version(value: object) -> bool:
    return type(value) is int and 0 <= value <= U8_MAX


def _is_instant(value: object) -> bool:
    return type(value) is int and 0 <= value < _MS_MAX

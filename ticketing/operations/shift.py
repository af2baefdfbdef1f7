"""What a cashier does with the drawer of a till: operations of the house journal."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ticketing.ids import OrderId, is_currency, is_order_id, is_u32
from ticketing.operations.fields import (
    MINOR_MAX,
    is_count,
    is_minor,
    is_name,
    is_signed_minor,
    to_object,
    to_text,
)
from ticketing.operations.shift_report import ShiftReport, report_from_json, report_to_json

DENOMINATIONS_MAX = 40
COUNTS_KEPT_MAX = 8

CashCount = tuple[tuple[int, int], ...]
"""Cash counted: (denomination in minor units, pieces), the largest first, no line without any."""


class CashAction(StrEnum):
    """Why cash comes or goes without a sale. Stored and sent, never renamed."""

    PAY_IN = "pay_in"
    PAY_OUT = "pay_out"
    SAFE_DROP = "safe_drop"  # out of the drawer and into the safe


@dataclass(frozen=True, slots=True)
class ShiftOpened:
    """A shift begins with a counted float.

    `carried_minor` is what the last shift of this till left in the drawer by its own count: the
    rest of the float came from the safe, or went there.
    """

    shift_id: OrderId
    by: str
    currency: str
    count: CashCount
    carried_minor: int = 0

    @property
    def float_minor(self) -> int:
        """What was in the drawer."""
        return count_minor(self.count)


@dataclass(frozen=True, slots=True)
class CashMoved:
    """Cash came or went without a sale. `reason` is a code or a person's words."""

    shift_id: OrderId
    action: CashAction
    amount_minor: int
    currency: str
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class DrawerOpened:
    """The drawer was opened without a sale."""

    shift_id: OrderId
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class ShiftClosed:
    """A shift ends: the Z report. `counts` are blind counts in their order, the last one holds.

    `threshold_minor` is the difference up to which nobody need approve; above it `approver` did,
    for a `reason`.
    """

    z_number: int
    by: str
    counts: tuple[CashCount, ...]
    threshold_minor: int
    report: ShiftReport
    approver: str = ""
    reason: str = ""

    @property
    def counted_minor(self) -> int:
        """What was in the drawer by the last count."""
        return count_minor(self.counts[-1])

    @property
    def difference_minor(self) -> int:
        """Over (above zero) or short (below)."""
        return self.counted_minor - self.report.expected_minor


def count_minor(count: CashCount) -> int:
    """The sum of a count."""
    return sum(denomination * pieces for denomination, pieces in count)


def cash_count(pieces: Iterable[tuple[int, int]]) -> CashCount:
    """A count from pieces by denomination: the largest first, empty lines left out."""
    return tuple(sorted(((each, n) for each, n in pieces if n), reverse=True))


def encode_shift_opened(opened: ShiftOpened) -> str:
    """An opening as its body text."""
    body: dict[str, object] = {
        "shift": opened.shift_id,
        "by": opened.by,
        "currency": opened.currency,
        "count": count_to_json(opened.count),
    }
    return to_text(body | {"carried": opened.carried_minor} if opened.carried_minor else body)


def decode_shift_opened(body: str) -> ShiftOpened | None:
    """The opening, or None."""
    raw = to_object(body)
    count, carried = count_from_json(raw.get("count")), raw.get("carried", 0)
    if count is None or not (
        is_order_id(raw.get("shift"))
        and is_name(raw.get("by"))
        and is_currency(raw.get("currency"))
        and is_minor(carried)
    ):
        return None
    return ShiftOpened(OrderId(raw["shift"]), raw["by"], raw["currency"], count, carried)


def encode_cash_moved(moved: CashMoved) -> str:
    """A movement as its body text."""
    return to_text(
        {
            "shift": moved.shift_id,
            "action": moved.action,
            "amount": moved.amount_minor,
            "currency": moved.currency,
            "by": moved.by,
            "reason": moved.reason,
        }
    )


def decode_cash_moved(body: str) -> CashMoved | None:
    """The movement, or None; one of nothing is refused."""
    raw = to_object(body)
    if not (
        is_order_id(raw.get("shift"))
        and raw.get("action") in tuple(CashAction)
        and is_minor(raw.get("amount"))
        and raw["amount"] > 0
        and is_currency(raw.get("currency"))
        and is_name(raw.get("by"))
        and is_name(raw.get("reason"))
    ):
        return None
    return CashMoved(
        OrderId(raw["shift"]),
        CashAction(raw["action"]),
        raw["amount"],
        raw["currency"],
        raw["by"],
        raw["reason"],
    )


def encode_drawer_opened(opened: DrawerOpened) -> str:
    """An opening of the drawer as its body text."""
    return to_text({"shift": opened.shift_id, "by": opened.by, "reason": opened.reason})


def decode_drawer_opened(body: str) -> DrawerOpened | None:
    """The opening of the drawer, or None."""
    raw = to_object(body)
    if not (
        is_order_id(raw.get("shift")) and is_name(raw.get("by")) and is_name(raw.get("reason"))
    ):
        return None
    return DrawerOpened(OrderId(raw["shift"]), raw["by"], raw["reason"])


def encode_shift_closed(closed: ShiftClosed) -> str:
    """A Z report as its body text."""
    body: dict[str, object] = {
        "z": closed.z_number,
        "by": closed.by,
        "counts": [count_to_json(count) for count in closed.counts],
        "difference": closed.difference_minor,
        "threshold": closed.threshold_minor,
        "report": report_to_json(closed.report),
    }
    if closed.approver:
        body |= {"approver": closed.approver, "reason": closed.reason}
    return to_text(body)


def decode_shift_closed(body: str) -> ShiftClosed | None:
    """The Z report, or None when any rule is broken, also when it does not add up."""
    raw = to_object(body)
    counts, report = _counts(raw.get("counts")), report_from_json(raw.get("report"))
    if counts is None or report is None:
        return None
    if not (
        is_u32(raw.get("z"))
        and is_name(raw.get("by"))
        and is_signed_minor(raw.get("difference"))
        and is_minor(raw.get("threshold"))
        and ("approver" in raw) == ("reason" in raw)
        and ("approver" not in raw or (is_name(raw["approver"]) and is_name(raw["reason"])))
    ):
        return None
    closed = ShiftClosed(
        raw["z"],
        raw["by"],
        counts,
        raw["threshold"],
        report,
        raw.get("approver", ""),
        raw.get("reason", ""),
    )
    return closed if closed.difference_minor == raw["difference"] else None


def count_to_json(count: CashCount) -> list[list[int]]:
    """A count as it stands in a body."""
    return [list(line) for line in count]


def count_from_json(raw: object) -> CashCount | None:
    """A count; None when it is none. An empty drawer is a count too."""
    if not isinstance(raw, list) or len(raw) > DENOMINATIONS_MAX:
        return None
    if not all(map(_is_line, raw)):
        return None
    count = tuple((line[0], line[1]) for line in raw)
    denominations = [denomination for denomination, _pieces in count]
    ordered = sorted(set(denominations), reverse=True) == denominations
    return count if ordered and count_minor(count) <= MINOR_MAX else None


def _is_line(raw: Any) -> bool:
    return (
        isinstance(raw, list)
        and len(raw) == 2
        and all(map(is_count, raw))
        and min(raw[0], raw[1]) > 0
    )


def _counts(raw: object) -> tuple[CashCount, ...] | None:
    if not isinstance(raw, list) or not 1 <= len(raw) <= COUNTS_KEPT_MAX:
        return None
    counts = tuple(count for count in map(count_from_json, raw) if count is not None)
    return counts if len(counts) == len(raw) else None

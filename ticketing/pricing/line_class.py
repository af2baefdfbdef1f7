"""Lines that no rule can tell apart, and what one of them costs alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ticketing.pricing.rules import AmountOff, PercentOff, Rate, Rounding, reduced

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ticketing.pricing.price_list import PriceList
    from ticketing.pricing.wanted import Context, Wanted


@dataclass(frozen=True, slots=True)
class LineClass:
    """Equal lines by their positions in the basket, in its order.

    `alone_minor` is the lowest price by a rule that needs no share and no other line, and
    `alone_rule` that rule. `off` is what is taken off by hand, after the rule.
    """

    performance: int
    tier_id: str
    ticket_type_id: str
    allotment: str
    off: PercentOff | AmountOff | None
    list_minor: int
    alone_minor: int
    alone_rule: str
    pooled: tuple[Rate, ...]
    members: tuple[int, ...]

    def paid(self, rule_minor: int, rounding: Rounding) -> int:
        """What is paid of a rule's price."""
        return reduced(rule_minor, self.off, rounding) if self.off is not None else rule_minor


@dataclass(slots=True)
class _Kind:
    """What lines of one performance, tier and type have in common."""

    list_minor: int
    alone_minor: int
    alone_rule: str
    pooled: tuple[Rate, ...]


_OffKey = tuple[int, int]
_ClassKey = tuple[int, str, str, _OffKey, str]


def line_classes(
    price_list: PriceList,
    lines: Iterable[tuple[int, Wanted, PercentOff | AmountOff | None]],
    context: Context,
) -> list[LineClass]:
    """Group lines (with their positions) that are sold; sorted, so that no order shows in it."""
    kinds: dict[tuple[int, str, str], _Kind] = {}
    members: dict[_ClassKey, list[int]] = {}
    offs: dict[_OffKey, PercentOff | AmountOff | None] = {}
    for at, line, off in lines:
        which = (line.performance, line.tier_id, line.ticket_type_id)
        kind = kinds.get(which)
        if kind is None:
            kind = kinds[which] = _kind(price_list, which, context)
        has_share = any(context.shares.get((line.allotment, rate.pool)) for rate in kind.pooled)
        off_key = _off_key(off)
        offs[off_key] = off
        key = (*which, off_key, line.allotment if has_share else "")
        members.setdefault(key, []).append(at)
    return [_line_class(kinds[key[:3]], key, offs[key[3]], members[key]) for key in sorted(members)]


def _kind(price_list: PriceList, which: tuple[int, str, str], context: Context) -> _Kind:
    alone = price_list.best_unlimited(*which, context.now)
    list_minor = price_list.list_minor(*which)
    assert alone is not None, "the line is sold"
    assert list_minor is not None, "the line is sold"
    pooled = tuple(rate for rate in price_list.rates_for(*which, context.now) if rate.pool)
    return _Kind(list_minor, *alone, pooled)


def _line_class(
    kind: _Kind, key: _ClassKey, off: PercentOff | AmountOff | None, members: list[int]
) -> LineClass:
    performance, tier_id, ticket_type_id, _off, allotment = key
    return LineClass(
        performance,
        tier_id,
        ticket_type_id,
        allotment,
        off,
        kind.list_minor,
        kind.alone_minor,
        kind.alone_rule,
        kind.pooled,
        tuple(members),
    )


def _off_key(off: PercentOff | AmountOff | None) -> _OffKey:
    match off:
        case PercentOff(hundredths):
            return hundredths, 0
        case AmountOff(minor):
            return 0, minor
        case None:
            return 0, 0

"""What a person gives by hand: house tickets within their quota, discounts within a role's cap."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ticketing.pricing.quoted import ApprovalNeeded, Refusal, Refused
from ticketing.pricing.rules import AmountOff, HouseRate, PercentOff
from ticketing.pricing.wanted import AsHouse, Discounted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ticketing.pricing.price_list import PriceList
    from ticketing.pricing.rules import Role
    from ticketing.pricing.wanted import Approval, Context, Wanted


@dataclass(frozen=True, slots=True)
class Given:
    """What was let be for a line, and by whom: a house rate, or something off."""

    approved_by: str
    reason_id: str = ""
    house: HouseRate | None = None
    off: PercentOff | AmountOff | None = None


@dataclass(slots=True)
class ByHand:
    """What was let be, by line key; and what was not."""

    given: dict[str, Given] = field(default_factory=dict)
    refused: list[Refused] = field(default_factory=list)
    approvals: list[ApprovalNeeded] = field(default_factory=list)


Listed = tuple["Wanted", int]
"""A line with its list price."""


def decide_by_hand(price_list: PriceList, listed: Iterable[Listed], context: Context) -> ByHand:
    """Decide everything that is asked for by hand. Total.

    Where a quota does not do for all, the dearest tickets come first, so that the total does not
    depend on the order of the lines; equal ones in their order.
    """
    asked = [(line, minor) for line, minor in listed if line.by_hand is not None]
    asked.sort(key=_turn)
    result, spent = ByHand(), dict[tuple[str, str], int]()
    for line, list_minor in asked:
        match line.by_hand:
            case AsHouse() as wish:
                _decide_house(price_list, line, wish, context, spent, result)
            case Discounted() as wish:
                _decide_discount(price_list, line, list_minor, wish, context, result)
    return result


def _turn(listed: Listed) -> tuple[int, int, str, str, str]:
    line, list_minor = listed
    reason_id = line.by_hand.reason_id if line.by_hand is not None else ""
    return -list_minor, line.performance, line.tier_id, line.ticket_type_id, reason_id


def _decide_house(
    price_list: PriceList,
    line: Wanted,
    wish: AsHouse,
    context: Context,
    spent: dict[tuple[str, str], int],
    result: ByHand,
) -> None:
    rate = price_list.rules.house_rate(wish.reason_id)
    if rate is None:
        result.refused.append(Refused(line.key, Refusal.UNKNOWN_REASON, wish.reason_id))
        return
    if not rate.where.covers(line.performance, line.tier_id, line.ticket_type_id):
        result.refused.append(Refused(line.key, Refusal.NOT_FOR_THIS_TICKET, rate.id))
        return
    share = (line.allotment, rate.pool)
    if spent.get(share, 0) >= context.shares.get(share, 0):
        result.refused.append(Refused(line.key, Refusal.QUOTA_SPENT, rate.id))
        return
    approver = _approver(rate.approver, wish.approval, context)
    if approver is None:
        result.approvals.append(ApprovalNeeded(line.key, rate.id, rate.approver))
        return
    spent[share] = spent.get(share, 0) + 1
    result.given[line.key] = Given(approver, rate.id, house=rate)


def _decide_discount(
    price_list: PriceList,
    line: Wanted,
    list_minor: int,
    wish: Discounted,
    context: Context,
    result: ByHand,
) -> None:
    reason = price_list.rules.discount(wish.reason_id)
    if reason is None:
        result.refused.append(Refused(line.key, Refusal.UNKNOWN_REASON, wish.reason_id))
        return
    role = reason.role_for(list_minor, wish.off)
    if role is None:
        result.refused.append(Refused(line.key, Refusal.OVER_EVERY_CAP, reason.id))
        return
    approver = _approver(role, wish.approval, context)
    if approver is None:
        result.approvals.append(ApprovalNeeded(line.key, reason.id, role))
        return
    result.given[line.key] = Given(approver, reason.id, off=wish.off)


def _approver(needed: Role, approval: Approval | None, context: Context) -> str | None:
    """Who lets it be: the seller, where the role is enough; else a second person of that role."""
    if context.role.covers(needed):
        return context.person_id
    if approval is not None and approval.role.covers(needed):
        return approval.person_id if approval.person_id != context.person_id else None
    return None

"""By which tenders money goes back: by those it came by, the newest first, never more by one.

Money that came with an order is a list of funds, the newest first. Each payment back takes from
its front. Where a house does not let money go back by a tender, its part goes back in cash.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from ticketing.ids import OrderId
from ticketing.operations import CASH, Exchange, HandLeg, Refund, Sale

EXCHANGED_MAX: Final = 20
"""Exchanges of exchanges that are followed back."""


@dataclass(frozen=True, slots=True)
class Fund:
    """What is left of one payment. `reference` is the number it was recorded under."""

    tender: str
    amount_minor: int
    reference: str = ""


Funds = tuple[Fund, ...]


@dataclass(frozen=True, slots=True)
class WayBack:
    """How an amount goes back: by hand-recorded tenders, and the rest in cash, before rounding."""

    legs: tuple[HandLeg, ...] = ()
    cash_minor: int = 0


def funds_of(order: Sale | Exchange, credited: Funds = ()) -> Funds:
    """What came with an order, the newest first; `credited` is what an exchange was paid from.

    Cash counts as what it paid, not as what coins made of it. Legs that an exchange paid out are
    none of its funds.
    """
    legs = order.legs if isinstance(order, Sale) or order.paid_minor > 0 else ()
    paid = order.total_minor if isinstance(order, Sale) else max(0, order.paid_minor)
    cash = paid - sum(leg.amount_minor for leg in legs)
    came = [Fund(leg.tender, leg.amount_minor, leg.reference) for leg in legs]
    newest_last = [*came, Fund(CASH, cash)]
    return (*(each for each in reversed(newest_last) if each.amount_minor), *credited)


def spend(funds: Funds, amount_minor: int) -> tuple[Funds, Funds]:
    """What `amount_minor` takes of the funds, from the front, and what they are then."""
    taken: list[Fund] = []
    left: list[Fund] = []
    for fund in funds:
        part = min(fund.amount_minor, amount_minor)
        amount_minor -= part
        if part:
            taken.append(replace(fund, amount_minor=part))
        if part < fund.amount_minor:
            left.append(replace(fund, amount_minor=fund.amount_minor - part))
    return tuple(taken), tuple(left)


def way_back(funds: Funds, amount_minor: int, refundable: Collection[str]) -> WayBack:
    """By which tenders an amount goes back; what the funds do not cover goes back in cash."""
    taken, _left = spend(funds, amount_minor)
    by_hand: dict[tuple[str, str], int] = {}
    for fund in taken:
        if fund.tender != CASH and fund.tender in refundable:
            key = (fund.tender, fund.reference)
            by_hand[key] = by_hand.get(key, 0) + fund.amount_minor
    legs = tuple(HandLeg(tender, amount, said) for (tender, said), amount in by_hand.items())
    return WayBack(legs, amount_minor - sum(leg.amount_minor for leg in legs))


def without(funds: Funds, legs: Iterable[HandLeg], cash_minor: int) -> Funds:
    """The funds after a payment back as it was recorded.

    Each leg takes from its own tender, by its reference first; cash takes from cash first and then,
    for tenders that do not take money back, from the front.
    """
    for leg in legs:
        same = [
            each for each in funds if (each.tender, each.reference) == (leg.tender, leg.reference)
        ]
        alike = [each for each in funds if each.tender == leg.tender and each not in same]
        funds = _drain(funds, (*same, *alike), leg.amount_minor)
    cash = [each for each in funds if each.tender == CASH]
    others = [each for each in funds if each.tender != CASH]
    return _drain(funds, (*cash, *others), cash_minor)


def after(funds: Funds, operation: Refund | Exchange) -> tuple[Funds, Funds]:
    """What a refund of the order, or an exchange of its tickets, leaves of its funds.

    Second: what goes over to the exchange's new order.
    """
    if isinstance(operation, Refund):
        return without(funds, operation.legs, operation.cash_minor + operation.rounding_minor), ()
    out = max(0, -operation.paid_minor)
    if out:
        cash = out - sum(leg.amount_minor for leg in operation.legs)
        funds = without(funds, operation.legs, cash)
    moved, left = spend(funds, max(0, operation.credit_minor - out))
    return left, moved


def funds_left(
    order: Sale | Exchange,
    find: Callable[[OrderId], Sale | Exchange | None],
    later: Callable[[OrderId], Iterable[Refund | Exchange]],
) -> Funds:
    """What is left of the money that came with an order, the newest first.

    `find` knows the orders that were exchanged for it, `later` what was done with an order's
    tickets, the oldest first. What came before EXCHANGED_MAX exchanges is not told.
    """
    return _left(order, find, later, "", EXCHANGED_MAX)[0]


def _left(
    order: Sale | Exchange,
    find: Callable[[OrderId], Sale | Exchange | None],
    later: Callable[[OrderId], Iterable[Refund | Exchange]],
    until_order: str,
    depth: int,
) -> tuple[Funds, Funds]:
    """The order's funds, and what moved over to `until_order` when it was made of this one."""
    credited: Funds = ()
    before = find(order.of_order) if isinstance(order, Exchange) and depth > 0 else None
    if before is not None:
        credited = _left(before, find, later, order.order_id, depth - 1)[1]
    left = funds_of(order, credited)
    for operation in later(order.order_id):
        left, moved = after(left, operation)
        if isinstance(operation, Exchange) and operation.order_id == until_order:
            return left, moved
    return left, ()


def overdrawn(funds: Funds, operation: Refund | Exchange) -> tuple[tuple[str, int, int], ...]:
    """(tender, what goes back, what was left of it), where more goes back by one than ever came in.

    Cash stands in for tenders that take nothing back, so of it all that is left counts.
    """
    paid_in = isinstance(operation, Exchange) and operation.paid_minor >= 0
    back: dict[str, int] = {}
    for leg in () if paid_in else operation.legs:
        back[leg.tender] = back.get(leg.tender, 0) + leg.amount_minor
    came = {name: sum(each.amount_minor for each in funds if each.tender == name) for name in back}
    found = [(name, much, came[name]) for name, much in back.items() if much > came[name]]
    cash = _cash_back(operation)
    rest = sum(each.amount_minor for each in funds) - sum(min(back[n], came[n]) for n in back)
    return (*found, *(((CASH, cash, rest),) if cash > rest else ()))


def _cash_back(operation: Refund | Exchange) -> int:
    """What goes back in cash, before coins are counted."""
    if isinstance(operation, Refund):
        return operation.cash_minor + operation.rounding_minor
    out = max(0, -operation.paid_minor)
    return out - sum(leg.amount_minor for leg in operation.legs) if out else 0


def _drain(funds: Funds, order: Sequence[Fund], amount_minor: int) -> Funds:
    """Take an amount from the funds in `order`, which are some of them; the others stay."""
    left = {id(each): each.amount_minor for each in funds}
    for fund in order:
        part = min(left[id(fund)], amount_minor)
        left[id(fund)] -= part
        amount_minor -= part
    kept = (replace(each, amount_minor=left[id(each)]) for each in funds)
    return tuple(each for each in kept if each.amount_minor)

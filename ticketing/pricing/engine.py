"""Pricing a basket: what each line costs, by which rule, and how that came about.

One rule makes a line's price: the list, a rate, a package or a house rate; rules are not added up.
What a person takes off by hand comes on top. Of all ways to spread rates and packages over the
basket the one with the lowest total is chosen, whatever order the lines are in.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ticketing.pricing.by_hand import ByHand, Given, decide_by_hand
from ticketing.pricing.line_class import line_classes
from ticketing.pricing.package_price import split_price
from ticketing.pricing.packing import best_packing
from ticketing.pricing.patterns import Offer, offers_for
from ticketing.pricing.quoted import (
    FoundPackage,
    PricedLine,
    Quote,
    Refusal,
    Refused,
    Step,
    StepKind,
)
from ticketing.pricing.rules import LIST_RULE, Package, reduced
from ticketing.pricing.wanted import EXACT_LINES_MAX, LINES_MAX

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ticketing.pricing.price_list import PriceList
    from ticketing.pricing.wanted import Context, Wanted

SEARCH_STEPS_MAX = 4_000
"""How far the search for the best packages goes: a few milliseconds."""


def quote(price_list: PriceList, lines: Sequence[Wanted], context: Context) -> Quote:
    """Price a basket. Total for up to LINES_MAX lines with different keys; ValueError otherwise.

    The total does not depend on the order of the lines; only equal lines change places with it.
    Up to EXACT_LINES_MAX lines nothing is cheaper, unless the quote says that it is not `exact`.
    """
    if len(lines) > LINES_MAX:
        raise ValueError(f"{len(lines)} lines are more than a sale can have")
    if len({line.key for line in lines}) != len(lines):
        raise ValueError("two lines have the same key")
    unsold = [
        Refused(line.key, Refusal.NOT_SOLD)
        for line in lines
        if _list_minor(price_list, line) is None
    ]
    listed = [
        _Listed(at, line, minor)
        for at, line in enumerate(lines)
        if (minor := _list_minor(price_list, line)) is not None
    ]
    by_hand = decide_by_hand(price_list, [(one.line, one.list_minor) for one in listed], context)
    pricing = _Pricing(price_list, by_hand, {one.at: one for one in listed})
    pricing.price_house_lines()
    exact = pricing.price_others(context)
    priced = tuple(line for _at, line in sorted(pricing.priced.items()))
    total_minor = sum(line.price_minor for line in priced)
    place = {line.key: at for at, line in enumerate(lines)}
    return Quote(
        version=price_list.version,
        lines=priced,
        packages=tuple(pricing.packages),
        refused=tuple(sorted([*unsold, *by_hand.refused], key=lambda each: place[each.key])),
        approvals=tuple(sorted(by_hand.approvals, key=lambda each: place[each.key])),
        total_minor=total_minor,
        list_minor=sum(line.list_minor for line in priced),
        cash_minor=price_list.rules.rounding.cash(total_minor),
        exact=exact,
    )


def _list_minor(price_list: PriceList, line: Wanted) -> int | None:
    return price_list.list_minor(line.performance, line.tier_id, line.ticket_type_id)


@dataclass(frozen=True, slots=True)
class _Listed:
    """A line that is sold: its position in the basket, and its list price."""

    at: int
    line: Wanted
    list_minor: int


@dataclass(frozen=True, slots=True)
class _Rule:
    """What made a price, before anything is taken off by hand."""

    kind: StepKind
    rule_id: str
    minor: int
    pool: str = ""
    package_number: int = 0


_NOTHING = Given("")


@dataclass(slots=True)
class _Pricing:
    """A basket half priced; lines by their positions."""

    price_list: PriceList
    by_hand: ByHand
    listed: dict[int, _Listed]
    priced: dict[int, PricedLine] = field(default_factory=dict)
    packages: list[FoundPackage] = field(default_factory=list)

    def price_house_lines(self) -> None:
        """Price what is given as house tickets."""
        for at, one in self.listed.items():
            house = self._given(one).house
            if house is not None:
                price = min(one.list_minor, house.price_minor)
                self._price(at, _Rule(StepKind.HOUSE, house.id, price, house.pool))

    def price_others(self, context: Context) -> bool:
        """Price the rest as low as the rules allow; whether nothing can be lower."""
        rest = [
            (at, one.line, self._given(one).off)
            for at, one in self.listed.items()
            if at not in self.priced
        ]
        classes = line_classes(self.price_list, rest, context)
        found = offers_for(self.price_list, classes, context)
        steps_max = SEARCH_STEPS_MAX if len(rest) <= EXACT_LINES_MAX else 0
        packing = best_packing(found.counts, found.patterns, steps_max)
        waiting = [list(reversed(each.members)) for each in classes]
        for offer, often in zip(found.offers, packing.times, strict=True):
            for _each in range(often):
                self._price_offer(offer, [waiting[each].pop() for each in offer.classes])
        for each, left in zip(classes, waiting, strict=True):
            for at in left:
                self._price(at, _Rule(StepKind.RATE, each.alone_rule, each.alone_minor))
        return packing.exact and found.complete

    def _price_offer(self, offer: Offer, places: list[int]) -> None:
        """Price the lines that make a package, or the one that takes a share of a pool."""
        rule = offer.rule
        if not isinstance(rule, Package):
            self._price(places[0], _Rule(StepKind.RATE, rule.id, offer.price_minor, rule.pool))
            return
        lists = [self.listed[at].list_minor for at in places]
        keys = tuple(self.listed[at].line.key for at in sorted(places))
        number = len(self.packages) + 1
        self.packages.append(FoundPackage(number, rule.id, keys, sum(lists), offer.price_minor))
        parts = split_price(offer.price_minor, lists, self.price_list.rules.rounding)
        for at, part in zip(places, parts, strict=True):
            self._price(at, _Rule(StepKind.PACKAGE, rule.id, part, package_number=number))

    def _given(self, one: _Listed) -> Given:
        return self.by_hand.given.get(one.line.key, _NOTHING)

    def _price(self, at: int, rule: _Rule) -> None:
        one = self.listed[at]
        given = self._given(one)
        price = rule.minor
        steps = [Step(StepKind.LIST, LIST_RULE, one.list_minor)]
        if rule.rule_id != LIST_RULE:
            steps.append(Step(rule.kind, rule.rule_id, rule.minor - one.list_minor))
        if given.off is not None:
            price = reduced(rule.minor, given.off, self.price_list.rules.rounding)
            steps.append(Step(StepKind.DISCOUNT, given.reason_id, price - rule.minor))
        self.priced[at] = PricedLine(
            key=one.line.key,
            list_minor=one.list_minor,
            price_minor=price,
            rule_id=rule.rule_id,
            pool=rule.pool,
            package_number=rule.package_number,
            discount_id=given.reason_id if given.off is not None else "",
            discount_minor=rule.minor - price,
            approved_by=given.approved_by,
            steps=tuple(steps),
        )

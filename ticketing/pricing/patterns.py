"""Every way in which lines of a basket make a package or pay a pooled rate, as patterns to pack.

The resources are the line classes, and behind them the shares of pools. How much a pattern saves is
counted at the end of all rules, with what is taken off by hand: so the packing that saves most is
the basket that costs least.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ticketing.pricing.package_price import package_price, split_price
from ticketing.pricing.packing import Pattern
from ticketing.pricing.rules import Over, Package, PackageTickets, Rate, reduced

if TYPE_CHECKING:
    from ticketing.pricing.line_class import LineClass
    from ticketing.pricing.price_list import PriceList
    from ticketing.pricing.wanted import Context

PATTERNS_MAX = 300
_STEPS_MAX = 3_000  # of looking for them, over all packages


@dataclass(frozen=True, slots=True)
class Offer:
    """What a pattern is: a pooled rate for one line of a class, or a package of these classes.

    `classes` has the class of each ticket, ascending; `price_minor` is what they cost together by
    the rule, before anything is taken off by hand.
    """

    rule: Rate | Package
    classes: tuple[int, ...]
    price_minor: int


@dataclass(slots=True)
class Offers:
    """Resources and patterns; `offers[i]` is what `patterns[i]` means. `complete`: all of them."""

    counts: list[int]
    offers: list[Offer] = field(default_factory=list)
    patterns: list[Pattern] = field(default_factory=list)
    complete: bool = True


def offers_for(price_list: PriceList, classes: Sequence[LineClass], context: Context) -> Offers:
    """Return what saves something in this basket; at most PATTERNS_MAX, and says if more exist."""
    found = Offers([len(each.members) for each in classes])
    _add_pooled_rates(price_list, classes, context, found)
    budget = _Budget(_STEPS_MAX)
    for package in price_list.rules.packages:
        if package.period.holds(context.now):
            ways = _Ways(package, classes, budget)
            for group in _groups(package, classes):
                for chosen in ways.among(group):
                    if len(found.offers) >= PATTERNS_MAX:
                        budget.spend_all()
                        break
                    _add_package(price_list, package, classes, chosen, found)
    found.complete = not budget.is_spent
    return found


class _Budget:
    """How much looking is left."""

    def __init__(self, steps: int) -> None:
        self._steps = steps
        self.is_spent = False

    def take(self) -> bool:
        """Use one step; False when there is none."""
        self.is_spent = self.is_spent or self._steps < 1
        self._steps -= 1
        return not self.is_spent

    def spend_all(self) -> None:
        """Stop looking: there is something that was not looked at."""
        self.is_spent = True


def _add_pooled_rates(
    price_list: PriceList, classes: Sequence[LineClass], context: Context, found: Offers
) -> None:
    rounding = price_list.rules.rounding
    line_count = sum(found.counts)
    resource_of: dict[tuple[str, str], int] = {}
    for at, one in enumerate(classes):
        alone = one.paid(one.alone_minor, rounding)
        for rate in one.pooled:
            share = (one.allotment, rate.pool)
            left = min(line_count, context.shares.get(share, 0))
            price = reduced(one.list_minor, rate.reduction, rounding)
            saving = alone - one.paid(price, rounding)
            if left < 1 or saving < 1:
                continue
            if share not in resource_of:
                resource_of[share] = len(found.counts)
                found.counts.append(left)
            found.offers.append(Offer(rate, (at,), price))
            found.patterns.append(Pattern(((at, 1), (resource_of[share], 1)), saving))


def _add_package(
    price_list: PriceList,
    package: Package,
    classes: Sequence[LineClass],
    chosen: tuple[int, ...],
    found: Offers,
) -> None:
    rounding = price_list.rules.rounding
    tickets = [classes[at] for at in chosen]
    lists = [one.list_minor for one in tickets]
    price = package_price(package, lists, rounding)
    if any(one.off is not None for one in tickets):
        parts = split_price(price, lists, rounding)
        saving = sum(
            one.paid(one.alone_minor, rounding) - one.paid(part, rounding)
            for one, part in zip(tickets, parts, strict=True)
        )
    else:
        saving = sum(one.alone_minor for one in tickets) - price
    if saving > 0:
        needs = tuple(Counter(chosen).items())
        found.offers.append(Offer(package, chosen, price))
        found.patterns.append(Pattern(needs, saving))


def _groups(package: Package, classes: Sequence[LineClass]) -> list[list[int]]:
    """The classes among which one package may choose: of one performance, of one tier, or all."""
    one_performance = package.over is Over.ONE_PERFORMANCE
    groups: dict[tuple[int, str], list[int]] = {}
    for at, each in enumerate(classes):
        key = each.performance if one_performance else 0, each.tier_id if package.one_tier else ""
        groups.setdefault(key, []).append(at)
    return [groups[key] for key in sorted(groups)]


class _Ways:
    """Goes through the choices of classes that make one package, ticket by ticket."""

    def __init__(self, package: Package, classes: Sequence[LineClass], budget: _Budget) -> None:
        self._classes, self._budget = classes, budget
        self._kinds = package.tickets
        self._apart = package.over is Over.DIFFERENT_PERFORMANCES
        self._taken = [0] * len(classes)
        self._taken_for: set[int] = set()  # performances, where no two may be the same

    def among(self, group: list[int]) -> Iterator[tuple[int, ...]]:
        """Yield each choice from this group once, ascending within."""
        fitting = [[at for at in group if self._is_for(kind, at)] for kind in self._kinds]
        for kind, candidates in zip(self._kinds, fitting, strict=True):
            if sum(len(self._classes[at].members) for at in candidates) < kind.count:
                return
        seen: set[tuple[int, ...]] = set()
        for _done in self._choose(fitting, 0, 0, self._kinds[0].count):
            way = tuple(at for at in group for _ticket in range(self._taken[at]))
            if way not in seen:  # a ticket may be of two kinds
                seen.add(way)
                yield way

    def _is_for(self, kind: PackageTickets, at: int) -> bool:
        one = self._classes[at]
        return kind.where.covers(one.performance, one.tier_id, one.ticket_type_id)

    def _choose(
        self, fitting: list[list[int]], kind: int, turn: int, wanted: int
    ) -> Iterator[None]:
        """Take `wanted` more tickets of this kind, from the candidate whose turn it is on."""
        if not wanted:
            kind, turn = kind + 1, 0
            if kind == len(self._kinds):
                yield
                return
            wanted = self._kinds[kind].count
        if turn == len(fitting[kind]) or not self._budget.take():
            return
        at = fitting[kind][turn]
        is_last = turn + 1 == len(fitting[kind])
        for often in range(min(wanted, self._most(at)), wanted - 1 if is_last else -1, -1):
            self._taken[at] += often
            if often and self._apart:
                self._taken_for.add(self._classes[at].performance)
            yield from self._choose(fitting, kind, turn + 1, wanted - often)
            self._taken[at] -= often
            if often and self._apart:
                self._taken_for.remove(self._classes[at].performance)

    def _most(self, at: int) -> int:
        """How many tickets of a class may still be taken."""
        if not self._apart:
            return len(self._classes[at].members) - self._taken[at]
        return 0 if self._classes[at].performance in self._taken_for else 1

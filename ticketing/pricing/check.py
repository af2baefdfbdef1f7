"""Whether the rules explain the prices of a sale, line by line, with no basket priced anew.

A till prices with the shares that it has, and prefers one of two equal combinations by the order of
its lines; whoever checks later knows neither. So nothing is computed again: each line names the
rule that made its price, and that rule is asked whether it may have made it. A cheaper combination
that the till did not offer is no fault of the sale.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from ticketing.pricing.package_price import makes_package, package_price, split_price
from ticketing.pricing.rules import LIST_RULE, WHOLE, AmountOff, HouseRate, Rate, reduced

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from ticketing.pricing.package_price import Ticket
    from ticketing.pricing.price_list import PriceList
    from ticketing.pricing.rules import Package, Period, Role

NO_SLACK = timedelta(0)


@dataclass(frozen=True, slots=True)
class SoldLine:
    """What a sale says of a line's price; the fields are those of `PricedLine`.

    Lines with the same `package_number`, above 0, are of one package.
    """

    key: str
    performance: int
    tier_id: str
    ticket_type_id: str
    price_minor: int
    rule_id: str = LIST_RULE
    pool: str = ""
    package_number: int = 0
    discount_id: str = ""
    discount_minor: int = 0

    @property
    def rule_minor(self) -> int:
        """The price that the rule made, before anything was taken off by hand."""
        return self.price_minor + self.discount_minor

    @property
    def ticket(self) -> Ticket:
        """What it is for."""
        return self.performance, self.tier_id, self.ticket_type_id


class Unlawful(StrEnum):
    """Why no rule explains a price. Stored and sent, never renamed."""

    NOT_SOLD = "not_sold"  # the list has no price for it
    UNKNOWN_RULE = "unknown_rule"
    NOT_FOR_THIS_TICKET = "not_for_this_ticket"
    OUT_OF_TIME = "out_of_time"  # before the rule began, or after it ended
    WRONG_POOL = "wrong_pool"  # it spent another pool than its rule's, or none
    WRONG_PRICE = "wrong_price"
    BROKEN_PACKAGE = "broken_package"  # its lines do not make the package
    OVER_EVERY_CAP = "over_every_cap"  # more was taken off than anybody may


@dataclass(frozen=True, slots=True)
class Unexplained:
    """A line whose price no rule explains; `expected_minor` is what its rule asks, if that is known.

    Without a rule it is what the list asks, None when it is not sold.
    """

    key: str
    reason: Unlawful
    paid_minor: int
    expected_minor: int | None


def check_prices(
    price_list: PriceList,
    lines: Sequence[SoldLine],
    *,
    sold_at: datetime,
    slack: timedelta = NO_SLACK,
) -> tuple[Unexplained, ...]:
    """Return the lines whose price the list and its rules do not explain. Total.

    `slack` is how far the clock of `sold_at` may be off, either way, where a rule begins or ends.
    """
    checking = _Checking(price_list, sold_at, slack)
    found = [checking.single(line) for line in lines if not line.package_number]
    packages: dict[int, list[SoldLine]] = {}
    for line in lines:
        if line.package_number:
            packages.setdefault(line.package_number, []).append(line)
    for members in packages.values():
        found += checking.package(members)
    of_key = {each.key: each for each in found if each is not None}
    return tuple(of_key[line.key] for line in lines if line.key in of_key)


def within_tolerance(unexplained: Unexplained, tolerance_hundredths: int) -> bool:
    """Whether a price of another version is near enough: so many hundredths of a percent off."""
    expected = unexplained.expected_minor
    if expected is None:
        return False
    return abs(unexplained.paid_minor - expected) * WHOLE <= tolerance_hundredths * expected


def approver_role(price_list: PriceList, line: SoldLine) -> Role | None:
    """The least role that had to let the line be; None where none had to, or none may."""
    house = price_list.rules.house_rate(line.rule_id)
    if house is not None:
        return house.approver
    return _discount_role(price_list, line) if line.discount_minor else None


def _discount_role(price_list: PriceList, line: SoldLine) -> Role | None:
    reason = price_list.rules.discount(line.discount_id)
    listed = price_list.list_minor(*line.ticket)
    if reason is None or listed is None or line.discount_minor < 0:
        return None
    # What was taken off is at most what was asked for, but for the rounding of a percentage.
    asked = max(1, line.discount_minor - (price_list.rules.rounding.step_minor - 1))
    return reason.role_for(listed, AmountOff(asked))


@dataclass(frozen=True, slots=True)
class _Checking:
    """One sale against one price list."""

    price_list: PriceList
    sold_at: datetime
    slack: timedelta

    def single(self, line: SoldLine) -> Unexplained | None:
        """Check a line that is in no package."""
        listed = self.price_list.list_minor(*line.ticket)
        if listed is None:
            return Unexplained(line.key, Unlawful.NOT_SOLD, line.price_minor, None)
        rules = self.price_list.rules
        rule = rules.rate(line.rule_id) or rules.house_rate(line.rule_id)
        if rule is not None:
            return self._by_rule(line, rule, listed)
        if line.rule_id != LIST_RULE:
            known = rules.package(line.rule_id) is not None
            reason = Unlawful.BROKEN_PACKAGE if known else Unlawful.UNKNOWN_RULE
            return _unexplained(line, reason, listed)
        if line.pool:
            return _unexplained(line, Unlawful.WRONG_POOL, listed)
        return self._price(line, listed)

    def _by_rule(self, line: SoldLine, rule: Rate | HouseRate, listed: int) -> Unexplained | None:
        if isinstance(rule, Rate):
            expected = reduced(listed, rule.reduction, self.price_list.rules.rounding)
            in_time = self._in_time(rule.period)
        else:
            expected, in_time = min(listed, rule.price_minor), True
        if not rule.where.covers(*line.ticket):
            return _unexplained(line, Unlawful.NOT_FOR_THIS_TICKET, listed)
        if not in_time:
            return _unexplained(line, Unlawful.OUT_OF_TIME, listed)
        if line.pool != rule.pool:
            return _unexplained(line, Unlawful.WRONG_POOL, expected)
        if isinstance(rule, HouseRate) and line.discount_minor:
            return _unexplained(line, Unlawful.OVER_EVERY_CAP, expected)
        return self._price(line, expected)

    def package(self, members: Sequence[SoldLine]) -> list[Unexplained]:
        """Check the lines that claim to be one package."""
        listed = [self.price_list.list_minor(*line.ticket) for line in members]
        lists = [minor for minor in listed if minor is not None]
        package = self.price_list.rules.package(members[0].rule_id)
        reason = self._broken(package, members)
        if package is None or reason is not None or len(lists) < len(members):
            return [
                Unexplained(line.key, reason or Unlawful.NOT_SOLD, line.price_minor, minor)
                for line, minor in zip(members, listed, strict=True)
            ]
        expected = self._parts(package, members, lists)
        checked = (self._price(line, part) for line, part in expected)
        return [each for each in checked if each is not None]

    def _broken(self, package: Package | None, members: Sequence[SoldLine]) -> Unlawful | None:
        if package is None:
            return Unlawful.UNKNOWN_RULE
        if any(line.rule_id != package.id for line in members):
            return Unlawful.BROKEN_PACKAGE
        if not makes_package(package, [line.ticket for line in members]):
            return Unlawful.BROKEN_PACKAGE
        if any(line.pool for line in members):
            return Unlawful.WRONG_POOL
        return None if self._in_time(package.period) else Unlawful.OUT_OF_TIME

    def _parts(
        self, package: Package, members: Sequence[SoldLine], lists: Sequence[int]
    ) -> list[tuple[SoldLine, int]]:
        """What each line has to pay; equal tickets may differ by a step, whichever pays more."""
        rounding = self.price_list.rules.rounding
        order = sorted(
            range(len(members)), key=lambda at: (members[at].ticket, -members[at].rule_minor, at)
        )
        sorted_lists = [lists[at] for at in order]
        price = package_price(package, lists, rounding)
        parts = split_price(price, sorted_lists, rounding)
        return [(members[at], part) for at, part in zip(order, parts, strict=True)]

    def _price(self, line: SoldLine, expected: int) -> Unexplained | None:
        if line.rule_minor != expected:
            return _unexplained(line, Unlawful.WRONG_PRICE, expected)
        if line.discount_minor and _discount_role(self.price_list, line) is None:
            return _unexplained(line, Unlawful.OVER_EVERY_CAP, expected)
        return None

    def _in_time(self, period: Period) -> bool:
        begun = period.from_at is None or period.from_at <= self.sold_at + self.slack
        return begun and (period.until_at is None or self.sold_at - self.slack < period.until_at)


def _unexplained(line: SoldLine, reason: Unlawful, rule_minor: int) -> Unexplained:
    expected = max(0, rule_minor - max(0, line.discount_minor))
    return Unexplained(line.key, reason, line.price_minor, expected)

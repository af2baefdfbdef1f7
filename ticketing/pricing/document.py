"""The price rules of an event document: reading them, and writing the stored form.

A catalogue gives the instants between which a rule holds as it gives a performance's start; a
stored document gives them in UTC. All else is the same in both.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeVar

from ticketing.document_reader import unique
from ticketing.faults import N_, Fault
from ticketing.performance_document import INSTANT, Form
from ticketing.pricing.rules import (
    LIST_RULE,
    NO_RULES,
    WHOLE,
    AmountOff,
    DiscountReason,
    FixedPrice,
    HouseRate,
    Over,
    Package,
    PackageTickets,
    PercentOff,
    Period,
    PoolSize,
    PriceRules,
    Rate,
    Reduction,
    Role,
    Rounding,
    RoundingMode,
    Where,
)
from ticketing.schedule import FORMS, UnusableTime, read_start
from ticketing.seating_document import read_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ticketing.document_reader import Node
    from ticketing.performance_document import Setting
    from ticketing.text import Text

POOLS_MAX = 64
POOL_CAPACITY_MAX = 2**31 - 1
RATES_MAX = 64
PACKAGES_MAX = 20
PACKAGE_KINDS_MAX = 6
PACKAGE_TICKETS_MAX = 20
HOUSE_RATES_MAX = 32
DISCOUNTS_MAX = 32
MINOR_MAX = 10_000_000_000
STEP_MINOR_MAX = 1_000_000

_REDUCTIONS = ("percent_off", "amount_off_minor", "price_minor")
_WHERE = ("price_tiers", "ticket_types", "performances")
_PERIODS = {Form.WRITTEN: ("from", "until"), Form.STORED: ("from_at", "until_at")}
_Word = TypeVar("_Word", Over, Role, RoundingMode)
_UTC_MINUTE = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:00Z\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Scope:
    """What rules may name: the event's price tiers, ticket types and performances."""

    tier_ids: Sequence[str]
    ticket_type_ids: Sequence[str]
    performances: frozenset[int]


def read_price_rules(node: Node, scope: Scope, setting: Setting) -> PriceRules:
    """Read the rules; those of an event that has none when they are left out."""
    if not node.present:
        return NO_RULES
    return _Reader(scope, setting, {}, {}).rules(node)


@dataclass(frozen=True, slots=True)
class _Reader:
    scope: Scope
    setting: Setting
    seen_ids: dict[Any, Node]
    pool_users: dict[str, str]  # pool -> the kind of rule that spends it

    def rules(self, node: Node) -> PriceRules:
        members = node.members(
            (),
            (
                "pools",
                "rates",
                "packages",
                "house_tickets",
                "discounts",
                "rounding",
            ),
        )
        pools = tuple(self._pool(each) for each in _items(members["pools"], POOLS_MAX, N_("pools")))
        names = [pool.id for pool in pools]
        rates = _items(members["rates"], RATES_MAX, N_("rates"))
        packages = _items(members["packages"], PACKAGES_MAX, N_("packages"))
        house_rates = _items(
            members["house_tickets"], HOUSE_RATES_MAX, N_("kinds of house tickets")
        )
        discounts = _items(members["discounts"], DISCOUNTS_MAX, N_("discounts"))
        return PriceRules(
            pools=pools,
            rates=tuple(self._rate(each, names) for each in rates),
            packages=tuple(self._package(each) for each in packages),
            house_rates=tuple(self._house_rate(each, names) for each in house_rates),
            discounts=tuple(self._discount(each) for each in discounts),
            rounding=_rounding(members["rounding"]),
        )

    def _pool(self, node: Node) -> PoolSize:
        members = node.members(("id", "capacity"))
        pool_id = members["id"].identifier()
        unique(self.seen_ids, ("pool", pool_id) if pool_id else "", members["id"], N_("pool"))
        return PoolSize(pool_id, members["capacity"].integer(0, POOL_CAPACITY_MAX))

    def _rate(self, node: Node, pools: Sequence[str]) -> Rate:
        members = node.members(
            ("id", "name"), (*_REDUCTIONS, *_WHERE, *_PERIODS[self.setting.form], "pool")
        )
        rule_id, name = self._head(members)
        pool = members["pool"]
        return Rate(
            rule_id,
            name,
            _reduction(node, members),
            self._where(members),
            self._period(node, members),
            self._spent(pool, pools, N_("rates")) if pool.present else "",
        )

    def _package(self, node: Node) -> Package:
        members = node.members(
            ("id", "name", "tickets"),
            (*_REDUCTIONS, "over", "one_price_tier", *_PERIODS[self.setting.form]),
        )
        rule_id, name = self._head(members)
        over, one_tier = members["over"], members["one_price_tier"]
        kinds = members["tickets"].items(1, PACKAGE_KINDS_MAX, N_("kinds of tickets"))
        package = Package(
            rule_id,
            name,
            _reduction(node, members),
            tuple(self._package_tickets(each) for each in kinds),
            _word(over, Over.ONE_PERFORMANCE, N_("over which performances it goes")),
            one_tier.flag(default=False) if one_tier.present else False,
            self._period(node, members),
        )
        if kinds and not 2 <= package.ticket_count <= PACKAGE_TICKETS_MAX:
            members["tickets"].refuse(Fault.PACKAGE_COUNT, most=PACKAGE_TICKETS_MAX)
        return package

    def _package_tickets(self, node: Node) -> PackageTickets:
        members = node.members(("count",), _WHERE)
        count = members["count"].integer(1, PACKAGE_TICKETS_MAX)
        return PackageTickets(count, self._where(members))

    def _house_rate(self, node: Node, pools: Sequence[str]) -> HouseRate:
        members = node.members(("id", "name", "pool", "approver"), ("price_minor", *_WHERE))
        rule_id, name = self._head(members)
        price = members["price_minor"]
        return HouseRate(
            rule_id,
            name,
            self._spent(members["pool"], pools, N_("house tickets")),
            _word(members["approver"], Role.MANAGER, N_("the role that lets it be")),
            price.integer(0, MINOR_MAX) if price.present else 0,
            self._where(members),
        )

    def _discount(self, node: Node) -> DiscountReason:
        members = node.members(("id", "name", "caps_percent"))
        rule_id, name = self._head(members)
        roles = [role.value for role in Role]
        given = members["caps_percent"].members((), roles)
        caps = [(Role(role), _hundredths(each)) for role, each in given.items() if each.present]
        if members["caps_percent"].present and not caps:
            members["caps_percent"].refuse(Fault.NO_CAP)
        if any(higher <= lower for (_, lower), (_, higher) in pairwise(caps)):
            members["caps_percent"].refuse(Fault.CAPS_NOT_RISING)
        return DiscountReason(rule_id, name, tuple(caps))

    # ------------------------------------------------------------------- what rules have in common

    def _head(self, members: Mapping[str, Node]) -> tuple[str, Text]:
        rule_id = members["id"].identifier()
        if rule_id == LIST_RULE:
            members["id"].refuse(Fault.LIST_IS_TAKEN)
        unique(self.seen_ids, rule_id, members["id"], N_("rule"))
        return rule_id, read_text(members["name"], self.setting.venue.languages)

    def _where(self, members: Mapping[str, Node]) -> Where:
        tiers, types, performances = (members[key] for key in _WHERE)
        return Where(
            _chosen(
                tiers, self.scope.tier_ids, N_("ids of price tiers"), N_("the id of a price tier")
            ),
            _chosen(
                types,
                self.scope.ticket_type_ids,
                N_("ids of ticket types"),
                N_("the id of a ticket type"),
            ),
            self._performances(performances),
        )

    def _performances(self, node: Node) -> tuple[int, ...]:
        if not node.present:
            return ()
        numbers = set()
        at_most = max(1, len(self.scope.performances))
        for inner in node.items(1, at_most, N_("performance numbers")):
            if type(inner.value) is int and inner.value in self.scope.performances:
                numbers.add(inner.value)
            else:
                inner.refuse(Fault.NO_PERFORMANCE)
        return tuple(sorted(numbers))

    def _period(self, node: Node, members: Mapping[str, Node]) -> Period:
        from_node, until_node = (members[key] for key in _PERIODS[self.setting.form])
        from_at, until_at = self._instant(from_node), self._instant(until_node)
        if from_at is not None and until_at is not None and from_at >= until_at:
            node.refuse(Fault.NOT_BEFORE, first=from_node.key, second=until_node.key)
        return Period(from_at, until_at)

    def _instant(self, node: Node) -> datetime | None:
        if not node.present:
            return None
        if self.setting.form is Form.STORED:
            return _stored_instant(node)
        written = node.string(FORMS)
        at = read_start(written, self.setting.venue, self.setting.now) if written else None
        if isinstance(at, UnusableTime):
            at.refuse(node)
            return None
        return at

    def _spent(self, node: Node, pools: Sequence[str], user: str) -> str:
        pool = node.one_of(pools, N_("the id of one of the pools"))
        if pool and self.pool_users.setdefault(pool, user) != user:
            node.refuse(Fault.POOL_IS_TAKEN, pool=pool, thing=self.pool_users[pool])
        return pool


def _items(node: Node, at_most: int, what: str) -> list[Node]:
    return node.items(0, at_most, what) if node.present else []


def _chosen(node: Node, known: Sequence[str], several: str, one: str) -> tuple[str, ...]:
    """Ids of the event, in its order; none when left out, which means all."""
    if not node.present:
        return ()
    inners = node.items(1, max(1, len(known)), several)
    named = {inner.one_of(known, one) for inner in inners}
    return tuple(each for each in known if each in named)


def _reduction(node: Node, members: Mapping[str, Node]) -> Reduction:
    """Read the one of three members that says how much less; placeholder 0.01 %."""
    given = [key for key in _REDUCTIONS if members[key].present]
    if len(given) != 1:
        if isinstance(node.value, dict):
            node.refuse(Fault.ONE_REDUCTION, keys=", ".join(_REDUCTIONS))
        return PercentOff(1)
    value = members[given[0]]
    if given[0] == "percent_off":
        return PercentOff(_hundredths(value))
    if given[0] == "amount_off_minor":
        return AmountOff(value.integer(1, MINOR_MAX))
    return FixedPrice(value.integer(0, MINOR_MAX))


def _hundredths(node: Node) -> int:
    """Read a percentage above 0, to at most two decimals, in hundredths of a percent."""
    mark = node.problems.count
    percent = node.number(0.01, 100)
    hundredths = round(percent * 100)
    if not node.problems.since(mark) and abs(hundredths - percent * 100) > 1e-6:
        node.refuse(Fault.DECIMALS)
    return min(max(1, hundredths), WHOLE)


def _word(node: Node, usual: _Word, what: str) -> _Word:
    """Read one of the words of an enumeration; `usual` when left out."""
    if not node.present:
        return usual
    words = type(usual)
    written = node.one_of([word.value for word in words], what)
    return words(written) if written else usual


def _rounding(node: Node) -> Rounding:
    if not node.present:
        return Rounding()
    members = node.members((), ("step_minor", "mode", "cash_step_minor"))
    step, cash = members["step_minor"], members["cash_step_minor"]
    return Rounding(
        step.integer(1, STEP_MINOR_MAX) if step.present else 1,
        _word(members["mode"], RoundingMode.NEAREST, N_("which way it goes")),
        cash.integer(1, STEP_MINOR_MAX) if cash.present else 1,
    )


def _stored_instant(node: Node) -> datetime | None:
    written = node.matching(_UTC_MINUTE, INSTANT)
    try:
        return datetime.fromisoformat(written).astimezone(UTC) if written else None
    except ValueError:
        node.refuse(Fault.NO_CALENDAR_INSTANT, what=INSTANT)
        return None


# ------------------------------------------------------------------------------------ stored form


def price_rules_members(rules: PriceRules) -> dict[str, Any]:
    """Return the rules as `read_price_rules` reads them in a stored document; what is empty is
    left out.
    """
    members: dict[str, Any] = {
        "pools": [{"id": pool.id, "capacity": pool.capacity} for pool in rules.pools],
        "rates": [_rate_members(rate) for rate in rules.rates],
        "packages": [_package_members(package) for package in rules.packages],
        "house_tickets": [_house_members(house) for house in rules.house_rates],
        "discounts": [_discount_members(discount) for discount in rules.discounts],
    }
    if rules.rounding != Rounding():
        members["rounding"] = {
            "step_minor": rules.rounding.step_minor,
            "mode": rules.rounding.mode.value,
            "cash_step_minor": rules.rounding.cash_step_minor,
        }
    return {key: value for key, value in members.items() if value}


def _rate_members(rate: Rate) -> dict[str, Any]:
    return {
        "id": rate.id,
        "name": rate.name.to_json(),
        **_reduction_members(rate.reduction),
        **_where_members(rate.where),
        **_period_members(rate.period),
        **({"pool": rate.pool} if rate.pool else {}),
    }


def _package_members(package: Package) -> dict[str, Any]:
    return {
        "id": package.id,
        "name": package.name.to_json(),
        **_reduction_members(package.reduction),
        "tickets": [
            {"count": each.count, **_where_members(each.where)} for each in package.tickets
        ],
        "over": package.over.value,
        "one_price_tier": package.one_tier,
        **_period_members(package.period),
    }


def _house_members(house: HouseRate) -> dict[str, Any]:
    return {
        "id": house.id,
        "name": house.name.to_json(),
        "pool": house.pool,
        "approver": house.approver.value,
        "price_minor": house.price_minor,
        **_where_members(house.where),
    }


def _discount_members(discount: DiscountReason) -> dict[str, Any]:
    return {
        "id": discount.id,
        "name": discount.name.to_json(),
        "caps_percent": {role.value: _percent(cap) for role, cap in discount.caps},
    }


def _reduction_members(reduction: Reduction) -> dict[str, Any]:
    match reduction:
        case PercentOff(hundredths):
            return {"percent_off": _percent(hundredths)}
        case AmountOff(minor):
            return {"amount_off_minor": minor}
        case FixedPrice(minor):
            return {"price_minor": minor}


def _percent(hundredths: int) -> int | float:
    return hundredths / 100 if hundredths % 100 else hundredths // 100


def _where_members(where: Where) -> dict[str, Any]:
    given: Iterable[tuple[str, tuple[Any, ...]]] = zip(
        _WHERE, (where.tier_ids, where.ticket_type_ids, where.performances), strict=True
    )
    return {key: list(chosen) for key, chosen in given if chosen}


def _period_members(period: Period) -> dict[str, str]:
    ends = zip(_PERIODS[Form.STORED], (period.from_at, period.until_at), strict=True)
    return {key: at.strftime("%Y-%m-%dT%H:%M:00Z") for key, at in ends if at is not None}

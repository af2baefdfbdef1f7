"""An event's tiers, prices and rules as tables, ready to show. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from program.i18n import format_count, format_money, translations
from sync_server.console.event_doors import (
    CUT_OFF,
    UNLISTED,
    UNRECORDED,
    minutes_words,
    rule_words,
)
from sync_server.console.event_parts import PARTS
from sync_server.console.event_paths import part_page, prices_page
from sync_server.console.event_words import (
    ROLES,
    percent_text,
    performance_words,
    period_words,
    reduction_words,
    where_words,
)
from ticketing.event import Event, Venue
from ticketing.pricing import Over, Period
from ticketing.refund_rules import DEFAULT_RULES, RefundRules, RefundStep

EXCEPTIONS_SHOWN_MAX = 20


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a table: what it is called, below that, its cells, and where its form is."""

    name: str
    below: str
    cells: tuple[str, ...]
    path: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table of a part; `add` is where the form of a new item is."""

    key: str
    title: str
    heads: tuple[str, ...]
    rows: tuple[Row, ...]
    empty: str = ""
    add: str = ""
    add_label: str = ""
    figures: bool = False
    notes: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class PoolState:
    """What became of a quota's rights: `lent` without those that are kept back."""

    lent: int
    spent: int
    blocked: int = 0


def event_sheets(
    event: Event, venue: Venue, pools: Mapping[str, PoolState], now: datetime, language: str
) -> list[Sheet]:
    """All tables of an event, in the order of its page."""
    view = _View(event, venue, pools, now, language)
    return [
        view.prices(),
        view.types(),
        view.rates(),
        view.packages(),
        view.house_tickets(),
        view.quotas(),
        view.discounts(),
        view.refunds(),
        view.entry_rules(),
        view.doors(),
    ]


def exception_links(event: Event, venue: Venue, language: str) -> list[tuple[str, str]]:
    """The performances that have prices of their own: what they are, and where their form is."""
    numbers = {each.performance_number for each in event.prices} - {None}
    found = [each for each in event.performances if each.number in numbers]
    return [
        (
            performance_words(each, venue, language),
            prices_page(event.id, performance=each.number),
        )
        for each in found[:EXCEPTIONS_SHOWN_MAX]
    ]


@dataclass(frozen=True, slots=True)
class _View:
    event: Event
    venue: Venue
    pools: Mapping[str, PoolState]
    now: datetime
    language: str

    def prices(self) -> Sheet:
        _ = self._gettext
        heads = tuple(each.name.in_language(self.language) for each in self.event.ticket_types)
        counts = dict.fromkeys((tier.id for tier in self.event.price_tiers), 0)
        for span in self.event.tier_spans:
            counts[span.tier_id] += span.last_unit - span.first_unit + 1
        rows = tuple(
            Row(
                f"{tier.letter} · {tier.name.in_language(self.language)}",
                _("{n} places").format(n=self._count(counts[tier.id])),
                tuple(self._price(tier.id, kind.id) for kind in self.event.ticket_types),
                part_page(self.event.id, "tiers", id=tier.id),
            )
            for tier in self.event.price_tiers
        )
        said = _("Version {n} of the price list.").format(n=self.event.price_list_version)
        return Sheet("tiers", _("Price tiers and prices"), heads, rows, figures=True, notes=(said,))

    def types(self) -> Sheet:
        _ = self._gettext
        rows = tuple(
            Row(
                kind.name.in_language(self.language),
                kind.id,
                (str(kind.number), self._sold_in(kind.id)),
                part_page(self.event.id, "types", id=kind.id),
            )
            for kind in self.event.ticket_types
        )
        return self._sheet(
            "types", _("Ticket types"), (_("Number in ticket codes"), _("Price tiers")), rows
        )

    def rates(self) -> Sheet:
        _ = self._gettext
        rows = tuple(
            Row(
                rate.name.in_language(self.language),
                rate.id,
                (
                    self._reduction(rate.reduction),
                    where_words(rate.where, self.event, self.language) or _("all tickets"),
                    self._period(rate.period),
                    rate.pool or "–",
                ),
                part_page(self.event.id, "rates", id=rate.id),
            )
            for rate in self.event.price_rules.rates
        )
        heads = (_("How much less"), _("Which tickets"), _("When"), _("Quota"))
        return self._sheet("rates", _("Early birds and other rates"), heads, rows)

    def packages(self) -> Sheet:
        _ = self._gettext
        over = {
            Over.ONE_PERFORMANCE: _("one performance"),
            Over.DIFFERENT_PERFORMANCES: _("each ticket another performance"),
            Over.ANY_PERFORMANCES: _("any performances"),
        }
        rows = []
        for package in self.event.price_rules.packages:
            kinds = [
                f"{each.count} × "
                + (where_words(each.where, self.event, self.language) or _("all tickets"))
                for each in package.tickets
            ]
            rows.append(
                Row(
                    package.name.in_language(self.language),
                    package.id,
                    (
                        self._reduction(package.reduction),
                        " + ".join(kinds),
                        over[package.over],
                        self._period(package.period),
                    ),
                    part_page(self.event.id, "packages", id=package.id),
                )
            )
        heads = (_("How much less"), _("Tickets"), _("Over"), _("When"))
        return self._sheet("packages", _("Packages"), heads, tuple(rows))

    def house_tickets(self) -> Sheet:
        _ = self._gettext
        rows = tuple(
            Row(
                house.name.in_language(self.language),
                house.id,
                (
                    self._money(house.price_minor) if house.price_minor else _("free of charge"),
                    where_words(house.where, self.event, self.language) or _("all tickets"),
                    _(ROLES[house.approver]),
                    house.pool,
                ),
                part_page(self.event.id, "house", id=house.id),
            )
            for house in self.event.price_rules.house_rates
        )
        heads = (_("Price"), _("Which tickets"), _("Who lets it be"), _("Quota"))
        return self._sheet("house", _("Free and house tickets"), heads, rows)

    def quotas(self) -> Sheet:
        _ = self._gettext
        rows = []
        for pool in self.event.price_rules.pools:
            state = self.pools.get(pool.id, PoolState(0, 0))
            left = pool.capacity - state.lent - state.spent - state.blocked
            figures = (pool.capacity, state.spent, state.lent, state.blocked, left)
            path = part_page(self.event.id, "quotas", id=pool.id)
            rows.append(Row(pool.id, "", tuple(map(self._count, figures)), path))
        heads = (_("In all"), _("Used"), _("Lent to windows"), _("Blocked"), _("Left"))
        return self._sheet("quotas", _("Quotas"), heads, tuple(rows), figures=True)

    def discounts(self) -> Sheet:
        _ = self._gettext
        rows = []
        for reason in self.event.price_rules.discounts:
            caps = dict(reason.caps)
            cells = tuple(
                f"{percent_text(caps[role])} %" if role in caps else "–" for role in ROLES
            )
            path = part_page(self.event.id, "discounts", id=reason.id)
            rows.append(Row(reason.name.in_language(self.language), reason.id, cells, path))
        heads = tuple(_(word) for word in ROLES.values())
        return self._sheet(
            "discounts", _("Discounts by hand: at most"), heads, tuple(rows), figures=True
        )

    def refunds(self) -> Sheet:
        _ = self._gettext
        rules = self.event.refund_rules
        rows = tuple(self._step(step) for step in rules.steps)
        empty = ""
        if rules == DEFAULT_RULES:
            rows = ()
            empty = _("The whole price goes back until the performance begins, nothing after.")
        elif not rows:
            empty = _("Nothing goes back.")
        return Sheet(
            "refunds",
            _("Refunds and exchanges"),
            (_("Is kept"),),
            rows,
            empty,
            part_page(self.event.id, "refunds"),
            _("Change them"),
            notes=tuple(self._refund_notes(rules)),
        )

    def entry_rules(self) -> Sheet:
        _, part = self._gettext, PARTS["entry"]
        rows = []
        for number, each in enumerate(self.event.entry_rules.rules, 1):
            who, said = rule_words(each, self.event, self.language)
            path = part_page(self.event.id, "entry", id=number)
            rows.append(Row(f"{self._count(number)} · {who}", "", (said,), path))
        empty = _("Each ticket lets one person in once, at any gate, while its doors are open.")
        later = _("A later rule goes before an earlier one in what both say.")
        return Sheet(
            "entry",
            _("Entry rules"),
            (_("Rule"),),
            tuple(rows),
            "" if rows else empty,
            part_page(self.event.id, "entry"),
            _(part.add),
            notes=(later,) if len(rows) > 1 else (),
        )

    def doors(self) -> Sheet:
        _ = self._gettext
        rules = self.event.entry_rules
        rows = (
            Row(_("A gate that cannot reach the server"), "", (_(CUT_OFF[rules.when_cut_off]),)),
            Row(
                _("There, tickets whose sale it never heard of"),
                "",
                (_(UNLISTED[rules.unlisted]),),
            ),
            Row(
                _("A gate that cannot even write down who came"),
                "",
                (_(UNRECORDED[rules.unrecorded]),),
            ),
        )
        return Sheet(
            "doors",
            _("Gates that are left alone"),
            (_("Rule"),),
            rows,
            add=part_page(self.event.id, "doors"),
            add_label=_("Change them"),
        )

    # ------------------------------------------------------------------------------- cells

    def _sheet(
        self,
        key: str,
        title: str,
        heads: tuple[str, ...],
        rows: Sequence[Row],
        *,
        figures: bool = False,
    ) -> Sheet:
        _ = self._gettext
        return Sheet(
            key,
            title,
            heads,
            tuple(rows),
            "" if rows else _("None."),
            part_page(self.event.id, key),
            _(PARTS[key].add),
            figures,
        )

    def _gettext(self, text: str) -> str:
        return translations(self.language).gettext(text)

    def _count(self, count: int) -> str:
        return format_count(count, self.language)

    def _money(self, minor: int) -> str:
        return format_money(minor, self.event.currency, self.language, compact=True)

    def _price(self, tier_id: str, type_id: str) -> str:
        minor = self.event.price(tier_id, type_id)
        return "–" if minor is None else self._money(minor)

    def _reduction(self, reduction: object) -> str:
        return reduction_words(reduction, self.event.currency, self.language)  # type: ignore[arg-type]

    def _period(self, period: Period) -> str:
        _ = self._gettext
        said = period_words(period, self.venue, self.language)
        if not said:
            return _("always")
        if period.until_at is not None and period.until_at <= self.now:
            return " · ".join([said, _("over")])
        return said

    def _sold_in(self, type_id: str) -> str:
        _ = self._gettext
        tiers = [
            tier.name.in_language(self.language)
            for tier in self.event.price_tiers
            if self.event.price(tier.id, type_id) is not None
        ]
        return " · ".join(tiers) or _("not sold")

    def _step(self, step: RefundStep) -> Row:
        _ = self._gettext
        before = _("at least {time} before").format(
            time=minutes_words(step.minutes_before, self.language)
        )
        if step.fee_minor:
            return Row(before, "", (self._money(step.fee_minor),))
        return Row(before, "", (f"{percent_text(step.fee_hundredths)} %",))

    def _refund_notes(self, rules: RefundRules) -> list[str]:
        _ = self._gettext
        amounts = (
            (_("Least kept of a ticket"), rules.minimum_fee_minor),
            (_("Asked for an exchange"), rules.exchange_fee_minor),
            (_("Asked for a lost ticket"), rules.replacement_fee_minor),
            (_("A cashier may pay back at most"), rules.cashier_cap_minor),
            (_("A supervisor may pay back at most"), rules.supervisor_cap_minor),
        )
        return [f"{label}: {self._money(minor)}" for label, minor in amounts if minor]

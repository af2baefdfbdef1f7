"""An agency's account as its page and its table show it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from program.i18n import format_count, format_date, format_money, translations
from sync_server.console.moments import moment
from sync_server.console.overview import case_path
from sync_server.console.refunds import tender_name
from sync_server.console.statement import decimal_text
from sync_server.console.wording import case_sentence
from sync_server.services.agencies import Agency
from sync_server.services.agency_account import (
    AgencyAccount,
    AgencyCase,
    AgencyOrder,
    DayTakings,
)
from sync_server.services.reconciling import House
from sync_server.services.takings import Takings
from ticketing.personal import Buyer, DataKey, data_key, unseal

DAYS_SHOWN_MAX = 200
AMOUNTS = frozenset({4})
"""The column of the table that holds figures."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure at the top, and what it is made of."""

    title: str
    icon: str
    figure: str
    detail: str


@dataclass(frozen=True, slots=True)
class OrderRow:
    """An order, ready to show; the buyer is masked."""

    receipt: str
    sold: str
    window: str
    event: str
    buyer: str
    total: str
    given_back: str


@dataclass(frozen=True, slots=True)
class CaseRow:
    """An open case, ready to show. `path` is for who may look at cases."""

    what: str
    event: str
    opened: str
    path: str


class AgencyWords:
    """Turns accounts into one language's texts. `root` opens what is known of buyers."""

    def __init__(self, house: House, language: str, root: bytes) -> None:
        self._house, self._language, self._root = house, language, root
        self._venue = house.facts.venue
        self._keys: dict[int, DataKey] = {}
        self.gettext = translations(language).gettext

    def figures(self, account: AgencyAccount) -> tuple[Figure, ...]:
        """What it owes, its places, and how it was paid."""
        _ = self.gettext
        orders = sum(each.order_count for each in account.sums.values())
        return (
            Figure(
                _("To pay to the house"),
                "banknote",
                self.due(account.sums),
                " · ".join(self._made_of(account.sums)),
            ),
            Figure(
                _("Places sold"),
                "ticket",
                self._n(account.sold),
                _("{n} left to sell").format(n=self._n(account.left)),
            ),
            Figure(
                _("Orders"),
                "receipt-text",
                self._n(orders),
                _(", ").join(self._by_tender(account.sums)),
            ),
        )

    def due(self, sums: Mapping[str, Takings]) -> str:
        """What was taken less what was given back."""
        found = {currency: each.taken_minor for currency, each in sorted(sums.items())}
        return " + ".join(
            self._money(minor, currency)
            for currency, minor in (found or {self._venue.currency: 0}).items()
        )

    def _made_of(self, sums: Mapping[str, Takings]) -> Iterable[str]:
        _ = self.gettext
        for currency, each in sorted(sums.items()):
            yield _("sold {amount}").format(amount=self._money(each.orders_minor, currency))
            yield _("given back {amount}").format(amount=self._money(each.back_minor, currency))
            rest = each.taken_minor - each.orders_minor + each.back_minor
            if rest:
                said = _("fees and rounding {amount}")
                yield said.format(amount=self._money(rest, currency))

    def _by_tender(self, sums: Mapping[str, Takings]) -> Iterable[str]:
        for currency, each in sorted(sums.items()):
            for tender, minor in sorted(each.tenders.items()):
                yield f"{self._tender(tender)} {self._money(minor, currency)}"

    def agencies(
        self, agencies: Sequence[Agency], accounts: Mapping[str, AgencyAccount]
    ) -> list[dict[str, object]]:
        """The list of all."""
        return [
            {
                "id": each.id,
                "name": each.name,
                "is_active": each.is_active,
                "left": self._n(accounts[each.id].left),
                "sold": self._n(accounts[each.id].sold),
                "due": self.due(accounts[each.id].sums),
            }
            for each in agencies
        ]

    def places(
        self, account: AgencyAccount, limits: Mapping[str, int]
    ) -> list[tuple[str, str, str, str, str, str]]:
        """A row a performance: name, when, had, sold, left, how many it may have at most."""
        return [
            (
                self._event(each.event_id),
                moment(each.starts_ms, self._language, self._venue.zone),
                self._n(each.left + each.sold),
                self._n(each.sold),
                self._n(each.left),
                self._n(limits[each.event_id]) if each.event_id in limits else "–",
            )
            for each in account.places
        ]

    def limits(self, limits: Mapping[str, int]) -> list[tuple[str, str, str]]:
        """A row an event with a limit: its id, its name, how many of each performance."""
        rows = ((each, self._event(each), self._n(most)) for each, most in limits.items())
        return sorted(rows, key=lambda row: row[1])

    def events(self) -> list[tuple[str, str]]:
        """Every event for a form to choose from: ids and names."""
        named = ((each, self._event(each)) for each in self._house.facts.events)
        return sorted(named, key=lambda row: row[1])

    def days(
        self, days: Sequence[DayTakings], windows: Mapping[str, str]
    ) -> list[tuple[str, str, str, str]]:
        """A row a day, window and tender."""
        return [
            (
                format_date(each.day, self._language),
                windows[each.node_id],
                self._tender(each.tender),
                self._money(each.taken_minor, each.currency),
            )
            for each in days[:DAYS_SHOWN_MAX]
        ]

    def table(
        self, parts: Iterable[tuple[Agency, AgencyAccount, Mapping[str, str]]]
    ) -> Sequence[tuple[str, ...]]:
        """Takings for programs: a heading, then a row an agency, day, window and tender."""
        _ = self.gettext
        head = (_("Agency"), _("Day"), _("Window"), _("Paid by"), _("Amount"), _("Currency"))
        return [head] + [
            (
                agency.name,
                each.day.isoformat(),
                windows[each.node_id],
                self._tender(each.tender),
                decimal_text(each.taken_minor, each.currency),
                each.currency,
            )
            for agency, account, windows in parts
            for each in account.days
        ]

    def orders(self, orders: Iterable[AgencyOrder], windows: Mapping[str, str]) -> list[OrderRow]:
        """Orders with masked buyers."""
        return [
            OrderRow(
                each.receipt_no,
                moment(each.sold_ms, self._language, self._venue.zone),
                windows.get(each.node_id, ""),
                self._event(each.event_id),
                self._buyer(each),
                self._money(each.total_minor, each.currency),
                self._money(each.refunded_minor, each.currency) if each.refunded_minor else "–",
            )
            for each in orders
        ]

    def cases(self, cases: Iterable[AgencyCase]) -> list[CaseRow]:
        """Open cases."""
        return [
            CaseRow(
                case_sentence(each.kind, self._language),
                self._event(each.event_id),
                moment(each.opened_ms, self._language, self._venue.zone),
                case_path(each.event_id, each.id),
            )
            for each in cases
        ]

    def _buyer(self, order: AgencyOrder) -> str:
        if not order.sealed:
            return "–"
        if order.key_no not in self._keys:
            self._keys[order.key_no] = data_key(self._root, order.key_no)
        known = unseal(order.sealed, self._keys[order.key_no], order.event_id, order.id)
        masked = known.masked if known is not None else Buyer()
        return " ".join(filter(None, (masked.name, masked.phone))) or "–"

    def _event(self, event_id: str) -> str:
        event = self._house.facts.events.get(event_id)
        if event is not None:
            return event.name.in_language(self._language)
        return self._venue.name.in_language(self._language)

    def _tender(self, tender: str) -> str:
        return tender_name(tender, self._venue, self._language)

    def _n(self, count: int) -> str:
        return format_count(count, self._language)

    def _money(self, minor: int, currency: str) -> str:
        return format_money(minor, currency, self._language)

"""The manager's first page as values: is all accounted for, and if not, what is open?

Differences come first, in the headline's list and in every table.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from program.i18n import (
    format_count,
    format_date,
    format_datetime,
    format_money,
    format_time,
    translations,
)
from sync_server.console.wording import (
    case_sentence,
    node_role_name,
    operation_name,
    price_sentences,
)
from sync_server.heart.cases import CaseKind
from sync_server.services.accounts import DERIVED
from sync_server.services.books import (
    Books,
    CaseLine,
    EntryAccount,
    MoneyAccount,
    NodeLine,
    Summarise,
    UnitAccount,
    read_books,
)
from sync_server.services.catalogue import load_plan, load_venue
from ticketing.event import Event, Venue

PERFORMANCES_SHOWN_MAX = 50
NODES_SHOWN_MAX = 50
"""A browser paints a table of 300 longer than all the rest; the page of machines has all."""
OPEN_SHOWN_MAX = 20
_QUIET_AFTER_MS = 60_000
SKEW_SHOWN_MS, SKEW_WARNED_MS = 2_000, 60_000
"""From the second on, entries of a gate are judged by our clock instead of its own."""
CASES_PATH, ACCOUNTS_PATH = "/console/cases", "/console/accounts"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the page is made from, read in one transaction at `at`."""

    venue: Venue
    events: Mapping[str, Event]
    books: Books
    at: datetime


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a bar: its kind, and where it lies in percent of the whole."""

    kind: str
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class PerformanceRow:
    """One performance's units and entries, ready to show."""

    name: str
    when: str
    capacity: str
    free: str
    lent: str
    sold: str
    blocked: str
    tickets: str
    let_in: str
    differences: tuple[str, ...]
    bar: tuple[Span, ...]
    path: str
    is_cancelled: bool


@dataclass(frozen=True, slots=True)
class MoneyRow:
    """One event's money, ready to show."""

    name: str
    orders: str
    tickets: str
    taken: str
    difference: str


@dataclass(frozen=True, slots=True)
class NodeRow:
    """A node, ready to show. `is_quiet`: it was in touch once, and not for a while."""

    name: str
    role: str
    state: str
    last_contact: str
    is_quiet: bool
    lent: str
    sold: str
    entries: str
    unsynced: str
    has_unsynced: bool
    last_words: str
    behind: str
    clock: str
    is_clock_wrong: bool


@dataclass(frozen=True, slots=True)
class CaseRow:
    """An open case, ready to show."""

    what: str
    where: str
    opened: str
    path: str


class OpenItem(NamedTuple):
    """Something that is open, in a sentence, and where to look into it."""

    text: str
    path: str


@dataclass(frozen=True, slots=True)
class Account:
    """One of the three accounts at the top. `figure`: by how much it differs, or what it comes to."""

    kind: str
    title: str
    figure: str
    detail: str
    state: str
    is_balanced: bool


@dataclass(frozen=True, slots=True)
class Overview:
    """The whole page."""

    venue: str
    is_settled: bool
    headline: str
    as_of: str
    open_items: tuple[OpenItem, ...]
    accounts: tuple[Account, ...]
    performances: tuple[PerformanceRow, ...]
    performances_left_out: int
    money: tuple[MoneyRow, ...]
    nodes: tuple[NodeRow, ...]
    nodes_left_out: int
    cases: tuple[CaseRow, ...]
    cases_left_out: int


def read_snapshot(
    connection: Connection, venue_id: str, at: datetime, summarise: Summarise | None = None
) -> Snapshot:
    """The books and the names that belong to them."""
    books = read_books(connection, summarise)
    venue = load_venue(connection, venue_id)
    events = {}
    for event_id in {account.event_id for account in books.units}:
        plan = load_plan(connection, event_id)
        if plan is not None:
            events[event_id] = plan[2]
    return Snapshot(venue, events, books, at)


def make_overview(snapshot: Snapshot, language: str) -> Overview:
    """The page in a language. Pure: the same snapshot gives the same page."""
    return _Words(snapshot, language).overview()


def node_rows(snapshot: Snapshot, language: str) -> list[NodeRow]:
    """All nodes, by name."""
    return _Words(snapshot, language).nodes()


class _Words:
    """Turns one snapshot into one language's texts."""

    def __init__(self, snapshot: Snapshot, language: str) -> None:
        self._snapshot, self._language = snapshot, language
        self._zone: ZoneInfo = snapshot.venue.zone
        found = translations(language)
        self.gettext, self.ngettext = found.gettext, found.ngettext

    def overview(self) -> Overview:
        books = self._snapshot.books
        items = self._open_items()
        entries = {(each.event_id, each.performance): each for each in books.entries}
        pairs = [(unit, entries[unit.event_id, unit.performance]) for unit in books.units]
        pairs.sort(key=lambda pair: pair[0].balanced and pair[1].balanced)
        money = sorted(books.money, key=lambda account: account.balanced)
        nodes = self._nodes_to_show()
        shown = pairs[:PERFORMANCES_SHOWN_MAX]
        return Overview(
            venue=self._snapshot.venue.name.in_language(self._language),
            is_settled=books.balanced,
            headline=self._headline(len(items) + books.open_case_count - len(books.open_cases)),
            as_of=format_time(self._snapshot.at, self._language, zone=self._zone, seconds=True),
            open_items=tuple(items[:OPEN_SHOWN_MAX]),
            accounts=(self._money_total(), self._units_total(), self._entries_total()),
            performances=tuple(self._performance(*pair) for pair in shown),
            performances_left_out=len(pairs) - len(shown),
            money=tuple(self._money(account) for account in money),
            nodes=tuple(self._node(node) for node in nodes),
            nodes_left_out=len(books.nodes) - len(nodes),
            cases=tuple(self._case(case) for case in books.open_cases),
            cases_left_out=books.open_case_count - len(books.open_cases),
        )

    def nodes(self) -> list[NodeRow]:
        return [self._node(node) for node in self._snapshot.books.nodes]

    def _nodes_to_show(self) -> list[NodeLine]:
        """Those with records to send first; when there are too many, those in order are left out."""
        nodes = self._snapshot.books.nodes
        kept = {node.id for node in sorted(nodes, key=self._is_in_order)[:NODES_SHOWN_MAX]}
        shown = [node for node in nodes if node.id in kept]
        return sorted(shown, key=lambda node: not node.unsynced_count)

    def _is_in_order(self, node: NodeLine) -> tuple[bool, bool]:
        is_active = node.state == "active"
        is_odd = abs(node.clock_offset_ms) >= SKEW_WARNED_MS or self._is_quiet(node)
        return not node.unsynced_count, not (is_active and is_odd)

    def _is_quiet(self, node: NodeLine) -> bool:
        age_ms = _unix_ms(self._snapshot.at) - node.last_seen_ms
        return node.last_seen_ms > 0 and age_ms >= _QUIET_AFTER_MS

    def _headline(self, open_count: int) -> str:
        _ = self.gettext
        if not open_count:
            return _("All accounted for")
        return self.ngettext("{n} thing is open", "{n} things are open", open_count).format(
            n=self._n(open_count)
        )

    # --- what is open -------------------------------------------------------------------

    def _open_items(self) -> list[OpenItem]:
        books = self._snapshot.books
        return [
            *self._money_items(books.money),
            *self._unit_items(books.units),
            *self._entry_items(books.entries),
            *self._node_items(books.nodes),
            *(self._case_item(case) for case in books.open_cases),
        ]

    def _unit_items(self, accounts: Iterable[UnitAccount]) -> Iterable[OpenItem]:
        for account in accounts:
            if not account.balanced:
                said = self._named(account, self._unit_difference(account))
                yield OpenItem(said, performance_path(account.event_id, account.performance))

    def _entry_items(self, accounts: Iterable[EntryAccount]) -> Iterable[OpenItem]:
        for account in accounts:
            if not account.balanced:
                said = self._named(account, self._entry_difference(account))
                yield OpenItem(said, performance_path(account.event_id, account.performance))

    def _money_items(self, accounts: Iterable[MoneyAccount]) -> Iterable[OpenItem]:
        for account in accounts:
            if not account.balanced:
                name = self._event_name(account.event_id)
                yield OpenItem(self._about(name, self._money_difference(account)), ACCOUNTS_PATH)

    def _node_items(self, nodes: Iterable[NodeLine]) -> Iterable[OpenItem]:
        for node in nodes:
            if node.unsynced_count:
                waiting = self.ngettext(
                    "{n} record waits to be sent",
                    "{n} records wait to be sent",
                    node.unsynced_count,
                )
                said = self._about(node.name, waiting.format(n=self._n(node.unsynced_count)))
                yield OpenItem(said, "#nodes")

    def _case_item(self, case: CaseLine) -> OpenItem:
        said = self._about(
            self._event_name(case.event_id), case_sentence(case.kind, self._language)
        )
        return OpenItem(said, case_path(case.event_id, case.id))

    def _unit_difference(self, account: UnitAccount) -> str:
        _ = self.gettext
        if account.free < 0:
            return _("places taken {taken}, capacity {capacity}").format(
                taken=self._n(account.capacity - account.free), capacity=self._n(account.capacity)
            )
        return _("places sold {sold}, valid tickets {tickets}").format(
            sold=self._n(account.sold), tickets=self._n(account.tickets)
        )

    def _entry_difference(self, account: EntryAccount) -> str:
        _ = self.gettext
        if account.doubles:
            return _("entries {entries}, tickets let in {tickets}").format(
                entries=self._n(account.entries - account.repeats),
                tickets=self._n(account.tickets_let_in),
            )
        return self.ngettext(
            "{n} entry with a ticket whose sale has not arrived yet",
            "{n} entries with tickets whose sales have not arrived yet",
            account.entries_without_ticket,
        ).format(n=self._n(account.entries_without_ticket))

    def _money_difference(self, account: MoneyAccount) -> str:
        _ = self.gettext
        return _("orders {orders}, tickets {tickets}, taken {taken}").format(
            orders=self._money_text(account.orders_minor, account.currency),
            tickets=self._money_text(account.tickets_minor, account.currency),
            taken=self._money_text(account.taken_minor, account.currency),
        )

    # --- the three accounts -------------------------------------------------------------

    def _units_total(self) -> Account:
        _, units = self.gettext, self._snapshot.books.units
        detail = _("{free} free + {lent} lent + {sold} sold + {blocked} blocked = {capacity}")
        off = sum(abs(each.sold - each.tickets) + max(0, -each.free) for each in units)
        return self._account(
            "units",
            _("Places"),
            _("{n} sold").format(n=self._n(sum(each.sold for each in units))),
            detail.format(
                free=self._n(sum(each.free for each in units)),
                lent=self._n(sum(each.lent for each in units)),
                sold=self._n(sum(each.sold for each in units)),
                blocked=self._n(sum(each.blocked for each in units)),
                capacity=self._n(sum(each.capacity for each in units)),
            ),
            self.ngettext("{n} place", "{n} places", off).format(n=self._n(off)),
            is_balanced=all(each.balanced for each in units),
        )

    def _money_total(self) -> Account:
        _, money = self.gettext, self._snapshot.books.money
        taken: dict[str, int] = {}
        off: dict[str, int] = {}
        for account in money:
            taken[account.currency] = taken.get(account.currency, 0) + account.taken_minor
            if not account.balanced:
                minor = account.taken_minor - account.orders_minor or account.ledger_sum_minor
                minor = minor or account.tickets_minor - account.orders_minor
                off[account.currency] = off.get(account.currency, 0) + minor
        totals = taken or {self._snapshot.venue.currency: 0}
        return self._account(
            "money",
            _("Money"),
            " + ".join(self._money_text(minor, currency) for currency, minor in totals.items()),
            " · ".join([_("orders = tickets sold = money taken"), *self._by_tender()]),
            " + ".join(self._money_text(minor, currency) for currency, minor in off.items()),
            is_balanced=not off,
        )

    def _by_tender(self) -> list[str]:
        """What was taken by each tender beside cash, over all tills."""
        sums: dict[tuple[str, str], int] = {}
        for each in self._snapshot.books.tenders:
            key = (each.tender, each.currency)
            sums[key] = sums.get(key, 0) + each.taken_minor
        venue = self._snapshot.venue
        named = {each.id: each.name.in_language(self._language) for each in venue.tenders}
        return [
            f"{named.get(tender, tender)} {self._money_text(minor, currency)}"
            for (tender, currency), minor in sums.items()
        ]

    def _entries_total(self) -> Account:
        _, entries = self.gettext, self._snapshot.books.entries
        count = sum(each.entries for each in entries)
        off = sum(each.doubles + each.entries_without_ticket for each in entries)
        detail = _("{entries} entries = {tickets} tickets let in, of {valid} valid")
        return self._account(
            "entries",
            _("Entries"),
            _("{n} let in").format(n=self._n(count)),
            detail.format(
                entries=self._n(count),
                tickets=self._n(sum(each.tickets_let_in for each in entries)),
                valid=self._n(sum(each.tickets for each in entries)),
            ),
            self.ngettext("{n} entry", "{n} entries", off).format(n=self._n(off)),
            is_balanced=all(each.balanced for each in entries),
        )

    def _account(
        self,
        kind: str,
        title: str,
        figure: str,
        detail: str,
        difference: str,
        *,
        is_balanced: bool,
    ) -> Account:
        """The difference first: where there is one it takes the figure's place."""
        _ = self.gettext
        if is_balanced:
            return Account(kind, title, figure, detail, _("adds up"), is_balanced)
        return Account(
            kind, title, difference, f"{figure} · {detail}", _("does not add up"), is_balanced
        )

    # --- rows ---------------------------------------------------------------------------

    def _performance(self, units: UnitAccount, entries: EntryAccount) -> PerformanceRow:
        differences = []
        if not units.balanced:
            differences.append(self._unit_difference(units))
        if not entries.balanced:
            differences.append(self._entry_difference(entries))
        return PerformanceRow(
            name=self._event_name(units.event_id),
            when=self._when(units.starts_ms),
            capacity=self._n(units.capacity),
            free=self._n(units.free),
            lent=self._n(units.lent),
            sold=self._n(units.sold),
            blocked=self._n(units.blocked),
            tickets=self._n(units.tickets),
            let_in=self._n(entries.entries),
            differences=tuple(differences),
            bar=_bar(units),
            path=performance_path(units.event_id, units.performance),
            is_cancelled=self._is_cancelled(units),
        )

    def _is_cancelled(self, units: UnitAccount) -> bool:
        event = self._snapshot.events.get(units.event_id)
        found = event.performance(units.performance) if event is not None else None
        return found is not None and found.is_cancelled

    def _money(self, account: MoneyAccount) -> MoneyRow:
        return MoneyRow(
            name=self._event_name(account.event_id),
            orders=self._money_text(account.orders_minor, account.currency),
            tickets=self._money_text(account.tickets_minor, account.currency),
            taken=self._money_text(account.taken_minor, account.currency),
            difference="" if account.balanced else self._money_difference(account),
        )

    def _node(self, node: NodeLine) -> NodeRow:
        _ = self.gettext
        age_ms = _unix_ms(self._snapshot.at) - node.last_seen_ms
        return NodeRow(
            name=node.name,
            role=node_role_name(node.role, self._language),
            state="" if node.state == "active" else _("revoked"),
            last_contact=self._ago(age_ms) if node.last_seen_ms else _("never"),
            is_quiet=self._is_quiet(node),
            lent=self._n(node.lent),
            sold=self._n(node.sold),
            entries=self._n(node.entries),
            unsynced=self._n(node.unsynced_count),
            has_unsynced=node.unsynced_count > 0,
            last_words=self._last_words(node),
            behind=self._n(node.behind) if node.behind else "",
            clock=self._clock(node.clock_offset_ms),
            is_clock_wrong=abs(node.clock_offset_ms) >= SKEW_WARNED_MS,
        )

    def _last_words(self, node: NodeLine) -> str:
        if not node.last_kind:
            return ""
        said = operation_name(node.last_kind, self._language)
        return f"{said} · {self._when(node.last_ms)}"

    def _clock(self, offset_ms: int) -> str:
        """How far its clock is from ours, where that is worth a word."""
        if abs(offset_ms) < SKEW_SHOWN_MS:
            return ""
        seconds, minutes = round(abs(offset_ms) / 1000), round(abs(offset_ms) / 60_000)
        if seconds < 120:
            size = self.ngettext("{n} second", "{n} seconds", seconds).format(n=seconds)
        else:
            size = self.ngettext("{n} minute", "{n} minutes", minutes).format(n=self._n(minutes))
        _ = self.gettext
        words = _("clock {time} ahead") if offset_ms > 0 else _("clock {time} behind")
        return words.format(time=size)

    def _case(self, case: CaseLine) -> CaseRow:
        return CaseRow(
            what=self._what(case),
            where=self._event_name(case.event_id),
            opened=self._when(case.opened_ms),
            path=case_path(case.event_id, case.id),
        )

    def _what(self, case: CaseLine) -> str:
        """What a case is about; of a price also why nothing explains it."""
        said = case_sentence(case.kind, self._language)
        if case.kind != CaseKind.PRICE:
            return said
        return " · ".join((said, *price_sentences(case.body, self._language)))

    # --- words --------------------------------------------------------------------------

    def _named(self, account: UnitAccount | EntryAccount, sentence: str) -> str:
        starts = next(
            each.starts_ms
            for each in self._snapshot.books.units
            if (each.event_id, each.performance) == (account.event_id, account.performance)
        )
        _ = self.gettext
        return _("{event}, {when}: {what}").format(
            event=self._event_name(account.event_id), when=self._when(starts), what=sentence
        )

    def _about(self, where: str, what: str) -> str:
        _ = self.gettext
        return _("{where}: {what}").format(where=where, what=what)

    def _event_name(self, event_id: str) -> str:
        event = self._snapshot.events.get(event_id)
        if event is not None:
            return event.name.in_language(self._language)
        venue = self._snapshot.venue
        return venue.name.in_language(self._language) if event_id == venue.id else event_id

    def _when(self, unix_ms: int) -> str:
        at = datetime.fromtimestamp(unix_ms / 1000, UTC)
        this_year = at.astimezone(self._zone).year == self._snapshot.at.astimezone(self._zone).year
        return format_datetime(at, self._language, zone=self._zone, year=not this_year)

    def _ago(self, age_ms: int) -> str:
        seconds = max(0, age_ms) // 1000
        if seconds < 60:
            return self.ngettext("{n} second ago", "{n} seconds ago", seconds).format(n=seconds)
        if seconds < 3_600:
            minutes = seconds // 60
            return self.ngettext("{n} minute ago", "{n} minutes ago", minutes).format(n=minutes)
        at = datetime.fromtimestamp(self._snapshot.at.timestamp() - seconds, UTC)
        if seconds < 12 * 3_600:
            return format_time(at, self._language, zone=self._zone)
        day = format_date(at.astimezone(self._zone).date(), self._language, year=False)
        return f"{day} {format_time(at, self._language, zone=self._zone)}"

    def _n(self, count: int) -> str:
        return format_count(count, self._language)

    def _money_text(self, minor: int, currency: str) -> str:
        return format_money(minor, currency, self._language)


def performance_path(event_id: str, performance: int) -> str:
    """Where a performance's accounts are."""
    asked = urlencode({"by": "performance", "of": f"{event_id}/{performance}"})
    return f"{ACCOUNTS_PATH}?{asked}"


def case_path(event_id: str, case_id: str) -> str:
    """Where a case is."""
    asked = urlencode({"of": event_id, "case": case_id})
    return f"{CASES_PATH}/one?{asked}"


def _bar(units: UnitAccount) -> tuple[Span, ...]:
    """Sold, lent and blocked as shares of the capacity; what is left of the bar is free."""
    spans, x = [], 0.0
    for kind, count in (("sold", units.sold), ("lent", units.lent), ("blocked", units.blocked)):
        width = round(100 * count / max(1, units.capacity), 2)
        if count:
            spans.append(Span(kind, round(x, 2), width))
        x += width
    return tuple(spans)


def books_as_json(books: Books) -> str:
    """The books for programs: every field, and what follows from them."""
    return json.dumps(_plain(books), ensure_ascii=False)


def _plain(value: object) -> object:
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    fields = getattr(value, "__dataclass_fields__", None)
    if fields is None:
        return value
    plain = {name: _plain(getattr(value, name)) for name in fields}
    for derived in DERIVED:
        if hasattr(value, derived):
            plain[derived] = getattr(value, derived)
    return plain


def _unix_ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)

"""A house with a console: a server process, and tills and gates that speak its HTTP."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Page, expect

from sync_server import commands
from sync_server.services.agencies import NotChanged, add_agency
from sync_server.services.audit import at_command_line
from sync_server.services.initialise import finish
from sync_server.services.people import Person, add_person, hash_password
from sync_server.services.performance_changes import Prepared, Target, prepare_cancel, store_cancel
from sync_server.services.performance_rows import By, version_of
from sync_server.services.permissions import NodeRole, PersonRole
from sync_server.services.sample import Sample, sample_document
from sync_server.services.scopes import Scope, ScopeKind
from sync_server.settings import Settings
from sync_server.store.database import read_only
from sync_server.store.transact import transact
from sync_server.store.writer import Transaction
from tests.bench._house import (
    EVENT,
    VENUE,
    BenchNode,
    Journal,
    Process,
    boxgate_server,
    catalogue_document,
)
from ticketing.catalogue import parse_catalogue
from ticketing.event import Event
from ticketing.ids import OrderId
from ticketing.journal import Op, OpKind
from ticketing.operations import (
    CashLeg,
    Sale,
    ShiftClosed,
    ShiftOpened,
    cash_count,
    encode_entry,
    encode_sale,
    encode_shift_closed,
    encode_shift_opened,
)
from ticketing.shift import make_report

PERIOD_MS = 5_100
"""After which a page has looked for news by itself."""
LONG_AGO_MS = 3 * 86_400_000


@dataclass
class Window:
    """A till: its journals of the event and of the house."""

    node: BenchNode
    sales: Journal
    house: Journal
    shift: ShiftOpened | None = None
    opened_ms: int = 0
    sold: list[Sale] = field(default_factory=list)


@dataclass
class ConsoleHouse:
    """The house, and what happens in it."""

    server: Process
    settings: Settings
    password: str
    http: httpx.Client
    event: Event

    def window(self, name: str, agency: str = "") -> Window:
        """Enrol a till, of the house or of an agency with this name."""
        node = BenchNode(self.http, NodeRole.TILL).enrol(self.settings, name, agency).sign_in()
        return Window(node, Journal(node, EVENT), Journal(node, VENUE))

    def gate(self, name: str) -> Journal:
        """Enrol a gate; its journal of the event."""
        node = BenchNode(self.http, NodeRole.GATE).enrol(self.settings, name).sign_in()
        return Journal(node, EVENT)

    def tell(self, journal: Journal, kind: OpKind, body: str) -> None:
        """One operation, pushed at once."""
        prev = journal.hash
        self.push(journal, prev, [journal.say(kind, body)])

    def push(self, journal: Journal, prev: str, ops: list[Op]) -> None:
        """Push operations; each must be taken."""
        head, _, content = journal.push_request(prev, ops).partition(b"\r\n\r\n")
        answer = self.http.post(
            head.split()[1].decode(),
            content=content,
            headers={
                "Authorization": f"Bearer {journal.node.token}",
                "Content-Type": "application/json",
            },
        )
        assert answer.status_code == httpx.codes.OK, answer.text
        assert {verdict[1] for verdict in answer.json()["verdicts"]} == {"ok"}, answer.text

    def open_shift(self, window: Window, number: int) -> None:
        """A float of 500."""
        shift = OrderId(f"{number:016x}")
        window.shift = ShiftOpened(shift, "li.na", "CNY", cash_count([(100_00, 5)]))
        window.opened_ms = round(datetime.now(UTC).timestamp() * 1000)
        self.tell(window.house, OpKind.SHIFT_OPENED, encode_shift_opened(window.shift))

    def sell(self, window: Window, first_unit: int, count: int = 2, performance: int = 1) -> Sale:
        """Borrow places and sell them for cash, to adults, as the list says."""
        lent = window.node.acquire(performance, range(first_unit, first_unit + count))
        sale = _as_listed(window.node.sale(lent, 0, count), self.event)
        if window.shift is not None:
            sale = _of_shift(sale, window.shift.shift_id)
        window.sold.append(sale)
        self.tell(window.sales, OpKind.SALE, encode_sale(sale))
        return sale

    def lend_long_ago(self, name: str, first_unit: int, count: int) -> None:
        """A new window that was lent places days ago, and is heard of no more."""
        window = self.window(name)
        window.node.acquire(1, range(first_unit, first_unit + count))
        with commands.opened_house(self.settings) as opened:
            transact(
                opened.engine,
                lambda tx: tx.run(
                    "UPDATE allot SET granted_ms = granted_ms - :ms WHERE node_id = :node",
                    ms=LONG_AGO_MS,
                    node=window.node.id,
                ),
            )

    def close_shift(self, window: Window, *, short_minor: int = 0) -> None:
        """Count the drawer, with so much missing."""
        assert window.shift is not None
        made_ms = round(datetime.now(UTC).timestamp() * 1000)
        report = make_report(window.shift, window.opened_ms, window.sold, made_ms)
        counted = report.expected_minor - short_minor
        closed = ShiftClosed(1, "li.na", (cash_count([(1, counted)]),), 10_00, report)
        self.tell(window.house, OpKind.SHIFT_CLOSED, encode_shift_closed(closed))

    def cancel(self, performance: int) -> None:
        """Somebody cancels a performance."""
        with commands.opened_house(self.settings) as opened:
            with read_only(opened.engine).connect() as connection:
                seen = version_of(connection, EVENT, performance)
                ready = prepare_cancel(connection, Target(EVENT, performance, seen))
            assert isinstance(ready, Prepared), ready
            by = By("0" * 16, "Chen Jing", "The stage is under water.")
            refused = transact(
                opened.engine, lambda tx: store_cancel(tx, VENUE, ready, by, at_command_line())
            )
            assert refused is None, refused

    def agency(self, name: str, password: str) -> None:
        """An agency, and "agent", who works for it and signs in by this password."""
        with commands.opened_house(self.settings) as opened:

            def add(tx: Transaction) -> None:
                agency_id = add_agency(tx, name, at_command_line())
                assert not isinstance(agency_id, NotChanged), agency_id
                scope = Scope(ScopeKind.AGENCY, frozenset({agency_id}))
                agent = Person("a" * 16, "agent", "An Agent", PersonRole.AGENT, scope=scope)
                add_person(tx, VENUE, agent, password_hash=hash_password(password))

            transact(opened.engine, add)

    def let_in(self, gate: Journal, sale: Sale, line: int = 0) -> None:
        """A lane lets a ticket in, without asking anybody."""
        entry = gate.node.entry(sale.lines[line], "A")
        self.tell(gate, OpKind.ENTRY, encode_entry(entry))


def change(data_dir: Path, sql: str) -> None:
    """Change what the server of the folder has, behind its back."""
    with closing(sqlite3.connect(data_dir / "boxgate.sqlite3", timeout=10)) as connection:
        connection.execute(sql)
        connection.commit()


def sign_in(page: Page, password: str) -> None:
    """As the manager, and wait until the page's script listens to keys and has set its timer."""
    page.locator("#login").fill("manager")
    page.locator("#password").fill(password)
    page.locator("#password").press("Enter")
    expect(page.locator("#live")).to_be_visible()
    page.wait_for_load_state("load")


def _of_shift(sale: Sale, shift: str) -> Sale:
    return replace(sale, shift=shift)


def _as_listed(sale: Sale, event: Event) -> Sale:
    """At the prices of its places' tiers."""
    tiers = [event.tier_of(line.unit) for line in sale.lines]
    prices = [
        event.price(tier, "adult", line.performance) or 0
        for tier, line in zip(tiers, sale.lines, strict=True)
    ]
    lines = tuple(
        replace(line, tier_id=tier, price_minor=price)
        for line, tier, price in zip(sale.lines, tiers, prices, strict=True)
    )
    total = sum(prices)
    version = event.price_list_version
    return replace(
        sale,
        lines=lines,
        total_minor=total,
        price_list_version=version,
        cash=CashLeg(total, total),
    )


def arena_document() -> dict[str, Any]:
    """Standing places only; tonight and tomorrow."""
    tonight = datetime.now(UTC) + timedelta(hours=2)
    return catalogue_document(2, [tonight, tonight + timedelta(days=1)])


def theatre_document() -> dict[str, Any]:
    """The sample theatre, of 1,260 places, as this house: its venue and event have the arena's ids."""
    document: dict[str, Any] = json.loads(json.dumps(sample_document(Sample.THEATRE)))
    document["venue"]["id"] = VENUE
    document["events"][0]["id"] = EVENT
    return document


@contextmanager
def console_house(
    folder: Path, make: Callable[[], dict[str, Any]] = arena_document
) -> Iterator[ConsoleHouse]:
    """Make the house and serve it."""
    settings = Settings(
        data_dir=folder / "data", database_url=f"sqlite:///{folder}/data/boxgate.sqlite3"
    )
    made = commands.init(settings, None)
    finish(settings)
    file = folder / "catalogue.json"
    document = make()
    file.write_text(json.dumps(document), encoding="utf-8")
    commands.import_catalogue(settings, file)
    catalogue = parse_catalogue(document, source="the test", now=datetime.now(UTC))
    with (
        boxgate_server(settings) as server,
        httpx.Client(base_url=server.url, timeout=60) as http,
    ):
        password, event = made.sign_ins[0].password, catalogue.event(EVENT)
        assert event is not None
        yield ConsoleHouse(server, settings, password, http, event)

"""The books: every difference shows, and a house in order balances."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import Connection

from sync_server.heart.cases import CaseKind, open_case
from sync_server.heart.work import Work
from sync_server.services import stream_books
from sync_server.services.books import CASES_MAX, Books, UnitAccount, read_books
from sync_server.services.contact import Contact, note_contact
from sync_server.services.stream_books import StreamBooks
from sync_server.services.summaries import StreamSummaries
from sync_server.store.database import read_only
from tests.integration.sync_server.stage import CAPACITY, EVENT, VENUE, Stage
from ticketing.journal import OpKind
from ticketing.operations import CashLeg, HandLeg, Refund, RefundAction, encode_refund


def an_evening(stage: Stage) -> None:
    """Lent 5, sold 3, given back 1; two of the three went in."""
    till, gate = stage.till(), stage.gate()
    grant = till.borrow(1, 2, 3, 31, 101)
    sale = till.sell(grant, 1, 2, 101)
    till.release(grant.id, 31)
    till.push()
    for line in sale.lines[:2]:
        gate.let_in(line)
    gate.push()


def test_an_empty_house_balances(stage: Stage) -> None:
    found = stage.books()
    assert found.balanced
    assert [account.performance for account in found.units] == [2, 1]  # by their start
    assert {account.capacity for account in found.units} == {CAPACITY}
    assert {account.free for account in found.units} == {CAPACITY}
    assert found.money == ()
    assert found.nodes == ()


def test_an_evening_in_numbers(stage: Stage) -> None:
    an_evening(stage)
    units = stage.units()
    assert (units.lent, units.sold, units.blocked, units.tickets) == (1, 3, 0, 3)
    assert units.free == CAPACITY - 4
    (money,) = stage.books().money
    assert money.orders_minor == money.tickets_minor == money.taken_minor == 2 * 50_000 + 38_000
    assert (money.currency, money.ledger_sum_minor) == ("CNY", 0)
    entries = stage.entries()
    assert (entries.tickets, entries.entries, entries.tickets_let_in) == (3, 2, 2)
    gate, till = stage.books().nodes
    assert (till.name, till.lent, till.sold, till.entries) == ("Window 1", 1, 3, 0)
    assert (gate.name, gate.lent, gate.sold, gate.entries) == ("Gate 1", 0, 0, 2)
    assert stage.books().balanced
    other = stage.units(2)
    assert (other.free, other.tickets) == (CAPACITY, 0)


@pytest.mark.parametrize(
    "tamper",
    [
        pytest.param("DELETE FROM ticket WHERE unit = 1", id="a ticket is missing"),
        pytest.param("UPDATE ticket SET state = 'void' WHERE unit = 1", id="a sold unit, void"),
        pytest.param(
            "UPDATE claim SET kind = 'free' WHERE unit = 1", id="a ticket for a free unit"
        ),
        pytest.param("UPDATE ticket SET price_minor = 1 WHERE unit = 1", id="a price"),
        pytest.param("UPDATE orders SET total_minor = total_minor + 1", id="an order's total"),
        pytest.param("UPDATE ledger SET amount_minor = 1 WHERE line = 0", id="cash is missing"),
        pytest.param("UPDATE ledger SET amount_minor = 1 WHERE line = 1", id="the ledger's sum"),
        pytest.param("DELETE FROM ledger", id="no ledger"),
        pytest.param("UPDATE entry SET ticket_id = 'x' WHERE unit = 1", id="entry without ticket"),
        pytest.param(
            "UPDATE entry SET ticket_id = (SELECT ticket_id FROM entry WHERE unit = 2)",
            id="a double entry",
        ),
        pytest.param("UPDATE performance SET unit_count = 2", id="more sold than there is"),
        pytest.param(
            "UPDATE node SET unsynced_count = 1 WHERE role = 'till'", id="a till's backlog"
        ),
    ],
)
def test_whatever_does_not_agree_is_shown(stage: Stage, tamper: str) -> None:
    an_evening(stage)
    assert stage.books().balanced
    assert stage.do(lambda tx: tx.run(tamper)) > 0
    assert not stage.books().balanced


def test_a_returned_entry_does_not_count(stage: Stage) -> None:
    an_evening(stage)
    stage.do(lambda tx: tx.run("UPDATE entry SET phase = 'returned' WHERE unit = 1"))
    assert (stage.entries().entries, stage.entries().tickets_let_in) == (1, 1)


def test_a_unit_kept_back_is_neither_free_nor_sold(stage: Stage) -> None:
    stage.do(
        lambda tx: tx.run(
            "INSERT INTO claim (event_id, perf_id, unit, kind, ref, node_id, version, rev) "
            "VALUES (:e, 1, 9, 'blocked', '', '', 0, :rev)",
            e=EVENT,
            rev=tx.next_rev(EVENT),
        )
    )
    units = stage.units()
    assert (units.blocked, units.free, units.balanced) == (1, CAPACITY - 1, True)


def test_currencies_are_counted_apart(stage: Stage) -> None:
    till = stage.till()
    grant = till.borrow(1, 2)
    till.sell(grant, 1)
    till.say_sale(till.sale(till.line(2, grant.id), currency="HKD"))
    till.push()
    accounts = stage.books().money
    assert [(a.currency, a.orders_minor, a.tickets_minor) for a in accounts] == [
        ("CNY", 50_000, 50_000),
        ("HKD", 50_000, 50_000),
    ]
    assert all(account.balanced for account in accounts)


def test_an_oversold_unit_is_a_case_and_its_money_is_there(stage: Stage) -> None:
    till, other = stage.till(), stage.till("Window 2")
    first = till.borrow(1)
    till.sell(first, 1)
    till.push()
    other.say_sale(other.sale(other.line(1, first.id)))
    other.push()
    units, (money,) = stage.units(), stage.books().money
    assert (units.sold, units.tickets, units.balanced) == (1, 1, True)
    assert money.balanced
    assert money.taken_minor == 100_000
    assert not stage.books().balanced
    assert [case.kind for case in stage.books().open_cases] == ["oversold"]


def test_open_cases_are_listed_oldest_first_up_to_a_limit(stage: Stage) -> None:
    def open_many(work: Work) -> None:
        for at in range(CASES_MAX + 5):
            open_case(work, CaseKind.POISON, f"{at:04}", {"at": at})

    stage.work(open_many)
    found = stage.books()
    assert found.open_case_count == CASES_MAX + 5
    assert len(found.open_cases) == CASES_MAX
    assert found.open_cases[0].id == "poison:0000"
    assert not found.balanced
    stage.do(lambda tx: tx.run("UPDATE case_file SET state = 'closed'"))
    assert stage.books().open_cases == ()
    assert stage.books().balanced


def test_opening_a_case_twice_leaves_one_that_is_up_to_date(stage: Stage) -> None:
    for body in ({"n": 1}, {"n": 2}):
        stage.work(lambda work, body=body: open_case(work, CaseKind.PRICE, "x", body))  # type: ignore[misc]
    rows = stage.rows("SELECT body, state, rev FROM case_file")
    assert [(row.body, row.state) for row in rows] == [('{"n": 2}', "open")]
    assert rows[0].rev == stage.one("SELECT head FROM stream WHERE event_id = :e", e=EVENT)


CONTACT = Contact(1_000, unsynced_count=4, program_version="0.1.0", clock_offset_ms=-250)


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        pytest.param(Contact(2_000), (2_000, 4, "0.1.0", -250), id="just a sign of life"),
        pytest.param(Contact(2_000, 0), (2_000, 0, "0.1.0", -250), id="nothing waits any more"),
        pytest.param(
            Contact(2_000, 1, "0.2.0", 10), (2_000, 1, "0.2.0", 10), id="everything is new"
        ),
    ],
)
def test_contact_leaves_what_it_does_not_tell(
    stage: Stage, second: Contact, expected: tuple[object, ...]
) -> None:
    till = stage.till()
    head = stage.one("SELECT head FROM stream WHERE kind = 'house'")
    for contact in (CONTACT, second):
        stage.do(lambda tx, contact=contact: note_contact(tx, till.node_id, contact))  # type: ignore[misc]
    (node,) = stage.books().nodes
    assert (
        node.last_seen_ms,
        node.unsynced_count,
        node.program_version,
        node.clock_offset_ms,
    ) == expected
    assert stage.one("SELECT head FROM stream WHERE kind = 'house'") == head  # no news to others


def test_a_readers_books_are_of_one_moment(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sale that commits between two of the reader's queries is in both accounts or in none."""
    till = stage.till()
    grant = till.borrow(1, 2)
    till.sell(grant, 1)
    till.push()
    count_units = stream_books._units
    till.sell(grant, 2)

    def units_then_sale(
        connection: Connection, event_id: str, claims: list[tuple[int, str, str, int]]
    ) -> tuple[UnitAccount, ...]:
        counted = count_units(connection, event_id, claims)
        if till.acked < len(till.ops):
            assert till.push() == ["ok"]
        return counted

    monkeypatch.setattr(stream_books, "_units", units_then_sale)
    found = stage.books()
    (units,) = [account for account in found.units if account.performance == 1]
    assert (units.sold, units.tickets) == (1, 1)
    assert found.money[0].orders_minor == 50_000
    assert stage.books().money[0].orders_minor == 100_000


def test_every_tender_is_booked_under_its_name_and_the_books_balance(stage: Stage) -> None:
    """Paid by card, in parts, rounded, and paid back by card: each account has its own sum."""
    till = stage.till()
    grant = till.borrow(1, 2, 101)
    by_card = till.sale(till.line(1, grant.id))
    total = by_card.total_minor
    till.say_sale(replace(by_card, cash=CashLeg(0, 0), legs=(HandLeg("card", total, "0042"),)))
    parts = till.sale(till.line(2, grant.id))
    legs = (HandLeg("card", 20_000), HandLeg("bank", 9_996))
    in_cash = total - 29_996
    till.say_sale(
        replace(parts, legs=legs, cash=CashLeg(in_cash - 4, in_cash - 4), rounding_minor=-4)
    )
    till.push()
    assert stage.books().balanced
    sums = {one.tender: (one.taken_minor, one.name) for one in stage.books().tenders}
    assert sums == {"card": (total + 20_000, "Window 1"), "bank": (9_996, "Window 1")}
    (cash,) = stage.books().cash
    assert cash.cash_minor == in_cash - 4
    assert [row.amount_minor for row in stage.rows(ROUNDING_LINES)] == [4]
    refund = Refund(
        by_card.order_id,
        RefundAction.VOID,
        tuple(line.ticket_id for line in by_card.lines),
        0,
        0,
        "CNY",
        "li.na",
        "buyer",
        legs=(HandLeg("card", total, "0042"),),
    )
    till.say(OpKind.REFUND, encode_refund(refund))
    till.push()
    sums = {one.tender: (one.taken_minor, one.name) for one in stage.books().tenders}
    assert sums["card"] == (20_000, "Window 1")
    (money,) = stage.books().money
    assert money.balanced


ROUNDING_LINES = "SELECT amount_minor FROM ledger WHERE account = 'rounding'"


def test_a_streams_books_are_counted_again_only_when_its_head_has_moved(stage: Stage) -> None:
    an_evening(stage)
    counted: list[str] = []

    def count(connection: Connection, stream: str) -> StreamBooks:
        counted.append(stream)
        return stream_books.read_stream_books(connection, stream)

    history = "a"
    kept = StreamSummaries(count, lambda: history)

    def look() -> Books:
        with read_only(stage.engine).connect() as connection:
            return read_books(connection, kept.read)

    assert look() == stage.books()
    assert sorted(counted) == sorted([VENUE, EVENT])
    counted.clear()
    assert look() == stage.books()
    assert counted == []
    till = stage.till("Window 2")  # of the house: only its stream has moved
    assert look() == stage.books()
    assert counted == [VENUE]
    till.sell(till.borrow(32), 32)
    till.push()
    counted.clear()
    assert look() == stage.books()
    assert counted == [EVENT]
    counted.clear()
    history = "b"  # set back, and gone on differently from there: heads say nothing now
    assert look() == stage.books()
    assert len(counted) == 2

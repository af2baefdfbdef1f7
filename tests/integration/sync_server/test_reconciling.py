"""Reconciliation: every figure from two sides, each difference with the rows behind it."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pypdf
import pytest

from sync_server.console.paper import statement_pdf
from sync_server.console.statement import make_statement
from sync_server.console.tables import to_csv, to_xlsx
from sync_server.services.account_rows import (
    Which,
    entries_behind,
    orders_behind,
    places_behind,
)
from sync_server.services.catalogue import load_plan, load_venue
from sync_server.services.contact import Contact, note_contact
from sync_server.services.reckoning import (
    By,
    Check,
    CheckKind,
    LineCode,
    NoteCode,
    Reckoning,
    digest_of,
    from_text,
    to_text,
)
from sync_server.services.reconciling import Facts, House
from sync_server.services.sign_off import NoSignOff, SignOff, newest_sign_offs, sign, sign_offs_of
from sync_server.services.summaries import read_heads
from sync_server.services.takings import LATE_MS, read_stream_takings
from sync_server.store.database import read_only
from tests.integration.sync_server.stage import EVENT, NOW, VENUE, Stage, Till
from ticketing.ids import OrderId
from ticketing.journal import OpKind
from ticketing.operations import (
    Sale,
    ShiftClosed,
    ShiftOpened,
    cash_count,
    encode_sale,
    encode_shift_closed,
    encode_shift_opened,
)
from ticketing.operations.shift_report import JournalSeen
from ticketing.shift import make_report

SHIFT = OrderId("0000000000000abc")
FLOAT = ShiftOpened(SHIFT, "li.na", "CNY", cash_count([(100_00, 5)]))
DAY = "2026-11-28"
PERSON = ("p1", "陈静 Chen Jing")


def house_of(stage: Stage) -> House:
    with read_only(stage.engine).connect() as connection:
        venue = load_venue(connection, VENUE)
        plan = load_plan(connection, EVENT)
        assert plan is not None
        takings = {each: read_stream_takings(connection, each) for each in read_heads(connection)}
    return House(Facts(venue, {EVENT: plan[2]}, stage.books(), takings))


def reckoned(stage: Stage, by: By, of: str) -> Reckoning:
    found = house_of(stage).reckon(by, of)
    assert found is not None
    return found


def check_of(reckoning: Reckoning, kind: CheckKind) -> Check:
    return next(each for each in reckoning.checks if each.kind is kind)


def figures(check: Check) -> dict[LineCode, int]:
    return {line.code: line.figure for line in check.lines}


def house_journal(till: Till) -> Till:
    return replace(till, stream=VENUE, ops=[], acked=0)


def work(stage: Stage, *, short_minor: int = 0, journals: tuple[JournalSeen, ...] = ()) -> Till:
    """A shift: two seats and a standing place sold for cash, then the drawer counted."""
    till = stage.till()
    counter = house_journal(till)
    counter.say(OpKind.SHIFT_OPENED, encode_shift_opened(FLOAT))
    grant = till.borrow(1, 2, 101)
    sale = replace(till.sale(*(till.line(unit, grant.id) for unit in (1, 2, 101))), shift=SHIFT)
    till.say(OpKind.SALE, encode_sale(sale))
    till.push()
    _close(counter, [sale], short_minor, journals)
    counter.push()
    return till


def _close(
    counter: Till, sales: list[Sale], short_minor: int, journals: tuple[JournalSeen, ...]
) -> None:
    now_ms = counter.stage.now_ms
    report = make_report(FLOAT, now_ms, sales, now_ms, journals)
    counted = cash_count([(1, report.expected_minor - short_minor)])
    closed = ShiftClosed(1, "li.na", (counted,), 10_00, report)
    counter.say(OpKind.SHIFT_CLOSED, encode_shift_closed(closed))


# --- what adds up


def test_an_evening_that_is_in_order_adds_up_by_day_shift_till_and_performance(
    stage: Stage,
) -> None:
    till = work(stage)
    scopes = ((By.DAY, DAY), (By.SHIFT, SHIFT), (By.TILL, till.node_id))
    for by, of in scopes:
        found = reckoned(stage, by, of)
        assert found.open_checks == (), by
        money = figures(check_of(found, CheckKind.TAKINGS))
        assert money[LineCode.ORDERS] == money[LineCode.TAKEN] == 138_000
        cash = figures(check_of(found, CheckKind.CASH))
        assert cash[LineCode.EXPECTED] == cash[LineCode.COUNTED] == 188_000
        own = figures(check_of(found, CheckKind.SHIFTS))
        assert own[LineCode.REPORTED] == own[LineCode.ARRIVED] == 138_000
    places = reckoned(stage, By.PERFORMANCE, f"{EVENT}/1")
    assert places.open_checks == ()
    stock = figures(check_of(places, CheckKind.STOCK))
    parts = (
        LineCode.FREE,
        LineCode.HELD,
        LineCode.LENT,
        LineCode.SOLD,
        LineCode.BLOCKED,
        LineCode.RETURNED,
        LineCode.WRITTEN_OFF,
    )
    assert sum(stock[each] for each in parts) == stock[LineCode.CAPACITY] == 27
    assert stock[LineCode.SOLD] == stock[LineCode.VALID] == 3


def test_tickets_are_entered_not_come_or_taken_back(stage: Stage) -> None:
    till, gate = stage.till(), stage.gate()
    grant = till.borrow(1, 2, 3)
    sale = till.sell(grant, 1, 2, 3)
    till.push()
    gate.let_in(sale.lines[0])
    gate.push()
    found = reckoned(stage, By.PERFORMANCE, f"{EVENT}/1")
    tickets = figures(check_of(found, CheckKind.TICKETS))
    assert tickets[LineCode.ENTERED] == 1
    assert tickets[LineCode.NOT_COME] == 2
    assert tickets[LineCode.TAKEN_BACK] == 0
    assert tickets[LineCode.ISSUED] == 3
    lanes = check_of(reckoned(stage, By.GATE, gate.node_id), CheckKind.ENTRIES)
    assert [(line.figure, line.is_sum) for line in lanes.lines] == [(1, False), (1, True)]


def test_what_there_is_to_reconcile_is_listed(stage: Stage) -> None:
    till = work(stage)
    house = house_of(stage)
    assert NOW.date().isoformat() in [day.isoformat() for day in house.days()]
    assert (EVENT, 1) in house.performances()
    assert [each.id for each in house.shifts_by_age()] == [SHIFT]
    assert [each.id for each in house.of_role("till")] == [till.node_id]


@pytest.mark.parametrize(
    ("by", "of"),
    [
        pytest.param(By.DAY, "yesterday", id="no day"),
        pytest.param(By.DAY, "9999-12-31", id="a day beyond the calendar"),
        pytest.param(By.PERFORMANCE, "swan-lake", id="no number"),
        pytest.param(By.PERFORMANCE, "swan-lake/99", id="no such performance"),
        pytest.param(By.SHIFT, "nothing", id="no such shift"),
        pytest.param(By.TILL, "nobody", id="no such till"),
    ],
)
def test_of_what_is_not_there_nothing_is_reckoned(stage: Stage, by: By, of: str) -> None:
    assert house_of(stage).reckon(by, of) is None


def test_a_till_is_no_gate(stage: Stage) -> None:
    till = stage.till()
    assert house_of(stage).reckon(By.GATE, till.node_id) is None


# --- what does not


def test_a_drawer_that_is_short_is_a_difference_with_its_shift_named(stage: Stage) -> None:
    work(stage, short_minor=500)
    cash = check_of(reckoned(stage, By.DAY, DAY), CheckKind.CASH)
    assert (cash.difference, cash.currency) == (-500, "CNY")
    (note,) = cash.notes
    assert (note.code, note.figure) == (NoteCode.SHIFT_COUNTED, -500)
    assert "Window 1 · Z 1" in note.name[""]


def test_one_short_and_one_over_are_no_agreement(stage: Stage) -> None:
    work(stage, short_minor=500)
    second = stage.till("Window 2")
    counter = house_journal(second)
    other = replace(FLOAT, shift_id=OrderId("0000000000000def"))
    counter.say(OpKind.SHIFT_OPENED, encode_shift_opened(other))
    report = make_report(other, stage.now_ms, [], stage.now_ms)
    counted = cash_count([(1, report.expected_minor + 500)])
    closed = ShiftClosed(1, "li.na", (counted,), 10_00, report)
    counter.say(OpKind.SHIFT_CLOSED, encode_shift_closed(closed))
    counter.push()
    cash = check_of(reckoned(stage, By.DAY, DAY), CheckKind.CASH)
    assert sum(note.figure for note in cash.notes) == 0
    assert cash.difference != 0


def test_a_sale_of_a_closed_shift_that_never_arrived_is_missed(stage: Stage) -> None:
    till = stage.till()
    counter = house_journal(till)
    counter.say(OpKind.SHIFT_OPENED, encode_shift_opened(FLOAT))
    grant = till.borrow(1)
    sale = replace(till.sale(till.line(1, grant.id)), shift=SHIFT)
    seen = JournalSeen(EVENT, 1, 1, "0" * 64, 0)
    _close(counter, [sale], 0, (seen,))
    counter.push()
    found = reckoned(stage, By.SHIFT, SHIFT)
    arrived = check_of(found, CheckKind.SHIFTS)
    assert arrived.difference == -50_000
    assert [note.code for note in arrived.notes] == [NoteCode.SHIFT_INCOMPLETE]
    missing = check_of(found, CheckKind.MISSING)
    assert missing.difference == 1
    assert [note.code for note in missing.notes] == [NoteCode.NOT_ARRIVED]


def test_what_a_node_has_not_sent_is_missing(stage: Stage) -> None:
    till = work(stage)
    stage.do(lambda tx: note_contact(tx, till.node_id, Contact(stage.now_ms, 4)))
    missing = check_of(reckoned(stage, By.TILL, till.node_id), CheckKind.MISSING)
    assert (missing.difference, missing.notes[0].code) == (4, NoteCode.NOT_SENT)


@pytest.mark.parametrize(
    ("tamper", "kind", "difference"),
    [
        pytest.param(
            "UPDATE orders SET total_minor = total_minor + 100",
            CheckKind.TAKINGS,
            -100,
            id="an order's total",
        ),
        pytest.param(
            "UPDATE ledger SET amount_minor = amount_minor - 700 WHERE account LIKE 'cash:%' "
            "AND order_id <> ''",
            CheckKind.TAKINGS,
            -700,
            id="cash that was not booked",
        ),
        pytest.param(
            "UPDATE ledger SET amount_minor = amount_minor - 9 WHERE account = 'sales'",
            CheckKind.TAKINGS,
            9,
            id="sales booked otherwise",
        ),
        pytest.param(
            "DELETE FROM op WHERE event_id = 'swan-lake'", CheckKind.GAPS, 1, id="a lost record"
        ),
    ],
)
def test_whatever_is_changed_shows_as_a_difference(
    stage: Stage, tamper: str, kind: CheckKind, difference: int
) -> None:
    work(stage)
    assert stage.do(lambda tx: tx.run(tamper)) > 0
    assert check_of(reckoned(stage, By.DAY, DAY), kind).difference == difference


def test_a_z_report_that_was_left_out_is_a_gap(stage: Stage) -> None:
    till = stage.till()
    counter = house_journal(till)
    report = make_report(FLOAT, stage.now_ms, [], stage.now_ms)
    closed = ShiftClosed(3, "li.na", (cash_count([(1, 50_000)]),), 10_00, report)
    counter.say(OpKind.SHIFT_CLOSED, encode_shift_closed(closed))
    counter.push()
    gaps = check_of(reckoned(stage, By.TILL, till.node_id), CheckKind.GAPS)
    assert [(note.code, note.figure) for note in gaps.notes] == [(NoteCode.Z_GAP, 3)]


def test_what_arrives_late_is_named_and_is_no_difference(stage: Stage) -> None:
    till = stage.till()
    grant = till.borrow(1, 2)
    for unit, late_ms in ((1, LATE_MS + 1), (2, LATE_MS)):
        sale = till.sale(till.line(unit, grant.id))
        till.say(OpKind.SALE, encode_sale(sale), wall_ms=stage.now_ms - late_ms)
    till.push()
    late = check_of(reckoned(stage, By.DAY, DAY), CheckKind.LATE)
    assert (late.difference, late.lines[0].figure) == (0, 1)


# --- the rows behind


def test_the_order_that_makes_the_difference_is_shown(stage: Stage) -> None:
    work(stage)
    with read_only(stage.engine).connect() as connection:
        before = orders_behind(connection, Which(shift=SHIFT))
    assert (before.differing, len(before.rows)) == (False, 1)
    stage.do(lambda tx: tx.run("UPDATE orders SET total_minor = total_minor + 100"))
    begin = round(datetime(2026, 11, 28, tzinfo=UTC).timestamp() * 1000)
    for which in (
        Which(shift=SHIFT),
        Which(event_id=EVENT),
        Which(from_ms=begin, to_ms=begin + 86_400_000),
    ):
        with read_only(stage.engine).connect() as connection:
            found = orders_behind(connection, which)
        assert found.differing
        assert [row[3:6] for row in found.rows] == [(138_100, 138_000, 138_000)]


def test_places_and_tickets_that_do_not_fit_are_shown(stage: Stage) -> None:
    work(stage)
    with read_only(stage.engine).connect() as connection:
        assert not places_behind(connection, EVENT, 1).differing
    stage.do(lambda tx: tx.run("UPDATE claim SET kind = 'free' WHERE unit = 2"))
    with read_only(stage.engine).connect() as connection:
        found = places_behind(connection, EVENT, 1)
    assert found.differing
    assert [(row[0], row[1], row[3]) for row in found.rows] == [(2, "free", "valid")]


def test_a_ticket_let_in_twice_is_shown(stage: Stage) -> None:
    till, gate = stage.till(), stage.gate()
    sale = till.sell(till.borrow(1, 2), 1, 2)
    till.push()
    gate.let_in(sale.lines[0])
    gate.push()
    with read_only(stage.engine).connect() as connection:
        assert not entries_behind(connection, EVENT, 1).differing
    other = stage.gate("Gate 2")
    other.let_in(sale.lines[0])
    other.push()
    with read_only(stage.engine).connect() as connection:
        found = entries_behind(connection, EVENT, 1)
    assert found.differing
    assert [(row[0], row[3]) for row in found.rows] == [(sale.lines[0].ticket_id, 2)]


# --- signing off


def test_a_reckoning_is_one_text_and_comes_back_from_it(stage: Stage) -> None:
    work(stage, short_minor=500)
    found = reckoned(stage, By.DAY, DAY)
    assert from_text(to_text(found)) == found
    assert to_text(reckoned(stage, By.DAY, DAY)) == to_text(found)


def signed(stage: Stage, reckoning: Reckoning, note: str = "", seen: str = "") -> Any:
    digest = seen or digest_of(to_text(reckoning))
    return stage.do(lambda tx: sign(tx, reckoning, digest, PERSON, note))


def test_what_was_signed_stays_as_it_was(stage: Stage) -> None:
    work(stage)
    found = reckoned(stage, By.DAY, DAY)
    made = signed(stage, found)
    assert isinstance(made, SignOff)
    stage.do(lambda tx: tx.run("UPDATE orders SET total_minor = total_minor + 100"))
    with read_only(stage.engine).connect() as connection:
        (kept,) = sign_offs_of(connection, By.DAY, DAY)
        assert newest_sign_offs(connection, By.DAY, [DAY])[DAY][2] == made.digest
    assert kept == made
    assert kept.is_sound
    assert kept.reckoning == found
    assert digest_of(to_text(reckoned(stage, By.DAY, DAY))) != made.digest


def test_nobody_signs_figures_that_they_did_not_see(stage: Stage) -> None:
    work(stage)
    found = reckoned(stage, By.DAY, DAY)
    assert signed(stage, found, seen="0" * 64) is NoSignOff.CHANGED
    assert stage.one("SELECT count(*) FROM sign_off") == 0


def test_a_difference_is_signed_with_a_word_about_it_only(stage: Stage) -> None:
    work(stage, short_minor=500)
    found = reckoned(stage, By.DAY, DAY)
    assert signed(stage, found) is NoSignOff.NO_REASON
    assert signed(stage, found, "  ") is NoSignOff.NO_REASON
    assert signed(stage, found, "x" * 501) is NoSignOff.TOO_LONG
    assert isinstance(signed(stage, found, "a banknote fell behind the drawer"), SignOff)


def test_changed_text_is_found_out(stage: Stage) -> None:
    work(stage)
    signed(stage, reckoned(stage, By.DAY, DAY))
    stage.do(lambda tx: tx.run("UPDATE sign_off SET body = replace(body, '138000', '139000')"))
    with read_only(stage.engine).connect() as connection:
        (kept,) = sign_offs_of(connection, By.DAY, DAY)
    assert not kept.is_sound


# --- on paper and in tables


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_the_paper_of_signed_figures_is_the_same_bytes_and_has_its_own_font(
    stage: Stage, language: str
) -> None:
    work(stage, short_minor=500)
    made = signed(stage, reckoned(stage, By.DAY, DAY), "少了五元 a banknote")
    zone = house_of(stage).facts.venue.zone

    def paper() -> bytes:
        statement = make_statement(made.reckoning, language, zone)
        return statement_pdf(statement, "海韵大剧院", made, language, zone)

    data = paper()
    assert data == paper()
    pages = pypdf.PdfReader(io.BytesIO(data)).pages
    text = "".join(page.extract_text() for page in pages)
    assert made.digest in text.replace("\n", "")
    assert "5.00" in text
    assert "海韵大剧院" in text
    fonts = pages[0]["/Resources"]["/Font"]  # type: ignore[index]
    for font in fonts.values():
        descriptor = font.get_object().get("/FontDescriptor")
        assert descriptor is None or "/FontFile2" in descriptor.get_object()


def test_tables_have_every_figure_as_a_number(stage: Stage) -> None:
    work(stage, short_minor=500)
    statement = make_statement(reckoned(stage, By.DAY, DAY), "en", house_of(stage).facts.venue.zone)
    rows = to_csv(statement, "en").decode("utf-8-sig").splitlines()
    assert rows[0] == "Account,About,Figure,Amount,Currency,State"
    assert any(",Counted,1875.00,CNY," in row for row in rows)
    assert any(",Difference,-5.00,CNY," in row for row in rows)
    book = to_xlsx(statement, "en")
    assert book == to_xlsx(statement, "en")
    assert book.startswith(b"PK")


def test_a_name_that_looks_like_a_formula_is_a_text(stage: Stage) -> None:
    till = stage.till('=HYPERLINK("http://x.example","y")')
    stage.do(lambda tx: note_contact(tx, till.node_id, Contact(stage.now_ms, 4)))
    found = reckoned(stage, By.TILL, till.node_id)
    statement = make_statement(found, "en", house_of(stage).facts.venue.zone)
    table = to_csv(statement, "en").decode("utf-8-sig")
    assert ",=HYPERLINK" not in table
    assert ',"=HYPERLINK' not in table
    assert "'=HYPERLINK" in table
    import zipfile

    with zipfile.ZipFile(io.BytesIO(to_xlsx(statement, "en"))) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
        assert "<f>" not in sheet
        assert "HYPERLINK" in book.read("xl/sharedStrings.xml").decode()


def test_the_signed_text_is_plain_json(stage: Stage) -> None:
    work(stage)
    raw = json.loads(to_text(reckoned(stage, By.SHIFT, SHIFT)))
    assert raw["format"] == "boxgate-reckoning-1"
    assert raw["by"] == "shift"

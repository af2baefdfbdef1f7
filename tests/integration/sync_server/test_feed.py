"""The feed: nothing is stepped over, nobody is told what is not theirs to know."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Mapping

import pytest

from sync_server.services.feed import News, Page, pull_all
from sync_server.services.people import Person, add_person
from sync_server.services.permissions import PersonRole
from sync_server.store.database import read_only
from tests.fakes.databases import is_on_postgresql
from tests.integration.sync_server.stage import EVENT, VENUE, Gate, Journal, Stage, Till

PIN_HASH = "$argon2id$v=19$m=65536$secret"


@pytest.fixture
def till(stage: Stage) -> Till:
    return stage.till()


@pytest.fixture
def gate(stage: Stage) -> Gate:
    return stage.gate()


def page_of(stage: Stage, node: Journal, stream: str, after: int = 0, limit: int = 5_000) -> Page:
    page = stage.pull(node, stream, after, limit)
    assert page is not None
    return page


def key_of(row: list[object]) -> tuple[object, ...]:
    """What a row is about: two rows with one key are two states of it."""
    kind, _rev, body = row
    assert isinstance(body, dict)
    names = {
        "doc": ("kind", "id"),
        "claim": ("p", "u"),
        "allot": ("id",),
        "ticket": ("id",),
        "entry": ("op",),
        "node": ("id",),
        "person": ("id",),
        "order": ("id",),
        "order_no": ("id",),
        "case": ("id",),
    }
    assert isinstance(kind, str)
    return kind, *(body[name] for name in names[kind])


def body_of(row: list[object]) -> dict[str, object]:
    body = row[2]
    assert isinstance(body, dict)
    return body


def rev_of(row: list[object]) -> int:
    rev = row[1]
    assert isinstance(rev, int)
    return rev


def kinds_of(rows: Iterable[list[object]]) -> set[object]:
    return {row[0] for row in rows}


def read_all(
    stage: Stage, node: Journal, stream: str, limit: int
) -> tuple[dict[tuple[object, ...], list[object]], int]:
    """Read page by page to the end, as a node does."""
    held: dict[tuple[object, ...], list[object]] = {}
    cursor = 0
    for _ in range(1_000):
        page = page_of(stage, node, stream, cursor, limit)
        revs = [rev_of(row) for row in page.rows]
        assert revs == sorted(set(revs))  # in order, and no two share one
        assert all(cursor < rev <= page.next for rev in revs)
        assert len(page.rows) <= limit
        held.update((key_of(row), row) for row in page.rows)
        assert page.next > cursor or not page.more
        cursor = page.next
        if not page.more:
            return held, cursor
    raise AssertionError("paging does not end")


def busy(stage: Stage, till: Till, gate: Gate) -> None:
    """Some of everything an event's feed can hold."""
    grant = till.borrow(1, 2, 3, 4)
    sale = till.sell(grant, 1, 2)
    till.release(grant.id, 3)
    till.push()
    gate.let_in(sale.lines[0])
    gate.push()
    stage.till("Window 2").borrow(31, 101)


# --- no gaps


@pytest.mark.parametrize("role", ["till", "gate"])
@pytest.mark.parametrize("stream", [EVENT, VENUE])
def test_pages_of_every_size_tell_the_same(
    stage: Stage, till: Till, gate: Gate, role: str, stream: str
) -> None:
    busy(stage, till, gate)
    node: Journal = till if role == "till" else gate
    whole = page_of(stage, node, stream)
    assert not whole.more
    assert whole.next == whole.head
    assert len(whole.rows) > 3
    for limit in range(1, len(whole.rows) + 2):
        held, cursor = read_all(stage, node, stream, limit)
        assert held == {key_of(row): list(row) for row in whole.rows}
        assert cursor == whole.head


@pytest.mark.parametrize("seed", range(1 if is_on_postgresql() else 3))
@pytest.mark.parametrize("limit", [1, 2, 5])
def test_rows_that_move_while_they_are_read_are_not_missed(
    stage: Stage, till: Till, gate: Gate, seed: int, limit: int
) -> None:
    """Between any two pages tills sell, release and borrow; the reader ends where the books are."""
    chance = random.Random(seed)
    held: dict[tuple[object, ...], list[object]] = {}
    cursor, grants = 0, [till.borrow(*range(1, 7))]
    for turn in range(400):
        page = page_of(stage, gate, EVENT, cursor, limit)
        held.update((key_of(row), row) for row in page.rows)
        cursor = page.next
        if not page.more and turn >= 25:
            break
        if turn < 25:
            grant = chance.choice(grants)
            unit = chance.choice(grant.units)[0]
            if chance.random() < 0.5:
                till.sell(grant, unit)
            else:
                till.release(grant.id, unit)
            till.push()
            free = [n for n in range(1, 19) if stage.claims().get(n, ("free",))[0] == "free"]
            if free and chance.random() < 0.4:
                grants.append(till.borrow(chance.choice(free)))
    whole = page_of(stage, gate, EVENT)
    assert cursor == whole.head
    assert held == {key_of(row): row for row in whole.rows}


def test_a_reader_at_the_head_gets_nothing(stage: Stage, till: Till, gate: Gate) -> None:
    busy(stage, till, gate)
    head = page_of(stage, till, EVENT).head
    page = page_of(stage, till, EVENT, head)
    assert page == Page((), head, head)
    assert not page.more


def test_what_is_not_in_a_nodes_scope_moves_its_cursor_all_the_same(
    stage: Stage, till: Till
) -> None:
    """Or it would ask for the same nothing for ever."""
    before = page_of(stage, till, EVENT).head
    other = stage.till("Window 2")
    gate = stage.gate()
    sale = other.sell(other.borrow(1), 1)
    other.push()
    seen = page_of(stage, till, EVENT).head
    gate.let_in(sale.lines[0])
    gate.push()
    page = page_of(stage, till, EVENT, seen)
    assert page.rows == ()
    assert page.next == page.head > seen > before


def test_a_hold_of_the_centres_own_is_nobodys_news(stage: Stage, till: Till, gate: Gate) -> None:
    till.borrow(1)
    head = page_of(stage, gate, EVENT).head
    stage.do(lambda tx: tx.run("UPDATE allot SET node_id = '', rev = :r", r=tx.next_rev(EVENT)))
    for node in (till, gate):
        assert page_of(stage, node, EVENT, head).rows == ()


def test_a_change_gives_a_row_a_new_revision(stage: Stage, till: Till) -> None:
    grant = till.borrow(1, 2)
    first = page_of(stage, till, EVENT)
    till.sell(grant, 1)
    till.push()
    page = page_of(stage, till, EVENT, first.head)
    assert [key_of(row) for row in page.rows if row[0] != "order"] == [("claim", 1, 1)]


def test_an_unknown_stream_is_no_page(stage: Stage, till: Till) -> None:
    assert stage.pull(till, "no-such-event") is None


# --- scopes


def test_a_till_is_told_of_claims_orders_and_its_own_allotments(
    stage: Stage, till: Till, gate: Gate
) -> None:
    busy(stage, till, gate)
    rows = page_of(stage, till, EVENT).rows
    assert kinds_of(rows) == {"doc", "claim", "allot", "order"}
    assert [body_of(row)["total"] for row in rows if row[0] == "order"] == [
        stage.one("SELECT total_minor FROM orders")
    ]
    assert [body_of(row)["node"] for row in rows if row[0] == "allot"] == [till.node_id]
    claims = [body_of(row) for row in rows if row[0] == "claim"]
    claimed = {body["u"]: body["kind"] for body in claims}
    assert claimed == {1: "sold", 2: "sold", 3: "free", 4: "allot", 31: "allot", 101: "allot"}


def test_a_gate_is_told_of_tickets_entries_and_all_allotments(
    stage: Stage, till: Till, gate: Gate
) -> None:
    busy(stage, till, gate)
    rows = page_of(stage, gate, EVENT).rows
    assert kinds_of(rows) == {"doc", "allot", "ticket", "entry", "order_no"}
    assert len([row for row in rows if row[0] == "allot"]) == 2
    assert len([row for row in rows if row[0] == "ticket"]) == 2
    (entry,) = [body_of(row) for row in rows if row[0] == "entry"]
    assert (entry["node"], entry["lane"], entry["phase"]) == (
        gate.node_id,
        "lane 1",
        "granted",
    )


def test_nodes_are_told_of_people_and_of_the_pins_that_are_typed_there(
    stage: Stage, till: Till, gate: Gate
) -> None:
    person = Person("person-1", "li.na", "李娜 Li Na", PersonRole.CASHIER)
    stage.do(lambda tx: add_person(tx, VENUE, person, password_hash="console", pin_hash=PIN_HASH))
    to_till, to_gate = page_of(stage, till, VENUE).rows, page_of(stage, gate, VENUE).rows
    assert kinds_of(to_till) == {"doc", "node", "person"}
    assert kinds_of(to_gate) == {"doc", "node", "person"}
    (told,) = [row[2] for row in to_till if row[0] == "person"]
    assert told == {
        "id": "person-1",
        "name": "李娜 Li Na",
        "role": "cashier",
        "pin": PIN_HASH,
        "state": "active",
    }
    text = json.dumps(to_gate, ensure_ascii=False)
    assert PIN_HASH not in text
    assert "李娜" not in text
    for rows in (to_till, to_gate):
        assert "console" not in json.dumps(rows)  # nobody's password leaves the centre


def test_a_node_is_told_with_its_key_and_the_servers_signature(stage: Stage, gate: Gate) -> None:
    till = stage.till("Window 7")
    bodies = [body_of(row) for row in page_of(stage, gate, VENUE).rows if row[0] == "node"]
    nodes = {body["name"]: body for body in bodies}
    assert set(nodes) == {"Gate 1", "Window 7"}
    told = nodes["Window 7"]
    assert told["id"] == till.node_id
    names = {"id", "name", "role", "key", "key_id", "signature", "state", "hub"}
    assert set(told) == names


def test_an_event_tells_nothing_of_another(stage: Stage, till: Till, gate: Gate) -> None:
    busy(stage, till, gate)
    house = page_of(stage, till, VENUE).rows
    assert not kinds_of(house) & {"claim", "allot", "ticket", "entry", "order", "case"}


@pytest.mark.parametrize("role", ["till", "gate"])
def test_both_roles_are_told_of_cases(stage: Stage, till: Till, gate: Gate, role: str) -> None:
    stage.do(
        lambda tx: tx.run(
            "INSERT INTO case_file (event_id, id, kind, state, opened_ms, body, rev) "
            "VALUES (:e, 'price:1', 'price', 'open', 5, '{\"order\":\"1\"}', :r)",
            e=EVENT,
            r=tx.next_rev(EVENT),
        )
    )
    node: Journal = till if role == "till" else gate
    (told,) = [body_of(row) for row in page_of(stage, node, EVENT).rows if row[0] == "case"]
    assert told == {
        "id": "price:1",
        "kind": "price",
        "state": "open",
        "at_ms": 5,
        "body": {"order": "1"},
    }


# --- several streams in one call


def read_all_streams(stage: Stage, node: Journal, after: Mapping[str, int], limit: int) -> News:
    with read_only(stage.engine).connect() as connection:
        return pull_all(connection, node.role, node.node_id, VENUE, after, limit)


def test_one_call_brings_no_more_rows_than_its_limit_whatever_the_number_of_streams(
    stage: Stage, till: Till, gate: Gate
) -> None:
    """And says of every stream whether it has more."""
    busy(stage, till, gate)
    whole = {stream: page_of(stage, till, stream) for stream in (EVENT, VENUE)}
    total = sum(len(page.rows) for page in whole.values())
    for limit in range(1, total + 1):
        after, held, calls = {EVENT: 0, VENUE: 0}, 0, 0
        while True:
            pages = read_all_streams(stage, till, after, limit).pages
            assert sum(len(page.rows) for page in pages.values()) <= limit
            held += sum(len(page.rows) for page in pages.values())
            after = {stream: page.next for stream, page in pages.items()}
            calls += 1
            if not any(page.more for page in pages.values()):
                break
            assert calls <= total
        assert held == total
        assert after == {stream: page.head for stream, page in whole.items()}


def test_streams_that_do_not_exist_spoil_nothing(stage: Stage, till: Till) -> None:
    news = read_all_streams(stage, till, {"nothing": 3, EVENT: 0, "no-more": 0}, 1)
    assert set(news.pages) == {EVENT}
    assert (news.purged, news.ends_before) == (None, False)


def test_a_stream_that_has_to_wait_for_the_next_call_is_news_too(stage: Stage, till: Till) -> None:
    """Or its reader would sleep on what is there to be read."""
    till.borrow(1)
    at_end = page_of(stage, till, VENUE).head
    after = {VENUE: at_end - 1, EVENT: 0}
    news = read_all_streams(stage, till, after, 1)
    assert news.pages[EVENT] == Page((), 0, page_of(stage, till, EVENT).head)
    assert news.pages[EVENT].more
    assert news.leads_on(after)
    assert not read_all_streams(stage, till, {VENUE: at_end}, 1).leads_on({VENUE: at_end})


def test_a_cursor_beyond_the_end_is_of_another_history(stage: Stage, till: Till) -> None:
    head = page_of(stage, till, EVENT).head
    assert read_all_streams(stage, till, {VENUE: 1, EVENT: head + 1}, 1).ends_before
    assert not read_all_streams(stage, till, {VENUE: 1, EVENT: head}, 1).ends_before


# --- what has been purged


def test_a_cursor_older_than_what_is_kept_has_to_begin_again(stage: Stage, till: Till) -> None:
    till.borrow(1, 2)
    head = page_of(stage, till, EVENT).head
    stage.do(
        lambda tx: tx.run("UPDATE stream SET min_rev = :r WHERE event_id = :e", e=EVENT, r=head)
    )
    purged = {
        after: read_all_streams(stage, till, {VENUE: 1, EVENT: after}, 1).purged
        for after in range(9)
    }
    assert head > 2
    assert purged == {after: EVENT if 0 < after < head else None for after in range(9)}

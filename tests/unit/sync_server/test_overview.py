"""The first page as values: what is open comes first, and every figure is the books'."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from typing import Any

import pytest

from sync_server.console import overview as overview_module
from sync_server.console.overview import (
    Overview,
    Snapshot,
    books_as_json,
    make_overview,
    node_rows,
)
from sync_server.services.books import (
    Books,
    CaseLine,
    EntryAccount,
    MoneyAccount,
    NodeLine,
    UnitAccount,
)
from ticketing.catalogue import Catalogue, parse_catalogue

AT = datetime(2026, 11, 22, 11, 30, tzinfo=UTC)
AT_MS = round(AT.timestamp() * 1000)
EVENT = "swan-lake"


@cache
def sample() -> Catalogue:
    text = (resources.files("resources") / "samples" / "theatre.json").read_text("utf-8")
    return parse_catalogue(json.loads(text), source="theatre.json", now=AT)


def units(performance: int = 1, **changes: Any) -> UnitAccount:
    usual = UnitAccount(
        EVENT,
        performance,
        AT_MS + performance * 86_400_000,
        capacity=1_260,
        lent=60,
        sold=200,
        blocked=0,
        tickets=200,
    )
    return replace(usual, **changes)


def entries(performance: int = 1, **changes: Any) -> EntryAccount:
    usual = EntryAccount(
        EVENT, performance, tickets=200, entries=90, tickets_let_in=90, entries_without_ticket=0
    )
    return replace(usual, **changes)


def money(**changes: Any) -> MoneyAccount:
    usual = MoneyAccount(
        EVENT,
        "CNY",
        orders_minor=127_000,
        tickets_minor=127_000,
        taken_minor=127_000,
        ledger_sum_minor=0,
    )
    return replace(usual, **changes)


def node(**changes: Any) -> NodeLine:
    usual = NodeLine(
        id="n1",
        name="Window 1",
        role="till",
        state="active",
        last_seen_ms=AT_MS - 3_000,
        unsynced_count=0,
        program_version="0.1.0",
        clock_offset_ms=0,
        lent=60,
        sold=200,
        entries=0,
    )
    return replace(usual, **changes)


def books(**changes: Any) -> Books:
    usual = Books(
        units=(units(),),
        money=(money(),),
        entries=(entries(),),
        nodes=(node(),),
        cash=(),
        open_cases=(),
        open_case_count=0,
    )
    return replace(usual, **changes)


def page(shown: Books, language: str = "en") -> Overview:
    events = {event.id: event for event in sample().events}
    return make_overview(Snapshot(sample().venue, events, shown, AT), language)


def case(n: int = 1, event_id: str = EVENT) -> CaseLine:
    return CaseLine(event_id, f"double_entry:{n}", "double_entry", AT_MS - n, "{}")


def test_when_all_adds_up_it_says_so() -> None:
    shown = page(books())
    assert shown.is_settled
    assert shown.headline == "All accounted for"
    assert shown.open_items == ()
    assert [account.is_balanced for account in shown.accounts] == [True, True, True]


def test_the_accounts_are_sums_over_all_performances() -> None:
    shown = page(
        books(units=(units(1), units(2, sold=50, tickets=50)), entries=(entries(1), entries(2)))
    )
    takings, places, doors = shown.accounts
    assert places.figure == "250 sold"
    assert places.detail == "2,150 free + 120 lent + 250 sold + 0 blocked = 2,520"
    assert takings.figure == "¥1,270.00"
    assert doors.detail == "180 entries = 180 tickets let in, of 400 valid"


@pytest.mark.parametrize(
    ("changes", "item"),
    [
        pytest.param(
            {"units": (units(sold=199),)},
            "Mon, 23 Nov 19:30: places sold 199, valid tickets 200",
            id="a sold place without a ticket",
        ),
        pytest.param(
            {"units": (units(blocked=1_001),)},
            "Mon, 23 Nov 19:30: places taken 1,261, capacity 1,260",
            id="more places than there are",
        ),
        pytest.param(
            {"entries": (entries(entries=91),)},
            "Mon, 23 Nov 19:30: entries 91, tickets let in 90",
            id="a double entry",
        ),
        pytest.param(
            {"entries": (entries(entries_without_ticket=1),)},
            "1 entry with a ticket whose sale has not arrived yet",
            id="an entry before its sale",
        ),
        pytest.param(
            {"money": (money(taken_minor=126_900),)},
            "orders ¥1,270.00, tickets ¥1,270.00, taken ¥1,269.00",
            id="cash missing",
        ),
        pytest.param(
            {"nodes": (node(unsynced_count=1),)},
            "Window 1: 1 record waits to be sent",
            id="a till that has not sent all",
        ),
        pytest.param(
            {"open_cases": (case(),), "open_case_count": 1},
            "A ticket was let in more than once",
            id="a case",
        ),
    ],
)
def test_what_is_open_is_said_in_a_sentence(changes: dict[str, object], item: str) -> None:
    shown = page(books(**changes))
    assert not shown.is_settled
    assert shown.headline == "1 thing is open"
    assert len(shown.open_items) == 1
    assert shown.open_items[0].text.replace("Mon 23", "Mon, 23").endswith(item)


@pytest.mark.parametrize(
    ("changes", "place", "figure"),
    [
        pytest.param({"money": (money(taken_minor=126_500),)}, 0, "−¥5.00", id="money"),
        pytest.param({"units": (units(sold=198),)}, 1, "2 places", id="places"),
        pytest.param({"entries": (entries(entries=91),)}, 2, "1 entry", id="entries"),
    ],
)
def test_an_account_that_differs_says_first_by_how_much(
    changes: dict[str, object], place: int, figure: str
) -> None:
    account = page(books(**changes)).accounts[place]
    assert (account.figure, account.state) == (figure, "does not add up")


@pytest.mark.parametrize(
    ("offset_ms", "said", "wrong"),
    [
        pytest.param(1_999, "", False, id="hardly"),
        pytest.param(2_000, "clock 2 seconds ahead", False, id="a little"),
        pytest.param(-60_000, "clock 60 seconds behind", True, id="a minute"),
        pytest.param(7_200_000, "clock 120 minutes ahead", True, id="hours"),
    ],
)
def test_a_nodes_clock_is_told_where_it_is_off(offset_ms: int, said: str, *, wrong: bool) -> None:
    row = page(books(nodes=(node(clock_offset_ms=offset_ms),))).nodes[0]
    assert (row.clock, row.is_clock_wrong) == (said, wrong)


def test_a_node_shows_what_it_told_last_and_how_far_it_has_read() -> None:
    row = page(books(nodes=(node(last_kind="sale", last_ms=AT_MS, behind=3),))).nodes[0]
    assert row.last_words.replace("Sun, 22", "Sun 22") == "Sale · Sun 22 Nov 19:30"
    assert row.behind == "3"
    silent = page(books(nodes=(node(),))).nodes[0]
    assert (silent.last_words, silent.behind) == ("", "")


def test_a_ledger_that_does_not_sum_to_zero_is_open() -> None:
    assert page(books(money=(money(ledger_sum_minor=1),))).headline == "1 thing is open"


def test_differences_come_first_in_every_table() -> None:
    shown = page(
        books(
            units=(units(1), units(2, sold=1)),
            entries=(entries(1), entries(2)),
            nodes=(node(name="A"), node(name="B", unsynced_count=2)),
        )
    )
    assert [bool(row.differences) for row in shown.performances] == [True, False]
    assert [row.name for row in shown.nodes] == ["B", "A"]


def test_cases_beyond_those_listed_are_counted() -> None:
    shown = page(books(open_cases=(case(1), case(2)), open_case_count=140))
    assert shown.headline == "140 things are open"
    assert shown.cases_left_out == 138


def test_long_lists_are_cut_and_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overview_module, "PERFORMANCES_SHOWN_MAX", 2)
    monkeypatch.setattr(overview_module, "OPEN_SHOWN_MAX", 1)
    numbers = range(1, 6)
    shown = page(
        books(
            units=tuple(units(n, sold=1) for n in numbers),
            entries=tuple(entries(n) for n in numbers),
        )
    )
    assert (len(shown.performances), shown.performances_left_out) == (2, 3)
    assert len(shown.open_items) == 1
    assert shown.headline == "5 things are open"


def test_of_many_machines_those_in_order_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overview_module, "NODES_SHOWN_MAX", 4)
    odd: dict[str, dict[str, Any]] = {
        "in order": {},
        "clock": {"clock_offset_ms": 90_000},
        "in order too": {},
        "quiet": {"last_seen_ms": AT_MS - 90_000},
        "revoked": {"last_seen_ms": AT_MS - 90_000, "state": "revoked"},
        "waits": {"unsynced_count": 2},
    }
    snapshot = books(nodes=tuple(node(id=n, name=n, **odd[n]) for n in odd))
    shown = page(snapshot)
    assert [row.name for row in shown.nodes] == ["waits", "in order", "clock", "quiet"]
    assert shown.nodes_left_out == 2
    everything = node_rows(Snapshot(sample().venue, {}, snapshot, AT), "en")
    assert [row.name for row in everything] == list(odd)


def test_nothing_sold_yet_shows_zero_in_the_venues_currency() -> None:
    assert page(books(money=())).accounts[0].figure == "¥0.00"


@pytest.mark.parametrize(
    ("seen_ms", "said", "quiet"),
    [
        pytest.param(0, "never", False, id="never"),
        pytest.param(AT_MS, "0 seconds ago", False, id="now"),
        pytest.param(AT_MS + 5_000, "0 seconds ago", False, id="by a clock that is ahead"),
        pytest.param(AT_MS - 1_000, "1 second ago", False, id="a second ago"),
        pytest.param(AT_MS - 60_000, "1 minute ago", True, id="a minute ago"),
        pytest.param(AT_MS - 3_599_000, "59 minutes ago", True, id="nearly an hour ago"),
        pytest.param(AT_MS - 3_600_000, "18:30", True, id="an hour ago"),
        pytest.param(AT_MS - 86_400_000, "Sat 21 Nov 19:30", True, id="yesterday"),
    ],
)
def test_last_contact_is_said_as_people_say_it(seen_ms: int, said: str, *, quiet: bool) -> None:
    row = page(books(nodes=(node(last_seen_ms=seen_ms),))).nodes[0]
    assert row.last_contact.replace(",", "") == said
    assert row.is_quiet is quiet


def test_times_are_the_venues() -> None:
    shown = page(books())
    assert shown.as_of == "19:30:00"  # 11:30 UTC in Shanghai
    assert shown.performances[0].when.endswith("19:30")


def test_bars_show_shares_of_the_capacity() -> None:
    (row,) = page(books(units=(units(capacity=1_000, sold=500, lent=250, blocked=0),))).performances
    assert [(span.kind, span.x, span.width) for span in row.bar] == [
        ("sold", 0.0, 50.0),
        ("lent", 50.0, 25.0),
    ]


def test_an_unknown_event_is_called_by_its_id() -> None:
    shown = page(books(open_cases=(case(1, "gone"), case(2, "seaview")), open_case_count=2))
    assert shown.cases[0].where == "gone"
    assert shown.cases[1].where == "Seaview Grand Theatre"


def test_a_revoked_node_says_so() -> None:
    assert page(books(nodes=(node(state="revoked"),))).nodes[0].state == "revoked"


def test_the_json_has_every_field_and_what_follows_from_them() -> None:
    found = json.loads(books_as_json(books(units=(units(sold=199),))))
    assert found["balanced"] is False
    assert found["units"][0]["free"] == 1_001
    assert found["units"][0]["balanced"] is False
    assert found["money"][0] == {
        "event_id": EVENT,
        "currency": "CNY",
        "orders_minor": 127_000,
        "tickets_minor": 127_000,
        "taken_minor": 127_000,
        "ledger_sum_minor": 0,
        "balanced": True,
    }
    assert found["nodes"][0]["last_seen_ms"] == AT_MS - 3_000

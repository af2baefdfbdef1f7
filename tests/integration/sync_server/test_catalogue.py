"""The catalogue in a real database: imported twice it changes nothing, and no ticket loses its place."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from sync_server.services.catalogue import (
    NotStored,
    Stored,
    load_plan,
    load_venue,
    store_catalogue,
)
from sync_server.services.people import Person, add_person
from sync_server.services.permissions import PersonRole
from sync_server.store.database import create_schema, open_engine, read_only
from sync_server.store.transact import transact
from sync_server.store.writer import Transaction
from ticketing.catalogue import parse_catalogue

NOW = datetime(2026, 11, 22, 6, tzinfo=UTC)
EVENT = "swan-lake"


@cache
def sample_text() -> str:
    return (resources.files("resources") / "samples" / "theatre.json").read_text("utf-8")


@pytest.fixture
def document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(sample_text())
    return found


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_engine(f"sqlite:///{tmp_path / 'box.sqlite3'}")
    create_schema(engine)
    yield engine
    engine.dispose()


def store(engine: Engine, document: dict[str, Any]) -> Stored | NotStored:
    catalogue = parse_catalogue(document, source="test.json", now=NOW)
    return transact(engine, lambda tx: store_catalogue(tx, catalogue))


def refusals(engine: Engine, document: dict[str, Any]) -> tuple[str, ...]:
    before = everything(engine)
    answer = store(engine, document)
    assert isinstance(answer, NotStored)
    assert everything(engine) == before
    return tuple(map(str, answer.reasons))


def everything(engine: Engine) -> list[Any]:
    def read(tx: Transaction) -> list[Any]:
        return [
            tx.rows("SELECT * FROM doc ORDER BY event_id, kind, id"),
            tx.rows("SELECT * FROM performance ORDER BY perf_id"),
            tx.rows("SELECT * FROM stream ORDER BY event_id"),
        ]

    return transact(engine, read)


def take(engine: Engine, performance: int, unit: int, kind: str = "sold") -> None:
    transact(
        engine,
        lambda tx: tx.run(
            "INSERT INTO claim (event_id, perf_id, unit, kind, ref, node_id, version, rev) "
            "VALUES (:e, :p, :u, :kind, '', '', 1, :rev)",
            e=EVENT,
            p=performance,
            u=unit,
            kind=kind,
            rev=tx.next_rev(EVENT),
        ),
    )


def test_the_first_catalogue_founds_the_house(engine: Engine, document: dict[str, Any]) -> None:
    person = Person("0" * 16, "manager", "Manager", PersonRole.MANAGER)
    transact(engine, lambda tx: add_person(tx, None, person))
    answer = store(engine, document)
    assert answer == Stored("seaview", event_count=1, performance_count=5, changed_count=3)
    rows = transact(
        engine, lambda tx: tx.rows("SELECT event_id, kind, head FROM stream ORDER BY 1")
    )
    # The house: its venue, its list of events, and the person who was there before. The event:
    # its document, and the three pools of its price rules.
    assert [tuple(row) for row in rows] == [("seaview", "house", 3), (EVENT, "event", 4)]
    (person_row,) = transact(engine, lambda tx: tx.rows("SELECT rev FROM person"))
    assert person_row[0] > 0


def test_importing_again_changes_nothing(engine: Engine, document: dict[str, Any]) -> None:
    store(engine, document)
    before = everything(engine)
    answer = store(engine, document)
    assert isinstance(answer, Stored)
    assert answer.changed_count == 0
    assert everything(engine) == before


def test_a_new_price_changes_the_events_document_only(
    engine: Engine, document: dict[str, Any]
) -> None:
    store(engine, document)
    document["events"][0]["price_list"]["prices_minor"]["vip"]["adult"] = 99_900
    answer = store(engine, document)
    assert isinstance(answer, Stored)
    assert answer.changed_count == 1
    (row,) = transact(
        engine, lambda tx: tx.rows("SELECT rev FROM doc WHERE event_id = 'swan-lake'")
    )
    assert row[0] == 5  # after the document and three pools


def test_what_is_loaded_is_what_was_imported(engine: Engine, document: dict[str, Any]) -> None:
    store(engine, document)
    with read_only(engine).connect() as connection:
        plan = load_plan(connection, EVENT)
        assert plan is not None
        assert (plan[0].id, plan[1].unit_count, plan[2].id) == ("seaview", 1_260, EVENT)
        assert load_plan(connection, EVENT) is plan
        assert load_plan(connection, "no-such-event") is None
        assert load_venue(connection, "seaview") == plan[0]
        with pytest.raises(LookupError):
            load_venue(connection, "elsewhere")


def test_a_loaded_plan_is_current_after_an_import(engine: Engine, document: dict[str, Any]) -> None:
    store(engine, document)
    reader = read_only(engine)
    with reader.connect() as connection:
        before = load_plan(connection, EVENT)
    document["events"][0]["name"]["en"] = "Giselle"
    store(engine, document)
    with reader.connect() as connection:
        after = load_plan(connection, EVENT)
    assert before is not None
    assert after is not None
    assert before[2].name.in_language("en") != "Giselle"
    assert after[2].name.in_language("en") == "Giselle"


def test_a_plan_that_was_rolled_back_is_not_remembered(
    engine: Engine, document: dict[str, Any]
) -> None:
    store(engine, document)
    wrong, right = copy.deepcopy(document), copy.deepcopy(document)
    wrong["events"][0]["name"]["en"] = "Wrong"
    right["events"][0]["name"]["en"] = "Right"

    def import_look_and_fail(tx: Transaction) -> None:
        store_catalogue(tx, parse_catalogue(wrong, source="test.json", now=NOW))
        assert load_plan(tx, EVENT) is not None
        raise RuntimeError

    with pytest.raises(RuntimeError):
        transact(engine, import_look_and_fail)
    store(engine, right)  # takes the very revision that was rolled back
    plan = transact(engine, lambda tx: load_plan(tx, EVENT))
    assert plan is not None
    assert plan[2].name.in_language("en") == "Right"


def test_another_venue_is_refused(engine: Engine, document: dict[str, Any]) -> None:
    store(engine, document)
    document["venue"]["id"] = "elsewhere"
    (reason,) = refusals(engine, document)
    assert "belongs to the venue 'seaview'" in reason


def test_a_sold_place_that_vanishes_is_refused(engine: Engine, document: dict[str, Any]) -> None:
    store(engine, document)
    take(engine, 1, 1_260)
    for area in document["plans"][0]["areas"]:
        if area["id"] == "standing":
            area["capacity"] = 40
    (reason,) = refusals(engine, document)
    assert "1 places that are lent, sold or blocked" in reason
    assert "unit 1260 of performance 1" in reason


def test_a_long_list_of_vanished_places_is_cut(engine: Engine, document: dict[str, Any]) -> None:
    store(engine, document)
    for unit in range(1_241, 1_261):
        take(engine, 1, unit, "allot")
    for area in document["plans"][0]["areas"]:
        if area["id"] == "standing":
            area["capacity"] = 40
    (reason,) = refusals(engine, document)
    assert "such as unit 1241 of performance 1" in reason


def test_a_free_place_may_vanish(engine: Engine, document: dict[str, Any]) -> None:
    store(engine, document)
    take(engine, 1, 1_260, "free")
    for area in document["plans"][0]["areas"]:
        if area["id"] == "standing":
            area["capacity"] = 40
    assert isinstance(store(engine, document), Stored)


def test_a_performance_with_a_history_cannot_be_dropped(
    engine: Engine, document: dict[str, Any]
) -> None:
    store(engine, document)
    take(engine, 5, 1, "free")  # sold once, and given back: tickets of it are about
    del document["events"][0]["performances"][4]
    (reason,) = refusals(engine, document)
    assert "performance 5 is no longer in the catalogue" in reason


def test_a_performance_without_a_history_can(engine: Engine, document: dict[str, Any]) -> None:
    store(engine, document)
    del document["events"][0]["performances"][4]
    assert isinstance(store(engine, document), Stored)
    rows = transact(engine, lambda tx: tx.rows("SELECT perf_id FROM performance ORDER BY 1"))
    assert [row[0] for row in rows] == [1, 2, 3, 4]


def test_a_performances_number_is_never_used_twice(
    engine: Engine, document: dict[str, Any]
) -> None:
    store(engine, document)
    document["events"][0]["id"] = "giselle"
    reasons = refusals(engine, document)
    assert len(reasons) == 5
    assert "performance number 1 already belongs to the event 'swan-lake'" in reasons[0]


def test_the_currency_stays_once_tickets_are_sold(engine: Engine, document: dict[str, Any]) -> None:
    store(engine, document)
    transact(
        engine,
        lambda tx: tx.run(
            "INSERT INTO orders (event_id, id, node_id, inc, seq, receipt_no, state, total_minor, "
            "currency, sold_by, sold_ms, rev) VALUES ('swan-lake', 'o', 'n', 1, 1, '1', 'paid', 1, 'CNY', '', 1, 1)"
        ),
    )
    document["venue"]["currency"] = "EUR"
    (reason,) = refusals(engine, document)
    assert "sold in CNY" in reason

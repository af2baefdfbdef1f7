"""The mirror: rows and the cursor move together, in its file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from edge.catalogue import MirrorCatalogue
from edge.mirror import BadChange, Change, Mirror
from tests.fakes.till import sample_catalogue
from ticketing.catalogue import event_document

GEN = "0a1b2c3d"
TABLES = {"order": "orders", "case": "case_file"}
"""Of kinds whose name is not their table's."""
ROWS: dict[str, dict[str, Any]] = {
    "doc": {"kind": "event", "id": "faust", "body": {"name": "浮士德"}},
    "claim": {"p": 1, "u": 5, "kind": "sold", "ref": "x", "node": "n", "v": 2},
    "allot": {"id": f"{GEN}-1", "node": "n", "p": 1, "state": "open", "units": [[5, 0], [6, 1]]},
    "ticket": {"id": "t", "p": 1, "u": 5, "v": 0, "state": "valid", "blocked": ""},
    "entry": {"op": "o", "ticket": "t", "node": "n", "lane": "A", "phase": "granted", "at_ms": 3},
    "order": {
        "id": "o",
        "node": "n",
        "no": "A1-000001",
        "state": "paid",
        "total": 38000,
        "refunded": 0,
        "currency": "CNY",
        "by": "lina",
        "at_ms": 3,
    },
    "case": {"id": "price:o", "kind": "price", "state": "open", "at_ms": 3, "body": {"a": 1}},
    "node": {
        "id": "n",
        "name": "POS-01",
        "role": "till",
        "key": "aa",
        "key_id": "0b0b0b0b",
        "signature": "bb",
        "state": "active",
    },
    "person": {
        "id": "lina",
        "name": "李娜",
        "role": "cashier",
        "pin": "$argon2",
        "state": "active",
    },
}


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[Mirror]:
    with closing(Mirror(tmp_path / "mirror.db")) as mirror:
        yield mirror


def rows(mirror: Mirror, table: str) -> list[dict[str, Any]]:
    table = TABLES.get(table, table)
    with mirror.reading() as connection:
        found = connection.execute(f"SELECT * FROM {table} ORDER BY rev")  # noqa: S608
        return [dict(row) for row in found]


def test_every_kind_of_row_lands_in_its_table(mirror: Mirror) -> None:
    changes = [Change(kind, rev, body) for rev, (kind, body) in enumerate(ROWS.items(), 1)]
    mirror.apply("faust", GEN, changes, len(changes))
    assert {kind: len(rows(mirror, kind)) for kind in ROWS} == dict.fromkeys(ROWS, 1)
    assert rows(mirror, "claim")[0] == {
        "stream": "faust",
        "performance": 1,
        "unit": 5,
        "kind": "sold",
        "ref": "x",
        "node_id": "n",
        "version": 2,
        "rev": 2,
    }
    assert json.loads(rows(mirror, "doc")[0]["body"]) == {"name": "浮士德"}
    assert json.loads(rows(mirror, "allot")[0]["units"]) == [5, 6]
    assert mirror.cursors() == {"faust": len(ROWS)}
    assert mirror.generation() == GEN


def test_a_later_state_of_a_row_takes_the_place_of_the_earlier(mirror: Mirror) -> None:
    mirror.apply("faust", GEN, [Change("claim", 1, ROWS["claim"])], 1)
    mirror.apply("faust", GEN, [Change("claim", 2, {**ROWS["claim"], "kind": "free"})], 2)
    assert [(row["kind"], row["rev"]) for row in rows(mirror, "claim")] == [("free", 2)]


def test_a_page_with_one_bad_row_leaves_rows_and_cursor_as_they_were(mirror: Mirror) -> None:
    mirror.apply("faust", GEN, [], 1)
    page = [Change("claim", 2, ROWS["claim"]), Change("ticket", 3, {"id": "t"})]
    with pytest.raises(BadChange, match="kind ticket at 3 makes no sense"):
        mirror.apply("faust", GEN, page, 3)
    assert rows(mirror, "claim") == []
    assert mirror.cursors() == {"faust": 1}
    mirror.apply("faust", GEN, page[:1], 2)
    assert mirror.cursors() == {"faust": 2}


@pytest.mark.parametrize("kind", ROWS)
def test_every_member_of_every_kind_must_be_there_and_of_its_type(
    mirror: Mirror, kind: str
) -> None:
    for member in ROWS[kind]:
        wrong: tuple[object, ...] = (None, {}, 2**70)
        if isinstance(ROWS[kind][member], int):
            wrong += ("five", 5.5)
        bodies = [{**ROWS[kind], member: value} for value in wrong]
        bodies.append({key: value for key, value in ROWS[kind].items() if key != member})
        if member == "body":  # anything at all is a document
            bodies = bodies[3:]
        for body in bodies:
            with pytest.raises(BadChange):
                mirror.apply("faust", GEN, [Change(kind, 1, body)], 1)
    assert rows(mirror, kind) == []


def test_forgetting_drops_everything(mirror: Mirror) -> None:
    changes = [Change(kind, rev, body) for rev, (kind, body) in enumerate(ROWS.items(), 1)]
    mirror.apply("faust", GEN, changes, len(changes))
    mirror.forget()
    assert all(rows(mirror, kind) == [] for kind in ROWS)
    assert mirror.cursors() == {}
    assert mirror.generation() == ""


def test_forgetting_a_stream_leaves_the_others(mirror: Mirror) -> None:
    changes = [Change(kind, rev, body) for rev, (kind, body) in enumerate(ROWS.items(), 1)]
    mirror.apply("faust", GEN, changes, 9)
    other = {**ROWS["claim"], "u": 6}
    mirror.apply("carmen", GEN, [Change("claim", 1, other)], 1)
    mirror.forget_stream("faust")
    assert [row["unit"] for row in rows(mirror, "claim")] == [6]
    assert all(rows(mirror, kind) == [] for kind in ROWS if kind != "claim")
    assert mirror.cursors() == {"carmen": 1}


def test_the_row_that_a_table_refuses_is_named(mirror: Mirror) -> None:
    page = [Change("claim", rev, {**ROWS["claim"], "u": rev}) for rev in range(1, 9)]
    page[4] = Change("claim", 5, {**ROWS["claim"], "u": "five"})
    with pytest.raises(BadChange, match="kind claim at 5 makes no sense"):
        mirror.apply("faust", GEN, page, 9)
    assert rows(mirror, "claim") == []


def test_a_reader_sees_rows_and_cursor_of_one_moment(mirror: Mirror) -> None:
    with mirror.reading() as connection:
        connection.execute("SELECT * FROM cursor").fetchall()
        mirror.apply("faust", GEN, [Change("claim", 1, ROWS["claim"])], 1)
        assert connection.execute("SELECT count(*) FROM claim").fetchone()[0] == 0
        assert connection.execute("SELECT count(*) FROM cursor").fetchone()[0] == 0
    assert len(rows(mirror, "claim")) == 1


def test_closing_twice_is_closing_once(mirror: Mirror) -> None:
    mirror.close()
    mirror.close()


# --- the catalogue in it


def the_document() -> dict[str, Any]:
    catalogue = sample_catalogue()
    event = catalogue.events[0]
    plan = catalogue.plan(event.plan_id)
    assert plan is not None
    return event_document(catalogue.venue, plan, event)


def publish(mirror: Mirror, event_id: str, rev: int, document: object) -> None:
    body = {"kind": "event", "id": event_id, "body": document}
    mirror.apply(event_id, GEN, [Change("doc", rev, body)], rev)


def test_an_event_is_parsed_once_for_each_revision(mirror: Mirror) -> None:
    event = sample_catalogue().events[0]
    publish(mirror, event.id, 1, the_document())
    catalogue = MirrorCatalogue(mirror)
    first = catalogue.event(event.id)
    assert first is not None
    assert first.event == event
    assert catalogue.events() == (first,)
    assert catalogue.event(event.id) is first
    found = catalogue.performance(event.performances[1].number)
    assert found == (first, event.performances[1])
    publish(mirror, event.id, 2, the_document())
    again = catalogue.event(event.id)
    assert again is not None
    assert (again.rev, again is first) == (2, False)


def test_what_the_mirror_lacks_is_none(mirror: Mirror) -> None:
    catalogue = MirrorCatalogue(mirror)
    assert catalogue.events() == ()
    assert catalogue.event("faust") is None
    assert catalogue.performance(1) is None


@pytest.mark.expected_errors("event_unreadable")
def test_an_event_that_cannot_be_read_hides_no_other(
    mirror: Mirror, caplog: pytest.LogCaptureFixture
) -> None:
    event = sample_catalogue().events[0]
    publish(mirror, "aaa", 1, {"format": "of next year"})
    publish(mirror, event.id, 1, the_document())
    catalogue = MirrorCatalogue(mirror)
    for _ in range(3):
        assert [known.event.id for known in catalogue.events()] == [event.id]
        assert catalogue.event("aaa") is None
    assert [record.message for record in caplog.records].count("event_unreadable") == 1


def test_an_event_forgotten_between_two_reads_is_none(
    mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(mirror, "faust", 1, the_document())
    catalogue = MirrorCatalogue(mirror)
    real = catalogue._load

    def forgotten_meanwhile(event_id: str, rev: int) -> object:
        mirror.forget()
        return real(event_id, rev)

    monkeypatch.setattr(catalogue, "_load", forgotten_meanwhile)
    assert catalogue.events() == ()

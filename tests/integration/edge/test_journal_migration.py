"""A journal of an earlier version becomes one of today in place, with everything that is in it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from edge.allotments import Grant, install, take
from edge.buyers import SealedBuyer, erase_here, note_buyer
from edge.database import open_existing
from edge.journal import head_of, heads, set_open_shift, unacked, wall_high_ms
from edge.journal_schema import MIGRATIONS
from edge.replica import Replica, create_journal
from tests.fakes.edge_node import EVENT, NODE, VENUE, write
from ticketing.ids import AllotmentId, OrderId
from ticketing.terms import Anchor

NOW = Anchor(0.0, "boot", 0, 0)

OLD = Path(__file__).parents[2] / "data" / "journal-1.sql"


@pytest.fixture
def migrated(tmp_path: Path) -> Iterator[Replica]:
    with closing(sqlite3.connect(tmp_path / "journal.db")) as connection:
        connection.executescript(OLD.read_text())
    with closing(Replica(tmp_path)) as replica:
        yield replica


def test_nothing_that_was_recorded_is_lost(migrated: Replica) -> None:
    with migrated.reading() as connection:
        head = head_of(connection, EVENT)
        assert (head.seq, head.acked, head.incarnation, head.locked) == (2, 1, 1, False)
        prev, ops = unacked(connection, head, ops_max=9, bytes_max=9_999)
        assert (prev, [op.seq for op in ops]) == ("1" * 64, [2])
        rows = connection.execute("SELECT unit, version, state FROM allot_unit").fetchall()
        assert [tuple(row) for row in rows] == [(5, 0, "sold"), (6, 2, "free"), (7, 0, "released")]
        assert wall_high_ms(connection) == 9_000


def test_what_was_granted_is_still_known_unit_by_unit(migrated: Replica) -> None:
    with migrated.reading() as connection:
        found = connection.execute("SELECT id, units, hard_s FROM allot ORDER BY id").fetchall()
    assert [tuple(row) for row in found] == [
        ("0a1b2c3d-1", "[[5,0],[6,2]]", 0),
        ("0a1b2c3d-2", "[[7,0]]", 0),
    ]


def test_the_node_goes_on_where_it_was(migrated: Replica) -> None:
    assert write(migrated)[0].seq == 3
    assert migrated.transact(lambda unit: take(unit, EVENT, 1, 6, NOW)) is not None
    grant = Grant(AllotmentId("0a1b2c3d", 3), 1, False, "open", ((7, 0),))
    assert migrated.transact(lambda unit: install(unit, EVENT, grant))


def test_what_came_before_the_first_shift_belongs_to_none(migrated: Replica) -> None:
    migrated.transact(lambda unit: set_open_shift(unit, "0000000000000abc"))
    write(migrated)
    with migrated.reading() as connection:
        rows = connection.execute("SELECT shift FROM op ORDER BY rowid").fetchall()
    assert [row["shift"] for row in rows] == ["", "", "0000000000000abc"]


def test_a_migrated_file_is_like_a_new_one(migrated: Replica, tmp_path: Path) -> None:
    create_journal(tmp_path / "new.db", node_id=NODE, venue_id=VENUE, incarnation=1)
    with closing(sqlite3.connect(tmp_path / "new.db")) as new, migrated.reading() as old:
        assert _columns(old) == _columns(new)
        assert _parts(old) == _parts(new)


def test_what_a_journal_of_version_11_knows_of_buyers_is_found_by_its_tokens(
    tmp_path: Path,
) -> None:
    path = tmp_path / "journal.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(OLD.read_text())
    with closing(open_existing(path, 11, synchronous="FULL", migrations=MIGRATIONS)) as connection:
        connection.executemany(
            "INSERT INTO buyer (stream, order_id, key_no, sealed, tokens, at_ms, sent_gen) "
            "VALUES (?, ?, ?, ?, ?, 5, ?)",
            [
                (EVENT, "1" * 16, 1, "ab", '["a", "b"]', ""),
                (EVENT, "2" * 16, 0, "", "[]", "gen"),
                (EVENT, "0" * 16, 1, "cd", '["a"]', "gen"),
            ],
        )
    with closing(Replica(tmp_path)) as replica:
        assert _tokens(replica) == [("a", "1" * 16), ("b", "1" * 16), ("a", "0" * 16)]
        corrected = SealedBuyer(EVENT, OrderId("1" * 16), 1, "ef", ("c",), 6)
        replica.transact(lambda unit: note_buyer(unit, corrected))
        assert _tokens(replica) == [("a", "0" * 16), ("c", "1" * 16)]
        replica.transact(lambda unit: erase_here(unit, [(EVENT, "0" * 16)]))
        assert _tokens(replica) == [("c", "1" * 16)]


def _tokens(replica: Replica) -> list[tuple[str, str]]:
    """The tokens that find something, in the order in which they came."""
    with replica.reading() as connection:
        rows = connection.execute("SELECT token, order_id FROM buyer_token ORDER BY rowid")
        return [tuple(row) for row in rows]


def test_it_is_migrated_once(migrated: Replica, tmp_path: Path) -> None:
    write(migrated)
    migrated.close()
    with closing(Replica(tmp_path)) as again, again.reading() as connection:
        assert [head.seq for head in heads(connection)] == [3]


def _columns(connection: sqlite3.Connection) -> set[tuple[object, ...]]:
    """Every table's columns, with their types, defaults and places in the key."""
    return {
        (table, *(row[1:]))
        for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        for row in (
            tuple(each)[1:2] + tuple(each)[1:]
            for each in connection.execute(f"PRAGMA table_info({table})")
        )
    }


def _parts(connection: sqlite3.Connection) -> set[tuple[object, ...]]:
    """Every index and trigger, and what it is of."""
    rows = connection.execute(
        "SELECT type, name, tbl_name FROM sqlite_master WHERE type IN ('index', 'trigger')"
    )
    return {tuple(row) for row in rows}

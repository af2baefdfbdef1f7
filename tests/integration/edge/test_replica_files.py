"""Opening a node's folder: whatever is wrong with a file, a sentence says what to do."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from edge import database
from edge.database import create, open_existing, open_reader
from edge.errors import (
    ReplicaDamaged,
    ReplicaError,
    ReplicaFromNewerVersion,
    ReplicaFull,
    ReplicaInUse,
    ReplicaMissing,
)
from edge.journal_schema import SCHEMA_VERSION
from edge.replica import Replica
from tests.fakes.edge_node import enrolled_folder, write


def garbage(path: Path) -> None:
    path.write_bytes(os.urandom(path.stat().st_size))


def garbage_in_the_middle(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(4_096)
        file.write(b"\xa5" * (path.stat().st_size - 4_096))


def schema_overwritten(path: Path) -> None:
    """The header is whole, what tables there are is not: reading it raises, it reports nothing."""
    with path.open("r+b") as file:
        file.seek(100)
        file.write(b"\xa5" * 3_900)


def truncated(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def almost_nothing(path: Path) -> None:
    os.truncate(path, 60)


def empty(path: Path) -> None:
    os.truncate(path, 0)


def another_program(path: Path) -> None:
    path.write_bytes(b"%PDF-1.7\n" * 900)


def without_tables(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")


DAMAGES = [
    garbage,
    garbage_in_the_middle,
    schema_overwritten,
    truncated,
    almost_nothing,
    empty,
    another_program,
    without_tables,
]


@pytest.fixture
def used(folder: Path) -> Path:
    """A folder whose journal has some pages in its main file, cleanly closed."""
    enrolled_folder(folder)
    with closing(Replica(folder)) as replica:
        write(replica, body="x" * 5_000, count=10)
    return folder


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_a_damaged_journal_is_refused_and_left_as_it_is(
    used: Path, damage: Callable[[Path], None]
) -> None:
    path = used / "journal.db"
    damage(path)
    log = used / "journal.db-wal"
    log.write_bytes(b"what a log may still hold")
    before = path.read_bytes()
    with pytest.raises(ReplicaDamaged, match=r"journal\.db is damaged .* keep the whole folder"):
        Replica(used)
    assert path.read_bytes() == before
    assert log.read_bytes() == b"what a log may still hold"
    # The folder is let go of: whoever looks next gets the same answer, not "in use".
    with pytest.raises(ReplicaDamaged):
        Replica(used)


def test_a_journal_of_a_newer_version_is_refused_and_left_as_it_is(used: Path) -> None:
    path = used / "journal.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    before = path.read_bytes()
    told = f"version {SCHEMA_VERSION + 1}, this program knows {SCHEMA_VERSION}"
    with pytest.raises(ReplicaFromNewerVersion, match=told):
        Replica(used)
    assert path.read_bytes() == before


def test_a_missing_journal_is_not_replaced_by_an_empty_one(used: Path) -> None:
    (used / "journal.db").unlink()
    with pytest.raises(ReplicaMissing, match=r"journal\.db is gone .* call the manager"):
        Replica(used)
    assert not (used / "journal.db").exists()


def test_a_folder_that_is_gone_has_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ReplicaError, match="data folder nowhere cannot be used: No such file"):
        Replica(tmp_path / "nowhere")


def test_a_folder_in_use_is_a_kind_of_its_own(used: Path) -> None:
    with closing(Replica(used)), pytest.raises(ReplicaInUse, match="a node runs once"):
        Replica(used)


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_a_damaged_mirror_is_made_anew(used: Path, damage: Callable[[Path], None]) -> None:
    with closing(Replica(used)) as replica:
        replica.mirror.apply("house", "0a1b2c3d", [], 7)
    damage(used / "mirror.db")
    with closing(Replica(used)) as replica:
        assert replica.mirror.cursors() == {}
        replica.mirror.apply("house", "0a1b2c3d", [], 8)
        assert replica.mirror.cursors() == {"house": 8}
    with closing(Replica(used)) as replica:
        assert replica.mirror.cursors() == {"house": 8}


@pytest.mark.parametrize("version", [1, 99])
def test_a_mirror_of_another_version_is_made_anew(used: Path, version: int) -> None:
    with closing(Replica(used)) as replica:
        replica.mirror.apply("house", "0a1b2c3d", [], 7)
    with closing(sqlite3.connect(used / "mirror.db")) as connection:
        connection.execute(f"PRAGMA user_version = {version}")
    with closing(Replica(used)) as replica:
        assert replica.mirror.cursors() == {}


def test_a_deleted_mirror_is_made_anew(used: Path) -> None:
    (used / "mirror.db").unlink()
    with closing(Replica(used)) as replica:
        assert replica.mirror.cursors() == {}


def test_a_mirror_that_cannot_be_opened_closes_what_was(used: Path) -> None:
    (used / "mirror.db").unlink()
    (used / "mirror.db").mkdir()
    for _ in range(2):  # the second time it would be in use, had the first not let go
        with pytest.raises(ReplicaError, match=r"mirror\.db cannot be used") as caught:
            Replica(used)
        # Closed although the error still holds on to everything: SQLite removed the log.
        assert not (used / "journal.db-wal").exists()
        del caught


def test_a_mirror_damaged_while_in_use_says_that_nothing_is_lost(used: Path) -> None:
    with closing(Replica(used)) as replica:
        replica.mirror.apply("house", "0a1b2c3d", [], 7)
        replica.mirror._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        garbage(used / "mirror.db")
        with pytest.raises(ReplicaDamaged, match="it is a cache: start the program again"):
            replica.mirror.cursors()
    with closing(Replica(used)) as replica:
        assert replica.mirror.cursors() == {}


def test_a_journal_kept_busy_by_another_program_has_a_sentence(
    used: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_BUSY_TIMEOUT_S", 0.05)
    with closing(Replica(used)) as replica, closing(sqlite3.connect(used / "journal.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(ReplicaError, match="no other program has the file open"):
            write(replica)
        other.rollback()
        write(replica)


def test_the_transaction_of_creating_is_all_or_nothing(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    schema = "CREATE TABLE one (k TEXT);\nCREATE TABLE one (k TEXT)"
    with pytest.raises(sqlite3.OperationalError, match="already exists"):
        create(path, schema, 1, synchronous="FULL")
    with pytest.raises(ReplicaDamaged, match="it has no tables"):
        open_existing(path, 1, synchronous="FULL")


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (sqlite3.SQLITE_FULL, ReplicaFull),
        (sqlite3.SQLITE_IOERR_WRITE, ReplicaFull),
        (sqlite3.SQLITE_IOERR_SHMSIZE, ReplicaFull),
        (sqlite3.SQLITE_IOERR_READ, ReplicaError),
        (sqlite3.SQLITE_CORRUPT_INDEX, ReplicaDamaged),
        (sqlite3.SQLITE_NOTADB, ReplicaDamaged),
        (sqlite3.SQLITE_CANTOPEN, ReplicaError),
        (sqlite3.SQLITE_READONLY_DBMOVED, ReplicaError),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, ReplicaError),
        (sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.DatabaseError),
    ],
)
def test_each_of_sqlites_errors_has_its_kind(code: int, kind: type[Exception]) -> None:
    error = sqlite3.DatabaseError("as SQLite says")
    error.sqlite_errorcode = code
    with pytest.raises(kind) as caught, database.storage_errors(Path("journal.db")):
        raise error
    assert type(caught.value) is kind


def test_a_reader_of_no_file_has_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ReplicaError, match=r"none\.db cannot be used"):
        open_reader(tmp_path / "none.db")

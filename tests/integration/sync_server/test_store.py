"""The database as a file: durable, refused when it is not ours, and every refusal is a sentence."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError

from sync_server.store.database import (
    check_schema,
    create_schema,
    is_initialised,
    open_engine,
    read_only,
)
from sync_server.store.errors import (
    StoreDamaged,
    StoreError,
    StoreFromNewerVersion,
    StoreMissing,
)
from sync_server.store.schema import SCHEMA_VERSION, metadata
from tests.fakes.databases import fresh_database, is_on_postgresql
from tests.integration.sync_server.stage import Stage

on_sqlite = pytest.mark.skipif(is_on_postgresql(), reason="about SQLite's files")


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with fresh_database(tmp_path) as url:
        engine = open_engine(url)
        yield engine
        engine.dispose()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A sound database file that nobody has open."""
    file = tmp_path / "boxgate.db"
    engine = open_engine(f"sqlite:///{file}")
    create_schema(engine)
    with engine.begin() as connection:
        for n in range(200):
            connection.execute(
                text("INSERT INTO meta (k, v) VALUES (:k, :v)"), {"k": f"k{n}", "v": "x" * 500}
            )
    engine.dispose()
    return file


def test_a_fresh_schema_is_ours(engine: Engine) -> None:
    assert not is_initialised(engine)
    create_schema(engine)
    assert is_initialised(engine)
    check_schema(engine)


def test_a_schema_is_made_once(engine: Engine) -> None:
    create_schema(engine)
    with pytest.raises(IntegrityError):
        create_schema(engine)
    check_schema(engine)


def test_an_empty_database_says_how_to_begin(engine: Engine) -> None:
    with pytest.raises(StoreMissing, match=r"holds no Boxgate database; run 'boxgate-server init'"):
        check_schema(engine)


def test_a_newer_schema_is_refused(engine: Engine) -> None:
    create_schema(engine)
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE meta SET v = :v WHERE k = 'schema_version'"),
            {"v": str(SCHEMA_VERSION + 1)},
        )
    with pytest.raises(StoreFromNewerVersion) as refusal:
        check_schema(engine)
    assert f"schema {SCHEMA_VERSION + 1}, this program knows {SCHEMA_VERSION}" in str(refusal.value)
    assert "install the newer program, nothing was changed" in str(refusal.value)


def garbage(file: Path) -> None:
    file.write_bytes(b"this is a holiday picture" * 400)


def garbled_page(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[5 * 4096 : 12 * 4096] = bytes(7 * 4096)
    file.write_bytes(content)


def cut_off(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: 3 * 4096 + 100])


@on_sqlite
@pytest.mark.parametrize("damage", [garbage, garbled_page, cut_off])
def test_a_damaged_file_is_refused_and_kept(file: Path, damage: Callable[[Path], None]) -> None:
    damage(file)
    before = file.read_bytes()
    engine = open_engine(f"sqlite:///{file}")
    with pytest.raises(StoreDamaged) as refusal:
        check_schema(engine)
    engine.dispose()
    assert str(refusal.value).startswith("database boxgate.db is damaged (")
    assert "keep the file, and restore the last backup" in str(refusal.value)
    assert file.read_bytes() == before


@on_sqlite
def test_a_sound_file_passes(file: Path) -> None:
    engine = open_engine(f"sqlite:///{file}")
    check_schema(engine)
    engine.dispose()


@on_sqlite
def test_a_file_that_cannot_be_opened_says_so(tmp_path: Path) -> None:
    (tmp_path / "boxgate.db").mkdir()
    engine = open_engine(f"sqlite:///{tmp_path / 'boxgate.db'}")
    with pytest.raises(StoreError, match=r"cannot open database boxgate\.db: "):
        is_initialised(engine)


def test_a_database_server_that_is_away_says_where_it_was_sought() -> None:
    engine = open_engine("postgresql://nobody@127.0.0.1:1/boxgate")
    with pytest.raises(StoreError, match=r"cannot open database boxgate on 127\.0\.0\.1: ") as no:
        check_schema(engine)
    assert type(no.value) is StoreError
    engine.dispose()


@on_sqlite
def test_every_connection_is_durable_and_checks_its_references(file: Path) -> None:
    engine = open_engine(f"sqlite:///{file}")
    for connection in (engine.connect(), read_only(engine).connect()):
        values = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
        connection.close()
        assert values == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}  # 2: FULL
    engine.dispose()


@on_sqlite
def test_a_writer_locks_at_its_beginning_and_a_reader_never(file: Path) -> None:
    """With SQLite's default two connections both found a ticket unused, and both let it in."""
    engine = open_engine(f"sqlite:///{file}")
    with engine.begin() as first:
        rival = sqlite3.connect(file, timeout=0)
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            rival.execute("BEGIN IMMEDIATE")
        rival.close()
        with read_only(engine).connect() as reader:
            assert reader.execute(text("SELECT count(*) FROM meta")).scalar_one() == 201
        first.execute(text("DELETE FROM meta WHERE k = 'k0'"))
    engine.dispose()


def test_a_reader_sees_one_moment(stage: Stage) -> None:
    count = text("SELECT count(*) FROM case_file")
    insert = (
        "INSERT INTO case_file (event_id, id, kind, state, opened_ms, body, rev) "
        "VALUES ('swan-lake', 'x', 'price', 'open', 0, '{}', 1)"
    )
    with read_only(stage.engine).connect() as reader:
        assert reader.execute(count).scalar_one() == 0
        stage.do(lambda tx: tx.run(insert))
        assert reader.execute(count).scalar_one() == 0
    assert stage.one("SELECT count(*) FROM case_file") == 1


def test_two_writers_wait_for_each_other(stage: Stage) -> None:
    """A command beside the running server: no revision is given twice, none is lost."""
    taken: list[int] = []

    def take() -> None:
        taken.extend(stage.do(lambda tx: tx.next_rev("swan-lake")) for _ in range(20))

    before = stage.one("SELECT head FROM stream WHERE event_id = 'swan-lake'")
    threads = [threading.Thread(target=take) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == list(range(before + 1, before + 41))


def test_every_key_of_an_event_begins_with_the_event() -> None:
    """So that events can be spread over databases one day."""
    for table in metadata.sorted_tables:
        names = [column.name for column in table.primary_key.columns]
        if "event_id" in table.columns:
            assert names[0] == "event_id", table.name


def test_every_row_that_nodes_are_told_of_has_a_revision_of_its_own(stage: Stage) -> None:
    for table in ("doc", "claim", "allot", "ticket", "entry", "case_file"):
        columns = metadata.tables[table].indexes
        unique = [set(index.columns.keys()) for index in columns if index.unique]
        assert {"event_id", "rev"} in unique, table
    insert = (
        "INSERT INTO claim (event_id, perf_id, unit, kind, ref, node_id, version, rev) "
        "VALUES ('swan-lake', 1, :unit, 'free', '', '', 0, 999)"
    )
    stage.do(lambda tx: tx.run(insert, unit=1))
    with pytest.raises(IntegrityError):
        stage.do(lambda tx: tx.run(insert, unit=2))

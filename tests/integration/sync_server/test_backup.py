"""Backup, restore and the witness: a database that lost something begins a new history."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import func, select, text

from program.errors import ProgramError
from program.exit_codes import ExitCode
from sync_server import commands
from sync_server.__main__ import run
from sync_server.serve_lock import alone
from sync_server.services import backup as backup_module
from sync_server.services.backup import back_up
from sync_server.services.generations import (
    Reason,
    Told,
    contradicts,
    mint,
    mint_for_node,
    present_generation,
    timeline,
)
from sync_server.services.keys import KeyName
from sync_server.services.witness import (
    Witness,
    check_history,
    read_witness,
    witness_of,
    write_witness,
)
from sync_server.store import schema
from sync_server.store.database import open_engine
from sync_server.store.errors import StoreError
from sync_server.store.schema import metadata
from tests.fakes.databases import fresh_database, is_on_postgresql
from tests.integration.sync_server.failover import found, restore, save
from tests.integration.sync_server.stage import EVENT, GENERATION, Stage, Till
from tests.integration.sync_server.support import HouseOnDisk

postgres_only = pytest.mark.skipif(not is_on_postgresql(), reason="about PostgreSQL")
sqlite_only = pytest.mark.skipif(is_on_postgresql(), reason="about a SQLite file")


@pytest.fixture
def till(stage: Stage) -> Till:
    till = stage.till()
    found(stage)
    stage.do(lambda tx: tx.run("UPDATE stream SET quarantine = 0"))
    return till


def _witness(stage: Stage, house: str = "ours") -> Witness:
    with stage.engine.connect() as connection:
        return witness_of(connection, house)


def _check(stage: Stage, witness: Witness | None) -> bool:
    """Whether a new history begins."""
    return stage.do(lambda tx: check_history(tx, "ours", witness)) is not None


# --- the witness


def test_the_witness_is_read_as_it_was_written(tmp_path: Path) -> None:
    witness = Witness("ours", "1a2b3c4d", {"a": 7, "b": 0})
    write_witness(tmp_path / "w.json", witness)
    write_witness(tmp_path / "w.json", witness)
    assert read_witness(tmp_path / "w.json") == witness
    assert [file.name for file in tmp_path.iterdir()] == ["w.json"]


@pytest.mark.expected_errors("witness_not_read")
@pytest.mark.parametrize("text", ["", "{", "[]", '{"house":1}', '{"house":"","heads":[]}'])
def test_a_damaged_witness_tells_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "w.json").write_text(text)
    assert read_witness(tmp_path / "w.json") is None
    assert read_witness(tmp_path / "nothing.json") is None


@pytest.mark.expected_errors("generation_began")
def test_a_database_behind_its_witness_begins_a_new_history(stage: Stage, till: Till) -> None:
    saved = save(stage)
    till.borrow(1)
    witness = _witness(stage)
    assert not _check(stage, witness)
    restore(stage, saved)
    assert _check(stage, witness)
    assert stage.one("SELECT quarantine FROM stream WHERE event_id = :e", e=EVENT) == 1
    assert not _check(stage, witness), "once"


@pytest.mark.expected_errors("generation_began")
@pytest.mark.usefixtures("till")
def test_a_witness_of_an_unknown_history_is_remembered_with_it(stage: Stage) -> None:
    saved = save(stage)
    stage.do(lambda tx: mint(tx, Reason.RESTORE))
    witness = _witness(stage)
    restore(stage, saved)
    assert _check(stage, witness)
    lost = stage.one("SELECT reason FROM generation WHERE short = :s", s=witness.generation)
    assert lost == "lost"


def test_a_database_ahead_of_its_witness_is_right(stage: Stage, till: Till) -> None:
    witness = _witness(stage)
    till.borrow(1)
    assert not _check(stage, witness)
    assert not _check(stage, None)
    assert not _check(stage, replace(_witness(stage), house="another", heads={EVENT: 10**6}))


@pytest.mark.expected_errors("generation_began")
@pytest.mark.skipif(not is_on_postgresql(), reason="about PostgreSQL")
@pytest.mark.usefixtures("till")
def test_another_timeline_or_cluster_begins_a_new_history(stage: Stage) -> None:
    assert not _check(stage, None)
    with stage.engine.connect() as connection:
        now = timeline(connection)
    assert stage.one("SELECT timeline FROM generation WHERE short = :g", g=GENERATION) == now
    stage.do(lambda tx: tx.run("UPDATE generation SET timeline = timeline + 1"))
    assert _check(stage, None)
    assert not _check(stage, None)
    stage.do(lambda tx: tx.run("UPDATE meta SET v = '1' WHERE k = 'pg_cluster'"))
    assert _check(stage, None)
    assert not _check(stage, None)


# --- what nodes tell


def _told(stage: Stage, told: Told) -> bool:
    with stage.engine.connect() as connection:
        return contradicts(connection, told)


@pytest.mark.usefixtures("till")
def test_a_node_that_saw_more_than_there_is_is_a_witness(stage: Stage) -> None:
    head = stage.one("SELECT head FROM stream WHERE event_id = :e", e=EVENT)
    assert not _told(stage, Told(GENERATION, {EVENT: head}))
    assert _told(stage, Told(GENERATION, {EVENT: head + 1}))
    assert _told(stage, Told("0badc0de", {}))
    assert not _told(stage, Told("", {EVENT: head + 1})), "it never read anything"


@pytest.mark.expected_errors("generation_began")
def test_many_nodes_that_tell_of_one_loss_begin_one_history(stage: Stage, till: Till) -> None:
    told = Told("0badc0de", {})
    assert stage.do(lambda tx: mint_for_node(tx, till.node_id, told)) is not None
    assert stage.do(lambda tx: mint_for_node(tx, "b" * 16, told)) is None
    assert stage.one("SELECT count(*) FROM generation WHERE reason LIKE 'node:%'") == 1


@pytest.mark.expected_errors("generation_began", "generation_not_begun")
def test_a_lying_node_can_not_begin_one_history_after_the_other(stage: Stage, till: Till) -> None:
    def tell(node: str, gen: str) -> bool:
        return stage.do(lambda tx: mint_for_node(tx, node, Told(gen, {}))) is not None

    assert tell(till.node_id, "00000001")
    assert not tell(till.node_id, "00000002")
    assert not tell("b" * 16, "00000003"), "within the hour nobody"
    stage.now = stage.now.replace(hour=stage.now.hour + 2)
    assert not tell(till.node_id, "00000004"), "it within the day"
    assert tell("b" * 16, "00000005")


# --- the commands


def _arguments(house: HouseOnDisk, *arguments: str) -> list[str]:
    config = house.settings.data_dir.parent / "server.toml"
    if house.settings.database_url:
        config.write_text(f'database_url = "{house.settings.database_url}"\n')
    else:
        config.write_text("")
    return [*arguments, "--config", str(config), "--data-dir", str(house.settings.data_dir)]


@sqlite_only
def test_a_restore_keeps_what_was_there_and_begins_a_new_history(
    house: HouseOnDisk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "backup.sqlite3"
    assert run(_arguments(house, "backup", str(file))) == ExitCode.OK
    database = house.settings.data_dir / "boxgate.sqlite3"
    with sqlite3.connect(database) as connection:
        connection.execute("INSERT INTO meta (k, v) VALUES ('later', '1')")
        connection.execute(
            "INSERT INTO generation (id, short, started_ms, reason) VALUES ('x', '0000000f', 1, '')"
        )
    connection.close()
    assert run(_arguments(house, "restore", str(file))) == ExitCode.OK
    connection = sqlite3.connect(database)
    assert connection.execute("SELECT 1 FROM meta WHERE k = 'later'").fetchone() is None
    reasons = dict(connection.execute("SELECT short, reason FROM generation").fetchall())
    connection.close()
    assert reasons.pop("0000000f") == "lost"
    assert sorted(reasons.values()) == ["init", "restore"]
    (aside,) = house.settings.data_dir.glob("boxgate-aside-*.sqlite3")
    connection = sqlite3.connect(aside)
    assert connection.execute("SELECT v FROM meta WHERE k = 'later'").fetchone() == ("1",)
    connection.close()
    capsys.readouterr()
    assert run(_arguments(house, "quarantine", "--json")) == ExitCode.OK
    waiting = json.loads(capsys.readouterr().out)
    assert {line["state"] for line in waiting} == {"waiting"}


@sqlite_only
def test_a_backup_writes_over_nothing(house: HouseOnDisk, tmp_path: Path) -> None:
    file = tmp_path / "backup.sqlite3"
    file.write_text("precious")
    with pytest.raises(ProgramError, match="exists already"):
        run(_arguments(house, "backup", str(file)))
    assert file.read_text() == "precious"


@sqlite_only
def test_a_restore_refuses_while_a_server_runs(house: HouseOnDisk, tmp_path: Path) -> None:
    file = tmp_path / "backup.sqlite3"
    run(_arguments(house, "backup", str(file)))
    with alone(house.settings.lock_dir, "busy"), pytest.raises(ProgramError, match="stop it first"):
        run(_arguments(house, "restore", str(file)))


@sqlite_only
@pytest.mark.parametrize("what", ["text", "torn", "of another house"])
def test_what_is_no_backup_of_this_house_changes_nothing(
    house: HouseOnDisk, tmp_path: Path, what: str
) -> None:
    file = tmp_path / "backup.sqlite3"
    run(_arguments(house, "backup", str(file)))
    if what == "text":
        file.write_text("no database" * 1000)
    elif what == "torn":
        file.write_bytes(file.read_bytes()[:9_000])
    else:
        with sqlite3.connect(file) as connection:
            connection.execute("UPDATE meta SET v = 'x' WHERE k = 'key:node'")
        connection.close()
    database = house.settings.data_dir / "boxgate.sqlite3"
    before = database.read_bytes()
    with pytest.raises(ProgramError):
        run(_arguments(house, "restore", str(file)))
    assert database.read_bytes() == before
    assert list(house.settings.data_dir.glob("*aside*")) == []
    assert list(house.settings.data_dir.glob("*restoring*")) == []


@pytest.mark.usefixtures("till")
def test_present_generation_is_the_last_that_began(stage: Stage) -> None:
    made = stage.do(lambda tx: mint(tx, Reason.RESTORE))
    with stage.engine.connect() as connection:
        assert present_generation(connection) == made.short


# --- the same on PostgreSQL, by its own programs


@pytest.fixture
def another(house: HouseOnDisk, tmp_path: Path) -> Iterator[HouseOnDisk]:
    """The house with an empty database beside its own."""
    with fresh_database(tmp_path) as url:
        yield replace(house, settings=replace(house.settings, database_url=url))


def _rows(house: HouseOnDisk) -> dict[str, int]:
    """How many rows each table has."""
    engine = open_engine(house.settings.database)
    try:
        with engine.connect() as connection:
            return {
                table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
                for table in metadata.sorted_tables
            }
    finally:
        engine.dispose()


def _do(house: HouseOnDisk, sql: str) -> None:
    engine = open_engine(house.settings.database)
    with engine.begin() as connection:
        connection.execute(text(sql))
    engine.dispose()


@postgres_only
def test_a_backup_of_postgresql_is_restored_into_an_empty_database(
    house: HouseOnDisk,
    another: HouseOnDisk,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "backup.dump"
    before = _rows(house)
    assert run(_arguments(house, "backup", str(file))) == ExitCode.OK
    assert file.stat().st_mode & 0o077 == 0
    _do(house, "INSERT INTO meta (k, v) VALUES ('later', '1')")
    witness = Witness(_name(house), "0000000f", {})
    house.settings.witness_file.parent.mkdir(parents=True, exist_ok=True)
    write_witness(house.settings.witness_file, witness)
    present = _rows(house)
    capsys.readouterr()
    assert run(_arguments(another, "restore", str(file))) == ExitCode.OK
    assert "a new history begins" in capsys.readouterr().out
    after = _rows(another)
    changed = {name for name, count in after.items() if count != before[name]}
    assert changed == {"generation", "quarantine", "audit_outbox"}
    assert after["generation"] == before["generation"] + 2, "the lost one, and a new one"
    engine = commands.open_house(another.settings).engine
    with engine.connect() as connection:
        reasons = {row[0] for row in connection.execute(text("SELECT reason FROM generation"))}
        columns = connection.execute(
            text("SELECT count(*) FROM information_schema.columns WHERE table_name = 'op'")
        ).scalar_one()
    engine.dispose()
    assert reasons == {"init", "lost", "restore"}
    assert columns == len(schema.op.columns)
    assert _rows(house) == present, "the present one stays as it is"
    with pytest.raises(ProgramError, match="is not empty"):
        run(_arguments(another, "restore", str(file)))


def _name(house: HouseOnDisk) -> str:
    opened = commands.open_house(house.settings)
    opened.engine.dispose()
    return opened.keys.fingerprints()[KeyName.NODE]


@postgres_only
@pytest.mark.parametrize("what", ["text", "torn", "of another house"])
def test_what_is_no_backup_of_this_house_is_not_served_from_postgresql(
    house: HouseOnDisk, another: HouseOnDisk, tmp_path: Path, what: str
) -> None:
    file = tmp_path / "backup.dump"
    if what == "of another house":
        _do(house, "UPDATE meta SET v = 'x' WHERE k = 'key:node'")
        engine = open_engine(house.settings.database)
        back_up(engine, file)
        engine.dispose()
    else:
        run(_arguments(house, "backup", str(file)))
        content = file.read_bytes()
        file.write_bytes(b"no dump" * 100 if what == "text" else content[: len(content) // 2])
    with pytest.raises(ProgramError):
        run(_arguments(another, "restore", str(file)))
    with pytest.raises(ProgramError):
        commands.open_house(another.settings)


@postgres_only
def test_a_restore_that_was_cut_off_before_the_new_history_is_not_served(
    house: HouseOnDisk, another: HouseOnDisk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would go on in the old history, and give numbers out that tills have already."""
    file = tmp_path / "backup.dump"
    run(_arguments(house, "backup", str(file)))

    def cut(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(backup_module, "_prepare", cut)
    with pytest.raises(KeyboardInterrupt):
        run(_arguments(another, "restore", str(file)))
    assert _rows(another)["generation"] == 1, "it is all there"
    with pytest.raises(ProgramError, match="was cut off"):
        commands.open_house(another.settings)


@postgres_only
def test_a_password_is_on_no_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[list[str], str]] = []

    def note(argv: list[str], *, env: dict[str, str], **_: object) -> object:
        seen.append((argv, env.get("PGPASSWORD", "")))
        return SimpleNamespace(returncode=1, stderr="a line\nno such server\n")

    monkeypatch.setattr("sync_server.services.backup.subprocess.run", note)
    url = "postgresql://box:s3cret@127.0.0.1:9/house"
    with pytest.raises(StoreError, match="pg_dump failed: no such server"):
        back_up(open_engine(url), tmp_path / "x")
    ((argv, password),) = seen
    assert "--dbname=postgresql://box@127.0.0.1:9/house" in argv
    assert ("s3cret" in " ".join(argv), password) == (False, "s3cret")

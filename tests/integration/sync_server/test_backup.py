"""Backup, restore and the witness: a database that lost something begins a new history."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from program.errors import ProgramError
from program.exit_codes import ExitCode
from sync_server.__main__ import run
from sync_server.serve_lock import alone
from sync_server.services.generations import (
    Reason,
    Told,
    contradicts,
    mint,
    mint_for_node,
    present_generation,
    timeline,
)
from sync_server.services.witness import (
    Witness,
    check_history,
    read_witness,
    witness_of,
    write_witness,
)
from tests.fakes.databases import is_on_postgresql
from tests.integration.sync_server.failover import found, restore, save
from tests.integration.sync_server.stage import EVENT, GENERATION, Stage, Till
from tests.integration.sync_server.support import HouseOnDisk

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

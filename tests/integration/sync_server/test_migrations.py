"""A database of an older Boxgate is taken on whole, or not at all.

`tests/data/schema_1.json` holds a house as the program of schema 1 left it: sales (one of units
that were not held, one at a wrong price, one that contradicts another and whose cash is booked all
the same), releases, entries (one twice), and a journal that was fenced.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy import Connection, Engine, MetaData, TextClause, inspect, text

from program.exit_codes import ExitCode
from sync_server import commands
from sync_server.__main__ import main
from sync_server.app import make_app
from sync_server.centre import Centre
from sync_server.services.agencies import read_agencies
from sync_server.services.books import read_books
from sync_server.services.catalogue import load_venue
from sync_server.services.keys import META_PREFIX, make_keys
from sync_server.services.nodes import read_nodes
from sync_server.services.permissions import NodeRole
from sync_server.services.report_sums import (
    count_event,
    find_due,
    pieces_of,
    take_turn,
    write_piece,
)
from sync_server.services.sale_sums import VenueClock
from sync_server.services.sales_report import SalesAsked, read_sales
from sync_server.settings import Settings
from sync_server.store.database import check_schema, create_schema, open_engine, read_only
from sync_server.store.errors import StoreError, StoreFromOlderVersion, StoreInUse
from sync_server.store.migrating import migrate
from sync_server.store.migrations import STEPS, upgrade
from sync_server.store.schema import SCHEMA_VERSION
from sync_server.store.writer import Transaction
from tests.fakes.databases import fresh_database, is_on_postgresql
from tests.integration.sync_server.support import NodeAtTest, settings_in

Rows = dict[str, list[dict[str, Any]]]
WITH_AGENCIES, WITH_REPORTS = 4, 5
"""The schema that brought them."""
AT = datetime(2026, 11, 28, 9, 30, tzinfo=UTC)
SCHEMA_1: Rows = json.loads((Path(__file__).parents[2] / "data/schema_1.json").read_text())
on_sqlite = pytest.mark.skipif(is_on_postgresql(), reason="about SQLite's file")
on_postgresql = pytest.mark.skipif(not is_on_postgresql(), reason="about PostgreSQL's connections")


@dataclass(frozen=True)
class OldHouse:
    """A house of schema 1 with its keys, that nobody has open."""

    settings: Settings

    def engine(self) -> Engine:
        return open_engine(self.settings.database)

    def rows(self) -> Rows:
        """All that is in its tables, whichever there are."""
        engine, tables = self.engine(), MetaData()
        with read_only(engine).connect() as connection:
            tables.reflect(connection)
            found = {
                table.name: [dict(row._mapping) for row in connection.execute(table.select())]
                for table in tables.sorted_tables
            }
        engine.dispose()
        return found

    def execute(self, sql: str) -> None:
        engine = self.engine()
        with engine.begin() as connection:
            connection.execute(text(sql))
        engine.dispose()


@pytest.fixture
def old(tmp_path: Path) -> Iterator[OldHouse]:
    settings = settings_in(tmp_path / "data")
    settings.data_dir.mkdir()
    with fresh_database(settings.data_dir) as url:
        if is_on_postgresql():
            settings = settings_in(tmp_path / "data", database_url=url)
        engine = open_engine(url)
        with engine.begin() as connection:
            upgrade(connection, 0, 1)
            connection.execute(text("DELETE FROM meta"))
            for table, rows in SCHEMA_1.items():
                connection.execute(insert_into(table, list(rows[0])), rows)
            for name, fingerprint in make_keys(settings.keys_dir).fingerprints().items():
                connection.execute(
                    text("INSERT INTO meta (k, v) VALUES (:k, :v)"),
                    {"k": META_PREFIX + name, "v": fingerprint},
                )
        engine.dispose()
        yield OldHouse(settings)


def insert_into(table: str, names: list[str]) -> TextClause:
    values = ", ".join(f":{name}" for name in names)
    return text(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({values})")  # noqa: S608


def run_migrate(house: OldHouse, *options: str) -> int:
    config = house.settings.data_dir.parent / "server.toml"
    config.write_text(
        f'data_dir = "{house.settings.data_dir}"\ndatabase_url = "{house.settings.database_url}"\n'
    )
    return main([*(options or ("migrate",)), "--config", str(config)])


# --- the steps


def shape(engine: Engine) -> dict[str, Any]:
    """All that a table consists of, as the database tells it; the order of columns is nothing."""
    found = inspect(engine)
    return {
        name: {
            "columns": {
                each["name"]: (str(each["type"]), each["nullable"], each["default"])
                for each in found.get_columns(name)
            },
            "key": found.get_pk_constraint(name)["constrained_columns"],
            "unique": sorted(
                str(each["column_names"]) for each in found.get_unique_constraints(name)
            ),
            "checks": sorted(each["sqltext"] for each in found.get_check_constraints(name)),
            "indexes": {
                each["name"]: (
                    each["column_names"],
                    bool(each["unique"]),
                    str(each.get("dialect_options", {}).get(f"{engine.dialect.name}_where", "")),
                )
                for each in found.get_indexes(name)
            },
        }
        for name in found.get_table_names()
    }


def test_a_migrated_house_has_the_schema_of_a_new_one(tmp_path: Path) -> None:
    """When this is red, the schema was changed and no step of `store/migrations` goes there."""
    shapes = []
    for way in ("new", "migrated"):
        (tmp_path / way).mkdir()
        with fresh_database(tmp_path / way) as url:
            engine = open_engine(url)
            if way == "new":
                create_schema(engine)
            else:
                with engine.begin() as connection:
                    upgrade(connection, 0, SCHEMA_VERSION)
            check_schema(engine)
            shapes.append(shape(engine))
            engine.dispose()
    new, migrated = shapes
    assert migrated.keys() == new.keys()
    for table, parts in new.items():
        assert migrated[table] == parts, f"{table}: extend the last step of store/migrations"


def test_every_version_has_its_step() -> None:
    assert list(STEPS) == list(range(1, SCHEMA_VERSION + 1))


# --- a house with a history


def test_nothing_is_lost_on_the_way(old: OldHouse) -> None:
    before = old.rows()
    assert run_migrate(old) == ExitCode.OK
    after = old.rows()
    operations = {
        (row["event_id"], row["node_id"], row["inc"], row["seq"], row["branch"]): row["op_id"]
        for row in after["op"]
    }
    for row in after["ledger"]:  # what a line was keyed by is told by the operation now
        place = (row["event_id"], row["node_id"], row["inc"], row["seq"], row["branch"])
        row["op_id"] = operations[place]
    for row in before["meta"]:
        if row["k"] == "schema_version":
            row["v"] = str(SCHEMA_VERSION)
    for table, rows in before.items():
        assert rows, f"{table}: no row, so nothing is shown"
        kept = [{name: row[name] for name in rows[0]} for row in after[table]]
        assert sorted(map(str, kept)) == sorted(map(str, rows)), table


def test_windows_of_a_house_without_agencies_stay_the_houses(tmp_path: Path) -> None:
    """From the schema before agencies: its machines, a code that waits, and who works there."""
    before = STEPS.keys() - {version for version in STEPS if version >= WITH_AGENCIES}
    with fresh_database(tmp_path) as url:
        engine = open_engine(url)
        with engine.begin() as connection:
            upgrade(connection, 0, max(before))
            for table, rows in SCHEMA_1.items():
                if table in ("node", "person"):
                    connection.execute(insert_into(table, list(rows[0])), rows)
            code: dict[str, str | int] = {"secret_hash": "00", "role": "till", "node_id": ""}
            code |= {"node_name": "Window 9", "expires_ms": 2**50, "used_ms": 0}
            connection.execute(insert_into("enrolment", list(code)), code)
        with engine.begin() as connection:
            upgrade(connection, max(before), SCHEMA_VERSION)
            nodes = read_nodes(connection)
            agencies = read_agencies(connection)
            waiting = connection.execute(text("SELECT node_name, agency FROM enrolment")).all()
        engine.dispose()
    assert len(nodes) == len(SCHEMA_1["node"])
    assert {node.agency for node in nodes.values()} == {""}
    assert [tuple(row) for row in waiting] == [("Window 9", "")]
    assert agencies == []


def test_reports_of_a_house_from_before_are_counted_from_its_rows(tmp_path: Path) -> None:
    """From the schema before reports, with its orders, tickets and operations in it."""
    with fresh_database(tmp_path) as url:
        engine = open_engine(url)
        with engine.begin() as connection:
            upgrade(connection, 0, 1)
            connection.execute(text("DELETE FROM meta"))
            for table, rows in SCHEMA_1.items():
                connection.execute(insert_into(table, list(rows[0])), rows)
            upgrade(connection, 1, WITH_REPORTS - 1)
        with engine.begin() as connection:
            upgrade(connection, WITH_REPORTS - 1, SCHEMA_VERSION)
            (house, events) = _streams(connection)
            assert find_due(connection, "any", "any", "") == events
            tx = Transaction(connection, 1)
            for event_id in events:
                turn = take_turn(tx, event_id, "any", "any")
                clock = VenueClock(load_venue(connection, house))
                for piece in pieces_of(count_event(connection, turn, clock)):
                    write_piece(tx, turn, piece)
            found = read_sales(connection, SalesAsked())
            (money,) = read_books(connection).money
        engine.dispose()
    assert [line.net_minor for line in found.totals()] == [money.orders_minor]


def _streams(connection: Connection) -> tuple[str, tuple[str, ...]]:
    rows = connection.execute(text("SELECT event_id, kind FROM stream ORDER BY event_id")).all()
    (house,) = (row[0] for row in rows if row[1] == "house")
    return house, tuple(row[0] for row in rows if row[1] == "event")


def test_the_books_are_what_they_were(old: OldHouse) -> None:
    assert run_migrate(old) == ExitCode.OK
    engine = old.engine()
    with read_only(engine).connect() as connection:
        books = read_books(connection)
    engine.dispose()
    (units,) = [account for account in books.units if account.performance == 1]
    (money,) = books.money
    (entries,) = [account for account in books.entries if account.performance == 1]
    assert (units.lent, units.sold, units.tickets) == (2, 6, 6)
    assert (money.orders_minor, money.tickets_minor) == (288_001, 288_001)
    assert (money.taken_minor, money.ledger_sum_minor) == (388_001, 0)
    assert (entries.tickets, entries.entries, entries.tickets_let_in) == (6, 3, 2)
    assert books.open_case_count == 6


def test_two_sales_with_one_id_leave_their_money_with_the_first(old: OldHouse) -> None:
    """A node may say anything: what it repeated never reached the ledger, and must not now."""
    sale = next(row for row in SCHEMA_1["op"] if row["kind"] == "sale" and row["seq"] == 1)
    copied = {**sale, "seq": 90, "received_ms": sale["received_ms"] + 1, "verdict": "rejected"}
    engine = old.engine()
    with engine.begin() as connection:
        connection.execute(insert_into("op", list(copied)), copied)
    engine.dispose()
    assert run_migrate(old) == ExitCode.OK
    lines = [row for row in old.rows()["ledger"] if row["node_id"] == sale["node_id"]]
    assert 90 not in {row["seq"] for row in lines}
    assert len([row for row in lines if row["seq"] == 1]) == 2


async def test_the_server_serves_a_migrated_house(old: OldHouse) -> None:
    assert run_migrate(old) == ExitCode.OK
    opened = commands.open_house(old.settings)
    assert opened.house is not None
    app = make_app(Centre(opened.engine, opened.house, opened.keys), old.settings)
    async with TestClient(TestServer(app)) as client:
        node = await NodeAtTest(client).enrol(NodeRole.GATE, "East")
        await node.sign_in()
        status, page = await node.call("GET", "/v1/pull?gen=&after=seaview:0&wait_s=0")
    assert status == 200, page
    told = {body.get("name") for _kind, _rev, body in page["streams"]["seaview"]["rows"]}
    assert {"Window 1", "Window 2", "North", "South", "East"} <= told


# --- the command


def test_an_older_database_is_refused_with_the_command_that_takes_it_on(
    old: OldHouse, capsys: pytest.CaptureFixture[str]
) -> None:
    before = old.rows()
    engine = old.engine()
    with pytest.raises(StoreFromOlderVersion):
        check_schema(engine)
    engine.dispose()
    assert run_migrate(old, "serve") == ExitCode.STORAGE
    said = capsys.readouterr().err
    assert f"by an older Boxgate (schema 1, this program needs {SCHEMA_VERSION})" in said
    assert "run 'boxgate-server migrate'" in said
    assert old.rows() == before


def test_migrate_says_what_it_did_and_then_has_nothing_to_do(
    old: OldHouse, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_migrate(old) == ExitCode.OK
    said = capsys.readouterr().out.splitlines()
    assert said[0] == f"the database was of schema 1 and is of schema {SCHEMA_VERSION} now"
    assert len(said) == (1 if is_on_postgresql() else 2)
    after = old.rows()
    assert run_migrate(old) == ExitCode.OK
    assert "nothing to do" in capsys.readouterr().out
    assert old.rows() == after


@on_sqlite
def test_the_file_is_copied_before_and_the_copy_is_named(
    old: OldHouse, capsys: pytest.CaptureFixture[str]
) -> None:
    before = old.rows()
    assert run_migrate(old) == ExitCode.OK
    (copy,) = old.settings.data_dir.glob("boxgate-schema-1-*.sqlite3")
    assert capsys.readouterr().out.splitlines()[1] == f"as it was before: {copy}"
    assert copy.stat().st_mode & 0o077 == 0
    file = old.settings.data_dir / "boxgate.sqlite3"
    file.unlink()
    copy.rename(file)
    assert old.rows() == before


def test_a_server_that_runs_keeps_its_database(
    old: OldHouse, capsys: pytest.CaptureFixture[str]
) -> None:
    before = old.rows()
    with (old.settings.data_dir / "serve.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert run_migrate(old) == ExitCode.BUSY
    assert "a server runs with the data folder" in capsys.readouterr().err
    assert old.rows() == before


@on_postgresql
def test_a_database_that_others_are_connected_to_is_left_alone(
    old: OldHouse, capsys: pytest.CaptureFixture[str]
) -> None:
    before, elsewhere = old.rows(), old.engine()
    with elsewhere.connect():
        engine = old.engine()
        with pytest.raises(StoreInUse):
            migrate(engine, AT)
        engine.dispose()
        assert run_migrate(old) == ExitCode.BUSY
    elsewhere.dispose()
    assert "has 1 other connections: stop every server" in capsys.readouterr().err
    assert old.rows() == before


def test_rows_that_do_not_fit_leave_everything_as_it_was(old: OldHouse) -> None:
    old.execute("DELETE FROM op WHERE kind = 'sale' AND seq = 1")
    before, engine = old.rows(), old.engine()
    with pytest.raises(StoreError, match="table ledger holds 12 rows, but 8 of them could be"):
        migrate(engine, AT)
    engine.dispose()
    assert old.rows() == before
    assert not list(old.settings.data_dir.glob("boxgate-schema-*"))


def test_without_a_house_there_is_nothing_to_migrate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["migrate", "--data-dir", str(tmp_path / "none")]) == ExitCode.STORAGE
    assert "run 'boxgate-server init' first" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()

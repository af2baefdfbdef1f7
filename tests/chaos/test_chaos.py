"""The quick runs: twenty kills in all, on both databases. The full ones: make chaos KILLS=200."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from sqlalchemy import Connection

from sync_server.settings import DATABASE_FILE
from sync_server.store.database import open_engine
from tests.chaos.books import check_books
from tests.chaos.house import read_rows
from tests.chaos.storm import AT_REST, Outcome, run_storm
from tests.fakes.postgres import OPT_OUT_VARIABLE, is_opted_out

pytestmark = pytest.mark.timeout(300)

SEED = int(os.environ.get("BOXGATE_CHAOS_SEED", "3"))
SQLITE_KILLS, POSTGRES_KILLS = 12, 8


@pytest.fixture(scope="module")
def at_rest() -> Iterator[tuple[Path, Outcome]]:
    """A house on SQLite after its storm: its folder, and what was done to it."""
    with TemporaryDirectory(prefix="boxgate-chaos-") as folder:
        house = Path(folder) / "house"
        yield house, run_storm(house, SEED, SQLITE_KILLS, "sqlite", print)


def test_kills_and_power_cuts_and_full_disks_on_sqlite_leave_the_books_right(
    at_rest: tuple[Path, Outcome],
) -> None:
    _folder, outcome = at_rest
    assert outcome.kills == SQLITE_KILLS
    _worked(outcome)
    for fault in ("kill server", "kill till", "kill gate", "power cut", "full disk"):
        assert outcome.faults[fault], fault


def test_killed_owners_and_a_restarted_postgresql_leave_the_books_right(tmp_path: Path) -> None:
    if is_opted_out():
        pytest.skip(f"{OPT_OUT_VARIABLE} is set")
    outcome = run_storm(tmp_path / "house", SEED, POSTGRES_KILLS, "postgres", print)
    assert outcome.kills == POSTGRES_KILLS
    _worked(outcome)
    for fault in ("kill server", "take over", "restart PostgreSQL", "drop connections"):
        assert outcome.faults[fault], fault


def _worked(outcome: Outcome) -> None:
    """A house in which nothing is done proves nothing."""
    for what in ("sale", "printed", "release", "entry", "entered"):
        assert outcome.counts.get(what, 0) >= 1, what


_ANY_TICKET = "(SELECT ref FROM claim WHERE kind = 'sold' ORDER BY ref LIMIT 1)"
_ANY_SALE = "SELECT rowid FROM op WHERE kind = 'sale' ORDER BY rowid LIMIT 1"


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        pytest.param(
            f"DELETE FROM op WHERE rowid = ({_ANY_SALE})",  # noqa: S608 - our own words
            "acknowledged and not stored so",
            id="an operation lost",
        ),
        pytest.param(
            f"UPDATE op SET body = '{{}}' WHERE rowid = ({_ANY_SALE})",  # noqa: S608
            "or others",
            id="an operation changed",
        ),
        pytest.param(
            f"UPDATE op SET verdict = 'rejected' WHERE rowid = ({_ANY_SALE})",  # noqa: S608
            "operations not taken as they stand",
            id="a verdict changed",
        ),
        pytest.param(
            f"DELETE FROM ticket WHERE id = {_ANY_TICKET}",  # noqa: S608
            "printed and unknown",
            id="a ticket lost",
        ),
        pytest.param(
            f"UPDATE ticket SET state = 'void' WHERE id = {_ANY_TICKET}",  # noqa: S608
            "printed and not claimed",
            id="a ticket voided",
        ),
        pytest.param(
            f"DELETE FROM claim WHERE ref = {_ANY_TICKET}",  # noqa: S608
            "printed and not claimed",
            id="a claim lost",
        ),
        pytest.param(
            "UPDATE ledger SET amount_minor = amount_minor + 1 "
            "WHERE rowid = (SELECT min(rowid) FROM ledger)",
            "do not sum to nothing",
            id="money made",
        ),
        pytest.param(
            "DELETE FROM ledger WHERE order_id = (SELECT min(order_id) FROM ticket WHERE state = "
            "'valid' AND order_id NOT IN (SELECT order_id FROM ticket WHERE state = 'void'))",
            "the tills took",
            id="a movement lost",
        ),
        pytest.param(
            "UPDATE orders SET total_minor = total_minor + 1 "
            "WHERE id = (SELECT min(id) FROM orders)",
            "has no order of its worth",
            id="another total",
        ),
        pytest.param(
            f"UPDATE claim SET kind = 'allot' WHERE ref = {_ANY_TICKET}",  # noqa: S608
            "has it not",
            id="a sold unit lent",
        ),
        pytest.param(
            "DELETE FROM entry WHERE journalled = 1", "went in and unknown", id="entries lost"
        ),
        pytest.param("UPDATE stream SET head = head - 1", "read further", id="a shorter feed"),
        pytest.param(
            "UPDATE ticket SET rev = rev + 1000000 WHERE state = 'valid'",
            "that gate-2 lacks",
            id="a row that the feed never told",
        ),
        pytest.param(
            "UPDATE journal SET state = 'forked'", "the server's journal", id="a fenced journal"
        ),
        pytest.param(
            "INSERT INTO case_file (event_id, id, kind, state, opened_ms, body, rev) "
            "VALUES ('opera', 'x', 'oversold', 'open', 1, '{}', 999999)",
            "cases",
            id="a case",
        ),
    ],
)
def test_the_comparison_finds_a_damaged_database(
    at_rest: tuple[Path, Outcome], tmp_path: Path, damage: str, found: str
) -> None:
    folder, outcome = at_rest
    shutil.copytree(folder / AT_REST, tmp_path / "copy")
    wrong = _check(tmp_path / "copy" / DATABASE_FILE, outcome, damage)
    assert [each for each in wrong if found in each], wrong


def test_the_comparison_finds_a_unit_that_two_tills_sold(
    at_rest: tuple[Path, Outcome], tmp_path: Path
) -> None:
    folder, outcome = at_rest
    one, other, _gate = outcome.nodes
    shutil.copytree(other.folder, tmp_path / "other")
    (sale,) = read_rows(
        one.folder / "journal.db", "SELECT * FROM op WHERE kind = 'sale' ORDER BY seq LIMIT 1"
    )
    _change(
        tmp_path / "other" / "journal.db",
        f"UPDATE op SET stream = '{sale['stream']}', inc = 99, body = '{sale['body']}' "  # noqa: S608
        f"WHERE rowid = ({_ANY_SALE})",
    )
    nodes = (one, replace(other, folder=tmp_path / "other"), _gate)
    wrong = _check(folder / AT_REST / DATABASE_FILE, replace(outcome, nodes=nodes), "")
    assert [each for each in wrong if each.startswith("sold twice")], wrong


def _check(database: Path, outcome: Outcome, damage: str) -> list[str]:
    if damage:
        _change(database, damage)
    return _on(database, lambda connection: check_books(connection, outcome.nodes))


def _change(database: Path, sql: str) -> None:
    def work(connection: Connection) -> None:
        assert connection.exec_driver_sql(sql).rowcount, "nothing was damaged"

    _on(database, work)


def _on(database: Path, work: Callable[..., object]) -> list[str]:
    engine = open_engine(f"sqlite:///{database}")
    try:
        with engine.begin() as connection:
            done = work(connection)
    finally:
        engine.dispose()
    return done if isinstance(done, list) else []

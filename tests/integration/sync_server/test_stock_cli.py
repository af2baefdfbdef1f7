"""`allotments`, `recall` and `write-off` as managers type them."""

from __future__ import annotations

import getpass
import json
import logging
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from program.exit_codes import ExitCode
from sync_server.__main__ import main
from sync_server.services.people import hash_password
from tests.fakes.databases import is_on_postgresql
from tests.integration.sync_server.support import HouseOnDisk

pytestmark = pytest.mark.skipif(is_on_postgresql(), reason="the command line is told no database")

Run = Callable[..., ExitCode]


@pytest.fixture(autouse=True)
def process_stays_as_it_was() -> Iterator[None]:
    """What a program sets for its whole process must not outlive a test."""
    mask, hook = os.umask(0o022), threading.excepthook
    yield
    os.umask(mask)
    threading.excepthook = hook
    logging.captureWarnings(capture=False)


@pytest.fixture
def data_dir(house: HouseOnDisk) -> Path:
    """The sample house, with a second person who has a password."""
    folder = house.settings.data_dir
    change(
        folder, "UPDATE person SET password_hash = ? WHERE role = 'cashier'", hash_password("wu")
    )
    return folder


def change(data_dir: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(data_dir / "boxgate.sqlite3")) as connection, connection:
        connection.execute(statement, values)


@pytest.fixture
def run(data_dir: Path) -> Run:
    def command(*argv: object) -> ExitCode:
        return ExitCode(main([*map(str, argv), "--data-dir", str(data_dir)]))

    return command


@pytest.fixture
def passwords(monkeypatch: pytest.MonkeyPatch, house: HouseOnDisk) -> dict[str, str]:
    """What each login would type."""
    typed = {"manager": house.password}
    monkeypatch.setattr(getpass, "getpass", lambda prompt: typed[prompt.split()[2].rstrip(":")])
    return typed


@pytest.fixture
def second(data_dir: Path, passwords: dict[str, str]) -> str:
    with closing(sqlite3.connect(data_dir / "boxgate.sqlite3")) as connection:
        (login,) = connection.execute(
            "SELECT login FROM person WHERE role = 'cashier' ORDER BY login LIMIT 1"
        ).fetchone()
    passwords[login] = "wu"
    return str(login)


def lent(run: Run, capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    """The event and the id of the only allotment."""
    assert run("allotments", "--json") == ExitCode.OK
    (line,) = json.loads(capsys.readouterr().out)
    return line["event_id"], line["id"]


def test_who_holds_what_is_shown(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    event, allotment = lent(run, capsys)
    assert run("allotments", "--event", event) == ExitCode.OK
    shown = capsys.readouterr().out
    assert allotment in shown
    assert "confirmed sold" in shown
    assert "never heard" in shown
    assert run("allotments", "--event", "another") == ExitCode.OK
    assert capsys.readouterr().out == "nothing is lent\n"


def test_a_recall_says_what_is_asked_back(
    run: Run, house: HouseOnDisk, capsys: pytest.CaptureFixture[str]
) -> None:
    event, allotment = lent(run, capsys)
    assert house.made.second_window is not None
    for which in (["--allotment", allotment], ["--node", house.made.second_window.name]):
        assert run("recall", event, *which) == ExitCode.OK
        assert capsys.readouterr().out == f"asked back: {allotment}\n"
    run("allotments")
    assert "recalled" in capsys.readouterr().out
    assert run("recall", event, "--node", "Nobody") == ExitCode.REFUSED
    assert run("recall", event, "--allotment", "1a2b3c4d-999") == ExitCode.REFUSED
    assert run("recall", "another", "--allotment", allotment) == ExitCode.REFUSED


def test_two_people_write_off_after_the_term(
    run: Run, data_dir: Path, second: str, capsys: pytest.CaptureFixture[str]
) -> None:
    event, allotment = lent(run, capsys)
    change(data_dir, "UPDATE allot SET soft_s = 60, hard_s = 3600")
    argv = ("write-off", event, allotment, "--by", "manager", "--and", second, "--reason", "lost")
    assert run(*argv) == ExitCode.REFUSED
    assert "may still be selling" in capsys.readouterr().err
    change(data_dir, "UPDATE allot SET granted_ms = granted_ms - 4000000")
    assert run(*argv) == ExitCode.OK
    assert "is written off" in capsys.readouterr().out
    run("allotments")
    assert "written off" in capsys.readouterr().out


def test_somebody_added_by_the_command_may_be_the_second_one(
    run: Run, data_dir: Path, passwords: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    event, allotment = lent(run, capsys)
    change(data_dir, "UPDATE allot SET soft_s = 60, hard_s = 3600, granted_ms = 1")
    assert run("add-person", "zhao.lei", "--name", "赵磊", "--role", "manager") == ExitCode.OK
    shown = capsys.readouterr().out.split()
    passwords["zhao.lei"] = shown[shown.index("password") + 1]
    assert shown[shown.index("PIN") + 1].isdigit()
    people = ("--by", "zhao.lei", "--and", "manager")
    assert run("write-off", event, allotment, *people, "--reason", "lost") == ExitCode.OK
    assert run("add-person", "zhao.lei", "--name", "赵磊", "--role", "auditor") == ExitCode.REFUSED
    assert "already" in capsys.readouterr().err
    assert run("add-person", "", "--name", "赵磊", "--role", "auditor") == ExitCode.REFUSED


def test_who_may_not_decide_is_refused(
    run: Run, second: str, passwords: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    event, allotment = lent(run, capsys)

    def write_off(by: str, other: str) -> str:
        argv = ("write-off", event, allotment, "--by", by, "--and", other, "--reason", "lost")
        assert run(*argv) == ExitCode.REFUSED
        return capsys.readouterr().err

    assert "two different people" in write_off("manager", "manager")
    assert "ask a manager" in write_off(second, "manager")
    passwords[second] = "guess"
    assert "password is wrong" in write_off("manager", second)
    passwords["nobody"] = "wu"
    assert "password is wrong" in write_off("manager", "nobody")


def test_a_manager_blocks_a_ticket_and_lifts_it(
    run: Run,
    data_dir: Path,
    second: str,
    passwords: dict[str, str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    event, _allotment = lent(run, capsys)
    ticket = "00000000000000f0"
    change(
        data_dir,
        "INSERT INTO ticket (event_id, id, order_id, perf_id, unit, version, state, allot_id, "
        "tier_id, ticket_type_id, price_minor, rev) "
        "VALUES (?, ?, 'x', 1, 1, 0, 'valid', 'x', 'x', 'x', 0, 1)",
        event,
        ticket,
    )

    def do(command: str, which: str = ticket, *, by: str = "manager") -> ExitCode:
        return run(command, event, which, "--by", by, "--reason", "stolen")

    assert do("block") == ExitCode.OK
    assert capsys.readouterr().out == f"{ticket} is blocked\n"
    assert do("block") == ExitCode.REFUSED
    assert "already" in capsys.readouterr().err
    assert do("unblock") == ExitCode.OK
    assert do("unblock", "0" * 16) == ExitCode.REFUSED
    assert do("block", by=second) == ExitCode.REFUSED
    assert "ask a manager" in capsys.readouterr().err
    passwords["manager"] = "wrong"
    assert do("block") == ExitCode.REFUSED
    assert run("block", "another", ticket, "--by", second, "--reason", "x") == ExitCode.REFUSED

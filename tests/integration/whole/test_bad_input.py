"""Bad input at the programs' front doors: one clear sentence, a stable exit code, nothing lost."""

from __future__ import annotations

import json
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
import pytest
import segno

from program.exit_codes import ExitCode
from tests.demo.programs import wait_until
from tests.fakes.nursery import Nursery
from tests.integration.whole.conftest import House

pytestmark = pytest.mark.timeout(120)


def _run(*words: str, cwd: Path) -> tuple[int, str, str]:
    """The same, by an interpreter of its own."""
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-m", *words],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(root)},
        check=False,
        timeout=60,
    )
    return done.returncode, done.stdout, done.stderr


class Run(Protocol):
    """A command of one of our programs, to its end: exit code, output, errors."""

    def __call__(self, module: str, *arguments: str, cwd: Path) -> tuple[int, str, str]:
        """Run it in this folder."""


@pytest.fixture
def run(nursery: Nursery) -> Run:
    """A process that need not import everything anew."""
    return lambda module, *arguments, cwd: nursery.run(module, arguments, cwd)


@pytest.mark.parametrize(
    ("module", "command", "table", "wrong", "right"),
    [
        pytest.param("sync_server", "serve", "listen", "prot", "port", id="server"),
        pytest.param("pos_app", "run", "screen", "langauge", "language", id="till"),
        pytest.param("gate_agent", "run", "lane", "camra", "camera", id="gate"),
    ],
)
def test_a_typo_in_the_settings_is_named_with_a_suggestion(
    run: Run, tmp_path: Path, module: str, command: str, table: str, wrong: str, right: str
) -> None:
    (tmp_path / "my.toml").write_text(f"[{table}]\n{wrong} = 1\n")
    code, _out, err = run(module, command, "--config", "my.toml", cwd=tmp_path)
    assert code == ExitCode.SETTINGS
    assert "my.toml" in err
    assert f"{table}.{wrong}" in err
    assert right in err
    assert "Traceback" not in err


@pytest.mark.parametrize("module", ["sync_server", "pos_app", "gate_agent"])
def test_help_and_version_work_without_anything_else(tmp_path: Path, module: str) -> None:
    code, out, _err = _run(module, "--help", cwd=tmp_path)
    assert code == 0
    assert "exit codes" in out
    code, out, _err = _run(module, "--version", cwd=tmp_path)
    assert code == 0
    assert out.startswith("boxgate-")


@pytest.mark.parametrize("module", ["pos_app", "gate_agent"])
def test_a_node_that_is_not_enrolled_says_how_to(
    run: Run, tmp_path: Path, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    code, _out, err = run(module, "run", "--data-dir", "nowhere", cwd=tmp_path)
    assert code == ExitCode.REFUSED
    assert "enrol" in err
    assert "Traceback" not in err


def test_a_till_without_a_screen_says_so(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    code, _out, err = run("pos_app", "run", "--data-dir", "till", cwd=tmp_path)
    assert code == ExitCode.DEVICE
    assert "no screen" in err


def test_a_server_without_a_database_says_how_to_make_one(run: Run, tmp_path: Path) -> None:
    code, _out, err = run("sync_server", "serve", "--data-dir", "nowhere", cwd=tmp_path)
    assert code == ExitCode.STORAGE
    assert "init" in err


def _enrol(run: Run, house: House, code: str, folder: str = "other") -> tuple[int, str]:
    status, _out, err = run(
        "pos_app", "enrol", "--data-dir", folder, "--server", house.url, code, cwd=house.folder
    )
    return status, err


def _new_code(run: Run, house: House, name: str) -> str:
    words = ("enrol-code", "--data-dir", "server", "--role", "till", "--name", name, "--json")
    _status, out, _err = run("sync_server", *words, cwd=house.folder)
    code: str = json.loads(out)["code"]
    return code


def test_wrong_enrolment_codes_are_refused_with_what_to_do(run: Run, house: House) -> None:
    code = _new_code(run, house, "Window 7")
    status, err = _enrol(run, house, "HELLO")
    assert (status, "not an enrolment code" in err) == (ExitCode.REFUSED, True)

    unknown = "AAAA-AAAA-AAAA-AAAA" + code[19:]
    status, err = _enrol(run, house, unknown)
    assert (status, "does not know this enrolment code" in err) == (ExitCode.REFUSED, True)

    other_server = code[:19] + "-AAAA-AAAA-AAAA-AAAA"
    status, err = _enrol(run, house, other_server)
    assert (status, "not the server that made" in err) == (ExitCode.REFUSED, True)

    database = house.folder / "server" / "boxgate.sqlite3"
    expired = _new_code(run, house, "Window 8")
    connection = sqlite3.connect(database)
    with connection:
        connection.execute("UPDATE enrolment SET expires_ms = 1 WHERE node_name = 'Window 8'")
    connection.close()
    status, err = _enrol(run, house, expired, "late")
    assert (status, "expired" in err) == (ExitCode.REFUSED, True)

    nobody = house.url.rsplit(":", 1)[0] + ":9"
    status, _out, err = run(
        "pos_app", "enrol", "--data-dir", "far", "--server", nobody, code, cwd=house.folder
    )
    assert status == ExitCode.UNREACHABLE
    assert "Traceback" not in err


def _garble(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[:64] = b"\xa5" * 64
    file.write_bytes(content)


def _from_the_future(file: Path) -> None:
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA user_version = 99")
    connection.close()


def _truncate(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:100])


def _remove(file: Path) -> None:
    file.unlink()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        pytest.param(_garble, "damaged", id="garbled"),
        pytest.param(_truncate, "damaged", id="truncated"),
        pytest.param(_from_the_future, "newer Boxgate", id="from a newer version"),
        pytest.param(_remove, "is gone", id="missing"),
    ],
)
def test_a_node_does_not_start_on_a_journal_it_cannot_trust(
    run: Run, closed_house: House, spoil: Callable[[Path], None], words: str
) -> None:
    journal = closed_house.folder / "gate" / "journal.db"
    for suffix in ("-wal", "-shm"):
        journal.with_name(journal.name + suffix).unlink(missing_ok=True)
    spoil(journal)
    before = journal.read_bytes() if journal.exists() else None
    code, _out, err = run("gate_agent", "run", "--data-dir", "gate", cwd=closed_house.folder)
    assert code == ExitCode.STORAGE
    assert words in err
    assert "Traceback" not in err
    assert (journal.read_bytes() if journal.exists() else None) == before, "nothing is changed"


def test_the_server_does_not_start_on_a_database_it_cannot_trust(
    run: Run, closed_house: House
) -> None:
    database = closed_house.folder / "server" / "boxgate.sqlite3"
    sound = database.read_bytes()
    _garble(database)
    code, _out, err = run("sync_server", "serve", "--data-dir", "server", cwd=closed_house.folder)
    assert (code, "damaged" in err) == (ExitCode.STORAGE, True)

    database.write_bytes(sound)
    connection = sqlite3.connect(database)
    with connection:
        connection.execute("UPDATE meta SET v = '99' WHERE k = 'schema_version'")
    connection.close()
    code, _out, err = run("sync_server", "serve", "--data-dir", "server", cwd=closed_house.folder)
    assert (code, "newer" in err) == (ExitCode.STORAGE, True)

    shutil.rmtree(closed_house.folder / "server" / "keys")
    database.write_bytes(sound)
    code, _out, err = run("sync_server", "serve", "--data-dir", "server", cwd=closed_house.folder)
    assert code != 0
    assert "key" in err
    assert "Traceback" not in err


def test_a_till_on_a_full_disk_refuses_the_sale_and_loses_nothing(house: House) -> None:
    till = house.start_plain_till()
    assert till.ask({"do": "ready"}, 40)["free"] > 20
    first = till.ask({"do": "sell", "count": 1, "print": False})
    journal = house.folder / "till" / "journal.db-wal"
    limit = journal.stat().st_size + 3 * 4096
    unlimited = resource.prlimit(till.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(till.process.pid, resource.RLIMIT_FSIZE, (limit, unlimited[1]))
    sold, answer = [first], {}
    for _sale in range(60):
        answer = till.ask({"do": "sell", "count": 1, "print": False})
        if "refused" in answer:
            break
        sold.append(answer)
    assert answer == {"refused": "disk_full"}

    resource.prlimit(till.process.pid, resource.RLIMIT_FSIZE, unlimited)
    sold.append(till.ask({"do": "sell", "count": 1, "print": True}))

    def is_synced() -> bool:
        status = till.ask({"do": "status"})
        return bool(status["link"] == "online" and status["unsynced"] == 0)

    wait_until("the till is in step", is_synced, 40)
    books = house.books()
    assert house.units()["sold"] == len(sold)
    assert books["money"][0]["orders_minor"] == sum(sale["total"] for sale in sold)


def test_decode_prints_one_line_for_each_image_whatever_it_is(run: Run, tmp_path: Path) -> None:
    segno.make("x" * 2_000, version=40, error="m").save(str(tmp_path / "largest.png"), scale=4)
    segno.make("https://example.org/ticket/1").save(str(tmp_path / "other.png"), scale=6)
    segno.make("测试".encode("gbk"), mode="byte").save(str(tmp_path / "gbk.png"), scale=6)
    (tmp_path / "garbage.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    whole = (tmp_path / "other.png").read_bytes()
    (tmp_path / "truncated.png").write_bytes(whole[: len(whole) // 2])
    cv2.imwrite(str(tmp_path / "empty.png"), np.full((400, 400), 200, np.uint8))
    names = ["largest", "other", "gbk", "garbage", "truncated", "empty", "missing"]
    code, out, err = run("gate_agent", "decode", *(f"{n}.png" for n in names), cwd=tmp_path)
    lines = [json.loads(line) for line in out.splitlines()]
    assert code == ExitCode.INPUT, "some could not be read as images"
    assert "Traceback" not in err
    assert [line["image"] for line in lines] == [f"{n}.png" for n in names]
    keys = ["image", "text", "decoder", "milliseconds", "codes", "error"]
    assert [list(line) for line in lines] == [keys] * len(names)
    by_name = dict(zip(names, lines, strict=True))
    assert by_name["largest"]["text"] == "x" * 2_000
    assert by_name["other"]["text"] == "https://example.org/ticket/1"
    assert by_name["empty"]["text"] is None
    assert by_name["empty"]["error"] is None
    for broken in ("garbage", "missing"):
        assert by_name[broken]["text"] is None
        assert by_name[broken]["error"]

"""`boxgate-server` as people and supervisors use it: what it prints, and its exit codes."""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from program.exit_codes import ExitCode
from sync_server.__main__ import main
from sync_server.services.initialise import MARKER
from sync_server.services.sample import Sample, sample_document
from tests.integration.sync_server.support import HouseOnDisk

ENVIRONMENT = {**os.environ, "PYTHONUNBUFFERED": "1"}


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
    return house.settings.data_dir


class Cli:
    """Runs commands in this process and keeps what they print."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.out = self.err = ""

    def __call__(self, *argv: object) -> int:
        code = main([str(each) for each in argv])
        self.out, self.err = self._capsys.readouterr()
        return code


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(capsys)


def sql(data_dir: Path, statement: str) -> list[Any]:
    with closing(sqlite3.connect(data_dir / "boxgate.sqlite3")) as connection, connection:
        return connection.execute(statement).fetchall()


# --- init


def test_a_sample_may_be_a_park_of_time_slots(cli: Cli, tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    assert cli("init", "--sample", "park", "--json", "--data-dir", data_dir) == ExitCode.OK
    shown = json.loads(cli.out)
    assert len(shown["second_window"]["units"]) == 20
    assert sql(data_dir, "SELECT count(DISTINCT event_id) FROM performance") == [(2,)]


def test_the_stadium_is_made_when_it_is_asked_for() -> None:
    document = sample_document(Sample.STADIUM)
    assert isinstance(document, dict)
    (plan,) = document["plans"]
    assert len(plan["areas"]) == 72


def test_init_shows_passwords_and_pins_once_and_keeps_only_hashes(cli: Cli, tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    assert cli("init", "--sample", "theatre", "--json", "--data-dir", data_dir) == ExitCode.OK
    shown = json.loads(cli.out)
    assert shown["manager"]["login"] == "manager"
    assert [person["role"] for person in shown["people"]] == ["manager", "cashier", "cashier"]
    pins = [person["pin"] for person in shown["people"]]
    assert len(set(pins)) == 3
    assert all(re.fullmatch(r"\d{6}", pin) for pin in pins)
    assert shown["venue_id"] == "seaview"
    assert len(shown["second_window"]["units"]) == 36
    everything = b"".join(path.read_bytes() for path in data_dir.rglob("*") if path.is_file())
    for secret in (shown["manager"]["password"], *pins):
        assert f'"{secret}"'.encode() not in everything
    assert shown["manager"]["password"].encode() not in everything


def test_init_keeps_what_it_writes_to_its_own_user(cli: Cli, tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    assert cli("init", "--data-dir", data_dir) == ExitCode.OK
    modes = {path.name: path.stat().st_mode & 0o777 for path in data_dir.rglob("*")}
    assert modes.pop("keys") == 0o700
    assert set(modes.values()) == {0o600}
    assert set(modes) >= {"token", "node", "cookie", "personal-data", "boxgate.sqlite3"}


def test_init_for_people_says_what_to_do_next(cli: Cli, tmp_path: Path) -> None:
    assert cli("init", "--data-dir", tmp_path / "data") == ExitCode.OK
    assert "login manager   password " in cli.out
    assert "Next: boxgate-server import FILE.json" in cli.out


def test_a_second_init_changes_nothing(cli: Cli, data_dir: Path) -> None:
    before = {path: path.read_bytes() for path in data_dir.rglob("*") if path.is_file()}
    assert cli("init", "--data-dir", data_dir) == ExitCode.ALREADY
    assert "there is a house already" in cli.err
    assert {p: p.read_bytes() for p in data_dir.rglob("*") if p.is_file()} == before


@pytest.mark.parametrize("command", ["init", "serve", "enrol"])
def test_a_half_made_init_is_named_and_nothing_runs_on_it(
    cli: Cli, data_dir: Path, command: str
) -> None:
    (data_dir / MARKER).touch()
    argv = ["enrol-code", "--role", "till", "--name", "W"] if command == "enrol" else [command]
    assert cli(*argv, "--data-dir", data_dir) == ExitCode.STORAGE
    assert "was cut off" in cli.err
    assert "run 'boxgate-server init' again" in cli.err


def test_an_init_that_is_killed_before_it_has_shown_its_passwords_is_half_made(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("sync_server.__main__._house_text", killed)
        assert cli("init", "--data-dir", tmp_path / "data") == ExitCode.INTERRUPTED
    assert cli("serve", "--data-dir", tmp_path / "data") == ExitCode.STORAGE
    assert "was cut off" in cli.err


def test_keys_without_their_database_are_not_taken_for_a_new_house(
    cli: Cli, data_dir: Path
) -> None:
    (data_dir / "boxgate.sqlite3").unlink()
    key = (data_dir / "keys" / "node").read_bytes()
    assert cli("init", "--data-dir", data_dir) == ExitCode.ALREADY
    assert "put the database back" in cli.err
    assert (data_dir / "keys" / "node").read_bytes() == key


def test_a_data_folder_that_cannot_be_made_is_named(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert cli("init", "--data-dir", tmp_path / "file" / "data") == ExitCode.STORAGE
    assert "cannot be made" in cli.err


# --- keys and database that are not right


def test_a_missing_key_is_named(cli: Cli, data_dir: Path) -> None:
    (data_dir / "keys" / "cookie").unlink()
    assert cli("serve", "--data-dir", data_dir) == ExitCode.STORAGE
    assert "keys/cookie is missing" in cli.err


def test_a_key_that_others_may_read_is_named_with_the_cure(cli: Cli, data_dir: Path) -> None:
    (data_dir / "keys" / "token").chmod(0o644)
    assert cli("serve", "--data-dir", data_dir) == ExitCode.STORAGE
    assert f"chmod 600 {data_dir}/keys/token" in cli.err


def test_a_key_of_another_house_is_named(cli: Cli, data_dir: Path) -> None:
    (data_dir / "keys" / "personal-data").write_text("00" * 32)
    assert cli("serve", "--data-dir", data_dir) == ExitCode.STORAGE
    assert "keys/personal-data is not the one" in cli.err


def test_without_a_house_serve_says_what_to_do(cli: Cli, tmp_path: Path) -> None:
    assert cli("serve", "--data-dir", tmp_path / "none") == ExitCode.STORAGE
    assert "run 'boxgate-server init' first" in cli.err
    assert not (tmp_path / "none").exists()


def test_a_damaged_database_is_named_and_left_alone(cli: Cli, data_dir: Path) -> None:
    file = data_dir / "boxgate.sqlite3"
    file.write_bytes(b"this is no database, whatever it is called" * 100)
    before = file.read_bytes()
    assert cli("serve", "--data-dir", data_dir) == ExitCode.STORAGE
    assert "is damaged" in cli.err
    assert file.read_bytes() == before


def test_a_database_of_a_newer_version_is_refused(cli: Cli, data_dir: Path) -> None:
    sql(data_dir, "UPDATE meta SET v = '99' WHERE k = 'schema_version'")
    assert cli("serve", "--data-dir", data_dir) == ExitCode.STORAGE
    assert "newer Boxgate" in cli.err


def test_a_postgresql_that_does_not_answer_is_named_without_its_password(
    cli: Cli, data_dir: Path, tmp_path: Path
) -> None:
    config = tmp_path / "server.toml"
    config.write_text(
        f'data_dir = "{data_dir}"\ndatabase_url = "postgresql://u:hush@127.0.0.1:1/box"\n'
    )
    assert cli("serve", "--config", config) == ExitCode.STORAGE
    assert "database box on 127.0.0.1" in cli.err
    assert "hush" not in cli.err


# --- settings


def test_a_typo_in_the_settings_is_named_with_a_suggestion(cli: Cli, tmp_path: Path) -> None:
    config = tmp_path / "server.toml"
    config.write_text("[listen]\nprot = 1\n")
    assert cli("serve", "--config", config) == ExitCode.SETTINGS
    assert "unknown key 'listen.prot': did you mean 'listen.port'?" in cli.err


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("[listen]\nport = 65536\n", "'listen.port' must be from 0", id="a port"),
        pytest.param('[listen]\ntls_key = "k"\n', "'listen.tls_certificate'", id="half a TLS"),
        pytest.param("[console]\nidle_minutes = 0\n", "'console.idle_minutes'", id="no idle time"),
        pytest.param('database_url = "mysql://u:hush@h/d"\n', "'database_url'", id="MySQL"),
        pytest.param('database_url = "hush"\n', "'database_url'", id="no URL"),
        pytest.param('own_url = "10.0.0.5:8970"\n', "'own_url'", id="no address"),
        pytest.param('[log]\nlevel = "loud"\n', "'log.level' must be one of", id="a log level"),
    ],
)
def test_settings_out_of_range_are_named(
    cli: Cli, tmp_path: Path, text: str, expected: str
) -> None:
    config = tmp_path / "server.toml"
    config.write_text(text)
    assert cli("serve", "--config", config) == ExitCode.SETTINGS
    assert expected in cli.err
    assert "hush" not in cli.err


@pytest.mark.usefixtures("house")
def test_a_settings_file_in_the_working_folder_is_found(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "boxgate-server.toml").write_text('data_dir = "data"\n')
    assert cli("enrol-code", "--role", "gate", "--name", "North") == ExitCode.OK


def test_a_certificate_that_is_none_is_named(cli: Cli, house: HouseOnDisk, tmp_path: Path) -> None:
    config = tmp_path / "server.toml"
    config.write_text(
        f'data_dir = "{house.settings.data_dir}"\n'
        '[listen]\ntls_certificate = "c.pem"\ntls_key = "k.pem"\n'
    )
    assert cli("serve", "--config", config) == ExitCode.SETTINGS
    assert "'listen.tls_certificate'" in cli.err


# --- enrol-code


def test_enrol_code_prints_the_code_alone(cli: Cli, data_dir: Path) -> None:
    argv = ["enrol-code", "--role", "till", "--name", "Window 1", "--data-dir", data_dir]
    assert cli(*argv) == ExitCode.OK
    assert re.fullmatch(r"([A-Z2-7]{4}-){7}[A-Z2-7]{4}\n", cli.out)
    assert cli(*argv, "--json") == ExitCode.OK
    shown = json.loads(cli.out)
    assert (shown["role"], shown["name"], shown["minutes"]) == ("till", "Window 1", 60)


def test_a_name_in_use_gets_no_code(cli: Cli, data_dir: Path) -> None:
    argv = ["enrol-code", "--role", "till", "--name", "Window 2", "--data-dir", data_dir]
    assert cli(*argv) == ExitCode.REFUSED
    assert "choose another name" in cli.err


def test_before_the_catalogue_there_is_nothing_to_join_or_serve(cli: Cli, tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    assert cli("init", "--data-dir", data_dir) == ExitCode.OK
    for command in (["enrol-code", "--role", "till", "--name", "W"], ["serve"]):
        assert cli(*command, "--data-dir", data_dir) == ExitCode.REFUSED
        assert "import FILE.json" in cli.err


@pytest.mark.parametrize(
    "argv",
    [
        pytest.param([], id="no command"),
        pytest.param(["enrol-code", "--role", "boss", "--name", "W"], id="no such role"),
        pytest.param(["enrol-code", "--role", "till", "--name", " "], id="no name"),
        pytest.param(
            ["enrol-code", "--role", "till", "--name", "W", "--minutes", "0"], id="no time"
        ),
        pytest.param(["init", "--sample", "opera"], id="no such sample"),
        pytest.param(["serve", "--port", "70000"], id="no such port"),
    ],
)
def test_a_wrong_command_line_is_explained(argv: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(argv)
    assert ended.value.code == ExitCode.USAGE


@pytest.mark.parametrize("command", [[], ["init"], ["serve"], ["enrol-code"], ["import"]])
def test_help_explains_every_command(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*command, "--help"])
    assert ended.value.code == 0
    assert "--data-dir" in capsys.readouterr().out


# --- import


@pytest.fixture
def sample_file() -> Path:
    return Path(__file__).parents[3] / "resources/samples/theatre.json"


def test_an_empty_house_gets_its_venue_by_import(
    cli: Cli, tmp_path: Path, sample_file: Path
) -> None:
    data_dir = tmp_path / "data"
    assert cli("init", "--data-dir", data_dir) == ExitCode.OK
    assert cli("import", sample_file, "--data-dir", data_dir) == ExitCode.OK
    assert cli.out.startswith("venue 'seaview': 1 events, 5 performances")
    assert sql(data_dir, "SELECT rev > 0 FROM person") == [(1,)]
    assert sql(data_dir, "SELECT count(*) FROM performance") == [(5,)]


def test_every_problem_of_a_catalogue_is_printed_on_a_line(
    cli: Cli, data_dir: Path, tmp_path: Path, sample_file: Path
) -> None:
    document = json.loads(sample_file.read_text())
    document["venue"]["timezone"] = "Mars/Olympus"
    document["events"][0]["performances"][0]["number"] = 0
    file = tmp_path / "bad.json"
    file.write_text(json.dumps(document))
    assert cli("import", file, "--data-dir", data_dir) == ExitCode.INPUT
    assert all(line.startswith(f"{file}: $.") for line in cli.err.splitlines())
    assert "$.venue.timezone" in cli.err


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(b"{", "is not JSON: line 1", id="half an object"),
        pytest.param(b"\xff\xfe\x00", "is not UTF-8 text", id="bytes"),
        pytest.param(b'{"a": 1, "a": 2}', 'the key "a" stands twice', id="a key twice"),
        pytest.param(b"[" * 100_000, "nested too deeply", id="a deep nest"),
    ],
)
def test_a_file_that_is_no_catalogue_is_refused(
    cli: Cli, data_dir: Path, tmp_path: Path, data: bytes, expected: str
) -> None:
    file = tmp_path / "bad.json"
    file.write_bytes(data)
    assert cli("import", file, "--data-dir", data_dir) == ExitCode.INPUT
    assert expected in cli.err


def test_a_file_that_is_not_there_is_named(cli: Cli, data_dir: Path) -> None:
    assert cli("import", "none.json", "--data-dir", data_dir) == ExitCode.INPUT
    assert "none.json: cannot be read" in cli.err


def test_a_catalogue_that_drops_a_lent_performance_is_refused(
    cli: Cli, data_dir: Path, tmp_path: Path, sample_file: Path
) -> None:
    document = json.loads(sample_file.read_text())
    del document["events"][0]["performances"][0]
    document["events"][0]["price_list"]["exceptions"] = []
    file = tmp_path / "less.json"
    file.write_text(json.dumps(document))
    assert cli("import", file, "--data-dir", data_dir) == ExitCode.REFUSED
    assert "performance 1 is no longer in the catalogue" in cli.err
    assert sql(data_dir, "SELECT count(*) FROM performance") == [(5,)]


# --- serve, as a process of its own


@contextmanager
def serving(data_dir: Path, *argv: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [sys.executable, "-m", "sync_server", "serve", "--data-dir", str(data_dir), *argv]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            found = re.fullmatch(r"listening on (https?://\S+)\n", line)
            if found is None:
                raise AssertionError(f"{line!r}: {process.communicate()[1]}")
            yield process, found[1]
        finally:
            if process.poll() is None:
                process.kill()


def test_serve_says_where_it_listens_and_stops_cleanly_on_sigterm(data_dir: Path) -> None:
    with serving(data_dir, "--port", "0") as (process, address):
        with urllib.request.urlopen(f"{address}/console/login") as response:  # noqa: S310
            assert response.status == 200
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=30)
    assert process.returncode == ExitCode.OK
    assert out == ""
    events = [json.loads(line)["event"] for line in err.splitlines()]
    assert events[-1] == "stopping"
    assert "request" in events
    assert not list(data_dir.glob("*-wal")), "the database was not closed"


def test_a_second_server_on_the_same_folder_is_refused(cli: Cli, data_dir: Path) -> None:
    with serving(data_dir, "--port", "0"):
        assert cli("serve", "--port", "0", "--data-dir", data_dir) == ExitCode.BUSY
    assert "another server runs" in cli.err


def test_a_second_server_on_the_same_file_is_refused(
    cli: Cli, data_dir: Path, tmp_path: Path
) -> None:
    """From a data folder of its own."""
    other, config = tmp_path / "other", tmp_path / "other.toml"
    other.mkdir(mode=0o700)
    shutil.copytree(data_dir / "keys", other / "keys")
    config.write_text(f'database_url = "sqlite:///{data_dir / "boxgate.sqlite3"}"\n')
    with serving(data_dir, "--port", "0"):
        words = ("--port", "0", "--data-dir", other, "--config", config)
        assert cli("serve", *words) == ExitCode.BUSY
    assert "another server runs" in cli.err


def test_a_port_in_use_is_named(cli: Cli, data_dir: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        assert cli("serve", "--port", port, "--data-dir", data_dir) == ExitCode.BUSY
    assert f"another program listens at 127.0.0.1, port {port}" in cli.err


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl to make a certificate")
def test_with_a_certificate_it_speaks_https(data_dir: Path, tmp_path: Path) -> None:
    certificate, key = tmp_path / "c.pem", tmp_path / "k.pem"
    subprocess.run(
        f"openssl req -x509 -newkey ed25519 -nodes -subj /CN=localhost -addext "
        f"subjectAltName=IP:127.0.0.1 -keyout {key} -out {certificate}".split(),
        check=True,
        capture_output=True,
    )
    config = tmp_path / "server.toml"
    config.write_text('[listen]\ntls_certificate = "c.pem"\ntls_key = "k.pem"\n')
    with serving(data_dir, "--port", "0", "--config", str(config)) as (_, address):
        assert address.startswith("https://127.0.0.1:")
        context = ssl.create_default_context(cafile=certificate)
        with urllib.request.urlopen(f"{address}/console/login", context=context) as response:  # noqa: S310
            assert "max-age" in response.headers["Strict-Transport-Security"]
            assert "__Host-" not in response.headers["Set-Cookie"]
            assert "Secure" in response.headers["Set-Cookie"]

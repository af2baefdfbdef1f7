"""What tills' and gates' command lines share."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import pytest

from edge.commands import add_common_options, add_enrol_command, read_settings, run_enrol
from edge.errors import (
    EdgeError,
    EnrolmentRefused,
    IdentityError,
    ReplicaDamaged,
    ReplicaInUse,
    ServerRefused,
    ServerUnreachable,
)
from edge.node import as_program_error, program_version
from program.errors import ProgramError, SettingsError
from program.exit_codes import ExitCode
from program.settings import OutOfRange


@dataclass(frozen=True)
class Settings:
    server_url: str = "http://127.0.0.1:8970"
    data_dir: Path = Path("data")

    def check(self) -> None:
        if not self.server_url.startswith("http"):
            raise OutOfRange("server_url", "must be an address")


def options(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_common_options(parser)
    return parser.parse_args(arguments)


def read(tmp_path: Path, *arguments: str) -> Settings:
    return read_settings(Settings, tmp_path / "default.toml", Settings(), options(*arguments))


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    assert read(tmp_path) == Settings()


def test_the_default_file_is_read_when_it_is_there(tmp_path: Path) -> None:
    (tmp_path / "default.toml").write_text('server_url = "http://one"')
    assert read(tmp_path).server_url == "http://one"


def test_a_named_file_goes_before_the_default_one(tmp_path: Path) -> None:
    (tmp_path / "default.toml").write_text('server_url = "http://one"')
    (tmp_path / "other.toml").write_text('server_url = "http://two"')
    assert read(tmp_path, "--config", str(tmp_path / "other.toml")).server_url == "http://two"


@pytest.mark.parametrize("with_file", [True, False], ids=["over a file", "over defaults"])
def test_options_go_before_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, with_file: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    if with_file:
        (tmp_path / "default.toml").write_text('server_url = "http://one"')
    found = read(tmp_path, "--server", "http://three", "--data-dir", "here")
    assert found == Settings("http://three", tmp_path / "here")


@pytest.mark.parametrize("with_file", [True, False], ids=["over a file", "over defaults"])
def test_an_option_breaks_the_same_rules_as_a_setting(tmp_path: Path, *, with_file: bool) -> None:
    if with_file:
        (tmp_path / "default.toml").write_text("")
    with pytest.raises(SettingsError, match="server_url"):
        read(tmp_path, "--server", "house")


def test_the_enrol_command_takes_a_code() -> None:
    parser = argparse.ArgumentParser()
    add_enrol_command(parser.add_subparsers(dest="command"))
    found = parser.parse_args(["enrol", "ABCD-EFGH", "--server", "http://one"])
    assert (found.command, found.code, found.server) == ("enrol", "ABCD-EFGH", "http://one")


def test_a_code_that_is_none_ends_with_its_exit_code(tmp_path: Path) -> None:
    with pytest.raises(ProgramError, match="32 letters") as caught:
        run_enrol(tmp_path / "node", "http://127.0.0.1:9", "ABCD", "till")
    assert caught.value.exit_code is ExitCode.REFUSED


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ReplicaInUse("x"), ExitCode.BUSY),
        (ReplicaDamaged("x"), ExitCode.STORAGE),
        (IdentityError("x"), ExitCode.REFUSED),
        (EnrolmentRefused("x"), ExitCode.REFUSED),
        (ServerRefused(400, "x", "", {}), ExitCode.REFUSED),
        (ServerUnreachable("x"), ExitCode.UNREACHABLE),
        (EdgeError("x"), ExitCode.FAILED),
    ],
    ids=lambda value: type(value).__name__,
)
def test_each_error_has_its_exit_code(error: EdgeError, code: ExitCode) -> None:
    found = as_program_error(error)
    assert (str(found), found.exit_code) == ("x", code)


def test_the_version_is_the_installed_ones() -> None:
    assert program_version().count(".") >= 1

"""The server's settings: defaults that work, and a document that names them all."""

from __future__ import annotations

import dataclasses
import re
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from program.errors import SettingsError
from program.exit_codes import ExitCode
from program.settings import OutOfRange
from sync_server.oidc_settings import OidcSettings
from sync_server.settings import Settings, read_settings

OPERATIONS = Path(__file__).parents[3] / "docs" / "operations.md"


def dotted_keys(cls: type, prefix: str = "") -> Iterator[str]:
    hints = typing.get_type_hints(cls)
    for field in dataclasses.fields(cls):
        hint = hints[field.name]
        if dataclasses.is_dataclass(hint):
            assert isinstance(hint, type)
            yield from dotted_keys(hint, f"{prefix}{field.name}.")
        else:
            yield prefix + field.name


@pytest.mark.parametrize("key", list(dotted_keys(Settings)))
def test_every_key_is_documented(key: str) -> None:
    assert re.search(rf"^\|.*`{re.escape(key)}`.*\|$", OPERATIONS.read_text(), re.MULTILINE)


@pytest.mark.parametrize("code", list(ExitCode))
def test_every_exit_code_is_documented(code: ExitCode) -> None:
    rows = re.findall(r"^\| ([\d, ]+) \|", OPERATIONS.read_text(), re.MULTILINE)
    assert str(int(code)) in ", ".join(rows).split(", ")


def test_without_a_file_everything_has_a_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = read_settings(None, data_dir=None)
    assert settings.data_dir == tmp_path / "boxgate-data"
    assert settings.database == f"sqlite:///{tmp_path}/boxgate-data/boxgate.sqlite3"
    assert (settings.listen.host, settings.listen.port) == ("127.0.0.1", 8970)
    assert not settings.is_secure


def test_paths_in_a_file_are_relative_to_it(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    file = tmp_path / "etc" / "server.toml"
    file.write_text('[listen]\ntls_certificate = "c.pem"\ntls_key = "k.pem"\n')
    settings = read_settings(file, data_dir=None)
    assert settings.data_dir == tmp_path / "etc" / "boxgate-data"
    assert settings.listen.tls_certificate == tmp_path / "etc" / "c.pem"
    assert settings.is_secure


def test_the_command_line_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "server.toml"
    file.write_text('data_dir = "a"\n[listen]\nport = 1\nhost = "::1"\n')
    settings = read_settings(file, data_dir=Path("b"), port=0)
    assert settings.data_dir == tmp_path / "b"
    assert (settings.listen.host, settings.listen.port) == ("::1", 0)


def test_session_limits_are_in_milliseconds() -> None:
    limits = Settings().console.limits
    assert (limits.idle_ms, limits.absolute_ms) == (3_600_000, 43_200_000)


@pytest.mark.parametrize("days", [-1, 3_651])
@pytest.mark.parametrize("key", ["buyers_days", "codes_days"])
def test_a_time_to_keep_something_is_at_most_ten_years_or_for_ever(
    tmp_path: Path, key: str, days: int
) -> None:
    file = tmp_path / "server.toml"
    file.write_text(f"[retention]\n{key} = {days}\n")
    with pytest.raises(SettingsError, match=rf"{key}.* or 0 for ever"):
        read_settings(file, data_dir=None)
    file.write_text(f"[retention]\n{key} = 0\n")
    assert getattr(read_settings(file, data_dir=None).retention.terms, key) == 0


GOOD_OIDC: dict[str, Any] = {
    "issuer": "https://login.example/realms/house",
    "client_id": "boxgate",
    "secret_file": Path("oidc.secret"),
    "console_url": "https://tickets.example",
}


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"issuer": "http://login.example"}, "issuer"),
        ({"issuer": "https://login.example/?a=b"}, "issuer"),
        ({"issuer": "https://me:word@login.example"}, "issuer"),
        ({"issuer": "login.example"}, "issuer"),
        ({"issuer": "https://login.example:x"}, "issuer"),
        ({"console_url": "http://tickets.example"}, "console_url"),
        ({"console_url": "https://tickets.example/console"}, "console_url"),
        ({"console_url": ""}, "console_url"),
        ({"client_id": ""}, "client_id"),
        ({"secret_file": None}, "secret_file"),
        ({"login_claim": ""}, "login_claim"),
        ({"login_claim": "email"}, "email_domain"),
        ({"email_domain": "arena.example"}, "email_domain"),
        ({"name": "x" * 41}, "name"),
        ({"issuer": "", "passwords": False}, "passwords"),
    ],
)
def test_a_provider_that_could_not_work_or_be_trusted_is_refused(
    changes: dict[str, Any], key: str
) -> None:
    OidcSettings(**GOOD_OIDC).check()
    OidcSettings().check()
    with pytest.raises(OutOfRange, match=key):
        OidcSettings(**{**GOOD_OIDC, **changes}).check()

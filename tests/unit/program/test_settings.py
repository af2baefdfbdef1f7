"""Settings: what a file may say, and the sentence for each way to get it wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest

from program.errors import ProgramError, SettingsError
from program.exit_codes import ExitCode
from program.settings import FILE_BYTES_MAX, OutOfRange, load_settings


class Theme(StrEnum):
    LIGHT = "light"
    DARK = "dark"


@dataclass(frozen=True)
class Server:
    url: str
    port: int = 8080
    timeout_s: float = 5.0

    def check(self) -> None:
        if not 1 <= self.port <= 65535:
            raise OutOfRange("port", "must be from 1 to 65535")


@dataclass(frozen=True)
class Lane:
    name: str
    relay_unit: int | None = None


@dataclass(frozen=True)
class Screen:
    theme: Theme = Theme.LIGHT
    full: bool = False


@dataclass(frozen=True)
class Login:
    password: str = ""

    def check(self) -> None:
        if len(self.password) < 4:
            raise OutOfRange("password", "must be at least 4 characters long")


@dataclass(frozen=True)
class Settings:
    server: Server
    screen: Screen
    data_dir: Path = Path("data")
    log_file: Path | None = None
    languages: tuple[str, ...] = ("en",)
    lanes: list[Lane] = field(default_factory=list)
    seats_by_area: dict[str, int] = field(default_factory=dict)


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def write(text: str | bytes) -> Path:
        path = tmp_path / "boxgate.toml"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return write


def test_a_full_file_is_read_into_the_nested_dataclass(write: Any) -> None:
    path = write(
        """
        data_dir = "var/data"
        log_file = "/var/log/boxgate.log"
        languages = ["en", "zh_CN"]
        seats_by_area = { stalls = 600, balcony = 300 }
        [server]
        url = "http://localhost"
        port = 9000
        timeout_s = 3
        [screen]
        theme = "dark"
        full = true
        [[lanes]]
        name = "north"
        relay_unit = 1
        [[lanes]]
        name = "south"
        """
    )
    assert load_settings(Settings, path) == Settings(
        server=Server("http://localhost", 9000, 3.0),
        screen=Screen(Theme.DARK, full=True),
        data_dir=path.parent / "var/data",
        log_file=Path("/var/log/boxgate.log"),
        languages=("en", "zh_CN"),
        lanes=[Lane("north", 1), Lane("south")],
        seats_by_area={"stalls": 600, "balcony": 300},
    )


def test_what_has_a_default_may_be_left_out_even_a_whole_table(write: Any) -> None:
    settings = load_settings(Settings, write('server.url = "http://localhost"'))
    assert settings.screen == Screen()
    assert settings.log_file is None
    assert settings.server.timeout_s == 5.0


def test_a_whole_number_serves_where_a_float_is_wanted(write: Any) -> None:
    settings = load_settings(Settings, write('server = { url = "http://x", timeout_s = 3 }'))
    assert isinstance(settings.server.timeout_s, float)


def test_the_command_line_overrides_the_file(write: Any) -> None:
    path = write('server = { url = "http://x", port = 1 }')
    settings = load_settings(
        Settings, path, overrides=[("server.port", 9), ("screen.full", True), ("data_dir", "d")]
    )
    assert settings.server.port == 9
    assert settings.screen.full
    assert settings.data_dir == path.parent / "d"


def test_an_override_may_be_a_path_object(write: Any) -> None:
    path = write('server.url = "http://x"')
    settings = load_settings(Settings, path, overrides=[("data_dir", Path("/srv/boxgate"))])
    assert settings.data_dir == Path("/srv/boxgate")


def test_an_override_cannot_go_through_a_value(write: Any) -> None:
    path = write('data_dir = "d"')
    with pytest.raises(SettingsError, match="'data_dir' is not a table"):
        load_settings(Settings, path, overrides=[("data_dir.x", 1)])


def test_a_home_folder_is_expanded(write: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/boxgate")
    settings = load_settings(Settings, write('data_dir = "~/data"\nserver.url = "x"'))
    assert settings.data_dir == Path("/home/boxgate/data")


GOOD = 'server.url = "http://x"\n'


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        pytest.param(
            'server = { url = "x", prot = 1 }',
            "unknown key 'server.prot': did you mean 'server.port'?",
            id="typo",
        ),
        pytest.param(
            GOOD + "port = 1",
            "unknown key 'port': did you mean 'server.port'?",
            id="key in the wrong table",
        ),
        pytest.param(
            GOOD + "[screne]\nfull = true",
            "unknown key 'screne': did you mean 'screen'?",
            id="typo in a table",
        ),
        pytest.param(
            GOOD + '[[lanes]]\nnam = "n"',
            "unknown key 'lanes[0].nam': did you mean 'lanes.name'?",
            id="typo in a list of tables",
        ),
        pytest.param(GOOD + "zzzzzzzz = 1", "unknown key 'zzzzzzzz'", id="nothing like it"),
        pytest.param("", "'server.url' is missing", id="required key missing"),
        pytest.param(
            GOOD + "[[lanes]]\nrelay_unit = 1",
            "'lanes[0].name' is missing",
            id="required key missing in a list of tables",
        ),
        pytest.param(
            'server = { url = "x", port = "80" }',
            "'server.port' must be a whole number, not \"80\"",
            id="text for a number",
        ),
        pytest.param(
            'server = { url = "x", port = true }',
            "'server.port' must be a whole number, not true",
            id="true is no number",
        ),
        pytest.param(
            'server = { url = "x", port = 1.5 }',
            "'server.port' must be a whole number, not 1.5",
            id="fraction for a whole number",
        ),
        pytest.param(
            'server = { url = "x", timeout_s = inf }',
            "'server.timeout_s' must be a finite number, not inf",
            id="infinity",
        ),
        pytest.param(
            GOOD + "screen.full = 1",
            "'screen.full' must be true or false, not 1",
            id="number for a truth",
        ),
        pytest.param("server.url = 5", "'server.url' must be a text, not 5", id="number for text"),
        pytest.param("server = 5", "'server' must be a table, not 5", id="number for a table"),
        pytest.param(
            GOOD + 'languages = "en"', "'languages' must be a list, not \"en\"", id="no list"
        ),
        pytest.param(
            GOOD + "languages = ['en', 5]",
            "'languages[1]' must be a text, not 5",
            id="wrong in a list",
        ),
        pytest.param(
            GOOD + "seats_by_area = []", "'seats_by_area' must be a table, not a list", id="no dict"
        ),
        pytest.param(
            GOOD + "seats_by_area.a = 'x'",
            "'seats_by_area.a' must be a whole number, not \"x\"",
            id="wrong in a dict",
        ),
        pytest.param(
            GOOD + "[[lanes]]\nname = {}",
            "'lanes[0].name' must be a text, not a table",
            id="wrong in a list of tables",
        ),
        pytest.param(GOOD + "data_dir = ''", "'data_dir' must be a path, not \"\"", id="no path"),
        pytest.param(
            GOOD + "screen.theme = 'drak'",
            '\'screen.theme\' must be one of "light", "dark", not "drak": did you mean \'dark\'?',
            id="no such choice",
        ),
        pytest.param(
            'server = { url = "x", port = 0 }',
            "'server.port' must be from 1 to 65535, but is 0",
            id="out of range",
        ),
    ],
)
def test_each_mistake_has_its_sentence(write: Any, text: str, sentence: str) -> None:
    path = write(text)
    with pytest.raises(SettingsError) as caught:
        load_settings(Settings, path)
    assert str(caught.value) == f"{path}: {sentence}"
    assert caught.value.exit_code is ExitCode.SETTINGS


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"none\.toml: there is no such file"):
        load_settings(Settings, tmp_path / "none.toml")


def test_a_folder_is_no_settings_file(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read: Is a directory"):
        load_settings(Settings, tmp_path)


def test_a_file_that_is_no_toml_is_refused_with_its_line(write: Any) -> None:
    with pytest.raises(SettingsError, match=r"not valid TOML: .*line 2"):
        load_settings(Settings, write(GOOD + "port = \n"))


def test_a_file_that_is_no_text_is_refused_with_its_line(write: Any) -> None:
    with pytest.raises(SettingsError, match="line 2 is not UTF-8 text"):
        load_settings(Settings, write(b"# fine\n# \xff"))


def test_a_file_of_absurd_length_is_not_read_to_the_end(write: Any) -> None:
    with pytest.raises(SettingsError, match="longer than 1000000 bytes"):
        load_settings(Settings, write("#" * (FILE_BYTES_MAX + 1)))


def test_a_home_folder_of_nobody_is_refused(write: Any) -> None:
    path = write(GOOD + 'data_dir = "~no-such-person/data"')
    with pytest.raises(SettingsError, match="'data_dir': Could not determine home"):
        load_settings(Settings, path)


@pytest.mark.parametrize("text", ["password = 'abc'", "password = 12345678"])
def test_a_secret_is_never_shown_in_a_message(write: Any, text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(Login, write(text))
    assert "'password' must be" in str(caught.value)
    assert "(hidden)" in str(caught.value)
    assert "abc" not in str(caught.value)
    assert "12345678" not in str(caught.value)


def test_a_class_with_a_field_that_no_file_can_hold_is_a_bug_and_not_a_setting(write: Any) -> None:
    @dataclass(frozen=True)
    class Odd:
        value: int | str = 1

    with pytest.raises(TypeError, match="cannot be of type"):
        load_settings(Odd, write("value = 1"))
    with pytest.raises(TypeError, match="dataclasses"):
        load_settings(int, write(""))


def test_a_settings_error_is_a_program_error() -> None:
    assert issubclass(SettingsError, ProgramError)

"""Changing a settings file by program."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from program.errors import SettingsError
from program.settings_file import change_settings, changed_text

FILE = """\
# the till of window 2
server_url = "http://old:1"   # was moved

[printer]
folder = "tickets"
# [drawer] is not set up
language = "en"

[screen]
theme = "dark"
"""


def test_only_what_changes_is_touched(tmp_path: Path) -> None:
    path = tmp_path / "till.toml"
    path.write_text(FILE)
    change_settings(
        path,
        {
            "server_url": "https://new:8970",
            "printer.folder": None,
            "printer.device": "tcp:10.0.0.9",
            "screen.fullscreen": True,
            "drawer.command": ("kick", "a b"),
        },
    )
    text = path.read_text()
    assert "# the till of window 2" in text
    assert "# [drawer] is not set up" in text
    assert tomllib.loads(text) == {
        "server_url": "https://new:8970",
        "printer": {"language": "en", "device": "tcp:10.0.0.9"},
        "screen": {"theme": "dark", "fullscreen": True},
        "drawer": {"command": ["kick", "a b"]},
    }


def test_a_missing_file_is_made_with_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "etc" / "till.toml"
    change_settings(path, {"server_url": "http://a", "screen.width": 0})
    assert tomllib.loads(path.read_text()) == {"server_url": "http://a", "screen": {"width": 0}}
    assert [each.name for each in path.parent.iterdir()] == ["till.toml"]


@pytest.mark.parametrize(
    "before",
    [
        pytest.param("[printer\n", id="not TOML"),
        pytest.param('[printer]\nfolder = """a\nb"""\n', id="a value over two lines"),
        pytest.param('printer.folder = "a"\n', id="a dotted key"),
    ],
)
def test_what_it_cannot_edit_is_left_as_it_is(tmp_path: Path, before: str) -> None:
    path = tmp_path / "till.toml"
    path.write_text(before)
    with pytest.raises(SettingsError):
        change_settings(path, {"printer.folder": "tickets"})
    assert path.read_text() == before


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_every_text_comes_back_as_it_was(value: str) -> None:
    assert tomllib.loads(changed_text(FILE, {"printer.font": value}))["printer"]["font"] == value

"""The till's settings: what is refused, in words that name the key."""

from __future__ import annotations

from pathlib import Path

import pytest

from pos_app.opening import open_window
from pos_app.settings import Language, Theme, TillSettings
from program.errors import SettingsError
from program.settings import load_settings


def load(folder: Path, text: str) -> TillSettings:
    file = folder / "till.toml"
    file.write_text(text, encoding="utf-8")
    return load_settings(TillSettings, file)


def test_an_empty_file_gives_the_defaults(tmp_path: Path) -> None:
    settings = load(tmp_path, "")
    assert settings.server_url == "http://127.0.0.1:8970"
    assert settings.printer.command == ()
    assert (settings.screen.language, settings.screen.theme) == (Language.CHINESE, Theme.LIGHT)


def test_every_key_can_be_set(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        'server_url = "https://box.example"\ndata_dir = "data"\n'
        '[printer]\nfolder = "out"\ncommand = ["lp", "-d", "tickets"]\nfont = "f.ttf"\n'
        'language = "en"\ntimeout_s = 60\n'
        '[screen]\nlanguage = "en"\ntheme = "dark"\nfullscreen = true\n'
        "width = 1024\nheight = 700\n",
    )
    assert settings.data_dir == tmp_path / "data"
    assert settings.printer.command == ("lp", "-d", "tickets")
    assert (settings.screen.width, settings.screen.height) == (1024, 700)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        pytest.param('server_url = "box.example"', "server_url", id="no address"),
        pytest.param("[printer]\ntimeout_s = 0", "printer.timeout_s", id="no time to print"),
        pytest.param("[printer]\ntimeout_s = 601", "printer.timeout_s", id="for ever"),
        pytest.param('[printer]\ncommand = [""]', "printer.command", id="no program"),
        pytest.param('[printer]\nlanguage = "fr"', "printer.language", id="no such language"),
        pytest.param("[printer]\npaper_mm = 76", "printer.paper_mm", id="no such paper"),
        pytest.param("[drawer]\nprinter = true", "drawer", id="a drawer on no printer"),
        pytest.param(
            '[printer]\ndevice = "tcp:x"\n[drawer]\nprinter = true\ncommand = ["x"]',
            "drawer.printer",
            id="two ways to open it",
        ),
        pytest.param(
            '[scanner]\ndevices = ["a", "b", "c", "d", "e"]', "scanner.devices", id="five scanners"
        ),
        pytest.param("[screen]\nwidth = 800\nheight = 900", "screen.width", id="too narrow"),
        pytest.param("[screen]\nheight = 900", "screen.width", id="half a size"),
        pytest.param('[screen]\ntheme = "pink"', "screen.theme", id="no such theme"),
        pytest.param('printer_folder = "x"', "printer_folder", id="unknown key"),
    ],
)
def test_what_cannot_work_is_refused_by_its_key(tmp_path: Path, text: str, key: str) -> None:
    with pytest.raises(SettingsError, match=key.replace(".", r"\.")):
        load(tmp_path, text)


def test_a_font_that_is_not_there_is_refused_before_anything_is_opened(tmp_path: Path) -> None:
    settings = load(tmp_path, '[printer]\nfont = "nowhere.ttf"')
    with pytest.raises(SettingsError, match=r"nowhere\.ttf"):
        open_window(settings)
    assert not (tmp_path / "boxgate-pos-data").exists()

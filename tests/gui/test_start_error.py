"""A till that does not start says so on the screen: what happened, money and seats, what to do."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from PySide6.QtWidgets import QLabel

from edge.errors import ReplicaDamaged, ReplicaInUse
from edge.journal_schema import SCHEMA_VERSION
from pos_app import __main__ as program
from pos_app.presenters import language
from pos_app.presenters.start_words import StartFault, fault_of, start_words, support_code
from pos_app.settings import TillSettings
from pos_app.ui import start_error
from pos_app.ui.start_error import StartError
from program.errors import ProgramError
from program.exit_codes import ExitCode
from tests.fakes.edge_node import enrolled_folder
from tests.gui.robot import click, text_of, turn_loop

DAMAGED = ReplicaDamaged("journal.db is damaged (malformed); keep the whole folder")


@pytest.fixture(params=language.LANGUAGES)
def spoken(request: pytest.FixtureRequest) -> str:
    code: str = request.param
    language.set_language(code)
    return code


@pytest.mark.parametrize("fault", StartFault)
def test_every_fault_has_three_sentences(fault: StartFault, spoken: str) -> None:
    said = start_words(fault)
    for sentence in (said.happened, said.means, said.to_do):
        assert sentence
        assert (spoken == "zh_CN") is any("一" <= char <= "鿿" for char in sentence)


def test_the_support_code_is_the_same_for_the_same_fault() -> None:
    assert support_code(DAMAGED) == support_code(ReplicaDamaged(str(DAMAGED)))
    assert support_code(DAMAGED).startswith("DAMAGED-")
    assert fault_of(ValueError("a bug")) is StartFault.DEFECT


@pytest.mark.parametrize("size", [(1366, 768), (1920, 1080)])
def test_the_window_says_it_in_both_languages_and_nothing_is_cut(
    size: tuple[int, int], spoken: str
) -> None:
    window = StartError(DAMAGED)
    window.resize(*size)
    window.show()
    turn_loop()
    turn_loop()
    assert text_of(window, "start_code") == support_code(DAMAGED)
    cut = [
        each.text()
        for each in window.findChildren(QLabel)
        if each.wordWrap() and each.heightForWidth(each.width()) > each.height()
    ]
    assert cut == []
    before = text_of(window, "start_happened")
    click(window, "start_language")
    assert text_of(window, "start_happened") != before
    click(window, "start_close")
    assert not window.isVisible()
    window.deleteLater()
    assert spoken


class TestTheProgram:
    """`boxgate-pos run` on a machine with a screen."""

    @pytest.fixture
    def shown(self, monkeypatch: pytest.MonkeyPatch) -> list[Exception]:
        """What windows were shown, each closed at once."""
        seen: list[Exception] = []

        def show(error: Exception, **_options: object) -> None:
            seen.append(error)

        monkeypatch.setattr(start_error, "show_start_error", show)
        monkeypatch.setattr(program, "_is_watched", lambda: True)
        monkeypatch.setattr(program, "stop_event_on_signals", threading.Event)
        return seen

    @pytest.mark.expected_errors("till_not_started")
    @pytest.mark.parametrize(
        ("spoil", "fault"),
        [
            pytest.param(lambda path: path.unlink(), StartFault.MISSING, id="gone"),
            pytest.param(lambda path: path.write_bytes(b"x" * 9_000), StartFault.DAMAGED, id="bad"),
            pytest.param(
                lambda path: path.write_bytes(path.read_bytes()[:5_000]),
                StartFault.DAMAGED,
                id="cut off",
            ),
            pytest.param(
                lambda path: _set_version(path, SCHEMA_VERSION + 1), StartFault.NEWER, id="newer"
            ),
            pytest.param(
                lambda path: (path.parent / "node.key").chmod(0o644), StartFault.IDENTITY, id="key"
            ),
        ],
    )
    def test_what_is_wrong_with_the_folder_is_shown_and_then_said(
        self,
        tmp_path: Path,
        shown: list[Exception],
        spoil: Callable[[Path], None],
        fault: StartFault,
    ) -> None:
        enrolled_folder(tmp_path / "till")
        spoil(tmp_path / "till" / "journal.db")
        settings = TillSettings(data_dir=tmp_path / "till", witness_dir=tmp_path / "state")
        with pytest.raises(ProgramError) as caught:
            program.run_window(settings)
        assert caught.value.exit_code in (ExitCode.STORAGE, ExitCode.REFUSED)
        assert [fault_of(error) for error in shown] == [fault]

    @pytest.mark.expected_errors("till_not_started")
    def test_wrong_settings_are_shown_too(
        self, tmp_path: Path, shown: list[Exception], capsys: pytest.CaptureFixture[str]
    ) -> None:
        file = tmp_path / "till.toml"
        file.write_text("[screen]\ntheme = 'pink'\n")
        assert program.main(["run", "--config", str(file)]) == ExitCode.SETTINGS
        assert [fault_of(error) for error in shown] == [StartFault.SETTINGS]
        assert "pink" in capsys.readouterr().err

    def test_nobody_is_waited_for_where_nobody_sees_a_window(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
        assert not program._is_watched()
        monkeypatch.setenv("QT_QPA_PLATFORM", "xcb")
        assert program._is_watched()

    def test_the_window_goes_when_the_program_is_told_to_stop(self) -> None:
        stop = threading.Event()
        stop.set()
        start_error.show_start_error(ReplicaInUse("busy"), language="en", theme="light", stop=stop)


def _set_version(path: Path, version: int) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {version}")

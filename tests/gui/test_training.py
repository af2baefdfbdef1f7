"""A training shows all the time that it is one; the real window opens it beside itself."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtGui import QColor

from pos_app import __main__ as program
from pos_app.presenters import language
from pos_app.services import other_program
from pos_app.ui import theme
from pos_app.ui.options import Options
from pos_app.ui.window import TillWindow
from tests.fakes.runner import run_now
from tests.fakes.till import FakeTill
from tests.gui.conftest import close
from tests.gui.robot import at_sale, click, find, is_shown, settle, text_of


def training_window(till: FakeTill, size: tuple[int, int] = (1366, 768)) -> TillWindow:
    """The window of a training over these services."""
    made = TillWindow(till, run_now, run_now, till.now, Options(training_pin="1234"))
    till.subscribe(made.on_news)
    made.resize(*size)
    made.show()
    made.activateWindow()
    made.start()
    return made


@pytest.fixture
def training(till: FakeTill) -> Iterator[TillWindow]:
    made = training_window(till)
    yield made
    close(made)


def test_the_frame_and_the_bar_are_there_on_every_page(training: TillWindow) -> None:
    violet = QColor(theme.tokens().training).rgb()
    for page in ("sign_in_view", "sell_view", "after_sale_view", "shift_view"):
        if page == "sell_view":
            at_sale(training)
        elif page != "sign_in_view":
            click(
                training,
                {"after_sale_view": "rail_orders", "shift_view": "orders_rail_shift"}[page],
            )
        settle(training)
        assert is_shown(training, page)
        assert is_shown(training, "training_banner")
        picture = training.grab().toImage()
        for x, y in ((1, 300), (3, 500), (1364, 300), (700, 766), (700, 1)):
            assert picture.pixelColor(x, y).rgb() == violet, f"{page} {x},{y}"


def test_a_card_over_the_window_hides_neither_frame_nor_bar(training: TillWindow) -> None:
    violet = QColor(theme.tokens().training).rgb()
    at_sale(training)
    settle(training)
    training.show_keys()
    settle(training)
    picture = training.grab().toImage()
    banner = training.training_banner.geometry()
    for x, y in ((1, 300), (1364, 300), (700, 766), (1_300, banner.center().y())):
        assert picture.pixelColor(x, y).rgb() == violet, f"{x},{y}"


@pytest.mark.parametrize("spoken", language.LANGUAGES)
def test_the_bar_says_what_it_means_and_the_pin(training: TillWindow, spoken: str) -> None:
    language.set_language(spoken)
    training.retranslate()
    assert "1234" in text_of(training, "training_text")
    assert "TRAINING" in text_of(training, "training_title")


@pytest.mark.parametrize("spoken", language.LANGUAGES)
def test_it_claims_no_server(training: TillWindow, spoken: str) -> None:
    language.set_language(spoken)
    training.retranslate()
    said = {"en": "Training, nothing leaves this window", "zh_CN": "培训中，数据不离开本窗口"}
    assert text_of(training, "sync_text") == said[spoken]
    assert find(training, "sync_pill").accessibleName() == said[spoken]
    assert not is_shown(training, "unsynced_count")


def test_a_real_window_has_neither(window: TillWindow) -> None:
    assert not is_shown(window, "training_banner")
    assert not is_shown(window, "sign_in_training")


def test_the_sign_in_screen_opens_a_training_beside(till: FakeTill) -> None:
    asked: list[str] = []

    def train() -> bool:
        asked.append("train")
        return len(asked) == 1

    made = TillWindow(till, run_now, run_now, till.now, Options(train=train))
    made.show()
    made.start()
    click(made, "sign_in_training")
    assert asked == ["train"]
    click(made, "sign_in_training")
    assert "could not be opened" in text_of(made, "sign_in_hint")
    close(made)


def test_it_is_another_process_with_the_same_settings(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(subprocess, "Popen", lambda words, **_options: started.append(words))
    file = tmp_path / "till.toml"
    options = program._parser().parse_args(["run", "--config", str(file)])
    assert other_program.start_beside(program._words_for_training(options))
    [words] = started
    assert words[1:] == ["-m", "pos_app", "train", "--config", str(file)]


@pytest.mark.expected_errors("training_not_started")
def test_a_process_that_does_not_start_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_words: object, **_options: object) -> None:
        raise OSError("no such program")

    monkeypatch.setattr(subprocess, "Popen", fail)
    assert not other_program.start_beside(["train"])

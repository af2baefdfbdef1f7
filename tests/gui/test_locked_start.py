"""A till whose records are not what it recorded opens locked, says why, and sells nothing."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from PySide6.QtCore import Qt

from pos_app.opening import open_window
from pos_app.settings import Language, PrinterSettings, TillSettings
from pos_app.ui.window import TillWindow
from tests.fakes.hall import FIRST, ROW, SetEnv
from tests.fakes.runner import run_now
from tests.fakes.till import NOW
from tests.gui.after_sale_stage import take_down
from tests.gui.robot import click, is_shown, press, settle, text_of
from tests.integration.pos_app.window_stage import CASHIER, PIN, Stage


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TillSettings:
    """Of a till that was lent a row and has sold from it, with a witness."""
    env = SetEnv()
    monkeypatch.setattr("pos_app.opening.MachineEnv", lambda: env)
    with closing(Stage(tmp_path, env)) as stage:
        stage.lend(ROW)
    printer = PrinterSettings(folder=tmp_path / "tickets", language=Language.ENGLISH)
    made = TillSettings(
        server_url="http://127.0.0.1:9",
        data_dir=tmp_path / "till",
        witness_dir=tmp_path / "state",
        printer=printer,
    )
    sell(made, ROW[:1])
    return made


def sell(settings: TillSettings, units: tuple[int, ...] | list[int]) -> None:
    """One run of the program that sells."""
    window = open_window(settings)
    try:
        window.sign_in(CASHIER, PIN)
        if window.shifts.current() is None:
            window.shifts.open(())
        basket = Stage.basket_of(window, units)
        window.pay_cash(basket, basket.total_minor)
    finally:
        window.stop()


def set_back(settings: TillSettings) -> None:
    """A backup is put back after another sale."""
    backup = settings.data_dir.with_name("backup")
    shutil.copytree(settings.data_dir, backup)
    sell(settings, ROW[1:2])
    shutil.rmtree(settings.data_dir)
    shutil.copytree(backup, settings.data_dir)


def edited(settings: TillSettings) -> None:
    """Somebody makes a sale cheaper."""
    with closing(sqlite3.connect(settings.data_dir / "journal.db")) as connection, connection:
        connection.execute("UPDATE op SET body = replace(body, '00', '01') WHERE kind = 'sale'")


def moved(settings: TillSettings) -> None:
    """The witness is emptied, as a new machine's is."""
    assert settings.witness_dir is not None
    shutil.rmtree(settings.witness_dir)


@pytest.mark.expected_errors("journal_locked", "sign_in_not_recorded")
@pytest.mark.parametrize(
    ("deed", "words"),
    [
        pytest.param(set_back, "older than what it has sold", id="an old backup"),
        pytest.param(edited, "changed or damaged", id="an edited sale"),
        pytest.param(moved, "proof of what it has sold is gone", id="no witness"),
    ],
)
def test_it_says_why_and_sells_nothing(
    settings: TillSettings, deed: Callable[[TillSettings], None], words: str
) -> None:
    deed(settings)
    services = open_window(settings)
    window = TillWindow(services, run_now, run_now, lambda: NOW)
    try:
        window.resize(1920, 1080)
        window.show()
        window.activateWindow()
        window.start()
        click(window, f"sign_in_{CASHIER}")
        for digit in PIN:
            click(window, f"pin_key_{digit}")
        click(window, "sign_in_submit")
        settle(window)
        if not is_shown(window, "sell_view"):
            window.pick()
            click(window, f"performance_{FIRST}")
        settle(window)
        assert words in text_of(window, "offline_text")
        click(window, "best_together")
        press(Qt.Key.Key_F9)
        with services._replica.reading() as connection:
            sold = connection.execute("SELECT count(*) FROM op WHERE kind = 'sale'").fetchone()[0]
        assert sold == 1
    finally:
        take_down(window)
        services.stop()

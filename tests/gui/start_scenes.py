"""What comes before the sale, and around it: the first run, a start that failed, a training."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from edge.about import About
from edge.errors import ReplicaDamaged
from pos_app.presenters.first_run import FirstRunPresenter
from pos_app.services.first_run import Enrolled, FirstRun, PrinterChoice, PrinterKind
from pos_app.services.training import PIN as TRAINING_PIN
from pos_app.ui.app import prepare
from pos_app.ui.first_run_view import FirstRunView
from pos_app.ui.options import Options
from pos_app.ui.start_error import StartError
from pos_app.ui.window import TillWindow
from tests.fakes.runner import run_now
from tests.fakes.till import stocked_till
from tests.gui.robot import at_sale, click, find, open_window, settle, turn_loop

Size = tuple[int, int]


def first_run(size: Size) -> QWidget:
    """The server was found."""
    view, presenter = _assistant(size)
    presenter.next()
    presenter._looked(_SEAVIEW)
    return view


def first_run_printer(size: Size) -> QWidget:
    """Enrolled; the printer is being tried."""
    view, presenter = _assistant(size)
    presenter.next()
    presenter._looked(_SEAVIEW)
    presenter.next()
    presenter._enrolled(Enrolled("POS-01"))
    click(view, f"printer_{PrinterKind.DEVICE}")
    QTest.keyClicks(find(view, "printer_place"), "tcp:192.168.1.50")
    presenter._printed(None)
    return view


def start_error(size: Size) -> QWidget:
    """The journal is damaged."""
    view = StartError(
        ReplicaDamaged(
            "journal.db is damaged (database disk image is malformed); nothing was changed: keep "
            "the whole folder, call the manager, and enrol this node again in a new folder"
        )
    )
    view.resize(*size)
    view.show()
    return view


def training(size: Size) -> QWidget:
    """In the middle of a lesson."""
    till = stocked_till()
    window = TillWindow(till, run_now, run_now, till.now, Options(training_pin=TRAINING_PIN))
    till.subscribe(window.on_news)
    window.resize(*size)
    window.show()
    window.start()
    at_sale(window)
    click(window, "best_together")
    settle(window)
    return window


def keys(size: Size) -> QWidget:
    """F1 on the sell screen."""
    window = _selling(size)
    window.show_keys()
    return window


def take_over(size: Size) -> QWidget:
    """Another person is about to type the PIN."""
    window = _selling(size)
    click(window, "cashier_chip")
    for digit in "471":
        click(window, f"switch_key_{digit}")
    return window


_SEAVIEW = About("seaview", {"en": "Seaview Grand Theatre", "zh": "海韵大剧院"}, 1)
START_SCENES: dict[str, Callable[[Size], QWidget]] = {
    "first_run": first_run,
    "first_run_printer": first_run_printer,
    "start_error": start_error,
    "training": training,
    "keys": keys,
    "take_over": take_over,
}


def _assistant(size: Size) -> tuple[FirstRunView, FirstRunPresenter]:
    services = FirstRun(Path("till"), Path("till.toml"))
    printer = PrinterChoice(PrinterKind.FOLDER, "tickets")
    url = "http://192.168.1.10:8970"
    presenter = FirstRunPresenter(services, run_now, url=url, printer=printer)
    view = FirstRunView(presenter)
    view.resize(*size)
    view.show()
    return view, presenter


def _selling(size: Size) -> TillWindow:
    window = open_window(stocked_till(), size)
    at_sale(window)
    click(window, "best_together")
    settle(window)
    return window


def take_start(scene: Callable[[Size], QWidget], size: Size, language: str, theme: str) -> QImage:
    """One of them as a picture."""
    prepare(language, theme)
    widget = scene(size)
    for _round in range(3):
        turn_loop()
    image = widget.grab().toImage()
    widget.close()
    widget.deleteLater()
    QApplication.processEvents()
    return image

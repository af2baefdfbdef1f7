"""A till's window for each test: real widgets, services in memory, no threads."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QApplication

from pos_app.presenters import language
from pos_app.ui.app import prepare
from pos_app.ui.window import TillWindow
from tests.fakes.till import FakeTill, stocked_till
from tests.gui.measuring import measured_once
from tests.gui.robot import open_window


@pytest.fixture(autouse=True)
def application(qapp: QApplication) -> Iterator[QApplication]:
    """Dressed in light, speaking English; English again afterwards."""
    prepare("en", "light")
    yield qapp
    language.set_language("en")


@pytest.fixture
def till() -> FakeTill:
    return stocked_till()


@pytest.fixture
def window(till: FakeTill) -> Iterator[TillWindow]:
    made = open_window(till)
    yield made
    close(made)


def close(window: TillWindow) -> None:
    """Take a window down for good, so that it cannot speak into the next test."""
    with measured_once("close"):
        window.close()
        window.deleteLater()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)  # no loop runs to do it

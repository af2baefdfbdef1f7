"""The first run's window with its thread, until the till can be opened."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QObject

from pos_app.presenters.first_run import FirstRunPresenter
from pos_app.ui.app import prepare
from pos_app.ui.first_run_view import FirstRunView
from pos_app.ui.start_error import wait_for
from pos_app.ui.tasks import Tasks

if TYPE_CHECKING:
    from pos_app.services.first_run import FirstRun, PrinterChoice

_SIZE: Final = (1280, 760)
_JOIN_S: Final = 15.0
"""Longer than a question to a server that does not answer."""


def show_first_run(
    services: FirstRun,
    *,
    language: str,
    theme: str,
    url: str,
    printer: PrinterChoice,
    stop: threading.Event | None = None,
) -> bool:
    """Show the assistant until it is through, closed, or `stop` is set; whether it is through."""
    application = prepare(language, theme)
    owner = QObject()
    tasks = Tasks("first-run", owner)
    presenter = FirstRunPresenter(services, tasks.run, url=url, printer=printer)
    view = FirstRunView(presenter)
    view.resize(*_SIZE)
    view.show()
    view.activateWindow()
    wait_for(application, view, stop)
    tasks.close(_JOIN_S)
    finished = presenter.state.finished
    view.deleteLater()
    owner.deleteLater()
    return finished

"""The till did not start: a window that says so, in plain words and either language."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QApplication, QGridLayout, QWidget

from pos_app.presenters import language as words
from pos_app.presenters.language import _
from pos_app.presenters.start_words import fault_of, start_words, support_code
from pos_app.ui.app import prepare
from pos_app.ui.controls import Button, card, column, label, picture, row

if TYPE_CHECKING:
    from PySide6.QtWidgets import QLabel

STOP_POLL_MS: Final = 100
_WIDTH: Final = 720
_SIZE: Final = (1280, 720)


class StartError(QWidget):
    """One error, large enough to be read out on the telephone."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.setObjectName("start_error")
        self.setProperty("role", "page")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setWindowTitle("Boxgate")
        self._error = error
        self._title = label(26, 700, name="start_title")
        self._happened = _paragraph("start_happened", 18, 600)
        self._heads = [label(13, 600, "text2") for _part in range(3)]
        self._means = _paragraph("start_means")
        self._to_do = _paragraph("start_to_do")
        self._code = label(20, 700, name="start_code")
        self._detail = _paragraph("start_detail", 13, 400, "text2")
        self._detail.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._detail.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents, on=False)
        self._language = Button("start_language", "", 15, 600)
        self._language.show_icon("languages", "text2")
        self._language.clicked.connect(self._switch_language)
        self._close = Button("start_close", "primary", 17, 700)
        self._close.clicked.connect(self.close)
        for each in (self._language, self._close):
            each.setFixedHeight(60)
        self._close.setMinimumWidth(200)
        self._lay_out()
        self.retranslate()
        self._close.setFocus()

    def retranslate(self) -> None:
        """Speak the language of now."""
        said = start_words(fault_of(self._error))
        self.setAccessibleName(_("The till did not start"))
        self._title.setText(_("The till did not start"))
        self._happened.setText(said.happened)
        for head, text in zip(
            self._heads, (_("Money and seats"), _("What to do now"), _("Support code")), strict=True
        ):
            head.setText(text)
        self._means.setText(said.means)
        self._to_do.setText(said.to_do)
        self._code.setText(support_code(self._error))
        self._detail.setText(str(self._error))
        names = {"en": "EN", "zh_CN": "中文"}
        self._language.say(names[words.other_language()], _("Switch language"))
        self._close.say(_("Close the program"))

    def _lay_out(self) -> None:
        box = card("card", "start_card")
        box.setFixedWidth(_WIDTH)
        box.setLayout(
            column(
                row(picture("triangle-alert", "danger", 36), self._title, None, gap=14),
                6,
                self._happened,
                12,
                self._heads[0],
                self._means,
                12,
                self._heads[1],
                self._to_do,
                12,
                self._heads[2],
                self._code,
                self._detail,
                18,
                row(self._language, None, self._close),
                gap=4,
                margins=(36, 30, 36, 32),
            )
        )
        grid = QGridLayout(self)
        grid.addWidget(box, 0, 0, Qt.AlignmentFlag.AlignCenter)

    def _switch_language(self) -> None:
        words.set_language(words.other_language())
        self.retranslate()


def show_start_error(
    error: Exception, *, language: str, theme: str, stop: threading.Event | None = None
) -> None:
    """Show the window until it is closed or `stop` is set. On the main thread."""
    application = prepare(language, theme)
    window = StartError(error)
    window.resize(*_SIZE)
    window.show()
    window.activateWindow()
    wait_for(application, window, stop)


def wait_for(application: QApplication, window: QWidget, stop: threading.Event | None) -> None:
    """Run the loop until the window is closed, or closes because `stop` is set."""
    poll = QTimer()
    poll.setInterval(STOP_POLL_MS)
    poll.timeout.connect(lambda: window.close() if stop and stop.is_set() else None)
    poll.start()
    application.exec()
    poll.stop()


def _paragraph(name: str, size_px: int = 16, weight: int = 400, tone: str = "") -> QLabel:
    made = label(size_px, weight, tone, name)
    made.setWordWrap(True)
    return made

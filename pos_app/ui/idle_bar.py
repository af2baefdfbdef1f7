"""Nobody has touched the till for a while: the bar that counts down, and who watches for it."""

# ruff: noqa: D102 - Qt's virtual methods are described by Qt

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QEvent, QObject, Signal
from PySide6.QtGui import QInputEvent
from PySide6.QtWidgets import QApplication, QFrame

from pos_app.presenters.language import ngettext
from pos_app.ui.controls import Metrics, label, picture, row

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

_DEEDS: Final = frozenset(
    {
        QEvent.Type.KeyPress,
        QEvent.Type.MouseButtonPress,
        QEvent.Type.TouchBegin,
        QEvent.Type.Wheel,
    }
)
"""A mouse that only moves is no deed: a counter shakes."""


class DeedFilter(QObject):
    """Says when somebody did something, in whatever widget of the program."""

    done = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        application = QApplication.instance()
        assert application is not None
        application.installEventFilter(self)

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        # The class first: every event of the program comes by, and asking its kind costs far more.
        if isinstance(event, QInputEvent) and event.type() in _DEEDS:
            self.done.emit()
        return False


class IdleBar(QFrame):
    """Full width; gone at the next key, tap or scan."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("idle_bar")
        self.setProperty("role", "banner")
        self.setProperty("tone", "info")
        self._text = label(15, 600, name="idle_text")
        self.setLayout(
            row(None, picture("lock", "accent", 20), 4, self._text, None, margins=(20, 0, 24, 0))
        )
        self.hide()

    def apply(self, metrics: Metrics) -> None:
        """Take these sizes."""
        self.setFixedHeight(metrics.banner)

    def show_left(self, left_s: int | None) -> None:
        """Show how long there is; None hides the bar."""
        self.setVisible(left_s is not None)
        if left_s is not None:
            self._text.setText(
                ngettext(
                    "The till locks in {n} second. Any key or tap keeps it open; the basket stays.",
                    "The till locks in {n} seconds. Any key or tap keeps it open; the basket stays.",
                    left_s,
                ).format(n=left_s)
            )

"""A card over the window: what lies under it is dimmed, out of reach, and stays as it is."""

# ruff: noqa: D102 - Qt's virtual methods are described by Qt

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QEvent, QObject, QRect, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QGridLayout, QWidget

from pos_app.ui.controls import card
from pos_app.ui.training_banner import TrainingBanner

if TYPE_CHECKING:
    from PySide6.QtWidgets import QLayout

_DIMMED: Final = QColor(8, 12, 18, 150)


class Overlay(QWidget):
    """As large as its parent while it is shown; the keyboard goes back to where it was."""

    closed = Signal()

    def __init__(self, parent: QWidget, name: str) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._under = parent
        self._before: QWidget | None = None
        self.box = card("card", f"{name}_card")
        grid = QGridLayout(self)
        grid.addWidget(self.box, 0, 0, Qt.AlignmentFlag.AlignCenter)
        parent.installEventFilter(self)
        self.hide()

    def put(self, content: QLayout) -> None:
        """Lay the card out; once."""
        self.box.setLayout(content)

    def open(self) -> None:
        """Cover the window and take the keyboard."""
        if self.isVisible():
            return
        self._before = self._under.focusWidget()
        self.setGeometry(self._covered())
        self.show()
        self.raise_()
        for each in self._under.findChildren(TrainingBanner):
            each.raise_()  # a training says so all the time
        self.setFocus()

    def shut(self) -> bool:
        """Uncover the window; False when it was not covered."""
        if self.isHidden():
            return False
        self.hide()
        if self._before is not None and self._before.isVisible():
            self._before.setFocus()
        self._before = None
        self.closed.emit()
        return True

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QResizeEvent) and watched is self.parent() and self.isVisible():
            self.setGeometry(self._covered())
        return False

    def _covered(self) -> QRect:
        """All of the window but its frame, which says that this is a training."""
        inner = self._under.layout()
        whole = self._under.rect()
        return whole if inner is None else whole.marginsRemoved(inner.contentsMargins())

    def focusNextPrevChild(self, forward: bool) -> bool:  # noqa: N802 - Qt's name
        """Tab stays on the card."""
        stops = [
            each
            for each in self.box.findChildren(QWidget)
            if each.isVisible()
            and each.isEnabled()
            and each.focusPolicy() & Qt.FocusPolicy.TabFocus
        ]
        if stops:
            focused = self.window().focusWidget()
            at = stops.index(focused) if focused in stops else (-1 if forward else 0)
            stops[(at + (1 if forward else -1)) % len(stops)].setFocus()
        return True

    def mousePressEvent(self, event: QEvent) -> None:
        """A tap beside the card reaches nothing under it."""
        event.accept()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), _DIMMED)
        painter.end()

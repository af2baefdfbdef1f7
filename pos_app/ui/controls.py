"""Small widgets that every view is made of."""

# ruff: noqa: D102 - Qt's virtual methods are described by Qt

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from pos_app.ui import icons, theme

if TYPE_CHECKING:
    from PySide6.QtWidgets import QLayout

COMPACT_BELOW_PX: Final = 900
"""A window lower than this gets the compact measures: 1366x768 is the smallest we promise."""


LOWEST_PX: Final = 720
"""The compact measures fit a window of this height; what is higher is room for larger text."""


@dataclass(frozen=True, slots=True)
class Metrics:
    """Sizes in pixels that depend on the window's height and the size of the text."""

    compact: bool
    topbar: int
    chip: int
    banner: int
    rail: int
    rail_button: int
    gap: int
    tool: int
    cart: int
    line: int
    total_font: int
    quick: int
    primary: int
    hint_bar: int
    pay_key: int


REGULAR: Final = Metrics(False, 64, 40, 44, 88, 72, 16, 48, 452, 68, 38, 48, 72, 38, 68)
COMPACT: Final = Metrics(True, 52, 38, 40, 72, 60, 10, 48, 400, 56, 30, 48, 60, 0, 56)


def metrics_for(height: int, percent: int = 100) -> Metrics:
    """The sizes for a window of this height and text of this size.

    Larger text in the same window leaves less room: what holds text grows with it as far as the
    window allows, and a window that is low for its text gets the compact measures.
    """
    plain = COMPACT if height * 100 < COMPACT_BELOW_PX * percent else REGULAR
    return plain if percent == 100 else _grown(plain, height, percent)


@cache
def _grown(plain: Metrics, height: int, percent: int) -> Metrics:
    wide = percent / 100
    high = min(wide, max(1.0, height / LOWEST_PX))
    return replace(
        plain,
        topbar=round(plain.topbar * high),
        chip=round(plain.chip * high),
        banner=round(plain.banner * high),
        rail=round(plain.rail * wide),
        rail_button=round(plain.rail_button * high),
        tool=round(plain.tool * high),
        cart=round(plain.cart * wide),
        line=round(plain.line * high),
        quick=round(plain.quick * high),
        primary=round(plain.primary * high),
        hint_bar=round(plain.hint_bar * high),
        pay_key=round(plain.pay_key * high),
    )


def label(size_px: int, weight: int = 400, tone: str = "", name: str = "") -> QLabel:
    """A line of text; `tone` is a colour token that the style sheet knows for labels."""
    made = QLabel()
    made.setFont(theme.font(size_px, weight))
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
    if tone:
        made.setProperty("tone", tone)
    if name:
        made.setObjectName(name)
    return made


def keycap(text: str, role: str = "keycap") -> QLabel:
    """The cap of a key that does the same."""
    made = label(12, 500)
    made.setProperty("role", role)
    made.setText(text)
    made.setAlignment(Qt.AlignmentFlag.AlignCenter)
    made.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
    return made


def picture(name: str, token: str, size_px: int = 20) -> QLabel:
    """An icon that is no button."""
    made = QLabel()
    made.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
    show_picture(made, name, token, size_px)
    return made


def show_picture(target: QLabel, name: str, token: str, size_px: int = 20) -> None:
    """Put an icon on a label."""
    target.setPixmap(icons.pixmap(name, getattr(theme.tokens(), token), size_px))
    target.setFixedWidth(size_px)


def card(role: str, name: str = "") -> QFrame:
    """A frame that the style sheet dresses by its role."""
    made = QFrame()
    made.setProperty("role", role)
    if name:
        made.setObjectName(name)
    return made


def rule() -> QFrame:
    """A hairline."""
    made = card("rule")
    made.setFixedHeight(1)
    return made


def row(*items: QWidget | int | None, gap: int = 8, margins: tuple[int, ...] = ()) -> QHBoxLayout:
    """Widgets side by side; a number is a fixed gap, None the place that stretches."""
    made = QHBoxLayout()
    _fill(made, items, gap, margins)
    return made


def column(
    *items: QWidget | QLayout | int | None, gap: int = 8, margins: tuple[int, ...] = ()
) -> QVBoxLayout:
    """Widgets under each other; a number is a fixed gap, None the place that stretches."""
    made = QVBoxLayout()
    _fill(made, items, gap, margins)
    return made


def retire(old: QWidget) -> None:
    """Take a widget away for good; no name finds it any more, though it lives until the loop turns.

    Not by `setParent(None)`: that makes it a window for a moment, and ours loses the keyboard.
    """
    old.hide()
    for each in (old, *old.findChildren(QWidget)):
        each.setObjectName("")
    old.deleteLater()


def _fill(
    made: QBoxLayout,
    items: tuple[QWidget | QLayout | int | None, ...],
    gap: int,
    margins: tuple[int, ...],
) -> None:
    made.setSpacing(gap)
    made.setContentsMargins(*(margins or (0, 0, 0, 0)))
    for item in items:
        if item is None:
            made.addStretch(1)
        elif isinstance(item, int):
            made.addSpacing(item)
        elif isinstance(item, QWidget):
            made.addWidget(item)
        else:
            made.addLayout(item)


class Button(QPushButton):
    """A push button dressed by a role, found by a stable name."""

    def __init__(self, name: str, role: str = "", size_px: int = 15, weight: int = 500) -> None:
        super().__init__()
        self.setObjectName(name)
        if role:
            self.setProperty("role", role)
        self.setFont(theme.font(size_px, weight))
        self.setAutoDefault(False)
        self.setAttribute(Qt.WidgetAttribute.WA_InputMethodEnabled, on=False)
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def show_icon(self, name: str, token: str, size_px: int = 20) -> None:
        """Put an icon before the text."""
        self.setIcon(icons.icon(name, getattr(theme.tokens(), token), size_px))
        self.setIconSize(QSize(size_px, size_px))

    def say(self, text: str, accessible: str = "") -> None:
        """Set the text, and the name for screen readers where the text alone says too little."""
        self.setText(text if self.icon().isNull() else f"\N{EN SPACE}{text}")
        self.setAccessibleName(accessible or text)


class RichButton(Button):
    """A button with widgets on it instead of one text."""

    def __init__(self, name: str, role: str = "", content: QLayout | None = None) -> None:
        super().__init__(name, role)
        if content is not None:
            self.setLayout(content)

    def sizeHint(self) -> QSize:
        inner = self.layout()
        return inner.sizeHint() if inner else super().sizeHint()

    def minimumSizeHint(self) -> QSize:
        inner = self.layout()
        return inner.minimumSize() if inner else super().minimumSizeHint()


class ElidedLabel(QLabel):
    """A text that ends in … where it does not fit; the whole of it is in the tool tip."""

    def __init__(self, size_px: int, weight: int = 400, tone: str = "", name: str = "") -> None:
        super().__init__()
        self.setFont(theme.font(size_px, weight))
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        if tone:
            self.setProperty("tone", tone)
        if name:
            self.setObjectName(name)

    def minimumSizeHint(self) -> QSize:
        return QSize(24, super().minimumSizeHint().height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setPen(self.palette().windowText().color())
        painter.setFont(self.font())
        fitting = QFontMetrics(self.font()).elidedText(
            self.text(), Qt.TextElideMode.ElideRight, self.width()
        )
        self.setToolTip(self.text() if fitting != self.text() else "")
        painter.drawText(self.rect(), self.alignment().value, fitting)
        painter.end()

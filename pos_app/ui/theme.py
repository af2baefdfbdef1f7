"""The look: colour tokens, the style sheet made of them, and the two typefaces."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import lru_cache
from importlib import resources
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QFontInfo, QPalette
from PySide6.QtWidgets import QApplication, QStyleFactory, QWidget

from program.logs import get_logger

THEMES: Final = ("light", "dark")
FAMILIES: Final = ("Inter", "Noto Sans CJK SC")
_FONTS_MAX: Final = 256
"""Latin and figures, then Chinese. Both come from Debian: fonts-inter, fonts-noto-cjk."""
TIER_COLOURS: Final = 5
_DARK_BELOW: Final = 128

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Tokens:
    """The colours of one theme, as "#RRGGBB"; resources/themes has the values."""

    bg: str
    surface: str
    surface2: str
    border: str
    border2: str
    text: str
    text2: str
    text3: str
    accent: str
    accent_hover: str
    accent_pressed: str
    accent_soft: str
    on_accent: str
    ok: str
    ok_soft: str
    warn: str
    warn_soft: str
    warn_border: str
    danger: str
    danger_soft: str
    tier0: str
    tier1: str
    tier2: str
    tier3: str
    tier4: str
    seat_sold: str
    seat_held: str
    seat_selected: str
    on_selected: str
    map: str
    stage: str
    topbar: str
    chip: str
    chip_border: str
    chip_text: str
    chip_text2: str
    chip_ok: str
    chip_warn: str
    chip_danger: str
    training: str
    on_training: str
    chip_brand: str  # the dark accent: the top bar is dark in both themes

    @property
    def is_dark(self) -> bool:
        """Whether the ground is darker than the ink."""
        return QColor(self.bg).lightness() < _DARK_BELOW

    def tier(self, colour_index: int) -> str:
        """A price tier's colour; there are five, then they begin again."""
        return str(getattr(self, f"tier{colour_index % TIER_COLOURS}"))


def load_tokens(theme: str) -> Tokens:
    """The tokens of "light" or "dark"; ValueError for another name or a wrong file."""
    if theme not in THEMES:
        raise ValueError(f"no such theme: {theme!r}; there are {', '.join(THEMES)}")
    text = (resources.files("resources") / "themes" / f"{theme}.toml").read_text("utf-8")
    values = tomllib.loads(text)
    if set(values) != {each.name for each in fields(Tokens)}:
        raise ValueError(f"{theme}.toml does not hold exactly the tokens")
    return Tokens(**values)


TEXT_SIZES: Final = (100, 125, 150)
"""In percent of the sizes that the views name."""


@dataclass(slots=True)
class _Current:
    tokens: Tokens | None = None
    text_size: int = 100


_current = _Current()


def tokens() -> Tokens:
    """The tokens of the theme in force; light before any was applied."""
    if _current.tokens is None:
        _current.tokens = load_tokens("light")
    return _current.tokens


def colour(name: str) -> QColor:
    """A token as a colour."""
    return QColor(getattr(tokens(), name))


def apply_theme(application: QApplication, theme: str) -> None:
    """Put on a theme: Fusion, palette, style sheet and base font."""
    _current.tokens = load_tokens(theme)
    sheet = style_sheet(tokens())
    if application.styleSheet() == sheet:  # on already; Qt would polish every widget again
        return
    application.setStyle(QStyleFactory.create("Fusion"))
    application.styleHints().setColorScheme(
        Qt.ColorScheme.Dark if tokens().is_dark else Qt.ColorScheme.Light
    )
    application.setPalette(_palette(tokens()))
    application.setFont(font(15))
    application.setStyleSheet(sheet)


@contextmanager
def dressed_at_once() -> Iterator[None]:
    """Widgets that are made in here put the style sheet on together, at the end.

    With a sheet in force Qt matches all its rules again for a widget each time that it, or one that
    it stands on, is put into a layout: that is half the time a window takes to make.
    """
    application = QApplication.instance()
    assert isinstance(application, QApplication)
    sheet = application.styleSheet()
    application.setStyleSheet("")
    try:
        yield
    finally:
        application.setStyleSheet(sheet)


def style_sheet(values: Tokens) -> str:
    """The sheet with colours in place of token names; KeyError for a name that is no token."""
    sheet = (resources.files("resources") / "themes" / "till.qss").read_text("utf-8")
    known = {each.name: str(getattr(values, each.name)) for each in fields(Tokens)}
    known["accent_keycap"] = _mixed(values.accent, values.on_accent, 0.24)
    return re.sub(r"@([a-z]\w*)", lambda match: known[match[1]], sheet)


def text_size() -> int:
    """How large all text is, in percent: one of TEXT_SIZES."""
    return _current.text_size


def scaled(px: int) -> int:
    """So many pixels at 100 %, for text of the size in force."""
    return round(px * _current.text_size / 100)


def set_text_size(application: QApplication, percent: int) -> None:
    """Make all text this large: what is on screen now, and what will be. ValueError for another.

    The views still have to take new measures (`controls.metrics_for`).
    """
    if percent not in TEXT_SIZES:
        raise ValueError(f"no such text size: {percent}; there are {TEXT_SIZES}")
    before, _current.text_size = _current.text_size, percent
    if before == percent:
        return
    application.setFont(font(15))
    for widget in application.allWidgets():
        if widget.testAttribute(Qt.WidgetAttribute.WA_SetFont):
            changed = widget.font()
            changed.setPixelSize(scaled(round(changed.pixelSize() * 100 / before)))
            widget.setFont(changed)


def font(size_px: int, weight: int = 400) -> QFont:
    """Our typeface at a pixel size (as of 100 %), with figures of equal width."""
    return QFont(_made(scaled(size_px), weight))


@lru_cache(_FONTS_MAX)
def _made(size_px: int, weight: int) -> QFont:
    """Made once: the map asks for some at every paint."""
    made = QFont()
    made.setFamilies(list(FAMILIES))
    made.setPixelSize(size_px)
    made.setWeight(QFont.Weight(weight))
    made.setFeature(QFont.Tag("tnum"), 1)
    return made


def missing_fonts() -> tuple[str, ...]:
    """Our typefaces that this machine lacks; Chinese without its font is empty boxes."""
    return tuple(name for name in FAMILIES if QFontInfo(QFont(name)).family() != name)


def warn_of_missing_fonts() -> None:
    """Say in the log which fonts to install."""
    for name in missing_fonts():
        _log.warning("font_missing", family=name, packages="fonts-inter fonts-noto-cjk")


def restyle(widget: QWidget, **properties: object) -> None:
    """Set dynamic properties and have the style sheet look at the widget and its children again."""
    changed = [
        widget.setProperty(name, value)
        for name, value in properties.items()
        if widget.property(name) != value
    ]
    if changed:
        for each in (widget, *widget.findChildren(QWidget)):
            each.style().unpolish(each)
            each.style().polish(each)


def _mixed(base: str, over: str, share: float) -> str:
    one, two = QColor(base), QColor(over)
    mixed = QColor(
        round(one.red() + (two.red() - one.red()) * share),
        round(one.green() + (two.green() - one.green()) * share),
        round(one.blue() + (two.blue() - one.blue()) * share),
    )
    return mixed.name()


def _palette(values: Tokens) -> QPalette:
    palette = QPalette()
    roles = {
        QPalette.ColorRole.Window: values.bg,
        QPalette.ColorRole.Base: values.surface,
        QPalette.ColorRole.AlternateBase: values.surface2,
        QPalette.ColorRole.Button: values.surface,
        QPalette.ColorRole.WindowText: values.text,
        QPalette.ColorRole.Text: values.text,
        QPalette.ColorRole.ButtonText: values.text,
        QPalette.ColorRole.Highlight: values.accent,
        QPalette.ColorRole.HighlightedText: values.on_accent,
        QPalette.ColorRole.ToolTipBase: values.text,
        QPalette.ColorRole.ToolTipText: values.bg,
    }
    for role, value in roles.items():
        palette.setColor(role, QColor(value))
    return palette

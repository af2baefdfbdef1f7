"""Tokens, fonts, icons and how seats are told apart."""

from __future__ import annotations

from importlib import resources

import pytest
from PySide6.QtGui import QColor, QFont, QFontInfo, QImage, QPainter
from PySide6.QtWidgets import QApplication

from pos_app.services.model import UnitState
from pos_app.ui import icons, theme
from pos_app.ui.app import prepare
from pos_app.ui.seat_looks import Look, Shape, draw_seat, look_of
from pos_app.ui.window import TillWindow
from tests.fakes.till import NOW, FakeTill
from tests.gui.robot import at_sale, settle


def contrast(one: str, other: str) -> float:
    """WCAG 2.2, "contrast ratio"."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    parts = (QColor(colour).redF(), QColor(colour).greenF(), QColor(colour).blueF())
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("name", theme.THEMES)
class TestTokens:
    def test_texts_can_be_read_on_their_grounds(self, name: str) -> None:
        tokens = theme.load_tokens(name)
        for ink in (tokens.text, tokens.text2, tokens.text3, tokens.accent, tokens.ok):
            assert contrast(ink, tokens.surface) >= 4.5
        pairs = (
            (tokens.on_accent, tokens.accent),
            (tokens.warn, tokens.warn_soft),
            (tokens.danger, tokens.danger_soft),
            (tokens.ok, tokens.ok_soft),
            (tokens.accent, tokens.accent_soft),
            (tokens.chip_text, tokens.chip),
            (tokens.chip_text2, tokens.chip),
            (tokens.chip_warn, tokens.chip),
            (tokens.on_selected, tokens.seat_selected),
        )
        for ink, ground in pairs:
            assert contrast(ink, ground) >= 4.5, (ink, ground)

    def test_seats_to_be_had_stand_out_from_the_map(self, name: str) -> None:
        tokens = theme.load_tokens(name)
        for tier in range(theme.TIER_COLOURS):
            assert contrast(tokens.tier(tier), tokens.map) >= 3

    def test_the_sheet_names_only_tokens(self, name: str) -> None:
        assert "@" not in theme.style_sheet(theme.load_tokens(name))

    def test_a_window_can_wear_it(self, name: str, application: QApplication) -> None:
        prepare("en", name)
        assert application.palette().window().color() == QColor(theme.load_tokens(name).bg)


def test_an_unknown_theme_is_refused() -> None:
    with pytest.raises(ValueError, match="sepia"):
        theme.load_tokens("sepia")


def test_both_typefaces_are_installed() -> None:
    assert theme.missing_fonts() == ()


def test_figures_have_equal_width_and_chinese_its_own_face() -> None:
    font = theme.font(20, 600)
    assert QFontInfo(font).family() == "Inter"
    assert font.featureValue(QFont.Tag("tnum")) == 1
    from PySide6.QtGui import QFontMetricsF

    measure = QFontMetricsF(font)
    assert measure.horizontalAdvance("1111") == measure.horizontalAdvance("0000")


def test_every_icon_draws_in_the_colour_asked_for() -> None:
    names = [
        file.name.removesuffix(".svg")
        for file in (resources.files("resources") / "icons").iterdir()
        if file.name.endswith(".svg")
    ]
    assert len(names) >= 20
    for name in names:
        image = icons.pixmap(name, "#FF0000", 20).toImage()
        assert (image.width(), image.height()) == (40, 40)
        colours = {
            image.pixelColor(x, y).name()
            for x in range(40)
            for y in range(40)
            if image.pixelColor(x, y).alpha() == 255
        }
        assert colours == {"#ff0000"}, name


def test_an_icon_that_is_not_there_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        icons.pixmap("unicorn", "#FF0000")


SHOWN_ALIKE = (UnitState.ASKING, UnitState.PARKED)  # as one to be had, as one that is held
STATES = [state for state in UnitState if state not in SHOWN_ALIKE]


def grey_picture(look: Look) -> bytes:
    """A seat without its colours."""
    image = QImage(24, 24, QImage.Format.Format_RGB32)
    image.fill(theme.colour("map"))
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.translate(12, 12)
    draw_seat(painter, look, 20)
    painter.end()
    return bytes(image.convertToFormat(QImage.Format.Format_Grayscale8).constBits())


def test_states_differ_without_colour() -> None:
    looks = {state: look_of(state, 1, offline=False, filtered_out=False) for state in STATES}
    shapes = {look.shape for look in looks.values()}
    assert len(shapes) == len(STATES)
    pictures = {grey_picture(look) for look in (*looks.values(), Look(Shape.SELECTED))}
    assert len(pictures) == len(STATES) + 1


def test_offline_what_is_not_ours_falls_back() -> None:
    for state in STATES:
        look = look_of(state, 1, offline=True, filtered_out=False)
        assert look.strength == (1.0 if state is UnitState.FREE else 0.55)
    assert look_of(UnitState.ELSEWHERE, 1, offline=True, filtered_out=False).shape is Shape.PALE


def pixel_of(window: TillWindow, unit: int, dx: int = 3) -> str:
    """The colour beside a seat's centre, as it was painted."""
    settle(window)
    seat_map = window.sell_view.map
    at = seat_map.centre_of(unit)
    image = seat_map.grab().toImage()
    return image.pixelColor(at.x() + dx, at.y()).name().upper()


def test_a_seat_of_ours_has_its_tiers_colour(window: TillWindow, till: FakeTill) -> None:
    at_sale(window)
    window.sell_view.map.clearFocus()
    assert pixel_of(window, till.unit("stalls-centre", "7", "8")) == theme.tokens().tier1
    assert pixel_of(window, till.unit("stalls-right", "5", "7")) != theme.tokens().tier1


def test_far_away_seats_are_points_and_look_the_same(window: TillWindow, till: FakeTill) -> None:
    at_sale(window)
    seat_map = window.sell_view.map
    seat_map.clearFocus()
    unit = till.unit("stalls-centre", "7", "8")
    seat_map.zoom_by(0.4)
    settle(window)
    assert pixel_of(window, unit, dx=0) == theme.tokens().tier1
    till.go_offline(NOW)
    settle(window)
    elsewhere = pixel_of(window, till.unit("stalls-right", "5", "7"), dx=0)
    assert (
        elsewhere
        == look_of(UnitState.ELSEWHERE, 1, offline=True, filtered_out=False).colour().name().upper()
    )


def test_near_seats_carry_their_numbers(window: TillWindow, till: FakeTill) -> None:
    at_sale(window)
    seat_map = window.sell_view.map
    unit = till.unit("stalls-centre", "7", "8")
    seat_map.clearFocus()
    for factor in (1.3, 2.0):  # letters, then numbers
        seat_map.zoom_by(factor)
        seat_map.settle()
        assert pixel_of(window, unit, dx=5) == theme.tokens().tier1
        at = seat_map.centre_of(unit)
        image = seat_map.grab().toImage()
        inks = {
            image.pixelColor(at.x() + x, at.y() + y).name()
            for x in (-2, 0, 2)
            for y in range(-4, 5)
        }
        assert len(inks) > 1

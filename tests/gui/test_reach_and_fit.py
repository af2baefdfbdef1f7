"""Every widget can be named and reached, and every text fits, in both languages and sizes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import combinations

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QWidget

from pos_app.presenters import language
from pos_app.services.model import UnitState
from pos_app.ui import theme
from pos_app.ui.controls import ElidedLabel
from pos_app.ui.window import TillWindow
from tests.fakes.till import NOW, FakeTill, stocked_till
from tests.gui.conftest import close
from tests.gui.device_scenes import DEVICE_SCENES
from tests.gui.robot import at_sale, click, find, open_window, press, settle, sign_in, turn_loop
from tests.gui.shift_scenes import SHIFT_SCENES
from ticketing.text import Text

SMALL, LARGE = (1366, 768), (1920, 1080)
SIZES = [pytest.param(SMALL, id="1366x768"), pytest.param(LARGE, id="1920x1080")]
Face = tuple[tuple[int, int], int]
FACES: tuple[Face, ...] = ((SMALL, 100), (LARGE, 100), (SMALL, 125), (SMALL, 150), (LARGE, 150))
"""Sizes of the window, and of its text in percent; each in every language."""
Scene = Callable[[TillWindow, FakeTill], None]


def selling(window: TillWindow, _till: FakeTill) -> None:
    at_sale(window)
    click(window, "best_together")
    click(window, "add_standing_standing")


def offline(window: TillWindow, till: FakeTill) -> None:
    selling(window, till)
    till.go_offline(NOW, unsynced_count=1_234)


def refused(window: TillWindow, till: FakeTill) -> None:
    selling(window, till)
    lent = next(unit for unit, each in till.states[1].items() if each is UnitState.LENT)
    window.sell.tap_unit(lent)


def paid(window: TillWindow, till: FakeTill) -> None:
    selling(window, till)
    click(window, "quick_cash_0")


def unprinted(window: TillWindow, till: FakeTill) -> None:
    till.paper = False
    paid(window, till)
    window.sell.dismiss()
    window.sell.dismiss()
    click(window, "best_together")


def typing_cash(window: TillWindow, till: FakeTill) -> None:
    selling(window, till)
    click(window, "pay_more")


def choosing_a_type(window: TillWindow, till: FakeTill) -> None:
    selling(window, till)
    click(window, "line_0_type")


def locked_out(window: TillWindow, till: FakeTill) -> None:
    till.wrong_pins = 5
    sign_in_wrongly(window)


def sign_in_wrongly(window: TillWindow) -> None:
    click(window, "sign_in_lina")
    click(window, "pin_key_1")
    click(window, "sign_in_submit")


def _ask_again(window: TillWindow) -> None:
    click(window, "line_0_type")


CLOSED_BY_A_CHANGE = {choosing_a_type: _ask_again}
"""A menu closes when the window changes; it is opened anew for each face."""
SCENES: list[object] = [
    pytest.param(scene, id=scene.__name__)
    for scene in (
        selling,
        offline,
        refused,
        paid,
        unprinted,
        typing_cash,
        choosing_a_type,
        locked_out,
        *SHIFT_SCENES.values(),
        *DEVICE_SCENES.values(),
    )
]


def every_face(
    window: TillWindow, faces: tuple[Face, ...] = FACES
) -> Iterator[tuple[str, tuple[int, int]]]:
    """Show a window in all its sizes, text sizes and languages, one after the other.

    One window for all of them: to be changed while it runs is what it promises, and to build one
    for each takes six times as long. Yields what a failure names it by, and its size.
    """
    for size, percent in faces:
        window.resize(*size)
        while theme.text_size() != percent:
            window.switch_text_size()
        for spoken in language.LANGUAGES:
            if language.language() != spoken:
                window.switch_language()
            settle(window)
            yield f"{size[0]}x{size[1]} at {percent} in {spoken}", size


@pytest.fixture(autouse=True)
def as_it_was(application: QApplication) -> Iterator[None]:
    """The next test begins at 100 %."""
    yield
    theme.set_text_size(application, 100)


@pytest.mark.parametrize("scene", SCENES)
def test_everything_has_a_name_and_fits(window: TillWindow, till: FakeTill, scene: Scene) -> None:
    scene(window, till)
    settle(window)
    assert what_is_nameless(window) == []
    for face, size in every_face(window):
        if scene in CLOSED_BY_A_CHANGE:
            CLOSED_BY_A_CHANGE[scene](window)
        assert (window.width(), window.height()) == size, f"the window grew: {face}"
        assert what_is_cut(window) == [], face


def what_is_nameless(window: TillWindow) -> list[str]:
    """Widgets that take the keyboard, and that a screen reader has no word for."""
    return [
        f"{type(each).__name__} {each.objectName()}"
        for each in window.findChildren(QWidget)
        if each.focusPolicy() != Qt.FocusPolicy.NoFocus
        and not each.isHidden()  # children of a page that is not shown are not hidden themselves
        and not each.accessibleName()
    ]


def what_is_cut(window: QWidget) -> list[str]:
    """Texts that do not fit into their widgets."""
    labels = [each for each in window.findChildren(QLabel) if each.isVisible() and each.text()]
    buttons = [
        each for each in window.findChildren(QAbstractButton) if each.isVisible() and each.text()
    ]
    cut: list[QLabel | QAbstractButton] = [each for each in labels if not _fits(each)]
    cut += [each for each in buttons if not _fits_on(each)]
    return [
        f"{each.objectName()}: {each.text()!r} in {each.width()}x{each.height()}" for each in cut
    ]


def _fits_on(button: QAbstractButton) -> bool:
    is_wide = button.sizeHint().width() <= button.width()
    is_wide = is_wide or button.minimumSizeHint().width() <= button.width()
    return is_wide and button.fontMetrics().height() <= button.height()


def _fits(shown: QLabel) -> bool:
    if isinstance(shown, ElidedLabel):
        needed = shown.fontMetrics().horizontalAdvance(shown.text())
        return needed <= shown.width()
    if shown.wordWrap():
        return shown.heightForWidth(shown.width()) <= shown.height()
    hint = shown.sizeHint()
    return hint.width() <= shown.width() and hint.height() <= shown.height()


def test_names_are_spoken_in_the_language_of_the_window(window: TillWindow) -> None:
    at_sale(window)
    names = {"en": "Seat map", "zh_CN": "座位图"}
    for spoken in language.LANGUAGES:
        if language.language() != spoken:
            window.switch_language()
        assert window.sell_view.map.accessibleName() == names[spoken]


def test_the_tab_key_reaches_the_sale_in_its_order(window: TillWindow, till: FakeTill) -> None:
    selling(window, till)
    wanted = (
        *("quantity_minus", "quantity_plus", "best_together", "tier_vip", "seat_map"),
        *("cart_lines", "line_0_type", "line_0_remove", "quick_cash_0", "pay_cash"),
        *("pay_tender_0", "pay_more", "clear", "rail_lock"),
    )
    for size in (LARGE, SMALL):  # the tiers stand elsewhere
        window.resize(*size)
        settle(window)
        find(window, "quantity_minus").setFocus()
        seen = []
        for _stop in range(60):
            focused = window.focusWidget()
            assert focused is not None
            seen.append(focused.objectName())
            press(Qt.Key.Key_Tab)
        places = [seen.index(name) for name in wanted]
        assert places == sorted(places), seen


def test_touch_targets_are_large_enough(window: TillWindow, till: FakeTill) -> None:
    selling(window, till)
    for face, _size in every_face(window):
        small = [
            f"{each.objectName()} {each.width()}x{each.height()}"
            for each in window.findChildren(QAbstractButton)
            if each.isVisible() and (each.width() < 36 or each.height() < 30)
        ]
        assert small == [], face


def test_nothing_lies_over_the_total_or_the_payment_keys(
    window: TillWindow, till: FakeTill
) -> None:
    refused(window, till)
    names = ("notice", "total", "quick_cash_0", "pay_cash")
    for face, size in every_face(window):
        boxes = {name: _box(window, name) for name in names}
        for one, other in combinations(names, 2):
            assert not boxes[one].intersects(boxes[other]), f"{one} over {other}: {face}"
        assert boxes["pay_cash"].bottom() < size[1], face


@pytest.mark.parametrize("size", SIZES)
def test_a_full_basket_scrolls_and_the_payment_keys_stay_put(
    till: FakeTill, size: tuple[int, int]
) -> None:
    window = open_window(till, size)
    at_sale(window)
    settle(window)
    before = _box(window, "pay_cash")
    total = _box(window, "total").bottom()
    selling_more(window)
    assert _box(window, "pay_cash") == before
    assert _box(window, "total").bottom() == total
    close(window)


def selling_more(window: TillWindow) -> None:
    click(window, "best_together")
    window.sell.set_quantity(20)
    click(window, "add_standing_standing")
    click(window, "add_standing_standing")
    settle(window)


def _box(window: TillWindow, name: str) -> QRect:
    found = next(each for each in window.findChildren(QWidget, name) if each.isVisible())
    return QRect(found.mapTo(window, QPoint(0, 0)), found.size())


def test_the_picker_fits(window: TillWindow) -> None:
    sign_in(window)
    for face, _size in every_face(window):
        assert what_is_cut(window) == [], face


def test_the_window_changes_to_compact_and_back(till: FakeTill) -> None:
    window = open_window(till, (1920, 1080))
    at_sale(window)
    tiers = window.sell_view.tiers
    assert tiers.parentWidget() is window.sell_view.tools
    window.resize(1366, 768)
    settle(window)
    assert tiers.parentWidget() is window.sell_view
    window.resize(1920, 1080)
    settle(window)
    assert tiers.parentWidget() is window.sell_view.tools
    close(window)


def test_many_sales_leave_no_widgets_behind(till: FakeTill) -> None:
    window = open_window(till)
    at_sale(window)

    def sell_once() -> int:
        click(window, "best_together")
        press(Qt.Key.Key_F9)
        window.sell.dismiss()
        turn_loop()
        return len(window.findChildren(QWidget))

    first = sell_once()
    assert [sell_once() for _sale in range(10)] == [first] * 10
    assert len(till.sold) == 11
    close(window)


def test_a_second_window_starts_like_the_first() -> None:
    for _round in range(2):
        window = open_window(stocked_till())
        at_sale(window)
        close(window)


@pytest.mark.parametrize("size", SIZES)
def test_the_tiers_names_and_prices_are_whole_however_long_they_are(
    till: FakeTill, size: tuple[int, int]
) -> None:
    event = till.catalogue.events[0]
    named = tuple(
        replace(tier, name=Text.from_names({"en": f"Category {at}", "zh": f"{at} 类"}))
        for at, tier in enumerate(event.price_tiers[:4], start=1)
    )
    tiers = (*named, *event.price_tiers[4:])
    till.catalogue = replace(till.catalogue, events=(replace(event, price_tiers=tiers),))
    window = open_window(till, size)
    at_sale(window)
    settle(window)
    cut = [
        each.text()
        for chip in window.sell_view.tiers.tab_stops()
        for each in chip.findChildren(QLabel)
        if each.isVisible() and each.text() and each.sizeHint().width() > each.width()
    ]
    assert cut == []
    close(window)

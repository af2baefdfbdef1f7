"""Every widget can be named and reached, and every text fits, in both languages and sizes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtWidgets import QAbstractButton, QLabel, QWidget

from pos_app.presenters import language
from pos_app.services.model import UnitState
from pos_app.ui.controls import ElidedLabel
from pos_app.ui.window import TillWindow
from tests.fakes.till import NOW, FakeTill, stocked_till
from tests.gui.conftest import close
from tests.gui.device_scenes import DEVICE_SCENES
from tests.gui.robot import at_sale, click, open_window, press, settle, sign_in, turn_loop
from tests.gui.shift_scenes import SHIFT_SCENES
from ticketing.text import Text

SIZES = [
    pytest.param((1366, 768), id="1366x768"),
    pytest.param((1920, 1080), id="1920x1080"),
]
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


@pytest.fixture(params=language.LANGUAGES)
def spoken(request: pytest.FixtureRequest) -> str:
    code: str = request.param
    return code


@pytest.fixture(params=SIZES)
def shown(request: pytest.FixtureRequest, spoken: str, till: FakeTill) -> Iterator[TillWindow]:
    language.set_language(spoken)
    window = open_window(till, request.param)
    assert (window.width(), window.height()) == request.param
    yield window
    close(window)


def visible(window: QWidget, kind: type[QWidget]) -> list[QWidget]:
    return [each for each in window.findChildren(kind) if each.isVisible()]


@pytest.mark.parametrize("scene", SCENES)
def test_every_text_fits(shown: TillWindow, till: FakeTill, scene: Scene) -> None:
    scene(shown, till)
    settle(shown)
    assert (shown.width(), shown.height()) in {(1366, 768), (1920, 1080)}, "the window grew"
    cut = [
        f"{each.objectName()}: {each.text()!r} in {each.width()}x{each.height()}"
        for each in shown.findChildren(QLabel)
        if each.isVisible() and each.text() and not _fits(each)
    ]
    cut += [
        f"{each.objectName()}: {each.text()!r} in {each.width()}"
        for each in shown.findChildren(QAbstractButton)
        if each.isVisible()
        and each.text()
        and each.sizeHint().width() > each.width()
        and each.minimumSizeHint().width() > each.width()
    ]
    assert cut == []


def _fits(shown: QLabel) -> bool:
    if isinstance(shown, ElidedLabel):
        needed = shown.fontMetrics().horizontalAdvance(shown.text())
        return needed <= shown.width()
    if shown.wordWrap():
        return shown.heightForWidth(shown.width()) <= shown.height()
    hint = shown.sizeHint()
    return hint.width() <= shown.width() and hint.height() <= shown.height()


@pytest.mark.parametrize("scene", SCENES)
def test_everything_that_takes_the_keyboard_has_a_name(
    window: TillWindow, till: FakeTill, scene: Scene
) -> None:
    scene(window, till)
    settle(window)
    nameless = [
        f"{type(each).__name__} {each.objectName()}"
        for each in window.findChildren(QWidget)
        if each.focusPolicy() != Qt.FocusPolicy.NoFocus
        and not each.isHidden()  # children of a page that is not shown are not hidden themselves
        and not each.accessibleName()
    ]
    assert nameless == []


def test_names_are_spoken_in_the_language_of_the_window(shown: TillWindow, spoken: str) -> None:
    at_sale(shown)
    assert shown.sell_view.map.accessibleName() == {"en": "Seat map", "zh_CN": "座位图"}[spoken]


def test_the_tab_key_reaches_the_sale_in_its_order(shown: TillWindow, till: FakeTill) -> None:
    selling(shown, till)
    shown.sell_view.tools.setFocus()
    first = shown.findChild(QWidget, "quantity_minus")
    assert first is not None
    first.setFocus()
    seen = []
    for _stop in range(60):
        focused = shown.focusWidget()
        assert focused is not None
        seen.append(focused.objectName())
        press(Qt.Key.Key_Tab)
    wanted = (
        *("quantity_minus", "quantity_plus", "best_together", "tier_vip", "seat_map"),
        *("cart_lines", "line_0_type", "line_0_remove", "quick_cash_0", "pay_cash"),
        *("pay_tender_0", "pay_more", "clear", "rail_lock"),
    )
    places = [seen.index(name) for name in wanted]
    assert places == sorted(places), seen


def test_touch_targets_are_large_enough(shown: TillWindow, till: FakeTill) -> None:
    selling(shown, till)
    settle(shown)
    small = [
        f"{each.objectName()} {each.width()}x{each.height()}"
        for each in shown.findChildren(QAbstractButton)
        if each.isVisible() and (each.width() < 36 or each.height() < 30)
    ]
    assert small == []


def test_nothing_lies_over_the_total_or_the_payment_keys(shown: TillWindow, till: FakeTill) -> None:
    refused(shown, till)
    settle(shown)
    boxes = {name: _box(shown, name) for name in ("notice", "total", "quick_cash_0", "pay_cash")}
    names = list(boxes)
    for at, name in enumerate(names):
        for other in names[at + 1 :]:
            assert not boxes[name].intersects(boxes[other]), f"{name} over {other}"
    assert boxes["pay_cash"].bottom() < shown.height()


def test_a_full_basket_scrolls_and_the_payment_keys_stay_put(shown: TillWindow) -> None:
    at_sale(shown)
    settle(shown)
    before = _box(shown, "pay_cash")
    total = _box(shown, "total").bottom()
    selling_more(shown)
    assert _box(shown, "pay_cash") == before
    assert _box(shown, "total").bottom() == total


def selling_more(window: TillWindow) -> None:
    click(window, "best_together")
    window.sell.set_quantity(20)
    click(window, "add_standing_standing")
    click(window, "add_standing_standing")
    settle(window)


def _box(window: TillWindow, name: str) -> QRect:
    found = next(each for each in window.findChildren(QWidget, name) if each.isVisible())
    return QRect(found.mapTo(window, QPoint(0, 0)), found.size())


def test_the_picker_fits(shown: TillWindow) -> None:
    sign_in(shown)
    settle(shown)
    cut = [
        each.text()
        for each in shown.findChildren(QLabel)
        if each.isVisible() and each.text() and not _fits(each)
    ]
    assert cut == []


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

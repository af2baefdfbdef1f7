"""Choosing a performance through real widgets: typed, by arrows, among time slots."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QWidget

from pos_app.presenters.picker import PAGE
from pos_app.services.model import UnitState
from pos_app.ui.picker_buttons import PickButton
from pos_app.ui.window import TillWindow
from tests.fakes.till import NOW, FakeTill
from tests.gui.conftest import close
from tests.gui.robot import click, find, is_shown, open_window, press, settle, sign_in, text_of
from tests.gui.slot_scenes import park_till


@pytest.fixture
def park() -> Iterator[TillWindow]:
    window = open_window(park_till(), (1366, 768))
    sign_in(window)
    settle(window)
    yield window
    close(window)


def shown(window: TillWindow) -> list[int]:
    """Numbers on screen, in the order of the arrows."""
    settle(window)
    there = [each for each in window.picker_view.findChildren(PickButton) if each.isVisible()]
    places = {each: each.mapTo(window, QPoint(0, 0)) for each in there}
    return [each.number for each in sorted(there, key=lambda e: (places[e].y(), places[e].x()))]


def type_in(text: str) -> None:
    """Type where the keyboard is, which may move at each letter."""
    for letter in text:
        QTest.keyClicks(keyboard(), letter)


def keyboard() -> QWidget:
    """The widget that has it."""
    widget = QApplication.focusWidget()
    assert widget is not None
    return widget


def focused() -> str:
    return keyboard().objectName()


class TestSearching:
    def test_typing_narrows_the_list_down_and_enter_opens(
        self, window: TillWindow, till: FakeTill
    ) -> None:
        sign_in(window)
        type_in("14:00")  # the first letter begins it
        assert focused() == "picker_search"
        assert shown(window) == [2]
        press(Qt.Key.Key_Return)
        assert window.sell.state.number == 2
        assert till.stocked == [2]
        press(Qt.Key.Key_F2)
        assert set(shown(window)) == {1, 2, 3, 4, 5}, "the next choice begins with everything"

    def test_escape_shows_everything_and_then_goes_back(self, window: TillWindow) -> None:
        sign_in(window)
        click(window, "performance_1")
        press(Qt.Key.Key_F2)
        find(window, "picker_search").setFocus()
        type_in("hamlet")
        assert "Nothing fits “hamlet”" in text_of(window, "picker_message")
        assert shown(window) == []
        press(Qt.Key.Key_Escape)
        assert set(shown(window)) == {1, 2, 3, 4, 5}
        assert focused() == "performance_1"
        press(Qt.Key.Key_Escape)
        assert window.pages.currentWidget() is window.sell_view

    def test_news_do_not_take_the_keyboard_from_who_types(
        self, window: TillWindow, till: FakeTill
    ) -> None:
        sign_in(window)
        field = find(window, "picker_search")
        assert isinstance(field, QLineEdit)
        field.setFocus()
        type_in("swan")
        till.set_states(1, UnitState.SOLD, [1, 2, 3])
        window.picker.load()
        assert focused() == "picker_search"
        assert field.text() == "swan"


class TestSlots:
    def test_are_tiles_with_what_is_left_and_what_is_here(self, park: TillWindow) -> None:
        tile = find(park, "performance_1")
        assert "300 left" in tile.accessibleName()
        assert "10 at this window" in tile.accessibleName()
        assert "sold out" in find(park, "performance_10").accessibleName()

    def test_arrows_go_over_the_tiles_and_enter_opens(self, park: TillWindow) -> None:
        order = shown(park)
        assert focused() == f"performance_{order[0]}"
        press(Qt.Key.Key_Right)
        press(Qt.Key.Key_Right)
        assert focused() == f"performance_{order[2]}"
        press(Qt.Key.Key_Left)
        assert focused() == f"performance_{order[1]}"
        before = find(park, focused())
        press(Qt.Key.Key_Down)
        after = find(park, focused())
        assert after is not before
        assert after.geometry().center().x() == pytest.approx(before.geometry().center().x(), abs=4)
        press(Qt.Key.Key_Up)
        assert find(park, focused()) is before
        press(Qt.Key.Key_Return)
        assert park.pages.currentWidget() is park.sell_view

    def test_of_other_days_come_when_asked_for(self, park: TillWindow) -> None:
        assert len(shown(park)) == PAGE
        click(park, "picker_more")
        assert len(shown(park)) > PAGE
        assert not is_shown(park, "picker_more")

    def test_are_sold_by_the_key_for_the_best_seats_too(self, park: TillWindow) -> None:
        click(park, "performance_1")
        settle(park)
        press(Qt.Key.Key_F6)
        basket = park.sell.state.basket
        assert basket is not None
        assert len(basket.lines) == 2
        press(Qt.Key.Key_F9)
        assert is_shown(park, "change_panel")

    def test_are_sold_in_two_taps_and_the_stepper(self, park: TillWindow) -> None:
        click(park, "performance_1")
        settle(park)
        click(park, "quantity_plus")
        click(park, "add_standing_grounds")
        basket = park.sell.state.basket
        assert basket is not None
        assert len(basket.lines) == 3
        click(park, "quick_cash_0")
        assert is_shown(park, "change_panel")


def test_hundreds_of_performances_are_filtered_without_making_their_buttons_again() -> None:
    till = park_till()
    event = till.catalogue.events[0]
    first = event.performances[0]
    many = tuple(
        replace(
            first,
            number=2_000 + at,
            starts_at=NOW + timedelta(hours=at),
            ends_at=NOW + timedelta(hours=at + 1),
        )
        for at in range(600)
    )
    grown = replace(event, performances=many)
    till.catalogue = replace(till.catalogue, events=(grown,))
    window = open_window(till, (1366, 768))
    sign_in(window)
    made = set(window.picker_view.findChildren(PickButton))
    assert len(made) == PAGE
    field = find(window, "picker_search")
    assert isinstance(field, QLineEdit)
    field.setText("nov")  # all of them, and so the soonest of them
    assert set(window.picker_view.findChildren(PickButton)) == made
    close(window)

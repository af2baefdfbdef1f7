"""Larger text: it is changed while the till runs. Whether all of it fits: test_reach_and_fit."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QApplication, QLabel

from pos_app.ui import theme
from pos_app.ui.controls import COMPACT, REGULAR, Metrics, metrics_for
from pos_app.ui.window import TillWindow
from tests.fakes.till import FakeTill
from tests.gui.conftest import close
from tests.gui.robot import at_sale, click, find, open_window, settle
from tests.gui.test_reach_and_fit import what_is_cut


@pytest.fixture(autouse=True)
def as_it_was(qapp: QApplication) -> Iterator[None]:
    """The next test begins at 100 %."""
    yield
    theme.set_text_size(qapp, 100)


def test_it_is_changed_while_something_is_in_the_basket(window: TillWindow) -> None:
    at_sale(window)
    click(window, "best_together")
    before = find(window, "venue_name").font().pixelSize()
    sizes = [before]
    for percent in (125, 150, 100):
        click(window, "text_size")
        settle(window)
        assert theme.text_size() == percent
        assert what_is_cut(window) == []
        sizes.append(find(window, "venue_name").font().pixelSize())
    assert sizes[:3] == [16, 20, 24]
    assert sizes[3] == before, "100 % again is as it was"
    basket = window.sell.state.basket
    assert basket is not None
    assert len(basket.lines) == 2


def test_a_window_that_begins_large_is_as_one_that_became_large(
    till: FakeTill, window: TillWindow
) -> None:
    for _step in range(2):
        window.switch_text_size()
    became = _fonts(window)
    assert theme.text_size() == 150
    began = open_window(till)
    assert _fonts(began) == became
    close(began)


def _fonts(window: TillWindow) -> list[tuple[str, int]]:
    labels = [each for each in window.findChildren(QLabel) if each.text() and each.objectName()]
    return [(each.objectName(), each.font().pixelSize()) for each in labels]


def test_the_next_start_has_the_size_that_was_chosen_last(
    till: FakeTill, window: TillWindow, application: QApplication
) -> None:
    window.switch_text_size()
    theme.set_text_size(application, 100)  # as a new program begins
    again = open_window(till)
    found = theme.text_size(), find(again, "venue_name").font().pixelSize()
    close(again)
    assert found == (125, 20)


def test_the_sizes_come_back_exactly(window: TillWindow) -> None:
    fonts = {each: each.font().pixelSize() for each in window.findChildren(QLabel)}
    for _round in range(6):
        window.switch_text_size()
    assert {each: each.font().pixelSize() for each in fonts} == fonts


@pytest.mark.parametrize(
    ("height", "percent", "plain"),
    [
        pytest.param(1080, 100, REGULAR, id="large"),
        pytest.param(768, 100, COMPACT, id="low"),
        pytest.param(1080, 150, COMPACT, id="large, for its text low"),
        pytest.param(1440, 150, REGULAR, id="larger still"),
    ],
)
def test_a_window_is_low_by_the_size_of_its_text(height: int, percent: int, plain: Metrics) -> None:
    found = metrics_for(height, percent)
    assert found.compact is plain.compact
    assert found is metrics_for(height, percent), "the same measures, so that nothing is done twice"


def test_an_unknown_size_is_refused(qapp: QApplication) -> None:
    with pytest.raises(ValueError, match="no such text size"):
        theme.set_text_size(qapp, 110)

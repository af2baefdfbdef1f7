"""Larger text: everything still fits and can be reached, and it is changed while the till runs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel

from pos_app.presenters import language
from pos_app.ui import theme
from pos_app.ui.controls import COMPACT, REGULAR, Metrics, metrics_for
from pos_app.ui.window import TillWindow
from tests.fakes.till import FakeTill
from tests.gui.conftest import close
from tests.gui.robot import at_sale, click, find, open_window, settle
from tests.gui.test_reach_and_fit import SCENES, Scene, _fits

LARGER = [
    pytest.param((1366, 768), 125, id="1366x768 at 125"),
    pytest.param((1920, 1080), 150, id="1920x1080 at 150"),
]


@pytest.fixture(autouse=True)
def as_it_was(qapp: QApplication) -> Iterator[None]:
    """The next test begins at 100 %."""
    yield
    theme.set_text_size(qapp, 100)


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("spoken", language.LANGUAGES)
@pytest.mark.parametrize(("size", "percent"), LARGER)
def test_every_text_fits(
    qapp: QApplication,
    till: FakeTill,
    size: tuple[int, int],
    percent: int,
    spoken: str,
    scene: Scene,
) -> None:
    language.set_language(spoken)
    theme.set_text_size(qapp, percent)
    window = open_window(till, size)
    scene(window, till)
    settle(window)
    found = (window.width(), window.height())
    cut = what_is_cut(window)
    close(window)
    assert found == size, "the window grew"
    assert cut == []


def what_is_cut(window: TillWindow) -> list[str]:
    """Texts that do not fit into their widgets, and widgets that leave the window."""
    cut = [
        f"{each.objectName()}: {each.text()!r} in {each.width()}x{each.height()}"
        for each in window.findChildren(QLabel)
        if each.isVisible() and each.text() and not _fits(each)
    ]
    cut += [
        f"{each.objectName()}: {each.text()!r} in {each.width()}x{each.height()}"
        for each in window.findChildren(QAbstractButton)
        if each.isVisible()
        and each.text()
        and (
            (
                each.sizeHint().width() > each.width()
                and each.minimumSizeHint().width() > each.width()
            )
            or each.fontMetrics().height() > each.height()
        )
    ]
    return cut


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

"""What goes wrong at a counter must not stop the sale: network, server and printer misbehave."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QInputDevice, QPointingDevice
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from pos_app.presenters import language
from pos_app.services.model import Link
from pos_app.ui.window import TillWindow
from tests.fakes.server import Answer, Endless, Hang, Raw, Reset, Say, Trickle
from tests.fakes.till import FakeTill
from tests.gui.harsh_stage import Counter, counter
from tests.gui.robot import at_sale, click, find, is_shown, press, settle, text_of, turn_loop

CALLS = ("token", "hello", "push", "pull", "acquire", "own", "digest")
TIMES = 4
"""How often each call is answered so; then the server is itself again."""


@pytest.fixture
def desk(qtbot: QtBot, tmp_path: Path) -> Iterator[Counter]:
    with counter(qtbot, tmp_path) as made:
        yield made


class TestTheServer:
    @pytest.mark.parametrize(
        "answer",
        [
            pytest.param(Reset(), id="breaks off"),
            pytest.param(Reset(after_work=True), id="takes it and breaks off"),
            pytest.param(Hang(), id="hangs"),
            pytest.param(Raw(b"\x00\xff\x13garbage\r\n\r\n"), id="speaks no HTTP"),
            pytest.param(Say(b"{not json"), id="sends half a JSON"),
            pytest.param(Say([["sale", {}], 7, None]), id="sends JSON of another kind"),
            pytest.param(Say({"streams": {"house": 1}, "acked": -5}), id="sends nonsense"),
            pytest.param(Say(b"<html>login</html>", 200), id="is a hotel's login page"),
            pytest.param(Say({"code": "boom"}, 500), id="has an error"),
            pytest.param(Say({}, 418), id="is a teapot"),
            pytest.param(Trickle(), id="trickles"),
            pytest.param(Endless(), id="never ends"),
        ],
    )
    def test_may_do_what_it_likes_and_each_sale_reaches_it_once(
        self, desk: Counter, answer: Answer
    ) -> None:
        for name in CALLS:
            desk.server.script(name, *[answer] * TIMES)
        receipts = [desk.sell() for _sale in range(3)]
        assert len(set(receipts)) == 3
        assert len(desk.paper.tickets) == 3, "each with its paper, server or not"
        desk.server.release()
        desk.wait(desk.is_synced)
        sales = desk.sales_at_the_server()
        assert len(sales) == len(set(sales)) == 3

    def test_may_be_gone_and_the_cashier_sees_it_and_sells_on(self, desk: Counter) -> None:
        desk.server.unplugged = True
        first = desk.sell()
        desk.wait(lambda: desk.window.sell.state.status.link is Link.OFFLINE)
        assert is_shown(desk.window, "offline_text")
        assert desk.sell() != first
        desk.wait(lambda: desk.window.sell.state.status.unsynced_count >= 2)
        desk.server.unplugged = False
        desk.wait(desk.is_synced)
        assert not is_shown(desk.window, "offline_text")
        assert len(desk.sales_at_the_server()) == 2


class TestThePrinter:
    def test_may_die_in_the_middle_and_no_sale_is_undone(self, desk: Counter) -> None:
        desk.paper.dies = 1_000
        receipt = desk.sell()
        desk.wait(lambda: desk.window.sell.state.unprinted)
        assert [one.receipt_no for one in desk.window.sell.state.unprinted] == [receipt]
        assert desk.sell() != receipt, "the next customer is served meanwhile"
        assert desk.paper.tickets == {}
        desk.wait(lambda: len(desk.window.sell.state.unprinted) == 2)
        desk.paper.dies = None
        for _layer in ("the notice", "the change"):
            press(Qt.Key.Key_Escape)
        click(desk.window, "reprint")
        desk.wait(lambda: not desk.window.sell.state.unprinted_orders)
        assert [len(copies) for copies in desk.paper.tickets.values()] == [1, 1]
        desk.wait(desk.is_synced)
        assert len(desk.sales_at_the_server()) == 2


class TestFingers:
    def test_sell_in_two_taps(
        self, window: TillWindow, till: FakeTill, fingers: QPointingDevice
    ) -> None:
        at_sale(window)
        touch(window, "best_together", fingers)
        touch(window, "quick_cash_1", fingers)
        assert len(till.sold) == 1
        assert till.sold[0].ticket_count == 2
        assert text_of(window, "change_amount") == "¥40.00"
        assert till.printed == [till.sold[0].order_id]

    def test_sign_in_choose_pick_and_pay(
        self, window: TillWindow, till: FakeTill, fingers: QPointingDevice
    ) -> None:
        touch(window, "sign_in_lina", fingers)
        for digit in "4711":
            touch(window, f"pin_key_{digit}", fingers)
        touch(window, "sign_in_submit", fingers)
        touch(window, "performance_1", fingers)
        settle(window)
        seat_map, unit = window.sell_view.map, till.unit("stalls-centre", "7", "8")
        finger_at(window, seat_map.mapTo(window, seat_map.centre_of(unit)), fingers)
        assert window.sell.state.selected == {unit}
        touch(window, "pay_cash", fingers)
        assert till.sold_baskets[0].units == (unit,)


class TestAnotherLanguage:
    def test_in_the_middle_of_a_basket_changes_words_and_nothing_else(
        self, window: TillWindow, till: FakeTill
    ) -> None:
        at_sale(window)
        click(window, "best_together")
        before = window.sell.state
        total = text_of(window, "total")
        click(window, "language")
        assert window.sell.state == before
        assert text_of(window, "total") == total
        assert text_of(window, "line_0_type").startswith("成人")
        click(window, "line_1_type")
        click(window, "ticket_type_child")
        click(window, "language")
        assert language.language() == "en"
        assert text_of(window, "line_1_type").startswith("Child")
        click(window, "quick_cash_0")
        click(window, "language")
        assert is_shown(window, "change_panel")
        kinds = [line.ticket_type_id for line in till.sold_baskets[0].lines]
        assert kinds == ["adult", "child"]


@pytest.fixture(scope="session")
def fingers() -> QPointingDevice:
    """A touch screen."""
    return QTest.createTouchDevice(QInputDevice.DeviceType.TouchScreen)


def touch(window: TillWindow, name: str, device: QPointingDevice) -> None:
    """Put a finger on a widget and lift it."""
    target = find(window, name)
    assert target.isVisible(), f"{name} is not in view"
    finger_at(window, target.mapTo(window, target.rect().center()), device)


def finger_at(window: TillWindow, at: QPoint, device: QPointingDevice) -> None:
    """The same at a point: the system gives touches to the window, and Qt to what lies there."""
    handle = window.windowHandle()
    QTest.touchEvent(handle, device).press(0, at, handle).commit()
    turn_loop()
    QTest.touchEvent(handle, device).release(0, at, handle).commit()
    turn_loop()

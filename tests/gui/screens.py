"""Pictures of the till for the documentation: `python -m tests.gui.screens [FOLDER]`.

Every picture is the real window over the in-memory till, drawn offscreen at a fixed time, and
reduced to 256 colours. `--full` leaves the colours alone, for looking closely.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from pos_app.services.model import LateLeft, LockReason, News, NewsKind, SaleRefusal, UnitState
from pos_app.services.queue import Case, Waits
from pos_app.ui.app import prepare
from pos_app.ui.window import TillWindow
from tests.fakes.till import CASHIER, MANAGER, NOW, PIN, SUPERVISOR, FakeTill, stocked_till
from tests.gui.after_sale_scenes import AFTER_SALE_SCENES, take_at_desk
from tests.gui.basket_scenes import BASKET_SCENES
from tests.gui.device_scenes import DEVICE_SCENES
from tests.gui.robot import click, find, open_window, settle
from tests.gui.shift_scenes import SHIFT_SCENES
from tests.gui.slot_scenes import PARK_SCENES, park_till
from tests.gui.start_scenes import START_SCENES, take_start
from tests.gui.tender_scenes import TENDER_SCENES

FOLDER = Path(__file__).parents[2] / "docs" / "screens"
LARGE, SMALL = (1920, 1080), (1366, 768)
LOOKS = (("zh_CN", "light"), ("en", "dark"))
Scene = Callable[[TillWindow, FakeTill], None]


def pin(window: TillWindow, _till: FakeTill) -> None:
    """Somebody has typed their PIN."""
    click(window, f"sign_in_{CASHIER.id}")
    QTest.keyClicks(window.sign_in_view, PIN)


def picker(window: TillWindow, till: FakeTill) -> None:
    """Signed in, nothing chosen yet."""
    pin(window, till)
    QTest.keyClick(window.sign_in_view, Qt.Key.Key_Return)


def with_receipt_printer(till: FakeTill) -> None:
    """A printer that tells how its paper is."""
    till.devices.with_printer()
    till.tell(News(NewsKind.DEVICES))


def sell(window: TillWindow, till: FakeTill) -> None:
    """Three seats and a standing place in the basket."""
    if till.paper:
        with_receipt_printer(till)
    picker(window, till)
    click(window, "performance_1")
    click(window, "tier_a")
    click(window, "quantity_plus")
    click(window, "best_together")
    click(window, "tier_a")
    basket = window.sell.state.basket
    assert basket is not None
    window.sell.change_type(1, basket.lines[2].unit, "child")
    window.sell_view.map.setFocus()


def offline(window: TillWindow, till: FakeTill) -> None:
    """The cable has been out for three minutes."""
    sell(window, till)
    till.go_offline(NOW - timedelta(minutes=3), unsynced_count=12)


def queue(window: TillWindow, till: FakeTill) -> None:
    """What waits for the server, and an older sale that a manager looks at."""
    till.cases = (Case(Waits.SALES, NOW - timedelta(hours=20), "A-0988", "unit_sold"),)
    till.last_error = "no answer from the server (ConnectTimeout)"
    offline(window, till)
    click(window, "sync_pill")


def refused(window: TillWindow, till: FakeTill) -> None:
    """A tap on a seat that another window holds."""
    sell(window, till)
    row_six = till.unit("stalls-centre", "6", "1")
    lent = (unit for unit, state in till.states[1].items() if state is UnitState.LENT)
    window.sell.tap_unit(next(unit for unit in lent if unit >= row_six))


def change(window: TillWindow, till: FakeTill) -> None:
    """Paid with the next round amount."""
    sell(window, till)
    click(window, "quick_cash_1")


def unprinted(window: TillWindow, till: FakeTill) -> None:
    """The printer ran out of paper at the last sale."""
    till.paper = False
    sell(window, till)
    click(window, "quick_cash_1")
    window.sell.dismiss()
    click(window, "best_together")


def cash(window: TillWindow, till: FakeTill) -> None:
    """Notes tapped as the buyer lays them down: fourteen hundreds, a fifty and a five."""
    sell(window, till)
    click(window, "pay_more")
    for note_minor, pieces in ((100_00, 14), (50_00, 1), (5_00, 1)):
        for _tap in range(pieces):
            click(window, f"note_{note_minor}")
    window.sell_view.cart.pay_panel.setFocus()


def locked(window: TillWindow, till: FakeTill) -> None:
    """The folder was set back: its witness knows more."""
    sell(window, till)
    till.lock_up(LockReason.WITNESS_AHEAD)


def outlived(window: TillWindow, till: FakeTill) -> None:
    """Seats whose term is over were to be paid, a day after the network went."""
    sell(window, till)
    till.go_offline(NOW - timedelta(hours=24), unsynced_count=12)
    basket = window.sell.state.basket
    assert basket is not None
    till.sale_refusal = SaleRefusal.TERM_OVER
    till.refused_units = tuple(line.unit for line in basket.lines[:2])
    till.outlive()
    click(window, "quick_cash_1")


def late(window: TillWindow, till: FakeTill) -> None:
    """Five hours after the network went: a second person lets this sale be."""
    till.staff = (CASHIER, SUPERVISOR, MANAGER)
    sell(window, till)
    till.go_offline(NOW - timedelta(hours=5), unsynced_count=12)
    till.outlive_softly(LateLeft(NOW + timedelta(hours=18, minutes=45), 38, 1_230_000))
    click(window, "quick_cash_1")
    QTest.keyClicks(find(window, "late_page"), "47")


def package(window: TillWindow, till: FakeTill) -> None:
    """A family was found in the basket, and a fifth seat has something taken off."""
    till.staff = (CASHIER, SUPERVISOR, MANAGER)
    picker(window, till)
    click(window, "performance_1")
    click(window, "tier_a")
    for _seat in range(3):
        click(window, "quantity_plus")
    click(window, "best_together")
    click(window, "tier_a")
    basket = window.sell.state.basket
    assert basket is not None
    for line in basket.lines[2:4]:
        window.sell.change_type(1, line.unit, "child")
    give(window, 4, "poor-view", "15")


def give(window: TillWindow, at: int, reason: str, percent: str) -> None:
    """Take so many percent off a line."""
    click(window, f"line_{at}_type")
    click(window, "give_by_hand")
    click(window, f"give_{reason}")
    QTest.keyClicks(window.sell_view.cart.give, percent)
    click(window, "give_do")


def giving(window: TillWindow, till: FakeTill) -> None:
    """More is typed than the cashier may give alone."""
    package(window, till)
    click(window, "line_0_type")
    click(window, "give_by_hand")
    click(window, "give_goodwill")
    QTest.keyClicks(window.sell_view.cart.give, "20")


def approval(window: TillWindow, till: FakeTill) -> None:
    """A second person is asked for their PIN."""
    giving(window, till)
    click(window, "give_do")
    QTest.keyClicks(window.sell_view.cart.give, "47")


SCENES: dict[str, Scene] = {
    "sign_in": pin,
    "picker": picker,
    "sell": sell,
    "offline": offline,
    "queue": queue,
    "refused": refused,
    "change": change,
    "unprinted": unprinted,
    "cash": cash,
    "locked": locked,
    "outlived": outlived,
    "late": late,
    "package": package,
    "giving": giving,
    "approval": approval,
    **SHIFT_SCENES,
    **DEVICE_SCENES,
    **BASKET_SCENES,
    **TENDER_SCENES,
    **PARK_SCENES,
}


def take(scene: Scene, size: tuple[int, int], language: str, theme: str) -> QImage:
    """One screen as a picture."""
    prepare(language, theme)
    till = park_till() if scene in PARK_SCENES.values() else stocked_till()
    window = open_window(till, size)
    scene(window, till)
    settle(window)
    image = window.grab().toImage()
    window.close()
    window.deleteLater()
    QApplication.processEvents()
    return image


def in_few_colours(image: QImage) -> QImage:
    """The picture in its 256 commonest colours, each other one as the nearest of them."""
    pixels = image.convertToFormat(QImage.Format.Format_RGB32)
    table = [
        colour
        for colour, _times in Counter(memoryview(pixels.constBits()).cast("I")).most_common(256)
    ]
    return pixels.convertToFormat(
        QImage.Format.Format_Indexed8, table, Qt.ImageConversionFlag.ThresholdDither
    )


def variants(name: str, *, everything: bool) -> list[tuple[tuple[int, int], str, str]]:
    """Sizes and looks of a scene: the sell screen in all, the others once large and once small."""
    looks = [(size, *look) for size in (LARGE, SMALL) for look in LOOKS]
    return looks if everything or name in ("sell", "offline") else [looks[0], looks[3]]


def main(argv: list[str]) -> int:
    """Take the pictures."""
    parser = argparse.ArgumentParser(prog="python -m tests.gui.screens", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER)
    parser.add_argument("--full", action="store_true", help="all colours")
    names = (*SCENES, *AFTER_SALE_SCENES, *START_SCENES)
    parser.add_argument("--only", choices=names, action="append", help="these scenes")
    options = parser.parse_args(argv)
    options.folder.mkdir(parents=True, exist_ok=True)
    for name in options.only or names:
        for size, language, theme in variants(name, everything=options.full):
            if name in SCENES:
                image = take(SCENES[name], size, language, theme)
            elif name in START_SCENES:
                image = take_start(START_SCENES[name], size, language, theme)
            else:
                image = take_at_desk(AFTER_SALE_SCENES[name], size, language, theme)
            if not options.full:
                image = in_few_colours(image)
            tail = "" if size == LARGE else "_small"
            file = options.folder / f"{name}_{language[:2]}_{theme}{tail}.png"
            image.save(str(file), quality=-1 if options.full else 0)  # 0: the smallest file
            sys.stdout.write(f"{file.name} {file.stat().st_size // 1024} KB\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Shifts of a window on real files: recorded first, blind until counted, kept through every end."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest
from pypdf import PdfReader

from edge.journal import open_shift
from edge.sync import SyncEngine
from pos_app.services.basket import Basket
from pos_app.services.drawer import CommandDrawer, Drawer, DrawerError, DrawerLine
from pos_app.services.model import (
    PrintOutcome,
    SaleRefusal,
    SaleRefused,
    SignInRefusal,
)
from pos_app.services.parking_model import Parked
from pos_app.services.shift_model import (
    Approval,
    CountAgain,
    Done,
    NeedsApproval,
    OpenShift,
    ShiftRefusal,
    ShiftRefused,
    XReport,
    ZReport,
)
from pos_app.services.shifts import closed_shift, closed_shifts, opening, report
from pos_app.services.tender_model import LegRecorded
from pos_app.services.window import Window
from tests.fakes.hall import EVENT_ID, ROW
from tests.integration.pos_app.window_stage import CASHIER, PIN, VERIFIER, Stage
from ticketing.journal import OpKind
from ticketing.operations import (
    CASH,
    CashAction,
    HandLeg,
    cash_count,
    decode_sale,
    decode_shift_closed,
)

MANAGER = "chen"
FLOAT = cash_count([(100_00, 3), (10_00, 5)])  # 350
NOTHING = cash_count([])


def counted(minor: int) -> tuple[tuple[int, int], ...]:
    """Any sum as a count."""
    return cash_count([(1, minor)])


@pytest.fixture
def shop(stage: Stage) -> Stage:
    """Signed in, no shift open, a manager in the house."""
    stage.feed.person(MANAGER, VERIFIER, role="manager")
    stage.sign_in(float_count=None)
    assert stage.window.shifts.current() is None
    return stage


def another_window(shop: Stage, drawer: Drawer | None = None) -> Window:
    """The program once more, with other devices; signed in."""
    engine = cast("SyncEngine", shop.engine)
    window = shop.window_with(shop.desk, engine, drawer)
    window.sign_in(CASHIER, PIN)
    return window


def open_with(shop: Stage, minor: int) -> None:
    assert isinstance(shop.window.shifts.open(counted(minor)), OpenShift)


def test_without_an_open_shift_no_cash_is_taken(shop: Stage) -> None:
    shop.lend(ROW)
    basket = shop.basket(ROW[:1])
    refused = shop.window.pay_cash(basket, basket.total_minor)
    assert refused == SaleRefused(SaleRefusal.NO_SHIFT)
    assert shop.ops(OpKind.SALE) == []
    opened = shop.window.shifts.open(FLOAT)
    assert isinstance(opened, OpenShift)
    shop.sell(ROW[:1])
    (sale,) = [decode_sale(op.body) for op in shop.ops(OpKind.SALE)]
    assert sale is not None
    assert sale.shift == opened.id


def test_a_shift_outlives_the_program(shop: Stage) -> None:
    opened = shop.window.shifts.open(FLOAT)
    shop.restart()
    assert shop.window.shifts.current() == opened
    shop.window.sign_in(CASHIER, PIN)
    assert shop.window.shifts.open(FLOAT) == ShiftRefused(ShiftRefusal.ALREADY_OPEN)


def test_nobody_signed_in_moves_nothing(shop: Stage) -> None:
    shop.window.sign_out()
    assert shop.window.shifts.open(FLOAT) == ShiftRefused(ShiftRefusal.NOT_SIGNED_IN)
    shop.window.sign_in(CASHIER, PIN)
    shifts = shop.window.shifts
    assert shifts.open_drawer("change") == ShiftRefused(ShiftRefusal.NO_SHIFT)
    open_with(shop, 100_00)
    moved = shifts.move_cash(CashAction.PAY_IN, 0, "change")
    assert moved == ShiftRefused(ShiftRefusal.NOTHING_TO_MOVE)


def test_an_exact_count_closes_at_once_and_the_z_owns_its_orders(shop: Stage) -> None:
    open_with(shop, 350_00)
    shifts = shop.window.shifts
    shop.lend(ROW)
    sold = shop.sell(ROW[:2])
    assert shifts.move_cash(CashAction.PAY_IN, 20_00, "change") == Done()
    assert shifts.move_cash(CashAction.PAY_OUT, 5_50, "flowers") == Done()
    assert shifts.move_cash(CashAction.SAFE_DROP, 300_00, "too_much") == Done()
    assert shifts.open_drawer("check") == Done()
    expected = 350_00 + sold.total_minor + 20_00 - 5_50 - 300_00
    z = shifts.close(counted(expected))
    assert isinstance(z, ZReport)
    report = z.closed.report
    assert (z.number, z.closed.difference_minor) == (1, 0)
    assert (report.expected_minor, report.counts.sales, report.counts.drawer) == (expected, 1, 1)
    assert (report.first_receipt, report.last_receipt) == (sold.receipt_no, sold.receipt_no)
    assert report.unsynced_receipts == (sold.receipt_no,)
    assert shifts.current() is None
    assert shop.window.shifts.closed()[0] == z


def test_the_shift_s_sales_before_it_are_not_its_own(shop: Stage) -> None:
    shop.lend(ROW)
    open_with(shop, 0)
    first = shop.sell(ROW[:1])
    assert isinstance(shop.window.shifts.close(counted(first.total_minor)), ZReport)
    open_with(shop, first.total_minor)
    second = shop.sell(ROW[1:2])
    z = shop.window.shifts.close(counted(first.total_minor + second.total_minor))
    assert isinstance(z, ZReport)
    assert z.closed.report.cash_taken_minor == second.total_minor
    assert z.closed.report.first_receipt == second.receipt_no


def test_a_difference_wants_a_second_count_and_then_a_manager(shop: Stage) -> None:
    open_with(shop, 100_00)
    shifts = shop.window.shifts
    assert shifts.close(counted(89_00)) == CountAgain()
    shop.restart()  # pulling the plug gives nobody another first count
    shop.window.sign_in(CASHIER, PIN)
    shifts = shop.window.shifts
    current = shifts.current()
    assert current is not None
    assert current.counts_kept == 1
    assert shifts.pending() is None
    wanted = shifts.close(counted(88_00))
    assert wanted == NeedsApproval(88_00, -12_00) == shifts.pending()
    wrong = shifts.approve(Approval(MANAGER, "000000", "not_found"))
    assert isinstance(wrong, ShiftRefused)
    assert wrong.sign_in is not None
    assert wrong.sign_in.reason is SignInRefusal.WRONG_PIN
    own = shifts.approve(Approval(CASHIER, PIN, "not_found"))
    assert own == ShiftRefused(ShiftRefusal.NOT_A_MANAGER)
    z = shifts.approve(Approval(MANAGER, PIN, "not_found"))
    assert isinstance(z, ZReport)
    closed = z.closed
    assert (closed.difference_minor, closed.approver, closed.reason) == (
        -12_00,
        MANAGER,
        "not_found",
    )
    assert [sum(d * n for d, n in count) for count in closed.counts] == [89_00, 88_00]
    (body,) = [op.body for op in shop.ops(OpKind.SHIFT_CLOSED)]
    assert decode_shift_closed(body) == closed


def test_where_agents_work_one_of_them_takes_a_difference(shop: Stage) -> None:
    """No manager's PIN comes to an agency's window; the centre makes a case of it all the same."""
    shop.feed.person("agent", VERIFIER, role="agent")
    open_with(shop, 100_00)
    shifts = shop.window.shifts
    assert shifts.close(counted(89_00)) == CountAgain()
    assert shifts.close(counted(89_00)) == NeedsApproval(89_00, -11_00)
    assert "agent" in {each.id for each in shifts.approvers()}
    z = shifts.approve(Approval("agent", PIN, "not_found"))
    assert isinstance(z, ZReport)
    assert z.closed.approver == "agent"


def test_a_second_count_that_agrees_needs_no_manager(shop: Stage) -> None:
    open_with(shop, 100_00)
    assert shop.window.shifts.close(counted(50_00)) == CountAgain()
    z = shop.window.shifts.close(counted(100_00))
    assert isinstance(z, ZReport)
    assert (z.closed.difference_minor, len(z.closed.counts)) == (0, 2)


def test_cash_that_moves_after_the_count_has_it_counted_again(shop: Stage) -> None:
    open_with(shop, 100_00)
    shifts = shop.window.shifts
    shifts.close(counted(0))
    shifts.close(counted(0))
    shifts.move_cash(CashAction.PAY_IN, 1_00, "change")
    assert shifts.pending() is None
    refused = shifts.approve(Approval(MANAGER, PIN, "other"))
    assert refused == ShiftRefused(ShiftRefusal.NOT_COUNTED)
    assert isinstance(shifts.close(counted(101_00)), ZReport)


def test_many_counts_are_kept_as_far_as_there_is_room(shop: Stage) -> None:
    open_with(shop, 100_00)
    for at in range(12):
        shop.window.shifts.close(counted(at))
    z = shop.window.shifts.close(counted(100_00))
    assert isinstance(z, ZReport)
    assert len(z.closed.counts) == 8


def test_parked_orders_block_the_closing(shop: Stage) -> None:
    open_with(shop, 0)
    shop.lend(ROW)
    parked = [shop.window.parking.park(shop.basket([unit])) for unit in ROW[:2]]
    refused = shop.window.shifts.close(NOTHING)
    assert refused == ShiftRefused(ShiftRefusal.PARKED_ORDERS, count=2)
    assert shop.window.shifts.current() is not None
    for each in parked:
        assert isinstance(each, Parked)
        shop.window.parking.give_back(each.number)
    assert isinstance(shop.window.shifts.close(NOTHING), ZReport)


def test_half_a_payment_blocks_the_closing_until_it_is_taken_back(shop: Stage) -> None:
    open_with(shop, 0)
    part = shop.window.tenders.record(EVENT_ID, "", "CNY", HandLeg(CASH, 5_000))
    assert isinstance(part, LegRecorded)
    assert shop.window.shifts.close(NOTHING) == ShiftRefused(ShiftRefusal.OPEN_PARTS, count=1)
    assert shop.window.shifts.current() is not None
    shop.window.tenders.take_back([part.leg.id])
    assert isinstance(shop.window.shifts.close(NOTHING), ZReport)


def test_only_a_manager_sees_the_figures_before_they_are_counted(shop: Stage) -> None:
    open_with(shop, 100_00)
    assert shop.window.shifts.x_report() == ShiftRefused(ShiftRefusal.NOT_A_MANAGER)
    shop.window.sign_in(MANAGER, PIN)
    looks = [shop.window.shifts.x_report() for _look in range(2)]
    reports = [x for x in looks if isinstance(x, XReport)]
    assert [x.number for x in reports] == [1, 2]
    assert [x.report.expected_minor for x in reports] == [100_00, 100_00]
    assert shop.window.shifts.print_x(reports[0]).outcome is PrintOutcome.PRINTED


def test_a_z_is_printed_again_from_the_journal_with_the_same_figures(shop: Stage) -> None:
    open_with(shop, 123_40)
    z = shop.window.shifts.close(counted(123_40))
    assert isinstance(z, ZReport)
    first = shop.window.shifts.print_z(z.number, copy=False)
    shop.restart()
    again = shop.window.shifts.print_z(z.number, copy=False)
    copy = shop.window.shifts.print_z(z.number, copy=True)
    assert Path(first.path).read_bytes() == Path(again.path).read_bytes()
    page = PdfReader(copy.path).pages[0]
    assert "¥123.40" in page.extract_text()
    assert "Copy" in page.extract_text()
    assert round(float(page.mediabox.width) / 72 * 25.4) == 80
    with pytest.raises(LookupError):
        shop.window.shifts.print_z(99, copy=True)


# --- the drawer


@dataclass
class WatchedDrawer:
    """Asks, at each kick, what the journal has by then."""

    shop: Stage
    seen: list[str] = field(default_factory=list)
    kicked: threading.Event = field(default_factory=threading.Event)

    def kick(self) -> None:
        with self.shop.replica.reading() as connection:
            row = connection.execute("SELECT kind FROM op ORDER BY rowid DESC LIMIT 1").fetchone()
        self.seen.append(row["kind"])
        self.kicked.set()


@pytest.mark.parametrize(
    ("act", "kind"),
    [
        pytest.param(
            lambda window, _basket: window.shifts.move_cash(CashAction.PAY_IN, 1_00, "other"),
            "cash_moved",
            id="a movement",
        ),
        pytest.param(
            lambda window, _basket: window.shifts.open_drawer("check"),
            "drawer_opened",
            id="without a sale",
        ),
        pytest.param(
            lambda window, basket: window.pay_cash(basket, basket.total_minor), "sale", id="a sale"
        ),
    ],
)
def test_the_drawer_opens_after_it_is_recorded(
    shop: Stage, act: Callable[[Window, Basket], object], kind: str
) -> None:
    drawer = WatchedDrawer(shop)
    window = another_window(shop, drawer)
    window.shifts.open(FLOAT)
    shop.lend(ROW)
    act(window, shop.basket_of(window, ROW[:1]))
    assert drawer.kicked.wait(10)
    assert drawer.seen == [kind]


def test_a_drawer_s_command_that_fails_is_told_apart_from_one_that_works(tmp_path: Path) -> None:
    CommandDrawer(("true",), 5).kick()
    for argv in (("false",), (str(tmp_path / "missing"),)):
        with pytest.raises(DrawerError):
            CommandDrawer(argv, 5).kick()
    line = DrawerLine(CommandDrawer(("false",), 5))
    line.kick()
    line.close()
    assert not DrawerLine(None).is_there


def test_killed_between_the_record_and_the_kick_the_drop_stands(shop: Stage) -> None:
    open_with(shop, 100_00)
    shop.close()
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.integration.pos_app.doomed_drawer",
            str(shop.folder),
            "4000",
        ],
        cwd=Path(__file__).parents[3],
        timeout=60,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    assert not (shop.folder / "kicked").exists(), "what is not recorded opens nothing"
    shop.start_again()
    with shop.replica.reading() as connection:
        assert open_shift(connection)
    shop.window.sign_in(CASHIER, PIN)
    z = shop.window.shifts.close(counted(60_00))
    assert isinstance(z, ZReport)
    assert z.closed.report.movements.safe_drop_minor == 40_00


class _Explained:
    """A connection that asks how each statement would be read before it is run."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.plans: list[str] = []

    def execute(self, sql: str, given: tuple[object, ...] = ()) -> sqlite3.Cursor:
        plan = self._connection.execute(f"EXPLAIN QUERY PLAN {sql}", given).fetchall()
        self.plans += [str(row[3]) for row in plan]
        return self._connection.execute(sql, given)


def test_the_open_shift_is_found_without_reading_the_whole_journal(shop: Stage) -> None:
    """Every sale asks for it: read from end to end, a season's journal made it ten times slower."""
    open_with(shop, 350_00)
    with shop.replica.reading() as connection:
        explained = _Explained(connection)
        assert opening(cast(sqlite3.Connection, explained)) is not None
        report(cast(sqlite3.Connection, explained), 0)
    assert not [plan for plan in explained.plans if plan.startswith("SCAN op")]


def test_z_reports_are_found_without_reading_the_whole_journal(shop: Stage) -> None:
    for _shift in range(3):
        open_with(shop, 0)
        assert isinstance(shop.window.shifts.close(NOTHING), ZReport)
    with shop.replica.reading() as connection:
        explained = _Explained(connection)
        found = closed_shifts(cast(sqlite3.Connection, explained))
        assert [closed.z_number for closed, _ms in found] == [3, 2, 1]
        assert closed_shift(cast(sqlite3.Connection, explained), 2) is not None
    scans = [plan for plan in explained.plans if plan.startswith(("SCAN op", "SEARCH op"))]
    assert len(scans) == 2
    assert all("op_closing" in plan for plan in scans)

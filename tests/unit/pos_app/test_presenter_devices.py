"""The device page's mind: what is told, tried and decided, without Qt."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hardware.escpos import Fault
from pos_app.presenters import device_words, language
from pos_app.presenters.devices import DevicesPresenter
from pos_app.services.device_model import (
    DevicesNow,
    DrawerKind,
    PaperJob,
    PaperKind,
    PrinterNow,
    ScannerNow,
    Trial,
)
from pos_app.services.model import News, NewsKind, PrintOutcome, UnprintedOrder
from tests.fakes.devices import A_PRINTER
from tests.fakes.runner import HeldRunner, run_now
from tests.fakes.till import CASHIER, NOW, FakeTill
from ticketing.paper_template import TicketPaper

DOUBT = PaperJob("order-1-1", "A-1042 (1)", True, True, (), NOW)
WAITING = PaperJob("receipt-1", "Receipt A-1042", False, False, ("paper_out",), NOW)


@pytest.fixture
def till() -> FakeTill:
    made = FakeTill()
    made.signed_in = CASHIER
    made.devices.with_printer()
    return made


@pytest.fixture
def presenter(till: FakeTill) -> DevicesPresenter:
    made = DevicesPresenter(till, run_now, run_now)
    made.load()
    return made


def faults(presenter: DevicesPresenter) -> list[str]:
    assert presenter.state.now is not None
    return list(presenter.state.now.printer.faults)


def jobs(presenter: DevicesPresenter) -> list[PaperJob]:
    assert presenter.state.now is not None
    return list(presenter.state.now.jobs)


def test_news_of_devices_are_read_at_once(till: FakeTill, presenter: DevicesPresenter) -> None:
    till.devices.with_printer("paper_out")
    presenter.on_news(News(NewsKind.STATUS))
    assert faults(presenter) == []
    presenter.on_news(News(NewsKind.DEVICES))
    assert faults(presenter) == ["paper_out"]


def test_one_trial_at_a_time_and_what_became_of_it(till: FakeTill) -> None:
    printing = HeldRunner()
    presenter = DevicesPresenter(till, run_now, printing)
    presenter.try_out(Trial.TICKET)
    presenter.try_out(Trial.RECEIPT)
    assert presenter.state.trying is Trial.TICKET
    printing.release()
    assert till.devices.tried == [Trial.TICKET]
    assert presenter.state.tried is not None
    assert presenter.state.tried.outcome is PrintOutcome.PRINTED
    assert presenter.state.trying is None


def test_a_doubt_is_ended_once_and_a_second_word_comes_too_late(
    till: FakeTill, presenter: DevicesPresenter
) -> None:
    till.devices.state = replace(till.devices.state, jobs=(DOUBT, WAITING))
    presenter.load()
    assert jobs(presenter) == [DOUBT, WAITING]
    presenter.print_again(DOUBT.id)
    late = [presenter.state.is_late]
    assert jobs(presenter) == [WAITING]
    presenter.settle(DOUBT.id, on_paper=True)
    assert [*late, presenter.state.is_late] == [False, True]
    presenter.withdraw(WAITING.id)
    assert jobs(presenter) == []
    assert (till.devices.printed_again, till.devices.withdrawn) == ([DOUBT.id], [WAITING.id])


def test_the_drawer_opens_by_the_shift_and_not_without_one(
    till: FakeTill, presenter: DevicesPresenter
) -> None:
    presenter.open_drawer()
    assert presenter.state.is_drawer_kicked
    till.shifts.opened = None
    presenter.open_drawer()
    assert presenter.state.drawer_refused is not None
    assert not presenter.state.is_drawer_kicked


def test_receipts_are_chosen_and_shown(presenter: DevicesPresenter) -> None:
    presenter.choose_receipts(automatic=True)
    assert presenter.state.now is not None
    assert presenter.state.now.receipts


def test_the_preview_begins_with_the_paper_of_the_printer(
    till: FakeTill, presenter: DevicesPresenter
) -> None:
    till.devices.pictures = (b"png",)
    till.devices.state = replace(till.devices.state, printer=replace(A_PRINTER, paper_mm=58))
    presenter.load()
    presenter.open()
    assert presenter.state.preview is TicketPaper.SLIP_58
    assert presenter.state.pictures == (b"png",)


def test_a_fault_of_ours_is_told_and_the_page_stays(till: FakeTill) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError

    presenter = DevicesPresenter(till, run_now, run_now)
    till.devices.try_out = broken  # type: ignore[method-assign, assignment]
    presenter.try_out(Trial.TICKET)
    assert presenter.state.failed
    assert presenter.state.trying is None


@pytest.mark.parametrize("spoken", language.LANGUAGES)
def test_every_fault_of_a_printer_has_words_and_something_to_do(spoken: str) -> None:
    language.set_language(spoken)
    try:
        assert {each.value for each in Fault} == device_words.FAULTS
        for fault in Fault:
            assert device_words.fault_words(fault.value)
            assert device_words.fault_help(fault.value)
            assert device_words.chip(_with(fault.value), short=True)[0]
        said = {device_words.fault_words(each.value) for each in Fault}
        assert len(said) == len(Fault)
    finally:
        language.set_language("en")


def test_the_chip_tells_the_worst_and_hides_where_nothing_is_known() -> None:
    assert device_words.chip(None) == ("", "")
    assert device_words.chip(DevicesNow(PrinterNow(PaperKind.FOLDER, "x"))) == ("", "")
    assert device_words.chip(_with()) == ("Paper OK", "ok")
    assert device_words.chip(_with("paper_near_end")) == ("Paper low", "warn")
    assert device_words.chip(_with("paper_near_end", "cover_open")) == ("Cover open", "danger")
    doubted = replace(_with("paper_near_end"), jobs=(DOUBT,))
    assert device_words.chip(doubted) == ("Look at the paper · 1", "danger")


def test_a_scanned_code_is_never_shown_whole() -> None:
    code = "BXG1" + "A7K2M9QZ" * 14
    assert code not in device_words.scanned_words(code, is_whole=True)
    assert "116" in device_words.scanned_words(code, is_whole=True)
    assert device_words.scanned_words("x", is_whole=False) == "Cut short: scan again"


@pytest.mark.parametrize("fault", ["", "gone", "busy", "refused"])
def test_every_state_of_a_scanner_has_words(fault: str) -> None:
    words, tone = device_words.scanner_words(ScannerNow("serial:x", True, fault))
    assert words
    assert tone == ("danger" if fault else "ok")


@pytest.mark.parametrize("kind", DrawerKind)
@pytest.mark.parametrize("is_open", [None, True, False])
def test_every_state_of_a_drawer_has_words(kind: DrawerKind, is_open: bool | None) -> None:
    assert device_words.drawer_words(DevicesNow(A_PRINTER, (), kind, is_open))[0]


def test_the_strip_asks_about_a_doubt_before_all_else() -> None:
    failed = UnprintedOrder("1", "A-1", 2, NOW)
    waiting = UnprintedOrder("2", "A-2", 1, NOW, PrintOutcome.WAITING, ("paper_out",), "order-2-1")
    doubted = UnprintedOrder("3", "A-3", 3, NOW, PrintOutcome.IN_DOUBT, (), "order-3-1")
    assert device_words.strip_words(()) == ""
    assert device_words.strip_words((failed,)) == "2 tickets sold, not printed"
    assert device_words.strip_words((failed, waiting)) == "3 tickets sold, not printed"
    assert "No paper" in device_words.strip_words((waiting,))
    assert "A-3" in device_words.strip_words((failed, waiting, doubted))


def _with(*faults: str) -> DevicesNow:
    return DevicesNow(replace(A_PRINTER, faults=faults))

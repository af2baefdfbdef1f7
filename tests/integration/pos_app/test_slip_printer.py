"""A window whose tickets come out of a receipt printer that breaks, hangs and runs out of paper."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from edge.sync import SyncEngine
from hardware.escpos import Spool, load_painter, make_printer
from hardware.escpos.interpreter import PrintedQr, PrinterModel
from hardware.escpos.simulator import PrinterSimulator
from pos_app.services.device_model import DrawerKind, Trial
from pos_app.services.devices import DeviceParts
from pos_app.services.drawer import DrawerError
from pos_app.services.drawer_printer import PrinterDrawer
from pos_app.services.model import NewsKind, PrintOutcome, Sold
from pos_app.services.slip_printer import SlipPrinter
from pos_app.services.window import Window
from tests.fakes.hall import ROW, SetEnv
from tests.fakes.till import sample_catalogue
from tests.integration.hardware.jobs import QUICK
from tests.integration.pos_app.window_stage import Stage
from tests.unit.ticketing.test_paper_template import TEMPLATE
from ticketing.catalogue import event_document
from ticketing.journal import OpKind
from ticketing.operations import decode_print
from ticketing.paper_template import TicketPaper


class SlipStage:
    """A till with a simulated printer; `restart` ends the program and starts it again."""

    def __init__(self, folder: Path, simulator: PrinterSimulator, *, receipts: bool) -> None:
        self.simulator, self._folder, self._receipts = simulator, folder, receipts
        self.tickets_as_pdf = False
        self.till = Stage(folder, SetEnv())
        self.till.sign_in()
        self.till.lend(ROW)
        self.begin()

    def begin(self) -> None:
        """The program starts."""
        till = self.till
        spool = Spool(self._folder / "spool" / "slips.db")
        printer = make_printer(f"{self.simulator.address}?profile=epson-80-chinese", timings=QUICK)
        self.slips = SlipPrinter(spool, printer, load_painter())
        desk = replace(till.desk, slips=self.slips, tickets_as_pdf=self.tickets_as_pdf)
        parts = DeviceParts(DrawerKind.PRINTER, receipts=self._receipts)
        self.window: Window = till.window_with(
            desk, cast("SyncEngine", till.engine), PrinterDrawer(self.slips), parts=parts
        )
        self.window.start()
        self.window.sign_in("li.na", "471147")

    def restart(self) -> None:
        self.end()
        self.begin()

    def end(self) -> None:
        """The program ends; what is under way is left behind."""
        self.window._devices.stop()
        self.window._drawer.close()

    def close(self) -> None:
        self.end()
        self.till.close()

    def sell(self, count: int = 2, at: int = 0) -> str:
        basket = self.till.basket_of(self.window, ROW[at : at + count])
        sold = self.window.pay_cash(basket, basket.total_minor + 5000)
        assert isinstance(sold, Sold), sold
        return sold.order_id

    def copies(self) -> list[int]:
        """The copies in the journal, as they were recorded."""
        found = [decode_print(op.body) for op in self.till.ops(OpKind.PRINT)]
        return [one.copy for one in found if one is not None]

    def codes(self) -> list[str]:
        """Every code that came out on paper, oldest first."""
        return [
            item.payload
            for sheet in self.simulator.paper
            for item in sheet.items
            if isinstance(item, PrintedQr)
        ]

    def words(self) -> str:
        return "\n".join(text for sheet in self.simulator.paper for text in sheet.texts)

    def until(self, condition: Callable[[], bool]) -> None:
        pause = threading.Event()
        for _ in range(800):
            if condition():
                return
            pause.wait(0.02)
        pytest.fail("this never came true")


@pytest.fixture
def printer() -> Iterator[PrinterSimulator]:
    with PrinterSimulator(PrinterModel()) as made:
        yield made


@pytest.fixture
def stage(tmp_path: Path, printer: PrinterSimulator) -> Iterator[SlipStage]:
    with closing(SlipStage(tmp_path, printer, receipts=False)) as made:
        yield made


def test_tickets_come_out_of_the_receipt_printer_and_are_counted(stage: SlipStage) -> None:
    order_id = stage.sell()
    result = stage.window.print_order(order_id)
    assert (result.outcome, result.ticket_count) == (PrintOutcome.PRINTED, 2)
    assert len(set(stage.codes())) == 2
    assert stage.simulator.model.cut_count == 2
    assert stage.copies() == [1]
    assert stage.window.unprinted() == ()


def test_a_reprint_says_that_it_is_a_copy_and_has_the_same_codes(stage: SlipStage) -> None:
    order_id = stage.sell()
    stage.window.print_order(order_id)
    assert "COPY" not in stage.words()
    stage.window.print_order(order_id)
    codes = stage.codes()
    assert codes[:2] == codes[2:]
    assert stage.words().count("COPY 1") == 2
    assert stage.copies() == [1, 2]


def test_without_paper_a_ticket_waits_and_comes_by_itself_once(stage: SlipStage) -> None:
    stage.simulator.change(lambda model: model.load_paper(0))
    order_id = stage.sell()
    result = stage.window.print_order(order_id)
    assert (result.outcome, result.faults) == (PrintOutcome.WAITING, ("paper_out",))
    (waiting,) = stage.window.unprinted()
    assert (waiting.paper, waiting.faults) == (PrintOutcome.WAITING, ("paper_out",))
    assert stage.window.print_order(order_id).outcome is PrintOutcome.WAITING
    stage.simulator.change(lambda model: model.load_paper())
    stage.until(lambda: stage.window.unprinted() == ())
    assert len(stage.codes()) == 2
    assert stage.copies() == [1]
    assert NewsKind.DEVICES in stage.till.heard_kinds()


def test_a_printer_that_dies_in_a_job_leaves_a_doubt_that_only_a_person_ends(
    stage: SlipStage,
) -> None:
    stage.simulator.dies_after_bytes = 900
    order_id = stage.sell()
    assert stage.window.print_order(order_id).outcome is PrintOutcome.IN_DOUBT
    stage.simulator.switch_on()
    assert [one.paper for one in stage.window.unprinted()] == [PrintOutcome.IN_DOUBT]
    before = len(stage.codes())
    assert stage.window.print_order(order_id).outcome is PrintOutcome.IN_DOUBT
    other = stage.sell(1, at=2)
    assert stage.window.print_order(other).outcome is PrintOutcome.PRINTED
    assert len(stage.codes()) == before + 1, "only the other order's ticket"
    (doubt,) = stage.window.devices.now().doubts
    assert stage.window.devices.print_again(doubt.id)
    stage.until(lambda: stage.copies() == [1, 1, 2])
    assert len(stage.codes()) == before + 3
    assert stage.words().count("COPY 1") == 2
    assert not stage.window.devices.print_again(doubt.id), "it is no doubt any more"
    assert stage.window.unprinted() == ()


@pytest.mark.parametrize("on_paper", [True, False])
def test_a_person_ends_a_doubt_without_paper(stage: SlipStage, on_paper: bool) -> None:
    stage.simulator.hangs_up_after_bytes = 900
    order_id = stage.sell()
    stage.window.print_order(order_id)
    (doubt,) = stage.window.devices.now().doubts
    assert stage.window.devices.settle(doubt.id, on_paper=on_paper)
    assert stage.copies() == ([1] if on_paper else [])
    assert bool(stage.window.unprinted()) is not on_paper
    assert stage.window.print_order(order_id).outcome is PrintOutcome.PRINTED
    assert stage.copies() == ([1, 2] if on_paper else [1])


def test_what_was_being_printed_when_the_program_died_is_in_doubt_and_not_repeated(
    stage: SlipStage,
) -> None:
    stage.simulator.change(lambda model: model.load_paper(400))
    order_id = stage.sell()
    assert stage.window.print_order(order_id).faults == ("paper_out",)
    assert [job.is_begun for job in stage.window.devices.now().jobs] == [True]
    stage.restart()
    assert [one.paper for one in stage.window.unprinted()] == [PrintOutcome.IN_DOUBT]
    assert stage.window.print_order(order_id).outcome is PrintOutcome.IN_DOUBT
    stage.simulator.change(lambda model: model.load_paper())
    other = stage.sell(1, at=2)
    assert stage.window.print_order(other).outcome is PrintOutcome.PRINTED
    assert len(stage.codes()) <= 3


def test_a_ticket_that_waits_survives_a_restart_and_is_counted(stage: SlipStage) -> None:
    stage.simulator.switch_off()
    order_id = stage.sell()
    result = stage.window.print_order(order_id)
    assert (result.outcome, result.faults) == (PrintOutcome.WAITING, ("unreachable",))
    stage.restart()
    stage.simulator.switch_on()
    stage.until(lambda: stage.copies() == [1])
    assert len(stage.codes()) == 2


def test_paper_that_came_out_just_before_the_program_died_is_counted_at_its_start(
    stage: SlipStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    order_id = stage.sell()
    with monkeypatch.context() as patched:
        patched.setattr("pos_app.services.printing._count_copy", lambda *_: "")
        stage.window.print_order(order_id)
        stage.end()
    assert stage.copies() == []
    stage.begin()
    assert stage.copies() == [1]
    assert len(stage.codes()) == 2


def test_a_report_and_a_slip_come_out_of_the_same_printer(stage: SlipStage) -> None:
    stage.window._person = replace(stage.window._person, role="manager")  # type: ignore[type-var]
    x = stage.window.shifts.x_report()
    printed = stage.window.shifts.print_x(x)  # type: ignore[arg-type]
    assert printed.outcome is PrintOutcome.PRINTED
    assert "X report" in stage.words()


def test_a_receipt_follows_the_first_tickets_where_it_shall(
    tmp_path: Path, printer: PrinterSimulator
) -> None:
    with closing(SlipStage(tmp_path, printer, receipts=True)) as stage:
        order_id = stage.sell()
        stage.window.print_order(order_id)
        assert stage.simulator.model.cut_count == 3
        for said in ("Receipt", "Total", "Cash", "Change", "50.00"):
            assert said in stage.words()
        stage.window.print_order(order_id)
        assert stage.simulator.model.cut_count == 5, "a copy of the tickets brings no receipt"
        stage.window.devices.choose_receipts(automatic=False)
        stage.restart()
        assert not stage.window.devices.now().receipts
        stage.window.print_order(stage.sell(1, at=2))
        assert stage.simulator.model.cut_count == 6


def test_beside_a_print_command_it_has_the_receipts_and_the_command_the_tickets(
    tmp_path: Path, printer: PrinterSimulator
) -> None:
    with closing(SlipStage(tmp_path, printer, receipts=True)) as stage:
        stage.end()
        stage.tickets_as_pdf = True
        stage.begin()
        order_id = stage.sell()
        result = stage.window.print_order(order_id)
        assert result.outcome is PrintOutcome.PRINTED
        assert result.path.endswith(".pdf")
        assert stage.window.unprinted() == ()
        stage.until(lambda: "Receipt" in stage.words())
        assert stage.codes() == [], "no ticket came out of it"
        assert stage.window.print_order(order_id).path.endswith("-copy2.pdf")
        assert stage.copies() == [1, 2]
        trial = stage.window.devices.try_out(Trial.TICKET)
        assert trial.path.endswith(".pdf")


def test_a_ticket_that_waits_in_it_is_not_printed_by_the_command_too(
    stage: SlipStage,
) -> None:
    stage.simulator.change(lambda model: model.load_paper(0))
    order_id = stage.sell()
    assert stage.window.print_order(order_id).outcome is PrintOutcome.WAITING
    stage.tickets_as_pdf = True
    stage.restart()
    assert stage.window.print_order(order_id).outcome is PrintOutcome.WAITING


def test_a_drawer_on_the_printer_opens_with_the_sale_and_not_later(stage: SlipStage) -> None:
    stage.sell(1)
    stage.until(lambda: len(stage.simulator.model.kicks) == 1)
    stage.simulator.switch_off()
    with pytest.raises(DrawerError, match="unreachable"):
        PrinterDrawer(stage.slips).kick()
    stage.simulator.switch_on()
    assert stage.window.print_order(stage.sell(1, at=1)).outcome is PrintOutcome.PRINTED
    assert len(stage.simulator.model.kicks) <= 2


def test_trials_come_out_and_open_no_gate(stage: SlipStage) -> None:
    for trial in Trial:
        assert stage.window.devices.try_out(trial).outcome is PrintOutcome.PRINTED
    (code,) = stage.codes()
    assert "TRIAL" in code
    assert "TRIAL" in stage.words()
    assert stage.copies() == []
    for paper in TicketPaper:
        (picture,) = stage.window.devices.picture(paper)
        assert picture.startswith(b"\x89PNG")


def test_an_events_template_is_on_its_tickets(stage: SlipStage) -> None:
    catalogue = sample_catalogue()
    event = replace(catalogue.events[0], papers=(TEMPLATE,))
    stage.till.feed.open_house(event_document(catalogue.venue, catalogue.plans[0], event))
    stage.window.print_order(stage.sell(1))
    assert "Latecomers wait for the interval" in stage.words()
    assert "Doors" not in stage.words()

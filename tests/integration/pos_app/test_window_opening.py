"""The till's program from its settings to its end: what is opened is closed, whatever happens."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from edge.errors import IdentityError, ReplicaDamaged
from edge.replica import Replica
from hardware.escpos.interpreter import PrinterModel
from hardware.escpos.simulator import PrinterSimulator
from pos_app.__main__ import main, run_window
from pos_app.opening import open_window
from pos_app.services.device_model import DrawerKind
from pos_app.services.model import PrintOutcome, Sold
from pos_app.services.printer import CommandPrinter
from pos_app.services.window import Window
from pos_app.settings import DrawerSettings, Language, PrinterSettings, TillSettings
from program.errors import ProgramError, SettingsError
from program.exit_codes import ExitCode
from tests.fakes.edge_node import enrolled_folder, wait_until
from tests.fakes.hall import FIRST, ROW, SetEnv
from tests.integration.pos_app.window_stage import CASHIER, PIN, Stage

NOBODY = "http://127.0.0.1:9"


@pytest.fixture
def settings(tmp_path: Path, env: SetEnv) -> TillSettings:
    """Of an enrolled till that knows the house and was lent a row."""
    stage = Stage(tmp_path, env)
    stage.lend(ROW)
    stage.close()
    printer = PrinterSettings(folder=tmp_path / "tickets", language=Language.ENGLISH)
    return TillSettings(server_url=NOBODY, data_dir=tmp_path / "till", printer=printer)


@pytest.fixture
def no_signals(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("pos_app.__main__.stop_event_on_signals", threading.Event)
    monkeypatch.setattr("pos_app.__main__._require_display", lambda: None)
    before = set(threading.enumerate())
    yield
    wait_until(lambda: set(threading.enumerate()) <= before)


def test_a_window_is_put_together_from_its_settings(
    settings: TillSettings, env: SetEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pos_app.opening.MachineEnv", lambda: env)
    window = open_window(settings)
    try:
        window.sign_in(CASHIER, PIN)
        window.shifts.open(())
        basket = Stage.basket_of(window, ROW[:1])
        sold = window.pay_cash(basket, basket.total_minor)
        assert isinstance(sold, Sold)
        printed = window.print_order(sold.order_id)
        assert printed.outcome is PrintOutcome.PRINTED
        assert Path(printed.path).parent == settings.printer.folder
        assert window.availability(FIRST).performance == FIRST
    finally:
        window.stop()


def test_a_print_command_goes_before_the_folder(settings: TillSettings) -> None:
    printer = replace(settings.printer, command=("true",))
    window = open_window(replace(settings, printer=printer))
    window.stop()
    assert isinstance(window._desk.printer, CommandPrinter)


def test_a_receipt_printer_takes_tickets_and_drawer(
    settings: TillSettings, env: SetEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pos_app.opening.MachineEnv", lambda: env)
    with PrinterSimulator(PrinterModel(width_dots=384, has_cutter=False)) as simulator:
        printer = replace(settings.printer, device=simulator.address, paper_mm=58, receipts=True)
        drawer = DrawerSettings(printer=True)
        window = open_window(replace(settings, printer=printer, drawer=drawer))
        try:
            window.start()
            window.sign_in(CASHIER, PIN)
            window.shifts.open(())
            basket = Stage.basket_of(window, ROW[:1])
            sold = window.pay_cash(basket, basket.total_minor)
            assert isinstance(sold, Sold)
            assert window.print_order(sold.order_id).outcome is PrintOutcome.PRINTED
            now = window.devices.now()
            assert (now.printer.paper_mm, now.drawer, now.receipts) == (
                58,
                DrawerKind.PRINTER,
                True,
            )
        finally:
            window.stop()
        assert len(simulator.model.kicks) >= 1
    assert not (settings.printer.folder).exists(), "no PDF beside the slip"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"printer": {"device": "fax:1"}}, "printer.device"),
        (
            {"printer": {"device": "file:/dev/null?drawer=0"}, "drawer": {"printer": True}},
            "no drawer",
        ),
        ({"scanner": {"devices": ("usb:1",)}}, "scanner.devices"),
    ],
)
def test_a_device_that_means_nothing_is_refused_and_leaves_nothing_open(
    settings: TillSettings, changes: dict[str, dict[str, object]], said: str
) -> None:
    changed = settings
    for name, values in changes.items():
        part = replace(getattr(settings, name), **values)
        changed = replace(changed, **{name: part})
    with pytest.raises(SettingsError, match=said):
        open_window(changed)
    Replica(settings.data_dir).close()


def test_a_folder_of_another_kind_of_node_is_refused(tmp_path: Path) -> None:
    enrolled_folder(tmp_path / "gate", "gate")
    with pytest.raises(IdentityError, match="belongs to a gate"):
        open_window(TillSettings(data_dir=tmp_path / "gate"))


@pytest.mark.usefixtures("no_signals")
def test_a_till_that_cannot_start_closes_its_files(
    settings: TillSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(_self: Window) -> None:
        raise ReplicaDamaged("journal.db is damaged")

    monkeypatch.setattr(Window, "start", damaged)
    with pytest.raises(ProgramError) as caught:
        run_window(settings)
    assert caught.value.exit_code == ExitCode.STORAGE
    Replica(settings.data_dir).close()


@pytest.mark.usefixtures("no_signals")
def test_a_screen_that_fails_closes_the_files_too(
    settings: TillSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> int:
        raise RuntimeError("no fonts at all")

    monkeypatch.setattr("pos_app.ui.app.run_till", broken)
    with pytest.raises(RuntimeError):
        run_window(settings)
    Replica(settings.data_dir).close()


@pytest.mark.usefixtures("no_signals")
def test_the_command_line_tells_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["run", "--data-dir", "nowhere"]) == ExitCode.REFUSED
    assert "not enrolled" in capsys.readouterr().err
    assert main(["enrol", "HELLO"]) == ExitCode.REFUSED
    assert "not an enrolment code" in capsys.readouterr().err

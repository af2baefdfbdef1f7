"""The printer's driver and the simulated printer, over real sockets, terminals and files."""

from __future__ import annotations

import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import zxingcpp

from hardware.address import parse_address
from hardware.errors import BadDeviceAddress, DeviceGone
from hardware.escpos import PROFILES, EscPosPrinter, Fault, Status, Timings, make_printer, render
from hardware.escpos.interpreter import Kick, PrinterModel
from hardware.escpos.line import make_line
from hardware.escpos.page import to_image, to_text
from hardware.escpos.painter import LinePainter, NoFont, load_painter
from hardware.escpos.profile import Answers, Cutter, DrawerLevel, TextMode
from hardware.escpos.simulator import PaperFolder, PrinterSimulator
from tests.integration.hardware.jobs import QUICK, payload, whole_count
from tests.integration.hardware.slips import CODE, receipt_en, receipt_zh

MARK = "a1B2"


@pytest.fixture(params=["network", "serial"])
def simulator(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[PrinterSimulator]:
    link = tmp_path / "printer" if request.param == "serial" else None
    with PrinterSimulator(PrinterModel(), link=link) as printer:
        yield printer


def _make(
    simulator: PrinterSimulator,
    options: str = "profile=epson-80-chinese",
    timings: Timings = QUICK,
) -> EscPosPrinter:
    joint = "&" if "?" in simulator.address else "?"
    return make_printer(f"{simulator.address}{joint}{options}", timings=timings)


@pytest.fixture
def printer(simulator: PrinterSimulator) -> Iterator[EscPosPrinter]:
    driver = _make(simulator)
    yield driver
    driver.close()


def _print(printer: EscPosPrinter, job: str = "a job") -> bool:
    printer.send(payload(job) + printer.confirmation_request(MARK))
    return printer.await_confirmation(MARK)


@pytest.mark.parametrize("profile", ["epson-80-chinese", "chinese-80"])
def test_a_job_is_printed_once_and_confirmed(simulator: PrinterSimulator, profile: str) -> None:
    printer = _make(simulator, f"profile={profile}")
    assert printer.status().faults == set()
    assert _print(printer)
    assert whole_count(simulator.paper, "a job") == 1
    printer.close()


@pytest.mark.parametrize(
    ("fault", "attribute"),
    [
        (Fault.COVER_OPEN, "is_cover_open"),
        (Fault.CUTTER, "is_cutter_jammed"),
        (Fault.OVERHEATED, "is_overheated"),
        (Fault.BROKEN, "is_broken"),
        (Fault.OFFLINE, "is_offline"),
        (Fault.PAPER_NEAR_END, "is_near_end"),
    ],
)
def test_each_fault_has_its_code(
    simulator: PrinterSimulator, printer: EscPosPrinter, fault: Fault, attribute: str
) -> None:
    simulator.change(lambda model: setattr(model, attribute, True))
    assert printer.status().faults == {fault}
    simulator.change(lambda model: setattr(model, attribute, False))
    assert printer.status().faults == set()


def test_no_paper_is_told_and_a_new_roll_mends_it(
    simulator: PrinterSimulator, printer: EscPosPrinter
) -> None:
    simulator.change(lambda model: model.load_paper(0))
    assert printer.status().faults == {Fault.PAPER_OUT}
    simulator.change(lambda model: model.load_paper())
    assert printer.status().can_print


def test_a_job_that_runs_out_of_paper_goes_on_with_the_new_roll(
    simulator: PrinterSimulator, printer: EscPosPrinter
) -> None:
    simulator.change(lambda model: model.load_paper(300))
    seen: list[frozenset[Fault]] = []

    def on_status(status: Status) -> None:
        if status.faults and not seen:
            seen.append(status.faults)
            simulator.change(lambda model: model.load_paper())

    printer.send(payload("a job") + printer.confirmation_request(MARK))
    assert printer.await_confirmation(MARK, on_status)
    assert seen == [{Fault.PAPER_OUT}]
    assert whole_count(simulator.paper, "a job") == 1


def test_a_printer_that_sends_its_status_by_itself_is_understood(
    simulator: PrinterSimulator, printer: EscPosPrinter
) -> None:
    printer.send(b"\x1da\xff")
    assert printer.status().faults == set()
    simulator.change(lambda model: setattr(model, "is_cover_open", True))
    assert printer.status().faults == {Fault.COVER_OPEN}
    simulator.change(lambda model: setattr(model, "is_cover_open", False))
    assert _print(printer)


def test_a_silent_printer_is_silent_and_one_that_babbles_is_unknown(
    simulator: PrinterSimulator,
) -> None:
    timings = Timings(answer_s=0.05)
    printer = _make(simulator, timings=timings)
    simulator.is_silent = True
    assert printer.status().faults == {Fault.SILENT}
    simulator.is_silent = False
    simulator.garbage = b"\xff\x99"
    assert printer.status().faults == {Fault.UNKNOWN}
    simulator.garbage = None
    assert printer.status().can_print
    printer.close()


def test_a_printer_that_does_not_know_the_question_is_not_believed(
    tmp_path: Path,
) -> None:
    model = PrinterModel(knows_process_id=False)
    with PrinterSimulator(model) as simulator:
        timings = Timings(answer_s=0.2, poll_s=0.02, confirm_s=0.2)
        printer = _make(simulator, timings=timings)
        assert not _print(printer)
        printer.close()
    assert tmp_path.exists()


def test_a_mark_of_another_job_does_not_confirm_this_one(
    simulator: PrinterSimulator,
) -> None:
    printer = _make(simulator, timings=Timings(answer_s=0.2, poll_s=0.02, confirm_s=0.2))
    printer.send(payload("a job") + printer.confirmation_request("zzzz"))
    assert not printer.await_confirmation(MARK)
    assert printer.take_heard() == ["zzzz"]
    assert printer.take_heard() == []
    printer.close()


def test_a_printer_switched_off_is_unreachable_and_found_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with PrinterSimulator() as simulator:
        printer = _make(simulator)
        assert printer.status().can_print
        simulator.switch_off()
        for _ in range(3):
            assert printer.status().faults == {Fault.UNREACHABLE}
        simulator.switch_on()
        assert printer.status().can_print
        printer.close()
    words = [record.getMessage() for record in caplog.records]
    assert sum("does not work" in each for each in words) == 1
    assert sum("there again" in each for each in words) == 1


def test_a_printer_that_dies_in_the_middle_breaks_the_job(simulator: PrinterSimulator) -> None:
    simulator.dies_after_bytes = 1500
    printer = _make(simulator, timings=Timings(answer_s=0.1, poll_s=0.02, confirm_s=1.0))

    def run() -> None:
        _print(printer)

    with pytest.raises(DeviceGone):
        run()
    assert whole_count(simulator.paper, "a job") == 0
    printer.close()


def test_a_printer_that_takes_no_bytes_is_told_and_then_given_up() -> None:
    with PrinterSimulator(PrinterModel(buffer_bytes=512)) as simulator:
        simulator.change(lambda model: setattr(model, "is_cover_open", True))
        timings = Timings(answer_s=0.2, stall_s=0.05, give_up_s=0.3, poll_s=0.05)
        printer = _make(simulator, timings=timings)
        told: list[Fault] = []
        with pytest.raises(DeviceGone, match="no more bytes"):
            printer.send(payload("a job", 1500) * 4, on_fault=told.append)
        assert set(told) == {Fault.STALLED}
        printer.close()


def test_a_wait_ends_when_the_program_stops(simulator: PrinterSimulator) -> None:
    stopping = threading.Event()
    printer = _make(simulator)
    printer.set_stopping(stopping.is_set)
    simulator.change(lambda model: setattr(model, "is_cover_open", True))
    printer.send(payload("a job") + printer.confirmation_request(MARK))
    assert not printer.await_confirmation(MARK, lambda _status: stopping.set())
    printer.close()


def test_the_remains_of_a_broken_picture_are_not_the_head_of_the_next_job(
    simulator: PrinterSimulator, printer: EscPosPrinter
) -> None:
    half_a_picture = b"\x1b@\x1dv0\x00\x48\x00\x40\x00" + b"\x55" * 100
    printer.send(half_a_picture)
    printer.clear_remains()
    assert _print(printer)
    assert whole_count(simulator.paper, "a job") == 1


def test_without_clearing_a_job_would_be_swallowed(
    simulator: PrinterSimulator, printer: EscPosPrinter
) -> None:
    """The counterpart: what clear_remains is for."""
    printer.send(b"\x1b@\x1dv0\x00\x48\x00\x40\x00" + b"\x55" * 100)
    printer.send(payload("a job", 5))
    printer.status()
    assert whole_count(simulator.paper, "a job") == 0


@pytest.mark.parametrize(("pin", "kick"), [(2, Kick(2, 100)), (5, Kick(5, 100))])
def test_the_drawer_opens(simulator: PrinterSimulator, pin: int, kick: Kick) -> None:
    printer = _make(simulator, f"profile=chinese-80&drawer={pin}&drawer_level=high")
    assert printer.is_drawer_open(printer.status()) is False
    assert printer.kick_drawer().can_print
    _until(lambda: simulator.model.kicks == [kick])
    assert printer.is_drawer_open(printer.status()) is True
    printer.close()


def test_the_drawer_of_a_printer_without_paper_opens_now_or_never(
    simulator: PrinterSimulator,
) -> None:
    simulator.change(lambda model: model.load_paper(0))
    late = _make(simulator, "profile=chinese-80")
    assert late.kick_drawer().faults == {Fault.PAPER_OUT}
    late.close()
    simulator.change(lambda model: model.load_paper())
    assert late.status().can_print
    assert simulator.model.kicks == [], "it would open when somebody puts in paper"
    late.close()

    simulator.change(lambda model: model.load_paper(0))
    now = _make(simulator, "profile=epson-80-chinese")
    assert now.kick_drawer().can_print
    _until(lambda: simulator.model.kicks == [Kick(2, 100)])
    now.close()


def test_a_printer_without_a_drawer_says_so(simulator: PrinterSimulator) -> None:
    printer = _make(simulator, "profile=chinese-80&drawer=0")
    with pytest.raises(ValueError, match="no drawer"):
        printer.kick_drawer()
    assert printer.is_drawer_open(printer.status()) is None
    printer.close()


def test_a_file_takes_every_job_and_answers_nothing(tmp_path: Path) -> None:
    printer = make_printer(f"file:{tmp_path / 'slips.bin'}?profile=epson-80-chinese")
    assert printer.profile.answers is Answers.NONE
    assert printer.status().can_print
    printer.send(b"one")
    printer.send(b"two")
    printer.close()
    assert (tmp_path / "slips.bin").read_bytes() == b"onetwo"
    assert (tmp_path / "slips.bin").stat().st_mode & 0o777 == 0o600


def test_a_device_file_carries_answers_back(tmp_path: Path) -> None:
    """A pseudo-terminal opened as a plain device stands for /dev/usb/lp0."""
    with PrinterSimulator(link=tmp_path / "lp0") as simulator:
        printer = make_printer(f"usb:{tmp_path / 'lp0'}?profile=epson-80-chinese", timings=QUICK)
        assert printer.status().can_print
        assert _print(printer)
        assert whole_count(simulator.paper, "a job") == 1
        printer.close()
    missing = make_printer(f"usb:{tmp_path / 'lp0'}")
    assert missing.status().faults == {Fault.UNREACHABLE}


@pytest.mark.parametrize(
    "address",
    [
        "tcp:",
        "tcp:host:port",
        "tcp:host:0",
        "tcp://",
        "tcp:host?baud=9600",
        "lpt:1",
        "serial:/dev/x?flow=maybe",
        "tcp:host?profile=unknown",
        "tcp:host?text=utf8",
        "tcp:host?drawer=3",
        "tcp:host?width=20",
        "tcp:host?pulse_ms=900",
    ],
)
def test_an_address_that_means_nothing_is_refused(address: str) -> None:
    with pytest.raises(BadDeviceAddress):
        make_printer(address)


def test_an_address_may_differ_from_its_profile() -> None:
    text = "tcp:printer?profile=chinese-80&width=512&text=raster&cut=full&answers=status"
    profile = make_printer(f"{text}&drawer=5&pulse_ms=200&drawer_level=low").profile
    assert (profile.width_dots, profile.text, profile.cutter) == (512, TextMode.RASTER, Cutter.FULL)
    assert profile.answers is Answers.STATUS
    assert profile.drawer is not None
    assert (profile.drawer.pin, profile.drawer.pulse_on_ms) == (5, 200)
    assert profile.drawer.level is DrawerLevel.LOW_WHEN_OPEN


@pytest.fixture(scope="module")
def painter() -> LinePainter:
    return load_painter()


FIRMWARE = {
    "chinese-80": "gb18030",
    "chinese-58": "gb18030",
    "gbk-80": "gbk",
    "big5-80": "big5",
    "japanese-80": "cp932",
    "epson-80-western": None,
    "raster-80": None,
    "raster-58": None,
}


@pytest.mark.parametrize("name", FIRMWARE)
def test_slips_come_out_readable_on_every_kind_of_printer(
    painter: LinePainter, name: str, tmp_path: Path
) -> None:
    profile = PROFILES[name]
    folder = PaperFolder(tmp_path, profile.width_dots, painter)
    for document in (receipt_zh(), receipt_en()):
        model = PrinterModel(width_dots=profile.width_dots, han=FIRMWARE[name])
        model.receive(render(document, profile, painter))
        model.work()
        (sheet,) = model.paper
        assert model.unknown_commands == []
        assert "\ufffd" not in to_text(sheet)
        folder(sheet)
        page = np.asarray(to_image(sheet, profile.width_dots, painter))
        kinds = [(zxingcpp.BarcodeFormat.QRCode, CODE)]
        if document == receipt_zh():
            kinds.append((zxingcpp.BarcodeFormat.Code128, "2000417"))
        for kind, text in kinds:
            formats = zxingcpp.BarcodeFormats(kind)
            assert [code.text for code in zxingcpp.read_barcodes(page, formats=formats)] == [text]
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "0001.png",
        "0001.txt",
        "0002.png",
        "0002.txt",
    ]


def test_the_simulator_runs_as_a_program_and_prints_into_a_folder(tmp_path: Path) -> None:
    words = ["-m", "hardware.escpos.simulator", "--tcp", "127.0.0.1:0", "--paper", str(tmp_path)]
    with subprocess.Popen([sys.executable, *words], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        printer = make_printer(f"{address}?profile=epson-80-chinese", timings=QUICK)
        assert _print(printer)
        printer.close()
        process.terminate()
        assert process.wait(20) == 0
    assert "begin a job" in (tmp_path / "0001.txt").read_text(encoding="utf-8")
    assert (tmp_path / "0001.png").read_bytes().startswith(b"\x89PNG")


def test_a_rare_character_of_a_name_is_painted_and_not_lost(painter: LinePainter) -> None:
    from hardware.escpos.cells import Line, Run

    def ink(text: str) -> bytes:
        return painter(Line((Run(0, text),)), 576).rows

    assert ink("𠮷") != ink("吉")
    assert ink("𠮷") != ink("〓")
    assert any(ink("𠮷"))


def test_a_font_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "none.ttf").write_bytes(b"no font")
    with pytest.raises(NoFont, match="install"):
        load_painter(tmp_path / "none.ttf")


def _until(condition: Callable[[], bool]) -> None:
    done = threading.Event()
    for _ in range(1000):
        if condition():
            return
        done.wait(0.01)
    pytest.fail("this never came true")


def test_nobody_waits_for_a_connection_that_was_reset() -> None:
    """What was not acknowledged by then never will be, whoever was told of the reset."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        line = make_line(parse_address(f"tcp:127.0.0.1:{port}"))
        line.open()
        peer, _address = server.accept()
        while line.send(b"x" * 65_536, 0.05):
            pass
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.close()  # a reset, with bytes on their way
        with suppress(DeviceGone):
            line.receive(1.0)
        with pytest.raises(DeviceGone, match="broke the connection off"):
            line.flush(30.0)
        line.close()


def test_two_slashes_may_stand_before_the_place() -> None:
    with PrinterSimulator(PrinterModel()) as simulator:
        address = simulator.address.replace("tcp:", "tcp://")
        printer = make_printer(address, timings=QUICK)
        assert printer.status().can_print
        printer.close()

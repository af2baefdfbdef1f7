"""A program that prints is killed at every point: never twice unasked, never lost in silence."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hardware.escpos import JobState, Settlement, Spool, Spooler, make_printer
from hardware.escpos.interpreter import PrinterModel
from hardware.escpos.simulator import PrinterSimulator
from hardware.escpos.spooler import Point
from tests.integration.hardware.jobs import QUICK, begun_count, payload, whole_count

JOB = "2-000417"
MOMENTS = [
    pytest.param(point, nth, id=f"{point}-{nth}")
    for point, nth in (
        (Point.TAKEN, 1),
        (Point.CHOSEN, 1),
        (Point.MARKED_SENDING, 1),
        (Point.PART_SENT, 1),
        (Point.PART_SENT, 2),
        (Point.PART_SENT, 7),
        (Point.ALL_SENT, 1),
        (Point.MARKED_SENT, 1),
        (Point.HEARD, 1),
        (Point.MARKED_CONFIRMED, 1),
    )
]
# How the printer is reached, whether it forgets half a command when the line breaks, what it is.
PRINTERS = [
    pytest.param(("network", True, "epson-80-chinese"), id="network"),
    pytest.param(("network", False, "chinese-80"), id="network, keeps half a command"),
    pytest.param(("serial", False, "epson-80-chinese"), id="serial"),
]


@pytest.fixture(params=PRINTERS)
def printer(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[PrinterSimulator]:
    way, forgets, _ = request.param
    link = tmp_path / "printer" if way == "serial" else None
    with PrinterSimulator(PrinterModel(), link=link) as simulator:
        simulator.forgets_half_commands = forgets
        yield simulator


@pytest.fixture
def address(request: pytest.FixtureRequest, printer: PrinterSimulator) -> str:
    joint = "&" if "?" in printer.address else "?"
    return f"{printer.address}{joint}profile={request.node.callspec.params['printer'][2]}"


def _run_doomed(spool: Path, address: str, point: str, nth: int) -> int:
    program = "tests.integration.hardware.doomed_spooler"
    words = [sys.executable, "-m", program, str(spool), address, JOB, point, str(nth)]
    return subprocess.run(words, timeout=60, check=False).returncode


def test_the_moments_name_every_point() -> None:
    assert {moment.values[0] for moment in MOMENTS} == set(Point)


@pytest.mark.parametrize(("point", "nth"), MOMENTS)
def test_a_kill_neither_prints_twice_nor_loses_in_silence(
    printer: PrinterSimulator, address: str, tmp_path: Path, point: Point, nth: int
) -> None:
    assert _run_doomed(tmp_path / "spool.db", address, point, nth) == -9

    # The next life hands the same job in again, as a till does that finds it unprinted.
    with (
        Spool(tmp_path / "spool.db") as spool,
        Spooler(spool, "till", make_printer(address, timings=QUICK)) as spooler,
    ):
        spooler.submit(JOB, payload(JOB), title="Receipt")
        spooler.submit("the next", payload("the next"), title="Receipt")
        spooler.wait(JOB, 10.0)
        following = spooler.wait("the next", 10.0)
        assert following is not None
        assert following.state is JobState.CONFIRMED
        job = spool.job(JOB)  # the printer's late word may have ended a doubt meanwhile
        assert job is not None

        # What an onlooker saw agrees with what the spool says.
        paper = printer.paper
        assert whole_count(paper, "the next") == 1
        assert begun_count(paper, JOB) <= 1
        if job.state is JobState.CONFIRMED:
            assert whole_count(paper, JOB) == 1
        else:
            assert job.state is JobState.IN_DOUBT
            assert [each.id for each in spool.in_doubt("till")] == [JOB]
        if point in {Point.TAKEN, Point.CHOSEN, Point.MARKED_CONFIRMED}:
            assert job.state is JobState.CONFIRMED, "there was nothing to doubt"
        if begun_count(paper, JOB) == 0:
            assert job.state is JobState.IN_DOUBT

        # A person decides, and gets one copy; asking twice does not print twice.
        if job.state is JobState.IN_DOUBT:
            again = f"{JOB}-copy"
            for _ in range(2):
                copy = spooler.print_again(
                    JOB, again, payload(again), title="Copy of a receipt", by="Wang Fang"
                )
                assert copy is not None
            done = spooler.wait(again, 10.0)
            assert done is not None
            assert done.state is JobState.CONFIRMED
            assert whole_count(printer.paper, again) == 1
            settled = spool.job(JOB)
            assert settled is not None
            assert (settled.state, settled.settlement) == (JobState.SETTLED, Settlement.AGAIN)
    assert printer.model.unknown_commands == []

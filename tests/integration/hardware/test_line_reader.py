"""A line reader over a real pseudo-terminal, pulled out and put back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hardware.reader import ReaderState, SeenKind
from hardware.scanner.simulator import ScannerSimulator
from tests.fakes.readers import Running, next_of, running_readers
from tests.fakes.waiting import until


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[ScannerSimulator]:
    with ScannerSimulator(tmp_path / "imager", suffix=b"\r\n") as scanner:
        yield scanner


@pytest.fixture
def running() -> Iterator[Running]:
    with running_readers() as run:
        yield run


def test_lines_are_seen_once_each(simulator: ScannerSimulator, running: Running) -> None:
    reader = running(f"serial-line:{simulator.link}?baud=115200&aim=1")
    for text in ("]Q1BXG1AB", "]Q1BXG1AB", "]C1测试", "]Q1LAST"):
        simulator.scan(text)
    seen = [next_of(reader) for _ in range(3)]
    assert [(each.kind, each.value, each.detail) for each in seen] == [
        (SeenKind.QR, "BXG1AB", "]Q1"),
        (SeenKind.LINE, r"\u{6d4b}\u{8bd5}", "]C1"),
        (SeenKind.QR, "LAST", "]Q1"),
    ]
    assert {each.reader for each in seen} == {reader.address}


def test_a_reader_pulled_out_is_read_again(simulator: ScannerSimulator, running: Running) -> None:
    reader = running(f"serial-line:{simulator.link}?aim=1")
    simulator.send(b"]Q1HALF")
    simulator.unplug()
    until(lambda: reader.health.state is ReaderState.GONE)
    until(lambda: "no such port" in reader.health.fault)
    simulator.plug_in()
    until(lambda: reader.health.state is ReaderState.LIVE)
    simulator.scan("]Q1WHOLE")
    assert next_of(reader).value == "WHOLE"


def test_a_reader_of_printed_numbers_says_them_as_chips(
    simulator: ScannerSimulator, running: Running
) -> None:
    reader = running(f"serial-line:{simulator.link}?form=em-decimal")
    for text in ("6102437", "0006102437"):
        simulator.scan(text)
    seen = next_of(reader)
    assert (seen.kind, seen.value) == (SeenKind.RFID_LF, "005D1DA5")
    assert reader.health.bad_frames_count == 1

"""A line reader over a real pseudo-terminal, pulled out and put back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hardware.reader import ReaderState, Seen, SeenKind, SupervisedReader, make_source
from hardware.scanner.simulator import ScannerSimulator

PATIENCE_S = 20.0


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[ScannerSimulator]:
    with ScannerSimulator(tmp_path / "imager", suffix=b"\r\n") as scanner:
        yield scanner


@pytest.fixture
def reader(simulator: ScannerSimulator) -> Iterator[SupervisedReader]:
    source = make_source(f"serial-line:{simulator.link}?baud=115200&aim=1")
    reader = SupervisedReader(source, retry_delays_s=(0.01,))
    reader.start()
    yield reader
    assert reader.stop(PATIENCE_S)


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "this never came true"
        time.sleep(0.002)


def _next(reader: SupervisedReader) -> Seen:
    seen = reader.next_seen(PATIENCE_S)
    assert seen is not None
    return seen


def test_lines_are_seen_once_each(simulator: ScannerSimulator, reader: SupervisedReader) -> None:
    _until(lambda: reader.health.state is ReaderState.LIVE)
    for text in ("]Q1BXG1AB", "]Q1BXG1AB", "]C1测试", "]Q1LAST"):
        simulator.scan(text)
    seen = [_next(reader) for _ in range(3)]
    assert [(each.kind, each.value, each.detail) for each in seen] == [
        (SeenKind.QR, "BXG1AB", "]Q1"),
        (SeenKind.LINE, r"\u{6d4b}\u{8bd5}", "]C1"),
        (SeenKind.QR, "LAST", "]Q1"),
    ]
    assert {each.reader for each in seen} == {reader.address}


def test_a_reader_pulled_out_is_read_again(
    simulator: ScannerSimulator, reader: SupervisedReader
) -> None:
    _until(lambda: reader.health.state is ReaderState.LIVE)
    simulator.send(b"]Q1HALF")
    simulator.unplug()
    _until(lambda: reader.health.state is ReaderState.GONE)
    _until(lambda: "no such port" in reader.health.fault)
    simulator.plug_in()
    _until(lambda: reader.health.state is ReaderState.LIVE)
    simulator.scan("]Q1WHOLE")
    assert _next(reader).value == "WHOLE"

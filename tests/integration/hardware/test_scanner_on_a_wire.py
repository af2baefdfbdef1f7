"""The scanner's driver over a real pseudo-terminal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hardware.errors import DeviceGone
from hardware.scanner import Scan, SerialScanner, make_scanner
from hardware.scanner.simulator import ScannerSimulator


class Clock:
    """Monotonic seconds: a little later at every look, and moved by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        self.now += 0.001
        return self.now


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[ScannerSimulator]:
    with ScannerSimulator(tmp_path / "scanner", suffix=b"\r\n") as scanner:
        yield scanner


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def scanner(simulator: ScannerSimulator, clock: Clock) -> Iterator[SerialScanner]:
    driver = make_scanner(f"{simulator.address}?baud=115200", clock=clock)
    yield driver
    driver.close()


def test_scans_come_one_by_one(simulator: ScannerSimulator, scanner: SerialScanner) -> None:
    assert scanner.read(0.0) is None
    simulator.scan("BX1A7K")
    simulator.scan("测试")
    assert scanner.read(1.0) == Scan("BX1A7K")
    assert scanner.read(1.0) == Scan("测试")
    assert scanner.read(0.0) is None


def test_a_scanner_pulled_out_is_found_again(
    simulator: ScannerSimulator,
    scanner: SerialScanner,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert scanner.read(0.0) is None
    simulator.send(b"HALF")
    simulator.unplug()
    with pytest.raises(DeviceGone):
        scanner.read(60.0)
    with pytest.raises(DeviceGone, match="next try"):
        scanner.read(0.1)
    clock.now += 60
    with pytest.raises(DeviceGone, match="no such port"):
        scanner.read(0.1)
    simulator.plug_in()
    clock.now += 60
    assert scanner.read(0.0) is None
    simulator.scan("WHOLE")
    assert scanner.read(1.0) == Scan("WHOLE")
    words = [record.getMessage() for record in caplog.records]
    assert sum("does not work" in each for each in words) == 1
    assert sum("is there again" in each for each in words) == 1

"""Serial scanners of a window: codes come as news, a pulled cable is told and looked for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

from edge.sync import SyncEngine
from hardware.scanner import make_scanner
from hardware.scanner.simulator import ScannerSimulator
from pos_app.services.devices import DeviceParts
from pos_app.services.model import News, NewsKind
from tests.integration.pos_app.window_stage import Stage

CODE = "BXG1" + "A7K2M9QZ" * 14


def until(condition: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(600):
        if condition():
            return
        pause.wait(0.02)
    pytest.fail("this never came true")


def test_a_serial_scanner_is_read_told_of_and_found_again(stage: Stage, tmp_path: Path) -> None:
    heard: list[News] = []
    with ScannerSimulator(tmp_path / "scanner") as scanner:
        parts = DeviceParts(scanners=(make_scanner(scanner.address),), wedge=None)
        window = stage.window_with(stage.desk, cast("SyncEngine", stage.engine), parts=parts)
        window.subscribe(heard.append)
        window.devices.start()

        def codes() -> list[str]:
            return [news.reason for news in heard if news.kind is NewsKind.SCANNED]

        def fault() -> str | None:
            (now,) = window.devices.now().scanners
            return now.fault if now.is_known else None

        try:
            until(lambda: fault() == "")
            scanner.scan(CODE)
            until(lambda: codes() == [CODE])
            scanner.unplug()
            until(lambda: fault() == "gone")
            scanner.plug_in()
            until(lambda: fault() == "")
            scanner.scan("SECOND-CODE")
            until(lambda: codes() == [CODE, "SECOND-CODE"])
            until(lambda: any(news.kind is NewsKind.DEVICES for news in heard))
        finally:
            window.devices.stop()

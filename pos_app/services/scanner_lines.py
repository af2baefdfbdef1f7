"""Serial scanners of a till: a thread each, which reads for as long as the till runs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from hardware.errors import DeviceBusy, DeviceError, DeviceRefused
from hardware.scanner import SerialScanner

READ_S: Final = 0.5
RETRY_S: Final = 1.0
"""How often a scanner that is gone is looked for; its driver tries the port more and more seldom."""
JOIN_S: Final = 3.0


class ScannerLine:
    """Reads one scanner. `scanned` and `changed` are called on its thread, and must be brief."""

    def __init__(
        self,
        scanner: SerialScanner,
        scanned: Callable[[str], None],
        changed: Callable[[], None],
    ) -> None:
        self.address: Final = scanner.address
        self._scanner = scanner
        self._scanned = scanned
        self._changed = changed
        self._fault: str | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(
            target=self._work, name=f"scanner {scanner.address}", daemon=True
        )

    @property
    def fault(self) -> str | None:
        """A code of what is the matter, "" when it is well, None before it was looked for."""
        return self._fault

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def close(self) -> None:
        """End the thread and let go of the port; one that hangs is left behind."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(JOIN_S)

    def _work(self) -> None:
        while not self._stopping.is_set():
            try:
                scan = self._scanner.read(READ_S)
            except DeviceError as error:
                self._become(_code(error))
                self._stopping.wait(RETRY_S)
                continue
            self._become("")
            if scan is not None:
                self._scanned(scan.text)
        self._scanner.close()

    def _become(self, fault: str) -> None:
        if fault != self._fault:
            self._fault = fault
            self._changed()


def _code(error: DeviceError) -> str:
    match error:
        case DeviceBusy():
            return "busy"
        case DeviceRefused():
            return "refused"
        case _:
            return "gone"

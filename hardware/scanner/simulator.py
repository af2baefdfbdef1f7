"""A serial scanner on a pseudo-terminal: sends what it is told, can be pulled out and put back."""

from __future__ import annotations

from pathlib import Path

from hardware.ptydevice import PtyDevice


class ScannerSimulator(PtyDevice):
    """One scanner. While it is plugged in, `link` is a symbolic link to its port."""

    def __init__(self, link: Path, *, prefix: bytes = b"", suffix: bytes = b"\r") -> None:
        super().__init__(link)
        self._prefix = prefix
        self._suffix = suffix

    @property
    def address(self) -> str:
        """The address a driver reaches it by, without options."""
        return f"serial:{self.link}"

    def scan(self, text: str) -> None:
        """Read a code."""
        self.send(self._prefix + text.encode() + self._suffix)

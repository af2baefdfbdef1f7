"""A serial scanner on a pseudo-terminal: sends what it is told, can be pulled out and put back."""

from __future__ import annotations

import os
import tty
from contextlib import suppress
from pathlib import Path
from typing import Final, Self


class ScannerSimulator:
    """One scanner. While it is plugged in, `link` is a symbolic link to its port."""

    def __init__(self, link: Path, *, prefix: bytes = b"", suffix: bytes = b"\r") -> None:
        self.link: Final = link
        self._prefix = prefix
        self._suffix = suffix
        self._ends: tuple[int, int] | None = None

    def __enter__(self) -> Self:
        self.plug_in()
        return self

    def __exit__(self, *_: object) -> None:
        self.unplug()

    @property
    def address(self) -> str:
        """The address a driver reaches it by, without options."""
        return f"serial:{self.link}"

    def plug_in(self) -> None:
        """Put the cable in."""
        if self._ends is not None:
            return
        master, slave = os.openpty()
        tty.setraw(master)
        tty.setraw(slave)
        self._ends = (master, slave)
        self.link.unlink(missing_ok=True)
        self.link.symlink_to(os.ttyname(slave))

    def unplug(self) -> None:
        """Pull the cable out."""
        ends, self._ends = self._ends, None
        if ends is not None:
            self.link.unlink(missing_ok=True)
            for end in ends:
                with suppress(OSError):
                    os.close(end)

    def scan(self, text: str) -> None:
        """Read a code."""
        self.send(self._prefix + text.encode() + self._suffix)

    def send(self, data: bytes) -> None:
        """Send bytes as they are: half a code, noise."""
        if self._ends is None:
            raise ValueError("it is not plugged in")
        os.write(self._ends[0], data)

"""Time and chance as arguments: production has the machine's, a simulation its own."""

from __future__ import annotations

import os
import time
from functools import cache
from pathlib import Path
from typing import Protocol

_MACHINE_ID_FILE = Path("/etc/machine-id")
_BOOT_ID_FILE = Path("/proc/sys/kernel/random/boot_id")
# Goes on while the machine sleeps: a till with its lid shut for a night must know it.
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Env(Protocol):
    """What a node asks the world for."""

    def wall_ms(self) -> int:
        """The machine's clock, Unix milliseconds. May be wrong and may jump."""

    def monotonic_s(self) -> float:
        """Seconds that only go forward, within one boot, also while the machine sleeps."""

    def boot_id(self) -> str:
        """Another one after every start of the machine; '' when it cannot be told."""

    def random_bytes(self, count: int) -> bytes:
        """Unpredictable bytes."""

    def maybe_crash(self, point: str) -> None:
        """A place where a simulation may end the program; nothing happens anywhere else."""


class MachineEnv:
    """The real clock and the system's randomness."""

    def wall_ms(self) -> int:
        """The system clock."""
        return time.time_ns() // 1_000_000

    def monotonic_s(self) -> float:
        """Seconds since the machine was started."""
        return time.clock_gettime(_CLOCK)

    def boot_id(self) -> str:
        """The kernel's word for this start of the machine."""
        return _boot_id()

    def random_bytes(self, count: int) -> bytes:
        """From the operating system."""
        return os.urandom(count)

    def maybe_crash(self, point: str) -> None:
        """The real world needs no help."""


def machine_id() -> str:
    """The operating system's id of this machine, or '' where there is none."""
    try:
        return _MACHINE_ID_FILE.read_text().strip()
    except OSError:
        return ""


@cache
def _boot_id() -> str:
    try:
        return _BOOT_ID_FILE.read_text().strip()
    except OSError:
        # Not Linux: as good as a start of the machine for every start of the program.
        return os.urandom(16).hex()

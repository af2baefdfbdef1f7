"""Disks with no room: a small one that is filled, or a limit on what one process may write."""

from __future__ import annotations

import os
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.chaos.torn import wal_of

SMALL_DISK = "24m"
_SLACK_BYTES = 3 * 4_096


@contextmanager
def limited(pid: int, database: Path) -> Iterator[None]:
    """No file of this process grows beyond what its log has now, and a little."""
    wal = wal_of(database)
    bytes_max = (wal.stat().st_size if wal.exists() else 0) + _SLACK_BYTES
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (bytes_max, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


@contextmanager
def ballast(folder: Path) -> Iterator[None]:
    """A file that takes all the room there is."""
    file = folder / "ballast"
    try:
        with file.open("wb", buffering=0) as stream:
            while True:
                try:
                    if not stream.write(b"\0" * 65_536):
                        break
                except OSError:
                    break
        yield
    finally:
        file.unlink(missing_ok=True)


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """A small disk for this folder where one may be mounted; else nothing."""
    folder.mkdir(parents=True, exist_ok=True)
    mount = [
        "mount",
        "-t",
        "tmpfs",
        "-o",
        f"size={SMALL_DISK},mode=700",
        "boxgate-chaos",
        str(folder),
    ]
    is_mounted = (
        os.geteuid() == 0
        and subprocess.run(mount, check=False, capture_output=True).returncode == 0
    )
    try:
        yield
    finally:
        if is_mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True, capture_output=True)

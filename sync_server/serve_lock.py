"""One process at a time does what must be done alone with a data folder: serve, or migrate."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from program.errors import ProgramError
from program.exit_codes import ExitCode

LOCK_FILE = "serve.lock"


@contextmanager
def alone(data_dir: Path, otherwise: str) -> Iterator[None]:
    """Hold the folder's lock. Raises ProgramError with the sentence when another process has it.

    The kernel lets go of it when the process ends, however it ends.
    """
    with (data_dir / LOCK_FILE).open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ProgramError(otherwise, ExitCode.BUSY) from None
        yield

"""What happened in the world outside of every database: paper printed, visitors let in.

One JSON object a line, on the disk before anything else is done. A process killed in the middle of
a line has not done what the line tells of.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Fact = dict[str, Any]


class FactBook:
    """A file of facts that one process appends to."""

    def __init__(self, path: Path) -> None:
        self._handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        if os.fstat(self._handle).st_size:
            os.write(self._handle, b"\n")  # ends a line that was cut off

    def note(self, fact: Fact) -> None:
        """It has happened. Raises OSError when it can't be written: then it has not."""
        line = (json.dumps(fact, separators=(",", ":")) + "\n").encode()
        if os.write(self._handle, line) != len(line):
            raise OSError("the fact was cut off")
        os.fsync(self._handle)


class FactReader:
    """Follows a file of facts while it grows."""

    def __init__(self, path: Path) -> None:
        self._path, self._at = path, 0

    def news(self) -> Iterator[Fact]:
        """What was added since the last look, whole lines only."""
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            file.seek(self._at)
            content = file.read()
        whole = content[: content.rfind(b"\n") + 1]
        self._at += len(whole)
        yield from _facts_of(whole)


def read_facts(path: Path) -> list[Fact]:
    """All of a file's facts; none when there is no file."""
    return list(FactReader(path).news())


def _facts_of(content: bytes) -> Iterator[Fact]:
    for line in content.splitlines():
        try:
            fact = json.loads(line)
        except ValueError:  # cut off by a kill, or by a full disk
            continue
        if isinstance(fact, dict):
            yield fact

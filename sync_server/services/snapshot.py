"""Snapshot files: the shared part of a stream's feed as one gzip file, fetched piece by piece.

Lines of JSON: a header (`format`, `gen`, `stream`, `scope`, `rev`, `rows`), then lists of rows as
`pull` gives them, then a trailer (`end`, `rows`) that only a whole file has. A node that has taken
the file in, and its own part up to the same revision, holds what a pull from 0 would have given it.
"""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection

from sync_server.services.feed import Row, read_heads, scope_of, shared_chunks, shared_count
from sync_server.services.generations import present_generation

FORMAT = "boxgate-snapshot-1"
FOLDER_NAME = "snapshots"
ROWS_MIN = 20_000
"""A stream with fewer rows is pulled: a few pages, and no file for anybody to keep."""
ROWS_PER_LINE = 500
FILES_KEPT = 2
"""The newest, and the one before for those who are in the middle of it."""
BUILD_PERIOD_S = 60.0
BEHIND_MAX = 5_000
"""So many revisions, one page of a pull, a file may be behind before another is built."""
UNUSED_S_MAX = 3_600.0
_GZIP_LEVEL = 4
"""100,000 tickets: 2.13 MB in 0.08 s at 1, 1.98 MB in 0.11 s at 4, 1.94 MB in 0.16 s at 6."""
_SUFFIX = ".ndjson.gz"
_PART_SUFFIX = ".part"


@dataclass(frozen=True, slots=True)
class Which:
    """Of what a file is: one stream as one role sees it."""

    stream: str
    role: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A file, and what it holds: everything of its scope up to `rev`."""

    path: Path
    tag: str
    """Names these very bytes, as an HTTP entity tag does."""
    generation: str
    """The history that its revisions are of."""
    rev: int
    rows: int
    built_s: float
    """Monotonic."""


@dataclass(frozen=True, slots=True)
class TooSmall:
    """So few rows that a pull does it."""

    rows: int


@dataclass(slots=True)
class Shelf:
    """The files of this server. Only one `build` at a time."""

    folder: Path
    generation: str
    _files: dict[Which, list[Snapshot]] = field(default_factory=dict)
    _asked_s: dict[Which, float] = field(default_factory=dict)

    def follow(self, generation: str) -> None:
        """Forget the files of another history: its revisions are given out again in this one."""
        if generation != self.generation:
            self.generation = generation
            self._files.clear()  # the next build removes them

    def tagged(self, which: Which, tag: str) -> Snapshot | None:
        """The kept file of this tag, for who has a part of it."""
        return next((kept for kept in self._files.get(which, ()) if kept.tag == tag), None)

    def usable(self, which: Which, head: int, min_rev: int, now_s: float) -> Snapshot | None:
        """The newest file, unless it is too old to go on from and another may be built."""
        self._asked_s[which] = now_s
        kept = self._files.get(which)
        if not kept or kept[-1].rev < min_rev:
            return None
        newest = kept[-1]
        is_recent = now_s - newest.built_s < BUILD_PERIOD_S
        return newest if is_recent or head - newest.rev <= BEHIND_MAX else None

    def build(
        self, connection: Connection, house: str, which: Which, now_s: float
    ) -> Snapshot | TooSmall | None:
        """Write a file in the connection's snapshot; None when there is no such stream.

        Raises OSError when the disk does not take it, and then nothing is left behind.
        """
        heads = read_heads(connection, which.stream)
        if heads is None:
            return None
        generation = present_generation(connection)  # of these very rows, whatever we last heard
        scope = scope_of(which.role, house, which.stream)
        count = shared_count(connection, scope, heads.head)
        if count < ROWS_MIN:
            return TooSmall(count)
        if not self._files:
            self._begin()
        header = {
            "format": FORMAT,
            "gen": generation,
            "stream": which.stream,
            "scope": which.role,
            "rev": heads.head,
            "rows": count,
        }
        name = f"{which.stream}.{which.role}.{generation}-{heads.head}{_SUFFIX}"
        path = self.folder / name
        written = _write(path, header, shared_chunks(connection, scope, heads.head))
        assert written == count, "one transaction counts and reads the same rows"
        return Snapshot(path, _tag(path), generation, heads.head, count, now_s)

    def put(self, which: Which, built: Snapshot) -> None:
        """Keep a file; older ones, and those that nobody asks for, go."""
        self.follow(built.generation)
        kept = [old for old in self._files.get(which, ()) if old.path != built.path]
        self._files[which] = [*kept, built][-FILES_KEPT:]
        for old in kept[: 1 - FILES_KEPT]:
            old.path.unlink(missing_ok=True)
        for other in [w for w, s in self._asked_s.items() if built.built_s - s > UNUSED_S_MAX]:
            del self._asked_s[other]
            for old in self._files.pop(other, ()):
                old.path.unlink(missing_ok=True)

    def _begin(self) -> None:
        """Files of an earlier run are outdated: nobody knows any more what they hold."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        self.folder.chmod(0o700)
        for left in self.folder.iterdir():
            if left.name.endswith((_SUFFIX, _PART_SUFFIX)):
                left.unlink(missing_ok=True)


def _write(path: Path, header: dict[str, object], chunks: Iterator[Sequence[Row]]) -> int:
    part = path.with_name(path.name + _PART_SUFFIX)
    count = 0
    try:
        number = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with (
            os.fdopen(number, "wb") as raw,
            gzip.GzipFile("", "wb", _GZIP_LEVEL, raw, mtime=0) as file,
        ):
            file.write(_line(header))
            for rows in chunks:
                for first in range(0, len(rows), ROWS_PER_LINE):
                    file.write(_line(rows[first : first + ROWS_PER_LINE]))
                count += len(rows)
            file.write(_line({"end": True, "rows": count}))
        part.replace(path)
    except BaseException:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise
    return count


def _line(value: object) -> bytes:
    return (json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n").encode()


def _tag(path: Path) -> str:
    """As aiohttp's FileResponse makes it, which answers with it."""
    found = path.stat()
    return f"{found.st_mtime_ns:x}-{found.st_size:x}"

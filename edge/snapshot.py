"""A stream's feed as one file: for a node that has (nearly) everything to read yet.

The file comes in pieces, each a request of its own that can be repeated; what is there of it
survives a kill. It is taken into the mirror whole or not at all, and the feed goes on after it.
Here are requests and what to do with their answers; who moves the bytes, and when, is the caller's.

    if wanted(after, head):
        download = Download(folder, stream, role)
        while request := download.next_request():
            download.take(<the answer to request>)          # TooFewRows: pull instead
        header = read_header(download.file)
        own = <every page of own_request(header, ...), by read_own>; install its grants first
        import_file(mirror, download.file, header, own)     # the cursor stands at header.rev
        download.discard()
"""

from __future__ import annotations

import errno
import gzip
import json
import os
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge import replies
from edge.errors import ReplicaError, ReplicaFull, ServerUnreachable, SnapshotUnusable
from edge.mirror import BadChange, Change, Mirror
from ticketing.ids import is_stream_id

FORMAT = "boxgate-snapshot-1"
ROWS_BEHIND_MIN = 20_000
PIECE_BYTES = 1024 * 1024
FILE_BYTES_MAX = 512 * 1024 * 1024
LINE_BYTES_MAX = 64 * 1024 * 1024
"""After unpacking. A line has 500 rows; an event's documents are the longest of all."""
_OK, _PART, RANGE_NOT_SATISFIABLE = 200, 206, 416
_TAG = re.compile(r'"([0-9A-Za-z-]{1,64})"')
_CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,12})-([0-9]{1,12})/([0-9]{1,12})")
_PART_NAME = re.compile(r"(.+)\.([0-9A-Za-z-]{1,64})\.([0-9]{1,12})\.part")
_DAMAGE = (EOFError, gzip.BadGzipFile, zlib.error, ValueError, RecursionError)


def wanted(after: int, head: int) -> bool:
    """Whether a file is worth asking for, for a node that has read to `after` of a feed.

    `head` is an upper bound of its rows: the server says `just_pull` when there are few.
    """
    return head - after >= ROWS_BEHIND_MIN


@dataclass(frozen=True, slots=True)
class PieceRequest:
    """A GET: its path and headers."""

    path: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PieceReply:
    """The answer: header names in lower case, and the bytes as they came."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class Download:
    """A file on its way. What is there of it lies in `folder` under a name that says the rest.

    The name's tag is the server's for these very bytes: when it has another file by now, the
    download starts anew.
    """

    def __init__(self, folder: Path, stream: str, role: str) -> None:
        assert is_stream_id(stream)
        self._folder, self._stream, self._role = folder, stream, role
        self._part = self._find()

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing any more."""
        return self._part is not None and self._size() >= _total(self._part)

    @property
    def received(self) -> int:
        """How many bytes of it are here."""
        return self._size()

    @property
    def file(self) -> Path:
        """The whole file."""
        assert self._part is not None, "nothing has come yet"
        return self._part

    def next_request(self) -> PieceRequest | None:
        """The next piece to ask for; None when the file is whole."""
        if self.is_whole:
            return None
        begin = self._size()
        headers = {"Range": f"bytes={begin}-{begin + PIECE_BYTES - 1}"}
        if self._part is not None:
            headers["If-Range"] = f'"{_tag(self._part)}"'
        return PieceRequest(f"/v1/e/{self._stream}/snapshot/{self._role}", headers)

    def take(self, reply: PieceReply) -> None:
        """Keep a piece. Repeated or out of place it changes nothing.

        Raises ServerUnreachable for an answer that makes no sense, ReplicaError when the disk does
        not take it. A refusal (`just_pull`) is the caller's to see, before this.
        """
        if reply.status == RANGE_NOT_SATISFIABLE:  # the file is shorter than our name for it says
            self.discard()
            return
        tag, begin, total = _place(reply)
        if not 0 < total <= FILE_BYTES_MAX:
            raise replies.nonsense("length")
        with _disk_errors(self._folder):
            if self._part is None or (_tag(self._part), _total(self._part)) != (tag, total):
                self.discard()
                self._begin(tag, total)
            if begin != self._size():
                return
            with self.file.open("ab") as file:
                file.write(reply.content)

    def discard(self) -> None:
        """Drop what is here: it was used, or is of no use."""
        self._part = None
        for left in self._parts():
            with suppress(OSError):
                left.unlink()

    def _begin(self, tag: str, total: int) -> None:
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self._part = self._folder / f"{self._stream}.{tag}.{total}.part"
        os.close(os.open(self._part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))

    def _find(self) -> Path | None:
        """What an earlier run left: one part, or it is not known which one counts."""
        parts = self._parts()
        if len(parts) == 1 and parts[0].stat().st_size <= _total(parts[0]):
            return parts[0]
        for left in parts:
            left.unlink(missing_ok=True)
        return None

    def _parts(self) -> list[Path]:
        if not self._folder.is_dir():
            return []
        names = ((path, _PART_NAME.fullmatch(path.name)) for path in self._folder.iterdir())
        return [path for path, name in names if name is not None and name[1] == self._stream]

    def _size(self) -> int:
        return self._part.stat().st_size if self._part is not None else 0


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says of itself in its first line."""

    generation: str
    stream: str
    role: str
    rev: int
    rows: int


def read_header(file: Path) -> Header:
    """The first line. Raises SnapshotUnusable."""
    for line in _lines(file):
        return _header(line)
    raise _unusable(file, "it is empty")


@dataclass(frozen=True, slots=True)
class OwnPage:
    """Some of the rows that only this node sees; more after `next`."""

    changes: tuple[Change, ...]
    next: int
    more: bool


def own_request(header: Header, after: int) -> tuple[str, dict[str, str]]:
    """Path and query of a GET for what the file lacks, after a revision (first: 0)."""
    query = {"gen": header.generation, "after": str(after), "rev": str(header.rev)}
    return f"/v1/e/{header.stream}/own", query


def read_own(header: Header, after: int, reply: Mapping[str, Any]) -> OwnPage:
    """A page of it. Raises ServerUnreachable when it makes no sense."""
    if replies.generation(reply) != header.generation:
        raise replies.nonsense("gen")
    more = reply.get("more") is True
    low = after + 1 if more else after
    read_to = replies.number(reply, "next", low=low, high=max(low, header.rev))
    return OwnPage(tuple(replies.changes(reply)), read_to, more)


def import_file(mirror: Mirror, file: Path, header: Header, own: Sequence[Change]) -> int:
    """Put the file's rows, and our own, in the place of what the mirror has of the stream.

    In one transaction: whatever stops it leaves the mirror as it was. Returns the cursor. Raises
    SnapshotUnusable when the file is damaged or not what it says, ReplicaError for the disk.
    """
    known = mirror.generation()
    if known not in ("", header.generation):
        raise _unusable(file, "it is of another history of the server")

    def parts() -> Iterator[Sequence[Change]]:
        yield from _parts_of(file, header)
        yield own

    try:
        mirror.replace(header.stream, header.generation, parts(), header.rev)
    except (BadChange, ServerUnreachable) as error:
        raise _unusable(file, str(error)) from error
    return header.rev


def _parts_of(file: Path, header: Header) -> Iterator[Sequence[Change]]:
    """The rows, line by line. A file without its last line, or with other rows, is refused."""
    lines = _lines(file)
    if _header(next(lines, None)) != header:
        raise _unusable(file, "it is not the file that was looked at")
    count = 0
    for line in lines:
        match line:
            case {"end": True, "rows": int(rows)} if rows == count == header.rows:
                if next(lines, None) is None:
                    return
                break
            case list() if all(map(_is_row, line)):
                count += len(line)
                if count > header.rows:
                    break
                yield list(map(Change._make, line))
            case _:
                break
    raise _unusable(file, "its rows are not those that it promises")


def _is_row(raw: object) -> bool:
    """The cheap half of a row's checks; the mirror looks into what it says."""
    return type(raw) is list and [type(part) for part in raw] == [str, int, dict]


def _header(line: object) -> Header:
    match line:
        case {
            "format": str(form),
            "gen": str(generation),
            "stream": str(stream),
            "scope": str(role),
            "rev": int(rev),
            "rows": int(rows),
        } if form == FORMAT and rev >= 0 and rows >= 0 and is_stream_id(stream):
            return Header(generation, stream, role, rev, rows)
    raise SnapshotUnusable("the snapshot's first line makes no sense; pulling instead")


def _lines(file: Path) -> Iterator[Any]:
    """The file's lines as JSON values. gzip checks length and CRC at the end."""
    try:
        with gzip.open(file, "rb") as lines:
            while line := lines.readline(LINE_BYTES_MAX):
                yield json.loads(line)
    except _DAMAGE as error:
        raise _unusable(file, f"{type(error).__name__}") from error
    except OSError as error:
        raise ReplicaError(f"{file.name} cannot be read: {error.strerror}") from error


def _place(reply: PieceReply) -> tuple[str, int, int]:
    """Which file a reply has a piece of, where the piece begins, and how long the file is."""
    tag = _TAG.fullmatch(reply.headers.get("etag", ""))
    if tag is None:
        raise replies.nonsense("ETag")
    if reply.status == _OK:
        return tag[1], 0, len(reply.content)
    found = _CONTENT_RANGE.fullmatch(reply.headers.get("content-range", ""))
    if reply.status != _PART or found is None:
        raise replies.nonsense(f"status {reply.status}")
    begin, last, total = (int(number) for number in found.groups())
    if last + 1 - begin != len(reply.content) or last >= total or not reply.content:
        raise replies.nonsense("Content-Range")
    return tag[1], begin, total


def _tag(part: Path) -> str:
    return part.name.rsplit(".", 3)[1]


def _total(part: Path) -> int:
    return int(part.name.rsplit(".", 3)[2])


@contextmanager
def _disk_errors(folder: Path) -> Iterator[None]:
    """A disk that takes nothing more is an error of the replica's; the mirror is as it was."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise ReplicaFull(
                "the disk is full: the server's snapshot has no room; nothing is lost, free some "
                "space"
            ) from error
        raise ReplicaError(
            f"{folder.name} cannot be written to: {error.strerror}; check the disk"
        ) from error


def _unusable(file: Path, why: str) -> SnapshotUnusable:
    return SnapshotUnusable(f"{file.name} cannot be used ({why}); pulling instead")

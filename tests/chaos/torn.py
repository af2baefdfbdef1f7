"""A killed server's files as a power cut may leave them: the end of the WAL lost or full of noise.

What was on its way when the power went may be there, half there, or nonsense. What somebody was
told of must be there whole.
"""

from __future__ import annotations

import random
import shutil
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

_HEADER_BYTES, _FRAME_HEADER_BYTES = 32, 24
_NOISE_BYTES_MAX = 9_000


def wal_of(database: Path) -> Path:
    """The log beside a SQLite file."""
    return database.with_name(database.name + "-wal")


def copy_files(database: Path, folder: Path) -> Path:
    """The file and its log, in a folder of their own: what a disk would have."""
    folder.mkdir(parents=True, exist_ok=True)
    copy = folder / database.name
    shutil.copyfile(database, copy)
    if wal_of(database).exists():
        shutil.copyfile(wal_of(database), wal_of(copy))
    return copy


def commit_ends(wal: Path) -> list[int]:
    """Lengths of the log at which a commit ends, in order; the log's present run only."""
    return list(_commit_ends(wal.read_bytes())) if wal.exists() else []


def _commit_ends(content: bytes) -> Iterator[int]:
    if len(content) < _HEADER_BYTES:
        return
    page_bytes, salts = struct.unpack(">I", content[8:12])[0], content[16:24]
    frame_bytes = _FRAME_HEADER_BYTES + page_bytes
    at = _HEADER_BYTES
    while at + frame_bytes <= len(content) and content[at + 8 : at + 16] == salts:
        pages_after = struct.unpack(">I", content[at + 4 : at + 8])[0]
        at += frame_bytes
        if pages_after:
            yield at


def tear(database: Path, rng: random.Random, keeps: Callable[[Path], bool], scratch: Path) -> str:
    """Tear the log behind what must be kept; what was done, in words.

    `keeps` is shown copies with shorter and shorter logs and says whether they still have
    everything that anybody was told of. Commits that nobody was told of may go.
    """
    wal = wal_of(database)
    ends = commit_ends(wal)
    if not ends:
        return "no log to tear"
    at = len(ends) - 1
    while at > 0 and keeps(_cut_copy(database, ends[at - 1], scratch / str(at))):
        at -= 1
    at = rng.randint(at, len(ends) - 1)
    content = wal.read_bytes()
    kept = content[: ends[at]]
    rest = content[ends[at] :] or rng.randbytes(rng.randint(1, _NOISE_BYTES_MAX))
    how = rng.choice(("cut", "half", "noise", "bits"))
    match how:
        case "cut":
            rest = b""
        case "half":
            rest = rest[: rng.randint(0, len(rest) - 1)]
        case "noise":
            rest = rng.randbytes(len(rest))
        case _:
            flipped = bytearray(rest)
            for _ in range(8):
                flipped[rng.randrange(len(flipped))] ^= 1 << rng.randrange(8)
            rest = bytes(flipped)
    if how == "bits":  # the first frame must not be whole by chance
        rest = bytes([rest[0] ^ 0xFF]) + rest[1:]
    wal.write_bytes(kept + rest)
    database.with_name(database.name + "-shm").unlink(missing_ok=True)
    return f"{how}: {len(ends) - 1 - at} commits lost, {len(rest)} bytes behind them"


def _cut_copy(database: Path, length: int, folder: Path) -> Path:
    copy = copy_files(database, folder)
    with wal_of(copy).open("r+b") as file:
        file.truncate(length)
    return copy

"""What a server answers about snapshot files and digests, made of a feed's rows."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ticketing.digest import bucket_of, counted, key_of

Row = list[Any]


def latest(rows: Sequence[Row]) -> list[Row]:
    """Only the last row of everything that has a key, in order of revision."""
    found: dict[tuple[str, str], Row] = {}
    for row in rows:
        found[row[0], key_of(row[0], row[2])] = row
    return sorted(found.values(), key=lambda row: int(row[1]))


def is_own(row: Row) -> bool:
    """Whether a till's file lacks it."""
    return bool(row[0] == "allot")


def snapshot_file(gen: str, stream: str, role: str, rows: Sequence[Row], rev: int) -> bytes:
    """The whole file, the same bytes for the same rows."""
    shared = [row for row in latest(rows) if not is_own(row)]
    header: dict[str, Any] = {
        "format": "boxgate-snapshot-1",
        "gen": gen,
        "stream": stream,
        "scope": role,
    }
    lines: list[Any] = [
        {**header, "rev": rev, "rows": len(shared)},
        *(shared[first : first + 10] for first in range(0, len(shared), 10)),
        {"end": True, "rows": len(shared)},
    ]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    return gzip.compress(text.encode(), mtime=0)


def piece_of(file: bytes, headers: Mapping[str, str]) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and bytes of the answer to a request for a range (RFC 9110, 14)."""
    tag = f'"{hashlib.sha256(file).hexdigest()[:12]}"'
    asked = re.fullmatch(r"bytes=([0-9]+)-([0-9]+)", headers.get("Range", ""))
    if asked is None or headers.get("If-Range", tag) != tag:
        return 200, {"ETag": tag}, file
    first, last = int(asked[1]), min(int(asked[2]), len(file) - 1)
    if first >= len(file):
        return 416, {"ETag": tag}, b""
    place = f"bytes {first}-{last}/{len(file)}"
    return 206, {"ETag": tag, "Content-Range": place}, file[first : last + 1]


def own_page(rows: Sequence[Row], after: int, read_to: int) -> dict[str, Any]:
    """The rows that a file lacks."""
    own = [row for row in latest(rows) if is_own(row) and after < row[1] <= read_to]
    return {"rows": own, "next": read_to, "more": False}


def digest_reply(rows: Sequence[Row], body: Mapping[str, Any]) -> dict[str, Any]:
    """The buckets to look at again."""
    ours = counted(latest([row for row in rows if row[1] <= body["rev"]])).to_wire()
    different = [n for n, pair in enumerate(ours) if pair != body["buckets"][n]]
    return {
        "rev": body["rev"],
        "changed": [],
        "buckets": [[n, *ours[n]] for n in different],
    }


def bucket_rows(rows: Sequence[Row], bucket: int) -> dict[str, Any]:
    """One bucket in each answer."""
    found = [row for row in latest(rows) if bucket_of(row[0], key_of(row[0], row[2])) == bucket]
    return {"buckets": [bucket], "rows": found, "head": len(rows)}

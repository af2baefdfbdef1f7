"""Digests at the centre: does a node's copy hold what its feed told it, and if not, which rows?

A node asks at its cursor. Rows that changed since are named in the answer, and count on neither
side: they are on their way to it. What differs then is divergence: a defect, somewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from sqlalchemy import Connection

from sync_server.heart.cases import CaseKind, open_case
from sync_server.heart.work import Work
from sync_server.services.feed import (
    ROWS_PER_PULL_MAX,
    Heads,
    Row,
    Scope,
    own_chunks,
    pull,
    read_heads,
    scope_of,
    shared_chunks,
)
from ticketing.digest import KINDS, Digest, bucket_of, counted, key_of

CHANGED_MAX = 2_000
"""A node that is further behind pulls first."""
_KEPT_MAX = 16


class NotCompared(StrEnum):
    """Why there is no comparison. Sent, never renamed."""

    UNKNOWN_STREAM = "unknown_stream"
    GENERATION_CHANGED = "generation_changed"  # the node has read beyond the end of this history
    REFETCH = "refetch"  # what the node's cursor stands on has been purged
    PULL_FIRST = "pull_first"  # too much has changed since the node's cursor


@dataclass(frozen=True, slots=True)
class Reader:
    """Who asks about which stream, and up to which revision it has read."""

    view: str
    node_id: str
    house: str
    stream: str
    rev: int

    @property
    def scope(self) -> Scope:
        """What it sees."""
        return scope_of(self.view, self.house, self.stream)


@dataclass(frozen=True, slots=True)
class Compared:
    """The buckets to look at again, without the rows that changed; none: the two are the same."""

    changed: tuple[tuple[str, str], ...]
    """(kind, key) of every row that changed after the node's cursor."""
    buckets: Mapping[int, tuple[int, int]]
    """Count and sum of what the centre has in them, without the changed rows."""


@dataclass(frozen=True, slots=True)
class BucketRows:
    """All rows of some buckets, whole buckets only, as of one moment."""

    buckets: tuple[int, ...]
    rows: tuple[Row, ...]
    head: int


@dataclass(slots=True)
class DigestBook:
    """The shared parts' digests, each kept until its stream changes. One thread at a time."""

    _kept: dict[tuple[str, str], tuple[int, Digest]] = field(default_factory=dict)

    def shared(self, connection: Connection, reader: Reader, head: int) -> Digest:
        """What all nodes of the reader's view see of the stream."""
        key = (reader.stream, reader.view)
        found = self._kept.pop(key, None)
        if found is None or found[0] != head:
            digest = Digest()
            for rows in shared_chunks(connection, reader.scope, head):
                digest = digest.merged(counted(rows))
            found = (head, digest)
        while len(self._kept) >= _KEPT_MAX:
            self._kept.pop(next(iter(self._kept)))
        self._kept[key] = found
        return found[1]


@dataclass(frozen=True, slots=True)
class ReportDivergence:
    """A step of the heart: a node's copy differed, somebody should know. One case for each node."""

    stream: str
    node_id: str
    rev: int
    buckets: tuple[int, ...]

    def want(self, work: Work) -> None:
        """Name the case."""
        work.cases.want([f"{CaseKind.DIVERGENCE}:{self.node_id}"])

    def apply(self, work: Work) -> None:
        """Open it, or bring it up to date."""
        body = {"node": self.node_id, "rev": self.rev, "buckets": list(self.buckets)}
        open_case(work, CaseKind.DIVERGENCE, self.node_id, body)


def compare(
    connection: Connection, book: DigestBook, reader: Reader, told: Digest
) -> Compared | NotCompared:
    """Compare what a node has read up to its cursor with what the centre has of that."""
    heads = _heads_for(connection, reader)
    if isinstance(heads, NotCompared):
        return heads
    page = pull(
        connection,
        reader.view,
        reader.node_id,
        reader.house,
        reader.stream,
        reader.rev,
        CHANGED_MAX,
    )
    assert page is not None, "the stream was there a moment ago, in this very snapshot"
    if page.more:
        return NotCompared.PULL_FIRST
    ours = book.shared(connection, reader, heads.head)
    for rows in own_chunks(connection, reader.scope, reader.node_id, heads.head):
        ours = ours.merged(counted(rows))
    ours = ours.without(counted(page.rows))
    different = ours.differing(told)
    return Compared(
        tuple(_name(row) for row in page.rows if row[0] in KINDS) if different else (),
        {bucket: (ours.counts[bucket], ours.sums[bucket]) for bucket in different},
    )


def rows_of_buckets(
    connection: Connection, reader: Reader, wanted: Sequence[int]
) -> BucketRows | NotCompared:
    """The rows of as many of the wanted buckets as one answer can take, at least one."""
    heads = _heads_for(connection, reader)
    if isinstance(heads, NotCompared):
        return heads
    found: dict[int, list[Row]] = {bucket: [] for bucket in wanted}
    scope = reader.scope
    for rows in shared_chunks(connection, scope, heads.head):
        _sort_in(found, rows)
    for rows in own_chunks(connection, scope, reader.node_id, heads.head):
        _sort_in(found, rows)
    taken: list[int] = []
    sent: list[Row] = []
    for bucket, rows in found.items():
        if taken and len(sent) + len(rows) > ROWS_PER_PULL_MAX:
            break
        taken.append(bucket)
        sent.extend(rows)
    return BucketRows(tuple(taken), tuple(sent), heads.head)


def _heads_for(connection: Connection, reader: Reader) -> Heads | NotCompared:
    heads = read_heads(connection, reader.stream)
    if heads is None:
        return NotCompared.UNKNOWN_STREAM
    if reader.rev > heads.head:
        return NotCompared.GENERATION_CHANGED
    if heads.is_purged(reader.rev):
        return NotCompared.REFETCH
    return heads


def _sort_in(found: Mapping[int, list[Row]], rows: Sequence[Row]) -> None:
    for row in rows:
        if row[0] not in KINDS:  # a hub's: they do not count
            continue
        bucket = bucket_of(*_name(row))
        if bucket in found:
            found[bucket].append(row)


def _name(row: Row) -> tuple[str, str]:
    kind, _rev, body = row
    assert isinstance(kind, str)
    assert isinstance(body, dict)
    return kind, key_of(kind, body)

"""Does the mirror still hold what the feed told it? Ask by digest, and put right what differs.

Run it hourly, at shift close and before doors open, between two polls (what is asked about must
not move meanwhile: only the puller writes the mirror, and it is the puller who asks).

    request = digest_request(mirror, stream)
    buckets = read_digest(mirror, request, <POST request.path, request.body>)
    while buckets:                                    # ROUNDS_MAX times at most, then forget_stream
        ask = rows_request(request, buckets)
        rows = read_rows(ask, <POST ask.path, ask.body>)
        <install our own grants in rows.changes into the journal>
        mend(mirror, stream, rows)
        buckets = those of `buckets` that are not in rows.buckets
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edge import replies
from edge.mirror import BadChange, Change, Mirror
from program.logs import get_logger
from ticketing.digest import (
    BUCKET_COUNT,
    FORM,
    Content,
    Digest,
    bucket_of,
    canonical,
    claim_key,
    doc_key,
)

ROUNDS_MAX = BUCKET_COUNT
_SUM_MAX = 2**63 - 1
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class DigestRequest:
    """What a stream's rows add up to at the mirror's cursor."""

    stream: str
    generation: str
    rev: int

    buckets: tuple[tuple[int, int], ...]

    @property
    def path(self) -> str:
        """Where it is POSTed."""
        return f"/v1/e/{self.stream}/digest"

    @property
    def body(self) -> dict[str, object]:
        """As it is sent."""
        return {
            "gen": self.generation,
            "form": FORM,
            "rev": self.rev,
            "buckets": [list(pair) for pair in self.buckets],
        }


@dataclass(frozen=True, slots=True)
class RowsRequest:
    """The buckets in which we differ: the server gives their rows and opens a case."""

    stream: str
    generation: str
    rev: int
    buckets: tuple[int, ...]

    @property
    def path(self) -> str:
        """Where it is POSTed."""
        return f"/v1/e/{self.stream}/digest/rows"

    @property
    def body(self) -> dict[str, object]:
        """As it is sent."""
        return {
            "gen": self.generation,
            "form": FORM,
            "rev": self.rev,
            "buckets": list(self.buckets),
        }


@dataclass(frozen=True, slots=True)
class Rows:
    """All rows of some buckets, as the server has them."""

    buckets: tuple[int, ...]
    changes: tuple[Change, ...]


def digest_request(mirror: Mirror, stream: str) -> DigestRequest | None:
    """What to ask about a stream; None when the mirror has nothing of it yet."""
    with mirror.reading() as connection:
        cursor = _cursor(connection, stream)
        if cursor is None:
            return None
        digest = Digest()
        for row in _rows(connection, stream):
            digest.add(row.kind, row.key, row.rev, row.content)
    pairs = tuple(zip(digest.counts, digest.sums, strict=True))
    return DigestRequest(stream, *cursor, pairs)


def read_digest(mirror: Mirror, asked: DigestRequest, reply: Mapping[str, Any]) -> tuple[int, ...]:
    """The buckets in which the mirror differs from the server; none: all is well.

    Rows that changed at the server after our cursor count on neither side: they are on their way.
    Nothing is said when the cursor has moved since the question. Raises ServerUnreachable for an
    answer that makes no sense.
    """
    if (replies.generation(reply), reply.get("rev")) != (asked.generation, asked.rev):
        raise replies.nonsense("rev")
    theirs = {bucket: (count, total) for bucket, count, total in _sums(reply)}
    changed = _names(reply)
    if not theirs:
        return ()
    ours = Digest()
    with mirror.reading() as connection:
        if _cursor(connection, asked.stream) != (asked.generation, asked.rev):
            return ()
        for row in _rows(connection, asked.stream):
            if bucket_of(row.kind, row.key) in theirs and (row.kind, row.key) not in changed:
                ours.add(row.kind, row.key, row.rev, row.content)
    different = [b for b, pair in theirs.items() if (ours.counts[b], ours.sums[b]) != pair]
    if different:
        _log.error("mirror_diverged", stream=asked.stream, rev=asked.rev, buckets=len(different))
    return tuple(sorted(different))


def rows_request(asked: DigestRequest, buckets: Sequence[int]) -> RowsRequest:
    """Ask for the rows of the buckets that differ. This is also how the server hears of it."""
    return RowsRequest(asked.stream, asked.generation, asked.rev, tuple(buckets))


def read_rows(asked: RowsRequest, reply: Mapping[str, Any]) -> Rows:
    """Rows of one or more of the buckets asked for. Raises ServerUnreachable for nonsense."""
    if replies.generation(reply) != asked.generation:
        raise replies.nonsense("gen")
    buckets = reply.get("buckets")
    if not isinstance(buckets, list) or not buckets:
        raise replies.nonsense("buckets")
    if not all(type(bucket) is int and bucket in asked.buckets for bucket in buckets):
        raise replies.nonsense("buckets")
    return Rows(tuple(buckets), tuple(replies.changes(reply)))


def mend(mirror: Mirror, stream: str, rows: Rows) -> None:
    """Put the server's rows in the place of what the mirror has in these buckets.

    Rows newer than the cursor may be among them; the feed brings those again. Raises
    ServerUnreachable for a row that makes no sense, and then nothing has changed.
    """
    buckets = frozenset(rows.buckets)
    with mirror.reading() as connection:
        unsound = [
            (row.table, row.rowid)
            for row in _rows(connection, stream)
            if bucket_of(row.kind, row.key) in buckets
        ]
    try:
        mirror.mend(stream, unsound, rows.changes)
    except BadChange as error:
        raise replies.nonsense(str(error)) from error


@dataclass(frozen=True, slots=True)
class _Row:
    """A row of the mirror, as the digest sees it."""

    table: str
    rowid: int
    kind: str
    key: str
    rev: int
    content: Content


def _cursor(connection: sqlite3.Connection, stream: str) -> tuple[str, int] | None:
    found = connection.execute("SELECT gen, rev FROM cursor WHERE stream = ?", (stream,)).fetchone()
    return None if found is None else (found["gen"], found["rev"])


def _rows(connection: sqlite3.Connection, stream: str) -> Iterator[_Row]:
    for kind, (table, columns, name) in _TABLES.items():
        found = connection.execute(
            f"SELECT rowid, rev, {columns} FROM {table} WHERE stream = ?",  # noqa: S608 - ours
            (stream,),
        )
        for rowid, rev, *values in found:
            key, content = name(values)
            yield _Row(table, rowid, kind, key, rev, content)


_Name = Callable[[list[Any]], tuple[str, Content]]


def _by_id(values: list[Any]) -> tuple[str, Content]:
    return values[0], values[1:]


def _doc(values: list[Any]) -> tuple[str, Content]:
    kind, doc_id, body = values
    try:
        return doc_key(kind, doc_id), [canonical(json.loads(body))]
    except ValueError:  # no document any more: what it is stands for itself, and differs
        return doc_key(kind, doc_id), [body]


def _claim(values: list[Any]) -> tuple[str, Content]:
    return claim_key(values[0], values[1]), values[2:]


_TABLES: Mapping[str, tuple[str, str, _Name]] = {
    "doc": ("doc", "kind, id, body", _doc),
    "claim": ("claim", "performance, unit, kind, ref, node_id, version", _claim),
    "allot": ("allot", "id, node_id, performance, state, units", _by_id),
    "ticket": ("ticket", "id, performance, unit, version, state, blocked", _by_id),
    "entry": ("entry", "op_id, ticket_id, node_id, lane, phase, at_ms", _by_id),
    "order": (
        "orders",
        "id, node_id, receipt_no, state, total_minor, refunded_minor, currency, sold_by, sold_ms",
        _by_id,
    ),
    "order_no": ("order_no", "id, receipt_no", _by_id),
    "buyer": ("buyer", "order_id, key_no, sealed, tokens, at_ms", _by_id),
    "handout": ("handout", "order_id, keeper, wanted_by, turn, copies", _by_id),
    "credential": ("credential", "ref, ticket_id, kind, state, ticket_type, counter", _by_id),
    "case": ("case_file", "id, kind, state, opened_ms, body", _by_id),
    "node": ("node", "id, name, role, key, key_id, signature, state", _by_id),
    "person": ("person", "id, name, role, pin, state", _by_id),
}


def _sums(reply: Mapping[str, Any]) -> Iterator[tuple[int, int, int]]:
    for raw in _lists(reply, "buckets", BUCKET_COUNT):
        match raw:
            case [int(bucket), int(count), int(total)] if (
                0 <= bucket < BUCKET_COUNT and count >= 0 and 0 <= total <= _SUM_MAX
            ):
                yield bucket, count, total
            case _:
                raise replies.nonsense("buckets")


def _names(reply: Mapping[str, Any]) -> Collection[tuple[str, str]]:
    found = set()
    for raw in _lists(reply, "changed", None):
        match raw:
            case [str(kind), str(key)]:
                found.add((kind, key))
            case _:
                raise replies.nonsense("changed")
    return found


def _lists(reply: Mapping[str, Any], key: str, most: int | None) -> list[Any]:
    value = reply.get(key)
    if not isinstance(value, list) or (most is not None and len(value) > most):
        raise replies.nonsense(key)
    return value

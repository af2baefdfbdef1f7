"""The feed: what each node is told of each stream, in the order of its revisions.

There is no change log: a row's latest state carries the revision of its last change, so a node
that has read up to a revision holds, for every row in its scope, that state or a newer one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

ROWS_PER_PULL_MAX = 5_000

Row = list[object]
"""`[kind, rev, body]` as it goes out."""


@dataclass(frozen=True, slots=True)
class _Source:
    """One table of a scope: its query (bound :e, :after, :head, :n, :node) and its row's shape."""

    sql: str
    shape: Callable[[Any], Row]


@dataclass(frozen=True, slots=True)
class Page:
    """Rows in order of revision. Everything up to `next` is known once they are applied."""

    rows: tuple[Row, ...]
    next: int
    head: int

    @property
    def more(self) -> bool:
        """Whether there is more to read at once."""
        return self.next < self.head


def pull(
    connection: Connection, role: str, node_id: str, house: str, stream: str, after: int, limit: int
) -> Page | None:
    """A page of one stream's feed for a node, or None when there is no such stream."""
    head = connection.execute(
        text("SELECT head FROM stream WHERE event_id = :e"), {"e": stream}
    ).scalar()
    if head is None:
        return None
    scope = _HOUSE_SCOPE[role] if stream == house else _EVENT_SCOPE[role]
    bound = {"e": stream, "after": after, "head": head, "n": limit, "node": node_id}
    rows: list[Row] = []
    for source in scope:
        rows.extend(source.shape(row) for row in connection.execute(text(source.sql), bound))
    rows.sort(key=_revision)
    page = tuple(rows[:limit])
    read_to = _revision(page[-1]) if len(rows) >= limit else int(head)
    return Page(page, read_to, int(head))


def _revision(row: Row) -> int:
    revision = row[1]
    assert isinstance(revision, int)
    return revision


def _query(columns: str, table: str, condition: str = "") -> str:
    of_stream = "event_id = :e AND" if table in _BY_EVENT else ""
    return (  # our own names only; every value is bound
        f"SELECT {columns}, rev FROM {table} WHERE {of_stream} "  # noqa: S608
        f"rev > :after AND rev <= :head {condition} ORDER BY rev LIMIT :n"
    )


_BY_EVENT = frozenset({"doc", "claim", "allot", "ticket", "entry"})

_DOCS = _Source(
    _query("kind, id, body", "doc"),
    lambda r: ["doc", r.rev, {"kind": r.kind, "id": r.id, "body": json.loads(r.body)}],
)
_NODES = _Source(
    _query("id, name, role, public_key, key_id, key_signature, state", "node"),
    lambda r: [
        "node",
        r.rev,
        {
            "id": r.id,
            "name": r.name,
            "role": r.role,
            "key": r.public_key,
            "key_id": r.key_id,
            "signature": r.key_signature,
            "state": r.state,
        },
    ],
)
_PEOPLE = _Source(
    _query("id, name, role, pin_hash, state", "person"),
    lambda r: [
        "person",
        r.rev,
        {"id": r.id, "name": r.name, "role": r.role, "pin": r.pin_hash, "state": r.state},
    ],
)
_CLAIMS = _Source(
    _query("perf_id, unit, kind, ref, node_id, version", "claim"),
    lambda r: [
        "claim",
        r.rev,
        {
            "p": r.perf_id,
            "u": r.unit,
            "kind": r.kind,
            "ref": r.ref,
            "node": r.node_id,
            "v": r.version,
        },
    ],
)
_ALLOT_COLUMNS = "id, node_id, perf_id, firm, state, body"


def _allotment(r: Any) -> Row:
    body = {
        "id": r.id,
        "node": r.node_id,
        "p": r.perf_id,
        "firm": bool(r.firm),
        "state": r.state,
        **json.loads(r.body),
    }
    return ["allot", r.rev, body]


_OWN_ALLOTMENTS = _Source(_query(_ALLOT_COLUMNS, "allot", "AND node_id = :node"), _allotment)
_ALL_ALLOTMENTS = _Source(_query(_ALLOT_COLUMNS, "allot"), _allotment)
_TICKETS = _Source(
    _query("id, perf_id, unit, version, state", "ticket"),
    lambda r: [
        "ticket",
        r.rev,
        {"id": r.id, "p": r.perf_id, "u": r.unit, "v": r.version, "state": r.state},
    ],
)
_ENTRIES = _Source(
    _query("op_id, ticket_id, perf_id, unit, node_id, lane, phase, at_ms", "entry"),
    lambda r: [
        "entry",
        r.rev,
        {
            "op": r.op_id,
            "ticket": r.ticket_id,
            "p": r.perf_id,
            "u": r.unit,
            "node": r.node_id,
            "lane": r.lane,
            "phase": r.phase,
            "at_ms": r.at_ms,
        },
    ],
)

_HOUSE_SCOPE: Mapping[str, tuple[_Source, ...]] = {
    "till": (_DOCS, _NODES, _PEOPLE),
    "gate": (_DOCS, _NODES),
}
_EVENT_SCOPE: Mapping[str, tuple[_Source, ...]] = {
    "till": (_DOCS, _CLAIMS, _OWN_ALLOTMENTS),
    "gate": (_DOCS, _ALL_ALLOTMENTS, _TICKETS, _ENTRIES),
}

"""The feed: what each node is told of each stream, in the order of its revisions.

There is no change log: a row's latest state carries the revision of its last change, so a node
that has read up to a revision holds, for every row in its scope, that state or a newer one.

A scope is a list of sources, one for each table. What is the same for all nodes of a role (its
shared part) also goes into snapshot files and digests; the rest is a node's own.

A window of an agency has a view of its own: of orders, buyers and people it is told what its
agency's windows did and who works at them. Of a place that somebody else has it is told that, and
not who. A window never changes its agency, so no row ever comes into its view or leaves it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Table, bindparam, text

from sync_server.services.permissions import Permission, PersonRole, person_may
from sync_server.store import schema

ROWS_PER_PULL_MAX = 5_000
AGENCY_VIEW = "agency"
"""What a window of an agency is told. Stands beside the roles, which are views of their own."""
NODE_OWN = (
    "enrolled_ms",
    "last_seen_ms",
    "unsynced_count",
    "program_version",
    "clock_offset_ms",
    "hello_session",
    "hello_turn",
)
"""Columns of a node that are about its contact with the server that has them, and no other's."""

Row = list[object]
"""`[kind, rev, body]` as it goes out."""


@dataclass(frozen=True, slots=True)
class _Source:
    """One table of a scope: its query (bound :e, :after, :head, :n, :node) and its row's shape."""

    sql: str
    count_sql: str
    shape: Callable[[Any], Row]
    own: bool
    """Whether each node sees other rows of it."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What a node of a role sees of one stream."""

    stream: str
    sources: tuple[_Source, ...]


@dataclass(frozen=True, slots=True)
class Heads:
    """How far a stream's feed goes, and the oldest cursor that it can be read on from."""

    head: int
    min_rev: int

    def is_purged(self, after: int) -> bool:
        """Whether rows after this cursor are gone: its reader begins again, from nothing."""
        return 0 < after < self.min_rev


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


@dataclass(frozen=True, slots=True)
class News:
    """What one call over several streams brings."""

    pages: Mapping[str, Page]
    purged: str | None
    """A stream whose rows after the given cursor are gone: it is read again from nothing."""
    ends_before: bool
    """Whether a given cursor lies beyond this history's end: the reader knows another one."""

    def leads_on(self, after: Mapping[str, int]) -> bool:
        """Whether a reader gets any further by it: also past revisions that are nothing to it."""
        return any(page.next > after[stream] for stream, page in self.pages.items())


def view_of(role: str, agency: str) -> str:
    """Whose rows a node is told: by its role, but for an agency's window."""
    return AGENCY_VIEW if agency else role


def scope_of(view: str, house: str, stream: str) -> Scope:
    """What a view has of a stream; the house's own stream has other rows than an event's."""
    return Scope(stream, _HOUSE_SCOPE[view] if stream == house else _EVENT_SCOPE[view])


def read_heads(connection: Connection, stream: str) -> Heads | None:
    """How far the feed goes, or None when there is no such stream."""
    found = connection.execute(
        text("SELECT head, min_rev FROM stream WHERE event_id = :e"), {"e": stream}
    ).first()
    return None if found is None else Heads(int(found[0]), int(found[1]))


def pull(
    connection: Connection, view: str, node_id: str, house: str, stream: str, after: int, limit: int
) -> Page | None:
    """A page of one stream's feed for a node, or None when there is no such stream."""
    heads = read_heads(connection, stream)
    if heads is None:
        return None
    scope = scope_of(view, house, stream)
    return _page(connection, scope, scope.sources, node_id, after, heads.head, limit)


def pull_all(
    connection: Connection,
    view: str,
    node_id: str,
    house: str,
    after: Mapping[str, int],
    limit: int,
) -> News:
    """News of every stream that there is, at most `limit` rows in all.

    Streams that have to wait for the next call say so by `more`, so that a reader that is far
    behind costs one call after the other, never one that is as long as all of them. What has not
    changed costs nothing but a look at its head.
    """
    found = connection.execute(_ALL_HEADS, {"streams": list(after)})
    heads = {row[0]: Heads(int(row[1]), int(row[2])) for row in found}
    pages: dict[str, Page] = {}
    left = limit
    for stream in (stream for stream in after if stream in heads):
        head, rev = heads[stream].head, after[stream]
        if left and rev < head:
            scope = scope_of(view, house, stream)
            pages[stream] = _page(connection, scope, scope.sources, node_id, rev, head, left)
            left -= len(pages[stream].rows)
        else:
            pages[stream] = Page((), min(rev, head), head)
    return News(
        pages,
        purged=next((s for s in pages if heads[s].is_purged(after[s])), None),
        ends_before=any(heads[s].head < after[s] for s in pages),
    )


_ALL_HEADS = text(
    "SELECT event_id, head, min_rev FROM stream WHERE event_id IN :streams"
).bindparams(bindparam("streams", expanding=True))


def pull_own(
    connection: Connection, scope: Scope, node_id: str, after: int, read_to: int, limit: int
) -> Page:
    """Only the node's own part, rows of revisions up to `read_to`: what a snapshot file lacks."""
    own = [source for source in scope.sources if source.own]
    return _page(connection, scope, own, node_id, after, read_to, limit)


def shared_chunks(connection: Connection, scope: Scope, head: int) -> Iterator[Sequence[Row]]:
    """All rows of the shared part up to `head`, a bounded number at a time, table by table.

    To be read in one transaction that sees one state of the database.
    """
    for source in scope.sources:
        if not source.own:
            yield from _chunks(connection, scope, source, "", head)


def own_chunks(
    connection: Connection, scope: Scope, node_id: str, head: int
) -> Iterator[Sequence[Row]]:
    """All rows of the node's own part, likewise."""
    for source in scope.sources:
        if source.own:
            yield from _chunks(connection, scope, source, node_id, head)


def shared_count(connection: Connection, scope: Scope, head: int) -> int:
    """How many rows the shared part has."""
    bound = {"e": scope.stream, "after": 0, "head": head}
    counts = (
        connection.execute(text(source.count_sql), bound).scalar_one()
        for source in scope.sources
        if not source.own
    )
    return sum(int(count) for count in counts)


def _page(
    connection: Connection,
    scope: Scope,
    sources: Iterable[_Source],
    node_id: str,
    after: int,
    head: int,
    limit: int,
) -> Page:
    rows: list[Row] = []
    for source in sources:
        rows.extend(_rows(connection, scope, source, node_id, after, head, limit))
    rows.sort(key=_revision)
    page = tuple(rows[:limit])
    read_to = _revision(page[-1]) if len(rows) >= limit else head
    return Page(page, read_to, head)


def _chunks(
    connection: Connection, scope: Scope, source: _Source, node_id: str, head: int
) -> Iterator[Sequence[Row]]:
    after = 0
    while rows := _rows(connection, scope, source, node_id, after, head, ROWS_PER_PULL_MAX):
        yield rows
        after = _revision(rows[-1])


def _rows(
    connection: Connection,
    scope: Scope,
    source: _Source,
    node_id: str,
    after: int,
    head: int,
    limit: int,
) -> list[Row]:
    """The one query by which rows leave the centre."""
    bound = {"e": scope.stream, "after": after, "head": head, "n": limit, "node": node_id}
    json_body = "body" if connection.dialect.name == "sqlite" else "body::json"
    sql = text(source.sql.replace(_JSON_BODY, json_body))
    return list(map(source.shape, connection.execute(sql, bound).fetchall()))


def _revision(row: Row) -> int:
    revision = row[1]
    assert isinstance(revision, int)
    return revision


# --- tables and their shapes: what follows says which columns go out, and as what


def _source(
    table: str,
    columns: str,
    shape: Callable[[Any], Row],
    *,
    of_house: bool = False,
    condition: str = "",
    own: bool = False,
) -> _Source:
    of_stream = "" if of_house else "event_id = :e AND"
    where = f"FROM {table} WHERE {of_stream} rev > :after AND rev <= :head{condition}"
    return _Source(  # our own names only; every value is bound
        f"SELECT rev, {columns} {where} ORDER BY rev LIMIT :n",
        f"SELECT count(*) {where}",
        shape,
        own,
    )


def _doc(row: Any) -> Row:
    rev, kind, doc_id, body = row
    return ["doc", rev, {"kind": kind, "id": doc_id, "body": json.loads(body)}]


def _node(row: Any) -> Row:
    rev, node_id, name, role, key, key_id, signature, state, hub = row
    body = {"id": node_id, "name": name, "role": role, "key": key, "key_id": key_id}
    return ["node", rev, {**body, "signature": signature, "state": state, "hub": hub}]


def _person(row: Any) -> Row:
    rev, person_id, name, role, pin, state = row
    body = {"id": person_id, "name": name, "role": role, "pin": pin, "state": state}
    return ["person", rev, body]


def _person_at_gate(row: Any) -> Row:
    """A gate hears of everybody's role; names and PINs of those alone who may use its pages."""
    kind, rev, body = _person(row)
    assert isinstance(body, dict)
    return [kind, rev, body if body["role"] in _GATE_ROLES else {**body, "name": "", "pin": ""}]


def _person_at_till(row: Any) -> Row:
    """A window of the house checks nobody's PIN who works for an agency."""
    kind, rev, body = _person(row)
    assert isinstance(body, dict)
    return [kind, rev, {**body, "pin": ""} if body["role"] == PersonRole.AGENT else body]


def _claim(row: Any) -> Row:
    rev, performance, unit, kind, ref, node_id, version = row
    body = {"p": performance, "u": unit, "kind": kind, "ref": ref, "node": node_id, "v": version}
    return ["claim", rev, body]


def _allotment(row: Any) -> Row:
    rev, allot_id, node_id, incarnation, performance, firm, state, *terms, recall, lent = row
    granted_ms, soft_s, hard_s = terms
    body = {
        "id": allot_id,
        "node": node_id,
        "inc": incarnation,
        "p": performance,
        "firm": bool(firm),
        "state": state,
        "granted_ms": granted_ms,
        "soft_s": soft_s,
        "hard_s": hard_s,
        "recall": bool(recall),
        **json.loads(lent),
    }
    return ["allot", rev, body]


def _ticket(row: Any) -> Row:
    rev, ticket_id, performance, unit, version, state, blocked, order_id = row
    body = {"id": ticket_id, "p": performance, "u": unit, "v": version, "state": state}
    return ["ticket", rev, {**body, "blocked": blocked, "order": order_id}]


def _entry(row: Any) -> Row:
    rev, op_id, ticket_id, performance, unit, node_id, lane, phase, at_ms = row
    body = {"op": op_id, "ticket": ticket_id, "p": performance, "u": unit, "node": node_id}
    return ["entry", rev, {**body, "lane": lane, "phase": phase, "at_ms": at_ms}]


def _order(row: Any) -> Row:
    rev, order_id, node_id, no, state, total, refunded, currency, sold_by, at_ms = row
    body = {"id": order_id, "node": node_id, "no": no, "state": state, "total": total}
    body |= {"refunded": refunded, "currency": currency, "by": sold_by, "at_ms": at_ms}
    return ["order", rev, body]


def _order_no(row: Any) -> Row:
    """What a gate needs to find an order's tickets: nothing of its money."""
    rev, order_id, no = row
    return ["order_no", rev, {"id": order_id, "no": no}]


def _buyer(row: Any) -> Row:
    rev, order_id, key_no, sealed, tokens, at_ms = row
    body = {"order": order_id, "key": key_no, "sealed": sealed, "tokens": json.loads(tokens)}
    return ["buyer", rev, body | {"at_ms": at_ms}]


def _handout(row: Any) -> Row:
    rev, order_id, keeper, wanted_by, turn, copies = row
    body = {"order": order_id, "keeper": keeper, "wanted": wanted_by, "turn": turn}
    return ["handout", rev, body | {"copies": copies}]


def _credential(row: Any) -> Row:
    """Neither who bound it nor when: a gate decides without, and a till has its own journal."""
    rev, ref, ticket_id, kind, state, ticket_type, counter = row
    body = {"ref": ref, "ticket": ticket_id, "kind": kind, "state": state}
    return ["credential", rev, body | {"type": ticket_type, "counter": counter}]


def _case(row: Any) -> Row:
    rev, case_id, kind, state, opened_ms, body = row
    told = {"id": case_id, "kind": kind, "state": state, "at_ms": opened_ms}
    return ["case", rev, {**told, "body": json.loads(body)}]


def _whole(table: Table, *left_out: str, of_house: bool = False, condition: str = "") -> _Source:
    """Rows as they are, but for who reads them: what a hub takes into a database like ours."""
    names = [c.name for c in table.columns if c.name not in ("event_id", "rev", "was", *left_out)]

    def shape(row: Any) -> Row:
        columns = dict(zip(names, row[1:], strict=True))
        return ["row", row[0], {"table": table.name, "columns": columns}]

    return _source(table.name, ", ".join(names), shape, of_house=of_house, condition=condition)


_DOCS = _source("doc", "kind, id, body", _doc)
_NODES = _source(
    "node",
    "id, name, role, public_key, key_id, key_signature, state, hub",
    _node,
    of_house=True,
)
_PEOPLE = _source("person", "id, name, role, pin_hash, state", _person_at_till, of_house=True)
_PEOPLE_AT_GATE = _source(
    "person", "id, name, role, pin_hash, state", _person_at_gate, of_house=True
)
_CLAIMS = _source("claim", "perf_id, unit, kind, ref, node_id, version", _claim)
# A hold is the centre's own affair: nobody can sell from it, and no ticket cites it.
_ALLOTMENTS = "id, node_id, inc, perf_id, firm, state, granted_ms, soft_s, hard_s, recall, body"
_NO_HOLDS = " AND node_id <> ''"
_OWN_ALLOTMENTS = _source(
    "allot", _ALLOTMENTS, _allotment, condition=f"{_NO_HOLDS} AND node_id = :node", own=True
)
_ALL_ALLOTMENTS = _source("allot", _ALLOTMENTS, _allotment, condition=_NO_HOLDS)
_TICKETS = _source("ticket", "id, perf_id, unit, version, state, blocked, order_id", _ticket)
_GATE_ROLES = frozenset(role for role in PersonRole if person_may(role, Permission.GATE_SIGN_IN))
_ENTRIES = _source("entry", "op_id, ticket_id, perf_id, unit, node_id, lane, phase, at_ms", _entry)
_ORDERS = _source(
    "orders",
    "id, node_id, receipt_no, state, total_minor, refunded_minor, currency, sold_by, sold_ms",
    _order,
)
_ORDER_NUMBERS = _source("orders", "id, receipt_no", _order_no)
_BUYERS = _source("buyer", "order_id, key_no, sealed, tokens, at_ms", _buyer)
_HANDOUTS = _source("handout", "order_id, keeper, wanted_by, turn, copies", _handout)
_CREDENTIALS = _source(
    "credential", "ref, ticket_id, kind, state, ticket_type, counter", _credential
)
_CASES = _source("case_file", "id, kind, state, opened_ms, body", _case)

_JSON_BODY = "{body}"
_AGENCY = "(SELECT m.agency FROM node m WHERE m.id = :node)"
_WINDOWS = f"(SELECT n.id FROM node n WHERE n.agency = {_AGENCY})"  # noqa: S608 - our own words
_SALES = f"(SELECT s.id FROM orders s WHERE s.event_id = :e AND s.node_id IN {_WINDOWS})"  # noqa: S608
_ITS_ORDER = f"order_id IN {_SALES}"
_IS_ITS_TICKET = (
    "EXISTS (SELECT 1 FROM ticket k JOIN orders s ON s.event_id = k.event_id AND s.id = k.order_id "  # noqa: S608
    f"WHERE k.event_id = :e AND k.id = ticket_id AND s.node_id IN {_WINDOWS})"
)
_WORKS_THERE = (
    f"role = '{PersonRole.AGENT.value}' AND scope_kind = 'agency' "
    f"AND scope_ids LIKE '%\"' || {_AGENCY} || '\"%'"  # ids are hex digits
)


def _if(condition: str, column: str) -> str:
    """The column where the condition holds, else ''."""
    return f"CASE WHEN {condition} THEN {column} ELSE '' END"


_IS_TOLD_NAME = f"role <> 'till' OR agency = {_AGENCY}"
_AGENCY_NODES = _source(
    "node",
    f"id, {_if(_IS_TOLD_NAME, 'name')}, role, public_key, key_id, key_signature, state, hub",
    _node,
    of_house=True,
    own=True,
)
_AGENCY_PEOPLE = _source(
    "person",
    f"id, {_if(_WORKS_THERE, 'name')}, role, {_if(_WORKS_THERE, 'pin_hash')}, state",
    _person,
    of_house=True,
    own=True,
)
_AGENCY_DOCS = _source(  # what others may have is the house's affair, and no window reads it
    "doc", "kind, id, CASE WHEN kind = 'lending' THEN '{}' ELSE body END", _doc
)
_AGENCY_CLAIMS = _source(
    "claim",
    f"perf_id, unit, kind, {_if(f'node_id IN {_WINDOWS}', 'ref')}, "
    f"{_if(f'node_id IN {_WINDOWS}', 'node_id')}, version",
    _claim,
    own=True,
)
_AGENCY_ORDERS = _source(
    "orders",
    "id, node_id, receipt_no, state, total_minor, refunded_minor, currency, sold_by, sold_ms",
    _order,
    condition=f" AND node_id IN {_WINDOWS}",
    own=True,
)
_AGENCY_BUYERS = _source(
    "buyer",
    "order_id, key_no, sealed, tokens, at_ms",
    _buyer,
    condition=f" AND ({_ITS_ORDER} OR node_id IN {_WINDOWS})",
    own=True,
)
_AGENCY_HANDOUTS = _source(
    "handout",
    "order_id, keeper, wanted_by, turn, copies",
    _handout,
    condition=f" AND {_ITS_ORDER}",
    own=True,
)
_AGENCY_CREDENTIALS = _source(
    "credential",
    f"ref, {_if(_IS_ITS_TICKET, 'ticket_id')}, kind, state, ticket_type, counter",
    _credential,
    own=True,
)
_AGENCY_CASES = _source(
    "case_file",
    "id, kind, state, opened_ms, body",
    _case,
    condition=f" AND ({_JSON_BODY} ->> 'node' IN {_WINDOWS} OR {_JSON_BODY} ->> 'order' IN {_SALES})",
    own=True,
)

_HUB_DOCS = _whole(schema.doc)
_HUB_NODES = _whole(schema.node, *NODE_OWN, "agency", of_house=True)
_HUB_PEOPLE = _whole(schema.person, "login", "password_hash", of_house=True)
_HUB_EVENT = (
    _HUB_DOCS,
    _whole(schema.claim),
    _whole(schema.allot, condition=_NO_HOLDS),
    _whole(schema.orders),
    _whole(schema.buyer),
    _whole(schema.handout),
    _whole(schema.ticket),
    _whole(schema.entry),
    _whole(schema.credential),
    _whole(schema.case),
)

_HOUSE_SCOPE: Mapping[str, tuple[_Source, ...]] = {
    "till": (_DOCS, _NODES, _PEOPLE),
    AGENCY_VIEW: (_AGENCY_DOCS, _AGENCY_NODES, _AGENCY_PEOPLE),
    "gate": (_DOCS, _NODES, _PEOPLE_AT_GATE),
    "hub": (_HUB_DOCS, _HUB_NODES, _HUB_PEOPLE),
}
_EVENT_SCOPE: Mapping[str, tuple[_Source, ...]] = {
    "till": (_DOCS, _CLAIMS, _OWN_ALLOTMENTS, _ORDERS, _BUYERS, _HANDOUTS, _CREDENTIALS, _CASES),
    AGENCY_VIEW: (
        _AGENCY_DOCS,
        _AGENCY_CLAIMS,
        _OWN_ALLOTMENTS,
        _AGENCY_ORDERS,
        _AGENCY_BUYERS,
        _AGENCY_HANDOUTS,
        _AGENCY_CREDENTIALS,
        _AGENCY_CASES,
    ),
    "gate": (_DOCS, _ALL_ALLOTMENTS, _TICKETS, _ENTRIES, _ORDER_NUMBERS, _CREDENTIALS, _CASES),
    "hub": _HUB_EVENT,
}

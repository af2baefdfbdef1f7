"""mirror.db: what the server told this node. Written by the puller alone; a cache.

Rows and the cursor that says how far they reach are committed together, so a node that has read
to a revision really holds everything up to it.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

from edge.allotments import grant_from_wire
from edge.database import create, storage_errors
from edge.errors import ReplicaDamaged, ReplicaError
from edge.readers import Readers
from ticketing.credential import CredentialKind, CredentialState, is_credential_ref
from ticketing.digest import canonical
from ticketing.personal import TOKENS_MAX, is_sealed, is_token

SCHEMA_VERSION = 8

_SCHEMA = """
CREATE TABLE cursor (stream TEXT PRIMARY KEY, gen TEXT NOT NULL, rev INTEGER NOT NULL) STRICT;
CREATE TABLE doc (
    stream TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL, rev INTEGER NOT NULL,
    body TEXT NOT NULL, PRIMARY KEY (stream, kind, id)) STRICT;
CREATE TABLE claim (
    stream TEXT NOT NULL, performance INTEGER NOT NULL, unit INTEGER NOT NULL, kind TEXT NOT NULL,
    ref TEXT NOT NULL, node_id TEXT NOT NULL, version INTEGER NOT NULL, rev INTEGER NOT NULL,
    PRIMARY KEY (stream, performance, unit)) STRICT;
CREATE TABLE allot (
    stream TEXT NOT NULL, id TEXT NOT NULL, node_id TEXT NOT NULL, performance INTEGER NOT NULL,
    state TEXT NOT NULL, units TEXT NOT NULL, rev INTEGER NOT NULL, PRIMARY KEY (stream, id)) STRICT;
CREATE TABLE ticket (
    stream TEXT NOT NULL, id TEXT NOT NULL, performance INTEGER NOT NULL, unit INTEGER NOT NULL,
    version INTEGER NOT NULL, state TEXT NOT NULL, blocked TEXT NOT NULL, order_id TEXT NOT NULL,
    rev INTEGER NOT NULL, PRIMARY KEY (stream, id)) STRICT;
CREATE INDEX ticket_by_unit ON ticket (stream, performance, unit);
CREATE INDEX ticket_by_order ON ticket (stream, order_id);
CREATE TABLE entry (
    stream TEXT NOT NULL, op_id TEXT NOT NULL, ticket_id TEXT NOT NULL, node_id TEXT NOT NULL,
    lane TEXT NOT NULL, phase TEXT NOT NULL, at_ms INTEGER NOT NULL, rev INTEGER NOT NULL,
    PRIMARY KEY (stream, op_id)) STRICT;
CREATE INDEX entry_by_ticket ON entry (stream, ticket_id);
CREATE TABLE orders (
    stream TEXT NOT NULL, id TEXT NOT NULL, node_id TEXT NOT NULL, receipt_no TEXT NOT NULL,
    state TEXT NOT NULL, total_minor INTEGER NOT NULL, refunded_minor INTEGER NOT NULL,
    currency TEXT NOT NULL, sold_by TEXT NOT NULL, sold_ms INTEGER NOT NULL, rev INTEGER NOT NULL,
    PRIMARY KEY (stream, id)) STRICT;
CREATE INDEX order_by_receipt ON orders (stream, receipt_no);
CREATE TABLE order_no (
    stream TEXT NOT NULL, id TEXT NOT NULL, receipt_no TEXT NOT NULL, rev INTEGER NOT NULL,
    PRIMARY KEY (stream, id)) STRICT;
CREATE INDEX order_no_by_receipt ON order_no (stream, receipt_no);
CREATE TABLE buyer (
    stream TEXT NOT NULL, order_id TEXT NOT NULL, key_no INTEGER NOT NULL, sealed TEXT NOT NULL,
    tokens TEXT NOT NULL, at_ms INTEGER NOT NULL, rev INTEGER NOT NULL,
    PRIMARY KEY (stream, order_id)) STRICT;
CREATE INDEX buyer_erased ON buyer (stream) WHERE sealed = '';
CREATE TABLE buyer_token (
    token TEXT NOT NULL, stream TEXT NOT NULL, order_id TEXT NOT NULL,
    PRIMARY KEY (token, stream, order_id)) STRICT, WITHOUT ROWID;
CREATE INDEX buyer_token_of ON buyer_token (stream, order_id);
CREATE TRIGGER buyer_replaced BEFORE INSERT ON buyer BEGIN
    DELETE FROM buyer_token WHERE stream = new.stream AND order_id = new.order_id; END;
CREATE TRIGGER buyer_comes AFTER INSERT ON buyer BEGIN
    INSERT OR IGNORE INTO buyer_token
        SELECT value, new.stream, new.order_id FROM json_each(new.tokens); END;
CREATE TRIGGER buyer_goes AFTER DELETE ON buyer BEGIN
    DELETE FROM buyer_token WHERE stream = old.stream AND order_id = old.order_id; END;
CREATE TABLE handout (
    stream TEXT NOT NULL, order_id TEXT NOT NULL, keeper TEXT NOT NULL, wanted_by TEXT NOT NULL,
    turn INTEGER NOT NULL, copies INTEGER NOT NULL, rev INTEGER NOT NULL,
    PRIMARY KEY (stream, order_id)) STRICT;
CREATE TABLE credential (
    stream TEXT NOT NULL, ref TEXT NOT NULL, ticket_id TEXT NOT NULL, kind TEXT NOT NULL,
    state TEXT NOT NULL, ticket_type INTEGER NOT NULL, counter INTEGER NOT NULL, rev INTEGER NOT NULL,
    PRIMARY KEY (ref, stream)) STRICT;
CREATE INDEX credential_of ON credential (stream, ticket_id);
CREATE TABLE case_file (
    stream TEXT NOT NULL, id TEXT NOT NULL, kind TEXT NOT NULL, state TEXT NOT NULL,
    opened_ms INTEGER NOT NULL, body TEXT NOT NULL, rev INTEGER NOT NULL,
    PRIMARY KEY (stream, id)) STRICT;
CREATE TABLE node (
    stream TEXT NOT NULL, id TEXT PRIMARY KEY, name TEXT NOT NULL, role TEXT NOT NULL, key TEXT NOT NULL,
    key_id TEXT NOT NULL UNIQUE, signature TEXT NOT NULL, state TEXT NOT NULL,
    hub TEXT NOT NULL, rev INTEGER NOT NULL) STRICT;
CREATE TABLE person (
    stream TEXT NOT NULL, id TEXT PRIMARY KEY, name TEXT NOT NULL, role TEXT NOT NULL, pin TEXT NOT NULL,
    state TEXT NOT NULL, rev INTEGER NOT NULL) STRICT
"""

_IMPORT_CACHE_KIB = 64 * 1024
"""An import's pages stay in memory until its commit: 100,000 tickets are 30 MB with their indexes."""


class Change(NamedTuple):
    """One row of the feed: its kind, its revision and what it says.

    A tuple, because a snapshot has a hundred thousand of them.
    """

    kind: str
    rev: int
    body: Mapping[str, Any]


class BadChange(ValueError):
    """A row of the feed that lacks a member, or has one of another type than it must have."""


# What JSON can bring that a column will not take: a member that is missing, null, a list, of
# another type (the tables are STRICT), a number beyond 64 bits, half a surrogate pair.
_NONSENSE = (
    KeyError,
    TypeError,
    ValueError,
    OverflowError,
    sqlite3.IntegrityError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
)


class Mirror:
    """The cache's file. A damaged one, or one of another version, is made anew."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writing = threading.Lock()
        self._closed = False
        self._connection = _open_or_remake(path)
        self._readers = Readers(path)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A consistent read, on any thread."""
        with _cache_errors(self._path), self._readers.reading() as connection:
            yield connection

    def cursors(self) -> dict[str, int]:
        """How far each stream has been read."""
        with self.reading() as connection:
            rows = connection.execute("SELECT stream, rev FROM cursor").fetchall()
        return {row["stream"]: row["rev"] for row in rows}

    def position(self) -> tuple[str, dict[str, int]]:
        """Generation and cursors as of one moment."""
        with self.reading() as connection:
            rows = connection.execute("SELECT stream, gen, rev FROM cursor").fetchall()
        generation = str(rows[0]["gen"]) if rows else ""
        return generation, {row["stream"]: row["rev"] for row in rows}

    def generation(self) -> str:
        """The server's history that everything here is from; '' when there is nothing here."""
        with self.reading() as connection:
            row = connection.execute("SELECT gen FROM cursor LIMIT 1").fetchone()
        return str(row["gen"]) if row else ""

    def apply(self, stream: str, generation: str, changes: Iterable[Change], read_to: int) -> None:
        """Take in a page of the feed and move the cursor, in one transaction.

        Raises BadChange for a row that makes no sense, and then nothing of the page is kept.
        """
        with self._transaction() as connection:
            _put_all(connection, stream, changes)
            _move_cursor(connection, stream, generation, read_to)

    def replace(
        self, stream: str, generation: str, parts: Iterable[Sequence[Change]], read_to: int
    ) -> None:
        """Put other rows in the place of all that a stream has here, in one transaction.

        Readers see the old rows to the end, and then the new ones; whatever stops it (a row that
        makes no sense, an error that `parts` raises, a full disk, a kill) leaves the old ones.
        """
        with self._transaction(_IMPORT_CACHE_KIB) as connection:
            _forget(connection, stream)
            for changes in parts:
                _put_all(connection, stream, changes)
            _move_cursor(connection, stream, generation, read_to)

    def mend(
        self, stream: str, unsound: Iterable[tuple[str, int]], changes: Iterable[Change]
    ) -> None:
        """Take rows away and put others there, in one transaction; the cursor stays.

        A row is named by its table and by its id there (`rowid`).
        """
        with self._transaction() as connection:
            for table, rowid in unsound:
                connection.execute(f"DELETE FROM {table} WHERE rowid = ?", (rowid,))  # noqa: S608
            _put_all(connection, stream, changes)

    def forget_stream(self, stream: str) -> None:
        """Drop what is here of a stream, and its cursor: it is fetched again from the beginning."""
        with self._transaction() as connection:
            _forget(connection, stream)

    def forget(self) -> None:
        """Drop everything: another generation of the server's history begins."""
        with self._transaction() as connection:
            for table in _TABLES:
                connection.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names

    def close(self) -> None:
        """Close the file. Safe to call twice."""
        self._readers.close()
        with self._writing:
            self._closed = True
            self._connection.close()

    @contextmanager
    def _transaction(self, cache_kib: int = 0) -> Iterator[sqlite3.Connection]:
        with self._writing, _cache_errors(self._path), storage_errors(self._path):
            if self._closed:
                raise ReplicaError(f"{self._path.name} is closed: the program is stopping")
            with _cache_of(self._connection, cache_kib):
                self._connection.execute("BEGIN IMMEDIATE")
                try:
                    yield self._connection
                    self._connection.execute("COMMIT")
                except BaseException:
                    if self._connection.in_transaction:
                        self._connection.execute("ROLLBACK")
                    raise


@contextmanager
def _cache_of(connection: sqlite3.Connection, kib: int) -> Iterator[None]:
    """So much memory for pages while this lasts; 0: as much as usual."""
    if not kib:
        yield
        return
    usual = connection.execute("PRAGMA cache_size").fetchone()[0]
    connection.execute(f"PRAGMA cache_size = -{kib}")
    try:
        yield
    finally:
        connection.execute(f"PRAGMA cache_size = {usual}")
        connection.execute("PRAGMA shrink_memory")


@contextmanager
def _cache_errors(path: Path) -> Iterator[None]:
    """What to do about a damaged cache is less than about a damaged journal."""
    try:
        yield
    except ReplicaDamaged as error:
        raise ReplicaDamaged(
            f"{path.name} is damaged ({error.__cause__}); it is a cache: start the program again "
            "and it is fetched anew, nothing is lost"
        ) from error


def _open_or_remake(path: Path) -> sqlite3.Connection:
    with suppress(ReplicaDamaged), ExitStack() as opened:
        connection = create(path, _SCHEMA, SCHEMA_VERSION, synchronous="FULL")
        opened.callback(connection.close)
        with storage_errors(path):
            found = connection.execute("PRAGMA user_version").fetchone()[0]
            verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found == SCHEMA_VERSION and verdict == "ok":
            opened.pop_all()
            return connection
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    return create(path, _SCHEMA, SCHEMA_VERSION, synchronous="FULL")


def _forget(connection: sqlite3.Connection, stream: str) -> None:
    for table in _TABLES:
        connection.execute(f"DELETE FROM {table} WHERE stream = ?", (stream,))  # noqa: S608


def _move_cursor(
    connection: sqlite3.Connection, stream: str, generation: str, read_to: int
) -> None:
    connection.execute(
        "INSERT INTO cursor (stream, gen, rev) VALUES (?, ?, ?) ON CONFLICT (stream) "
        "DO UPDATE SET gen = excluded.gen, rev = excluded.rev",
        (stream, generation, read_to),
    )


def _put_all(connection: sqlite3.Connection, stream: str, changes: Iterable[Change]) -> None:
    """Store rows' latest states. Kinds that we do not know are left out: a newer server's."""
    by_kind: dict[str, list[tuple[object, ...]]] = {}
    for change in changes:
        table = _KINDS.get(change.kind)
        if table is None:
            continue
        try:
            values = table.values(change.body)
        except _NONSENSE as error:
            raise _bad(change.kind, change.rev) from error
        by_kind.setdefault(change.kind, []).append((stream, change.rev, *values))
    for kind, rows in by_kind.items():
        try:
            connection.executemany(_KINDS[kind].insert, rows)
        except _NONSENSE as error:
            raise _bad(kind, _first_bad(connection, kind, rows)) from error


def _first_bad(
    connection: sqlite3.Connection, kind: str, rows: Iterable[tuple[object, ...]]
) -> object:
    """The revision of the row that the table did not take. Everything is rolled back after this."""
    for row in rows:
        try:
            connection.execute(_KINDS[kind].insert, row)
        except _NONSENSE:
            return row[1]
    raise AssertionError("rows that were refused together and are taken one by one")


def _bad(kind: str, rev: object) -> BadChange:
    return BadChange(f"a row of kind {kind} at {rev} makes no sense")


_Values = Callable[[Mapping[str, Any]], tuple[object, ...]]


class _Kind:
    """Where rows of a kind go: the table, and what of the body goes into which column."""

    def __init__(self, table: str, columns: str, values: _Values) -> None:
        names = ("stream", "rev", *columns.split())
        marks = ", ".join("?" * len(names))
        self.table = table
        self.values = values
        self.insert = f"INSERT OR REPLACE INTO {table} ({', '.join(names)}) VALUES ({marks})"  # noqa: S608


def _doc(body: Mapping[str, Any]) -> tuple[object, ...]:
    return body["kind"], body["id"], json.dumps(body["body"], ensure_ascii=False)


def _claim(body: Mapping[str, Any]) -> tuple[object, ...]:
    return body["p"], body["u"], body["kind"], body["ref"], body["node"], body["v"]


def _allot(body: Mapping[str, Any]) -> tuple[object, ...]:
    grant = grant_from_wire(body)
    if grant is None:
        raise ValueError("not an allotment")
    units = canonical([unit for unit, _version in grant.units])
    return body["id"], body["node"], body["p"], body["state"], units


def _ticket(body: Mapping[str, Any]) -> tuple[object, ...]:
    order_id = body.get("order", "")  # an earlier server does not tell
    return body["id"], body["p"], body["u"], body["v"], body["state"], body["blocked"], order_id


def _entry(body: Mapping[str, Any]) -> tuple[object, ...]:
    return body["op"], body["ticket"], body["node"], body["lane"], body["phase"], body["at_ms"]


def _node(body: Mapping[str, Any]) -> tuple[object, ...]:
    hub = body.get("hub", "")  # an earlier server does not tell
    return *_NODE(body), hub


def _case(body: Mapping[str, Any]) -> tuple[object, ...]:
    return body["id"], body["kind"], body["state"], body["at_ms"], canonical(body["body"])


def _buyer(body: Mapping[str, Any]) -> tuple[object, ...]:
    key_no, sealed, tokens = body["key"], body["sealed"], body["tokens"]
    if sealed and not is_sealed(sealed):
        raise ValueError("not sealed")
    if len(tokens) > TOKENS_MAX or not all(map(is_token, tokens)):
        raise ValueError("not tokens")
    return body["order"], key_no, sealed, canonical(tokens), body["at_ms"]


def _credential(body: Mapping[str, Any]) -> tuple[object, ...]:
    ref, kind, state = body["ref"], body["kind"], body["state"]
    if not is_credential_ref(ref) or kind not in _CHIP_KINDS or state not in _CHIP_STATES:
        raise ValueError("not a credential")
    return ref, body["ticket"], kind, state, body["type"], body["counter"]


_CHIP_KINDS, _CHIP_STATES = tuple(CredentialKind), tuple(CredentialState)
_HANDOUT = itemgetter("order", "keeper", "wanted", "turn", "copies")
_ORDER = itemgetter("id", "node", "no", "state", "total", "refunded", "currency", "by", "at_ms")
_NODE = itemgetter("id", "name", "role", "key", "key_id", "signature", "state")
_PERSON = itemgetter("id", "name", "role", "pin", "state")

_KINDS: Mapping[str, _Kind] = {
    "doc": _Kind("doc", "kind id body", _doc),
    "claim": _Kind("claim", "performance unit kind ref node_id version", _claim),
    "allot": _Kind("allot", "id node_id performance state units", _allot),
    "ticket": _Kind("ticket", "id performance unit version state blocked order_id", _ticket),
    "entry": _Kind("entry", "op_id ticket_id node_id lane phase at_ms", _entry),
    "order": _Kind(
        "orders",
        "id node_id receipt_no state total_minor refunded_minor currency sold_by sold_ms",
        _ORDER,
    ),
    "order_no": _Kind("order_no", "id receipt_no", itemgetter("id", "no")),
    "buyer": _Kind("buyer", "order_id key_no sealed tokens at_ms", _buyer),
    "handout": _Kind("handout", "order_id keeper wanted_by turn copies", _HANDOUT),
    "credential": _Kind("credential", "ref ticket_id kind state ticket_type counter", _credential),
    "case": _Kind("case_file", "id kind state opened_ms body", _case),
    "node": _Kind("node", "id name role key key_id signature state hub", _node),
    "person": _Kind("person", "id name role pin state", _PERSON),
}
_TABLES = ("cursor", *(kind.table for kind in _KINDS.values()))

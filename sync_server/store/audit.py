"""Where the audit lies: a SQLite file of its own, or a schema of its own on PostgreSQL.

Apart from the database, so that neither a restore of the database nor whoever changes rows in it
takes the audit back. Triggers refuse to change or remove a record; what gets around them (another
program on the file) breaks the chain of hashes.

A record is added under a lock, and by its id only once: who moves records here may be killed at
any moment and begin again, and two may do it at the same time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, text
from sqlalchemy.engine import make_url

from sync_server.store.database import open_engine, read_only

FILE_SUFFIX = "-audit"
SCHEMA = "boxgate_audit"
_READ_AT_ONCE = 1_000
_MAKING = 0x626F786761746501
"""The lock of PostgreSQL's under which the schema is made: our own number."""

Row = tuple[int, str, int, str, str, str]
"""Number, id, time in Unix ms, body, hash before, hash."""

_TABLE = (
    "(seq BIGINT NOT NULL PRIMARY KEY, id VARCHAR NOT NULL UNIQUE, at_ms BIGINT NOT NULL, "
    "body TEXT NOT NULL, prev_hash VARCHAR(64) NOT NULL, hash VARCHAR(64) NOT NULL)"
)
_REFUSAL = "the audit only grows"
_ON_SQLITE = (
    f"CREATE TABLE IF NOT EXISTS record {_TABLE}",
    *(
        f"CREATE TRIGGER IF NOT EXISTS no_{what.lower()} BEFORE {what} ON record "
        f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
        for what in ("UPDATE", "DELETE")
    ),
)
_ON_POSTGRESQL = (
    f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}",
    f"CREATE TABLE IF NOT EXISTS {SCHEMA}.record {_TABLE}",
    f"CREATE OR REPLACE FUNCTION {SCHEMA}.refuse() RETURNS trigger LANGUAGE plpgsql AS "
    f"$$ BEGIN RAISE EXCEPTION '{_REFUSAL}'; END $$",
    f"DROP TRIGGER IF EXISTS no_change ON {SCHEMA}.record",
    f"CREATE TRIGGER no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON {SCHEMA}.record "
    f"FOR EACH STATEMENT EXECUTE FUNCTION {SCHEMA}.refuse()",
)


def audit_url(database_url: str) -> str:
    """Where the audit of a database lies: beside its file, or in the same PostgreSQL."""
    url = make_url(database_url)
    if url.get_backend_name() != "sqlite":
        return database_url
    file = Path(str(url.database))
    return f"sqlite:///{file.with_name(f'{file.stem}{FILE_SUFFIX}{file.suffix}')}"


class AuditStore:
    """The audit's records. Made when it is first written to; until then there are none."""

    def __init__(self, database_url: str) -> None:
        self._engine: Engine = open_engine(audit_url(database_url))
        self._is_sqlite = self._engine.dialect.name == "sqlite"
        self._table = "record" if self._is_sqlite else f"{SCHEMA}.record"
        self._is_made = False

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def append(
        self,
        coming: Sequence[tuple[str, int, str]],
        chain: Callable[[tuple[int, str], Sequence[tuple[str, int, str]]], Iterable[Row]],
    ) -> tuple[int, str]:
        """Add what is not there yet (id, time, body), durably; gives the head after it.

        `chain` puts what is new behind the head that it is given; (0, "") at the beginning.
        """
        with self._engine.begin() as connection:
            self._make(connection)
            if not self._is_sqlite:  # SQLite's transaction has the only lock from its beginning
                self._run(connection, f"LOCK TABLE {self._table} IN EXCLUSIVE MODE")
            known = self._known(connection, [each[0] for each in coming])
            rows = list(chain(self._head(connection), [e for e in coming if e[0] not in known]))
            for row in rows:
                connection.execute(
                    text(
                        f"INSERT INTO {self._table} (seq, id, at_ms, body, prev_hash, hash) "  # noqa: S608
                        "VALUES (:seq, :id, :at_ms, :body, :prev_hash, :hash)"
                    ),
                    dict(
                        zip(("seq", "id", "at_ms", "body", "prev_hash", "hash"), row, strict=True)
                    ),
                )
            head = self._head(connection)
        self._is_made = True  # not before the commit: what was made may have been taken back
        return head

    def rows(self) -> Iterator[Row]:
        """All records in their order, read in pieces; what is added meanwhile may be in it."""
        after = 0
        while found := self._rows_after(after):
            yield from found
            after = found[-1][0]

    def newest(
        self, marks: Sequence[str], count: int, within: int, before: int = 0
    ) -> tuple[list[Row], int]:
        """The newest records whose body holds one of the marks, the newest first.

        Looks at `within` records only, the last ones or those before the number `before`: the audit
        has no index of what a record is about. Gives the number to go on before, too; 0 where none
        is left.
        """
        with read_only(self._engine).connect() as connection:
            if not self._is_there(connection):
                return [], 0
            end = before or self._head(connection)[0] + 1
            holds = " OR ".join(f"body LIKE :m{at}" for at in range(len(marks)))
            found = connection.execute(
                text(
                    "SELECT seq, id, at_ms, body, prev_hash, hash "  # noqa: S608 - our own name
                    f"FROM {self._table} WHERE seq >= :first AND seq < :end AND ({holds}) "
                    "ORDER BY seq DESC LIMIT :count"
                ),
                {
                    "first": end - within,
                    "end": end,
                    "count": count,
                    **{f"m{at}": f"%{mark}%" for at, mark in enumerate(marks)},
                },
            )
            rows: list[Row] = [(r[0], r[1], r[2], r[3], r[4], r[5]) for r in found]
            rest = rows[-1][0] if len(rows) == count else max(1, end - within)
            return rows, rest if rest > 1 else 0

    def _rows_after(self, after: int) -> list[Row]:
        with read_only(self._engine).connect() as connection:
            if not self._is_there(connection):
                return []
            found = connection.execute(
                text(
                    "SELECT seq, id, at_ms, body, prev_hash, hash "  # noqa: S608 - our own name
                    f"FROM {self._table} WHERE seq > :after ORDER BY seq LIMIT {_READ_AT_ONCE}"
                ),
                {"after": after},
            )
            return [(r[0], r[1], r[2], r[3], r[4], r[5]) for r in found]

    def _known(self, connection: Connection, ids: Sequence[str]) -> frozenset[str]:
        query = f"SELECT 1 FROM {self._table} WHERE id = :id"  # noqa: S608 - our own name
        return frozenset(
            each
            for each in ids
            if connection.execute(text(query), {"id": each}).first() is not None
        )

    def _head(self, connection: Connection) -> tuple[int, str]:
        query = f"SELECT seq, hash FROM {self._table} ORDER BY seq DESC LIMIT 1"  # noqa: S608
        row = connection.execute(text(query)).first()
        return (0, "") if row is None else (int(row[0]), str(row[1]))

    def _make(self, connection: Connection) -> None:
        if self._is_made:
            return
        if not self._is_sqlite:  # of two who make it at once, one waits and then finds it
            self._run(connection, f"SELECT pg_advisory_xact_lock({_MAKING})")
        if not self._is_there(connection):
            for statement in _ON_SQLITE if self._is_sqlite else _ON_POSTGRESQL:
                self._run(connection, statement)

    def _is_there(self, connection: Connection) -> bool:
        schema = None if self._is_sqlite else SCHEMA
        return bool(connection.dialect.has_table(connection, "record", schema=schema))

    @staticmethod
    def _run(connection: Connection, statement: str) -> Any:
        return connection.exec_driver_sql(statement)

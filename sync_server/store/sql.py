"""Statements on one DBAPI connection, sqlite3's or psycopg's, few and large.

Every step of a statement in SQLite lets go of the interpreter's lock, and taking it back from a
busy event loop can cost milliseconds. So rows are written many to a statement, and what is read
by a list of keys comes as one row of JSON. On PostgreSQL the same calls save round trips.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import chain
from operator import attrgetter
from typing import Any, Protocol

import orjson
import psycopg
from sqlalchemy import BigInteger, Connection, Integer, Table

_ROWS_PER_STATEMENT = 64
STATEMENTS_KEPT = 1_024
"""Prepared statements that a SQLite connection keeps: one for each table and number of rows."""


class Cursor(Protocol):
    """What both drivers' cursors have."""

    rowcount: int

    def fetchall(self) -> list[Any]:
        """All rows that are left."""

    def fetchone(self) -> Any:
        """The next row, or None."""


class Driver(Protocol):
    """What both drivers' connections have."""

    def execute(self, sql: str, parameters: Any = ..., /) -> Cursor:
        """Run one statement."""


_SQLITE_CLOCK_MS = "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"
_POSTGRESQL_CLOCK_MS = "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)"


class Stale(Exception):
    """The database did not take a row, because it is not what this writer believed it to be."""


REFUSALS = (
    Stale,
    sqlite3.IntegrityError,
    sqlite3.DataError,
    OverflowError,
    psycopg.IntegrityError,
    psycopg.DataError,
)
"""How a database says that it can't take what it was given."""


class Sql:
    """The statements of one transaction, which the caller begins and ends."""

    def __init__(self, driver: Driver, *, is_sqlite: bool) -> None:
        self.driver = driver
        self.is_sqlite = is_sqlite
        self.locked = "" if is_sqlite else " FOR UPDATE"
        self.clock_ms = _SQLITE_CLOCK_MS if is_sqlite else _POSTGRESQL_CLOCK_MS
        """The database's own clock in an expression: Unix ms."""

    @staticmethod
    def of(connection: Connection) -> Sql:
        """On the connection that SQLAlchemy holds, inside its transaction."""
        raw: Any = connection.connection.driver_connection
        return Sql(raw, is_sqlite=connection.dialect.name == "sqlite")

    def run(self, text: str, *values: object) -> int:
        """One statement with `?` for its values; the number of rows it changed."""
        return self.driver.execute(self._placed(text), values).rowcount

    def row(self, text: str, *values: object) -> Any | None:
        """The first row, or None."""
        return self.driver.execute(self._placed(text), values).fetchone()

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Whatever is raised inside undoes what was done inside, and nothing else."""
        self.driver.execute("SAVEPOINT attempt", ())
        try:
            yield
        except BaseException:
            self.driver.execute("ROLLBACK TO SAVEPOINT attempt", ())
            self.driver.execute("RELEASE SAVEPOINT attempt", ())
            raise
        self.driver.execute("RELEASE SAVEPOINT attempt", ())

    def rows(self, text: str, *values: object) -> list[Any]:
        """All rows."""
        return self.driver.execute(self._placed(text), values).fetchall()

    def select(self, columns: str, rest: str, *values: object) -> list[Sequence[Any]]:
        """All rows of `SELECT columns rest`, in no certain order; in one step on SQLite."""
        if not self.is_sqlite:
            return self.rows(f"SELECT {columns} {rest}", *values)
        found = self.row(f"SELECT json_group_array(json_array({columns})) {rest}", *values)
        assert found is not None, "an aggregate always has a row"
        rows: list[Sequence[Any]] = orjson.loads(found[0])
        return rows

    def among(self, column: str, values: Iterable[object]) -> tuple[str, object]:
        """A condition that `column` is one of the values, and the one value that it binds."""
        if self.is_sqlite:
            bound = json.dumps(list(values))
            return f"{column} IN (SELECT value FROM json_each(?))", bound  # noqa: S608 - our names
        return f"{column} = ANY(?)", list(values)

    def select_units(
        self, columns: str, table: str, event_id: str, units: Collection[tuple[int, int]]
    ) -> list[Sequence[Any]]:
        """Rows of a table keyed by event, performance and unit."""
        named = ", ".join(f"t.{column}" for column in columns.split(", "))
        matched = f"JOIN {table} t ON t.event_id = ? AND t.perf_id = k.p AND t.unit = k.u"
        if self.is_sqlite:
            keys = "(SELECT value->>0 AS p, value->>1 AS u FROM json_each(?)) k CROSS"
            return self.select(named, f"FROM {keys} {matched}", json.dumps(list(units)), event_id)
        performances, numbers = zip(*units, strict=True)
        keys = "unnest(?::bigint[], ?::bigint[]) AS k(p, u)"
        return self.select(
            named, f"FROM {keys} {matched}", list(performances), list(numbers), event_id
        )

    def write(self, table: Table, rows: Sequence[object]) -> None:
        """Insert rows (objects with an attribute per column), or bring known ones up to date.

        A table with a column `was` takes a row only in place of the revision it names, and one
        without a known revision only when there is none: raises Stale. `op` and `ledger` only
        grow. Two rows of one key in one call are refused by PostgreSQL: the caller has one.
        """
        if not rows:
            return
        values = list(map(_picker(table), rows))
        if self.is_sqlite:
            taken = self._write_chunks(table, values)
        else:
            taken = self.driver.execute(
                _insert_json(table), [orjson.dumps(values).decode()]
            ).rowcount
        if taken != len(rows):
            raise Stale(f"{table.name}: {len(rows) - taken} of {len(rows)} rows have moved on")

    def _write_chunks(self, table: Table, values: list[tuple[object, ...]]) -> int:
        taken = 0
        for start in range(0, len(values), _ROWS_PER_STATEMENT):
            rows = values[start : start + _ROWS_PER_STATEMENT]
            flat = list(chain.from_iterable(rows))
            taken += self.driver.execute(_insert_values(table, len(rows)), flat).rowcount
        return taken

    def _placed(self, text: str) -> str:
        return text if self.is_sqlite else _for_psycopg(text)


@cache
def _for_psycopg(text: str) -> str:
    return text.replace("?", "%s")


@cache
def _picker(table: Table) -> attrgetter[Any]:
    return attrgetter(*(column.name for column in table.columns))


@cache
def _insert_values(table: Table, size: int) -> str:
    row = "(" + ", ".join("?" * len(table.columns)) + ")"
    return f"{_head(table)} VALUES {', '.join([row] * size)} {_tail(table)}"


@cache
def _insert_json(table: Table) -> str:
    """All rows as one value: psycopg turns arrays into text item by item, four times slower."""
    columns = ", ".join(
        f"(r->>{at})::{_type(column.type)}" for at, column in enumerate(table.columns)
    )
    rows = f"SELECT {columns} FROM jsonb_array_elements(%s::jsonb) r"  # noqa: S608 - our names
    return f"{_head(table)} {rows} {_tail(table)}"


@cache
def columns_of(table: Table) -> str:
    """The table's columns in our order, which a migrated database may not have."""
    return ", ".join(column.name for column in table.columns)


def _head(table: Table) -> str:
    return f"INSERT INTO {table.name} ({columns_of(table)})"


def _tail(table: Table) -> str:
    if table.name in _GROWING:
        return ""
    keys = [column.name for column in table.primary_key.columns]
    others = [c.name for c in table.columns if c.name not in keys]
    changes = ", ".join(f"{name} = excluded.{name}" for name in others)
    guard = f" WHERE {table.name}.rev = excluded.was" if "was" in table.c else ""
    return f"ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {changes}{guard}"


_GROWING = frozenset({"op", "ledger"})


def _type(kind: object) -> str:
    if isinstance(kind, BigInteger):
        return "bigint"
    return "integer" if isinstance(kind, Integer) else "text"

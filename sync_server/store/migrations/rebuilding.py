"""Making a table anew with what it held: for what neither database can alter in place alike."""

from __future__ import annotations

from collections.abc import Mapping

from alembic.operations import Operations
from sqlalchemy import Column, text
from sqlalchemy.schema import SchemaItem


class RowsLost(Exception):
    """A rebuilt table would hold fewer or more rows than before; nothing has been committed."""


def rebuild(
    op: Operations,
    table: str,
    *items: SchemaItem,
    values: Mapping[str, str] | None = None,
    joined: str = "",
) -> None:
    """Make `table` of `items`, and copy its rows; its indexes are the caller's to make again.

    A column that the old table had is copied, one with a default gets it, and `values` says in
    SQL what the others get, of the old row as `old` and of whatever is `joined` to it. Raises
    RowsLost when a row found no partner there, or two.

    The rows wait in a plain copy, and the table is dropped before it is made: so the names that
    PostgreSQL gives to its constraints are the ones of a new house.
    """
    bind, parked = op.get_bind(), f"{table}_parked"
    op.execute(f"CREATE TABLE {parked} AS SELECT * FROM {table}")  # noqa: S608 - our own names
    known = bind.execute(text(f"SELECT * FROM {parked} LIMIT 0")).keys()  # noqa: S608
    op.drop_table(table)
    op.create_table(table, *items)
    sources = {
        item.name: f"old.{item.name}"
        for item in items
        if isinstance(item, Column) and item.name in known
    } | dict(values or {})
    copied = bind.execute(
        text(
            f"INSERT INTO {table} ({', '.join(sources)}) "  # noqa: S608
            f"SELECT {', '.join(sources.values())} FROM {parked} old {joined}"
        )
    ).rowcount
    stored = bind.execute(text(f"SELECT count(*) FROM {parked}")).scalar_one()  # noqa: S608
    if copied != stored:
        raise RowsLost(f"table {table} holds {stored} rows, but {copied} of them could be taken on")
    op.drop_table(parked)

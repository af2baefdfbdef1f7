"""Schema 2, the part about who may do what: scopes of roles."""

from __future__ import annotations

from alembic.operations import Operations
from sqlalchemy import Column, String, Text


def upgrade(op: Operations) -> None:
    """From schema 1."""
    _add_columns(op)


def _add_columns(op: Operations) -> None:
    added: dict[str, list[Column[str]]] = {
        "person": [
            Column("scope_kind", String, nullable=False, server_default="venue"),
            Column("scope_ids", Text, nullable=False, server_default="[]"),
        ],
    }
    for table, columns in added.items():
        for column in columns:
            op.add_column(table, column)

"""Schema 2, the part about who may do what: scopes, logins, second factors, clients, audit."""

from __future__ import annotations

from typing import Any

from alembic.operations import Operations
from sqlalchemy import BigInteger, CheckConstraint, Column, Integer, String, Text


def upgrade(op: Operations) -> None:
    """From schema 1."""
    _add_columns(op)
    _add_tables(op)


def _add_columns(op: Operations) -> None:
    added: dict[str, list[Column[Any]]] = {
        "person": [
            Column("scope_kind", String, nullable=False, server_default="venue"),
            Column("scope_ids", Text, nullable=False, server_default="[]"),
            Column("signed_in_ms", BigInteger, nullable=False, server_default="0"),
        ],
        "console_session": [
            Column("id", String, nullable=False, server_default=""),
            Column("address", String, nullable=False, server_default=""),
            Column("agent", String, nullable=False, server_default=""),
            Column("used_ms", BigInteger, nullable=False, server_default="0"),
        ],
    }
    for table, columns in added.items():
        for column in columns:
            op.add_column(table, column)


def _add_tables(op: Operations) -> None:
    op.create_table(
        "audit_outbox",
        Column("id", String, primary_key=True),
        Column("at_ms", BigInteger, nullable=False),
        Column("body", Text, nullable=False),
    )
    op.create_table(
        "second_factor",
        Column("person_id", String, primary_key=True),
        Column("sealed", String, nullable=False),
        Column("is_on", Integer, nullable=False),
        Column("last_step", BigInteger, nullable=False),
    )
    op.create_table(
        "api_client",
        Column("id", String, primary_key=True),
        Column("name", String, nullable=False),
        Column("role", String, nullable=False),
        Column("scope_kind", String, nullable=False),
        Column("scope_ids", Text, nullable=False),
        Column("state", String, nullable=False),
        Column("created_ms", BigInteger, nullable=False),
        CheckConstraint("state IN ('active','ended')"),
    )
    op.create_table(
        "refresh_token",
        Column("token_hash", String, primary_key=True),
        Column("client_id", String, nullable=False),
        Column("state", String, nullable=False),
        Column("expires_ms", BigInteger, nullable=False),
        Column("used_ms", BigInteger, nullable=False),
        Column("next_hash", String, nullable=False),
        CheckConstraint("state IN ('live','used','dropped')"),
    )

"""Schema 3: the versions of performances, and who changed them."""

from __future__ import annotations

from alembic.operations import Operations
from sqlalchemy import BigInteger, CheckConstraint, Column, Integer, String, Text, text


def upgrade(op: Operations) -> None:
    """From schema 2."""
    op.add_column("performance", Column("version", Integer, nullable=False, server_default="1"))
    op.add_column(
        "performance", Column("cancelled_ms", BigInteger, nullable=False, server_default="0")
    )
    op.create_table(
        "performance_change",
        Column("event_id", String, primary_key=True, autoincrement=False),
        Column("perf_id", BigInteger, primary_key=True, autoincrement=False),
        Column("version", BigInteger, primary_key=True, autoincrement=False),
        Column("kind", String, nullable=False),
        Column("at_ms", BigInteger, nullable=False),
        Column("rev", BigInteger, nullable=False),
        Column("person_id", String, nullable=False),
        Column("person_name", String, nullable=False),
        Column("reason", Text, nullable=False),
        Column("before", Text, nullable=False),
        Column("after", Text, nullable=False),
        CheckConstraint("kind IN ('added','moved','cancelled','changed')"),
    )
    cancelled = text("kind = 'cancelled'")
    op.create_index(
        "a_performance_is_cancelled_once",
        "performance_change",
        ["event_id", "perf_id"],
        unique=True,
        sqlite_where=cancelled,
        postgresql_where=cancelled,
    )

"""Schema 4: agencies, and whose window a node is."""

from __future__ import annotations

from alembic.operations import Operations
from sqlalchemy import CheckConstraint, Column, String


def upgrade(op: Operations) -> None:
    """From schema 3: every window is the house's own."""
    op.create_table(
        "agency",
        Column("id", String, primary_key=True, autoincrement=False),
        Column("name", String, nullable=False, unique=True),
        Column("state", String, nullable=False),
        CheckConstraint("state IN ('active','retired')"),
    )
    for table in ("node", "enrolment"):
        op.add_column(table, Column("agency", String, nullable=False, server_default=""))

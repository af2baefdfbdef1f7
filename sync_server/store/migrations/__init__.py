"""The schema's versions, each as a step from the one before. Steps that were released stay as they are.

`meta.schema_version` alone says which version a database has. It was there before the first step,
every program reads it before it touches anything, and an older one refuses a newer number; a
second table, as Alembic makes it by default, could only ever differ from it. What is used of
Alembic is what knows both databases: its operations.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection, text

from sync_server.store.migrations import (
    v0001_baseline,
    v0002_heart,
    v0003_performances,
    v0004_agencies,
    v0005_reports,
)

STEPS: Mapping[int, Callable[[Operations], None]] = {
    1: v0001_baseline.upgrade,
    2: v0002_heart.upgrade,
    3: v0003_performances.upgrade,
    4: v0004_agencies.upgrade,
    5: v0005_reports.upgrade,
}
logging.getLogger("alembic").setLevel(logging.WARNING)  # what is done, the command says


def upgrade(connection: Connection, since: int, to: int) -> None:
    """Take the schema from one version to a later one, in the caller's transaction. 0 is empty."""
    operations = Operations(MigrationContext.configure(connection))
    for version in range(since + 1, to + 1):
        STEPS[version](operations)
    noted = connection.execute(
        text("UPDATE meta SET v = :v WHERE k = 'schema_version'"), {"v": str(to)}
    )
    if noted.rowcount == 0:
        connection.execute(
            text("INSERT INTO meta (k, v) VALUES ('schema_version', :v)"), {"v": str(to)}
        )

"""Schema 5: sums for reports, which a server that is started counts by itself."""

from __future__ import annotations

from alembic.operations import Operations
from sqlalchemy import BigInteger, Column, String, text


def upgrade(op: Operations) -> None:
    """From schema 4: nothing is counted yet."""
    returns = text("kind IN ('refund','exchange')")
    op.create_index(
        "op_returns",
        "op",
        ["event_id", "rev"],
        sqlite_where=returns,
        postgresql_where=returns,
    )
    op.create_table(
        "report_mark",
        _key("event_id", String()),
        *(_number(name) for name in ("turn", "build", "rev")),
        Column("generation", String(8), nullable=False),
        Column("day_rule", String, nullable=False),
        _number("counted_ms"),
    )
    op.create_table(
        "sale_sum",
        _key("event_id", String()),
        _key("build", BigInteger()),
        _key("by_what", String()),
        _key("perf_id", BigInteger()),
        _key("on_day", String()),
        _key("of_what", String()),
        _key("agency", String()),
        _key("currency", String(3)),
        *(_number(name) for name in ("sold_count", "sold_minor", "back_count", "back_minor")),
    )
    op.create_table(
        "entry_sum",
        _key("event_id", String()),
        _key("perf_id", BigInteger()),
        _key("node_id", String()),
        _key("lane", String()),
        _key("minute", BigInteger()),
        *(_number(name) for name in ("entries", "again", "offline", "by_hand")),
    )


def _key(name: str, kind: String | BigInteger) -> Column[object]:
    return Column(name, kind, primary_key=True, autoincrement=False)


def _number(name: str) -> Column[object]:
    return Column(name, BigInteger, nullable=False)

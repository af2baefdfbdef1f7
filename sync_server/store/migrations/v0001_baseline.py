"""Schema 1, of 0.1.0's first houses. Frozen: it says what was, whatever `store.schema` says now."""

from __future__ import annotations

from alembic.operations import Operations
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

_metadata = MetaData()


def _key(name: str, kind: type[String] | type[BigInteger] | String = String) -> Column[object]:
    return Column(name, kind, primary_key=True, autoincrement=False)


def _feed_index(table: str) -> Index:
    return Index(f"{table}_by_rev", "event_id", "rev", unique=True)


Table("meta", _metadata, _key("k"), Column("v", Text, nullable=False))

Table(
    "generation",
    _metadata,
    _key("id"),
    Column("short", String(8), nullable=False, unique=True),
    Column("started_ms", BigInteger, nullable=False),
    Column("reason", String, nullable=False),
)

Table(
    "stream",
    _metadata,
    _key("event_id"),
    Column("kind", String, nullable=False),  # house | event
    Column("head", BigInteger, nullable=False),
)

Table(
    "node",
    _metadata,
    _key("id"),
    Column("name", String, nullable=False, unique=True),
    Column("role", String, nullable=False),  # till | gate
    Column("public_key", String(64), nullable=False),  # hex
    Column("key_id", String(8), nullable=False, unique=True),
    Column("key_signature", String(128), nullable=False),  # hex, by the server's key
    Column("state", String, nullable=False),  # active | revoked
    Column("machine_id", String, nullable=False),
    Column("enrolled_ms", BigInteger, nullable=False),
    Column("last_seen_ms", BigInteger, nullable=False),  # 0 = never; not part of the feed
    Column("unsynced_count", Integer, nullable=False, server_default="0"),  # as the node said last
    Column("program_version", String, nullable=False, server_default=""),
    Column("clock_offset_ms", BigInteger, nullable=False, server_default="0"),
    Column("rev", BigInteger, nullable=False),
    CheckConstraint("role IN ('till','gate')"),
    CheckConstraint("state IN ('active','revoked')"),
)

Table(
    "enrolment",
    _metadata,
    _key("secret_hash"),  # SHA-256, hex: the code itself is shown once and kept nowhere
    Column("role", String, nullable=False),
    Column("node_name", String, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    Column("used_ms", BigInteger, nullable=False),  # 0 = not used
    Column("node_id", String, nullable=False),  # '' until used
)

Table(
    "person",
    _metadata,
    _key("id"),
    Column("login", String, nullable=False, unique=True),
    Column("name", String, nullable=False),
    Column("role", String, nullable=False),
    Column("password_hash", String, nullable=False),  # '' = may not sign in to the console
    Column("pin_hash", String, nullable=False),  # '' = may not sign in at a till
    Column("state", String, nullable=False),  # active | left
    Column("rev", BigInteger, nullable=False),
)

Table(
    "console_session",
    _metadata,
    _key("token_hash"),
    Column("person_id", String, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
)

Table(
    "doc",
    _metadata,
    _key("event_id"),
    _key("kind"),  # venue, event_list entry: house; event: the event's own stream
    _key("id"),
    Column("body", Text, nullable=False),
    Column("rev", BigInteger, nullable=False),
    _feed_index("doc"),
)

Table(
    "performance",
    _metadata,
    _key("event_id"),
    _key("perf_id", BigInteger),
    Column("unit_count", Integer, nullable=False),
    Column("starts_ms", BigInteger, nullable=False),
    Column("ends_ms", BigInteger, nullable=False),
    UniqueConstraint("perf_id", name="performance_number_is_unique"),
)

Table(
    "claim",
    _metadata,
    _key("event_id"),
    _key("perf_id", BigInteger),
    _key("unit", BigInteger),
    Column("kind", String, nullable=False),  # free | allot | sold | blocked; no row = free, v0
    Column("ref", String, nullable=False),  # allotment id or ticket id
    Column("node_id", String, nullable=False),
    Column("version", Integer, nullable=False),
    Column("rev", BigInteger, nullable=False),
    CheckConstraint("kind IN ('free','allot','sold','blocked')"),
    _feed_index("claim"),
)

Table(
    "allot",
    _metadata,
    _key("event_id"),
    _key("id"),
    Column("node_id", String, nullable=False),
    Column("perf_id", BigInteger, nullable=False),
    Column("req", String, nullable=False),
    Column("firm", Integer, nullable=False),  # 1: acquired for a basket, released with it
    Column("state", String, nullable=False),  # open | closed | written_off
    Column("granted_ms", BigInteger, nullable=False),
    Column("body", Text, nullable=False),  # {"units": [[unit, version], ...]}
    Column("rev", BigInteger, nullable=False),
    UniqueConstraint("event_id", "node_id", "req", name="grant_is_idempotent"),
    CheckConstraint("state IN ('open','closed','written_off')"),
    _feed_index("allot"),
)

Table(
    "journal",
    _metadata,
    _key("event_id"),
    _key("node_id"),
    _key("inc", BigInteger),
    Column("seq", BigInteger, nullable=False),
    Column("hash", String(64), nullable=False),
    Column("state", String, nullable=False),  # open | forked
)

Table(
    "op",
    _metadata,
    _key("event_id"),
    _key("node_id"),
    _key("inc", BigInteger),
    _key("seq", BigInteger),
    Column("op_id", String(32), nullable=False),
    Column("kind", String, nullable=False),
    Column("version", Integer, nullable=False),
    Column("wall_ms", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
    Column("hash", String(64), nullable=False),
    Column("received_ms", BigInteger, nullable=False),
    Column("verdict", String, nullable=False),
    Column("verdict_code", String, nullable=False),
    Column("rev", BigInteger, nullable=False),  # feed revision that shows its effects
)

Table(
    "orders",
    _metadata,
    _key("event_id"),
    _key("id"),
    Column("node_id", String, nullable=False),
    Column("inc", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("receipt_no", String, nullable=False),
    Column("state", String, nullable=False),
    Column("total_minor", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("sold_by", String, nullable=False),
    Column("sold_ms", BigInteger, nullable=False),
    Column("rev", BigInteger, nullable=False),
    UniqueConstraint("event_id", "node_id", "inc", "receipt_no", name="receipt_no_is_unique"),
)

Table(
    "ticket",
    _metadata,
    _key("event_id"),
    _key("id"),
    Column("order_id", String, nullable=False),
    Column("perf_id", BigInteger, nullable=False),
    Column("unit", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    Column("state", String, nullable=False),
    Column("allot_id", String, nullable=False),
    Column("tier_id", String, nullable=False),
    Column("ticket_type_id", String, nullable=False),
    Column("price_minor", BigInteger, nullable=False),
    Column("rev", BigInteger, nullable=False),
    _feed_index("ticket"),
    Index("ticket_by_unit", "event_id", "perf_id", "unit"),
)

Table(
    "ledger",
    _metadata,
    _key("event_id"),
    _key("op_id"),
    _key("line", BigInteger),
    Column("order_id", String, nullable=False),
    Column("account", String, nullable=False),  # cash:<node>, sales
    Column("amount_minor", BigInteger, nullable=False),  # sums to 0 per operation
    Column("currency", String(3), nullable=False),
)

Table(
    "entry",
    _metadata,
    _key("event_id"),
    _key("op_id"),
    Column("ticket_id", String, nullable=False),
    Column("perf_id", BigInteger, nullable=False),
    Column("unit", BigInteger, nullable=False),
    Column("node_id", String, nullable=False),
    Column("lane", String, nullable=False),
    Column("phase", String, nullable=False),  # granted | passed | returned
    Column("at_ms", BigInteger, nullable=False),
    Column("offline", Integer, nullable=False),  # decided without the arbiter
    Column("journalled", Integer, nullable=False),  # 1 once the gate's own journal told it
    Column("rev", BigInteger, nullable=False),
    CheckConstraint("phase IN ('granted','passed','returned')"),
    _feed_index("entry"),
    Index("entry_by_ticket", "event_id", "ticket_id"),
)

Table(
    "case_file",
    _metadata,
    _key("event_id"),
    _key("id"),
    Column("kind", String, nullable=False),
    Column("state", String, nullable=False),  # open | closed
    Column("opened_ms", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
    Column("rev", BigInteger, nullable=False),
    _feed_index("case_file"),
)


def upgrade(op: Operations) -> None:
    """Make the tables in an empty database."""
    _metadata.create_all(op.get_bind())

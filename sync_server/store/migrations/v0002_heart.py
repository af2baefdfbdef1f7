"""Schema 2: holds and terms, pools, owners of streams, forked journals' branches, quarantine.

Not released yet: whoever changes `store.schema` before the release changes this step with it.
"""

from __future__ import annotations

from typing import Any

from alembic.operations import Operations
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Integer,
    String,
    Text,
    UniqueConstraint,
    text,
)

from sync_server.store.migrations import v0002_keys, v0002_plans
from sync_server.store.migrations.rebuilding import rebuild


def upgrade(op: Operations) -> None:
    """From schema 1."""
    _add_columns(op)
    _rebuild_nodes(op)
    _rebuild_claims_and_allotments(op)
    _rebuild_operations(op)
    _rebuild_ledger(op)
    _rebuild_entries(op)
    _add_pools(op)
    _add_tables_of_recovery(op)
    _add_tables_beside_orders(op)
    _add_tables_of_the_console(op)
    _add_credentials(op)
    _change_indexes(op)
    v0002_keys.upgrade(op)
    v0002_plans.upgrade(op)


def _key(name: str, kind: type[String] | type[BigInteger] = String) -> Column[Any]:
    return Column(name, kind, primary_key=True, autoincrement=False)


def _zero(name: str, kind: type[Integer] = BigInteger) -> Column[Any]:
    return Column(name, kind, nullable=False, server_default="0")


def _was() -> Column[Any]:
    return _zero("was")


def _add_columns(op: Operations) -> None:
    added: dict[str, list[Column[Any]]] = {
        "generation": [_zero("timeline", Integer)],
        "stream": [
            _zero("epoch"),
            Column("owner_url", String, nullable=False, server_default=""),
            _zero("lease_until_ms"),
            _zero("min_rev"),
            _zero("quarantine", Integer),
        ],
        "orders": [_zero("refunded_minor"), _was()],
        "ticket": [_was(), Column("blocked", String, nullable=False, server_default="")],
        "case_file": [
            _zero("closed_ms"),
            Column("resolution", Text, nullable=False, server_default=""),
            _was(),
        ],
    }
    for table, columns in added.items():
        for column in columns:
            op.add_column(table, column)


def _rebuild_nodes(op: Operations) -> None:
    """A node may be a hub, or below one."""
    rebuild(
        op,
        "node",
        _key("id"),
        Column("name", String, nullable=False, unique=True),
        Column("role", String, nullable=False),
        Column("public_key", String(64), nullable=False),
        Column("key_id", String(8), nullable=False, unique=True),
        Column("key_signature", String(128), nullable=False),
        Column("state", String, nullable=False),
        Column("machine_id", String, nullable=False),
        Column("inc", BigInteger, nullable=False, server_default="1"),
        Column("enrolled_ms", BigInteger, nullable=False),
        Column("last_seen_ms", BigInteger, nullable=False),
        _zero("unsynced_count", Integer),
        Column("program_version", String, nullable=False, server_default=""),
        _zero("clock_offset_ms"),
        Column("hello_session", String, nullable=False, server_default=""),
        _zero("hello_turn"),
        Column("hub", String, nullable=False, server_default=""),
        Column("rev", BigInteger, nullable=False),
        CheckConstraint("role IN ('till','gate','hub')"),
        CheckConstraint("state IN ('active','revoked')"),
    )


def _rebuild_claims_and_allotments(op: Operations) -> None:
    """Both may be in more states than before."""
    rebuild(
        op,
        "claim",
        _key("event_id"),
        _key("perf_id", BigInteger),
        _key("unit", BigInteger),
        Column("kind", String, nullable=False),
        Column("ref", String, nullable=False),
        Column("node_id", String, nullable=False),
        Column("version", Integer, nullable=False),
        Column("rev", BigInteger, nullable=False),
        _was(),
        CheckConstraint("kind IN ('free','hold','allot','sold','returned','blocked')"),
    )
    rebuild(
        op,
        "allot",
        _key("event_id"),
        _key("id"),
        Column("node_id", String, nullable=False),
        Column("inc", BigInteger, nullable=False, server_default="1"),
        Column("perf_id", BigInteger, nullable=False),
        Column("req", String, nullable=False),
        Column("firm", Integer, nullable=False),
        Column("state", String, nullable=False),
        Column("granted_ms", BigInteger, nullable=False),
        _zero("expires_ms"),
        _zero("soft_s", Integer),
        _zero("hard_s", Integer),
        _zero("recall", Integer),
        Column("body", Text, nullable=False),
        Column("rev", BigInteger, nullable=False),
        _was(),
        UniqueConstraint("event_id", "node_id", "req", name="grant_is_idempotent"),
        CheckConstraint("state IN ('held','open','closed','written_off')"),
    )


def _rebuild_operations(op: Operations) -> None:
    """All there is belongs to the trunk: nothing was ever salvaged before."""
    rebuild(
        op,
        "op",
        _key("event_id"),
        _key("node_id"),
        _key("inc", BigInteger),
        _key("seq", BigInteger),
        _key("branch"),
        Column("op_id", String(32), nullable=False),
        Column("kind", String, nullable=False),
        Column("version", Integer, nullable=False),
        Column("wall_ms", BigInteger, nullable=False),
        Column("body", Text, nullable=False),
        Column("hash", String(64), nullable=False),
        Column("received_ms", BigInteger, nullable=False),
        Column("verdict", String, nullable=False),
        Column("verdict_code", String, nullable=False),
        Column("rev", BigInteger, nullable=False),
        values={"branch": "''"},
    )


def _rebuild_ledger(op: Operations) -> None:
    """Money is booked by the place of its operation in a journal, no longer by the operation's id.

    Every line of schema 1 was booked by a sale that is stored. If two stored sales have one id,
    the one received first booked them: the second met the ledger's key.
    """
    rebuild(
        op,
        "ledger",
        _key("event_id"),
        _key("node_id"),
        _key("inc", BigInteger),
        _key("seq", BigInteger),
        _key("branch"),
        _key("line", BigInteger),
        Column("order_id", String, nullable=False),
        Column("account", String, nullable=False),
        Column("amount_minor", BigInteger, nullable=False),
        Column("currency", String(3), nullable=False),
        values={name: f"sale.{name}" for name in ("node_id", "inc", "seq", "branch")},
        joined=(
            "JOIN (SELECT event_id, op_id, node_id, inc, seq, branch, row_number() OVER ("
            "PARTITION BY event_id, op_id ORDER BY received_ms, node_id, inc, seq) AS place "
            "FROM op WHERE kind = 'sale') sale "
            "ON sale.event_id = old.event_id AND sale.op_id = old.op_id AND sale.place = 1"
        ),
    )


def _rebuild_entries(op: Operations) -> None:
    """A row may be an exit now, and a ticket let in more than once."""
    rebuild(
        op,
        "entry",
        _key("event_id"),
        _key("op_id"),
        Column("ticket_id", String, nullable=False),
        Column("perf_id", BigInteger, nullable=False),
        Column("unit", BigInteger, nullable=False),
        Column("node_id", String, nullable=False),
        Column("lane", String, nullable=False),
        Column("phase", String, nullable=False),
        Column("at_ms", BigInteger, nullable=False),
        Column("offline", Integer, nullable=False),
        Column("journalled", Integer, nullable=False),
        Column("rev", BigInteger, nullable=False),
        _was(),
        _zero("again", Integer),
        _zero("ticket_type", Integer),
        _zero("by_hand", Integer),
        Column("people", String, nullable=False, server_default=""),
        _zero("corrected_ms", BigInteger),
        CheckConstraint("phase IN ('granted','passed','returned','left')"),
    )


def _add_pools(op: Operations) -> None:
    op.create_table(
        "pool",
        _key("event_id"),
        _key("id"),
        Column("capacity", Integer, nullable=False),
        Column("free", Integer, nullable=False),
        Column("lent", Integer, nullable=False),
        Column("spent", Integer, nullable=False),
        Column("rev", BigInteger, nullable=False),
        _was(),
        CheckConstraint("free >= 0 AND lent >= 0 AND spent >= 0"),
        CheckConstraint("free + lent + spent = capacity"),
    )
    op.create_table(
        "share",
        _key("event_id"),
        _key("allot_id"),
        _key("pool_id"),
        Column("lent", Integer, nullable=False),
        Column("spent", Integer, nullable=False),
        CheckConstraint("lent >= 0 AND spent >= 0"),
    )


def _add_tables_of_recovery(op: Operations) -> None:
    op.create_table(
        "revocation",
        _key("event_id"),
        _key("op_id"),
        Column("node_id", String, nullable=False),
        Column("action", String, nullable=False),
        Column("asked_ms", BigInteger, nullable=False),
        Column("journalled", Integer, nullable=False),
        Column("body", Text, nullable=False),
    )
    op.create_table(
        "gate_cursor",
        _key("event_id"),
        _key("node_id"),
        Column("generation", String(8), nullable=False),
        Column("rev", BigInteger, nullable=False),
        Column("seen_ms", BigInteger, nullable=False),
    )
    op.create_table(
        "upstream",
        _key("event_id"),
        Column("generation", String(8), nullable=False),
        Column("rev", BigInteger, nullable=False),
        _zero("whole_epoch"),
    )
    op.create_table(
        "relayed",
        _key("event_id"),
        _key("node_id"),
        _key("inc", BigInteger),
        Column("seq", BigInteger, nullable=False),
        Column("hash", String(64), nullable=False),
        Column("state", String, nullable=False, server_default="open"),
    )
    op.create_table(
        "quarantine",
        _key("event_id"),
        _key("node_id"),
        Column("state", String, nullable=False),
        CheckConstraint("state IN ('waiting','reported','lost')"),
    )
    op.create_table(
        "declared",
        _key("event_id"),
        _key("id"),
        _key("node_id"),
        Column("inc", BigInteger, nullable=False),
        Column("state", String, nullable=False),
        Column("body", Text, nullable=False),
    )


def _add_tables_beside_orders(op: Operations) -> None:
    op.create_table(
        "buyer",
        _key("event_id"),
        _key("order_id"),
        Column("key_no", Integer, nullable=False),
        Column("sealed", Text, nullable=False),
        Column("tokens", Text, nullable=False),
        Column("node_id", String, nullable=False),
        Column("at_ms", BigInteger, nullable=False),
        Column("rev", BigInteger, nullable=False),
        _was(),
    )
    op.create_table(
        "handout",
        _key("event_id"),
        _key("order_id"),
        Column("keeper", String, nullable=False),
        Column("wanted_by", String, nullable=False),
        Column("turn", Integer, nullable=False),
        Column("copies", Integer, nullable=False),
        Column("rev", BigInteger, nullable=False),
        _was(),
    )


def _add_tables_of_the_console(op: Operations) -> None:
    op.create_table(
        "sign_off",
        _key("id"),
        Column("by_what", String, nullable=False),
        Column("of_what", String, nullable=False),
        Column("signed_ms", BigInteger, nullable=False),
        Column("person_id", String, nullable=False),
        Column("person_name", String, nullable=False),
        Column("note", Text, nullable=False),
        Column("digest", String(64), nullable=False),
        Column("body", Text, nullable=False),
    )
    op.create_index("sign_off_of", "sign_off", ["by_what", "of_what", "signed_ms"])
    op.create_table(
        "case_note",
        _key("event_id"),
        _key("case_id"),
        _key("number", BigInteger),
        Column("at_ms", BigInteger, nullable=False),
        Column("person_id", String, nullable=False),
        Column("person_name", String, nullable=False),
        Column("kind", String, nullable=False),
        Column("value", Text, nullable=False),
    )


def _add_credentials(op: Operations) -> None:
    op.create_table(
        "credential",
        _key("event_id"),
        _key("ref"),
        Column("ticket_id", String, nullable=False),
        Column("kind", String, nullable=False),
        Column("state", String, nullable=False),
        Column("ticket_type", Integer, nullable=False),
        Column("counter", Integer, nullable=False),
        Column("node_id", String, nullable=False),
        Column("at_ms", BigInteger, nullable=False),
        Column("rev", BigInteger, nullable=False),
        _was(),
        CheckConstraint("kind IN ('uid','tag','sun')"),
        CheckConstraint("state IN ('bound','unbound','blocked')"),
    )
    op.create_index("credential_by_ticket", "credential", ["event_id", "ticket_id"])
    bound = text("state = 'bound'")
    op.create_index(
        "one_bound_credential_per_ticket_and_kind",
        "credential",
        ["event_id", "ticket_id", "kind"],
        unique=True,
        sqlite_where=bound,
        postgresql_where=bound,
    )


def _index_some(op: Operations, name: str, table: str, columns: list[str], condition: str) -> None:
    where = text(condition)
    op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)


def _change_indexes(op: Operations) -> None:
    for table in ("claim", "allot", "pool", "orders", "entry", "buyer", "handout", "credential"):
        op.create_index(f"{table}_by_rev", table, ["event_id", "rev"], unique=True)
    op.create_index("entry_by_ticket", "entry", ["event_id", "ticket_id"])
    _index_some(op, "claim_returned", "claim", ["event_id", "rev"], "kind = 'returned'")
    _index_some(op, "allot_held", "allot", ["event_id", "expires_ms"], "state = 'held'")
    _index_some(op, "allot_open", "allot", ["event_id", "node_id", "id"], "state = 'open'")
    given_back = "account = 'sales' AND amount_minor > 0"
    _index_some(op, "ledger_back", "ledger", ["event_id", "order_id"], given_back)
    deferred, valid = text("verdict = 'deferred'"), text("state = 'valid'")
    op.create_index(
        "op_deferred", "op", ["event_id"], sqlite_where=deferred, postgresql_where=deferred
    )
    op.drop_index("ticket_by_unit", "ticket")
    op.create_index(
        "one_valid_ticket_per_unit",
        "ticket",
        ["event_id", "perf_id", "unit"],
        unique=True,
        sqlite_where=valid,
        postgresql_where=valid,
    )

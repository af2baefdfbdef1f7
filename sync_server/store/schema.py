"""The server's tables: one DDL for SQLite and PostgreSQL, `event_id` first in every event's key.

Rows that nodes are told of carry `rev`, the revision of their stream's feed; they are never
deleted. `was` is the revision that a row replaced: a writer that did not see the row as it is
changes nothing, and finds out. Instants are Unix milliseconds, money is minor units, `body`
columns are JSON text. A venue is a stream too: its id stands in `event_id` for the house.
"""

from __future__ import annotations

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
    text,
)

SCHEMA_VERSION = 5

metadata = MetaData()


def _key(name: str, kind: type[String] | type[BigInteger] | String = String) -> Column[object]:
    return Column(name, kind, primary_key=True, autoincrement=False)


def _feed_index(table: str) -> Index:
    return Index(f"{table}_by_rev", "event_id", "rev", unique=True)


def _partial_index(name: str, condition: str, *columns: str) -> Index:
    """The few rows that are waited for among the many that are done with."""
    where = text(condition)
    return Index(name, *columns, sqlite_where=where, postgresql_where=where)


meta = Table("meta", metadata, _key("k"), Column("v", Text, nullable=False))

generation = Table(
    "generation",
    metadata,
    _key("id"),
    Column("short", String(8), nullable=False, unique=True),
    Column("started_ms", BigInteger, nullable=False),
    Column("reason", String, nullable=False),
    Column("timeline", Integer, nullable=False, server_default="0"),  # PostgreSQL's; 0: SQLite
)

stream = Table(
    "stream",
    metadata,
    _key("event_id"),
    Column("kind", String, nullable=False),  # house | event
    Column("head", BigInteger, nullable=False),
    Column("epoch", BigInteger, nullable=False, server_default="0"),  # of the owner; only grows
    Column("owner_url", String, nullable=False, server_default=""),
    Column("lease_until_ms", BigInteger, nullable=False, server_default="0"),  # database's clock
    Column("min_rev", BigInteger, nullable=False, server_default="0"),  # older cursors refetch
    Column("quarantine", Integer, nullable=False, server_default="0"),  # see heart.work
)

node = Table(
    "node",
    metadata,
    _key("id"),
    Column("name", String, nullable=False, unique=True),
    Column("role", String, nullable=False),  # till | gate | hub
    Column("public_key", String(64), nullable=False),  # hex
    Column("key_id", String(8), nullable=False, unique=True),
    Column("key_signature", String(128), nullable=False),  # hex, by the server's key
    Column("state", String, nullable=False),  # active | revoked
    Column("machine_id", String, nullable=False),
    Column("inc", BigInteger, nullable=False, server_default="1"),  # incarnation: of its journals
    Column("enrolled_ms", BigInteger, nullable=False),
    Column("last_seen_ms", BigInteger, nullable=False),  # 0 = never; not part of the feed
    Column("unsynced_count", Integer, nullable=False, server_default="0"),  # as the node said last
    Column("program_version", String, nullable=False, server_default=""),
    Column("clock_offset_ms", BigInteger, nullable=False, server_default="0"),
    Column("hello_session", String, nullable=False, server_default=""),  # of the newest hello
    Column("hello_turn", BigInteger, nullable=False, server_default="0"),
    Column("hub", String, nullable=False, server_default=""),  # the hub it calls; '': us
    Column("agency", String, nullable=False, server_default=""),  # whose window; '': the house's
    Column("rev", BigInteger, nullable=False),
    CheckConstraint("role IN ('till','gate','hub')"),
    CheckConstraint("state IN ('active','revoked')"),
)

enrolment = Table(
    "enrolment",
    metadata,
    _key("secret_hash"),  # SHA-256, hex: the code itself is shown once and kept nowhere
    Column("role", String, nullable=False),
    Column("node_name", String, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    Column("used_ms", BigInteger, nullable=False),  # 0 = not used
    Column("node_id", String, nullable=False),  # '' until used
    Column("agency", String, nullable=False, server_default=""),  # as of the node to be
)

agency = Table(
    "agency",  # who sells at windows of its own, on the house's account; nodes are told nothing of it
    metadata,
    _key("id"),
    Column("name", String, nullable=False, unique=True),
    Column("state", String, nullable=False),  # active | retired
    CheckConstraint("state IN ('active','retired')"),
)

person = Table(
    "person",
    metadata,
    _key("id"),
    Column("login", String, nullable=False, unique=True),
    Column("name", String, nullable=False),
    Column("role", String, nullable=False),
    Column("password_hash", String, nullable=False),  # '' = may not sign in to the console
    Column("pin_hash", String, nullable=False),  # '' = may not sign in at a till
    Column("state", String, nullable=False),  # active | left
    Column("scope_kind", String, nullable=False, server_default="venue"),  # where the role holds
    Column("scope_ids", Text, nullable=False, server_default="[]"),  # JSON: of events, agencies
    Column("signed_in_ms", BigInteger, nullable=False, server_default="0"),  # console; not fed
    Column("rev", BigInteger, nullable=False),
)

console_session = Table(
    "console_session",
    metadata,
    _key("token_hash"),
    Column("person_id", String, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    Column("id", String, nullable=False, server_default=""),  # names it to its person
    Column("address", String, nullable=False, server_default=""),
    Column("agent", String, nullable=False, server_default=""),
    Column("used_ms", BigInteger, nullable=False, server_default="0"),
)

second_factor = Table(
    "second_factor",
    metadata,
    _key("person_id"),
    Column("sealed", String, nullable=False),  # the secret, hex; see services.second_factor
    Column("is_on", Integer, nullable=False),  # 1 once a code of it was right
    Column("last_step", BigInteger, nullable=False),  # of the newest code that was taken
)

api_client = Table(
    "api_client",
    metadata,
    _key("id"),
    Column("name", String, nullable=False),
    Column("role", String, nullable=False),
    Column("scope_kind", String, nullable=False),
    Column("scope_ids", Text, nullable=False),
    Column("state", String, nullable=False),  # active | ended
    Column("created_ms", BigInteger, nullable=False),
    CheckConstraint("state IN ('active','ended')"),
)

refresh_token = Table(
    "refresh_token",
    metadata,
    _key("token_hash"),
    Column("client_id", String, nullable=False),
    Column("state", String, nullable=False),  # live | used | dropped: its reply was lost
    Column("expires_ms", BigInteger, nullable=False),
    Column("used_ms", BigInteger, nullable=False),
    Column("next_hash", String, nullable=False),
    CheckConstraint("state IN ('live','used','dropped')"),
)

audit_outbox = Table(
    "audit_outbox",  # what deeds have noted of themselves, until it is in the audit's own store
    metadata,
    _key("id"),  # by time
    Column("at_ms", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
)

doc = Table(
    "doc",
    metadata,
    _key("event_id"),
    _key("kind"),  # venue, event_list entry: house; event: the event's own stream
    _key("id"),
    Column("body", Text, nullable=False),
    Column("rev", BigInteger, nullable=False),
    _feed_index("doc"),
)

plan = Table(
    "plan",  # seating plans: every version that was saved, used by an event or not; only ever added
    metadata,
    _key("id"),
    _key("version", BigInteger),
    Column("name", Text, nullable=False),  # JSON: one for each language
    Column("unit_count", Integer, nullable=False),
    Column("highest_unit", BigInteger, nullable=False),  # of this and of all versions before
    Column("digest", String(64), nullable=False),  # SHA-256 of the body
    Column("source", String, nullable=False),  # import | upload | pretix
    Column("saved_ms", BigInteger, nullable=False),
    Column("person_id", String, nullable=False),  # '': the command line
    Column("person_name", String, nullable=False),
    Column("categories", Text, nullable=False),  # JSON: groups of seats that its file had
    Column("body", Text, nullable=False),
)

plan_draft = Table(
    "plan_draft",  # what somebody uploaded and has not confirmed: one for each person
    metadata,
    _key("person_id"),
    Column("id", String(32), nullable=False),
    Column("made_ms", BigInteger, nullable=False),
    Column("base_version", BigInteger, nullable=False),
    Column("source", String, nullable=False),
    Column("left_out_count", Integer, nullable=False),
    Column("categories", Text, nullable=False),
    Column("body", Text, nullable=False),
)

performance = Table(
    "performance",
    metadata,
    _key("event_id"),
    _key("perf_id", BigInteger),
    Column("unit_count", Integer, nullable=False),
    Column("starts_ms", BigInteger, nullable=False),
    Column("ends_ms", BigInteger, nullable=False),
    Column("version", Integer, nullable=False, server_default="1"),  # counts its changes
    Column("cancelled_ms", BigInteger, nullable=False, server_default="0"),  # 0: it takes place
    UniqueConstraint("perf_id", name="performance_number_is_unique"),
)

performance_change = Table(
    "performance_change",  # who moved, cancelled or added one, and what it was; only ever added
    metadata,
    _key("event_id"),
    _key("perf_id", BigInteger),
    _key("version", BigInteger),  # that it had after the change
    Column("kind", String, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("rev", BigInteger, nullable=False),  # of the event's document that says so
    Column("person_id", String, nullable=False),  # '': by a catalogue file
    Column("person_name", String, nullable=False),
    Column("reason", Text, nullable=False),
    Column("before", Text, nullable=False),  # as in the event's document; '': there was none
    Column("after", Text, nullable=False),
    CheckConstraint("kind IN ('added','moved','cancelled','changed')"),
    Index(
        "a_performance_is_cancelled_once",
        "event_id",
        "perf_id",
        unique=True,
        sqlite_where=text("kind = 'cancelled'"),
        postgresql_where=text("kind = 'cancelled'"),
    ),
)

claim = Table(
    "claim",
    metadata,
    _key("event_id"),
    _key("perf_id", BigInteger),
    _key("unit", BigInteger),
    Column("kind", String, nullable=False),  # see CheckConstraint; no row = free, version 0
    Column("ref", String, nullable=False),  # allotment (allot, hold) or ticket (sold, returned)
    Column("node_id", String, nullable=False),
    Column("version", Integer, nullable=False),
    Column("rev", BigInteger, nullable=False),
    Column("was", BigInteger, nullable=False, server_default="0"),
    CheckConstraint("kind IN ('free','hold','allot','sold','returned','blocked')"),
    _feed_index("claim"),
    _partial_index("claim_returned", "kind = 'returned'", "event_id", "rev"),
)

allot = Table(
    "allot",
    metadata,
    _key("event_id"),
    _key("id"),
    Column("node_id", String, nullable=False),  # '' for a hold of the server's own
    Column("inc", BigInteger, nullable=False, server_default="1"),
    Column("perf_id", BigInteger, nullable=False),
    Column("req", String, nullable=False),
    Column("firm", Integer, nullable=False),  # 1: acquired for a basket, released with it
    Column("state", String, nullable=False),  # held: a hold, which ends by the server's clock
    Column("granted_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=False, server_default="0"),  # of a hold
    Column("soft_s", Integer, nullable=False, server_default="0"),  # 0: no term
    Column("hard_s", Integer, nullable=False, server_default="0"),
    Column("recall", Integer, nullable=False, server_default="0"),  # 1: asked back
    Column("body", Text, nullable=False),  # {"units": [[unit, version]...], "counts": {pool: n}}
    Column("rev", BigInteger, nullable=False),
    Column("was", BigInteger, nullable=False, server_default="0"),
    UniqueConstraint("event_id", "node_id", "req", name="grant_is_idempotent"),
    CheckConstraint("state IN ('held','open','closed','written_off')"),
    _feed_index("allot"),
    _partial_index("allot_held", "state = 'held'", "event_id", "expires_ms"),
    _partial_index("allot_open", "state = 'open'", "event_id", "node_id", "id"),
)

pool = Table(
    "pool",  # counted rights that no seat stands for: the first 500 at a price, 100 child tickets
    metadata,
    _key("event_id"),
    _key("id"),
    Column("capacity", Integer, nullable=False),
    Column("free", Integer, nullable=False),
    Column("lent", Integer, nullable=False),
    Column("spent", Integer, nullable=False),
    Column("rev", BigInteger, nullable=False),
    Column("was", BigInteger, nullable=False, server_default="0"),
    CheckConstraint("free >= 0 AND lent >= 0 AND spent >= 0"),
    CheckConstraint("free + lent + spent = capacity"),
    _feed_index("pool"),
)

share = Table(
    "share",  # what of a pool is lent with an allotment
    metadata,
    _key("event_id"),
    _key("allot_id"),
    _key("pool_id"),
    Column("lent", Integer, nullable=False),  # still with the node
    Column("spent", Integer, nullable=False),
    CheckConstraint("lent >= 0 AND spent >= 0"),
)

journal = Table(
    "journal",
    metadata,
    _key("event_id"),
    _key("node_id"),
    _key("inc", BigInteger),
    Column("seq", BigInteger, nullable=False),
    Column("hash", String(64), nullable=False),
    Column("state", String, nullable=False),  # open | forked | closed
)

op = Table(
    "op",
    metadata,
    _key("event_id"),
    _key("node_id"),
    _key("inc", BigInteger),
    _key("seq", BigInteger),
    _key("branch"),  # '' or, for what was salvaged of a forked journal, where it left the trunk
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
    Index(
        "op_deferred",
        "event_id",
        sqlite_where=text("verdict = 'deferred'"),
        postgresql_where=text("verdict = 'deferred'"),
    ),
    # What went back, for whoever counts from a revision on: few operations are of these kinds
    _partial_index("op_returns", "kind IN ('refund','exchange')", "event_id", "rev"),
)

orders = Table(
    "orders",
    metadata,
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
    Column("refunded_minor", BigInteger, nullable=False, server_default="0"),
    Column("rev", BigInteger, nullable=False),
    Column("was", BigInteger, nullable=False, server_default="0"),
    UniqueConstraint("event_id", "node_id", "inc", "receipt_no", name="receipt_no_is_unique"),
    _feed_index("orders"),
)

ticket = Table(
    "ticket",
    metadata,
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
    Column("was", BigInteger, nullable=False, server_default="0"),
    Column("blocked", String, nullable=False, server_default=""),  # why it lets nobody in for now
    _feed_index("ticket"),
    Index(
        "one_valid_ticket_per_unit",
        "event_id",
        "perf_id",
        "unit",
        unique=True,
        sqlite_where=text("state = 'valid'"),
        postgresql_where=text("state = 'valid'"),
    ),
)

ledger = Table(
    "ledger",
    metadata,
    _key("event_id"),
    _key("node_id"),
    _key("inc", BigInteger),
    _key("seq", BigInteger),  # the operation that moved the money
    _key("branch"),
    _key("line", BigInteger),
    Column("order_id", String, nullable=False),
    Column("account", String, nullable=False),  # cash:<node>, sales, fees
    Column("amount_minor", BigInteger, nullable=False),  # sums to 0 per operation
    Column("currency", String(3), nullable=False),
    Index(  # what was given back of an order: few orders have such a line
        "ledger_back",
        "event_id",
        "order_id",
        sqlite_where=text("account = 'sales' AND amount_minor > 0"),
        postgresql_where=text("account = 'sales' AND amount_minor > 0"),
    ),
)

entry = Table(
    "entry",
    metadata,
    _key("event_id"),
    _key("op_id"),
    Column("ticket_id", String, nullable=False),
    Column("perf_id", BigInteger, nullable=False),
    Column("unit", BigInteger, nullable=False),
    Column("node_id", String, nullable=False),
    Column("lane", String, nullable=False),
    Column("phase", String, nullable=False),  # granted | passed | returned; left: an exit
    Column("at_ms", BigInteger, nullable=False),
    Column("offline", Integer, nullable=False),  # decided without the arbiter
    Column("journalled", Integer, nullable=False),  # 1 once the gate's own journal told it
    Column("rev", BigInteger, nullable=False),
    Column("was", BigInteger, nullable=False, server_default="0"),
    Column("again", Integer, nullable=False, server_default="0"),  # 1: a further one, allowed
    Column("ticket_type", Integer, nullable=False, server_default="0"),  # the number in the code
    Column("by_hand", Integer, nullable=False, server_default="0"),  # 1: two people let it in
    Column("people", String, nullable=False, server_default=""),  # who: their ids
    # When it was by our clock, as measured when its gate told of it; 0: nobody measured
    Column("corrected_ms", BigInteger, nullable=False, server_default="0"),
    CheckConstraint("phase IN ('granted','passed','returned','left')"),
    _feed_index("entry"),
    Index("entry_by_ticket", "event_id", "ticket_id"),
)

case = Table(
    "case_file",
    metadata,
    _key("event_id"),
    _key("id"),
    Column("kind", String, nullable=False),
    Column("state", String, nullable=False),  # open | closed
    Column("opened_ms", BigInteger, nullable=False),
    Column("closed_ms", BigInteger, nullable=False, server_default="0"),
    Column("resolution", Text, nullable=False, server_default=""),  # JSON: who, what, why
    Column("body", Text, nullable=False),
    Column("rev", BigInteger, nullable=False),
    Column("was", BigInteger, nullable=False, server_default="0"),
    _feed_index("case_file"),
)

sign_off = Table(
    "sign_off",  # what a person signed for; rows are only ever added
    metadata,
    _key("id"),
    Column("by_what", String, nullable=False),  # day | performance | shift | till | gate
    Column("of_what", String, nullable=False),
    Column("signed_ms", BigInteger, nullable=False),
    Column("person_id", String, nullable=False),
    Column("person_name", String, nullable=False),
    Column("note", Text, nullable=False),
    Column("digest", String(64), nullable=False),  # SHA-256 of the body
    Column("body", Text, nullable=False),  # the figures as they were
    Index("sign_off_of", "by_what", "of_what", "signed_ms"),
)

case_note = Table(
    "case_note",  # who said what about a case, and who has it until when; only ever added
    metadata,
    _key("event_id"),
    _key("case_id"),
    _key("number", BigInteger),
    Column("at_ms", BigInteger, nullable=False),
    Column("person_id", String, nullable=False),
    Column("person_name", String, nullable=False),
    Column("kind", String, nullable=False),  # comment | owner | deadline
    Column("value", Text, nullable=False),
)

revocation = Table(
    "revocation",  # tickets that the centre revoked for a till; the till's journal tells the money
    metadata,
    _key("event_id"),
    _key("op_id"),  # of the operation that is to follow
    Column("node_id", String, nullable=False),
    Column("action", String, nullable=False),  # void | refund | exchange | replacement
    Column("asked_ms", BigInteger, nullable=False),
    Column("journalled", Integer, nullable=False),  # 1 once the till's own journal told it
    Column("body", Text, nullable=False),  # {"tickets": [...], "allotment": id or ""}
)

buyer = Table(
    "buyer",  # who bought, sealed; beside the journals, since a person may ask for it to be erased
    metadata,
    _key("event_id"),
    _key("order_id"),
    Column("key_no", Integer, nullable=False),
    Column("sealed", Text, nullable=False),  # '': erased
    Column("tokens", Text, nullable=False),  # JSON list: by what the order is found
    Column("node_id", String, nullable=False),  # who told it last
    Column("at_ms", BigInteger, nullable=False),
    Column("rev", BigInteger, nullable=False),
    Column("was", BigInteger, nullable=False, server_default="0"),
    _feed_index("buyer"),
)

handout = Table(
    "handout",  # orders whose first print is asked for, or went to another till; without a row: none
    metadata,
    _key("event_id"),
    _key("order_id"),
    Column("keeper", String, nullable=False),  # the node that may print first
    Column("wanted_by", String, nullable=False),  # the node that asks for it, or ''
    Column("turn", Integer, nullable=False),  # of the keeper's last answer; only grows
    Column("copies", Integer, nullable=False),  # above 0: the keeper has printed so often
    Column("rev", BigInteger, nullable=False),
    Column("was", BigInteger, nullable=False, server_default="0"),
    _feed_index("handout"),
)

credential = Table(
    "credential",  # chips that stand for tickets, or did; never their numbers
    metadata,
    _key("event_id"),
    _key("ref"),  # keyed hash of the chip's number
    Column("ticket_id", String, nullable=False),
    Column("kind", String, nullable=False),  # uid | tag | sun
    Column("state", String, nullable=False),  # bound | unbound | blocked
    Column("ticket_type", Integer, nullable=False),
    Column("counter", Integer, nullable=False),  # highest tap that was let in; -1: none
    Column("node_id", String, nullable=False),  # who said so last
    Column("at_ms", BigInteger, nullable=False),  # when, by the centre's clock
    Column("rev", BigInteger, nullable=False),
    Column("was", BigInteger, nullable=False, server_default="0"),
    CheckConstraint("kind IN ('uid','tag','sun')"),
    CheckConstraint("state IN ('bound','unbound','blocked')"),
    Index("credential_by_ticket", "event_id", "ticket_id"),
    Index(  # one living chip of a kind
        "one_bound_credential_per_ticket_and_kind",
        "event_id",
        "ticket_id",
        "kind",
        unique=True,
        sqlite_where=text("state = 'bound'"),
        postgresql_where=text("state = 'bound'"),
    ),
    _feed_index("credential"),
)

gate_cursor = Table(
    "gate_cursor",  # how far each gate has read an event's feed, as its last poll said
    metadata,
    _key("event_id"),
    _key("node_id"),
    Column("generation", String(8), nullable=False),
    Column("rev", BigInteger, nullable=False),
    Column("seen_ms", BigInteger, nullable=False),
)

quarantine = Table(
    "quarantine",  # who must report to a new generation before anything is lent again
    metadata,
    _key("event_id"),
    _key("node_id"),
    Column("state", String, nullable=False),  # waiting | reported | lost
    CheckConstraint("state IN ('waiting','reported','lost')"),
)

declared = Table(
    "declared",  # allotments that nodes hold and this history does not know
    metadata,
    _key("event_id"),
    _key("id"),
    _key("node_id"),
    Column("inc", BigInteger, nullable=False),
    Column("state", String, nullable=False),  # pending | installed | refused | over (at the node)
    Column("body", Text, nullable=False),  # the grant as the node had it
)

upstream = Table(
    "upstream",  # at a hub: how far it has each stream of the centre's, whose generation that is
    metadata,
    _key("event_id"),
    Column("generation", String(8), nullable=False),  # '': nothing was read yet
    Column("rev", BigInteger, nullable=False),
    # The arbiter's epoch of the event up to which everything was read; 0: not the arbiter
    Column("whole_epoch", BigInteger, nullable=False, server_default="0"),
)

relayed = Table(
    "relayed",  # at a hub: how far it has passed on each journal of the nodes below it
    metadata,
    _key("event_id"),
    _key("node_id"),
    _key("inc", BigInteger),
    Column("seq", BigInteger, nullable=False),
    Column("hash", String(64), nullable=False),
    Column("state", String, nullable=False, server_default="open"),  # open | fenced: by the centre
)

report_mark = Table(
    "report_mark",  # how far an event is counted for reports; told to nobody, made anew at any time
    metadata,
    _key("event_id"),
    Column(
        "turn", BigInteger, nullable=False
    ),  # of who counts now; who began before writes no more
    Column("build", BigInteger, nullable=False),  # the turn whose rows of sale_sum count; 0: none
    Column("rev", BigInteger, nullable=False),  # counted up to here, of this generation
    Column("generation", String(8), nullable=False),
    Column("day_rule", String, nullable=False),  # the zone and hour by which days were told apart
    Column("counted_ms", BigInteger, nullable=False),
)

sale_sum = Table(
    "sale_sum",  # tickets and money by performance, business day and one thing more
    metadata,
    _key("event_id"),
    _key("build", BigInteger),
    _key("by_what"),  # all | tier | type | till | free | hour
    _key("perf_id", BigInteger),  # -1: every one
    _key("on_day"),  # ISO date: when it was sold, or went back; '': every one
    _key("of_what"),  # which tier, type, till or hour
    _key("agency"),  # whose till; '': the house's own
    _key("currency", String(3)),
    Column("sold_count", BigInteger, nullable=False),
    Column("sold_minor", BigInteger, nullable=False),
    Column("back_count", BigInteger, nullable=False),
    Column("back_minor", BigInteger, nullable=False),
)

entry_sum = Table(
    "entry_sum",  # how many went in at a lane within a minute
    metadata,
    _key("event_id"),
    _key("perf_id", BigInteger),
    _key("node_id"),
    _key("lane"),
    _key("minute", BigInteger),  # since 1970
    Column("entries", BigInteger, nullable=False),
    Column("again", BigInteger, nullable=False),  # of them further ones of a ticket, allowed
    Column("offline", BigInteger, nullable=False),
    Column("by_hand", BigInteger, nullable=False),
)

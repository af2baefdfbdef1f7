"""The tables of journal.db, and how a file of an earlier version comes to have them.

Migrations only add: no operation, allotment or journal of an earlier version is ever dropped.
"""

from __future__ import annotations

SCHEMA_VERSION = 12

_JOURNAL = """
CREATE TABLE journal (
    stream TEXT NOT NULL, inc INTEGER NOT NULL, seq INTEGER NOT NULL, hash TEXT NOT NULL,
    acked INTEGER NOT NULL, locked INTEGER NOT NULL DEFAULT 0,
    salvaged INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (stream, inc), CHECK (acked <= seq), CHECK (salvaged <= seq));
"""
_ALLOT_UNIT = """
CREATE TABLE allot_unit (
    stream TEXT NOT NULL, performance INTEGER NOT NULL, unit INTEGER NOT NULL,
    allot_id TEXT NOT NULL, version INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('free', 'sold', 'released', 'returned')),
    PRIMARY KEY (stream, performance, unit));
CREATE INDEX allot_unit_of ON allot_unit (stream, allot_id);
"""
_NEW_IN_2 = """
CREATE TABLE allot_count (
    stream TEXT NOT NULL, pool TEXT NOT NULL, allot_id TEXT NOT NULL,
    granted INTEGER NOT NULL, spent INTEGER NOT NULL DEFAULT 0,
    released INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (stream, allot_id, pool),
    CHECK (spent >= 0), CHECK (released >= 0), CHECK (spent + released <= granted));
CREATE TABLE declaration (
    stream TEXT PRIMARY KEY, gen TEXT NOT NULL, sent INTEGER NOT NULL, done INTEGER NOT NULL);
CREATE TABLE revocation (
    stream TEXT NOT NULL, op_id TEXT NOT NULL, action TEXT NOT NULL, order_id TEXT NOT NULL,
    tickets TEXT NOT NULL, asked_ms INTEGER NOT NULL, state TEXT NOT NULL, code TEXT NOT NULL,
    sent_mono_ms INTEGER NOT NULL DEFAULT 0, boot_id TEXT NOT NULL DEFAULT '',
    sent_wall_ms INTEGER NOT NULL DEFAULT 0, sent_high_ms INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (op_id));
"""
# What a shift owns is found by it, and the Z reports without reading everything else.
_NEW_IN_3 = """
CREATE INDEX op_of_shift ON op (shift) WHERE shift <> '';
CREATE INDEX op_closing ON op (wall_ms) WHERE kind = 'shift_closed';
"""
# Units of a parked basket are nobody else's: the key says that two baskets never keep the same.
_NEW_IN_4 = """
CREATE TABLE parked (
    number INTEGER PRIMARY KEY, stream TEXT NOT NULL, parked_ms INTEGER NOT NULL,
    until_ms INTEGER NOT NULL, body TEXT NOT NULL);
CREATE TABLE parked_unit (
    stream TEXT NOT NULL, performance INTEGER NOT NULL, unit INTEGER NOT NULL,
    number INTEGER NOT NULL REFERENCES parked (number),
    PRIMARY KEY (stream, performance, unit));
"""
# A payment is found by the order it is for, and what is not final without reading all there were.
_NEW_IN_5 = """
CREATE TABLE tender_leg (
    id TEXT PRIMARY KEY, stream TEXT NOT NULL, order_id TEXT NOT NULL, tender TEXT NOT NULL,
    kind TEXT NOT NULL, amount_minor INTEGER NOT NULL CHECK (amount_minor <> 0),
    currency TEXT NOT NULL, state TEXT NOT NULL, reference TEXT NOT NULL DEFAULT '',
    reason TEXT NOT NULL DEFAULT '', begun_ms INTEGER NOT NULL, changed_ms INTEGER NOT NULL,
    told INTEGER NOT NULL DEFAULT 0);
CREATE INDEX tender_leg_of ON tender_leg (stream, order_id);
CREATE INDEX tender_leg_open ON tender_leg (begun_ms) WHERE state NOT IN (
    'captured', 'declined', 'abandoned', 'reversed_closed', 'reversed_refunded', 'refunded',
    'refund_failed');
CREATE INDEX tender_leg_untold ON tender_leg (begun_ms) WHERE state = 'abandoned' AND told = 0;
"""
# Buyers stand beside the journal, where they can be erased. Orders whose first print came from
# another node, or went to one; `begun`: paper of it may be out, or on its way.
_NEW_IN_6 = """
CREATE TABLE buyer (
    stream TEXT NOT NULL, order_id TEXT NOT NULL, key_no INTEGER NOT NULL, sealed TEXT NOT NULL,
    tokens TEXT NOT NULL, at_ms INTEGER NOT NULL, sent_gen TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (stream, order_id));
CREATE INDEX buyer_by_gen ON buyer (sent_gen);
ALTER TABLE orders ADD COLUMN from_node TEXT NOT NULL DEFAULT '';
ALTER TABLE orders ADD COLUMN gone_to TEXT NOT NULL DEFAULT '';
ALTER TABLE orders ADD COLUMN turn INTEGER NOT NULL DEFAULT 0;
ALTER TABLE orders ADD COLUMN begun INTEGER NOT NULL DEFAULT 0;
"""

# What was paid back of an order is found without reading all that was sold.
_NEW_IN_8 = """
CREATE INDEX op_after_sale ON op (stream, kind) WHERE kind IN ('refund', 'exchange');
"""
# Who is to buy a parked basket, sealed; it goes with the basket.
_NEW_IN_9 = """
CREATE TABLE parked_buyer (
    number INTEGER PRIMARY KEY REFERENCES parked (number), key_no INTEGER NOT NULL,
    sealed TEXT NOT NULL);
"""
# What the server did not accept as it stands is rare, and asked for all the time.
_NEW_IN_10 = """
CREATE INDEX op_not_accepted ON op (verdict) WHERE verdict IN ('deferred', 'disputed', 'rejected');
"""
# The highest tap of each chip that a gate let in; chips that a till bound, or unbound, itself.
_NEW_IN_11 = """
CREATE TABLE chip_tap (ref TEXT PRIMARY KEY, counter INTEGER NOT NULL);
CREATE TABLE credential (
    stream TEXT NOT NULL, ref TEXT NOT NULL, ticket_id TEXT NOT NULL, kind TEXT NOT NULL,
    state TEXT NOT NULL, at_ms INTEGER NOT NULL, op_id TEXT NOT NULL,
    PRIMARY KEY (stream, ref));
CREATE INDEX credential_of ON credential (stream, ticket_id);
"""
# Orders are found by what was noted here of their buyers, also before the server tells it back.
# The newest rows are read first, by their ids; what a buyer no longer has goes with the change.
_NEW_IN_12 = """
CREATE TABLE buyer_token (token TEXT NOT NULL, stream TEXT NOT NULL, order_id TEXT NOT NULL);
CREATE INDEX buyer_token_by ON buyer_token (token);
CREATE INDEX buyer_token_of ON buyer_token (stream, order_id);
CREATE TRIGGER buyer_comes AFTER INSERT ON buyer BEGIN
    INSERT INTO buyer_token (token, stream, order_id)
        SELECT value, new.stream, new.order_id FROM json_each(new.tokens); END;
CREATE TRIGGER buyer_changes BEFORE UPDATE OF tokens ON buyer BEGIN
    DELETE FROM buyer_token WHERE stream = old.stream AND order_id = old.order_id; END;
CREATE TRIGGER buyer_changed AFTER UPDATE OF tokens ON buyer BEGIN
    INSERT INTO buyer_token (token, stream, order_id)
        SELECT value, new.stream, new.order_id FROM json_each(new.tokens); END;
CREATE TRIGGER buyer_goes AFTER DELETE ON buyer BEGIN
    DELETE FROM buyer_token WHERE stream = old.stream AND order_id = old.order_id; END;
"""

SCHEMA = (
    """
CREATE TABLE meta (k TEXT PRIMARY KEY, v TEXT NOT NULL);
"""
    + _JOURNAL
    + """
CREATE TABLE op (
    stream TEXT NOT NULL, inc INTEGER NOT NULL, seq INTEGER NOT NULL, op_id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL, version INTEGER NOT NULL, wall_ms INTEGER NOT NULL, body TEXT NOT NULL,
    hash TEXT NOT NULL, verdict TEXT NOT NULL DEFAULT '', code TEXT NOT NULL DEFAULT '',
    rev INTEGER NOT NULL DEFAULT 0, shift TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (stream, inc, seq));
CREATE TABLE allot (
    stream TEXT NOT NULL, id TEXT NOT NULL, performance INTEGER NOT NULL, firm INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('open', 'closed', 'written_off')),
    inc INTEGER NOT NULL DEFAULT 1, req TEXT NOT NULL DEFAULT '',
    units TEXT NOT NULL DEFAULT '[]', counts TEXT NOT NULL DEFAULT '{}',
    granted_ms INTEGER NOT NULL DEFAULT 0, recall INTEGER NOT NULL DEFAULT 0,
    soft_s INTEGER NOT NULL DEFAULT 0, hard_s INTEGER NOT NULL DEFAULT 0,
    sent_mono_ms INTEGER NOT NULL DEFAULT 0, boot_id TEXT NOT NULL DEFAULT '',
    sent_wall_ms INTEGER NOT NULL DEFAULT 0, sent_high_ms INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (stream, id));
"""
    + _ALLOT_UNIT
    + """
CREATE TABLE orders (
    stream TEXT NOT NULL, id TEXT NOT NULL, receipt_no TEXT NOT NULL UNIQUE,
    sold_ms INTEGER NOT NULL, ticket_count INTEGER NOT NULL, copies INTEGER NOT NULL DEFAULT 0,
    body TEXT NOT NULL, PRIMARY KEY (stream, id));
CREATE INDEX orders_unprinted ON orders (sold_ms) WHERE copies = 0;
CREATE TABLE entry (
    stream TEXT NOT NULL, op_id TEXT NOT NULL, ticket_id TEXT NOT NULL,
    performance INTEGER NOT NULL, unit INTEGER NOT NULL, version INTEGER NOT NULL,
    lane TEXT NOT NULL, at_ms INTEGER NOT NULL, commanded_ms INTEGER NOT NULL DEFAULT 0,
    phase TEXT NOT NULL DEFAULT 'granted', PRIMARY KEY (stream, op_id));
CREATE INDEX entry_by_ticket ON entry (stream, ticket_id);
CREATE TABLE pin_failure (
    person_id TEXT PRIMARY KEY, tries INTEGER NOT NULL, last_ms INTEGER NOT NULL);
"""
    + _NEW_IN_2
    + _NEW_IN_3
    + _NEW_IN_4
    + _NEW_IN_5
    + _NEW_IN_6
    + _NEW_IN_8
    + _NEW_IN_9
    + _NEW_IN_10
    + _NEW_IN_11
    + _NEW_IN_12
)

# SQLite changes neither a key nor a check in place: the two tables that need it are copied whole.
_FROM_1 = "".join(
    (
        "ALTER TABLE journal RENAME TO journal_1;\n",
        _JOURNAL,
        """
INSERT INTO journal (stream, inc, seq, hash, acked, locked)
    SELECT stream, inc, seq, hash, acked, locked FROM journal_1;
DROP TABLE journal_1;
ALTER TABLE allot_unit RENAME TO allot_unit_1;
""",
        _ALLOT_UNIT,
        """
INSERT INTO allot_unit (stream, performance, unit, allot_id, version, state)
    SELECT stream, performance, unit, allot_id, version, state FROM allot_unit_1;
DROP TABLE allot_unit_1;
ALTER TABLE allot ADD COLUMN inc INTEGER NOT NULL DEFAULT 1;
ALTER TABLE allot ADD COLUMN req TEXT NOT NULL DEFAULT '';
ALTER TABLE allot ADD COLUMN units TEXT NOT NULL DEFAULT '[]';
ALTER TABLE allot ADD COLUMN counts TEXT NOT NULL DEFAULT '{}';
ALTER TABLE allot ADD COLUMN granted_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE allot ADD COLUMN recall INTEGER NOT NULL DEFAULT 0;
ALTER TABLE allot ADD COLUMN soft_s INTEGER NOT NULL DEFAULT 0;
ALTER TABLE allot ADD COLUMN hard_s INTEGER NOT NULL DEFAULT 0;
ALTER TABLE allot ADD COLUMN sent_mono_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE allot ADD COLUMN boot_id TEXT NOT NULL DEFAULT '';
ALTER TABLE allot ADD COLUMN sent_wall_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE allot ADD COLUMN sent_high_ms INTEGER NOT NULL DEFAULT 0;
UPDATE allot SET units = (
    SELECT json_group_array(json_array(u.unit, u.version)) FROM allot_unit u
    WHERE u.stream = allot.stream AND u.allot_id = allot.id);
INSERT INTO meta (k, v)
    SELECT 'wall_high', CAST(wall_ms AS TEXT) FROM op ORDER BY wall_ms DESC LIMIT 1;
""",
        _NEW_IN_2,
    )
)

_FROM_2 = "ALTER TABLE op ADD COLUMN shift TEXT NOT NULL DEFAULT '';\n" + _NEW_IN_3

# An entry may have been returned, and a row may be an exit.
_FROM_6 = "ALTER TABLE entry ADD COLUMN phase TEXT NOT NULL DEFAULT 'granted';\n"

_FILL_TOKENS = """
INSERT INTO buyer_token (token, stream, order_id)
    SELECT j.value, b.stream, b.order_id FROM buyer b, json_each(b.tokens) j ORDER BY b.rowid;
"""
_FROM_11 = _NEW_IN_12 + _FILL_TOKENS

MIGRATIONS = {
    1: _FROM_1,
    2: _FROM_2,
    3: _NEW_IN_4,
    4: _NEW_IN_5,
    5: _NEW_IN_6,
    6: _FROM_6,
    7: _NEW_IN_8,
    8: _NEW_IN_9,
    9: _NEW_IN_10,
    10: _NEW_IN_11,
    11: _FROM_11,
}
"""What makes a file of this version one of the next."""

CREATE TABLE meta (k TEXT PRIMARY KEY, v TEXT NOT NULL);
CREATE TABLE journal (
    stream TEXT PRIMARY KEY, inc INTEGER NOT NULL, seq INTEGER NOT NULL, hash TEXT NOT NULL,
    acked INTEGER NOT NULL, locked INTEGER NOT NULL DEFAULT 0, CHECK (acked <= seq));
CREATE TABLE op (
    stream TEXT NOT NULL, inc INTEGER NOT NULL, seq INTEGER NOT NULL, op_id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL, version INTEGER NOT NULL, wall_ms INTEGER NOT NULL, body TEXT NOT NULL,
    hash TEXT NOT NULL, verdict TEXT NOT NULL DEFAULT '', code TEXT NOT NULL DEFAULT '',
    rev INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (stream, inc, seq));
CREATE TABLE allot (
    stream TEXT NOT NULL, id TEXT NOT NULL, performance INTEGER NOT NULL, firm INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('open', 'closed', 'written_off')),
    PRIMARY KEY (stream, id));
CREATE TABLE allot_unit (
    stream TEXT NOT NULL, performance INTEGER NOT NULL, unit INTEGER NOT NULL,
    allot_id TEXT NOT NULL, version INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('free', 'sold', 'released')),
    PRIMARY KEY (stream, performance, unit));
CREATE TABLE orders (
    stream TEXT NOT NULL, id TEXT NOT NULL, receipt_no TEXT NOT NULL UNIQUE,
    sold_ms INTEGER NOT NULL, ticket_count INTEGER NOT NULL, copies INTEGER NOT NULL DEFAULT 0,
    body TEXT NOT NULL, PRIMARY KEY (stream, id));
CREATE INDEX orders_unprinted ON orders (sold_ms) WHERE copies = 0;
CREATE TABLE entry (
    stream TEXT NOT NULL, op_id TEXT NOT NULL, ticket_id TEXT NOT NULL,
    performance INTEGER NOT NULL, unit INTEGER NOT NULL, version INTEGER NOT NULL,
    lane TEXT NOT NULL, at_ms INTEGER NOT NULL, commanded_ms INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (stream, op_id));
CREATE INDEX entry_by_ticket ON entry (stream, ticket_id);
CREATE TABLE pin_failure (
    person_id TEXT PRIMARY KEY, tries INTEGER NOT NULL, last_ms INTEGER NOT NULL);
INSERT INTO meta VALUES ('node_id', '00000000000000aa'), ('venue_id', 'house'),
    ('incarnation', '1'), ('receipt_count', '1');
INSERT INTO journal VALUES
    ('faust', 1, 2, 'd5ae73f4b6f4b0b2abea42a1a1f4d98a4b3ffeb2a5a2ee4ff1e1ba3f4ba5c0de', 1, 0);
INSERT INTO op VALUES
    ('faust', 1, 1, '00000000000000000000000000000001', 'print', 1, 9000, '{}',
     '1111111111111111111111111111111111111111111111111111111111111111', 'ok', '', 5),
    ('faust', 1, 2, '00000000000000000000000000000002', 'print', 1, 8000, '{}',
     'd5ae73f4b6f4b0b2abea42a1a1f4d98a4b3ffeb2a5a2ee4ff1e1ba3f4ba5c0de', '', '', 0);
INSERT INTO allot VALUES ('faust', '0a1b2c3d-1', 1, 0, 'open'), ('faust', '0a1b2c3d-2', 1, 1, 'closed');
INSERT INTO allot_unit VALUES ('faust', 1, 5, '0a1b2c3d-1', 0, 'sold'),
    ('faust', 1, 6, '0a1b2c3d-1', 2, 'free'), ('faust', 1, 7, '0a1b2c3d-2', 0, 'released');
PRAGMA user_version = 1;

"""Digests against the truth: every divergence of a mirror is found and mended, and nothing else."""

from __future__ import annotations

import json
import tempfile
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from edge import replies
from edge.digest import digest_request, mend, read_digest, read_rows, rows_request
from edge.mirror import Mirror
from sync_server.services.digest import (
    BucketRows,
    Compared,
    DigestBook,
    Reader,
    compare,
    rows_of_buckets,
)
from sync_server.store.database import read_only
from tests.fakes.examples import examples
from tests.integration.sync_server.stage import EVENT, VENUE, open_stage
from tests.property.sync_server.feed_rows import GATE, KINDS, TILL, MovingRows, Name, rev_of
from ticketing.digest import Digest, counted

GENERATION = "1a2b3c4d"
_DAMAGE = {
    "doc": 'UPDATE doc SET body = \'{"says":"nothing"}\' WHERE rowid = ?',
    "claim": "UPDATE claim SET ref = 'somebody' WHERE rowid = ?",
    "ticket": "UPDATE ticket SET version = version + 1 WHERE rowid = ?",
    "entry": "UPDATE entry SET phase = 'returned' WHERE rowid = ?",
    "allot": "UPDATE allot SET units = '[7,8]' WHERE rowid = ?",
    "orders": "UPDATE orders SET rev = rev - 1 WHERE rowid = ?",
    "order_no": "UPDATE order_no SET receipt_no = 'another' WHERE rowid = ?",
    "case_file": "DELETE FROM case_file WHERE rowid = ?",
}


class DigestMachine(RuleBasedStateMachine):
    """One node and the centre: rows change, pages are pulled, the node's file is damaged."""

    role = "till"

    def __init__(self) -> None:
        super().__init__()
        self.opened = ExitStack()
        folder = Path(self.opened.enter_context(tempfile.TemporaryDirectory()))
        self.rows = MovingRows(self.opened.enter_context(open_stage(folder)))
        self.mirror = self.opened.enter_context(closing(Mirror(folder / "mirror.db")))
        self.book = DigestBook()

    def teardown(self) -> None:
        try:
            self.check()
        finally:
            self.opened.close()

    @rule(kind=st.sampled_from(KINDS), number=st.integers(1, 8))
    def change(self, kind: str, number: int) -> None:
        self.rows.change(EVENT, kind, number)

    @rule(limit=st.integers(1, 40))
    def pull(self, limit: int) -> None:
        after = self.mirror.cursors().get(EVENT, 0)
        page = self.rows.pull(self.role, {EVENT: after}, limit).pages[EVENT]
        changes = replies.changes({"rows": [list(row) for row in page.rows]})
        self.mirror.apply(EVENT, GENERATION, changes, page.next)

    @rule(table=st.sampled_from(sorted(_DAMAGE)), at=st.integers(0, 7))
    def damage(self, table: str, at: int) -> None:
        with self.mirror.reading() as connection:
            found = connection.execute(f"SELECT rowid FROM {table} LIMIT 1 OFFSET {at}").fetchone()  # noqa: S608
        if found is not None:
            with self.mirror._transaction() as connection:
                connection.execute(_DAMAGE[table], tuple(found))

    @rule(kind=st.sampled_from(("claim", "ticket")), number=st.integers(100, 103))
    def invent(self, kind: str, number: int) -> None:
        """A row that the centre never had."""
        rows = {
            "claim": {"p": 1, "u": number, "kind": "sold", "ref": "", "node": "", "v": 0},
            "ticket": {
                "id": f"{number:016x}",
                "p": 1,
                "u": number,
                "v": 0,
                "state": "valid",
                "blocked": "",
            },
        }
        after = self.mirror.cursors().get(EVENT)
        if after is not None:
            changes = replies.changes({"rows": [[kind, max(0, after - 1), rows[kind]]]})
            self.mirror.apply(EVENT, GENERATION, changes, after)

    @rule()
    def check(self) -> None:
        """Ask; what is said must be the truth; mend; then all must be well."""
        asked = digest_request(self.mirror, EVENT)
        if asked is None:
            return
        truth = self.differing_names()
        wire = self.wire_of_compare(asked.body)
        buckets = read_digest(self.mirror, asked, wire)
        assert bool(buckets) == bool(truth), truth
        rounds = 0
        while buckets:
            ask = rows_request(asked, buckets)
            rows = read_rows(ask, self.wire_of_rows(ask.body))
            mend(self.mirror, EVENT, rows)
            buckets = tuple(bucket for bucket in buckets if bucket not in rows.buckets)
            rounds += 1
            assert rounds <= 256
        assert self.differing_names() == set()
        again = digest_request(self.mirror, EVENT)
        assert again is not None
        assert read_digest(self.mirror, again, self.wire_of_compare(again.body)) == ()

    def differing_names(self) -> set[Name]:
        """Rows that the node should hold as the centre has them, and does not: no hash involved."""
        cursor = self.mirror.cursors()[EVENT]
        theirs = self.rows.all_of(self.role, EVENT)
        ours = self.mirror_rows()
        moving = {name for name, row in theirs.items() if rev_of(row) > cursor}
        return {
            name
            for name in {*theirs, *ours} - moving
            if ours.get(name) != (said(theirs[name]) if name in theirs else None)
        }

    def mirror_rows(self) -> dict[Name, Any]:
        found: dict[Name, Any] = {}
        tables = {
            "doc": "kind || '/' || id, rev, body",
            "claim": "performance || '.' || unit, rev, kind, ref, node_id, version",
            "ticket": "id, rev, performance, unit, version, state",
            "entry": "op_id, rev, ticket_id, node_id, lane, phase, at_ms",
            "allot": "id, rev, node_id, performance, state, units",
            "orders": "id, rev, state, receipt_no",
            "order_no": "id, rev, receipt_no",
            "case_file": "id, rev, kind, state, body",
        }
        names = {"orders": "order", "case_file": "case"}
        with self.mirror.reading() as connection:
            for table, columns in tables.items():
                for row in connection.execute(f"SELECT {columns} FROM {table}"):  # noqa: S608
                    values = [json.loads(v) if str(v)[:1] in ("{", "[") else v for v in tuple(row)]
                    found[names.get(table, table), values[0]] = values[1:]
        return found

    def reader(self, body: Any) -> Reader:
        node_id = TILL if self.role == "till" else GATE
        return Reader(self.role, node_id, VENUE, EVENT, body["rev"])

    def wire_of_compare(self, body: Any) -> dict[str, Any]:
        """The centre's answer, as it would come over the wire."""
        told = Digest.from_wire(json.loads(json.dumps(body["buckets"])))
        assert told is not None
        with read_only(self.rows.stage.engine).connect() as connection:
            found = compare(connection, self.book, self.reader(body), told)
        assert isinstance(found, Compared)
        buckets = [[bucket, *pair] for bucket, pair in found.buckets.items()]
        reply = {"gen": GENERATION, "rev": body["rev"], "changed": found.changed}
        return dict(json.loads(json.dumps({**reply, "buckets": buckets})))

    def wire_of_rows(self, body: Any) -> dict[str, Any]:
        with read_only(self.rows.stage.engine).connect() as connection:
            found = rows_of_buckets(connection, self.reader(body), body["buckets"])
        assert isinstance(found, BucketRows)
        reply = {"gen": GENERATION, "buckets": found.buckets, "rows": found.rows}
        return dict(json.loads(json.dumps(reply)))


def said(row: list[Any]) -> list[Any]:
    """What the mirror keeps of a row of the feed."""
    kind, rev, body = row
    members = {
        "doc": ["body"],
        "claim": ["kind", "ref", "node", "v"],
        "ticket": ["p", "u", "v", "state"],
        "entry": ["ticket", "node", "lane", "phase", "at_ms"],
        "allot": ["node", "p", "state"],
        "order": ["state", "no"],
        "order_no": ["no"],
        "case": ["kind", "state", "body"],
    }
    values = [body[name] for name in members[kind]]
    if kind == "allot":
        values.append([unit for unit, _version in body["units"]])
    return [rev, *values]


class GateDigestMachine(DigestMachine):
    """The same for a gate, which sees other tables."""

    role = "gate"


DigestMachine.TestCase.settings = settings(max_examples=examples(8), stateful_step_count=18)
GateDigestMachine.TestCase.settings = settings(max_examples=examples(8), stateful_step_count=18)
diverging = pytest.mark.expected_errors("mirror_diverged")
TestTill = diverging(DigestMachine.TestCase)
TestGate = diverging(GateDigestMachine.TestCase)


def test_rows_of_one_scope_count_the_same_in_any_order() -> None:
    rows = [
        ["ticket", n, {"id": f"{n:016x}", "p": 1, "u": n, "v": 0, "state": "valid", "blocked": ""}]
        for n in range(50)
    ]
    assert counted(rows) == counted(rows[::-1]) == counted(rows[:20]).merged(counted(rows[20:]))
    assert counted(rows).without(counted(rows[:7])) == counted(rows[7:])


def test_a_row_on_its_way_is_no_divergence() -> None:
    """It changed at the centre after the node's cursor; the node holds its state before."""
    machine = DigestMachine()
    for number in range(1, 9):
        machine.change(kind="claim", number=number)
    machine.pull(limit=40)
    machine.change(kind="claim", number=3)
    machine.change(kind="claim", number=50)
    machine.check()
    machine.teardown()

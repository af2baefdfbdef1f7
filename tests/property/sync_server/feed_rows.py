"""Rows that move: a small event whose rows a property test changes, and what a node may see."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from sync_server.services.feed import News, Row, pull_all
from sync_server.store.database import read_only
from sync_server.store.writer import Transaction
from tests.integration.sync_server.stage import EVENT, VENUE, Stage
from ticketing.digest import key_of

OTHER_EVENT = "faust"
STREAMS = (EVENT, OTHER_EVENT)
TILL, GATE = "00000000000000aa", "00000000000000bb"
KINDS = ("doc", "claim", "ticket", "entry", "allot", "order", "case")
Name = tuple[str, str]
"""A row's kind and key."""

_UPSERTS = {
    "doc": "doc (event_id, kind, id, body, rev) VALUES (:e, 'note', :id, :body, :rev) "
    "ON CONFLICT (event_id, kind, id) DO UPDATE SET body = excluded.body",
    "claim": "claim (event_id, perf_id, unit, kind, ref, node_id, version, rev) "
    "VALUES (:e, 1, :n, 'sold', :says, '', 0, :rev) "
    "ON CONFLICT (event_id, perf_id, unit) DO UPDATE SET ref = excluded.ref",
    "ticket": "ticket (event_id, id, order_id, perf_id, unit, version, state, allot_id, tier_id, "
    "ticket_type_id, price_minor, rev) VALUES (:e, :id, 'o', 1, :n, 0, :says, 'x', 'a', 't', 1, "
    ":rev) ON CONFLICT (event_id, id) DO UPDATE SET state = excluded.state",
    "entry": "entry (event_id, op_id, ticket_id, perf_id, unit, node_id, lane, phase, at_ms, "
    "offline, journalled, rev) VALUES (:e, :id, 't', 1, 1, '', :says, 'granted', 0, 0, 0, :rev) "
    "ON CONFLICT (event_id, op_id) DO UPDATE SET lane = excluded.lane",
    "allot": "allot (event_id, id, node_id, perf_id, req, firm, state, granted_ms, body, rev) "
    "VALUES (:e, :allot, :owner, 1, :says, 0, 'open', 0, :units, :rev) "
    "ON CONFLICT (event_id, id) DO UPDATE SET body = excluded.body, req = excluded.req",
    "order": "orders (event_id, id, node_id, inc, seq, receipt_no, state, total_minor, currency, "
    "sold_by, sold_ms, rev) VALUES (:e, :id, 'n', 1, 1, :id, :says, 1, 'CNY', 'li.na', 0, :rev) "
    "ON CONFLICT (event_id, id) DO UPDATE SET state = excluded.state",
    "case": "case_file (event_id, id, kind, state, opened_ms, body, rev) "
    "VALUES (:e, :id, 'price', 'open', 0, :body, :rev) "
    "ON CONFLICT (event_id, id) DO UPDATE SET body = excluded.body",
}


@dataclass
class MovingRows:
    """Two events in the stage's database, changed row by row."""

    stage: Stage
    _count: int = 0

    def open(self) -> None:
        """Have a second event."""
        self.stage.do(
            lambda tx: tx.run(
                "INSERT INTO stream (event_id, kind, head) VALUES (:e, 'event', 0)", e=OTHER_EVENT
            )
        )

    def change(self, stream: str, kind: str, number: int) -> None:
        """Make a row, or change what it says; it takes a new revision."""
        self._count += 1
        says = f"says {self._count}"

        def write(tx: Transaction) -> None:
            sql = f"INSERT INTO {_UPSERTS[kind]}, rev = excluded.rev"
            tx.connection.execute(
                text(sql),
                {
                    "e": stream,
                    "id": f"{number:016x}",
                    "allot": f"1a2b3c4d-{number}",
                    "owner": TILL if number % 2 else "0" * 16,
                    "n": number,
                    "says": says,
                    "body": json.dumps({"says": says}),
                    "units": json.dumps({"units": [[number, self._count % 200]], "counts": {}}),
                    "rev": tx.next_rev(stream),
                },
            )

        self.stage.do(write)

    def pull(self, role: str, after: Mapping[str, int], limit: int) -> News:
        """One call of a node of this role."""
        node_id = TILL if role == "till" else GATE
        with read_only(self.stage.engine).connect() as connection:
            return pull_all(connection, role, node_id, VENUE, after, limit)

    def all_of(self, role: str, stream: str) -> dict[Name, Row]:
        """Everything that a node of this role may see of a stream now."""
        page = self.pull(role, {stream: 0}, 5_000).pages[stream]
        assert not page.more
        return {name_of(row): row for row in page.rows}


def name_of(row: Row) -> Name:
    """What a row is about."""
    kind, _rev, body = row
    assert isinstance(kind, str)
    assert isinstance(body, dict)
    return kind, key_of(kind, body)


def rev_of(row: Any) -> int:
    """When it was changed last."""
    rev = row[1]
    assert isinstance(rev, int)
    return rev

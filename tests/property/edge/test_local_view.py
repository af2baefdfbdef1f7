"""Read your writes: news that are older than what was done here hide nothing of it."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from edge.allotments import Grant, install, take, units_of
from edge.journal import Unit, set_meta
from edge.journal_schema import SCHEMA
from edge.local_view import entry_ids, unit_views
from edge.mirror import Change, Mirror
from tests.fakes.edge_node import EVENT, NODE
from tests.fakes.examples import examples
from ticketing.ids import AllotmentId, TicketId
from ticketing.terms import Anchor

UNITS = (1, 2, 3)
TICKET = TicketId("00000000000000a1")
GEN = "0a1b2c3d"
OTHER = "00000000000000bb"
units = st.sampled_from(UNITS)


@dataclass
class Server:
    """Who has each unit, and every row that it ever told, in order."""

    rows: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    claims: dict[int, dict[str, Any]] = field(default_factory=dict)
    allotments: int = 0

    def claim(self, unit: int, kind: str, ref: str, node: str, version: int) -> None:
        body = {"p": 1, "u": unit, "kind": kind, "ref": ref, "node": node, "v": version}
        self.claims[unit] = body
        self.rows.append(("claim", body))


class ReadYourWrites(RuleBasedStateMachine):
    """One till and a server; the till's doings reach it late, and its news the till later still."""

    def __init__(self) -> None:
        super().__init__()
        self.place = TemporaryDirectory()
        self.mirror = Mirror(Path(self.place.name) / "mirror.db")
        self.journal = sqlite3.connect(":memory:", isolation_level=None)
        self.journal.row_factory = sqlite3.Row
        self.journal.executescript(SCHEMA)
        self.unit = Unit(self.journal)
        set_meta(self.unit, "incarnation", "1")
        self.server = Server()
        self.cursor = 0
        self.unpushed: list[tuple[str, int, int]] = []
        self.scans: set[str] = set()

    def teardown(self) -> None:
        self.journal.close()
        self.mirror.close()
        self.place.cleanup()

    def _now(self, unit: int) -> dict[str, Any]:
        return self.server.claims.get(unit, {"kind": "free", "v": 0, "ref": ""})

    @rule(unit=units, ours=st.booleans())
    def lend(self, unit: int, ours: bool) -> None:
        claim = self._now(unit)
        if claim["kind"] != "free":
            return
        self.server.allotments += 1
        allotment = AllotmentId(GEN, self.server.allotments)
        self.server.claim(unit, "allot", str(allotment), NODE if ours else OTHER, claim["v"])
        if ours:  # the answer comes long before the feed
            grant = Grant(allotment, 1, True, "open", ((unit, claim["v"]),))
            install(self.unit, EVENT, grant)

    @rule(unit=units)
    def others_finish(self, unit: int) -> None:
        """Somebody else sells or gives back what was lent to them."""
        claim = self._now(unit)
        if claim["kind"] == "allot" and claim["node"] == OTHER:
            self.server.claim(unit, "free", "", "", claim["v"])

    @rule(unit=units)
    def sell(self, unit: int) -> None:
        taken = take(self.unit, EVENT, 1, unit, Anchor(0.0, "", 0, 0))
        if taken is not None:
            self.unpushed.append(("sold", unit, taken.version))

    @rule(unit=units)
    def release(self, unit: int) -> None:
        row = self.journal.execute(
            "UPDATE allot_unit SET state = 'released' WHERE unit = ? AND state = 'free' "
            "RETURNING version",
            (unit,),
        ).fetchone()
        if row is not None:
            self.unpushed.append(("free", unit, row["version"]))

    @precondition(lambda self: self.unpushed)
    @rule()
    def push(self) -> None:
        kind, unit, version = self.unpushed.pop(0)
        self.server.claim(unit, kind, "ticket" if kind == "sold" else "", "", version)

    @rule(unit=units)
    def revoke(self, unit: int) -> None:
        """The server frees a sold unit, one version up."""
        claim = self._now(unit)
        if claim["kind"] == "sold":
            self.server.claim(unit, "free", "", "", claim["v"] + 1)

    @rule(op=st.integers(1, 9))
    def scan(self, op: int) -> None:
        op_id = f"{op:032x}"
        with suppress(sqlite3.IntegrityError):
            self.journal.execute(
                "INSERT INTO entry (stream, op_id, ticket_id, performance, unit, version, lane, "
                "at_ms) VALUES (?, ?, ?, 1, 1, 0, 'north', 1)",
                (EVENT, op_id, TICKET),
            )
        self.scans.add(op_id)

    @rule(count=st.integers(1, 4))
    def pull(self, count: int) -> None:
        page = self.server.rows[self.cursor : self.cursor + count]
        changes = [Change(k, self.cursor + at, body) for at, (k, body) in enumerate(page, 1)]
        self.cursor += len(page)
        self.mirror.apply(EVENT, GEN, changes, self.cursor)

    @rule()
    def refetch(self) -> None:
        self.mirror.forget()
        self.cursor = 0

    @invariant()
    def nothing_done_here_is_hidden(self) -> None:
        own = units_of(self.journal, EVENT, 1)
        with self.mirror.reading() as mirror:
            views = unit_views(self.journal, mirror, EVENT, 1)
            assert self.scans <= entry_ids(self.journal, mirror, EVENT, TICKET)
        for number, lent in own.items():
            view = views[number]
            if lent.state == "free":
                assert view.is_ours
            else:
                assert not view.is_ours
            if lent.state == "sold" and self._now(number)["v"] <= lent.version:
                assert view.kind == "sold"
            if lent.state == "released" and not self.server.rows[: self.cursor]:
                assert view.kind == "free"

    @invariant()
    def having_heard_everything_it_sees_what_is(self) -> None:
        if self.unpushed or self.cursor != len(self.server.rows):
            return
        with self.mirror.reading() as mirror:
            views = unit_views(self.journal, mirror, EVENT, 1)
        for number, claim in self.server.claims.items():
            assert views[number].kind == claim["kind"]


TestReadYourWrites = ReadYourWrites.TestCase
TestReadYourWrites.settings = settings(max_examples=examples(40), stateful_step_count=30)

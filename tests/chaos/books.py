"""The books of a house compared: its server's database, its nodes' journals, and the facts.

Each check gives sentences about what is wrong; none when all is well. Everything that the faults of
this suite do is to be healed without anybody's help, so a case or an operation that was not taken
as it stands is wrong too.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

from sync_server.services.books import read_books
from tests.chaos.facts import Fact, read_facts
from tests.chaos.house import read_rows
from ticketing.journal import ROOT_HASH, Op, OpKind, first_break
from ticketing.operations import Refund, Sale, decode_refund, decode_sale

SHOWN_MAX = 8
"""Findings of one kind that are told of; the rest is only counted."""


@dataclass(frozen=True, slots=True)
class NodeFiles:
    """Where one node's files are."""

    name: str
    node_id: str
    role: str
    folder: Path
    facts: Path

    def journal(self, sql: str, *values: object) -> list[sqlite3.Row]:
        """Rows of its journal."""
        return read_rows(self.folder / "journal.db", sql, *values)

    def mirror(self, sql: str, *values: object) -> list[sqlite3.Row]:
        """Rows of its mirror."""
        return read_rows(self.folder / "mirror.db", sql, *values)


@dataclass(frozen=True, slots=True)
class Told:
    """What nodes were told and have on their disks: the server must never forget it."""

    acknowledged: dict[tuple[str, str, int, int], tuple[str, str]]
    """(stream, node, incarnation, seq): (hash, verdict). A greeting confirms without verdicts."""
    allotments: frozenset[tuple[str, str]]
    cursors: dict[str, int]


def read_told(nodes: Iterable[NodeFiles]) -> Told:
    """As the nodes' disks have it now; read before the server's."""
    acknowledged: dict[tuple[str, str, int, int], tuple[str, str]] = {}
    allotments: set[tuple[str, str]] = set()
    cursors: dict[str, int] = {}
    for node in nodes:
        for row in node.journal(
            "SELECT o.* FROM op o JOIN journal j ON j.stream = o.stream AND j.inc = o.inc "
            "WHERE o.seq <= j.acked"
        ):
            key = (row["stream"], node.node_id, row["inc"], row["seq"])
            acknowledged[key] = (row["hash"], row["verdict"])
        allotments |= {(r["stream"], r["id"]) for r in node.journal("SELECT stream, id FROM allot")}
        for row in node.mirror("SELECT stream, rev FROM cursor"):
            cursors[row["stream"]] = max(row["rev"], cursors.get(row["stream"], 0))
    return Told(acknowledged, frozenset(allotments), cursors)


def check_told(connection: Connection, told: Told) -> list[str]:
    """Whether the server has everything that it ever told a node."""
    stored = {
        (row.event_id, row.node_id, row.inc, row.seq): (row.hash, row.verdict)
        for row in _rows(connection, "SELECT * FROM op WHERE branch = ''")
    }
    lost = [
        key
        for key, (digest, verdict) in told.acknowledged.items()
        if stored.get(key) not in {(digest, verdict), (digest, verdict or "ok")}
    ]
    allots = {(r.event_id, r.id) for r in _rows(connection, "SELECT event_id, id FROM allot")}
    heads = {r.event_id: r.head for r in _rows(connection, "SELECT event_id, head FROM stream")}
    ahead = [s for s, rev in told.cursors.items() if rev > heads.get(s, 0)]
    return [
        *_each("acknowledged and not stored so", lost),
        *_each("lent and not stored", sorted(told.allotments - allots)),
        *_each("read further than the feed goes", ahead),
    ]


def count_all(nodes: Iterable[NodeFiles]) -> dict[str, int]:
    """How often what was done, by the nodes' journals and facts."""
    counts: Counter[str] = Counter()
    for node in nodes:
        for row in node.journal("SELECT kind, count(*) FROM op GROUP BY kind"):
            counts[row[0]] += row[1]
        counts.update(fact["do"] for fact in read_facts(node.facts))
    return dict(sorted(counts.items()))


def check_books(connection: Connection, nodes: Sequence[NodeFiles]) -> list[str]:
    """Everything, in a house at rest."""
    reading = _Reading(connection, nodes)
    return [
        *check_told(connection, read_told(nodes)),
        *_journals(reading),
        *_units_sold_once(reading),
        *_paper(reading),
        *_effects(reading),
        *_money(reading),
        *_lent(reading),
        *_entries(reading),
        *_mirrors(reading),
        *_nothing_strange(reading),
    ]


class _Reading:
    """What the checks look at, read once."""

    def __init__(self, connection: Connection, nodes: Sequence[NodeFiles]) -> None:
        self.connection, self.nodes = connection, nodes
        self.ops = {
            node: node.journal("SELECT * FROM op ORDER BY stream, inc, seq") for node in nodes
        }
        self.facts = {node: read_facts(node.facts) for node in nodes}
        self.tickets = {r.id: r for r in self.rows("SELECT * FROM ticket")}
        self.claims = {(r.event_id, r.perf_id, r.unit): r for r in self.rows("SELECT * FROM claim")}
        self.cases = self.rows("SELECT * FROM case_file")
        self.voided = {
            ticket for _node, _op, refund in self.refunds() for ticket in refund.ticket_ids
        }

    def rows(self, sql: str) -> list[Any]:
        return _rows(self.connection, sql)

    def sales(self) -> Iterator[tuple[NodeFiles, sqlite3.Row, Sale]]:
        """Every sale in any node's journal."""
        for node, ops in self.ops.items():
            for op in ops:
                if op["kind"] == OpKind.SALE and (sale := decode_sale(op["body"])) is not None:
                    yield node, op, sale

    def refunds(self) -> Iterator[tuple[NodeFiles, sqlite3.Row, Refund]]:
        """Every refund in any node's journal."""
        for node, ops in self.ops.items():
            for op in ops:
                if op["kind"] == OpKind.REFUND and (body := decode_refund(op["body"])) is not None:
                    yield node, op, body

    def facts_of(self, what: str) -> Iterator[Fact]:
        """Facts of one kind, of all nodes."""
        for facts in self.facts.values():
            yield from (fact for fact in facts if fact["do"] == what)

    def has_case(self, word: str) -> bool:
        """Whether a person was told of it."""
        return any(word in case.body for case in self.cases)


def _journals(reading: _Reading) -> Iterator[str]:
    """No gap, no break, and the same operations at both ends."""
    stored: dict[tuple[str, str, int], list[Any]] = defaultdict(list)
    counts: Counter[tuple[str, str, int]] = Counter()
    for row in reading.rows("SELECT * FROM op ORDER BY event_id, node_id, inc, seq"):
        stored[row.event_id, row.node_id, row.inc].append(row)
        counts[row.event_id, row.node_id, row.inc] += 1
    for node, ops in reading.ops.items():
        own: dict[tuple[str, str, int], list[sqlite3.Row]] = defaultdict(list)
        for op in ops:
            own[op["stream"], node.node_id, op["inc"]].append(op)
        for key, rows in own.items():
            here = [_op(row) for row in rows]
            there = [_op(row._mapping) for row in stored.pop(key, [])]
            if first_break(here, ROOT_HASH, 1, *key) is not None:
                yield f"{node.name}'s journal of {key[0]} has a gap or a break"
            if here != there:
                yield f"{node.name}'s journal of {key[0]}: {len(here)} here, {len(there)} there, or others"
    yield from _each("stored of journals that nobody has", list(stored))
    for row in reading.rows("SELECT * FROM journal"):
        count = counts[row.event_id, row.node_id, row.inc]
        if row.seq != count or row.state != "open":
            yield f"the server's journal of {row.node_id} in {row.event_id}: {row.seq}, {count} stored"


def _units_sold_once(reading: _Reading) -> list[str]:
    """Over all journals, whatever the server thinks of them."""
    sold = Counter(
        (op["stream"], line.performance, line.unit, line.version)
        for _node, op, sale in reading.sales()
        for line in sale.lines
    )
    return _each("sold twice", [place for place, count in sold.items() if count > 1])


def _paper(reading: _Reading) -> Iterator[str]:
    """Printed = claimed: each ticket that is out has its unit, was voided, or is a case."""
    for fact in reading.facts_of("printed"):
        for ticket, performance, unit, version, _code in fact["tickets"]:
            row = reading.tickets.get(ticket)
            if row is None:
                yield f"printed and unknown: ticket {ticket} of {fact['order']}"
                continue
            if ticket in reading.voided:
                if row.state != "void":
                    yield f"voided and {row.state}: ticket {ticket}"
                continue
            claim = reading.claims.get((fact["event"], performance, unit))
            is_claimed = claim is not None and (claim.kind, claim.ref) == ("sold", ticket)
            same = (row.perf_id, row.unit, row.version) == (performance, unit, version)
            is_well = row.state == "valid" and is_claimed and same
            if not (is_well or reading.has_case(ticket)):
                yield f"printed and not claimed: ticket {ticket} is {row}, claim {claim}"


def _effects(reading: _Reading) -> Iterator[str]:
    """Each sale of a journal has its order and its tickets, and there are no others."""
    orders = {row.id: row for row in reading.rows("SELECT * FROM orders")}
    of_order = Counter(row.order_id for row in reading.tickets.values())
    for node, op, sale in reading.sales():
        order = orders.pop(sale.order_id, None)
        if order is None or order.total_minor != sale.total_minor:
            yield f"{node.name}'s sale {op['seq']} of {op['stream']} has no order of its worth"
        if of_order.pop(sale.order_id, 0) != len(sale.lines):
            yield f"{node.name}'s sale {op['seq']} of {op['stream']} has not its tickets"
    yield from _each("orders that nobody sold", list(orders))
    yield from _each("tickets of orders that nobody sold", list(of_order))
    for place, claim in reading.claims.items():
        ticket = reading.tickets.get(claim.ref)
        if claim.kind == "sold" and (ticket is None or ticket.state != "valid"):
            yield f"sold to a ticket that is not valid: {place}"


def _money(reading: _Reading) -> Iterator[str]:
    """Every movement sums to nothing, and each till's cash is what its journal says."""
    uneven = reading.rows(
        "SELECT event_id, node_id, inc, seq FROM ledger GROUP BY event_id, node_id, inc, seq, "
        "branch HAVING sum(amount_minor) <> 0"
    )
    yield from _each("movements that do not sum to nothing", [tuple(row) for row in uneven])
    cash: Counter[str] = Counter()
    for node, _op, sale in reading.sales():
        cash[node.node_id] += sale.total_minor
    for node, _op, refund in reading.refunds():
        cash[node.node_id] -= refund.cash_minor
    booked = {
        row.node_id: int(row.total)
        for row in reading.rows(
            "SELECT node_id, sum(amount_minor) AS total FROM ledger WHERE account LIKE 'cash:%' "
            "GROUP BY node_id"
        )
    }
    if booked != dict(cash):
        yield f"the tills took {dict(cash)}, the ledger has {booked}"
    books = read_books(reading.connection)
    yield from _each("accounts of units", [u for u in books.units if not u.balanced])
    yield from _each("accounts of money", [m for m in books.money if not m.balanced])


def _lent(reading: _Reading) -> Iterator[str]:
    """What the server has lent to a till is what that till may sell."""
    for node in reading.nodes:
        lent = {
            (*place, claim.ref, claim.version)
            for place, claim in reading.claims.items()
            if claim.kind == "allot" and claim.node_id == node.node_id
        }
        held = {
            (r["stream"], r["performance"], r["unit"], r["allot_id"], r["version"])
            for r in node.journal("SELECT * FROM allot_unit WHERE state = 'free'")
        }
        yield from _each(f"lent, and {node.name} has it not", sorted(lent - held))
        yield from _each(f"held by {node.name}, and not lent", sorted(held - lent))


def _entries(reading: _Reading) -> Iterator[str]:
    """Who went in is known, by one entry."""
    known = {row.op_id: row for row in reading.rows("SELECT * FROM entry")}
    entered: dict[str, set[str]] = defaultdict(set)
    for fact in reading.facts_of("entered"):
        entered[fact["ticket"]].add(fact["op"])
        row = known.get(fact["op"])
        if row is None or row.ticket_id != fact["ticket"]:
            yield f"went in and unknown: ticket {fact['ticket']}"
    yield from _each("went in twice", [t for t, ops in entered.items() if len(ops) > 1])
    unheard = _unheard_grants(reading)
    of_ticket = Counter(row.ticket_id for op, row in known.items() if op not in unheard)
    yield from _each("entries of one ticket", [t for t, count in of_ticket.items() if count > 1])
    yield from _each("entries of no ticket", sorted(of_ticket.keys() - reading.tickets.keys()))


def _unheard_grants(reading: _Reading) -> set[str]:
    """Entries that the arbiter granted and whose gate died before it could write them down.

    Nobody went in by one. When the ticket is held up again before the gate has read of it, there
    are two entries, and a case says so.
    """
    rows = reading.rows("SELECT op_id FROM entry WHERE journalled = 0")
    return {row.op_id for row in rows}


_MIRRORED = {
    "ticket": "event_id AS stream, id, perf_id AS performance, unit, version, state, rev",
    "entry": "event_id AS stream, op_id, ticket_id, node_id, lane, phase, at_ms, rev",
    "claim": "event_id AS stream, perf_id AS performance, unit, kind, ref, node_id, version, rev",
}
_FOLLOWED = {"gate": ("ticket", "entry"), "till": ("claim",)}


def _mirrors(reading: _Reading) -> Iterator[str]:
    """What nodes have read is what there is."""
    for table, columns in _MIRRORED.items():
        names = [part.split(" AS ")[-1] for part in columns.split(", ")]
        there = {tuple(row) for row in reading.rows(f"SELECT {columns} FROM {table}")}  # noqa: S608
        for node in reading.nodes:
            if table not in _FOLLOWED[node.role]:
                continue
            rows = node.mirror(f"SELECT {', '.join(names)} FROM {table}")  # noqa: S608
            here = {tuple(row) for row in rows}
            yield from _each(f"{table} that {node.name} lacks", sorted(there - here))
            yield from _each(f"{table} of {node.name}'s alone", sorted(here - there))


def _nothing_strange(reading: _Reading) -> Iterator[str]:
    """No case, no verdict but ok, nobody locked: all faults here heal by themselves."""
    yield from _each(
        "cases",
        [(case.kind, case.body) for case in reading.cases if not _is_expected(reading, case)],
    )
    odd = reading.rows("SELECT kind, verdict, verdict_code, body FROM op WHERE verdict <> 'ok'")
    yield from _each("operations not taken as they stand", [tuple(row) for row in odd])
    for node in reading.nodes:
        if node.journal("SELECT 1 FROM journal WHERE locked <> 0"):
            yield f"{node.name} is locked"
        if node.journal("SELECT 1 FROM journal WHERE acked <> seq"):
            yield f"{node.name} has not sent everything"


def _is_expected(reading: _Reading, case: Any) -> bool:
    """Whether a case is about a grant that nobody heard of; all but one of its entries are such."""
    if case.kind != "double_entry":
        return False
    unheard = _unheard_grants(reading)
    told = [entry["op_id"] for entry in json.loads(case.body)["entries"]]
    return len([op for op in told if op not in unheard]) <= 1


def _op(row: Any) -> Op:
    names = ("seq", "op_id", "kind", "version", "wall_ms", "body", "hash")
    return Op(*(row[name] for name in names))


def _each(what: str, found: Sequence[object]) -> list[str]:
    shown = [f"{what}: {one}" for one in found[:SHOWN_MAX]]
    more = len(found) - len(shown)
    return [*shown, f"{what}: {more} more"] if more > 0 else shown


def _rows(connection: Connection, sql: str) -> list[Any]:
    return list(connection.execute(text(sql)))

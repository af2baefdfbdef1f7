"""What really happened, as somebody who watches the house would have written it down.

Paper that came out of printers, money in drawers, people who went through doors: kept here by the
simulated printers and barriers, not read from the server's tables. What the design promises is
checked against it from outside, some of it at every step, the rest when everything is quiet.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.simulation.hand_outs import HandOuts
from tests.simulation.house import EVENT
from tests.simulation.server import read_generation
from tests.simulation.verdicts import Violation
from ticketing.code import TicketCode, TicketFacts, parse_code
from ticketing.ids import AllotmentId, TicketId
from ticketing.journal import OpKind
from ticketing.operations import (
    Exchange,
    Refund,
    Sale,
    SaleLine,
    ShiftOpened,
    decode_exchange,
    decode_hand_over,
    decode_refund,
    decode_release,
    decode_sale,
    decode_shift_opened,
)

if TYPE_CHECKING:
    from gate_agent.admit import LetIn
    from tests.simulation.nodes import Machine
    from tests.simulation.tills import Till
    from tests.simulation.world import World

UnitKey = tuple[int, int]
_MONEY = {
    OpKind.SALE: decode_sale,
    OpKind.REFUND: decode_refund,
    OpKind.EXCHANGE: decode_exchange,
    OpKind.SHIFT_OPENED: decode_shift_opened,
}


@dataclass(slots=True)
class Paper:
    """A ticket on paper."""

    code: str
    facts: TicketFacts
    machine: str
    """What printed it."""
    seller: Machine | None
    """What sold it; None: the server."""
    copies: int = 1
    is_live: bool = True
    """In somebody's hand, and not given back or replaced."""
    is_gone: bool = False
    """Sold by the server alone, which lost it in a failover: E3."""

    @property
    def sold_by(self) -> str:
        """The machine that sold it."""
        return self.seller.name if self.seller is not None else self.machine

    @property
    def unit(self) -> UnitKey:
        """The place it stands for."""
        return self.facts.performance, self.facts.unit


@dataclass(slots=True)
class Fact:
    """An operation that a node had committed."""

    machine: str
    node_id: str
    stream: str
    inc: int
    seq: int
    op_id: str
    kind: str
    body: str
    hash: str
    at: float
    """The true time."""
    lost: bool = False
    """The disk that had it is gone, or was set back, before the server had it."""


@dataclass(slots=True)
class WentIn:
    """Somebody passed a barrier."""

    ticket_id: str
    machine: str
    op_id: str
    offline: bool
    generation: str
    recorded: bool
    """By the gate itself; else only by the arbiter: E4."""
    at: float
    """The true time at which the visitor held the ticket up, or a moment later."""
    again: bool
    """It had been granted before, up to a minute ago, and the barrier had not moved then."""


@dataclass(slots=True)
class Oracle:
    """The record, and the checks."""

    world: World
    papers: dict[str, Paper] = field(default_factory=dict)
    by_unit: dict[UnitKey, list[Paper]] = field(default_factory=lambda: defaultdict(list))
    facts: dict[str, Fact] = field(default_factory=dict)
    entries: list[WentIn] = field(default_factory=list)
    exits: list[tuple[str, str]] = field(default_factory=list)
    returns: list[tuple[str, str]] = field(default_factory=list)
    """Machine and operation of entries by which nobody went in, as the gate saw and wrote down."""
    excused: dict[str, str] = field(default_factory=dict)
    """Allotments for which a named exception was made, and which: E1 or E2."""
    tampered: set[str] = field(default_factory=set)
    """Machines whose disk was copied or set back."""
    clones: set[str] = field(default_factory=set)
    twins: list[tuple[str, str, float]] = field(default_factory=list)
    """Machines with the same disk, and since when."""
    cloned_nodes: set[str] = field(default_factory=set)
    """Nodes that were copied together with their witness: E1."""
    lost_nodes: set[str] = field(default_factory=set)
    paid_back: dict[str, str] = field(default_factory=dict)
    """Tickets whose money went back after the centre was asked, and in which history."""
    heads: dict[tuple[str, str], int] = field(default_factory=dict)
    hand_outs: HandOuts = field(init=False)
    _lent: dict[tuple[str, str, str], str] = field(default_factory=dict)
    _asked: set[str] = field(default_factory=set)
    _unheard: set[str] = field(default_factory=set)
    _sold_by: dict[str, dict[int, SaleLine]] = field(default_factory=lambda: defaultdict(dict))
    """By machine and unit, the last sale of it."""
    _given_back: set[tuple[str, str, int]] = field(default_factory=set)
    """Machine, allotment and unit of every release."""
    _voided: set[str] = field(default_factory=set)
    _rowids: dict[int, int] = field(default_factory=dict)
    _allots: dict[int, int] = field(default_factory=dict)
    _codes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.hand_outs = HandOuts(self.world)

    # --- what happens

    def node_is_lost(self, machine: Machine) -> bool:
        """Whether nobody has seen this machine any more."""
        return machine.name in self.lost_nodes

    def handed_to_buyer(self, till: Till, text: str, *, is_original: bool) -> None:
        """A ticket came out of a window's printer; it says that it is a copy, or does not."""
        code = parse_code(text)
        assert isinstance(code, TicketCode)
        self.hand_outs.printed(till, code.facts.ticket_id, is_original=is_original)
        self.printed(till.machine, text)

    def printed(self, machine: Machine, text: str) -> None:
        """A ticket came out of a printer, or went to its buyer by the web."""
        code = parse_code(text)
        assert isinstance(code, TicketCode)
        facts = code.facts
        known = self.papers.get(facts.ticket_id)
        if known is not None:
            known.copies += 1
            self.world.happened("reprinted")
            return
        paper = Paper(text, facts, machine.name, self.hand_outs.seller_of(facts.ticket_id))
        self.papers[facts.ticket_id] = paper
        self._codes.append(text)
        self.world.say(
            machine.name,
            lambda: (
                f"prints {facts.ticket_id} for unit {facts.unit} v{facts.version} "
                f"of {facts.allotment}"
            ),
        )
        self.by_unit[paper.unit].append(paper)
        if facts.version:
            self.world.happened("resale_of_returned")
        live = [other for other in self.by_unit[paper.unit] if other.is_live]
        if len(live) > 1 and not any(map(self.is_excused, live)):
            told = ", ".join(
                f"{p.facts.ticket_id} v{p.facts.version} of {p.facts.allotment} by {p.machine}"
                for p in live
            )
            raise Violation("I1", f"unit {paper.unit} is on paper twice: {told}")

    def is_excused(self, paper: Paper) -> bool:
        """Whether a named exception covers this ticket: a whole clone, or what was given up."""
        return str(paper.facts.allotment) in self.excused or self.is_of_a_copy(paper)

    def has_excused_rival(self, paper: Paper) -> bool:
        """Whether its unit was sold once more from an allotment that was given up.

        Usually that sale is late and is the one disputed. Where the write-off was lost with its
        history, it may come first and be taken for good, and the unit's other ticket is disputed.

        Or its unit's earlier ticket was handed in by somebody who had gone in, of which the centre
        did not know when it revoked it, and did know when it had forgotten that: then whoever is
        inside keeps the ticket, and this one is disputed.
        """
        others = [other for other in self.by_unit[paper.unit] if other is not paper]
        inside = {entry.ticket_id for entry in self.entries}
        return any(
            self.is_excused(other)
            or (
                other.facts.version < paper.facts.version
                and not other.is_live
                and other.facts.ticket_id in inside
            )
            for other in others
        )

    def is_of_a_copy(self, paper: Paper) -> bool:
        """Whether it was sold at a till that was copied whole: E1. The copy may pay it back."""
        return paper.seller is not None and paper.seller.enrolled.node_id in self.cloned_nodes

    def handed_in(self, ticket_ids: Iterable[str]) -> None:
        """Paper tickets were given back."""
        for ticket_id in ticket_ids:
            if ticket_id in self.papers:
                self.papers[ticket_id].is_live = False

    def handed_back(self, ticket_ids: Iterable[str]) -> None:
        """The window could not take them: their buyer has them again."""
        for ticket_id in ticket_ids:
            if ticket_id in self.papers:
                self.papers[ticket_id].is_live = True

    def is_live(self, ticket_id: str) -> bool:
        """Whether it is on paper, and in its buyer's hand."""
        return ticket_id in self.papers and self.papers[ticket_id].is_live

    def somebodys_code(self) -> str | None:
        """A ticket that somebody holds up at a door: mostly a new one, sometimes an old one."""
        if not self._codes:
            return None
        rng = self.world.rng
        if rng.random() < self.world.mix.copied_tickets:
            return rng.choice(self._codes)
        used = {entry.ticket_id for entry in self.entries}
        unused = [p.code for t, p in self.papers.items() if t not in used and p.is_live]
        return rng.choice(unused) if unused else None

    def lent(self, node_id: str, req: str, allot_id: str) -> None:
        """The server answers a request for units: in one history always with the same allotment."""
        allotment = AllotmentId.parse(allot_id)
        assert allotment is not None
        first = self._lent.setdefault((node_id, req, allotment.generation), allot_id)
        if first != allot_id:
            raise Violation("I4", f"one request of {node_id} is lent {first}, and {allot_id}")

    def asked(self, op_id: str) -> None:
        """A gate asks the arbiter."""
        self._asked.add(op_id)

    def unheard(self, op_id: str) -> None:
        """It got no answer in time."""
        self._unheard.add(op_id)

    def went_in(self, machine: Machine, let_in: LetIn, generation: str) -> None:
        """Somebody passed a barrier."""
        ticket_id = let_in.code.facts.ticket_id
        entry = WentIn(
            ticket_id,
            machine.name,
            let_in.op_id,
            let_in.offline,
            generation,
            let_in.recorded,
            self.world.works.now,
            let_in.again,
        )
        self._check_own_entries(entry)
        self.entries.append(entry)
        self.world.say(machine.name, lambda: f"lets {ticket_id} in by {entry.op_id[:6]}")
        self.world.happened("entry_offline" if let_in.offline else "entry_online")
        if let_in.offline and let_in.op_id in self._unheard:
            known = self.world.server.disk.connection.execute(
                "SELECT 1 FROM entry WHERE op_id = ?", (let_in.op_id,)
            ).fetchone()
            if known:
                self.world.happened("admit_timeout_recorded")
        if not let_in.offline and self.paid_back.get(ticket_id) == generation:
            raise Violation("I8", f"the arbiter let {ticket_id} in, whose money had gone back")
        online = {
            e.op_id
            for e in self.entries
            if e.ticket_id == ticket_id
            and not e.offline
            and e.generation == generation
            # E4: a gate that could not write forgot it with its life, and gave the entry once more.
            and (e.recorded or (e.machine, e.op_id) not in self.returns)
        }
        if len(online) > self.world.mix.shape.entries:
            raise Violation("I10", f"the arbiter let {ticket_id} in {len(online)} times")

    def _check_own_entries(self, entry: WentIn) -> None:
        """A gate knows whom it let in itself, whatever the feed has told or not told."""
        if entry.machine in self.tampered or not entry.recorded:
            return
        others = {
            other.op_id
            for other in self.entries
            if (other.machine, other.ticket_id) == (entry.machine, entry.ticket_id)
            and other.op_id != entry.op_id
            and other.recorded
        }
        if len(others) >= self.world.mix.shape.entries:
            raise Violation("I7", f"{entry.machine} let {entry.ticket_id} in too often")

    def turned_back(self, machine: Machine, let_in: LetIn) -> None:
        """Somebody was let in and did not go, and the gate wrote it down."""
        self.returns.append((machine.name, let_in.op_id))
        self.world.happened("entry_returned")

    def let_in_as_asked(self, machine: Machine, let_in: LetIn, unanswered: str) -> None:
        """What the arbiter was asked about, and did not say in time, is what the gate decides."""
        if unanswered and let_in.op_id != unanswered:
            what = f"{machine.name} asked for {unanswered[:6]} and lets in by {let_in.op_id[:6]}"
            raise Violation("I11", what)

    def went_out(self, machine: Machine, let_in: LetIn) -> None:
        """Somebody went out again, and the gate wrote it down."""
        self.exits.append((machine.name, let_in.code.facts.ticket_id))
        self.world.happened("exit")

    def refusal_read(self, machine: Machine, text: str) -> str:
        """Why a gate that has read so far must not let this ticket in; '' when it may."""
        code = parse_code(text)
        assert isinstance(code, TicketCode)
        cursor = machine.mirror.connection.execute(
            "SELECT gen, rev FROM cursor WHERE stream = ?", (EVENT,)
        ).fetchone()
        raw, facts = self.world.server_of(machine.name).disk.connection, code.facts
        if cursor is None or cursor["gen"] != read_generation(raw).short:
            return ""
        row = raw.execute(
            "SELECT unit, version, state FROM ticket WHERE id = ? AND rev <= ?",
            (facts.ticket_id, cursor["rev"]),
        ).fetchone()
        unit, version, state = row or (facts.unit, facts.version, "valid")
        if state != "valid":
            return f"it is {state}"
        (newest,) = raw.execute(
            "SELECT max(version) FROM ticket WHERE perf_id = ? AND unit = ? AND rev <= ?",
            (facts.performance, unit, cursor["rev"]),
        ).fetchone()
        return f"its unit has version {newest}" if newest and newest > version else ""

    def let_in_against(self, machine: Machine, let_in: LetIn, refusal: str) -> None:
        """A gate lets somebody in whom what it had read when the code was shown refuses."""
        if refusal:
            what = f"{machine.name} lets {let_in.code.facts.ticket_id} in, and has read that "
            raise Violation("I8", what + refusal)

    def sees(self, machine: Machine, states: Mapping[int, str]) -> None:
        """What a window shows of each unit that is not free: what it did itself is in it."""
        if machine.name in self.tampered:
            return
        asked = machine.journal.connection.execute("SELECT tickets FROM revocation")
        asked_back = " ".join(row[0] for row in asked)  # the feed may tell of it before the answer
        for unit, line in self._sold_by.get(machine.name, {}).items():
            paper = self.papers.get(line.ticket_id)
            if paper is None or not paper.is_live or self.is_excused(paper):
                continue
            if line.ticket_id in asked_back:
                continue
            if states.get(unit) != "SOLD" and not self.has_excused_rival(paper):
                raise Violation("I7", f"{machine.name} sold {unit}, and sees it {states.get(unit)}")
        lent = machine.journal.connection.execute(
            "SELECT unit, allot_id FROM allot_unit WHERE state = 'free'"
        ).fetchall()
        for unit, allot_id in lent:
            if (machine.name, allot_id, unit) in self._given_back:
                raise Violation("I7", f"{machine.name} gave {unit} back, and would sell it")

    def history_ends(self, raw: sqlite3.Connection) -> None:
        """The last moment of a history, of which the next may know less."""
        self.hand_outs.history_ends()
        self._voided = {row[0] for row in raw.execute("SELECT id FROM ticket WHERE state = 'void'")}

    def history_lost(self, raw: sqlite3.Connection) -> None:
        """The server forgot the last part of what it knew."""
        self.hand_outs.history_lost()
        known = {row[0] for row in raw.execute("SELECT id FROM allot")}
        held = {
            row[0]
            for actor in self.world.actors.values()
            for row in actor.machine.journal.connection.execute("SELECT id FROM allot")
        }
        if held - known:
            self.world.happened("quarantine_lost_grant")
        tickets = {row[0] for row in raw.execute("SELECT id FROM ticket")}
        for ticket_id, paper in self.papers.items():
            if paper.machine == "web" and ticket_id not in tickets:
                paper.is_live = False  # E3: only the server had it
                paper.is_gone = True
                self.world.happened("web_sale_lost")
        void = {row[0] for row in raw.execute("SELECT id FROM ticket WHERE state = 'void'")}
        told = {ticket_id for fact in self.facts.values() for ticket_id in returned_by(fact)}
        for ticket_id in self._voided - void - told:
            if ticket_id in self.papers:
                self.world.happened("revocation_lost")
        written_off = {
            row[0] for row in raw.execute("SELECT id FROM allot WHERE state = 'written_off'")
        }
        for allot_id in list(self.world.written_off):
            if allot_id not in written_off:
                del self.world.written_off[allot_id]

    # --- what is durable

    def edge_committed(self, machine: Machine) -> None:
        """A node's journal has something new, perhaps."""
        connection = machine.journal.connection
        key = id(machine)
        rows = connection.execute(
            "SELECT rowid, * FROM op WHERE rowid > ?", (self._rowids.get(key, 0),)
        ).fetchall()
        for row in rows:
            self._rowids[key] = row["rowid"]
            self._note(machine, row)
        self._check_grants(machine, connection)

    def set_back(self, machine: Machine) -> None:
        """A machine's disk is another one now: an earlier state of it, or a copy."""
        connection = machine.journal.connection
        row = connection.execute("SELECT max(rowid) FROM op").fetchone()
        self._rowids[id(machine)] = row[0] or 0
        row = connection.execute("SELECT max(rowid) FROM allot").fetchone()
        self._allots[id(machine)] = row[0] or 0
        kept = {row[0] for row in connection.execute("SELECT op_id FROM op")}
        for fact in self.facts.values():
            if fact.machine == machine.name and fact.op_id not in kept:
                fact.lost = True

    def _note(self, machine: Machine, row: sqlite3.Row) -> None:
        fact = Fact(
            machine.name,
            machine.enrolled.node_id,
            row["stream"],
            row["inc"],
            row["seq"],
            row["op_id"],
            row["kind"],
            row["body"],
            row["hash"],
            self.world.works.now,
        )
        self.facts[fact.op_id] = fact
        self.world.say(machine.name, lambda: f"writes {fact.kind} {fact.seq} {_brief(fact.body)}")
        if fact.kind in (OpKind.SALE, OpKind.EXCHANGE):
            sale = decode_sale(fact.body) or decode_exchange(fact.body)
            assert sale is not None
            if isinstance(sale, Exchange):
                self.handed_in(sale.returned)
                self._paid_back(machine, row["op_id"], sale.returned)
            self._check_terms(machine, sale)
            self.hand_outs.sold(machine, sale)
            self._sold_by[machine.name].update((line.unit, line) for line in sale.lines)
        if fact.kind == OpKind.HAND_OVER:
            told = decode_hand_over(fact.body)
            assert told is not None
            self.hand_outs.answered(machine, told)
        if fact.kind == OpKind.RELEASE:
            release = decode_release(fact.body)
            assert release is not None
            self._given_back.update(
                (machine.name, str(release.allotment), unit) for unit in release.units
            )
        if fact.kind == OpKind.REFUND:  # a window takes the paper before it writes this down
            refund = decode_refund(fact.body)
            assert refund is not None
            self.handed_in(refund.ticket_ids)
            self._paid_back(machine, row["op_id"], refund.ticket_ids)

    def _paid_back(self, machine: Machine, op_id: str, ticket_ids: tuple[TicketId, ...]) -> None:
        """A till may void by itself what the centre has not heard of; else it has to ask."""
        asked = machine.journal.connection.execute(
            "SELECT 1 FROM revocation WHERE op_id = ?", (op_id,)
        ).fetchone()
        if asked is not None and machine.name not in self.tampered:
            generation = self.world.generation()
            self.paid_back.update(dict.fromkeys(ticket_ids, generation))

    def _check_terms(self, machine: Machine, sale: Sale | Exchange) -> None:
        for line in sale.lines:
            given_up = self.world.written_off.get(str(line.allotment))
            if given_up is not None and machine.name not in self.tampered:
                raise Violation(
                    "I14",
                    f"{machine.name} sells from {line.allotment}, "
                    f"which was given up {self.world.works.now - given_up:.0f} s ago",
                )

    def _check_grants(self, machine: Machine, connection: sqlite3.Connection) -> None:
        """What a node of this history holds, this history has granted: commit before reply."""
        new = connection.execute(
            "SELECT rowid, id FROM allot WHERE rowid > ?", (self._allots.get(id(machine), 0),)
        ).fetchall()
        if not new:
            return
        self._allots[id(machine)] = new[-1]["rowid"]
        server = self.world.server
        now = server.disk.connection
        generation = now.execute(
            "SELECT short FROM generation ORDER BY started_ms DESC, id DESC LIMIT 1"
        ).fetchone()[0]
        known = {row[0] for row in now.execute("SELECT id FROM allot WHERE event_id = ?", (EVENT,))}
        for row in new:
            if row["id"].startswith(generation) and row["id"] not in known:
                raise Violation("commit before reply", f"{machine.name} has {row['id']}")

    def server_commits(self, superseded: list[str]) -> None:
        """A server is about to commit; these streams it wrote although another had followed it."""
        if superseded:
            raise Violation("I15", f"a superseded owner commits: {superseded}")

    def server_committed(self, raw: sqlite3.Connection) -> None:
        """The server has committed."""
        for (allot_id,) in raw.execute("SELECT id FROM allot WHERE state = 'written_off'"):
            self.excused[allot_id] = "E2"
            self.world.written_off.setdefault(allot_id, self.world.works.now)
        generation = raw.execute(
            "SELECT short FROM generation ORDER BY started_ms DESC, id DESC LIMIT 1"
        ).fetchone()[0]
        if raw.execute("SELECT 1 FROM op WHERE verdict = 'deferred'").fetchone():
            self.world.happened("deferred")
        self.note_heads(generation, raw)

    def note_heads(self, generation: str, raw: sqlite3.Connection) -> None:
        """How far a server's feeds go."""
        for stream, head in raw.execute("SELECT event_id, head FROM stream").fetchall():
            self.heads[generation, stream] = head

    def mirror_committed(self, machine: Machine) -> None:
        """A cursor never goes beyond what was committed."""
        for row in machine.mirror.connection.execute("SELECT stream, gen, rev FROM cursor"):
            head = self.heads.get((row["gen"], row["stream"]))
            if head is not None and row["rev"] > head:
                raise Violation("I6", f"{machine.name} has read to {row['rev']} of {head}")

    # --- when all is quiet

    def check_at_rest(self) -> None:
        """Everything that must hold once nothing is under way any more."""
        from tests.simulation.at_rest import check_all

        check_all(self)


def _brief(body: str) -> str:
    return body if len(body) < 120 else body[:117] + "..."


def money_of(fact: Fact) -> Sale | Refund | Exchange | ShiftOpened | None:
    """The body of an operation that moved money."""
    decode: Any = _MONEY.get(OpKind(fact.kind)) if fact.kind in tuple(OpKind) else None
    return decode(fact.body) if decode else None


def returned_by(fact: Fact) -> tuple[TicketId, ...]:
    """The tickets that an operation took back."""
    money = money_of(fact)
    if isinstance(money, Refund):
        return money.ticket_ids
    return money.returned if isinstance(money, Exchange) else ()

"""One scan from code to recorded decision. Recorded first, then the light and the barrier."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol

from edge.env import Env
from edge.errors import ReplicaError
from edge.journal import JournalLocked, Unit, get_meta, set_meta
from edge.replica import Replica
from gate_agent.arbiter import Accepted, Denied, Lane, NoAnswer, chip_question, own_op_ids
from gate_agent.facts import GateKnowledge
from gate_agent.memory import LaneMemory, Unwritten
from gate_agent.presented import Presented, by_chip, by_code
from gate_agent.proofs import HeldChip
from gate_agent.records import granted, is_ours, is_unfinished, note_tap, write_entry
from program.logs import get_logger
from ticketing.admission import (
    Admit,
    Entry,
    EntryRules,
    LaneFacts,
    Miss,
    Note,
    Reason,
    Refuse,
    Step,
    Unrecorded,
    decide_alone,
    entry_to_wire,
    is_unlisted,
    next_step,
)
from ticketing.code import TicketCode, parse_code
from ticketing.ids import OpId
from ticketing.operations import decode_entry

_UNLISTED = "unlisted_count"
_WRITTEN_AT_ONCE = 100
"""Entries of a time without a disk, in one transaction: no visitor waits long behind them."""
_log = get_logger(__name__)


class AsksArbiter(Protocol):
    """The arbiter as the lane sees it."""

    def ask(
        self,
        stream: str,
        op_id: OpId,
        code: str,
        lane: Lane,
        seen: list[OpId],
        chip: Mapping[str, object] | None = None,
    ) -> Accepted | Denied | NoAnswer:
        """Answer within the budget."""


@dataclass(frozen=True, slots=True)
class LetIn:
    """Recorded, or offered again: the barrier may open. `op_id` names the entry.

    Not `recorded`: this gate could not write, and the arbiter's record is the only one.
    """

    stream: str
    op_id: OpId
    code: TicketCode
    offline: bool
    unconfirmed: bool
    again: bool = False
    recorded: bool = True
    notes: frozenset[Note] = frozenset()
    held: HeldChip | None = None


@dataclass(frozen=True, slots=True)
class _Unfinished:
    """An entry granted here whose barrier never moved; `offline`: without the arbiter."""

    op_id: OpId
    offline: bool


@dataclass(frozen=True, slots=True)
class Known:
    """What this lane knows of a ticket, without the entries of its own that nobody went in by.

    One of those is `unfinished`: granted, and the barrier never moved. The arbiter alone knows of
    an `unheard` one. The ticket's next entry goes by that operation id.
    """

    facts: LaneFacts
    unfinished: _Unfinished | None = None
    unheard: OpId | None = None

    @property
    def op_id(self) -> OpId | None:
        """The entry that is there already."""
        return self.unfinished.op_id if self.unfinished is not None else self.unheard


@dataclass(frozen=True, slots=True)
class TurnedAway:
    """Not let in, with the entry that stands in the way where that is the reason."""

    reason: Reason
    code: TicketCode | None
    offline: bool
    first_entry: Mapping[str, object] | None = None
    miss: Miss | None = None
    held: HeldChip | None = None

    @property
    def step(self) -> Step:
        """What the person should do next."""
        return next_step(self.reason, self.miss)


@dataclass(frozen=True, slots=True)
class Doorman:
    """Decides scans for one lane of the gate `node_id`, one at a time.

    Lanes of one program share replica and memory.
    """

    lane: Lane
    node_id: str
    knowledge: GateKnowledge
    replica: Replica
    arbiter: AsksArbiter
    env: Env
    memory: LaneMemory

    def scan(self, text: str, now_ms: int) -> LetIn | TurnedAway:
        """Decide one text. `now_ms` is the corrected clock. Total: every text gets an answer."""
        code = parse_code(text)
        now = datetime.fromtimestamp(now_ms / 1000, UTC)
        if not isinstance(code, TicketCode):
            return TurnedAway(Reason(code.value), None, offline=False)
        with self.memory.deciding(code.facts.ticket_id):
            outcome = self._decide(by_code(code, self.knowledge), now, now_ms)
        if isinstance(outcome, TurnedAway):
            self.memory.note_turned_away(code)
        return outcome

    def scan_chip(self, held: HeldChip, now_ms: int) -> LetIn | TurnedAway:
        """Decide a chip, as a code. Total: every chip gets an answer."""
        now = datetime.fromtimestamp(now_ms / 1000, UTC)
        served = self.knowledge.let_in_now(self.lane.performances, now)
        shown = by_chip(held, self.knowledge, self.memory, served)
        if isinstance(shown, Refuse):
            return _no_ticket(shown, held)
        with self.memory.deciding(shown.code.facts.ticket_id):
            # Again, now that no other lane decides: it may have let in this very tap.
            again = by_chip(held, self.knowledge, self.memory, served)
            if isinstance(again, Refuse):
                return _no_ticket(again, held)
            if again.code.facts.ticket_id != shown.code.facts.ticket_id:  # bound anew just now
                return _no_ticket(Refuse(Reason.CREDENTIAL_UNKNOWN), held)
            outcome = self._decide(shown, now, now_ms)
        if isinstance(outcome, TurnedAway):
            if shown.has_code:
                self.memory.note_turned_away(shown.code)
            return replace(outcome, held=held)
        return outcome

    def _decide(self, shown: Presented, now: datetime, now_ms: int) -> LetIn | TurnedAway:
        stream, code = shown.stream, shown.code
        known = self.known(stream, code, now)
        facts, unfinished = known.facts, known.unfinished
        decision = shown.decide(facts, now)
        if unfinished is not None and not unfinished.offline and isinstance(decision, Admit):
            # The arbiter counts it for this lane: nobody else went in by it, no money went back.
            let_in = LetIn(stream, unfinished.op_id, code, False, decision.unconfirmed, again=True)
            return replace(let_in, notes=decision.notes, held=shown.held)
        ask_anyway = isinstance(decision, Refuse) and decision.reason is Reason.UNKNOWN_ISSUER
        if isinstance(decision, Refuse) and not (ask_anyway and stream):
            return _turned_away(decision, code)
        op_id = known.op_id or OpId(self.env.random_bytes(16).hex())
        return self._ask_and_record(shown, facts, decision, op_id, now_ms)

    def known(self, stream: str, code: TicketCode, now: datetime) -> Known:
        """What a decision about a ticket of this event goes by, here and now; "" for no event."""
        served = self.knowledge.let_in_now(self.lane.performances, now) if stream else frozenset()
        facts = self.knowledge.facts(stream, code.facts, served, self.lane.gate)
        unfinished = self._unfinished(stream, code)
        facts, unheard = self._without_unheard(stream, code, facts, unfinished)
        return Known(facts, unfinished, unheard)

    def commanded(self, let_in: LetIn) -> None:
        """The barrier confirmed: this entry is not offered again, as long as this program runs.

        Raises ReplicaError when the file does not take it: after a restart it may be, for a while.
        """
        if not let_in.recorded:
            self.memory.note_went_in(let_in.op_id)
            return
        try:
            self.replica.transact(
                lambda unit: unit.execute(
                    "UPDATE entry SET commanded_ms = ? WHERE stream = ? AND op_id = ?",
                    (self.env.wall_ms(), let_in.stream, let_in.op_id),
                )
            )
        except ReplicaError:
            self.memory.note_commanded(let_in.op_id)
            raise
        self.write_down()

    def not_commanded(self, let_in: LetIn) -> None:
        """The barrier did not confirm: this entry is offered again."""
        if not let_in.recorded:
            self.memory.note_returned(let_in.op_id)

    def write_down(self) -> None:
        """Record who went in while this gate could not write; a later call tries again.

        Under the operation ids of then: what the arbiter knows of already is one entry.
        """
        if not self.memory.to_write(1):
            return
        wall_ms = self.env.wall_ms()

        def write(unit: Unit) -> list[Unwritten]:
            # Asked in the transaction: who turns back from now on ends an entry that is written.
            waiting = self.memory.to_write(_WRITTEN_AT_ONCE)
            for each in waiting:
                op_id = each.entry.op_id
                if not is_ours(unit, op_id):
                    write_entry(
                        unit, each.stream, op_id, each.granted, wall_ms, commanded_ms=wall_ms
                    )
            return waiting

        try:
            written = self.replica.transact(write)
        except (ReplicaError, JournalLocked):
            return
        self.memory.note_written(each.entry.op_id for each in written)
        _log.warning("entries_recorded_late", count=len(written))

    def _unfinished(self, stream: str, code: TicketCode) -> _Unfinished | None:
        """An entry granted here whose barrier never moved: killed or cut off in between.

        It does not use the ticket; everything else is decided anew, so that a forged code or a
        ticket that was refunded since is refused.
        """
        with self.replica.reading() as connection:
            row = connection.execute(
                "SELECT e.op_id, o.body FROM entry e JOIN op o ON o.op_id = e.op_id "
                "WHERE e.stream = ? AND e.ticket_id = ? AND e.lane = ? "
                "AND e.commanded_ms = 0 AND e.phase = 'granted' ORDER BY e.rowid DESC LIMIT 1",
                (stream, code.facts.ticket_id, self.lane.name),
            ).fetchone()
        if row is None or not self.memory.is_fresh(OpId(row["op_id"])):
            return None
        entry = decode_entry(row["body"])
        assert entry is not None, "we wrote it"
        return _Unfinished(OpId(row["op_id"]), entry.offline)

    def _without_unheard(
        self, stream: str, code: TicketCode, facts: LaneFacts, unfinished: _Unfinished | None
    ) -> tuple[LaneFacts, OpId | None]:
        """The facts without the entries of this lane that nobody went in by.

        One is unfinished. Others the arbiter recorded, its answer never came, and the feed brought
        them back: had the barrier moved, our own journal (or memory) would tell. One of those, if
        there is any, is this scan's entry.
        """
        passed = self.memory.passed(stream, code.facts.ticket_id)
        left_out = {unfinished.op_id if unfinished is not None else None, *passed}
        told = {entry.op_id: entry for entry in facts.entries if entry.op_id not in left_out}
        here = (self.node_id, self.lane.name)
        unheard = {op for op, entry in told.items() if (entry.node_id, entry.lane) == here}
        counted = [entry for op, entry in told.items() if op not in unheard]
        facts = replace(facts, entries=(*counted, *passed.values()))
        return facts, min(unheard, default=None)

    def _ask_and_record(
        self,
        shown: Presented,
        facts: LaneFacts,
        local: Admit | Refuse,
        op_id: OpId,
        now_ms: int,
    ) -> LetIn | TurnedAway:
        seen = own_op_ids(list(facts.entries))
        stream, code = shown.stream, shown.code
        answer = self._ask(shown, op_id, seen)
        if isinstance(answer, Denied):
            return TurnedAway(answer.reason, code, False, answer.first_entry, answer.miss)
        rules = self.knowledge.rules_of(stream)
        if isinstance(answer, Accepted):
            let_in = LetIn(stream, answer.op_id, code, False, answer.unconfirmed)
            let_in = replace(let_in, notes=answer.notes, held=shown.held)
            return self._record(let_in, facts, rules, now_ms)
        if not shown.is_checked:  # what the chip says may be made up
            return TurnedAway(Reason.CUT_OFF, code, offline=True)
        alone = decide_alone(local, facts, rules, unlisted_count=0)
        if isinstance(alone, Refuse):
            return _turned_away(alone, code)
        let_in = LetIn(stream, op_id, code, True, alone.unconfirmed, notes=alone.notes)
        return self._record(replace(let_in, held=shown.held), facts, rules, now_ms)

    def _ask(self, shown: Presented, op_id: OpId, seen: list[OpId]) -> Accepted | Denied | NoAnswer:
        stream, held = shown.stream, shown.held
        if held is None:
            return self.arbiter.ask(stream, op_id, shown.code.text, self.lane, seen)
        code = shown.code.text if shown.has_code else ""
        chip = chip_question(held, shown.code.facts.ticket_id)
        return self.arbiter.ask(stream, op_id, code, self.lane, seen, chip)

    def _record(
        self, let_in: LetIn, facts: LaneFacts, rules: EntryRules, now_ms: int
    ) -> LetIn | TurnedAway:
        unlisted = let_in.offline and is_unlisted(facts)
        held = let_in.held
        entry = granted(
            let_in.code,
            self.lane.name,
            now_ms,
            offline=let_in.offline,
            is_read=held is None or held.code is not None,
            by_credential=held.by if held is not None else None,
            ticket_type=let_in.code.facts.ticket_type,
        )

        def record(unit: Unit) -> LetIn | Reason:
            if is_ours(unit, let_in.op_id):
                # Unfinished and asked about; else an answer to another question, good for nobody.
                again = is_unfinished(unit, let_in.stream, let_in.op_id, let_in.code)
                if again and entry.by_credential is not None:
                    note_tap(unit, entry.by_credential)
                return replace(let_in, again=True) if again else Reason.ALREADY_USED
            if unlisted:
                refused = _count_unlisted(unit, let_in, facts, rules)
                if refused is not None:
                    return refused
            write_entry(unit, let_in.stream, let_in.op_id, entry, self.env.wall_ms())
            return let_in

        try:
            recorded = self.replica.transact(record)
        except (ReplicaError, JournalLocked) as error:
            _log.error("entry_not_recorded", error=str(error))
            # With an answer, the arbiter has it on its disk: that is the record.
            if not let_in.offline or self._goes_unrecorded(rules):
                # At once, and not when the barrier moved: another lane may be asked before that.
                at = datetime.fromtimestamp(self.env.wall_ms() / 1000, UTC)
                counted = Entry(let_in.op_id, self.node_id, self.lane.name, at)
                self.memory.note_passed(Unwritten(let_in.stream, entry, counted))
                return replace(let_in, recorded=False)
            return TurnedAway(Reason.NOT_RECORDED, let_in.code, offline=True)
        if isinstance(recorded, Reason):
            return TurnedAway(recorded, let_in.code, let_in.offline)
        if not recorded.again:
            self.memory.note_granted(recorded.op_id)
        return recorded

    def _goes_unrecorded(self, rules: EntryRules) -> bool:
        """Whether the house lets people in of whom nothing but this program's memory knows."""
        if rules.unrecorded is Unrecorded.DENY or not self.memory.count_unrecorded():
            return False
        _log.error("entry_unrecorded", count=self.memory.unrecorded_count)
        return True


def _count_unlisted(
    unit: Unit, let_in: LetIn, facts: LaneFacts, rules: EntryRules
) -> Reason | None:
    """Count one more ticket that only its code speaks for; the reason when they are too many."""
    key = f"{_UNLISTED}:{let_in.stream}"
    count = int(get_meta(unit, key) or 0)
    alone = decide_alone(Admit(let_in.unconfirmed), facts, rules, unlisted_count=count)
    if isinstance(alone, Refuse):
        return alone.reason
    set_meta(unit, key, str(count + 1))
    return None


def _no_ticket(decision: Refuse, held: HeldChip) -> TurnedAway:
    """A chip that stands for no ticket, as far as is known here."""
    return TurnedAway(decision.reason, held.code, offline=True, miss=decision.miss, held=held)


def _turned_away(decision: Refuse, code: TicketCode) -> TurnedAway:
    entry = entry_to_wire(decision.first_entry)
    return TurnedAway(decision.reason, code, offline=True, first_entry=entry, miss=decision.miss)

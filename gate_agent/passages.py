"""After the decision: how an entry ended at the barrier, and people going out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from edge.errors import ReplicaError
from edge.journal import JournalLocked
from gate_agent.admit import Doorman, LetIn, TurnedAway
from gate_agent.presented import Presented, by_chip
from gate_agent.proofs import HeldChip
from gate_agent.records import write_exit, write_passage
from program.logs import get_logger
from ticketing.admission import Reason, Refuse
from ticketing.code import TicketCode, parse_code
from ticketing.ids import OpId
from ticketing.operations import EntryPassage, Passed, TicketLeft

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class WentOut:
    """The barrier may open outwards. Not `recorded`: this gate could not write it down.

    Not `was_inside`: no entry is known that this could be the exit of.
    """

    code: TicketCode
    was_inside: bool
    recorded: bool


@dataclass(frozen=True, slots=True)
class Passages:
    """Records what happens at one lane's barrier. Usable from any thread."""

    doorman: Doorman

    def passed(self, let_in: LetIn, now_ms: int) -> None:
        """The passage contact saw somebody go in. Raises ReplicaError."""
        self._ended(let_in, Passed.PASSED, now_ms)

    def returned(self, let_in: LetIn, now_ms: int) -> None:
        """Nobody went in: the entry does not count, and the ticket may be shown again.

        Raises ReplicaError; then the entry goes on counting.
        """
        self._ended(let_in, Passed.RETURNED, now_ms)

    def leave(self, text: str, now_ms: int) -> WentOut | TurnedAway:
        """Somebody shows a code on the way out. Total: nothing about a ticket keeps anybody in."""
        code = parse_code(text)
        if not isinstance(code, TicketCode):
            return TurnedAway(Reason(code.value), None, offline=True)
        knowledge, now = self.doorman.knowledge, datetime.fromtimestamp(now_ms / 1000, UTC)
        stream = knowledge.event_of(code.facts.performance)
        if stream is None:  # no journal could take it
            return TurnedAway(Reason.WRONG_PERFORMANCE, code, offline=True)
        served = knowledge.let_in_now(self.doorman.lane.performances, now)
        return self._leave(Presented(stream, code), served, now_ms)

    def leave_by(self, held: HeldChip, now_ms: int) -> WentOut | TurnedAway:
        """The same with a chip. Raises ReplicaError."""
        doorman, now = self.doorman, datetime.fromtimestamp(now_ms / 1000, UTC)
        served = doorman.knowledge.let_in_now(doorman.lane.performances, now)
        shown = by_chip(held, doorman.knowledge, doorman.memory, served)
        if isinstance(shown, Refuse):
            return TurnedAway(shown.reason, held.code, True, miss=shown.miss, held=held)
        if not shown.stream:
            return TurnedAway(Reason.WRONG_PERFORMANCE, shown.code, offline=True, held=held)
        return self._leave(shown, served, now_ms)

    def _leave(self, shown: Presented, served: frozenset[int], now_ms: int) -> WentOut | TurnedAway:
        facts = self.doorman.knowledge.facts(shown.stream, shown.code.facts, served)
        decision = shown.decide_exit(facts)
        if isinstance(decision, Refuse):
            return TurnedAway(decision.reason, shown.code, offline=True, held=shown.held)
        left = self._left(shown.stream, shown.code, now_ms)
        return WentOut(shown.code, decision.was_inside, left)

    def _left(self, stream: str, code: TicketCode, now_ms: int) -> bool:
        facts, lane = code.facts, self.doorman.lane.name
        left = TicketLeft(
            facts.ticket_id,
            facts.performance,
            facts.unit,
            facts.version,
            facts.ticket_type,
            lane,
            now_ms,
        )
        op_id, wall_ms = self._new_op_id(), self.doorman.env.wall_ms()
        try:
            self.doorman.replica.transact(
                lambda unit: write_exit(unit, stream, op_id, left, wall_ms)
            )
        except (ReplicaError, JournalLocked) as error:
            _log.error("exit_not_recorded", error=str(error))
            return False
        return True

    def _ended(self, let_in: LetIn, phase: Passed, now_ms: int) -> None:
        if not let_in.recorded and phase is Passed.RETURNED:
            self.doorman.memory.note_returned(let_in.op_id)
        # Of what could not be written then there is a record by now, or nothing that could end.
        ticket_id = let_in.code.facts.ticket_id
        passage = EntryPassage(let_in.op_id, ticket_id, phase, now_ms)
        op_id, wall_ms = self._new_op_id(), self.doorman.env.wall_ms()
        self.doorman.replica.transact(
            lambda unit: write_passage(unit, let_in.stream, op_id, passage, wall_ms)
        )

    def _new_op_id(self) -> OpId:
        return OpId(self.doorman.env.random_bytes(16).hex())

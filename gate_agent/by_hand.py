"""Somebody is let in whom the rules refuse: by two people, with a reason, and on the record."""

from __future__ import annotations

from datetime import UTC, datetime

from edge.errors import ReplicaError
from edge.journal import JournalLocked
from gate_agent.admit import Doorman, LetIn, TurnedAway
from gate_agent.records import granted, write_entry
from program.logs import get_logger
from ticketing.admission import ByHand, NotByHand, Reason, Refuse, decide_entry, not_by_hand
from ticketing.code import TicketCode, parse_code
from ticketing.ids import OpId

_log = get_logger(__name__)


def let_in_by_hand(
    doorman: Doorman, text: str, wanted: ByHand, now_ms: int
) -> LetIn | TurnedAway | NotByHand:
    """Let a ticket in against the reason that `wanted` names, and record who did it and why.

    That both people are present was asked of them before, by their PINs. Where the ticket is
    refused for another reason by now, that reason comes back and nothing happened; where nothing
    refuses it any more, it goes the usual way. The arbiter is not asked: people have decided.
    """
    code = parse_code(text)
    if not isinstance(code, TicketCode):
        return TurnedAway(Reason(code.value), None, offline=True)
    knowledge, now = doorman.knowledge, datetime.fromtimestamp(now_ms / 1000, UTC)
    roles = {person: knowledge.role_of(person) for person in (wanted.by, wanted.second)}
    obstacle = not_by_hand(wanted, roles)
    if obstacle is not None:
        return obstacle
    with doorman.memory.deciding(code.facts.ticket_id):
        outcome = _decide(doorman, code, wanted, now, now_ms)
    return outcome or doorman.scan(text, now_ms)


def _decide(
    doorman: Doorman, code: TicketCode, wanted: ByHand, now: datetime, now_ms: int
) -> LetIn | TurnedAway | None:
    """None: nothing refuses it any more, so it goes the usual way."""
    knowledge = doorman.knowledge
    stream = knowledge.event_of(code.facts.performance)
    if stream is None:
        return TurnedAway(Reason.WRONG_PERFORMANCE, code, offline=True)
    served = knowledge.let_in_now(doorman.lane.performances, now)
    facts = knowledge.facts(stream, code.facts, served, doorman.lane.gate)
    decision = decide_entry(code, facts, at=now)
    against_rules = isinstance(decision, Refuse) and decision.reason is wanted.against
    if not against_rules and wanted.against is not Reason.CUT_OFF:
        return None
    if isinstance(decision, Refuse) and not against_rules:
        return TurnedAway(decision.reason, code, offline=True, miss=decision.miss)
    let_in = LetIn(stream, OpId(doorman.env.random_bytes(16).hex()), code, True, facts.row is None)
    return _record(doorman, let_in, wanted, now_ms)


def _record(doorman: Doorman, let_in: LetIn, wanted: ByHand, now_ms: int) -> LetIn | TurnedAway:
    entry = granted(let_in.code, doorman.lane.name, now_ms, offline=True, by_hand=wanted)
    wall_ms = doorman.env.wall_ms()
    try:
        doorman.replica.transact(
            lambda unit: write_entry(unit, let_in.stream, let_in.op_id, entry, wall_ms)
        )
    except (ReplicaError, JournalLocked) as error:
        _log.error("entry_not_recorded", error=str(error))
        return TurnedAway(Reason.NOT_RECORDED, let_in.code, offline=True)
    doorman.memory.note_granted(let_in.op_id)
    _log.warning("let_in_by_hand", against=wanted.against.value)
    return let_in

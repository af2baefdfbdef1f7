"""Somebody is let in by people's hands: against the rules by two, with a reason, on the record; or by
one whose ticket is good and whose code cannot be read.
"""

from __future__ import annotations

from datetime import UTC, datetime

from edge.errors import ReplicaError
from edge.journal import JournalLocked
from gate_agent.admit import Doorman, Known, LetIn, TurnedAway
from gate_agent.found import FoundTicket
from gate_agent.records import granted, write_entry
from program.logs import get_logger
from ticketing.admission import (
    Admit,
    ByHand,
    NotByHand,
    Reason,
    Refuse,
    decide_alone,
    decide_entry,
    decide_known,
    entry_to_wire,
    not_by_hand,
)
from ticketing.code import TicketCode, parse_code
from ticketing.ids import OpId
from ticketing.operations import EntryGranted, Unread

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
    stream = doorman.knowledge.event_of(code.facts.performance)
    found = FoundTicket(stream or "", code, is_read=True)
    return let_in_found(doorman, found, wanted, now_ms)


def let_in_found(
    doorman: Doorman, found: FoundTicket, wanted: ByHand, now_ms: int
) -> LetIn | TurnedAway | NotByHand:
    """The same for a ticket that may have been found without its code."""
    roles = {person: doorman.knowledge.role_of(person) for person in (wanted.by, wanted.second)}
    obstacle = not_by_hand(wanted, roles)
    if obstacle is not None:
        return obstacle
    with doorman.memory.deciding(found.facts.ticket_id):
        outcome = _decide(doorman, found, wanted, now_ms)
    return outcome or doorman.scan(found.code.text, now_ms)


def _decide(
    doorman: Doorman, found: FoundTicket, wanted: ByHand, now_ms: int
) -> LetIn | TurnedAway | None:
    """None: nothing refuses it any more, so it goes the usual way."""
    if not found.stream:
        return TurnedAway(Reason.WRONG_PERFORMANCE, found.code, offline=True)
    decision, known = preview(doorman, found, now_ms)
    against_rules = isinstance(decision, Refuse) and decision.reason is wanted.against
    if not against_rules and wanted.against is not Reason.CUT_OFF and found.is_read:
        return None
    if isinstance(decision, Refuse) and not against_rules:
        return _turned_away(decision, found)
    if isinstance(decision, Admit) and known.unfinished is not None:
        return _offered_again(found, known, known.unfinished.op_id)
    entry = granted(
        found.code,
        doorman.lane.name,
        now_ms,
        offline=True,
        by_hand=wanted,
        is_read=found.is_read,
    )
    outcome = _record(doorman, found, entry, known)
    if isinstance(outcome, LetIn):
        _log.warning("let_in_by_hand", against=wanted.against.value)
    return outcome


def let_in_unread(
    doorman: Doorman, found: FoundTicket, unread: Unread, now_ms: int
) -> LetIn | TurnedAway:
    """Let a ticket in that nothing speaks against, and whose code could not be read.

    Without a code the arbiter cannot be asked: it goes as when the gate is cut off.
    """
    if found.is_read:
        return doorman.scan(found.code.text, now_ms)
    with doorman.memory.deciding(found.facts.ticket_id):
        decision, known = preview(doorman, found, now_ms, alone=True)
        if isinstance(decision, Refuse):
            return _turned_away(decision, found)
        if known.unfinished is not None:
            return _offered_again(found, known, known.unfinished.op_id)
        lane = doorman.lane.name
        entry = granted(found.code, lane, now_ms, offline=True, unread=unread, is_read=False)
        outcome = _record(doorman, found, entry, known)
    if isinstance(outcome, LetIn):
        _log.info("let_in_unread")
    return outcome


def preview(
    doorman: Doorman, found: FoundTicket, now_ms: int, *, alone: bool = False
) -> tuple[Admit | Refuse, Known]:
    """What this lane would say of a ticket now, by what it knows; and that.

    `alone`: nobody would be asked, so the house's policy for gates that are cut off counts too.
    """
    now = datetime.fromtimestamp(now_ms / 1000, UTC)
    known = doorman.known(found.stream, found.code, now)
    if found.is_read:
        decision = decide_entry(found.code, known.facts, at=now)
    else:
        decision = decide_known(found.facts, known.facts, at=now)
    if alone:
        rules = doorman.knowledge.rules_of(found.stream)
        decision = decide_alone(decision, known.facts, rules, unlisted_count=0)
    return decision, known


def _offered_again(found: FoundTicket, known: Known, op_id: OpId) -> LetIn:
    """It was let in a moment ago, and the barrier never moved: the same entry."""
    unconfirmed = known.facts.row is None
    return LetIn(found.stream, op_id, found.code, True, unconfirmed, again=True)


def _turned_away(decision: Refuse, found: FoundTicket) -> TurnedAway:
    first = entry_to_wire(decision.first_entry)
    code = found.code
    return TurnedAway(decision.reason, code, offline=True, first_entry=first, miss=decision.miss)


def _record(
    doorman: Doorman, found: FoundTicket, entry: EntryGranted, known: Known
) -> LetIn | TurnedAway:
    op_id = known.unheard or OpId(doorman.env.random_bytes(16).hex())
    let_in = LetIn(found.stream, op_id, found.code, True, known.facts.row is None)
    wall_ms = doorman.env.wall_ms()
    try:
        doorman.replica.transact(
            lambda unit: write_entry(unit, let_in.stream, op_id, entry, wall_ms)
        )
    except (ReplicaError, JournalLocked) as error:
        _log.error("entry_not_recorded", error=str(error))
        return TurnedAway(Reason.NOT_RECORDED, let_in.code, offline=True)
    doorman.memory.note_granted(op_id)
    return let_in

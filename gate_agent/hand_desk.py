"""What staff with a handheld may do at a gate about tickets: find one, see what the lane would say of
it and why, let it in, take an entry back, block it. All of it works without the server and goes
into the journal. What they may do about lanes: `gate_agent.lane_desk`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from edge.env import Env
from edge.errors import ReplicaError
from edge.journal import JournalLocked
from edge.pins import Account, PinRefused, accounts, check_pin
from edge.replica import Replica
from gate_agent.blocks import write_block
from gate_agent.by_hand import let_in_found, let_in_unread, preview
from gate_agent.found import Finder, FoundTicket
from gate_agent.lane import UNDO_S, LaneRunner
from gate_agent.records import write_passage
from program.logs import get_logger
from ticketing.admission import (
    CAN_BE_SET_ASIDE,
    Admit,
    ByHand,
    NotByHand,
    Reason,
    Refuse,
    instant_of,
)
from ticketing.admission.by_hand import DECIDING_ROLES, NOTE_CHARS_MAX
from ticketing.ids import OpId
from ticketing.operations import EntryPassage, Passed, TicketBlocked, Unread, is_block_reason
from ticketing.ticket import Ticket

ROLES = ("manager", "supervisor", "security")
"""Who may sign in. What each may do is said below."""
UNDO_DECIDING_S = 30 * 60
"""So long after an entry a supervisor or a manager may take it back; the others for UNDO_S."""
HISTORY_MAX = 100
_log = get_logger(__name__)


class NoUndo(StrEnum):
    """Why an entry cannot be taken back."""

    NOT_OURS = "not_ours"  # another gate's, or none
    ENDED = "ended"  # the contact saw somebody pass, or it was taken back before
    TOO_LATE = "too_late"
    NOT_RECORDED = "not_recorded"


class NotNow(StrEnum):
    """Why a lane lets nobody in, whatever the ticket."""

    FIRE = "fire"


class NoBlock(StrEnum):
    """Why a ticket is neither blocked nor free again."""

    NO_REASON = "no_reason"  # none, or one that is too long
    UNKNOWN = "unknown"  # its sale has not arrived yet
    AS_IT_WAS = "as_it_was"
    NOT_ALLOWED = "not_allowed"  # a supervisor or a manager lifts a block
    NOT_RECORDED = "not_recorded"


@dataclass(frozen=True, slots=True)
class Visit:
    """One line of a ticket's history. `gate` is the other gate's name, "" for this one."""

    op_id: str
    phase: str
    lane: str
    gate: str
    at: datetime
    can_undo: bool


@dataclass(frozen=True, slots=True)
class Looked:
    """A ticket looked at from a lane: what that would say, and what has happened with it.

    `against` is the reason that two people may set aside; None where nothing or nobody may.
    `burns`: the lane lets nobody in now, whatever the ticket.
    """

    found: FoundTicket
    lane: str
    at: datetime
    decision: Admit | Refuse
    row: Ticket | None
    history: tuple[Visit, ...]
    against: Reason | None
    burns: bool = False


@dataclass(slots=True)
class HandDesk:
    """Of the lanes of one gate that lead in, at least one. Used by any thread.

    `is_alone`: whether the server cannot be asked just now, as far as is known.
    """

    runners: Sequence[LaneRunner]
    is_alone: Callable[[], bool] = field(default=lambda: False)

    @property
    def lanes(self) -> tuple[str, ...]:
        """The lanes' names."""
        return tuple(runner.name for runner in self.runners)

    # --- people

    def people(self) -> list[Account]:
        """Who may sign in, by name."""
        return accounts(self._replica, ROLES)

    def sign_in(self, person_id: str, pin: str) -> Account | PinRefused:
        """Check a PIN; tries are counted in the journal, for good."""
        return check_pin(self._replica, person_id, pin, self._wall_ms(), ROLES)

    def person(self, person_id: str) -> Account | None:
        """Somebody who is still with the house, and still may."""
        return next((one for one in self.people() if one.id == person_id), None)

    # --- tickets

    def find(self, text: str) -> tuple[FoundTicket, ...]:
        """By code, number or seat."""
        return self._finder.find(text)

    def ticket(self, ticket_id: str) -> FoundTicket | None:
        """By its whole number."""
        return self._finder.ticket(ticket_id)

    def look(self, found: FoundTicket, lane: str, person: Account) -> Looked:
        """What the lane would say now, and the ticket's history, newest first."""
        runner, now_ms = self._runner(lane), self._corrected_ms()
        doorman, alone = runner.doorman, not found.is_read or self.is_alone()
        decision, known = preview(doorman, found, now_ms, alone=alone)
        against = decision.reason if isinstance(decision, Refuse) else None
        return Looked(
            found,
            doorman.lane.name,
            _instant(now_ms),
            decision,
            known.facts.row,
            self._history(found, person),
            against if against in CAN_BE_SET_ASIDE else None,
            runner.barrier.burns,
        )

    # --- deeds

    def let_in(
        self, found: FoundTicket, lane: str, by: Account, note: str
    ) -> Mapping[str, object] | NotByHand | NotNow:
        """Let a ticket in that nothing speaks against, on one person's word; the lane's line."""
        if self._runner(lane).barrier.burns:
            return NotNow.FIRE
        if not note.strip() or len(note) > NOTE_CHARS_MAX:
            return NotByHand.NO_NOTE
        unread = Unread(by.id, note.strip())
        return self._runner(lane).decide_by_hand(
            lambda doorman, now_ms: let_in_unread(doorman, found, unread, now_ms)
        )

    def let_in_against(
        self, found: FoundTicket, lane: str, wanted: ByHand
    ) -> Mapping[str, object] | NotByHand | NotNow:
        """Let a ticket in against the rules; the lane's line.

        That both people are present was asked by their PINs.
        """
        if self._runner(lane).barrier.burns:
            return NotNow.FIRE
        return self._runner(lane).decide_by_hand(
            lambda doorman, now_ms: let_in_found(doorman, found, wanted, now_ms)
        )

    def undo(self, found: FoundTicket, op_id: str, by: Account) -> NoUndo | None:
        """Take an entry of this gate back: it does not count. None: done."""
        visit = next((one for one in self._history(found, by) if one.op_id == op_id), None)
        refused = self._no_undo(found, op_id, by) if visit else NoUndo.NOT_OURS
        if refused is not None:
            return refused
        ticket_id, now_ms = found.facts.ticket_id, self._corrected_ms()
        passage = EntryPassage(OpId(op_id), ticket_id, Passed.RETURNED, now_ms, by.id)
        own_id, wall_ms = OpId(self._env.random_bytes(16).hex()), self._wall_ms()
        try:
            is_new = self._replica.transact(
                lambda unit: write_passage(unit, found.stream, own_id, passage, wall_ms)
            )
        except (ReplicaError, JournalLocked) as error:
            _log.error("undo_not_recorded", error=str(error))
            return NoUndo.NOT_RECORDED
        if not is_new:
            return NoUndo.ENDED
        _log.warning("entry_taken_back", by=by.id)
        self.runners[0].nudge()
        return None

    def block(self, found: FoundTicket, by: Account, reason: str, *, lift: bool) -> NoBlock | None:
        """Let nobody in with a ticket for now, or lift that. None: done, here at once."""
        reason = reason.strip()
        if lift and by.role not in DECIDING_ROLES:
            return NoBlock.NOT_ALLOWED
        if not is_block_reason(reason):
            return NoBlock.NO_REASON
        runner, now_ms = self.runners[0], self._corrected_ms()
        row = preview(runner.doorman, found, now_ms)[1].facts.row
        if row is None:
            return NoBlock.UNKNOWN
        if row.blocked == ("" if lift else reason):
            return NoBlock.AS_IT_WAS
        blocked = TicketBlocked(row.id, by.id, reason, lift, now_ms)
        op_id, wall_ms = OpId(self._env.random_bytes(16).hex()), self._wall_ms()
        try:
            self._replica.transact(
                lambda unit: write_block(unit, found.stream, op_id, blocked, wall_ms)
            )
        except (ReplicaError, JournalLocked) as error:
            _log.error("block_not_recorded", error=str(error))
            return NoBlock.NOT_RECORDED
        _log.warning("ticket_freed" if lift else "ticket_blocked", by=by.id)
        runner.nudge()
        return None

    def _history(self, found: FoundTicket, person: Account) -> tuple[Visit, ...]:
        key = (found.stream, found.facts.ticket_id)
        with self._replica.mirror.reading() as mirror:
            told = mirror.execute(
                "SELECT e.op_id, e.phase, e.lane, e.at_ms, coalesce(n.name, '') AS gate "
                "FROM entry e LEFT JOIN node n ON n.id = e.node_id "
                "WHERE e.stream = ? AND e.ticket_id = ?",
                key,
            ).fetchall()
        with self._replica.reading() as journal:
            own = journal.execute(
                "SELECT op_id, phase, lane, at_ms FROM entry WHERE stream = ? AND ticket_id = ?",
                key,
            ).fetchall()
        ours = {row["op_id"] for row in own}
        visits = [
            Visit(
                row["op_id"], row["phase"], row["lane"], row["gate"], _instant(row["at_ms"]), False
            )
            for row in told
            if row["op_id"] not in ours
        ]
        for row in own:
            may = self._no_undo(found, row["op_id"], person) is None
            at = _instant(row["at_ms"])
            visits.append(Visit(row["op_id"], row["phase"], row["lane"], "", at, may))
        visits.sort(key=lambda visit: visit.at, reverse=True)
        return tuple(visits[:HISTORY_MAX])

    def _no_undo(self, found: FoundTicket, op_id: str, by: Account) -> NoUndo | None:
        with self._replica.reading() as journal:
            row = journal.execute(
                "SELECT phase, at_ms FROM entry WHERE stream = ? AND ticket_id = ? AND op_id = ?",
                (found.stream, found.facts.ticket_id, op_id),
            ).fetchone()
        if row is None:
            return NoUndo.NOT_OURS
        if row["phase"] != "granted":
            return NoUndo.ENDED
        limit_s = UNDO_DECIDING_S if by.role in DECIDING_ROLES else UNDO_S
        passed_s = (self._corrected_ms() - row["at_ms"]) / 1_000
        return None if passed_s <= limit_s else NoUndo.TOO_LATE

    def _runner(self, lane: str) -> LaneRunner:
        """The lane; for an unknown one the first."""
        known = (runner for runner in self.runners if runner.name == lane)
        return next(known, self.runners[0])

    def _corrected_ms(self) -> int:
        return self.runners[0].corrected_ms()

    @property
    def _finder(self) -> Finder:
        first = self.runners[0].doorman
        return Finder(first.knowledge, first.memory, lambda: _instant(self._corrected_ms()))

    @property
    def _replica(self) -> Replica:
        return self.runners[0].doorman.replica

    @property
    def _env(self) -> Env:
        return self.runners[0].doorman.env

    def _wall_ms(self) -> int:
        return self._env.wall_ms()


def _instant(at_ms: int) -> datetime:
    return instant_of(max(0, at_ms)).astimezone(UTC)

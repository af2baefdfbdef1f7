"""The decision at a door, one pure, total function, and the one for going out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from ticketing.admission.facts import AllotmentState, Entry, KeyState, LaneFacts, Window
from ticketing.admission.reasons import Miss, MissKind, Reason, Step, next_step
from ticketing.admission.rules import Passback
from ticketing.admission.visits import Visits, counted_on_day_of, visits_of
from ticketing.code import CodeFault, Flag, TicketCode, TicketFacts
from ticketing.ticket import TicketState


class Note(StrEnum):
    """What the gate says of somebody who is let in all the same. Sent, never renamed."""

    STILL_INSIDE = "still_inside"  # soft anti-passback
    REENTRY = "reentry"  # came back in time: not counted


@dataclass(frozen=True, slots=True)
class Admit:
    """Let in. `unconfirmed`: the sale itself has not reached the decider yet."""

    unconfirmed: bool
    notes: frozenset[Note] = frozenset()


@dataclass(frozen=True, slots=True)
class Refuse:
    """Do not let in. `first_entry` is the entry that stands in the way, where that is the reason;
    `miss` in what the ticket came closest.
    """

    reason: Reason
    first_entry: Entry | None = None
    miss: Miss | None = None

    @property
    def step(self) -> Step:
        """What the person should do next."""
        return next_step(self.reason, self.miss)


@dataclass(frozen=True, slots=True)
class LetOut:
    """Somebody goes out. Not `was_inside`: no entry is known that this could be the exit of."""

    was_inside: bool


def decide_entry(scan: TicketCode | CodeFault, facts: LaneFacts, *, at: datetime) -> Admit | Refuse:
    """Decide one scan. Total: every input gets an answer. `at` is the corrected clock, aware UTC."""
    if not isinstance(scan, TicketCode):
        return Refuse(Reason(scan.value))
    unsound = _refused_by_code(scan, facts) or _refused_by_key_state(facts)
    if unsound is not None:
        return Refuse(unsound)
    refusal = (
        _refused_by_row(scan.facts, facts, at)
        or _refused_by_gate(facts)
        or _refused_by_time(scan.facts, facts, at)
        or _refused_by_allotment(facts)
    )
    if refusal is not None:
        return refusal
    return _decided_by_visits(facts, at)


def decide_known(ticket: TicketFacts, facts: LaneFacts, *, at: datetime) -> Admit | Refuse:
    """Decide a ticket that was found by its row, for somebody whose code cannot be read. Total.

    All that is asked of a code is left out: the server's word for the row is the proof. Without a
    row there is none.
    """
    if facts.row is None:
        return Refuse(Reason.NOT_IN_ALLOTMENT)
    refusal = (
        _refused_by_row(ticket, facts, at)
        or _refused_by_gate(facts)
        or _refused_by_time(ticket, facts, at)
    )
    return refusal or _decided_by_visits(facts, at)


def decide_exit(scan: TicketCode | CodeFault, facts: LaneFacts) -> LetOut | Refuse:
    """Decide one scan on the way out: any genuine ticket. Total.

    Nothing about the ticket keeps anybody in. A refusal says that the code tells nothing that
    could be noted down; whether the barrier opens all the same is not decided here.
    """
    if not isinstance(scan, TicketCode):
        return Refuse(Reason(scan.value))
    unsound = _refused_by_code(scan, facts)
    if unsound is not None:
        return Refuse(unsound)
    return LetOut(was_inside=visits_of(facts.entries, facts.exits, facts.rule).inside > 0)


def valid_windows(ticket: TicketFacts, facts: LaneFacts) -> tuple[Window, ...]:
    """When the ticket is let in, with the rule's minutes around it: in any of these.

    With a row the catalogue's time of its performance counts, which may have been moved since the
    ticket was printed. Without one both count, the code's and the catalogue's: a window may have
    sold it before it heard of a move that this node knows of, or the other way round.
    """
    printed = Window(ticket.valid_from, ticket.valid_to)
    known = facts.window
    if known is None:
        found: tuple[Window, ...] = (printed,)
    else:
        found = (known,) if facts.row is not None or known == printed else (printed, known)
    early, late = (
        timedelta(minutes=minutes)
        for minutes in (facts.rule.early_minutes, facts.rule.late_minutes)
    )
    return tuple(Window(each.valid_from - early, each.valid_to + late) for each in found)


# --- the ticket


def _refused_by_code(scan: TicketCode, facts: LaneFacts) -> Reason | None:
    if scan.facts.flags & Flag.TRAINING:
        return Reason.TRAINING_TICKET
    if facts.key is None:
        return Reason.UNKNOWN_ISSUER
    if not scan.is_genuine(facts.key.public):
        return Reason.FORGED
    return None


def _refused_by_key_state(facts: LaneFacts) -> Reason | None:
    """A row proves the sale: then it does not matter what became of the till."""
    revoked = facts.key is not None and facts.key.state is KeyState.REVOKED
    return Reason.ISSUER_REVOKED if revoked and facts.row is None else None


def _refused_by_row(ticket: TicketFacts, facts: LaneFacts, at: datetime) -> Refuse | None:
    row = facts.row
    performance = row.performance if row else ticket.performance
    if facts.is_cancelled:
        return Refuse(Reason.CANCELLED)
    if performance not in facts.performances:
        return Refuse(Reason.WRONG_PERFORMANCE, miss=_missed_performance(facts, at))
    if row is not None and row.state is TicketState.VOID:
        return Refuse(Reason.VOID)
    if row is not None and row.blocked:
        return Refuse(Reason.BLOCKED, miss=Miss(MissKind.BLOCKED_FOR, note=row.blocked))
    if row is not None and row.state is TicketState.DISPUTED:
        return Refuse(Reason.DISPUTED)
    if (row.version if row else ticket.version) < facts.unit_version_seen:
        return Refuse(Reason.REPLACED)
    return None


def _missed_performance(facts: LaneFacts, at: datetime) -> Miss | None:
    if facts.window is None:
        return None
    opens_at = facts.window.valid_from - timedelta(minutes=facts.rule.early_minutes)
    closes_at = facts.window.valid_to + timedelta(minutes=facts.rule.late_minutes)
    if at < opens_at:
        return Miss(MissKind.OPENS_AT, opens_at)
    if at >= closes_at:
        return Miss(MissKind.CLOSED_AT, closes_at)
    return Miss(MissKind.OTHER_LANE, gate=facts.home_gate)


def _refused_by_gate(facts: LaneFacts) -> Refuse | None:
    """A lane that was not told its gate serves all of them."""
    rule = facts.rule
    if not rule.has_gates or not facts.lane_gate or facts.lane_gate in rule.gates:
        return None
    if rule.own_gate and (facts.is_home or facts.home_gate is None):
        return None
    return Refuse(Reason.WRONG_GATE, miss=_missed_gate(facts))


def _missed_gate(facts: LaneFacts) -> Miss:
    if facts.rule.own_gate:
        return Miss(MissKind.OTHER_GATE, gate=facts.home_gate)
    return Miss(MissKind.OTHER_GATE, note=facts.rule.gates[0])


def _refused_by_time(ticket: TicketFacts, facts: LaneFacts, at: datetime) -> Refuse | None:
    windows = valid_windows(ticket, facts)
    if any(window.valid_from <= at < window.valid_to for window in windows):
        return None
    opens_at = min((each.valid_from for each in windows if at < each.valid_from), default=None)
    if opens_at is not None:
        return Refuse(Reason.TOO_EARLY, miss=Miss(MissKind.OPENS_AT, opens_at))
    closed_at = max(window.valid_to for window in windows)
    return Refuse(Reason.TOO_LATE, miss=Miss(MissKind.CLOSED_AT, closed_at))


def _refused_by_allotment(facts: LaneFacts) -> Refuse | None:
    """A row proves the sale; without one the allotment must vouch for it, as far as it is known."""
    if facts.row is not None or facts.allotment is None:
        return None
    if not facts.allotment.has_unit:
        return Refuse(Reason.NOT_IN_ALLOTMENT)
    if facts.allotment.state is AllotmentState.WRITTEN_OFF:
        return Refuse(Reason.ALLOTMENT_WRITTEN_OFF)
    return None


# --- what has been done with it


def _decided_by_visits(facts: LaneFacts, at: datetime) -> Admit | Refuse:
    if not facts.entries:
        return Admit(unconfirmed=facts.row is None)
    rule = facts.rule
    visits = visits_of(facts.entries, facts.exits, rule)
    comes_back = rule.reentry_minutes != 0 and visits.open_exit(rule, at) is not None
    if not comes_back:
        counted = counted_on_day_of(at, visits.counted, rule, facts.calendar)
        if rule.entries is not None and len(counted) >= rule.entries:
            return _used_up(facts, visits, counted, at)
    refusal = _refused_by_passback(facts, visits, at)
    if refusal is not None:
        return refusal
    notes = {Note.REENTRY} if comes_back else set()
    if rule.passback is Passback.SOFT and _is_inside(facts, visits, at):
        notes.add(Note.STILL_INSIDE)
    return Admit(facts.row is None, frozenset(notes))


def _used_up(facts: LaneFacts, visits: Visits, counted: tuple[Entry, ...], at: datetime) -> Refuse:
    """No entry is left, and nobody comes back. What came closest to coming back is told."""
    rule, first = facts.rule, counted[0]
    left_at = visits.left_at[-1] if visits.left_at else None
    ended_at = rule.reentry_ends_at(left_at) if left_at else None
    if ended_at is not None and rule.reentry_minutes:
        return Refuse(Reason.REENTRY_TOO_LATE, first, Miss(MissKind.REENTRY_ENDED, ended_at))
    if rule.each_day:
        again_at = facts.calendar.next_day_starts_at(at)
        return Refuse(Reason.ALREADY_USED, first, Miss(MissKind.AGAIN_AT, again_at))
    miss = Miss(MissKind.LEFT_AT, left_at) if left_at and not visits.inside else None
    return Refuse(Reason.ALREADY_USED, first, miss)


def _refused_by_passback(facts: LaneFacts, visits: Visits, at: datetime) -> Refuse | None:
    rule, last = facts.rule, visits.last
    if last is None or not _is_inside(facts, visits, at):
        return None
    if rule.passback is Passback.HARD:
        return Refuse(Reason.STILL_INSIDE, last)
    again_at = last.at + timedelta(minutes=rule.passback_minutes)
    if rule.passback is Passback.TIMED and at < again_at:
        return Refuse(Reason.TOO_SOON, last, Miss(MissKind.AGAIN_AT, again_at))
    return None


def _is_inside(facts: LaneFacts, visits: Visits, at: datetime) -> bool:
    """Whether somebody is inside. Nobody stays over night: yesterday's entry has ended by itself."""
    last = visits.last
    if last is None or not visits.inside:
        return False
    return facts.calendar.day(last.at) >= facts.calendar.day(at)

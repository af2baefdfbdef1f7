"""The decision at the door: one pure, total function for gate, server and till.

Order of the checks, the same everywhere:

    1 is it our code   2 training   3 key known   4 signature   5 key not revoked
    6 this performance   7 void   8 disputed   9 unit version   10 time   11 the allotment
    12 entries so far

The ticket's row wins over the code: with a row, its performance, state and version count, and
neither a revoked key nor the allotment is held against it. docs/admission.md gives the table.

Idempotency comes before all of them: a caller who already has an answer for the same operation
replays that answer and does not ask again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ticketing.code import CodeFault, Flag, TicketCode
from ticketing.ids import OpId
from ticketing.ticket import Ticket, TicketState


class Reason(StrEnum):
    """Why somebody is not let in. Stored and sent, never renamed."""

    NOT_A_TICKET = "not_a_ticket"
    DAMAGED_CODE = "damaged_code"
    NEWER_FORMAT = "newer_format"
    TRAINING_TICKET = "training_ticket"
    UNKNOWN_ISSUER = "unknown_issuer"
    ISSUER_REVOKED = "issuer_revoked"
    FORGED = "forged"
    WRONG_PERFORMANCE = "wrong_performance"
    VOID = "void"
    DISPUTED = "disputed"
    REPLACED = "replaced"
    TOO_EARLY = "too_early"
    TOO_LATE = "too_late"
    NOT_IN_ALLOTMENT = "not_in_allotment"
    ALLOTMENT_WRITTEN_OFF = "allotment_written_off"
    ALREADY_USED = "already_used"
    NOT_RECORDED = "not_recorded"  # the gate cannot write and nobody else recorded it: desk


class KeyState(StrEnum):
    """Whether a node may still sell."""

    ACTIVE = "active"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class IssuerKey:
    """A selling node's public key as the feed gave it."""

    public: bytes
    state: KeyState


class AllotmentState(StrEnum):
    """Whether an allotment still stands."""

    OPEN = "open"
    CLOSED = "closed"
    WRITTEN_OFF = "written_off"


@dataclass(frozen=True, slots=True)
class AllotmentFacts:
    """The allotment that the ticket cites: is the unit in it, and does it still stand."""

    has_unit: bool
    state: AllotmentState


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry that counts (granted and not returned)."""

    op_id: OpId
    node_id: str
    lane: str
    at: datetime


@dataclass(frozen=True, slots=True)
class LaneFacts:
    """What the decider knows. None means: not known here, which is not a refusal by itself."""

    performances: frozenset[int]  # let in at this lane now
    key: IssuerKey | None
    row: Ticket | None
    allotment: AllotmentFacts | None
    unit_version_seen: int  # highest version of this unit ever seen here
    entries: Sequence[Entry]


@dataclass(frozen=True, slots=True)
class Admit:
    """Let in. `unconfirmed`: the sale itself has not reached the decider yet."""

    unconfirmed: bool


@dataclass(frozen=True, slots=True)
class Refuse:
    """Do not let in. `first_entry` is the entry that used the ticket, where that is the reason."""

    reason: Reason
    first_entry: Entry | None = None


def decide_entry(scan: TicketCode | CodeFault, facts: LaneFacts, *, at: datetime) -> Admit | Refuse:
    """Decide one scan. Total: every input gets an answer. `at` is the corrected clock, aware UTC."""
    if not isinstance(scan, TicketCode):
        return Refuse(Reason(scan.value))
    refusal = (
        _refused_by_issuer(scan, facts)
        or _refused_by_row(scan, facts)
        or _refused_by_time(scan, at)
        or _refused_by_allotment(facts)
    )
    if refusal is not None:
        return Refuse(refusal)
    if facts.entries:
        return Refuse(Reason.ALREADY_USED, min(facts.entries, key=lambda entry: entry.at))
    return Admit(unconfirmed=facts.row is None)


def _refused_by_issuer(scan: TicketCode, facts: LaneFacts) -> Reason | None:
    if scan.facts.flags & Flag.TRAINING:
        return Reason.TRAINING_TICKET
    if facts.key is None:
        return Reason.UNKNOWN_ISSUER
    if not scan.is_genuine(facts.key.public):
        return Reason.FORGED
    if facts.key.state is KeyState.REVOKED and facts.row is None:
        return Reason.ISSUER_REVOKED
    return None


def _refused_by_row(scan: TicketCode, facts: LaneFacts) -> Reason | None:
    row = facts.row
    performance = row.performance if row else scan.facts.performance
    if performance not in facts.performances:
        return Reason.WRONG_PERFORMANCE
    if row is not None and row.state is TicketState.VOID:
        return Reason.VOID
    if row is not None and row.state is TicketState.DISPUTED:
        return Reason.DISPUTED
    if (row.version if row else scan.facts.version) < facts.unit_version_seen:
        return Reason.REPLACED
    return None


def _refused_by_time(scan: TicketCode, at: datetime) -> Reason | None:
    if at < scan.facts.valid_from:
        return Reason.TOO_EARLY
    if at >= scan.facts.valid_to:
        return Reason.TOO_LATE
    return None


def _refused_by_allotment(facts: LaneFacts) -> Reason | None:
    """A row proves the sale; without one the allotment must vouch for it, as far as it is known."""
    if facts.row is not None or facts.allotment is None:
        return None
    if not facts.allotment.has_unit:
        return Reason.NOT_IN_ALLOTMENT
    if facts.allotment.state is AllotmentState.WRITTEN_OFF:
        return Reason.ALLOTMENT_WRITTEN_OFF
    return None

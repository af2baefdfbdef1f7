"""Why somebody is not let in, how near they were, and where to send them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ticketing.text import Text


class Reason(StrEnum):
    """Why somebody is not let in. Stored and sent, never renamed."""

    NOT_A_TICKET = "not_a_ticket"
    DAMAGED_CODE = "damaged_code"
    NEWER_FORMAT = "newer_format"
    TRAINING_TICKET = "training_ticket"
    UNKNOWN_ISSUER = "unknown_issuer"
    ISSUER_REVOKED = "issuer_revoked"
    FORGED = "forged"
    CANCELLED = "cancelled"  # its performance does not take place
    WRONG_PERFORMANCE = "wrong_performance"
    VOID = "void"
    BLOCKED = "blocked"  # by a person, with the reason; may be lifted again
    DISPUTED = "disputed"
    REPLACED = "replaced"
    WRONG_GATE = "wrong_gate"
    TOO_EARLY = "too_early"
    TOO_LATE = "too_late"
    NOT_IN_ALLOTMENT = "not_in_allotment"
    ALLOTMENT_WRITTEN_OFF = "allotment_written_off"
    ALREADY_USED = "already_used"
    REENTRY_TOO_LATE = "reentry_too_late"  # went out, and the time to come back is over
    STILL_INSIDE = "still_inside"  # anti-passback: went in and has not come out
    TOO_SOON = "too_soon"  # anti-passback: went in a moment ago
    CUT_OFF = "cut_off"  # the arbiter does not answer, and the house wants it asked
    CREDENTIAL_UNKNOWN = "credential_unknown"  # a chip that stands for no ticket
    CREDENTIAL_OF_OTHER_CHIP = "credential_of_other_chip"  # a ticket's text, copied to this chip
    CREDENTIAL_REPLAYED = "credential_replayed"  # a tap not later than the last: a copied link
    CREDENTIAL_BLOCKED = "credential_blocked"  # the chip was told to be lost or stolen
    NOT_RECORDED = "not_recorded"  # the gate cannot write and nobody else recorded it: desk


class MissKind(StrEnum):
    """In what a refused ticket came closest. Sent, never renamed."""

    OPENS_AT = "opens_at"  # let in from `at`
    CLOSED_AT = "closed_at"  # was let in until `at`
    OTHER_LANE = "other_lane"  # its performance is let in now, but not here
    OTHER_GATE = "other_gate"  # right performance: use `gate`
    LEFT_AT = "left_at"  # went out at `at`, and the ticket has no re-entry
    REENTRY_ENDED = "reentry_ended"  # could have come back until `at`
    AGAIN_AT = "again_at"  # let in again from `at`
    CHIP = "chip"  # `note` says what is wrong with a chip's text: a TagFault or SunFault
    BLOCKED_FOR = "blocked_for"  # `note` says why it was blocked


@dataclass(frozen=True, slots=True)
class Miss:
    """The closest miss. `at` is aware UTC; None, "" where it says nothing."""

    kind: MissKind
    at: datetime | None = None
    gate: Text | None = None
    note: str = ""


class Step(StrEnum):
    """What the person in front of the gate should do next."""

    BOX_OFFICE = "box_office"
    OTHER_GATE = "other_gate"
    WAIT = "wait"
    SHOW_TICKET = "show_ticket"  # this was no ticket: show the ticket itself
    SHOW_AGAIN = "show_again"  # half a code: smooth it out, make the screen brighter
    SUPERVISOR = "supervisor"  # somebody at the gate looks into it


_STEPS = {
    Reason.NOT_A_TICKET: Step.SHOW_TICKET,
    Reason.DAMAGED_CODE: Step.SHOW_AGAIN,
    Reason.TOO_EARLY: Step.WAIT,
    Reason.TOO_SOON: Step.WAIT,
    Reason.STILL_INSIDE: Step.SUPERVISOR,
    Reason.CREDENTIAL_OF_OTHER_CHIP: Step.SUPERVISOR,
    Reason.CREDENTIAL_REPLAYED: Step.SUPERVISOR,
}
_STEPS_BY_MISS = {
    MissKind.OPENS_AT: Step.WAIT,
    MissKind.AGAIN_AT: Step.WAIT,
    MissKind.OTHER_LANE: Step.OTHER_GATE,
    MissKind.OTHER_GATE: Step.OTHER_GATE,
}


def next_step(reason: Reason, miss: Miss | None) -> Step:
    """Where to send somebody who is refused. Unless something better is known, the box office."""
    by_miss = _STEPS_BY_MISS.get(miss.kind) if miss else None
    return by_miss or _STEPS.get(reason, Step.BOX_OFFICE)

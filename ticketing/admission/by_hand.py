"""Letting somebody in whom the rules refuse: two people, and a reason in their own words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from ticketing.admission.reasons import Reason

NOTE_CHARS_MAX = 200


@dataclass(frozen=True, slots=True)
class ByHand:
    """Who let somebody in against which reason, and why. `by` and `second` are people's ids."""

    against: Reason
    by: str
    second: str
    note: str


class NotByHand(StrEnum):
    """Why somebody may not be let in by hand."""

    NOT_THIS = "not_this"  # the code proves nothing, or the place is another's: the box office
    TWO_PEOPLE = "two_people"  # the same person twice, or nobody
    UNKNOWN_PERSON = "unknown_person"
    NO_SUPERVISOR = "no_supervisor"  # one of the two must be a supervisor or a manager
    NO_NOTE = "no_note"  # no reason, or one that is too long


DECIDING_ROLES = frozenset({"supervisor", "manager"})

CAN_BE_SET_ASIDE = frozenset(
    {
        Reason.WRONG_PERFORMANCE,
        Reason.BLOCKED,
        Reason.DISPUTED,
        Reason.WRONG_GATE,
        Reason.TOO_EARLY,
        Reason.TOO_LATE,
        Reason.ALREADY_USED,
        Reason.REENTRY_TOO_LATE,
        Reason.STILL_INSIDE,
        Reason.TOO_SOON,
        Reason.CUT_OFF,
    }
)
"""Refusals of a ticket that is genuine and of a place that is nobody else's."""


def not_by_hand(wanted: ByHand, roles: Mapping[str, str]) -> NotByHand | None:
    """Why this may not be; None when it may. `roles` are of the house's people that are known.

    That the two are who they say is not known here.
    """
    if wanted.against not in CAN_BE_SET_ASIDE:
        return NotByHand.NOT_THIS
    if not wanted.by or not wanted.second or wanted.by == wanted.second:
        return NotByHand.TWO_PEOPLE
    known = {roles.get(person, "") for person in (wanted.by, wanted.second)}
    if "" in known:
        return NotByHand.UNKNOWN_PERSON
    if not known & DECIDING_ROLES:
        return NotByHand.NO_SUPERVISOR
    if not wanted.note.strip() or len(wanted.note) > NOTE_CHARS_MAX:
        return NotByHand.NO_NOTE
    return None

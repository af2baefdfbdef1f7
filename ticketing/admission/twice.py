"""A ticket was let in more often than its rule allows: how that probably came about.

Told from the entries alone, for the people at the gates who have to settle it. Times are those of
the centre's clock, as far as it could measure how wrong each gate's was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise

from ticketing.ids import OpId

COPY_WITHIN = timedelta(seconds=30)
"""So soon nobody has left unseen and walked to another lane: two people held up one code."""


class Cause(StrEnum):
    """Why nobody was turned away. Stored and sent, never renamed."""

    CLOCK = "clock"  # by right times the rule allowed it: a gate's clock was wrong
    ANSWER_LOST = "answer_lost"  # the arbiter let in, and its gate has never told of that
    COPY = "copy"  # at two lanes within COPY_WITHIN
    BOTH_OFFLINE = "both_offline"  # every gate decided alone
    ONE_OFFLINE = "one_offline"  # a gate that was cut off did not hear of the arbiter's entry
    ALL_ASKED = "all_asked"  # every entry is the arbiter's: it had lost a part of its history


@dataclass(frozen=True, slots=True)
class GateEntry:
    """One entry. `at` is the gate's own time, `corrected` the centre's for that moment.

    `heard`: the gate's journal has told of it; else only the arbiter's record does.
    """

    op_id: OpId
    node_id: str
    lane: str
    at: datetime
    corrected: datetime
    offline: bool
    heard: bool


def causes_of(entries: Sequence[GateEntry], *, fits_corrected: bool) -> tuple[Cause, ...]:
    """What explains the entries of one ticket, the likeliest first; never empty.

    `fits_corrected`: by their corrected times they are no more than the rule allows.
    """
    found = []
    if fits_corrected:
        found.append(Cause.CLOCK)
    if not all(entry.heard for entry in entries):
        found.append(Cause.ANSWER_LOST)
    if _is_copied(entries):
        found.append(Cause.COPY)
    found.append(_left_alone(entries))
    return tuple(found)


def _is_copied(entries: Sequence[GateEntry]) -> bool:
    in_turn = sorted(entries, key=lambda entry: (entry.corrected, entry.op_id))
    return any(
        (one.node_id, one.lane) != (other.node_id, other.lane)
        and other.corrected - one.corrected <= COPY_WITHIN
        for one, other in pairwise(in_turn)
    )


def _left_alone(entries: Sequence[GateEntry]) -> Cause:
    if all(entry.offline for entry in entries):
        return Cause.BOTH_OFFLINE
    return Cause.ONE_OFFLINE if any(entry.offline for entry in entries) else Cause.ALL_ASKED

"""Entries and exits of one ticket, taken together: what is spent, who is inside, who may come back.

A function of the set of facts, sorted by time: it does not matter in which order, or from where,
they became known. Clocks of gates differ a little, so an exit may bear a later time than now.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from ticketing.admission.facts import Entry
from ticketing.admission.rules import Calendar, EntryRule


@dataclass(frozen=True, slots=True)
class Visits:
    """What a ticket's entries and exits come to.

    `counted` are the entries that the rule's number is held against, oldest first; entries within
    the re-entry time after an exit are not among them. `left_at` has the exits that nobody has
    come back from, oldest first. `inside` is how many are in the house, `last` the latest entry.
    """

    counted: tuple[Entry, ...]
    left_at: tuple[datetime, ...]
    inside: int
    last: Entry | None

    def open_exit(self, rule: EntryRule, at: datetime) -> datetime | None:
        """The exit from which somebody may come back at `at`, if there is one."""
        return next((left for left in self.left_at if rule.is_within_reentry(left, at)), None)


def visits_of(entries: Iterable[Entry], exits: Iterable[Entry], rule: EntryRule) -> Visits:
    """Take a ticket's entries (those that count) and exits together.

    An exit counts when somebody is inside; an entry takes up the oldest exit that it is still in
    time for. Two facts of one instant count the exit first: nobody comes out before going in.
    """
    facts = sorted(
        [(exit_.at, 0, exit_.op_id, exit_) for exit_ in exits]
        + [(entry.at, 1, entry.op_id, entry) for entry in entries]
    )
    counted: list[Entry] = []
    left: list[datetime] = []
    inside, last = 0, None
    for at, is_entry, _op_id, fact in facts:
        if is_entry:
            taken = next((one for one in left if rule.is_within_reentry(one, at)), None)
            if taken is None or rule.reentry_minutes == 0:
                counted.append(fact)
            else:
                left.remove(taken)
            inside, last = inside + 1, fact
        elif inside:
            inside -= 1
            left.append(at)
    return Visits(tuple(counted), tuple(left), inside, last)


def counted_on_day_of(
    at: datetime, counted: Sequence[Entry], rule: EntryRule, calendar: Calendar
) -> tuple[Entry, ...]:
    """Of the counted entries those that the rule's number is about at `at`."""
    if not rule.each_day:
        return tuple(counted)
    day = calendar.day(at)
    return tuple(entry for entry in counted if calendar.day(entry.at) == day)


def is_more_than_allowed(
    entries: Sequence[Entry], exits: Sequence[Entry], rule: EntryRule, calendar: Calendar
) -> bool:
    """Whether a ticket's entries are more than its rule allows, whoever let them in.

    What gates that could not hear each other did is found out when their facts meet. Anti-passback
    makes no case: a missing exit is a gate that somebody walked past, far more often than a copy.
    """
    if len(entries) < 2:
        return False
    visits = visits_of(entries, exits, rule)
    limit = rule.entries
    return limit is not None and any(
        len(counted_on_day_of(entry.at, visits.counted, rule, calendar)) > limit
        for entry in visits.counted
    )

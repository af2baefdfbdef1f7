"""The entry rules of an event: how often, when and where its tickets are let in.

Data only; an event document carries them (`ticketing/entry_rules_document.py`). Without any, a
ticket lets one person in once, at any lane that serves its performance, and nobody comes back.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from ticketing.business_day import business_day, business_day_bounds


class Passback(StrEnum):
    """What happens to a ticket that is shown again while its holder is inside."""

    NONE = "none"  # only the number of entries counts
    SOFT = "soft"  # let in, and the gate says so
    TIMED = "timed"  # refused for a while after the entry
    HARD = "hard"  # refused until its holder has come out


class CutOff(StrEnum):
    """Whether a gate that cannot reach the arbiter decides alone."""

    ALLOW = "allow"
    HOME_GATE_ONLY = "home_gate_only"  # only tickets of its own gate
    DENY = "deny"


class Unlisted(StrEnum):
    """What a gate that is cut off does with a sale and an allotment that it never heard of."""

    ALLOW = "allow"  # at most UNLISTED_MAX
    DESK = "desk"


class Unrecorded(StrEnum):
    """What a gate does that can neither write nor reach the arbiter."""

    ALLOW = "allow"  # at most UNRECORDED_MAX, counted, with an alarm
    DENY = "deny"


UNLISTED_MAX = 50
UNRECORDED_MAX = 500


@dataclass(frozen=True, slots=True)
class EntryRule:
    """How one ticket is let in.

    `entries` (None: any number) are counted once and for all, or anew on every business day
    (`each_day`). An entry at most `reentry_minutes` (None: any time; 0: never) after an exit is
    not counted. `own_gate`: only at the gate of the ticket's place, or one of `gates`; without
    `own_gate`, `gates` alone, and where neither says anything, everywhere.
    """

    entries: int | None = 1
    each_day: bool = False
    early_minutes: int = 0
    late_minutes: int = 0
    own_gate: bool = False
    gates: tuple[str, ...] = ()
    reentry_minutes: int | None = 0
    passback: Passback = Passback.NONE
    passback_minutes: int = 0

    @property
    def has_gates(self) -> bool:
        """Whether it matters at which gate the ticket is shown."""
        return self.own_gate or bool(self.gates)

    def is_within_reentry(self, left_at: datetime, at: datetime) -> bool:
        """Whether somebody who left at `left_at` may come back at `at`."""
        ends_at = self.reentry_ends_at(left_at)
        return ends_at is None or at <= ends_at

    def reentry_ends_at(self, left_at: datetime) -> datetime | None:
        """Until when somebody who left may come back; None: any time."""
        if self.reentry_minutes is None:
            return None
        return left_at + timedelta(minutes=self.reentry_minutes)


USUAL_RULE = EntryRule()
"""One entry, no re-entry, at any gate, between doors and end."""


@dataclass(frozen=True, slots=True)
class RuleFor:
    """What holds for some ticket types at some performances (none named: for all).

    Only the fields of `rule` that are `given` count; the others are as they were before.
    """

    rule: EntryRule
    given: frozenset[str]
    ticket_types: tuple[str, ...] = ()
    performances: tuple[int, ...] = ()

    def fits(self, ticket_type_id: str, performance: int) -> bool:
        """Whether it speaks of such a ticket."""
        return (not self.ticket_types or ticket_type_id in self.ticket_types) and (
            not self.performances or performance in self.performances
        )

    def laid_over(self, rule: EntryRule) -> EntryRule:
        """The rule with what this one says in the place of what it said."""
        return replace(rule, **{name: getattr(self.rule, name) for name in self.given})


@dataclass(frozen=True, slots=True)
class Calendar:
    """The house's business days: IANA zone and the local hour at which they begin."""

    timezone: str = "UTC"
    day_starts: time = time(4)

    def day(self, at: datetime) -> date:
        """The business day that `at` (aware) lies in."""
        return business_day(at, self.timezone, self.day_starts)

    def next_day_starts_at(self, at: datetime) -> datetime:
        """When the business day after that of `at` begins, aware UTC."""
        return business_day_bounds(self.day(at), self.timezone, self.day_starts)[1]


_UTC_DAYS = Calendar()


@dataclass(frozen=True, slots=True)
class EntryRules:
    """An event's rules, later ones laid over earlier ones; what its gates do alone; its days."""

    rules: tuple[RuleFor, ...] = ()
    when_cut_off: CutOff = CutOff.ALLOW
    unlisted: Unlisted = Unlisted.ALLOW
    unrecorded: Unrecorded = Unrecorded.DENY
    calendar: Calendar = _UTC_DAYS

    def rule(self, ticket_type_id: str, performance: int) -> EntryRule:
        """What holds for a ticket. An unknown ticket type has what holds for all."""
        rule = USUAL_RULE
        for each in self.rules:
            if each.fits(ticket_type_id, performance):
                rule = each.laid_over(rule)
        return rule

    def widest(self, performance: int) -> tuple[timedelta, timedelta]:
        """How long before its doors and after its end anybody at all is let in."""
        said = [
            each.rule for each in self.rules if performance in (each.performances or (performance,))
        ]
        early, late = (
            max((getattr(rule, name) for rule in said), default=0)
            for name in ("early_minutes", "late_minutes")
        )
        return timedelta(minutes=early), timedelta(minutes=late)


NO_ENTRY_RULES = EntryRules()
"""What holds for an event whose document says nothing."""

"""Why the database does not take a catalogue that is in order: a code each, facts, and a sentence.

The command line says the sentence as it stands here; the console says it in its reader's language.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from ticketing.faults import Facts


def N_(text: str) -> str:  # noqa: N802 - gettext's usual name for "translate later"
    """Mark a text for translation where it is not yet known into which language."""
    return text


DECISIONS = (N_("added"), N_("moved"), N_("cancelled"), N_("changed"))
"""What the fact `kind` may say: a `ChangeKind`."""


class Hindrance(StrEnum):
    """What is in the way."""

    OTHER_VENUE = "other_venue"
    PERFORMANCE_GONE = "performance_gone"
    PLACES_GONE = "places_gone"
    OTHER_CURRENCY = "other_currency"
    QUARANTINE = "quarantine"
    POOL_TOO_SMALL = "pool_too_small"
    NUMBER_TAKEN = "number_taken"
    CANCELLED_IS_FINAL = "cancelled_is_final"
    DECIDED_AND_GONE = "decided_and_gone"
    DECIDED_OTHERWISE = "decided_otherwise"


SENTENCES: Mapping[Hindrance, str] = MappingProxyType(
    {
        Hindrance.OTHER_VENUE: N_(
            "this server belongs to the venue '{ours}', the catalogue is of '{theirs}'; a second "
            "venue needs a server of its own"
        ),
        Hindrance.PERFORMANCE_GONE: N_(
            "event '{event}': performance {number} is no longer in the catalogue, but places of it "
            "have been lent or sold"
        ),
        Hindrance.PLACES_GONE: N_(
            "event '{event}': {count} places that are lent, sold or blocked are no longer in the "
            "seating plan '{plan}', such as unit {unit} of performance {number}"
        ),
        Hindrance.OTHER_CURRENCY: N_(
            "event '{event}': tickets have been sold in {sold}, so its currency cannot become "
            "{currency}"
        ),
        Hindrance.QUARANTINE: N_(
            "event '{event}': the nodes have not all told yet what they hold since the database "
            "was put back, so no pool of its price rules can be changed; settle that first"
        ),
        Hindrance.POOL_TOO_SMALL: N_(
            "event '{event}': {used} of the pool '{pool}' are lent or spent already, so it cannot "
            "have a capacity of {capacity}"
        ),
        Hindrance.NUMBER_TAKEN: N_(
            "event '{event}': performance number {number} already belongs to the event '{other}'; "
            "numbers stand in ticket codes and are never used twice"
        ),
        Hindrance.CANCELLED_IS_FINAL: N_(
            "event '{event}': performance {number} was cancelled, which is final; put "
            '"cancelled": true into the file'
        ),
        Hindrance.DECIDED_AND_GONE: N_(
            "event '{event}': performance {number} was {kind} in the console (starts {starts}, "
            "doors {doors}, ends {ends}) and is not in the file; put it there"
        ),
        Hindrance.DECIDED_OTHERWISE: N_(
            "event '{event}': performance {number} was {kind} in the console (starts {starts}, "
            "doors {doors}, ends {ends}); put these times into the file, or move it in the console"
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Obstacle:
    """One thing that is in the way, with the facts of its sentence."""

    hindrance: Hindrance
    facts: Facts

    def __str__(self) -> str:
        return SENTENCES[self.hindrance].format(**dict(self.facts))


def obstacle(hindrance: Hindrance, **facts: object) -> Obstacle:
    """Of facts as they come."""
    return Obstacle(hindrance, tuple((name, str(fact)) for name, fact in facts.items()))

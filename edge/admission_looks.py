"""How a decision looks to staff, at a gate's handheld and at a till: a colour, an icon, words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from enum import StrEnum

from edge.admission_words import tell_note, tell_refusal
from program.i18n import translations
from ticketing.admission import Admit, Miss, Reason, Refuse, Step


class Kind(StrEnum):
    """What a screen looks and sounds like. Sent to the page's script and style."""

    ADMIT = "admit"  # green, a tick, two short tones
    REFUSE = "refuse"  # red, a cross, one long tone
    ASK = "ask"  # amber, a sign: somebody looks into it
    WAIT = "wait"  # amber, a clock
    AGAIN = "again"  # amber: show it once more, or show another thing
    OUT = "out"  # green, an arrow
    ALARM = "alarm"  # amber: somebody slipped through


LEVELS = {
    Kind.ADMIT: ("ok", "check"),
    Kind.OUT: ("ok", "check"),
    Kind.REFUSE: ("danger", "x"),
    Kind.WAIT: ("warn", "clock"),
    Kind.ASK: ("warn", "triangle-alert"),
    Kind.AGAIN: ("warn", "scan-line"),
}
"""The colour's name and the icon that staff see."""

# Nobody says that the ticket is bad: the gate cannot tell, or a person must.
_UNSURE = frozenset(
    {
        Reason.UNKNOWN_ISSUER,
        Reason.DISPUTED,
        Reason.NOT_IN_ALLOTMENT,
        Reason.ALLOTMENT_WRITTEN_OFF,
        Reason.REENTRY_TOO_LATE,
        Reason.STILL_INSIDE,
        Reason.CUT_OFF,
        Reason.NOT_RECORDED,
        Reason.NEWER_FORMAT,
    }
)
_KINDS_BY_STEP = {
    Step.WAIT: Kind.WAIT,
    Step.SHOW_TICKET: Kind.AGAIN,
    Step.SHOW_AGAIN: Kind.AGAIN,
    Step.SUPERVISOR: Kind.ASK,
}
WAIT_MAX = timedelta(hours=2)
"""Whoever is let in later than that is not asked to wait."""


@dataclass(frozen=True, slots=True)
class Says:
    """What the gate says: a colour's name, an icon, a word and sentences."""

    level: str
    icon: str
    word: str
    lines: tuple[str, ...]


def kind_of(reason: Reason, step: Step, miss: Miss | None, at: datetime) -> Kind:
    """How a refusal looks at `at`: red where the ticket is no good, amber where that is not known.

    Nobody is told to wait until tomorrow.
    """
    if reason in _UNSURE:
        return Kind.ASK
    if step is Step.WAIT and (miss is None or miss.at is None or miss.at - at > WAIT_MAX):
        return Kind.REFUSE
    return _KINDS_BY_STEP.get(step, Kind.REFUSE)


def says_of(decision: Admit | Refuse, *, at: datetime, zone: tzinfo, language: str) -> Says:
    """What a gate would say of a ticket at `at` (aware), before anybody shows it there."""
    if isinstance(decision, Admit):
        notes = tuple(tell_note(note, language) for note in sorted(decision.notes))
        return Says(*LEVELS[Kind.ADMIT], translations(language).gettext("Would be let in"), notes)
    told = tell_refusal(
        decision.reason,
        first_entry=decision.first_entry,
        miss=decision.miss,
        step=decision.step,
        at=at,
        zone=zone,
        language=language,
    )
    kind = kind_of(decision.reason, decision.step, decision.miss, at)
    step = "" if decision.step is Step.WAIT and kind is Kind.REFUSE else told.step
    lines = (told.seen, told.sentence, told.miss, step)
    return Says(*LEVELS[kind], told.word, tuple(filter(None, lines)))

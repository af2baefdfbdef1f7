"""The words for what is decided at a door: every code has a sentence in every language.

For whatever shows a decision to people, at a gate or at a till. Times are the venue's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from program.i18n import format_date, format_time, translations
from ticketing.admission import Cause, Entry, Miss, MissKind, NotByHand, Note, Reason, Step
from ticketing.sun import SunFault
from ticketing.tags import TagFault

SOON = timedelta(hours=12)
"""So far ahead a time is told with the minutes until then."""


def N_(text: str) -> str:  # noqa: N802 - gettext's usual name for "translate later"
    """Mark a text for translation where it is not yet known into which language."""
    return text


@dataclass(frozen=True, slots=True)
class Told:
    """A refusal in words; "" where there is nothing to say.

    `word` is for a large screen, `seen` says when and where the ticket was let in, `step` what
    the person should do next, `miss` in what the ticket came closest.
    """

    word: str
    sentence: str
    seen: str
    step: str
    miss: str


_REASONS: dict[Reason, tuple[str, str]] = {
    Reason.NOT_A_TICKET: (N_("No ticket"), N_("This is no ticket of this house.")),
    Reason.DAMAGED_CODE: (N_("Code damaged"), N_("The code is cut off or altered.")),
    Reason.NEWER_FORMAT: (
        N_("Code not readable"),
        N_("The code is of a later version of Boxgate than this gate."),
    ),
    Reason.TRAINING_TICKET: (
        N_("Training ticket"),
        N_("It was printed in training and lets nobody in."),
    ),
    Reason.UNKNOWN_ISSUER: (
        N_("Unknown seller"),
        N_("No window of this house is known to have sold it."),
    ),
    Reason.ISSUER_REVOKED: (N_("Seller barred"), N_("The window that printed it is barred.")),
    Reason.FORGED: (N_("Forged"), N_("The code was not signed by the window it names.")),
    Reason.CANCELLED: (
        N_("Cancelled"),
        N_("The performance is cancelled; the box office gives the money back."),
    ),
    Reason.WRONG_PERFORMANCE: (
        N_("Other performance"),
        N_("It is not for what is let in here now."),
    ),
    Reason.VOID: (N_("Refunded"), N_("The ticket was refunded, exchanged or replaced.")),
    Reason.BLOCKED: (N_("Blocked"), N_("The house has blocked this ticket.")),
    Reason.DISPUTED: (N_("To be checked"), N_("Its sale is disputed; the box office decides.")),
    Reason.REPLACED: (N_("Replaced"), N_("There is a newer ticket for this place.")),
    Reason.WRONG_GATE: (N_("Other gate"), N_("The performance is right, the gate is not.")),
    Reason.TOO_EARLY: (N_("Too early"), N_("Its time has not begun.")),
    Reason.TOO_LATE: (N_("Too late"), N_("Its time is over.")),
    Reason.NOT_IN_ALLOTMENT: (
        N_("Not confirmed"),
        N_("Its sale cannot be confirmed at this gate."),
    ),
    Reason.ALLOTMENT_WRITTEN_OFF: (
        N_("Not confirmed"),
        N_("The window that sold it was given up, and its sale never arrived."),
    ),
    Reason.ALREADY_USED: (N_("Already used"), N_("Somebody has gone in with this ticket.")),
    Reason.REENTRY_TOO_LATE: (
        N_("Back too late"),
        N_("The time in which it could come back is over."),
    ),
    Reason.STILL_INSIDE: (N_("Still inside"), N_("Somebody is inside with this ticket.")),
    Reason.TOO_SOON: (N_("Too soon"), N_("Somebody went in with this ticket a moment ago.")),
    Reason.CUT_OFF: (
        N_("Cannot ask"),
        N_("The gate is cut off and may not decide about this ticket alone."),
    ),
    Reason.CREDENTIAL_UNKNOWN: (
        N_("Chip unknown"),
        N_("This chip stands for no ticket of this house."),
    ),
    Reason.CREDENTIAL_OF_OTHER_CHIP: (
        N_("Copied chip"),
        N_("What it says belongs to another chip, or to no chip at all."),
    ),
    Reason.CREDENTIAL_REPLAYED: (
        N_("Chip copied"),
        N_("This tap of the chip was used before: hold up the chip itself."),
    ),
    Reason.CREDENTIAL_BLOCKED: (
        N_("Chip blocked"),
        N_("The house was told that this chip is lost or stolen."),
    ),
    Reason.NOT_RECORDED: (N_("Not recorded"), N_("The gate cannot write the entry down.")),
}
_STEPS = {
    Step.BOX_OFFICE: N_("To the box office"),
    Step.OTHER_GATE: N_("To another gate"),
    Step.WAIT: N_("Please wait"),
    Step.SHOW_TICKET: N_("Show the ticket itself"),
    Step.SHOW_AGAIN: N_("Hold still, make it brighter"),
    Step.SUPERVISOR: N_("Ask the staff"),
}
_NOTES = {
    Note.STILL_INSIDE: N_("Somebody is inside with this ticket already"),
    Note.REENTRY: N_("Back again"),
}
_CHIP_FAULTS: dict[str, str] = {
    TagFault.UNBOUND: N_("A ticket's code was written onto it, and no window bound it"),
    TagFault.DAMAGED: N_("Its text is cut off or altered"),
    SunFault.NOT_SUN: N_("Its link lacks the chip's proof, or this gate has no key for it yet"),
    SunFault.FORGED: N_("Its link was not made by a chip of this house"),
    SunFault.REPLAYED: N_("Its link was used before"),
}
_CAUSES = {
    Cause.CLOCK: N_("The clock of a gate was wrong; by the right time the ticket was good."),
    Cause.ANSWER_LOST: N_(
        "The server let the ticket in, and the gate did not hear of it: perhaps nobody went in there."
    ),
    Cause.COPY: N_("It was shown at two lanes within half a minute: one of them was a copy."),
    Cause.BOTH_OFFLINE: N_("All these gates were cut off and could not know of each other."),
    Cause.ONE_OFFLINE: N_("A gate was cut off and could not know of the other's entry."),
    Cause.ALL_ASKED: N_("The server had lost its record of an entry."),
}
_NOT_BY_HAND = {
    NotByHand.NOT_THIS: N_("This cannot be let in by hand; the box office decides."),
    NotByHand.TWO_PEOPLE: N_("Two different people must decide this."),
    NotByHand.UNKNOWN_PERSON: N_("One of the two is not known here."),
    NotByHand.NO_SUPERVISOR: N_("One of the two must be a supervisor or a manager."),
    NotByHand.NO_NOTE: N_("Say why, in at most 200 characters."),
}


def tell_refusal(
    reason: Reason,
    *,
    first_entry: Entry | None = None,
    miss: Miss | None = None,
    step: Step,
    at: datetime,
    zone: tzinfo,
    language: str,
) -> Told:
    """A refusal at `at` (aware) in words of one of the house's languages."""
    _ = translations(language).gettext
    clock = _Clock(at, zone, language)
    word, sentence = _REASONS[reason]
    seen = f"{clock.told(first_entry.at)} · {first_entry.lane}" if first_entry else ""
    return Told(
        _(word),
        _(sentence),
        seen,
        _step(step, miss, language),
        _miss(miss, clock) if miss else "",
    )


def tell_note(note: Note, language: str) -> str:
    """What is said of somebody who is let in all the same."""
    return translations(language).gettext(_NOTES[note])


def tell_causes(causes: Iterable[Cause], language: str) -> list[str]:
    """How a double entry probably came about, a sentence for each cause."""
    _ = translations(language).gettext
    return [_(_CAUSES[cause]) for cause in causes]


def tell_not_by_hand(why: NotByHand, language: str) -> str:
    """Why somebody may not be let in by hand."""
    return translations(language).gettext(_NOT_BY_HAND[why])


@dataclass(frozen=True, slots=True)
class _Clock:
    """Tells instants as the people in front of the gate say them."""

    now: datetime
    zone: tzinfo
    language: str

    def told(self, at: datetime) -> str:
        """The time, with its day when that is another one."""
        time = format_time(at, self.language, zone=self.zone)
        day = at.astimezone(self.zone).date()
        if day == self.now.astimezone(self.zone).date():
            return time
        return f"{format_date(day, self.language, year=False)} {time}"

    def minutes_until(self, at: datetime) -> int:
        """Whole minutes until then, begun ones counted; 0 when that is not soon."""
        ahead = at - self.now
        return -(-ahead // timedelta(minutes=1)) if timedelta(0) < ahead <= SOON else 0


def _step(step: Step, miss: Miss | None, language: str) -> str:
    _ = translations(language).gettext
    if step is Step.OTHER_GATE and miss is not None and _gate(miss, language):
        return _("To {gate}").format(gate=_gate(miss, language))
    return _(_STEPS[step])


def _gate(miss: Miss, language: str) -> str:
    return miss.gate.in_language(language) if miss.gate else miss.note


def _miss(miss: Miss, clock: _Clock) -> str:
    _ = translations(clock.language).gettext
    if miss.at is not None:
        return _timed(miss.kind, miss.at, clock)
    match miss.kind:
        case MissKind.OTHER_GATE if _gate(miss, clock.language):
            return _("Its gate is {gate}").format(gate=_gate(miss, clock.language))
        case MissKind.OTHER_LANE:
            return _("Its performance is let in now, at another door")
        case MissKind.CHIP if miss.note in _CHIP_FAULTS:
            return _(_CHIP_FAULTS[miss.note])
        case MissKind.BLOCKED_FOR:
            return _("Reason: {reason}").format(reason=miss.note)
        case _:
            return ""


def _timed(kind: MissKind, at: datetime, clock: _Clock) -> str:
    _, n = translations(clock.language).gettext, clock.minutes_until(at)
    sentences = {
        MissKind.OPENS_AT: _("Valid from {time}"),
        MissKind.AGAIN_AT: _("Let in again from {time}"),
        MissKind.CLOSED_AT: _("Was valid until {time}"),
        MissKind.LEFT_AT: _("Went out at {time}; nobody comes back on this ticket"),
        MissKind.REENTRY_ENDED: _("Could have come back until {time}"),
    }
    said = sentences.get(kind, "").format(time=clock.told(at))
    if not said or not n or kind not in (MissKind.OPENS_AT, MissKind.AGAIN_AT):
        return said
    ngettext = translations(clock.language).ngettext
    return ngettext("{said}, in {n} minute", "{said}, in {n} minutes", n).format(said=said, n=n)

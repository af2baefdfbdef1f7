"""What the pages of performances say: what was done, and why something was not."""

from __future__ import annotations

from enum import StrEnum

from program.i18n import translations
from sync_server.console.fault_words import rule_sentence
from sync_server.services.performance_changes import NotChanged, Refused
from sync_server.services.performance_rows import ChangeKind


def N_(text: str) -> str:  # noqa: N802 - gettext's usual name for "translate later"
    """Mark a text for translation where it is not yet known into which language."""
    return text


class Slip(StrEnum):
    """What is wrong with what was typed into a form about performances."""

    TIME = "time"
    MINUTES = "minutes"
    REASON = "reason"
    SERIES = "series"


SLIPS = {
    Slip.TIME: N_(
        "Choose a day and a time that the clocks of the house show once: where they are put "
        "forward or back, an hour is missing or comes twice."
    ),
    Slip.MINUTES: N_("Doors open 0 to 1,440 minutes before; it takes 1 to 60,000 minutes."),
    Slip.SERIES: N_("At least one time and at most 100, over at most 400 days."),
    Slip.REASON: N_("Write down why: it is for the record."),
}
NOT_CHANGED = {
    NotChanged.UNKNOWN: N_("There is no such performance any more: nothing was changed."),
    NotChanged.MEANWHILE: N_(
        "Somebody changed this performance or its event meanwhile: nothing was changed. Here is "
        "how it is now; look at it and decide again."
    ),
    NotChanged.CANCELLED: N_("It is cancelled, which is final: nothing was changed."),
    NotChanged.OVER: N_("It is over: nothing was changed."),
    NotChanged.PAST: N_("It would begin in the past. Choose a time to come."),
    NotChanged.THERE: N_("There is one of this event at one of these times already."),
    NotChanged.SAME: N_("It is like this already: there is nothing to change."),
    NotChanged.TAKEN: N_("There is or was something of this id already. Take another one."),
    NotChanged.SOLD: N_(
        "Tickets of this event were sold: end it by its date or its quota instead, it is not taken "
        "away."
    ),
    NotChanged.REFUSED: N_("The rules for catalogues do not allow this: nothing was changed."),
}
CHANGES = {
    ChangeKind.ADDED: N_("Added"),
    ChangeKind.MOVED: N_("Moved"),
    ChangeKind.CANCELLED: N_("Cancelled"),
    ChangeKind.CHANGED: N_("Changed"),
}


def slip_sentence(slip: Slip | None, language: str) -> str:
    """What is wrong with the form; '' when nothing is."""
    return translations(language).gettext(SLIPS[slip]) if slip else ""


def refusal_sentence(refused: Refused | None, language: str) -> str:
    """Why nothing was changed; '' when something was."""
    if refused is None:
        return ""
    said = translations(language).gettext(NOT_CHANGED[refused.why])
    return " ".join([said, *(rule_sentence(each, language) for each in refused.rules)])


def change_name(kind: ChangeKind, language: str) -> str:
    """What was done, in a word."""
    return translations(language).gettext(CHANGES[kind])

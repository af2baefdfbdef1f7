"""What the sign-in page says when a sign-in by a provider came to nothing."""

from __future__ import annotations

from enum import StrEnum

from program.i18n import translations


def N_(text: str) -> str:  # noqa: N802 - gettext's usual name for "translate later"
    """Mark a text for translation where it is not yet known into which language."""
    return text


class Why(StrEnum):
    """Why nobody was signed in; in the address of the sign-in page. Never who it was."""

    AWAY = "away"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    NOT_LET_IN = "not_let_in"


SENTENCES = {
    Why.AWAY: N_("The sign-in service cannot be reached. Try again in a moment."),
    Why.EXPIRED: N_("That took too long, or was begun elsewhere. Please sign in again."),
    Why.CANCELLED: N_("The sign-in service did not let you in."),
    Why.NOT_LET_IN: N_("Nobody of this house may sign in by that account. Ask a manager."),
}


def why_sentence(why: str, language: str) -> str:
    """The sentence of a code; '' for what is none."""
    known = next((each for each in Why if each == why), None)
    return translations(language).gettext(SENTENCES[known]) if known else ""

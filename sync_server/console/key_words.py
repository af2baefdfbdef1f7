"""What the pages about people and machines say when something was not done."""

from __future__ import annotations

from enum import StrEnum

from program.i18n import translations


def N_(text: str) -> str:  # noqa: N802 - gettext's usual name for "translate later"
    """Mark a text for translation where it is not yet known into which language."""
    return text


class Fault(StrEnum):
    """Why a form about people or machines was not carried out."""

    PASSWORD = "password"  # noqa: S105 - a code
    NODE_NAME = "node_name"
    NODE_NAME_TAKEN = "node_name_taken"
    CODE_OVER = "code_over"
    VERSION = "version"
    REASON = "reason"
    GONE = "gone"
    UNKNOWN_CHOICE = "unknown_choice"
    LOGIN = "login"
    LOGIN_TAKEN = "login_taken"
    PERSON_NAME = "person_name"
    SCOPE = "scope"
    OWN = "own"
    LAST_KEEPER = "last_keeper"
    NO_PIN = "no_pin"
    SWITCHED_OFF = "switched_off"
    AGENT_SCOPE = "agent_scope"
    UNKNOWN_AGENCY = "unknown_agency"
    AGENCY_NAME_TAKEN = "agency_name_taken"
    AGENCY_HAS_WINDOWS = "agency_has_windows"
    TOO_MANY_AGENCIES = "too_many_agencies"
    AGENCY_LIMIT = "agency_limit"


FAULTS = {
    Fault.PASSWORD: N_("Your own password is not right: nothing was changed."),
    Fault.NODE_NAME: N_("A name has 1 to 40 characters and no line breaks."),
    Fault.NODE_NAME_TAKEN: N_("There is a machine of this name already. Choose another name."),
    Fault.CODE_OVER: N_("That code waits no more: a machine has used it, or it has ended."),
    Fault.VERSION: N_("A version is numbers with dots, like 1.2.0."),
    Fault.REASON: N_("Write down what happened: it is for the record."),
    Fault.GONE: N_("This machine had been shut out already: nothing was changed."),
    Fault.UNKNOWN_CHOICE: N_("Please choose one of what the form offers."),
    Fault.LOGIN: N_("A login is one word of at most 64 letters, digits, dots and dashes."),
    Fault.LOGIN_TAKEN: N_("There is somebody with this login already."),
    Fault.PERSON_NAME: N_("A name has 1 to 64 characters and no line breaks."),
    Fault.SCOPE: N_("Say for which events or agencies the role holds."),
    Fault.OWN: N_("Nobody changes their own role or keys here: ask another manager."),
    Fault.LAST_KEEPER: N_("This is the last one who may manage people: name another one first."),
    Fault.NO_PIN: N_("Such a role has no PIN, or not where it holds."),
    Fault.SWITCHED_OFF: N_("They are switched off: switch them on first."),
    Fault.AGENT_SCOPE: N_("An agent works for an agency: choose which."),
    Fault.UNKNOWN_AGENCY: N_("Only a window can be an agency's, and only of one that still sells."),
    Fault.AGENCY_NAME_TAKEN: N_("There is an agency of this name already. Choose another name."),
    Fault.AGENCY_HAS_WINDOWS: N_(
        "It still has windows, or codes that wait for one: shut these out or withdraw them first."
    ),
    Fault.TOO_MANY_AGENCIES: N_("There are as many agencies as a house can have."),
    Fault.AGENCY_LIMIT: N_(
        "A number of places is 0 to 100,000, or nothing for no limit. Nothing was changed."
    ),
}


def fault_sentence(fault: Fault | None, language: str) -> str:
    """Why nothing was done; '' when something was."""
    return translations(language).gettext(FAULTS[fault]) if fault else ""

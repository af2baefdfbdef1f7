"""The first run's sentences."""

from __future__ import annotations

from typing import assert_never

from pos_app.presenters import language as words
from pos_app.presenters.first_run import FirstRunState, Step
from pos_app.presenters.language import _
from pos_app.services.first_run import PrinterKind, Trouble
from pos_app.services.trial_papers import TRIAL_CODE


def step_title(step: Step) -> str:
    """What a step is called."""
    match step:
        case Step.LANGUAGE:
            return _("Language")
        case Step.SERVER:
            return _("Server")
        case Step.CODE:
            return _("Enrolment code")
        case Step.PRINTER:
            return _("Printer")
        case Step.SCANNER:
            return _("Scanner")
        case Step.DONE:
            return _("Ready")
        case _:
            assert_never(step)


def step_hint(step: Step) -> str:
    """What is to be done in a step."""
    match step:
        case Step.LANGUAGE:
            return _("In which language should the screen speak? It can be changed at any time.")
        case Step.SERVER:
            return _("Type the address of the house's server, as the manager gave it to you.")
        case Step.CODE:
            return _(
                "Type the code that the manager made for this window. It works once, for an hour."
            )
        case Step.PRINTER:
            return _("Where should tickets come out? Print a test ticket before you go on.")
        case Step.SCANNER:
            return _("Scan the test ticket, or anything else. Without a scanner just go on.")
        case Step.DONE:
            return _("This machine is a till of the house. The settings are saved.")
        case _:
            assert_never(step)


def trouble_words(trouble: Trouble) -> str:
    """What went wrong, and what to do."""
    match trouble:
        case Trouble.NO_ADDRESS:
            return _("That is no address. It begins with http:// or https://.")
        case Trouble.NO_ANSWER:
            return _(
                "Nothing answers there. Check the address, the network cable, and that the server "
                "runs; then try again."
            )
        case Trouble.NOT_BOXGATE:
            return _(
                "Something answers there, but it is no Boxgate server. Check the address and the "
                "number behind the colon."
            )
        case Trouble.OTHER_VERSION:
            return _("The server speaks another version. Install the same Boxgate on both.")
        case Trouble.CODE_REFUSED:
            return _(
                "The server does not take this code. Check it letter by letter, or ask the manager "
                "for a new one."
            )
        case _:
            return _late_trouble_words(trouble)


def _late_trouble_words(trouble: Trouble) -> str:
    match trouble:
        case Trouble.FOLDER_UNUSABLE:
            return _("The data folder cannot be used. Check the disk, then try again.")
        case Trouble.NOT_PRINTED:
            return _("Nothing was printed. Check cable, paper and address, then try again.")
        case Trouble.NOT_SAVED:
            return _("The settings file could not be written. Check the disk, then try again.")
        case _:
            return _("Something in the program failed. Try again; the log has the rest.")


def printer_title(kind: PrinterKind) -> str:
    """What a kind of printer is called."""
    match kind:
        case PrinterKind.FOLDER:
            return _("PDF files in a folder")
        case PrinterKind.DEVICE:
            return _("Receipt printer")
        case PrinterKind.COMMAND:
            return _("A print command")
        case _:
            assert_never(kind)


def printer_example(kind: PrinterKind) -> str:
    """What belongs into the field."""
    match kind:
        case PrinterKind.FOLDER:
            return "/home/till/tickets"
        case PrinterKind.DEVICE:
            return "tcp:192.168.1.50"
        case PrinterKind.COMMAND:
            return "lp -d tickets"
        case _:
            assert_never(kind)


def success_words(state: FirstRunState) -> str:
    """What went well in this step; '' when nothing did yet."""
    if state.step is Step.SERVER and state.about is not None:
        spoken = words.language().split("_")[0]
        name = state.about.names.get(spoken) or state.about.venue_id
        return _("Found: the server of {house}").format(house=name)
    if state.step is Step.CODE and state.enrolled is not None:
        return _("Enrolled as {name}").format(name=state.enrolled.name)
    if state.step is Step.PRINTER and state.printed:
        if state.paper is not None:
            return _("Written to {file}").format(file=state.paper)
        return _("The test ticket was printed")
    if state.step is Step.SCANNER and state.scanned:
        if state.scanned.upper() == TRIAL_CODE:
            return _("The test ticket was read whole: printer and scanner work together.")
        return _("Read: {text}").format(text=state.scanned)
    return ""

"""What the page about kept places says: why they are kept, and why something was not done."""

from __future__ import annotations

from enum import StrEnum

from program.i18n import format_count, translations
from sync_server.heart.kept_back import BLOCK_UNITS_MAX, BlockReason, NotKept
from sync_server.services.place_choice import Misnamed, WrongPart


def N_(text: str) -> str:  # noqa: N802 - gettext's usual name for "translate later"
    """Mark a text for translation where it is not yet known into which language."""
    return text


class Slip(StrEnum):
    """What is missing or wrong in the form, beside the places themselves."""

    OWNER = "owner"
    REASON = "reason"
    TIME = "time"
    POOL = "pool"
    NOT_BLOCKED = "not_blocked"


REASONS = {
    BlockReason.HOUSE: N_("House seats"),
    BlockReason.TECHNICAL: N_("Technical: camera, desk, no view"),
    BlockReason.SPONSOR: N_("Sponsor or partner"),
    BlockReason.DAMAGED: N_("Damaged"),
    BlockReason.OTHER: N_("Other"),
}
SLIPS = {
    Slip.OWNER: N_("Write down for whom they are kept, in at most 80 characters."),
    Slip.REASON: N_("Choose why, and write at most 200 characters about it."),
    Slip.TIME: N_(
        "The release needs a day and a time to come, that the clocks of the house show once."
    ),
    Slip.POOL: N_("There is no such pool, or its number is not a whole number above 0."),
    Slip.NOT_BLOCKED: N_("None of these places is blocked: nothing was changed."),
}
NOT_KEPT = {
    NotKept.QUARANTINE: N_(
        "The event waits for its windows' reports after a restore: nothing is blocked or released "
        "until then."
    ),
    NotKept.UNKNOWN_PERFORMANCE: N_("There is no such performance any more: nothing was changed."),
    NotKept.CANCELLED: N_("It is cancelled, which is final: nothing was changed."),
    NotKept.UNKNOWN_UNIT: N_("A place is not on the plan any more: nothing was changed."),
    NotKept.NOTHING: N_("Choose places first: on the plan, by section, or rights of a pool."),
    NotKept.LIMIT: N_("At most {n} places at once."),
    NotKept.POOL_EMPTY: N_("The pool has not so many rights left: nothing was changed."),
    NotKept.RELEASED: N_("That block was released meanwhile: nothing was changed."),
}
MISNAMED = {
    WrongPart.AREA: N_("There is no such section: {what}"),
    WrongPart.ROW: N_("There is no such row in the section: {what}"),
    WrongPart.SEAT: N_("There is no such seat in one of the rows: {what}"),
    WrongPart.COUNT: N_("The section has not so many places for this: {what}"),
    WrongPart.UNIT: N_("There is no such place on the plan: {what}"),
}


def sentence(fault: Slip | NotKept | Misnamed, language: str) -> str:
    """Why nothing was done."""
    gettext = translations(language).gettext
    if isinstance(fault, Misnamed):
        return gettext(MISNAMED[fault.part]).format(what=fault.what[:40])
    if isinstance(fault, Slip):
        return gettext(SLIPS[fault])
    return gettext(NOT_KEPT[fault]).format(n=format_count(BLOCK_UNITS_MAX, language))

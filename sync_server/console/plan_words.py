"""What the pages about seating plans say."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from program.i18n import format_count, translations
from sync_server.console.fault_words import rule_sentence
from sync_server.services.plan_store import PlanSource
from sync_server.services.plans import Against, Reason
from ticketing.seating import SeatingPlan


def N_(text: str) -> str:  # noqa: N802 - gettext's usual name for "translate later"
    """Mark a text for translation where it is not yet known into which language."""
    return text


class PlanFault(StrEnum):
    """Why an upload was not even looked at, or a confirmation not taken."""

    NO_FILE = "no_file"
    NOT_JSON = "not_json"
    OTHER_FORMAT = "other_format"
    PLAN_ID = "plan_id"
    GONE = "gone"
    FAULTY = "faulty"
    NO_CATALOGUE = "no_catalogue"


FAULTS = {
    PlanFault.NO_FILE: N_("Please choose a file."),
    PlanFault.NOT_JSON: N_("This file is not JSON in UTF-8. Choose a plan file."),
    PlanFault.OTHER_FORMAT: N_(
        "This is neither a plan of ours (boxgate-plan-1, or a catalogue with one plan) nor one of pretix's."
    ),
    PlanFault.PLAN_ID: N_(
        "Give the plan an id: a-z, 0-9 and -, at most 32 characters. Tickets never show it."
    ),
    PlanFault.GONE: N_(
        "This upload is no longer kept: it was saved, replaced, or is over an hour old. Choose the file again."
    ),
    PlanFault.NO_CATALOGUE: N_("This is no catalogue of ours (boxgate-catalogue-1)."),
    PlanFault.FAULTY: N_("Nothing was saved: the file has faults."),
}
_SOURCES = {
    PlanSource.IMPORT: N_("catalogue at the command line"),
    PlanSource.UPLOAD: N_("plan file"),
    PlanSource.PRETIX: N_("pretix plan"),
}
REASONS = {
    Against.CHANGED: N_(
        "Plans or events have changed since this upload was looked at. Choose the file again."
    ),
    Against.LANGUAGES: N_("Its names are not in exactly the languages of the house."),
    Against.UNTIERED: N_(
        "{event}: places without a price tier: {count}, such as {places}. Save it under another id, or give them a tier by importing the event's catalogue."
    ),
    Against.GONE: N_(
        "{event}: places that are lent, sold or blocked and would be gone: {count}, such as {places}."
    ),
    Against.MOVED: N_(
        "{event}: places that are lent, sold or blocked and whose numbers would stand for others: {count}, such as {places}."
    ),
    Against.NOT_VALID: N_("{event} would no longer be right: {words}"),
}


def plan_fault_sentence(fault: PlanFault | None, language: str) -> str:
    """Why nothing was done; '' when something was."""
    return translations(language).gettext(FAULTS[fault]) if fault else ""


def source_words(source: PlanSource, language: str) -> str:
    """Where a version came from."""
    return translations(language).gettext(_SOURCES[source])


def reason_sentence(reason: Reason, language: str) -> str:
    """Why a plan is not saved."""
    named = places_words(reason.plan, reason.units, language) if reason.plan else ""
    return (
        translations(language)
        .gettext(REASONS[reason.against])
        .format(
            event=reason.event_name.in_language(language) if reason.event_name else "",
            count=format_count(reason.count, language),
            places=named,
            words=rule_sentence(reason.problem, language) if reason.problem else "",
        )
    )


def places_words(plan: SeatingPlan, units: Iterable[int], language: str) -> str:
    """The places by name, one behind the other."""
    separator = "、" if language.startswith("zh") else ", "
    return separator.join(plan.describe(unit, language) for unit in units)


def place_words(plan: SeatingPlan, unit: int, language: str) -> str:
    """One place by name; a standing one with its number, since its area alone is many."""
    said = plan.describe(unit, language)
    is_standing = plan.has_unit(unit) and plan.seat_by_unit(unit) is None
    return f"{said} #{unit}" if is_standing else said

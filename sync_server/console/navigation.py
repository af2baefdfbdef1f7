"""Where the console leads: one line a section, in the order of the bar."""

from __future__ import annotations

from dataclasses import dataclass

from program.i18n import translations
from sync_server.console.performance_paths import (
    CATALOGUE_PATH,
    EVENTS_PATH,
    NEW_EVENT_PATH,
    PERFORMANCES_PATH,
)
from sync_server.services.permissions import Permission, PersonRole, person_may


def N_(text: str) -> str:  # noqa: N802 - gettext's usual name for "translate later"
    """Mark a text for translation where it is not yet known into which language."""
    return text


ACCOUNT_PATH = "/console/me"


@dataclass(frozen=True, slots=True)
class Section:
    """A page of the bar: whoever has its permission sees it. Its own pages begin with its path,
    or with `below` where they lie elsewhere.
    """

    path: str
    label: str
    icon: str
    permission: Permission
    below: tuple[str, ...] = ()


SECTIONS = (
    Section("/console/", N_("Overview"), "circle-check", Permission.CONSOLE_VIEW),
    Section("/console/accounts", N_("Reconciliation"), "landmark", Permission.BOOKS_READ),
    Section("/console/reports", N_("Reports"), "receipt-text", Permission.BOOKS_READ),
    Section("/console/cases", N_("Cases"), "triangle-alert", Permission.BOOKS_READ),
    Section(
        EVENTS_PATH,
        N_("Events"),
        "calendar-days",
        Permission.PERFORMANCES_READ,
        (EVENTS_PATH, PERFORMANCES_PATH, NEW_EVENT_PATH, CATALOGUE_PATH),
    ),
    Section("/console/plans", N_("Plans"), "maximize", Permission.CONSOLE_VIEW),
    Section("/console/nodes", N_("Windows and gates"), "door-open", Permission.CONSOLE_VIEW),
    Section("/console/agencies", N_("Agencies"), "wallet", Permission.BOOKS_READ),
    Section("/console/agency", N_("My agency"), "ticket", Permission.AGENCY_OWN),
    Section("/console/people", N_("People"), "users", Permission.PEOPLE_MANAGE),
)


@dataclass(frozen=True, slots=True)
class Link:
    """One entry of the bar, ready to show."""

    path: str
    label: str
    icon: str
    is_here: bool


def links_for(role: PersonRole, path: str, language: str) -> tuple[Link, ...]:
    """The bar as this person sees it on the page of this path."""
    gettext = translations(language).gettext
    allowed = [each for each in SECTIONS if person_may(role, each.permission)]
    return tuple(
        Link(each.path, gettext(each.label), each.icon, _is_here(each, path)) for each in allowed
    )


def home_of(role: PersonRole) -> str:
    """Where somebody of this role begins: the first section that they see."""
    found = (each.path for each in SECTIONS if person_may(role, each.permission))
    return next(found, ACCOUNT_PATH)


def _is_here(section: Section, path: str) -> bool:
    if section.path == "/console/":
        return path == section.path
    below = section.below or (section.path,)
    return path in below or path.startswith(tuple(f"{each}/" for each in below))

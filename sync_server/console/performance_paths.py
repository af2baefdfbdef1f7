"""Where the pages of events and performances are."""

from __future__ import annotations

EVENTS_PATH = "/console/events"
NEW_EVENT_PATH = "/console/new-event"
CATALOGUE_PATH = "/console/catalogue"
PERFORMANCES_PATH = "/console/performances"


def event_page(event_id: str) -> str:
    """Where an event's tiers, prices and rules are."""
    return f"{EVENTS_PATH}/{event_id}"


def performance_page(number: int) -> str:
    """Where a performance's page is."""
    return f"{PERFORMANCES_PATH}/{number}"


def lent_page(event_id: str) -> str:
    """Where it is said what windows of an event hold."""
    return f"{EVENTS_PATH}/{event_id}/lent"


def give_up_page(event_id: str, allotment_id: str) -> str:
    """Where two people give an allotment up."""
    return f"{lent_page(event_id)}/one?id={allotment_id}"


def lending_page(event_id: str) -> str:
    """Where it is said how much windows of an event are lent."""
    return f"{EVENTS_PATH}/{event_id}/lending"

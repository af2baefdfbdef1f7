"""Where the pages of events and performances are."""

from __future__ import annotations

EVENTS_PATH = "/console/events"
PERFORMANCES_PATH = "/console/performances"


def performance_page(number: int) -> str:
    """Where a performance's page is."""
    return f"{PERFORMANCES_PATH}/{number}"

"""Where an event's pages are."""

from __future__ import annotations

from urllib.parse import urlencode

from sync_server.console.performance_paths import EVENTS_PATH, event_page

EVENT_PATH = f"{EVENTS_PATH}/{{event}}"


def prices_page(event_id: str, **asked: object) -> str:
    """The form of its price list; of a performance, of a tier."""
    return _with(f"{event_page(event_id)}/prices", asked)


def places_page(event_id: str) -> str:
    """Which places are in which of its price tiers."""
    return f"{event_page(event_id)}/places"


def part_page(event_id: str, part: str, **asked: object) -> str:
    """The form of one of its parts; without an id, of a new one."""
    return _with(f"{event_page(event_id)}/parts/{part}", asked)


def _with(path: str, asked: dict[str, object]) -> str:
    given = {name: value for name, value in asked.items() if value}
    return f"{path}?{urlencode(given)}" if given else path

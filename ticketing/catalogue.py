"""A venue's catalogue: the document people write, and the documents that nodes are sent.

`parse_catalogue` reads the first. `event_documents` turns what it read into one self-contained
document per event, with every time an instant in UTC; `parse_event_document` reads those. The keys
are described in docs/catalogue-format.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ticketing.document_reader import CatalogueError, Node, Problems, unique
from ticketing.event import (
    Event,
    Performance,
    Price,
    PriceTier,
    TicketType,
    TierSpan,
    Venue,
)
from ticketing.event_document import event_members, read_event
from ticketing.faults import N_, Fault, Problem
from ticketing.performance_document import Form, Setting
from ticketing.seating import SeatingPlan
from ticketing.seating_document import plan_document, read_plan
from ticketing.venue_document import read_venue, venue_members

CATALOGUE_FORMAT = "boxgate-catalogue-1"
EVENT_FORMAT = "boxgate-event-1"
VENUE_FORMAT = "boxgate-venue-1"
PLANS_MAX = 100
EVENTS_MAX = 500

__all__ = [
    "CATALOGUE_FORMAT",
    "EVENT_FORMAT",
    "VENUE_FORMAT",
    "Catalogue",
    "CatalogueError",
    "Event",
    "Performance",
    "Price",
    "PriceTier",
    "Problem",
    "TicketType",
    "TierSpan",
    "Venue",
    "event_document",
    "event_documents",
    "parse_catalogue",
    "parse_event_document",
    "parse_venue_document",
    "venue_document",
]

# Stored documents hold instants only, so nothing in them is read against a clock.
_NO_CLOCK = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """A venue with its seating plans and events, checked against each other."""

    venue: Venue
    plans: tuple[SeatingPlan, ...]
    events: tuple[Event, ...]

    def plan(self, plan_id: str) -> SeatingPlan | None:
        """Return the plan with this id, if there is one."""
        return next((plan for plan in self.plans if plan.id == plan_id), None)

    def event(self, event_id: str) -> Event | None:
        """Return the event with this id, if there is one."""
        return next((event for event in self.events if event.id == event_id), None)


def parse_catalogue(document: object, *, source: str, now: datetime) -> Catalogue:
    """Read a decoded catalogue document; `source` is its file's name, for messages.

    `now` (aware) is what relative times such as "D+1T19:30" count from. Total: any JSON value
    gives a Catalogue or raises CatalogueError, which names up to 20 problems.
    """
    problems = Problems(source)
    members = _open(document, problems, CATALOGUE_FORMAT, ("venue", "plans", "events"))
    venue = read_venue(members["venue"])
    plan_nodes = members["plans"].items(1, PLANS_MAX, N_("plans")) if venue else []
    plans = _read_plans(plan_nodes, venue) if venue else {}
    events: tuple[Event, ...] = ()
    if venue:
        events = _read_events(members["events"], members["venue"], venue, plans, now)
    problems.raise_if_any()
    if venue is None:  # pragma: no cover - read_venue gives None only with a problem
        raise AssertionError("a venue was refused without a reason")
    return Catalogue(venue, tuple(plan for plan in plans.values() if plan), events)


def event_documents(catalogue: Catalogue) -> list[tuple[str, dict[str, Any]]]:
    """Return (event id, document) for each event, in order; what `parse_event_document` reads."""
    plans = {plan.id: plan for plan in catalogue.plans}
    return [
        (event.id, event_document(catalogue.venue, plans[event.plan_id], event))
        for event in catalogue.events
    ]


def event_document(venue: Venue, plan: SeatingPlan, event: Event) -> dict[str, Any]:
    """Return the self-contained document of one event, with absolute instants."""
    return {
        "format": EVENT_FORMAT,
        "venue": venue_members(venue),
        "plan": plan_document(plan),
        "event": event_members(event),
    }


def parse_event_document(
    document: object, *, source: str = "event document"
) -> tuple[Venue, SeatingPlan, Event]:
    """Read a stored event document. Total, as `parse_catalogue` is; raises CatalogueError."""
    problems = Problems(source)
    members = _open(document, problems, EVENT_FORMAT, ("venue", "plan", "event"))
    venue = read_venue(members["venue"])
    plan = read_plan(members["plan"], venue.languages) if venue else None
    event = None
    if venue and plan:
        setting = Setting(venue, {plan.id: plan}, Form.STORED, _NO_CLOCK)
        event = read_event(members["event"], setting)
        if event and event.id == venue.id:
            members["event"].refuse(Fault.VENUES_OWN_ID, id=venue.id)
    problems.raise_if_any()
    if venue is None or plan is None or event is None:  # pragma: no cover - as above
        raise AssertionError("a document was refused without a reason")
    return venue, plan, event


def venue_document(venue: Venue) -> dict[str, Any]:
    """Return the document of the venue alone; what `parse_venue_document` reads."""
    return {"format": VENUE_FORMAT, "venue": venue_members(venue)}


def parse_venue_document(document: object, *, source: str = "venue document") -> Venue:
    """Read a stored venue document. Total; raises CatalogueError."""
    problems = Problems(source)
    venue = read_venue(_open(document, problems, VENUE_FORMAT, ("venue",))["venue"])
    problems.raise_if_any()
    if venue is None:  # pragma: no cover - as above
        raise AssertionError("a venue was refused without a reason")
    return venue


def _open(
    document: object, problems: Problems, form: str, keys: tuple[str, ...]
) -> dict[str, Node]:
    members = Node(document, problems).members(("format", *keys))
    members["format"].one_of([form], N_("the format that this program reads"))
    return members


def _read_plans(nodes: list[Node], venue: Venue) -> dict[str, SeatingPlan | None]:
    """Read the plans by id; a faulty one is None, so that events may still name it."""
    seen: dict[Any, Node] = {}
    plans: dict[str, SeatingPlan | None] = {}
    for node in nodes:
        plan = read_plan(node, venue.languages)
        plan_id = node.value.get("id") if isinstance(node.value, dict) else None
        if isinstance(plan_id, str):
            unique(seen, plan_id, node, N_("plan"))
            plans.setdefault(plan_id, plan)
    return plans


def _read_events(
    node: Node,
    venue_node: Node,
    venue: Venue,
    plans: dict[str, SeatingPlan | None],
    now: datetime,
) -> tuple[Event, ...]:
    """Read the events. Venue and event ids share one namespace: each of them names a stream."""
    streams: dict[Any, Node] = {venue.id: venue_node}
    numbers: dict[Any, Node] = {}
    setting = Setting(venue, plans, Form.WRITTEN, now)
    events = []
    for inner in node.items(1, EVENTS_MAX, N_("events")):
        event = read_event(inner, setting)
        if event is None:
            continue
        unique(streams, event.id, inner, N_("the id"))
        for performance in event.performances:
            unique(numbers, performance.number, inner, N_("performance number"))
        events.append(event)
    return tuple(events)

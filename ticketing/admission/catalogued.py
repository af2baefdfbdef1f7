"""What an event's catalogue says of one ticket: its rule, when and at which gate it is let in."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from ticketing.admission.facts import LaneFacts, Window
from ticketing.admission.rules import EntryRule
from ticketing.code import TicketFacts
from ticketing.event import Event
from ticketing.seating import SeatingPlan
from ticketing.text import Text
from ticketing.ticket import Ticket


def rule_of(event: Event, ticket: TicketFacts, row: Ticket | None) -> EntryRule:
    """The rule of a ticket. Who the buyer is stands in the code; the performance is the row's."""
    kind = event.ticket_type_numbered(ticket.ticket_type)
    performance = row.performance if row else ticket.performance
    return event.entry_rules.rule(kind.id if kind else "", performance)


def with_catalogue(
    facts: LaneFacts, ticket: TicketFacts, plan: SeatingPlan, event: Event
) -> LaneFacts:
    """The facts, and what the catalogue adds to them."""
    row = facts.row
    performance = event.performance(row.performance if row else ticket.performance)
    return replace(
        facts,
        rule=rule_of(event, ticket, row),
        calendar=event.entry_rules.calendar,
        window=Window(performance.valid_from, performance.valid_to) if performance else None,
        is_cancelled=performance is not None and performance.is_cancelled,
        home_gate=_gate_of(plan, row.unit if row else ticket.unit),
    )


def let_in_at(event: Event, at: datetime) -> frozenset[int]:
    """The performances of which anybody at all is let in at `at`."""
    found = set()
    for performance in event.performances:
        if performance.is_cancelled:
            continue
        early, late = event.entry_rules.widest(performance.number)
        if performance.valid_from - early <= at < performance.valid_to + late:
            found.add(performance.number)
    return frozenset(found)


def _gate_of(plan: SeatingPlan, unit: int) -> Text | None:
    return plan.area_of(unit).gate if plan.has_unit(unit) else None

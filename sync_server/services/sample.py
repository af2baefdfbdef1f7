"""The sample houses to try everything with, their people, and a second window.

"Window 2" is enrolled with a key that is thrown away: it never starts, so the seats lent to it
stay out of everybody's reach, as those of a till that is cut off would.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources

from resources.samples.make_stadium import stadium
from sync_server.heart.lending import Acquire, Grant, Lend
from sync_server.heart.source import Source, run_in
from sync_server.services.catalogue import PlanShelf, load_plan
from sync_server.services.enrolment import Applicant, Enrolled, add_node
from sync_server.services.house import House
from sync_server.services.people import Person, new_person_id
from sync_server.services.permissions import NodeRole, PersonRole
from sync_server.store.writer import Transaction
from ticketing.keys import KEY_BYTES, public_of
from ticketing.seating import SeatingPlan

SECOND_WINDOW = "Window 2"
_LENT_AREA, _LENT_ROWS, _LENT_PLACES = "balcony-1-right", 2, 20


class Sample(StrEnum):
    """The sample houses that there are."""

    THEATRE = "theatre"
    PARK = "park"  # visited by time slots
    STADIUM = "stadium"  # 50,000 seats


@dataclass(frozen=True, slots=True)
class LentElsewhere:
    """What the second window holds."""

    node_id: str
    name: str
    event_id: str
    performance: int
    units: tuple[int, ...]


def sample_document(sample: Sample) -> object:
    """The sample's catalogue document; the largest is made when it is asked for."""
    if sample is Sample.STADIUM:
        return stadium()
    file = resources.files("resources") / "samples" / f"{sample}.json"
    return json.loads(file.read_text(encoding="utf-8"))


def sample_people() -> list[Person]:
    """Its staff beside the manager."""
    return [
        Person(new_person_id(), "li.na", "李娜 Li Na", PersonRole.CASHIER),
        Person(new_person_id(), "wang.qiang", "王强 Wang Qiang", PersonRole.CASHIER),
    ]


def lend_to_second_window(tx: Transaction, house: House, server_private: bytes) -> LentElsewhere:
    """Enrol the second window and lend it some seats of the first performance."""
    node = add_node(
        tx,
        house.venue_id,
        server_private,
        NodeRole.TILL,
        SECOND_WINDOW,
        Applicant(public_of(secrets.token_bytes(KEY_BYTES)), "sample", ""),
    )
    if not isinstance(node, Enrolled):
        raise TypeError(f"the sample's second window was refused: {node}")
    event_id, number = _first_performance(tx)
    plan = load_plan(tx, event_id)
    if plan is None:
        raise LookupError("the sample has no plan")
    units = lent_units(plan[1])
    wish = Acquire(secrets.token_hex(16), number, units)
    source = Source(node.node_id, NodeRole.TILL, 1, event_id)
    grant = run_in(tx, Lend(source, wish), PlanShelf())
    if not isinstance(grant, Grant):
        raise TypeError(f"the sample's second window got no seats: {grant}")
    return LentElsewhere(node.node_id, node.name, event_id, number, units)


def lent_units(plan: SeatingPlan) -> tuple[int, ...]:
    """What the second window has: two rows, or so many places of an area without rows."""
    area = plan.area(_LENT_AREA) or plan.areas[-1]
    seats = tuple(seat.unit for row in area.rows[:_LENT_ROWS] for seat in row.seats)
    return seats or tuple(area.units[:_LENT_PLACES])


def _first_performance(tx: Transaction) -> tuple[str, int]:
    row = tx.row("SELECT event_id, perf_id FROM performance ORDER BY starts_ms, perf_id LIMIT 1")
    if row is None:
        raise LookupError("the sample has no performance")
    return str(row[0]), int(row[1])

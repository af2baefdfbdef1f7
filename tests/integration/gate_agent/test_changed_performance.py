"""A gate hears that a performance was moved, or that it is cancelled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.fakes.hall import EVENT_ID, FIRST, ROW, event_row
from tests.fakes.till import NOW
from tests.integration.gate_agent.lane_stage import LANE, Stage
from ticketing.admission import CAN_BE_SET_ASIDE, Reason, Step
from ticketing.catalogue import event_document, parse_event_document
from ticketing.event import Performance

TICKET = "00000000000000f0"
A_DAY = timedelta(days=1)


def tell(gate: Stage, change: Callable[[Performance], Performance]) -> None:
    """The feed brings the event's document with its first performance changed."""
    venue, plan, event = parse_event_document(event_row()[1])
    performances = tuple(
        change(each) if each.number == FIRST else each for each in event.performances
    )
    document = event_document(venue, plan, replace(event, performances=performances))
    gate.feed.tell(EVENT_ID, ("doc", {"kind": "event", "id": EVENT_ID, "body": document}))


def a_day_later(performance: Performance) -> Performance:
    return replace(
        performance,
        doors_at=performance.doors_at + A_DAY,
        starts_at=performance.starts_at + A_DAY,
        ends_at=performance.ends_at + A_DAY,
    )


def test_a_ticket_printed_before_the_move_is_let_in_at_the_new_time(gate: Stage) -> None:
    gate.doorman = gate.doorman_at(LANE, FIRST)
    gate.feed.ticket(TICKET, FIRST, ROW[0])
    code = gate.code(ticket_id=TICKET)
    tell(gate, a_day_later)
    assert gate.refused(code).reason is Reason.TOO_EARLY
    gate.env.set_clock(A_DAY)
    gate.let_in(code)


def test_a_lane_that_serves_what_is_open_turns_with_the_move(gate: Stage) -> None:
    gate.feed.ticket(TICKET, FIRST, ROW[0])
    code = gate.code(ticket_id=TICKET)
    tell(gate, a_day_later)
    refused = gate.refused(code)
    assert refused.reason is Reason.WRONG_PERFORMANCE
    assert refused.miss is not None
    assert refused.miss.at is not None
    assert refused.miss.at > NOW
    gate.env.set_clock(A_DAY)
    gate.let_in(code)


def test_a_sale_of_a_window_that_had_not_heard_is_let_in_at_the_new_time(gate: Stage) -> None:
    """Its code has the old time, and its row is not here yet: nobody can know which is newer."""
    gate.lend()
    code = gate.code()
    tell(gate, a_day_later)
    gate.env.set_clock(A_DAY)
    assert gate.let_in(code).unconfirmed


def cancelled(performance: Performance) -> Performance:
    return replace(performance, is_cancelled=True, on_sale=False)


@pytest.mark.parametrize("chosen", [(), (FIRST,)], ids=["what is open", "this performance"])
@pytest.mark.parametrize("known", [True, False], ids=["with its row", "without a row"])
def test_a_ticket_of_a_cancelled_performance_is_refused_as_that(
    gate: Stage, chosen: tuple[int, ...], known: bool
) -> None:
    gate.doorman = gate.doorman_at(LANE, *chosen)
    gate.lend()
    if known:
        gate.feed.ticket(TICKET, FIRST, ROW[0])
    code = gate.code(ticket_id=TICKET)
    tell(gate, cancelled)
    refused = gate.refused(code)
    assert (refused.reason, refused.step) == (Reason.CANCELLED, Step.BOX_OFFICE)


def test_nobody_is_let_in_by_hand_to_a_cancelled_performance() -> None:
    assert Reason.CANCELLED not in CAN_BE_SET_ASIDE


def test_a_cancelled_performance_opens_no_doors(gate: Stage) -> None:
    knowledge = gate.doorman.knowledge
    assert FIRST in knowledge.let_in_now(frozenset(), NOW)
    tell(gate, cancelled)
    assert FIRST not in knowledge.let_in_now(frozenset(), NOW)

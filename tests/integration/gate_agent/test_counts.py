"""How many went in: our own entries and those of other gates, each once."""

from __future__ import annotations

from gate_agent.counts import Counts
from gate_agent.passages import Passages
from tests.fakes.hall import FIRST, ROW
from tests.integration.gate_agent.lane_stage import GATE, LANE, OTHER_GATE, Stage, yes

OF_EACH = len(ROW) // 3


def test_what_comes_back_by_the_feed_is_counted_once_and_as_we_know_it(gate: Stage) -> None:
    gate.lend()
    gate.arbiter.says = yes
    now_ms, passages = gate.env.wall_ms(), Passages(gate.doorman)
    for number, unit in enumerate(ROW):
        ticket = f"{number:016x}"
        gate.feed.ticket(ticket, FIRST, unit)
        if number % 3 == 0:  # in by another gate
            gate.feed.entry(f"{0x11 * number:032x}", ticket, OTHER_GATE, "Lane 9", now_ms)
            continue
        let_in = gate.let_in(gate.code(unit=unit, ticket_id=ticket))
        if number % 3 == 1:  # turned back at our barrier, and the server has not heard of it
            passages.returned(let_in, now_ms)
        gate.feed.entry(let_in.op_id, ticket, GATE, LANE, now_ms)
    numbers = Counts(gate.replica, gate.catalogue, gate.env.wall_ms, "en").count()
    assert numbers.total_count == len(ROW)
    assert numbers.entered_count == numbers.inside_count == 2 * OF_EACH
    assert sum(numbers.inside_by_area.values()) == 2 * OF_EACH

"""All that staff at a gate may see and do from a page."""

from __future__ import annotations

from dataclasses import dataclass

from gate_agent.case_desk import CaseDesk
from gate_agent.hand_desk import HandDesk
from gate_agent.lane_desk import LaneDesk


@dataclass(frozen=True, slots=True)
class Desks:
    """Tickets, lanes, and the cases of this gate."""

    tickets: HandDesk
    lanes: LaneDesk
    cases: CaseDesk

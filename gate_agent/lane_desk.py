"""What staff with a handheld may do about a gate's lanes: open one for a while, and shut it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from edge.pins import Account
from gate_agent.lane import OPEN_S_MAX, LaneRunner
from program.logs import get_logger
from ticketing.admission.by_hand import DECIDING_ROLES
from ticketing.operations import clean_note

OPEN_MINUTES = (5, 15, 30, 60, 120, 240)
"""What is offered; the longest is as long as anybody may."""
assert max(OPEN_MINUTES) * 60 == OPEN_S_MAX
_log = get_logger(__name__)


class NotOpened(StrEnum):
    """Why a lane does not stand open, or no longer."""

    NOT_ALLOWED = "not_allowed"  # a supervisor or a manager does
    NO_NOTE = "no_note"
    NO_TIME = "no_time"  # none of those that are offered
    NOT_CONFIRMED = "not_confirmed"  # the barrier's board did not answer; it is told again
    UNKNOWN_LANE = "unknown_lane"


@dataclass(slots=True)
class LaneDesk:
    """All lanes of one gate, ways out too. Used by any thread."""

    runners: Sequence[LaneRunner]

    @property
    def lanes(self) -> tuple[str, ...]:
        """The lanes' names."""
        return tuple(runner.name for runner in self.runners)

    def now(self, lane: str, status: Mapping[str, object]) -> dict[str, object]:
        """A lane's status for screens, with its state as it is at this very moment."""
        runner, known = self._runner(lane), dict(status)
        if runner is None:
            return known
        left_s = runner.barrier.open_left_s
        if runner.barrier.burns:
            known["state"] = "fire"
        elif left_s is not None:
            known["state"] = "open"
            known["open_until_ms"] = runner.corrected_ms() + round(left_s * 1000)
        elif known.get("state") in ("fire", "open"):
            known["state"] = "ready"
        return known

    def open(self, lane: str, by: Account, note: str, minutes: int) -> NotOpened | None:
        """Let everybody pass for so long, on the word of `by`, who was asked for their PIN.

        None: done. It is recorded who opened it, why, and how many passed.
        """
        runner, said = self._runner(lane), clean_note(note)
        if by.role not in DECIDING_ROLES:
            return NotOpened.NOT_ALLOWED
        if not said:
            return NotOpened.NO_NOTE
        if minutes not in OPEN_MINUTES:
            return NotOpened.NO_TIME
        if runner is None:
            return NotOpened.UNKNOWN_LANE
        _log.warning("gate_opened_by_hand", lane=lane, by=by.id, minutes=minutes)
        return None if runner.open_gate(by.id, said, minutes * 60) else NotOpened.NOT_CONFIRMED

    def shut(self, lane: str, by: Account) -> NotOpened | None:
        """End that. Everybody who may sign in may."""
        runner = self._runner(lane)
        if runner is None:
            return NotOpened.UNKNOWN_LANE
        _log.warning("gate_shut_by_hand", lane=lane, by=by.id)
        return None if runner.shut_gate() else NotOpened.NOT_CONFIRMED

    def _runner(self, lane: str) -> LaneRunner | None:
        return next((runner for runner in self.runners if runner.name == lane), None)

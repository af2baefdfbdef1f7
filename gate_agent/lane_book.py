"""Writes down what happened at one lane's barrier, and says it; what cannot be written yet waits."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from edge.errors import ReplicaError
from edge.journal import JournalLocked, Unit
from gate_agent.admit import LetIn
from gate_agent.barrier_state import CameBack, PeriodBegan, PeriodEnded, Uncertain, Went
from gate_agent.counts import walked_before
from gate_agent.openings import write_opened, write_shut, write_walked
from gate_agent.passages import Passages
from program.logs import get_logger
from ticketing.ids import OpId
from ticketing.operations import GateCause, GateOpened, Walked

WALKED_EVERY_S = 10.0
"""People without a grant are counted up for so long and written down together."""
UNWRITTEN_MAX = 1_000
"""What a full disk did not take waits for it; beyond that the oldest is given up, and logged."""
_AGAIN_S = 1.0
TAILGATE = "tailgate"
"""The event of a line that says: somebody passed without a grant."""
_log = get_logger(__name__)


@dataclass(slots=True)
class Crowd:
    """People without a grant since the last note of them."""

    count: int
    from_ms: int
    to_ms: int


@dataclass(slots=True)
class Tally:
    """What happened since the program was started. Read from any thread."""

    passed_count: int = 0
    returned_count: int = 0
    tailgates_count: int = 0
    last_tailgate_ms: int = 0
    walked: dict[GateCause, int] = field(default_factory=dict)


@dataclass(slots=True)
class LaneBook:
    """`gate_agent.barrier.Book` of one lane."""

    passages: Passages
    leads_out: bool
    say: Callable[[dict[str, object]], None]
    corrected_ms: Callable[[], int]
    nudge: Callable[[], None]
    tally: Tally = field(default_factory=Tally)
    opened_by: tuple[str, str] = ("", "")
    """Who opens the gate by hand, and why: set before it is opened."""
    _granted: dict[str, LetIn] = field(default_factory=dict)
    _guard: threading.Lock = field(default_factory=threading.Lock)
    _crowds: dict[GateCause, Crowd] = field(default_factory=dict)
    _unwritten: deque[Callable[[], None]] = field(default_factory=deque)
    _walked_s: float = 0.0
    _tried_s: float = float("-inf")

    @property
    def lane(self) -> str:
        """The lane's name."""
        return self.passages.doorman.lane.name

    @property
    def unwritten_count(self) -> int:
        """How much waits for a disk that takes it."""
        return len(self._unwritten)

    def expect(self, let_in: LetIn) -> None:
        """Somebody is about to be let through; told how it ended by `ended`."""
        with self._guard:
            self._granted[let_in.op_id] = let_in

    def still_granted(self, text: str) -> LetIn | None:
        """Who was granted by this code and has not come to an end."""
        with self._guard:
            return next((one for one in self._granted.values() if one.code.text == text), None)

    def again(self, granted: LetIn) -> LetIn:
        """The same ticket is held up once more before anybody passed: the same entry."""
        return replace(granted, again=True)

    def forget(self, key: str) -> None:
        """The barrier did not open for this grant."""
        with self._guard:
            self._granted.pop(key, None)

    def begin(self) -> None:
        """The program starts with its barrier shut: periods that an earlier run began are over."""
        doorman = self.passages.doorman
        try:
            self.tally.walked = walked_before(doorman.replica, self.lane, doorman.env.wall_ms())
        except ReplicaError as error:  # they are counted from now on, then
            _log.error("walked_not_read", error=str(error))
        for cause in (GateCause.FIRE, GateCause.HAND):
            self._write(lambda cause=cause: self._shut(cause))  # type: ignore[misc]

    # --- as `Book`, on the barrier's thread

    def ended(self, effect: Went | CameBack | Uncertain) -> None:
        """How a grant ended. What nobody saw stays granted, and counts."""
        with self._guard:
            let_in = self._granted.pop(effect.key, None)
        if let_in is None:  # somebody on the way out
            return
        now_ms = self.corrected_ms()
        match effect:
            case Went():
                self.tally.passed_count += 1
                self._write(lambda: self.passages.passed(let_in, now_ms))
                self._tell("passed", now_ms, let_in)
            case CameBack():
                self.tally.returned_count += 1
                self._write(lambda: self.passages.returned(let_in, now_ms))
                self._tell("returned", now_ms, let_in)
            case Uncertain():
                pass

    def walked(self, cause: GateCause) -> None:
        """Somebody passed without a grant."""
        now_ms = self.corrected_ms()
        self.tally.walked[cause] = self.tally.walked.get(cause, 0) + 1
        crowd = self._crowds.setdefault(cause, Crowd(0, now_ms, now_ms))
        crowd.count += 1
        crowd.from_ms, crowd.to_ms = min(crowd.from_ms, now_ms), max(crowd.to_ms, now_ms)
        if cause is GateCause.TAILGATE:
            self.tally.tailgates_count += 1
            self.tally.last_tailgate_ms = now_ms
            _log.warning("tailgate", lane=self.lane)
            self._tell(TAILGATE, now_ms)

    def period(self, effect: PeriodBegan | PeriodEnded) -> None:
        """The gate stands open from now on, or no longer."""
        now_ms, cause = self.corrected_ms(), effect.cause
        if isinstance(effect, PeriodBegan):
            by, note = self.opened_by if cause is GateCause.HAND else ("", "")
            opened = GateOpened(self.lane, cause, by, note, now_ms)
            self._write(lambda: self._opened(opened))
            _log.warning("gate_stands_open", lane=self.lane, cause=cause.value)
            self._tell("gate_opened", now_ms, cause=cause)
        else:
            self._write_crowds()
            self._write(lambda: self._shut(cause, now_ms))
            _log.warning("gate_shut_again", lane=self.lane, cause=cause.value)
            self._tell("gate_shut", now_ms, cause=cause)

    def tick(self) -> None:
        """Write what has gathered, and what could not be written before."""
        now_s = self.passages.doorman.env.monotonic_s()
        if now_s - self._walked_s >= WALKED_EVERY_S:
            self._walked_s = now_s
            self._write_crowds()
        if now_s - self._tried_s >= _AGAIN_S:
            self._tried_s = now_s
            self.passages.doorman.write_down()
            self._write_waiting()

    def close(self) -> None:
        """The program stops: write what has gathered."""
        self.passages.doorman.write_down()
        self._write_crowds()
        self._write_waiting()

    # --- writing

    def _write(self, work: Callable[[], None]) -> None:
        """In order: behind whatever waits already."""
        self._unwritten.append(work)
        if len(self._unwritten) > UNWRITTEN_MAX:
            self._unwritten.popleft()
            _log.error("passage_given_up", lane=self.lane)
        self._write_waiting()

    def _write_waiting(self) -> None:
        while self._unwritten:
            try:
                self._unwritten[0]()
            except (ReplicaError, JournalLocked) as error:
                if len(self._unwritten) == 1:
                    _log.error("passage_not_recorded", lane=self.lane, error=str(error))
                return
            self._unwritten.popleft()
            self.nudge()

    def _write_crowds(self) -> None:
        crowds, self._crowds = self._crowds, {}
        for cause, crowd in crowds.items():
            walked = Walked(
                self.lane, cause, crowd.count, self.leads_out, crowd.from_ms, crowd.to_ms
            )
            self._write(lambda walked=walked: self._walked(walked))  # type: ignore[misc]

    def _opened(self, opened: GateOpened) -> None:
        self._transact(lambda unit, op_id, wall_ms: write_opened(unit, op_id, opened, wall_ms))

    def _shut(self, cause: GateCause, at_ms: int | None = None) -> None:
        at = self.corrected_ms() if at_ms is None else at_ms
        self._transact(
            lambda unit, op_id, wall_ms: write_shut(unit, op_id, cause, self.lane, at, wall_ms)
        )

    def _walked(self, walked: Walked) -> None:
        self._transact(lambda unit, op_id, wall_ms: write_walked(unit, op_id, walked, wall_ms))

    def _transact(self, work: Callable[[Unit, OpId, int], object]) -> None:
        doorman = self.passages.doorman
        op_id, wall_ms = OpId(doorman.env.random_bytes(16).hex()), doorman.env.wall_ms()
        doorman.replica.transact(lambda unit: work(unit, op_id, wall_ms))

    # --- saying

    def _tell(
        self, event: str, at_ms: int, let_in: LetIn | None = None, cause: GateCause | None = None
    ) -> None:
        at = datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")
        line: dict[str, object] = {"at": at, "lane": self.lane, "event": event}
        if let_in is not None:
            line |= {"ticket": let_in.code.facts.ticket_id, "op": let_in.op_id}
        if cause is not None:
            line["cause"] = cause.value
        with suppress(OSError):  # whoever read our lines is gone: people are still here
            self.say(line)

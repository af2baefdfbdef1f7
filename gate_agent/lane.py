"""One lane: what its readers see, decided one at a time; recorded, then the barrier, then said."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from edge.errors import ReplicaError
from gate_agent.admit import Doorman, LetIn, TurnedAway
from gate_agent.by_hand import let_in_by_hand
from gate_agent.debounce import Debounce
from gate_agent.lane_book import LaneBook
from gate_agent.lane_lines import LaneLines
from gate_agent.passages import WentOut
from gate_agent.proofs import HeldChip
from program.logs import get_logger
from ticketing.admission import ByHand, NotByHand, Reason, Refuse

UNDO_S = 120.0
"""An entry can be taken back by hand for so long."""
_UNDO_MAX = 50
OPEN_S_MAX = 4 * 3600.0
"""Nobody opens a gate by hand for longer than an evening's queue."""
_log = get_logger(__name__)


class Opens(Protocol):
    """The barrier as the lane sees it (`gate_agent.barrier.BarrierPart`)."""

    @property
    def burns(self) -> bool:
        """Whether the fire contact says so."""
        ...

    @property
    def open_left_s(self) -> float | None:
        """How long it still stands open by somebody's hand; None when it does not."""
        ...

    def open(self, key: str) -> bool:
        """Let one person pass; True once the board has confirmed."""
        ...

    def open_gate(self, seconds: float) -> bool:
        """Let everybody pass for so long."""
        ...

    def shut_gate(self) -> bool:
        """End that."""
        ...

    def waits_for(self, key: str) -> bool:
        """Whether this grant was not used yet."""
        ...


@dataclass(frozen=True, slots=True)
class Shown:
    """What a reader has seen, and what read it: a text, or a chip that goes by its text here.

    A chip that stands for nothing comes with the reason.
    """

    text: str
    decoder: str
    chip: HeldChip | Refuse | None = None


@dataclass(slots=True)
class LaneTally:
    """Decisions since the program was started. Read from any thread."""

    admitted_count: int = 0
    refused_count: int = 0
    left_count: int = 0
    last: dict[str, object] | None = None


@dataclass(slots=True)
class LaneRunner:
    """Answers what the readers of one lane see, on whichever thread saw it, one at a time."""

    doorman: Doorman
    barrier: Opens
    book: LaneBook
    lines: LaneLines
    corrected_ms: Callable[[], int]
    nudge: Callable[[], None]
    leads_out: bool = False
    debounce: Debounce = field(default_factory=Debounce)
    tally: LaneTally = field(default_factory=LaneTally)
    _busy: threading.Lock = field(default_factory=threading.Lock)
    _undo: deque[tuple[float, LetIn]] = field(default_factory=lambda: deque(maxlen=_UNDO_MAX))

    @property
    def name(self) -> str:
        """What people call this door."""
        return self.doorman.lane.name

    # --- what readers see

    def see(self, texts: Sequence[str], chosen: Shown | None) -> None:
        """Codes in view, and the one among them that is held up, if any.

        While the lane is busy nobody looks: the code is still there in the next frame.
        """
        if not self._busy.acquire(blocking=False):
            return
        try:
            self._see(texts, chosen)
        finally:
            self._busy.release()

    def hear(self, shown: Shown) -> None:
        """A code or chip that its reader tells of once. Waits until the lane has time for it."""
        with self._busy:
            self._see([shown.text], shown)

    def tell_hint(self, hint: str) -> None:
        """Tell the visitor, by a line of its own, why nothing happens."""
        self.lines.hint(hint, self.corrected_ms())

    def _see(self, texts: Sequence[str], chosen: Shown | None) -> None:
        blocked = self.debounce.see(texts, time.monotonic())
        if chosen is None or chosen.text in blocked or self.barrier.burns:
            return  # while it burns nobody is let in, and everybody can leave
        try:
            self.answer(chosen)
        except Exception:  # noqa: BLE001 - a bug in one scan must not shut the door for all
            _log.exception("scan_crashed")
        finally:  # counted from here: a slow disk or relay takes its time, and nobody looks then
            self.debounce.block([chosen.text, *blocked], time.monotonic())

    def answer(self, shown: Shown) -> None:
        """Decide one code, move the barrier, say what was decided."""
        started_s = time.perf_counter()
        try:
            outcome = self._decide(shown)
        except ReplicaError as error:  # cannot even read: nobody is let in on a guess
            _log.error("scan_failed", error=str(error))
            outcome = TurnedAway(Reason.NOT_RECORDED, None, offline=True)
        self._carry_out(outcome, shown.decoder, started_s)

    def _decide(self, shown: Shown) -> LetIn | WentOut | TurnedAway:
        now_ms, text, chip = self.corrected_ms(), shown.text, shown.chip
        if isinstance(chip, Refuse):
            return TurnedAway(chip.reason, None, offline=True, miss=chip.miss)
        if self.leads_out:
            leave = self.book.passages
            return leave.leave(text, now_ms) if chip is None else leave.leave_by(chip, now_ms)
        granted = self.book.still_granted(text)
        if granted is not None and self.barrier.waits_for(granted.op_id):
            return self.book.again(granted)
        if chip is not None:
            return self.doorman.scan_chip(chip, now_ms)
        return self.doorman.scan(text, now_ms)

    def _carry_out(
        self, outcome: LetIn | WentOut | TurnedAway, decoder: str, started_s: float
    ) -> dict[str, object]:
        barrier = self._open(outcome)
        line = self.lines.decision(outcome, decoder, barrier, self.corrected_ms())
        line["milliseconds"] = round((time.perf_counter() - started_s) * 1000, 1)
        self.nudge()
        self._count(outcome, line)
        self.lines.tell(line)
        return line

    def _open(self, outcome: LetIn | WentOut | TurnedAway) -> str:
        match outcome:
            case TurnedAway():
                return "shut"
            case WentOut():
                key = self.doorman.env.random_bytes(16).hex()
                return "opened" if self.barrier.open(key) else "failed"
            case LetIn():
                return self._open_for(outcome)

    def _open_for(self, let_in: LetIn) -> str:
        self.book.expect(let_in)
        if not self.barrier.open(let_in.op_id):
            self.book.forget(let_in.op_id)
            self.doorman.not_commanded(let_in)
            return "failed"
        try:
            self.doorman.commanded(let_in)
        except ReplicaError as error:  # it did open, and the lane's memory knows
            _log.error("command_not_recorded", error=str(error))
        self._undo.append((self.doorman.env.monotonic_s(), let_in))
        return "opened"

    def _count(self, outcome: LetIn | WentOut | TurnedAway, line: dict[str, object]) -> None:
        match outcome:
            case LetIn():
                self.tally.admitted_count += 1
            case WentOut():
                self.tally.left_count += 1
            case TurnedAway():
                self.tally.refused_count += 1
        self.tally.last = line

    # --- what people at the gate do

    def admit_by_hand(self, text: str, wanted: ByHand) -> dict[str, object] | NotByHand:
        """Let a ticket in as two people want it; the line said, or why it cannot be done so.

        See `gate_agent.by_hand`. Raises ReplicaError when nothing can be read.
        """
        return self.decide_by_hand(lambda lane, now_ms: let_in_by_hand(lane, text, wanted, now_ms))

    def decide_by_hand(
        self, decide: Callable[[Doorman, int], LetIn | TurnedAway | NotByHand]
    ) -> dict[str, object] | NotByHand:
        """Have people decide, between two scans, and carry that out like any decision."""
        with self._busy:
            started_s = time.perf_counter()
            outcome = decide(self.doorman, self.corrected_ms())
            if isinstance(outcome, NotByHand):
                return outcome
            return self._carry_out(outcome, "by_hand", started_s)

    def take_back(self, op_id: str) -> bool:
        """An entry of this lane was a mistake: nobody went in by it. False when that is too late.

        Raises ReplicaError when it cannot be recorded.
        """
        now_s = self.doorman.env.monotonic_s()
        for at_s, let_in in list(self._undo):
            if let_in.op_id == op_id and now_s - at_s <= UNDO_S:
                self.book.passages.returned(let_in, self.corrected_ms())
                self._undo.remove((at_s, let_in))
                self.nudge()
                return True
        return False

    def open_gate(self, by: str, note: str, seconds: float) -> bool:
        """Somebody of the house lets everybody pass for a while. Recorded; False: it did not open."""
        if not 0 < seconds <= OPEN_S_MAX:
            raise ValueError(f"a gate is opened for up to {OPEN_S_MAX} s, not {seconds}")
        self.book.opened_by = (by, note)
        return self.barrier.open_gate(seconds)

    def shut_gate(self) -> bool:
        """End that. False when the board did not confirm."""
        return self.barrier.shut_gate()

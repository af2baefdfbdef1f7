"""The lane: newest frame, codes in it, decision, barrier, one line for each decision."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from edge.errors import ReplicaError
from gate_agent.admit import Doorman, LetIn, TurnedAway
from hardware.camera.frame import Frame
from hardware.errors import DeviceError
from hardware.qr.choice import SeveralCodes, choose
from hardware.qr.decoder import Reading
from hardware.qr.eye import Sight
from hardware.qr.hints import HINT_AGAIN_S, Hint, OncePer
from hardware.relay.driver import Relay
from program.logs import get_logger
from ticketing.admission import Reason, miss_to_wire
from ticketing.code import PREFIX, TicketFacts

SAME_CODE_BLOCKED_S = 1.5
"""A code that was answered is not answered again while it stays in view, and so long after."""
_FRAME_WAIT_S = 0.5
_log = get_logger(__name__)


class Frames(Protocol):
    """A camera as the lane sees it."""

    def next_frame(self, timeout_s: float, after: int = -1) -> Frame | None:
        """The newest frame with a number above `after`, or None when none came in time."""


class Looks(Protocol):
    """An eye as the lane sees it: never raises."""

    def look(self, picture: Frame) -> Sight:
        """The codes in a frame, and a hint when one is due."""


@dataclass(slots=True)
class Debounce:
    """Answers each code once while it is held up. Times are monotonic seconds."""

    _seen_s: dict[str, float] = field(default_factory=dict)

    def see(self, texts: Iterable[str], now_s: float) -> frozenset[str]:
        """Of the codes in view, those that were answered lately; they stay blocked."""
        self._seen_s = {t: at for t, at in self._seen_s.items() if now_s - at < SAME_CODE_BLOCKED_S}
        blocked = frozenset(texts) & self._seen_s.keys()
        self.block(blocked, now_s)
        return blocked

    def block(self, texts: Iterable[str], now_s: float) -> None:
        """These codes were answered, or are still in view."""
        self._seen_s.update(dict.fromkeys(texts, now_s))


@dataclass(slots=True)
class LaneRunner:
    """Runs one lane on the caller's thread until it is told to stop."""

    doorman: Doorman
    camera: Frames
    eye: Looks
    relay: Relay
    pulse_ms: int
    language: str
    say: Callable[[dict[str, object]], None]
    corrected_ms: Callable[[], int]
    nudge: Callable[[], None]
    several_codes: SeveralCodes = SeveralCodes.MIDDLE
    debounce: Debounce = field(default_factory=Debounce)
    _several: OncePer = field(default_factory=lambda: OncePer(HINT_AGAIN_S))

    def run(self, stop: threading.Event) -> None:
        """Until `stop`. No code, frame or device ends the loop."""
        number = -1
        while not stop.is_set():
            frame = self.camera.next_frame(_FRAME_WAIT_S, after=number)
            if frame is None:
                continue
            number = frame.number
            try:
                self._look(frame)
            except Exception:  # noqa: BLE001 - a bug in one scan must not shut the door for all
                _log.exception("scan_crashed")

    def _look(self, frame: Frame) -> None:
        sight = self.eye.look(frame)
        if sight.hint is not None:
            self._hint(sight.hint)
        readings = sight.found.readings
        if not readings:
            return
        now_s = time.monotonic()
        blocked = self.debounce.see([seen.text for seen in readings], now_s)
        choice = choose(readings, frame.pixels.shape[:2], self.several_codes, _is_ours)
        if choice.several and self._several.is_due(now_s):
            self._hint(Hint.ONE_AT_A_TIME)
        reading = choice.reading
        if reading is None or reading.text in blocked:
            return
        try:
            self.answer(reading)
        finally:  # counted from here: a slow disk or relay takes its time, and nobody looks then
            self.debounce.block([reading.text, *blocked], time.monotonic())

    def _hint(self, hint: Hint) -> None:
        """Tell the visitor, by a line of its own, why nothing happens."""
        self._tell({"at": self._at(), "lane": self.doorman.lane.name, "hint": hint.value})

    def answer(self, reading: Reading) -> None:
        """Decide one code, move the barrier, say what was decided."""
        started_s = time.perf_counter()
        try:
            outcome = self.doorman.scan(reading.text, self.corrected_ms())
        except ReplicaError as error:  # cannot even read: nobody is let in on a guess
            _log.error("scan_failed", error=str(error))
            outcome = TurnedAway(Reason.NOT_RECORDED, None, offline=True)
        barrier = self._open(outcome) if isinstance(outcome, LetIn) else "shut"
        line = self._line(outcome, reading, barrier)
        line["milliseconds"] = round((time.perf_counter() - started_s) * 1000, 1)
        self.nudge()
        self._tell(line)

    def _tell(self, line: dict[str, object]) -> None:
        try:
            self.say(line)
        except OSError as error:  # whoever read our lines is gone: visitors are still here
            _log.error("decision_not_said", error=str(error))

    def _at(self) -> str:
        now = datetime.fromtimestamp(self.corrected_ms() / 1000, UTC)
        return now.isoformat(timespec="milliseconds")

    def _open(self, let_in: LetIn) -> str:
        try:
            self.relay.pulse(self.pulse_ms)
        except DeviceError as error:
            _log.error("barrier_failed", error=str(error))
            return "failed"
        try:
            self.doorman.commanded(let_in)
        except ReplicaError as error:  # it did open; at worst the ticket is offered once more
            _log.error("command_not_recorded", error=str(error))
        return "opened"

    def _line(
        self, outcome: LetIn | TurnedAway, reading: Reading, barrier: str
    ) -> dict[str, object]:
        line: dict[str, object] = {
            "at": self._at(),
            "lane": self.doorman.lane.name,
            "decision": "admit" if isinstance(outcome, LetIn) else "refuse",
            "reason": "" if isinstance(outcome, LetIn) else outcome.reason.value,
            "barrier": barrier,
            "offline": outcome.offline,
            "decoder": reading.decoder,
        }
        if outcome.code is not None:
            facts = outcome.code.facts
            line["ticket"] = facts.ticket_id
            line["performance"] = facts.performance
            line["unit"] = facts.unit
            line["place"] = self._place(facts)
        if isinstance(outcome, LetIn):
            line.update(op=outcome.op_id, unconfirmed=outcome.unconfirmed, again=outcome.again)
            if outcome.notes:
                line["notes"] = sorted(outcome.notes)
            return line
        line["next"] = outcome.step.value
        if outcome.first_entry is not None:
            line["first_entry"] = outcome.first_entry
        if outcome.miss is not None:
            line["miss"] = miss_to_wire(outcome.miss)
        return line

    def _place(self, facts: TicketFacts) -> str:
        try:
            knowledge = self.doorman.knowledge
            return knowledge.place_of(facts.performance, facts.unit, self.language)
        except ReplicaError as error:  # the decision stands, and is said without its place
            _log.error("place_unknown", error=str(error))
            return ""


def _is_ours(text: str) -> bool:
    """Whether it says that it is a ticket of ours, of this version or a later one."""
    return text.startswith(PREFIX[:3])

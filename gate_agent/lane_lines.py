"""The lines that a lane says: one for each decision, in the form that docs/operations.md describes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from edge.errors import ReplicaError
from gate_agent.admit import LetIn, TurnedAway
from gate_agent.facts import GateKnowledge
from gate_agent.passages import WentOut
from program.logs import get_logger
from ticketing.admission import miss_to_wire
from ticketing.code import TicketFacts

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class LaneLines:
    """Makes and says the lines of one lane."""

    lane: str
    knowledge: GateKnowledge
    language: str
    say: Callable[[dict[str, object]], None]

    def tell(self, line: dict[str, object]) -> None:
        """Say a line. Whoever read them may be gone: visitors are still here."""
        try:
            self.say(line)
        except OSError as error:
            _log.error("decision_not_said", error=str(error))

    def hint(self, hint: str, at_ms: int) -> None:
        """Say what would help the visitor."""
        self.tell({"at": _instant(at_ms), "lane": self.lane, "hint": hint})

    def decision(
        self, outcome: LetIn | WentOut | TurnedAway, decoder: str, barrier: str, at_ms: int
    ) -> dict[str, object]:
        """The line of a decision; `milliseconds` is for the caller to add."""
        line: dict[str, object] = {
            "at": _instant(at_ms),
            "lane": self.lane,
            "decision": _word(outcome),
            "reason": outcome.reason.value if isinstance(outcome, TurnedAway) else "",
            "barrier": barrier,
            "offline": not isinstance(outcome, WentOut) and outcome.offline,
            "decoder": decoder,
        }
        if outcome.code is not None:
            facts = outcome.code.facts
            line["ticket"] = facts.ticket_id
            line["performance"] = facts.performance
            line["unit"] = facts.unit
            line["place"] = self._place(facts)
        if not isinstance(outcome, WentOut) and outcome.held is not None:
            line["credential"] = outcome.held.chip.kind.value
        line.update(_particulars(outcome))
        return line

    def _place(self, facts: TicketFacts) -> str:
        try:
            return self.knowledge.place_of(facts.performance, facts.unit, self.language)
        except ReplicaError as error:  # the decision stands, and is said without its place
            _log.error("place_unknown", error=str(error))
            return ""


def _instant(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")


def _word(outcome: LetIn | WentOut | TurnedAway) -> str:
    match outcome:
        case LetIn():
            return "admit"
        case WentOut():
            return "leave"
        case TurnedAway():
            return "refuse"


def _particulars(outcome: LetIn | WentOut | TurnedAway) -> dict[str, object]:
    match outcome:
        case LetIn():
            return _of_entry(outcome)
        case WentOut():
            told: dict[str, object] = {"was_inside": outcome.was_inside}
            return told if outcome.recorded else {**told, "recorded": False}
        case TurnedAway():
            told = {"next": outcome.step.value}
            if outcome.first_entry is not None:
                told["first_entry"] = outcome.first_entry
            if outcome.miss is not None:
                told["miss"] = miss_to_wire(outcome.miss)
            return told


def _of_entry(let_in: LetIn) -> dict[str, object]:
    told: dict[str, object] = {
        "op": let_in.op_id,
        "unconfirmed": let_in.unconfirmed,
        "again": let_in.again,
    }
    if let_in.notes:
        told["notes"] = sorted(let_in.notes)
    if not let_in.recorded:
        told["recorded"] = False
    return told

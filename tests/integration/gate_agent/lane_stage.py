"""A lane on real files, with an arbiter that says what the test wants."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from edge.catalogue import MirrorCatalogue
from edge.replica import Replica
from gate_agent.admit import Doorman, LetIn, TurnedAway
from gate_agent.arbiter import Accepted, Denied, Lane, NoAnswer
from gate_agent.facts import GateKnowledge
from gate_agent.memory import LaneMemory
from hardware.errors import DeviceGone
from tests.fakes.edge_node import enrolled_folder
from tests.fakes.hall import (
    EVENT_ID,
    FIRST,
    GENERATION,
    ROW,
    Feed,
    SetEnv,
    event_row,
    node_row,
    server_public,
)
from tests.fakes.till import sample_catalogue
from ticketing.admission import Reason
from ticketing.code import Flag, TicketFacts, make_code
from ticketing.ids import AllotmentId, OpId, TicketId
from ticketing.keys import key_id, public_of
from ticketing.operations import EntryGranted, decode_entry

GATE, OTHER_GATE = "00000000000000aa", "00000000000000ab"
TILL = "00000000000000bb"
TILL_KEY, STRANGER_KEY = bytes(range(1, 33)), bytes(range(2, 34))
LANE = "Lane 1"
ALLOTMENT = AllotmentId(GENERATION, 7)
PERFORMANCES = sample_catalogue().events[0].performances
DOORS, END = PERFORMANCES[0].doors_at, PERFORMANCES[0].ends_at

Answer = Accepted | Denied | NoAnswer


@dataclass(frozen=True)
class Asked:
    """One question to the arbiter."""

    stream: str
    op_id: OpId
    code: str
    lane: str
    seen: list[OpId]
    chip: Mapping[str, object] | None = None


@dataclass
class FakeArbiter:
    """Answers as the test sets it; silent at first."""

    says: Callable[[Asked], Answer] = lambda _asked: NoAnswer()
    asked: list[Asked] = field(default_factory=list)

    def ask(
        self,
        stream: str,
        op_id: OpId,
        code: str,
        lane: Lane,
        seen: list[OpId],
        chip: Mapping[str, object] | None = None,
    ) -> Accepted | Denied | NoAnswer:
        question = Asked(stream, op_id, code, lane.name, seen, chip)
        self.asked.append(question)
        return self.says(question)


def yes(asked: Asked) -> Answer:
    """The arbiter records what it was asked."""
    return Accepted(asked.op_id, unconfirmed=False)


def no(reason: Reason) -> Callable[[Asked], Answer]:
    """The arbiter says no."""
    return lambda _asked: Denied(reason, None)


@dataclass
class FakeRelay:
    """A barrier that notes its pulses, or has no contact."""

    pulses: list[int] = field(default_factory=list)
    gone: bool = False
    before: Callable[[], None] = lambda: None
    address: str = "none:"
    times_pulses: bool = True
    channels_count: int = 1
    inputs_count: int = 0

    def pulse(self, duration_ms: int, channel: int = 0) -> None:
        assert channel == 0
        self.before()
        if self.gone:
            raise DeviceGone("the board does not answer", self.address)
        self.pulses.append(duration_ms)

    def shut(self, channel: int = 0) -> None: ...

    def inputs(self) -> tuple[bool, ...]:
        return ()

    def all_off(self) -> None: ...

    def check(self) -> None: ...

    def close(self) -> None: ...


@dataclass
class FakeBarrier:
    """A barrier without a thread, which forgets each grant at once."""

    relay: FakeRelay
    burns: bool = False
    stands_open_s: float = 0.0
    waiting: set[str] = field(default_factory=set)

    @property
    def open_left_s(self) -> float | None:
        return self.stands_open_s or None

    def open(self, key: str) -> bool:
        assert key
        try:
            self.relay.pulse(700)
        except DeviceGone:
            return False
        return True

    def open_gate(self, seconds: float) -> bool:
        self.stands_open_s = seconds
        return True

    def shut_gate(self) -> bool:
        self.stands_open_s = 0.0
        return True

    def waits_for(self, key: str) -> bool:
        return key in self.waiting


class Stage:
    """One gate with one lane. `restart` kills the program and starts it again."""

    def __init__(self, folder: Path, env: SetEnv) -> None:
        self.folder, self.env = folder, env
        enrolled_folder(folder / "gate", "gate", GATE)
        self.arbiter = FakeArbiter()
        self._ticket_ids = itertools.count(1)
        self._open()
        self.feed.open_house()
        self.feed.node(node_row(TILL, public_of(TILL_KEY)))

    def _open(self) -> None:
        self.replica = Replica(self.folder / "gate")
        self.feed = Feed(self.replica.mirror)
        self.catalogue = MirrorCatalogue(self.replica.mirror)
        self.doorman = self.doorman_at(LANE)

    def doorman_at(self, lane: str, *performances: int, gate: str = "") -> Doorman:
        """A doorman of this gate."""
        return Doorman(
            Lane(lane, frozenset(performances), gate),
            GATE,
            GateKnowledge(self.replica, self.catalogue, server_public()),
            self.replica,
            self.arbiter,
            self.env,
            LaneMemory(self.env),
        )

    def close(self) -> None:
        self.replica.close()

    def restart(self, *, after_s: float = 2.0) -> None:
        """The program is killed and started again; what it did not write is gone."""
        self.close()
        self.env.pass_s(after_s)
        self._open()

    def rule(self, **members: Any) -> None:
        """The house changes the event's entry rules: one rule for all tickets, or policies."""
        document = json.loads(json.dumps(event_row()[1]))
        policies = {"when_cut_off", "unlisted", "unrecorded"}
        rule = {key: value for key, value in members.items() if key not in policies}
        rules: dict[str, Any] = {"rules": [rule]} if rule else {}
        rules |= {key: value for key, value in members.items() if key in policies}
        document["event"]["entry_rules"] = rules
        self.feed.open_house(document)

    # --- tickets

    def code(
        self,
        *,
        unit: int = ROW[0],
        performance: int = FIRST,
        key: bytes = TILL_KEY,
        version: int = 0,
        allotment: AllotmentId = ALLOTMENT,
        ticket_id: str = "",
        valid_from: datetime = DOORS,
        valid_minutes: int = 210,
        flags: Flag = Flag(0),  # noqa: B008 - a constant
        claims_key: bytes | None = None,
    ) -> str:
        """A ticket's code, each of another ticket; `claims_key` is whose it says it is."""
        facts = TicketFacts(
            key_id(public_of(claims_key or key)),
            TicketId(ticket_id or f"{next(self._ticket_ids):016x}"),
            performance,
            unit,
            1,
            version,
            allotment,
            valid_from,
            valid_minutes,
            flags,
        )
        return make_code(facts, key)

    def lend(self, units: range | tuple[int, ...] = ROW) -> None:
        """The gate hears of the till's allotment."""
        self.feed.allotment(str(ALLOTMENT), FIRST, units, node=TILL)

    # --- scans

    def scan(self, text: str) -> LetIn | TurnedAway:
        """Hold up a code. The barrier is not commanded."""
        return self.doorman.scan(text, self.env.wall_ms())

    def let_in(self, text: str) -> LetIn:
        """Hold up a code that is let in, and open the barrier."""
        outcome = self.scan(text)
        assert isinstance(outcome, LetIn), outcome
        self.doorman.commanded(outcome)
        return outcome

    def refused(self, text: str) -> TurnedAway:
        """Hold up a code that is not let in."""
        outcome = self.scan(text)
        assert isinstance(outcome, TurnedAway), outcome
        return outcome

    # --- what came of it

    def entries(self) -> list[tuple[str, EntryGranted]]:
        """The journal's entries by operation id, oldest first."""
        with self.replica.reading() as connection:
            rows = connection.execute(
                "SELECT stream, op_id, body FROM op WHERE kind = 'entry' ORDER BY seq"
            ).fetchall()
        found: list[tuple[str, EntryGranted]] = []
        for row in rows:
            entry = decode_entry(row["body"])
            assert entry is not None
            assert row["stream"] == EVENT_ID
            found.append((row["op_id"], entry))
        return found

    def row(self, op_id: str) -> dict[str, Any]:
        """The journal's row of an entry."""
        with self.replica.reading() as connection:
            row = connection.execute("SELECT * FROM entry WHERE op_id = ?", (op_id,)).fetchone()
        return dict(row)

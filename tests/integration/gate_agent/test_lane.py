"""The lane's loop: frames in, barrier out, one line for each decision; nothing ends it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
import pytest

from edge.errors import ReplicaDamaged
from gate_agent.debounce import SAME_CODE_BLOCKED_S
from gate_agent.lane import LaneRunner
from gate_agent.lane_book import LaneBook
from gate_agent.lane_lines import LaneLines
from gate_agent.looking import CameraWatch
from gate_agent.passages import Passages
from hardware.camera.frame import Frame
from hardware.qr import Hint, SeveralCodes, Sight
from hardware.qr.decoder import NOTHING, Found, Reading
from tests.fakes.hall import FIRST, ROW
from tests.fakes.tickets import forge_like
from tests.integration.gate_agent.lane_stage import (
    DOORS,
    LANE,
    OTHER_GATE,
    STRANGER_KEY,
    FakeBarrier,
    FakeRelay,
    Stage,
    no,
    yes,
)
from ticketing.admission import Reason

TICKET = "00000000000000f0"
EVERY_LINE = {
    "at", "lane", "decision", "reason", "barrier", "offline", "decoder", "milliseconds",
}  # fmt: skip
TICKETS_TOO = {"ticket", "performance", "unit", "place"}
ADMIT_TOO = {"op", "unconfirmed", "again"}


def seen(*texts: str) -> Found:
    """Codes in view, the first in the middle of the frame."""
    readings = []
    for at, text in enumerate(texts):
        x = 95.0 + at * 20
        corners = ((x, 45.0), (x + 10, 45.0), (x + 10, 55.0), (x, 55.0))
        readings.append(Reading(text, "test", corners))
    return Found(tuple(readings))


@dataclass
class Film:
    """A camera and a decoder that play a script, and the clock between its frames."""

    stop: threading.Event
    scenes: list[tuple[float, Found | Sight]] = field(default_factory=list)
    now_s: float = 0.0
    _shown: int = -1

    def next_frame(self, timeout_s: float, after: int = -1) -> Frame | None:
        assert timeout_s < 1, "a lane that is told to stop ends within a second"
        assert after == self._shown, "each frame is looked at once"
        if self._shown + 1 == len(self.scenes):
            self.stop.set()
            return None
        self._shown += 1
        self.now_s += self.scenes[self._shown][0]
        return Frame(np.full((100, 200, 3), self._shown, np.uint8), self._shown, 0.0)

    def look(self, picture: Frame) -> Sight:
        scene = self.scenes[int(picture.pixels[0, 0, 0])][1]
        return scene if isinstance(scene, Sight) else Sight(scene)

    def monotonic(self) -> float:
        return self.now_s

    def perf_counter(self) -> float:
        return self.now_s


class Door:
    """A lane with a film before it."""

    def __init__(self, gate: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
        self.gate, self.relay = gate, FakeRelay()
        self.lines: list[dict[str, object]] = []
        self.nudged = 0
        self.several_codes = SeveralCodes.MIDDLE
        self._clock = monkeypatch

    def show(self, *scenes: tuple[float, Found | Sight]) -> list[dict[str, object]]:
        """Play a film to its end; the lines said."""
        stop = threading.Event()
        film = Film(stop, list(scenes))
        self._clock.setattr("gate_agent.lane.time", film)
        self._clock.setattr("gate_agent.looking.time", film)
        before = len(self.lines)
        self.film = film
        self.watch(film).run(stop)
        return self.lines[before:]

    def watch(self, film: Film) -> CameraWatch:
        return CameraWatch(film, film, self.runner(), self.several_codes)

    def runner(self) -> LaneRunner:
        gate, doorman = self.gate, self.gate.doorman
        book = LaneBook(Passages(doorman), False, self.say, gate.env.wall_ms, self._nudge)
        lines = LaneLines(LANE, doorman.knowledge, "en", self.say)
        barrier = FakeBarrier(self.relay)
        return LaneRunner(doorman, barrier, book, lines, gate.env.wall_ms, self._nudge)

    def say(self, line: dict[str, object]) -> None:
        self.lines.append(line)

    def _nudge(self) -> None:
        self.nudged += 1


@pytest.fixture
def door(gate: Stage, monkeypatch: pytest.MonkeyPatch) -> Door:
    gate.lend()
    return Door(gate, monkeypatch)


def decisions(lines: Sequence[dict[str, object]]) -> list[object]:
    return [line["reason"] or line["decision"] for line in lines]


# --- what is said


def test_an_admission_opens_the_barrier_and_says_one_line(door: Door) -> None:
    code = door.gate.code(ticket_id=TICKET)
    [line] = door.show((0, seen(code)))
    assert line.keys() == EVERY_LINE | TICKETS_TOO | ADMIT_TOO
    [(op_id, _entry)] = door.gate.entries()
    assert line == {
        "at": door.gate.env.now.isoformat(timespec="milliseconds"),
        "lane": LANE,
        "decision": "admit",
        "reason": "",
        "barrier": "opened",
        "offline": True,
        "decoder": "test",
        "milliseconds": 0.0,
        "ticket": TICKET,
        "performance": 1,
        "unit": ROW[0],
        "place": door.gate.doorman.knowledge.place_of(1, ROW[0], "en"),
        "op": op_id,
        "unconfirmed": True,
        "again": False,
    }
    assert line["place"]
    assert datetime.fromisoformat(str(line["at"])).utcoffset() == timedelta(0)
    assert json.loads(json.dumps(line)) == line
    assert door.relay.pulses == [700]
    assert door.nudged == 1, "the pusher is told at once"


@pytest.mark.parametrize(
    ("make", "reason", "keys"),
    [
        pytest.param(lambda _: "https://example.org", "not_a_ticket", set(), id="another code"),
        pytest.param(lambda gate: gate.code()[:-1], "damaged_code", set(), id="cut off"),
        pytest.param(lambda gate: forge_like(gate.code()), "forged", TICKETS_TOO, id="forged"),
        pytest.param(
            lambda gate: gate.code(performance=99), "wrong_performance", TICKETS_TOO, id="no place"
        ),
        pytest.param(
            lambda gate: gate.code(key=STRANGER_KEY), "unknown_issuer", TICKETS_TOO, id="stranger"
        ),
    ],
)
def test_a_refusal_leaves_the_barrier_shut_and_says_one_line(
    door: Door, make: Callable[[Stage], str], reason: str, keys: set[str]
) -> None:
    [line] = door.show((0, seen(make(door.gate))))
    assert line.keys() == EVERY_LINE | {"next"} | keys
    assert (line["decision"], line["reason"], line["barrier"]) == ("refuse", reason, "shut")
    assert door.relay.pulses == []
    json.dumps(line)


def test_a_ticket_for_later_says_from_when_it_is_good(door: Door) -> None:
    gate = door.gate
    gate.doorman = gate.doorman_at(LANE, FIRST)  # it serves the performance, whatever time it is
    gate.env.now = DOORS - timedelta(minutes=25)
    [line] = door.show((0, seen(gate.code())))
    assert (line["reason"], line["next"]) == ("too_early", "wait")
    opens_ms = round(DOORS.timestamp() * 1000)
    assert line["miss"] == {"kind": "opens_at", "at_ms": opens_ms}


def test_a_used_ticket_says_when_and_where_it_was_used(door: Door) -> None:
    gate = door.gate
    gate.feed.entry("ab" * 16, TICKET, OTHER_GATE, "Lane 9", 5_000)
    [line] = door.show((0, seen(gate.code(ticket_id=TICKET))))
    assert line["reason"] == "already_used"
    assert line["first_entry"] == {
        "op": "ab" * 16,
        "node": OTHER_GATE,
        "lane": "Lane 9",
        "at_ms": 5_000,
    }


def test_an_answer_of_the_arbiter_is_not_called_offline(door: Door) -> None:
    door.gate.arbiter.says = yes
    [line] = door.show((0, seen(door.gate.code())))
    assert (line["decision"], line["offline"]) == ("admit", False)
    door.gate.arbiter.says = no(Reason.VOID)
    [line] = door.show((0, seen(door.gate.code(unit=ROW[1]))))
    assert (line["reason"], line["offline"]) == ("void", False)


# --- what is looked at


def test_a_frame_without_a_code_says_nothing(door: Door) -> None:
    assert door.show((0, NOTHING), (0.1, Found(suspected=True)), (0.1, NOTHING)) == []


def test_a_code_held_up_is_answered_once(door: Door) -> None:
    code = door.gate.code()
    assert decisions(door.show(*[(0.1, seen(code))] * 100)) == ["admit"]
    assert door.relay.pulses == [700]


def test_whoever_walks_through_with_the_phone_still_up_is_not_called_a_cheat(door: Door) -> None:
    code = door.gate.code()
    walking = [(0.1, seen(code)), (0.9, NOTHING)] * 5  # blurred but for a frame in a second
    assert decisions(door.show(*walking)) == ["admit"]


def test_the_same_code_is_answered_again_after_it_was_away(door: Door) -> None:
    code = door.gate.code()
    away = (SAME_CODE_BLOCKED_S, NOTHING)
    lines = door.show((0, seen(code)), away, (0, seen(code)))
    assert decisions(lines) == ["admit", "already_used"]


def test_of_two_codes_the_nearer_to_the_middle_is_answered_first(door: Door) -> None:
    first, second = door.gate.code(), door.gate.code(unit=ROW[1])
    lines = door.show((0, seen(first, second)), (0.1, seen(second, first)), (3, seen(first)))
    assert [line["decision"] for line in lines[:2]] == ["admit", "admit"]
    assert [entry.unit for _op, entry in door.gate.entries()] == [ROW[0], ROW[1]]


def test_where_one_ticket_at_a_time_is_wanted_two_are_refused_with_a_hint(door: Door) -> None:
    door.several_codes = SeveralCodes.REFUSE
    first, second = door.gate.code(), door.gate.code(unit=ROW[1])
    both = [(0.1, seen(first, second))] * 20
    lines = door.show(*both, (0.1, seen(second)), (0.1, seen(second, second)))
    assert [line.get("hint", line.get("decision")) for line in lines] == ["one_at_a_time", "admit"]
    assert lines[0].keys() == {"at", "lane", "hint"}
    assert [entry.unit for _op, entry in door.gate.entries()] == [ROW[1]]


@pytest.mark.parametrize("policy", list(SeveralCodes))
def test_an_advertisement_beside_a_ticket_is_no_second_ticket(
    door: Door, policy: SeveralCodes
) -> None:
    door.several_codes = policy
    lines = door.show((0.1, seen("https://example.org", door.gate.code())))
    assert decisions(lines) == ["admit"]


def test_a_hint_is_said_and_decides_nothing(door: Door) -> None:
    [line] = door.show((0.1, Sight(Found(suspected=True), Hint.HOLD_STILL)))
    assert (line["hint"], line["lane"]) == ("hold_still", LANE)
    assert "decision" not in line
    assert door.relay.pulses == []


def test_a_phone_beside_the_next_visitor_is_not_answered_again(door: Door) -> None:
    first, second = door.gate.code(), door.gate.code(unit=ROW[1])
    beside = [(0.1, seen(second, first))] * 40
    lines = door.show((0, seen(first)), *beside, (0.1, seen(first)))
    assert decisions(lines) == ["admit", "admit"]


def test_a_slow_barrier_does_not_make_a_code_new(door: Door) -> None:
    first, second = door.gate.code(), door.gate.code(unit=ROW[1])

    def take_five_seconds() -> None:
        door.film.now_s += 5

    door.relay.before = take_five_seconds
    lines = door.show(
        (0, seen(first)), (0.1, seen(first)), (0.1, seen(second, first)), (0.1, seen(first))
    )
    assert decisions(lines) == ["admit", "admit"]


# --- troubles


def test_a_barrier_that_fails_says_so_and_the_entry_is_offered_again(door: Door) -> None:
    code = door.gate.code()
    door.relay.gone = True
    [line] = door.show((0, seen(code)))
    assert (line["decision"], line["barrier"], line["again"]) == ("admit", "failed", False)
    door.relay.gone = False
    [again] = door.show((0, seen(code)))
    assert (again["decision"], again["barrier"], again["again"]) == ("admit", "opened", True)
    assert again["op"] == line["op"]
    assert decisions(door.show((0, seen(code)))) == ["already_used"]
    assert len(door.gate.entries()) == 1


@pytest.mark.expected_errors("command_not_recorded")
def test_a_barrier_that_opened_has_opened_whatever_the_disk_says(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(*_: object) -> None:
        raise ReplicaDamaged("journal.db is damaged")

    monkeypatch.setattr("gate_agent.admit.Doorman.commanded", damaged)
    [line] = door.show((0, seen(door.gate.code())))
    assert (line["decision"], line["barrier"]) == ("admit", "opened")


@pytest.mark.expected_errors("scan_failed")
def test_a_file_that_cannot_be_read_lets_nobody_in_and_says_so(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(*_: object) -> None:
        raise ReplicaDamaged("mirror.db is damaged")

    code = door.gate.code()
    with monkeypatch.context() as patched:
        patched.setattr("gate_agent.facts.GateKnowledge.facts", damaged)
        [line] = door.show((0, seen(code)))
    assert (line["decision"], line["reason"]) == ("refuse", "not_recorded")
    assert door.relay.pulses == []
    assert decisions(door.show((0, seen(code)))) == ["admit"]


@pytest.mark.expected_errors("place_unknown")
def test_a_decision_is_said_also_without_its_place(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(*_: object) -> None:
        raise ReplicaDamaged("mirror.db is damaged")

    monkeypatch.setattr("gate_agent.facts.GateKnowledge.place_of", damaged)
    [line] = door.show((0, seen(door.gate.code())))
    assert (line["decision"], line["barrier"], line["place"]) == ("admit", "opened", "")


@pytest.mark.expected_errors("scan_crashed")
def test_a_bug_in_one_scan_ends_nothing(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    scan = door.gate.doorman.scan
    bad, good = door.gate.code(), door.gate.code(unit=ROW[1])

    def buggy(_self: object, text: str, now_ms: int) -> object:
        if text == bad:
            raise ZeroDivisionError
        return scan(text, now_ms)

    monkeypatch.setattr("gate_agent.admit.Doorman.scan", buggy)
    lines = door.show(*[(0.1, seen(bad))] * 3, (0.1, seen(good)))
    assert decisions(lines) == ["admit"]


@pytest.mark.expected_errors("decision_not_said")
def test_a_reader_of_the_lines_that_is_gone_ends_nothing(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr(door, "say", gone)
    door.show((0, seen(door.gate.code())), (0.1, seen(door.gate.code(unit=ROW[1]))))
    assert door.relay.pulses == [700, 700]
    assert door.nudged == 2


def test_a_lane_that_was_told_to_stop_looks_at_nothing_more(door: Door) -> None:
    stop = threading.Event()
    stop.set()
    film = Film(stop, [(0, seen(door.gate.code()))])
    door.watch(film).run(stop)
    assert door.lines == []

"""A gate with two lanes: real frames, a real serial line with contacts, and no server."""

from __future__ import annotations

import fcntl
import json
import os
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from edge.replica import Replica
from gate_agent.__main__ import main
from gate_agent.agent import Agent, open_agent, running
from gate_agent.screen.settings import ScreenSettings
from gate_agent.settings import Direction, GateSettings, LaneSettings
from gate_agent.status import FILE_NAME, STALE_S, read_status
from hardware.relay.line import Line
from hardware.relay.modbus import ModbusRelay
from hardware.relay.simulator import RelaySimulator
from program.exit_codes import ExitCode
from tests.fakes.edge_node import new_op_id
from tests.fakes.frames import render_code, write_frame
from tests.fakes.hall import FIRST, ROW, Feed, node_row
from tests.integration.gate_agent.test_agent import NOBODY, Door
from ticketing.keys import public_of

IN, OUT = "Way in", "Way out"


@dataclass
class House:
    """A running gate and what stands before it."""

    agent: Agent
    board: RelaySimulator
    folder: Path
    lines: queue.Queue[dict[str, Any]]
    shown: int = field(default=0)

    def show(self, lane: str, text: str) -> None:
        """Hold up a code at a lane."""
        self.shown += 1
        place = self.folder / ("frames" if lane == IN else "out")
        write_frame(place / f"{self.shown:04d}.png", render_code(text, module_pixels=4))

    def line(self, word: str, lane: str) -> dict[str, Any]:
        """The next line of a lane that has this member."""
        while True:
            found = self.lines.get(timeout=60)
            if word in found and found["lane"] == lane:
                return found

    def status(self) -> dict[str, Any]:
        return json.loads(json.dumps(self.agent.status()))  # type: ignore[no-any-return]


def until(condition: Callable[[], object]) -> None:
    for _ in range(6000):
        if condition():
            return
        time.sleep(0.01)
    pytest.fail("this never came true")


def two_lanes(door: Door, board: RelaySimulator) -> GateSettings:
    relay = f"modbus-rtu:{board.link}?baud=115200&channels=2&inputs=8"
    way_in = LaneSettings(
        name=IN,
        camera=f"folder:{door.folder / 'frames'}?watch=1&repeat=1",
        relay=relay,
        passage_input=1,
        fire_input=8,
        performances=(FIRST,),
    )
    way_out = replace(
        way_in,
        name=OUT,
        direction=Direction.EXIT,
        camera=f"folder:{door.folder / 'out'}?watch=1&repeat=1",
        relay_number=2,
        passage_input=2,
    )
    settings = replace(GateSettings(), server_url=NOBODY, data_dir=door.folder / "gate")
    lanes = (way_in, way_out)
    return replace(settings, language="en", lanes=lanes, screen=ScreenSettings(""))


@contextmanager
def gate_of(settings: GateSettings, board: RelaySimulator, folder: Path) -> Iterator[House]:
    lines: queue.Queue[dict[str, Any]] = queue.Queue()
    with ExitStack() as stack:
        agent = stack.enter_context(open_agent(settings, lines.put))
        stack.enter_context(running(agent, threading.Event()))
        yield House(agent, board, folder, lines)


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine is no slow visitor and no silent board."""
    monkeypatch.setattr("gate_agent.barrier_state.WAIT_S", 120.0)
    monkeypatch.setattr("hardware.relay.driver.ModbusRelay", PatientRelay)


class PatientRelay(ModbusRelay):
    def __init__(self, address: str, line: Line, **given: Any) -> None:
        super().__init__(address, line, **given, reply_timeout_s=5.0, inputs_timeout_s=5.0)


@pytest.fixture
def door(tmp_path: Path) -> Door:
    door = Door(tmp_path)
    (tmp_path / "out").mkdir()
    return door


@pytest.fixture
def board(tmp_path: Path) -> Iterator[RelaySimulator]:
    with RelaySimulator(tmp_path / "relay") as simulator:
        yield simulator


@pytest.fixture
def house(door: Door, board: RelaySimulator) -> Iterator[House]:
    with gate_of(two_lanes(door, board), board, door.folder) as house:
        yield house


def walk(house: House, contact: int) -> None:
    """Somebody passes a contact; it stays closed until the gate has noticed."""
    lane = house.agent.lanes[contact].barrier
    until(lambda: lane.state.contact is False)
    house.board.set_input(contact, on=True)
    until(lambda: lane.state.contact is True)
    house.board.set_input(contact, on=False)
    until(lambda: lane.state.contact is False)


def test_somebody_goes_in_and_out_by_two_lanes_of_one_gate(house: House, door: Door) -> None:
    code = door.code(ROW[0])
    house.show(IN, code)
    line = house.line("decision", IN)
    assert (line["decision"], line["barrier"]) == ("admit", "opened")
    walk(house, 0)
    assert house.line("event", IN)["event"] == "passed"
    until(lambda: house.agent.counts.count().inside_count == 1)

    house.show(OUT, code)
    line = house.line("decision", OUT)
    assert (line["decision"], line["barrier"]) == ("leave", "opened")
    walk(house, 1)
    until(lambda: house.agent.counts.count().inside_count == 0)
    assert [one.channel for one in house.board.openings] == [0, 1]

    until(lambda: house.status()["healthy"])
    status = house.status()
    assert [lane["name"] for lane in status["lanes"]] == [IN, OUT]
    way_in, way_out = status["lanes"]
    assert (way_in["admitted"], way_in["passed"], way_out["left"]) == (1, 1, 1)
    assert way_in["last"]["decision"] == "admit"
    assert status["unsynced"] == 3, "an entry, a passage, an exit"


def test_what_is_counted_is_by_area_and_of_tickets(house: House, door: Door) -> None:
    for unit in ROW[:2]:
        house.show(IN, door.code(unit))
        house.line("decision", IN)
    until(lambda: house.agent.counts.count().entered_count == 2)
    numbers = house.agent.counts.count()
    assert sum(numbers.inside_by_area.values()) == numbers.inside_count == 2
    assert list(numbers.inside_by_area) == ["Stalls Centre"]
    until(lambda: house.status()["counts"]["entered"] == 2)


def test_every_device_may_vanish_and_come_back(house: House, door: Door) -> None:
    until(lambda: house.status()["healthy"])
    (door.folder / "frames").rename(door.folder / "away")
    house.board.unplug()
    until(lambda: len(house.status()["faults"]) == 3)
    faults = house.status()["faults"]
    assert any("no picture comes from it" in fault for fault in faults)
    assert sum("barrier" in fault for fault in faults) == 2, "both lanes hang on that board"
    assert {lane["state"] for lane in house.status()["lanes"]} == {"trouble"}
    assert house.agent.lanes[0].supervised[0].crashes_count == 0

    (door.folder / "away").rename(door.folder / "frames")
    house.board.plug_in()
    until(lambda: house.status()["healthy"])
    house.show(IN, door.code(ROW[0]))
    line = house.line("decision", IN)
    assert (line["decision"], line["barrier"]) == ("admit", "opened")


def test_fire_is_everybodys_and_shown_at_every_lane(house: House) -> None:
    house.board.set_input(7, on=True)
    until(lambda: [lane["state"] for lane in house.status()["lanes"]] == ["fire", "fire"])
    until(lambda: len(house.board.openings) == 2)
    house.board.set_input(7, on=False)
    until(lambda: [lane["state"] for lane in house.status()["lanes"]] == ["ready", "ready"])


@pytest.mark.expected_errors("part_crashed")
def test_a_part_that_crashes_is_begun_again_and_the_other_lane_goes_on(
    house: House, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    way_in = house.agent.lanes[0]

    def buggy() -> None:
        monkeypatch.undo()
        raise ZeroDivisionError

    monkeypatch.setattr(way_in.barrier.book.__class__, "tick", lambda _book: buggy())
    until(lambda: sum(part.crashes_count for lane in house.agent.lanes for part in lane.supervised))
    house.show(OUT, door.code(ROW[0]))
    assert house.line("decision", OUT)["decision"] == "leave"
    until(lambda: house.status()["healthy"])


# --- the status, asked from outside


def ask(door: Door, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any]]:
    code = main(["status", "--data-dir", str(door.folder / "gate"), "--config", str(empty(door))])
    return code, json.loads(capsys.readouterr().out)


def empty(door: Door) -> Path:
    file = door.folder / "empty.toml"
    file.touch()
    return file


def test_the_status_of_a_gate_that_runs_is_to_be_had_by_a_command(
    house: House, door: Door, capsys: pytest.CaptureFixture[str]
) -> None:
    until((house.folder / "gate" / FILE_NAME).exists)
    until(lambda: read_status(house.folder / "gate").get("healthy"))
    code, status = ask(door, capsys)
    assert (code, status["running"], status["stale"]) == (ExitCode.OK, True, False)
    assert status["link"]["state"] in ("connecting", "offline")
    assert status["lanes"][0]["barrier"]["passage_contact"] is True
    house.board.unplug()
    until(lambda: not read_status(house.folder / "gate")["healthy"])
    assert ask(door, capsys)[0] == ExitCode.UNWELL


def test_where_no_gate_runs_nothing_is_well(
    door: Door, board: RelaySimulator, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ask(door, capsys) == (ExitCode.UNWELL, {"running": False})
    with gate_of(two_lanes(door, board), board, door.folder) as house:
        file = house.folder / "gate" / FILE_NAME
        until(file.exists)
    assert not file.exists(), "nobody takes the last status for the present one"


def test_a_gate_that_says_nothing_any_more_is_not_well(tmp_path: Path) -> None:
    with (tmp_path / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert read_status(tmp_path) == {"running": True, "stale": True, "healthy": False}
        file = tmp_path / FILE_NAME
        file.write_text('{"healthy": true}')
        assert read_status(tmp_path) == {"running": True, "stale": False, "healthy": True}
        long_ago = time.time() - STALE_S - 1
        os.utime(file, (long_ago, long_ago))
        assert read_status(tmp_path) == {"running": True, "stale": True, "healthy": False}


def test_a_gate_that_is_cut_off_says_where_a_copy_could_enter(
    door: Door, board: RelaySimulator
) -> None:
    with closing(Replica(door.folder / "gate")) as replica:
        feed = Feed(replica.mirror)
        for number, state in (("1", "active"), ("2", "active"), ("3", "revoked")):
            key = public_of(bytes([int(number)]) * 32)
            feed.node(node_row(f"{number:0>16}", key, role="gate", state=state))
        for lane in ("North", "South"):
            feed.entry(new_op_id(), f"{1:016x}", f"{1:016x}", lane, 1_000)
    with gate_of(two_lanes(door, board), board, door.folder) as house:
        until(lambda: house.status()["link"]["state"] == "offline")
        exposure = house.status()["exposure"]
    assert exposure["lanes"] == 3, "two of the first gate, and at least one of the second"
    assert exposure["text"] == "no data yet; a copy could enter at 3 other lanes"

"""The gate's own process: real frames, a real serial line, no network at all."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from edge.errors import ReplicaDamaged
from edge.replica import Replica
from gate_agent.__main__ import main
from gate_agent.agent import run_agent
from gate_agent.debounce import SAME_CODE_BLOCKED_S
from gate_agent.screen.settings import ScreenSettings
from gate_agent.settings import GateSettings, LaneSettings
from hardware.errors import DeviceGone
from hardware.relay.simulator import RelaySimulator
from program.exit_codes import ExitCode
from tests.demo.programs import Program
from tests.fakes.edge_node import enrolled_folder
from tests.fakes.frames import render_code, write_frame
from tests.fakes.hall import FIRST, GENERATION, ROW, Feed, node_row
from tests.fakes.service_manager import notify_socket
from tests.integration.gate_agent.lane_stage import GATE, TILL, TILL_KEY, FakeRelay
from ticketing.catalogue import event_documents, parse_catalogue
from ticketing.code import TicketFacts, make_code
from ticketing.ids import AllotmentId, TicketId
from ticketing.keys import key_id, public_of

NOBODY = "http://127.0.0.1:9"
ALLOTMENT = AllotmentId(GENERATION, 7)


class Door:
    """A folder for a camera, a board on a pseudo-terminal, and an enrolled gate's files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "frames").mkdir()
        self._numbers = itertools.count(1)
        sample = resources.files("resources") / "samples" / "theatre.json"
        document = json.loads(sample.read_text("utf-8"))
        self._catalogue = parse_catalogue(document, source="sample", now=datetime.now(UTC))
        enrolled_folder(folder / "gate", "gate", GATE)
        with closing(Replica(folder / "gate")) as replica:
            feed = Feed(replica.mirror)
            feed.open_house(event_documents(self._catalogue)[0][1])
            feed.node(node_row(TILL, public_of(TILL_KEY)))
            feed.allotment(str(ALLOTMENT), FIRST, ROW, node=TILL)

    def code(self, unit: int) -> str:
        performance = self._catalogue.events[0].performances[0]
        lasts = performance.valid_to - performance.valid_from
        facts = TicketFacts(
            key_id(public_of(TILL_KEY)),
            TicketId(f"{unit:016x}"),
            FIRST,
            unit,
            1,
            0,
            ALLOTMENT,
            performance.valid_from,
            int(lasts.total_seconds() // 60),
        )
        return make_code(facts, TILL_KEY)

    def show(self, text: str) -> None:
        """Hold up a code for a moment."""
        name = f"{next(self._numbers):04d}.png"
        write_frame(self.folder / "frames" / name, render_code(text, module_pixels=4))

    def settings(self, **lane: str) -> Path:
        words = {
            "camera": "folder:frames?watch=1&repeat=2",
            "relay": "modbus-rtu:relay",
            **lane,
        }
        lines = "\n".join(f'{key} = "{value}"' for key, value in words.items())
        file = self.folder / "gate.toml"
        file.write_text(
            f'server_url = "{NOBODY}"\ndata_dir = "gate"\nlanguage = "en"\n'
            f'[screen]\naddress = ""\n\n[lane]\n{lines}\n'
            f"performances = [{FIRST}]\n"
        )
        return file


@pytest.fixture
def door(tmp_path: Path) -> Door:
    return Door(tmp_path)


@pytest.fixture
def gate(door: Door) -> Iterator[Program]:
    """The gate's process, without a network."""
    log = door.folder / "gate.log"
    program = Program(
        "gate", "gate_agent", "run", "--config", str(door.settings()), log=log, folder=door.folder
    )
    yield program
    if program.process.poll() is None:
        program.kill()


def next_line(gate: Program) -> dict[str, Any]:
    line: dict[str, Any] = json.loads(gate.next_line(30))
    return line


def answer_anew(door: Door, gate: Program, text: str, *, barrier: str) -> dict[str, Any]:
    """Take the code away and hold it up again, until the barrier does what is wanted."""
    for _attempt in range(10):
        time.sleep(SAME_CODE_BLOCKED_S + 0.2)
        door.show(text)
        line = next_line(gate)
        if line["barrier"] == barrier:
            return line
    raise AssertionError(f"the barrier was never {barrier}")


def test_a_gate_outlives_a_board_that_is_pulled_out_and_put_back(door: Door, gate: Program) -> None:
    first, second = door.code(ROW[0]), door.code(ROW[1])
    with RelaySimulator(door.folder / "relay") as board:
        door.show(first)
        line = next_line(gate)
        assert (line["decision"], line["barrier"], line["offline"]) == ("admit", "opened", True)

        board.unplug()
        door.show(second)
        line = next_line(gate)
        assert (line["decision"], line["barrier"]) == ("admit", "failed")

        board.plug_in()
        again = answer_anew(door, gate, second, barrier="opened")
        assert (again["decision"], again["again"], again["op"]) == ("admit", True, line["op"])
        assert answer_anew(door, gate, first, barrier="shut")["reason"] == "already_used"
        assert len(board.openings) == 2
        assert gate.stop() == ExitCode.OK
        assert len(board.openings) == 2, "a gate that stops leaves its barrier shut"
    with closing(Replica(door.folder / "gate")) as replica, replica.reading() as connection:
        rows = connection.execute("SELECT ticket_id, commanded_ms > 0 FROM entry").fetchall()
    assert [tuple(row) for row in rows] == [(f"{ROW[0]:016x}", 1), (f"{ROW[1]:016x}", 1)]


@pytest.mark.parametrize(
    ("lane", "words"),
    [
        pytest.param({"camera": "telescope:0"}, "no camera is of kind", id="no such camera"),
        pytest.param({"camera": "usb:"}, "names no camera", id="no camera's name"),
        pytest.param({"camera": "folder:x?fps=0"}, "fps", id="no frames"),
        pytest.param({"relay": "catapult:1"}, "no relay is of kind", id="no such relay"),
        pytest.param({"relay": "modbus-rtu:"}, "names no serial port", id="no port"),
        pytest.param({"relay": "modbus-rtu:x?unit=900"}, "unit", id="no such unit"),
    ],
)
def test_a_device_address_that_means_nothing_is_a_setting_to_mend(
    door: Door,
    lane: dict[str, str],
    words: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gate_agent.__main__.stop_event_on_signals", threading.Event)
    monkeypatch.chdir(door.folder)
    code = main(["run", "--config", str(door.settings(**lane))])
    out, err = capsys.readouterr()
    assert code == ExitCode.SETTINGS
    assert words in err
    assert next(iter(lane.values())) in err
    assert "Traceback" not in err
    assert out == ""


def settings(door: Door) -> GateSettings:
    lane = replace(LaneSettings(), camera=f"folder:{door.folder / 'frames'}?watch=1")
    usual = replace(GateSettings(), server_url=NOBODY, data_dir=door.folder / "gate", lane=lane)
    return replace(usual, screen=ScreenSettings("127.0.0.1:0"))


class StubbornRelay(FakeRelay):
    """A board that is gone when the gate starts, and whose port cannot even be closed."""

    def shut(self, channel: int = 0) -> None:
        raise DeviceGone(f"no contact with relay {channel}", self.address)

    def close(self) -> None:
        raise DeviceGone("the port failed", self.address)


def test_whatever_fails_at_the_end_everything_else_is_closed(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hardware.barrier.make_relay", lambda _address: StubbornRelay())
    stop = threading.Event()
    stop.set()
    before = set(threading.enumerate())
    run_agent(settings(door), stop, lambda _line: None)
    assert set(threading.enumerate()) <= before
    Replica(door.folder / "gate").close()


def test_the_service_manager_hears_that_it_is_ready_and_that_it_stops(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = threading.Event()
    stop.set()
    with notify_socket(door.folder / "notify") as systemd:
        monkeypatch.setenv("NOTIFY_SOCKET", systemd.address)
        run_agent(settings(door), stop, lambda _line: None)
        assert [systemd.heard() for _ in range(2)] == ["READY=1", "STOPPING=1"]


def test_a_gate_whose_files_cannot_be_read_leaves_nothing_open(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(_self: object) -> None:
        raise ReplicaDamaged("mirror.db is damaged")

    monkeypatch.setattr("gate_agent.agent.MirrorCatalogue.events", damaged)
    before = set(threading.enumerate())
    with pytest.raises(ReplicaDamaged):
        run_agent(settings(door), threading.Event(), lambda _line: None)
    assert set(threading.enumerate()) <= before
    Replica(door.folder / "gate").close()


def test_a_lane_without_a_barrier_decides_all_the_same(door: Door) -> None:
    stop, lines = threading.Event(), list[dict[str, object]]()

    def say(line: dict[str, object]) -> None:
        lines.append(line)
        stop.set()

    door.show(door.code(ROW[0]))
    [lane] = settings(door).all_lanes
    chosen = replace(lane, performances=(FIRST,))
    run_agent(replace(settings(door), lane=chosen), stop, say)
    [line] = lines
    assert (line["decision"], line["barrier"]) == ("admit", "opened")

"""The relay driver and the simulated board over a real pseudo-terminal."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import serial
from pymodbus.client import ModbusSerialClient

from hardware.errors import DeviceBusy, DeviceGone, DeviceRefused
from hardware.relay import make_relay
from hardware.relay.line import SerialLine
from hardware.relay.modbus import ModbusRelay
from hardware.relay.protocol import (
    CoilStates,
    Refusal,
    Reply,
    Request,
    WriteCoil,
    encode,
    switch,
)
from hardware.relay.simulator import RelaySimulator


class Clock:
    """Monotonic seconds, moved by hand; decides only when a lost board is tried again."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def board(tmp_path: Path) -> Iterator[RelaySimulator]:
    with RelaySimulator(tmp_path / "relay") as simulator:
        yield simulator


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def relay(board: RelaySimulator, clock: Clock) -> Iterator[ModbusRelay]:
    driver = ModbusRelay(
        "modbus-rtu:test",
        line_to(board, channels_count=2, inputs_count=4),
        unit=1,
        channels_count=2,
        inputs_count=4,
        reply_timeout_s=0.1,
        inputs_timeout_s=10.0,
        retry_delays_s=(1.0, 2.0),
        clock=clock,
    )
    yield driver
    driver.close()


def line_to(board: RelaySimulator, *, channels_count: int = 1, inputs_count: int = 0) -> SerialLine:
    return SerialLine(
        "modbus-rtu:test",
        str(board.link),
        unit=1,
        baud=115_200,
        channels_count=channels_count,
        inputs_count=inputs_count,
    )


def _until(condition: Callable[[], bool]) -> None:
    for _ in range(1000):
        if condition():
            return
        time.sleep(0.01)
    pytest.fail("this never came true")


def _count(board: RelaySimulator) -> int:
    return len(board.openings)


def test_a_pulse_opens_once_and_the_board_ends_it(
    board: RelaySimulator, relay: ModbusRelay
) -> None:
    relay.pulse(100, 1)
    _until(lambda: board.openings[0].ended_monotonic is not None)
    (opening,) = board.openings
    assert opening.channel == 1
    assert opening.duration_s == pytest.approx(0.1)


def test_the_board_ends_a_pulse_also_when_the_program_is_gone(
    board: RelaySimulator, relay: ModbusRelay
) -> None:
    relay.pulse(200)
    relay.close()
    _until(lambda: board.openings[0].duration_s == pytest.approx(0.2))


def test_a_pulse_is_rounded_up_to_the_boards_steps(
    board: RelaySimulator, relay: ModbusRelay
) -> None:
    relay.pulse(101)
    _until(lambda: board.openings[0].duration_s == pytest.approx(0.2))


@pytest.mark.parametrize(("duration_ms", "channel"), [(0, 0), (-1, 0), (4_000_000, 0), (100, 2)])
def test_a_pulse_that_cannot_be_is_a_mistake_of_the_caller(
    relay: ModbusRelay, duration_ms: int, channel: int
) -> None:
    with pytest.raises(ValueError, match=r"cannot be timed|not among"):
        relay.pulse(duration_ms, channel)


@pytest.mark.parametrize("lost_count", [1, 2])
def test_a_lost_reply_is_asked_for_again_and_opens_once(
    board: RelaySimulator, relay: ModbusRelay, lost_count: int
) -> None:
    relay.all_off()
    board.replies_to_drop_count = lost_count
    relay.pulse(5000)
    assert _count(board) == 1


def test_a_short_pulse_is_repeated_before_it_ends(
    board: RelaySimulator, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a lost reply would open the barrier a second time, for a second person."""
    line = line_to(board)
    relay = ModbusRelay("test", line, unit=1, channels_count=1, clock=clock)
    relay.all_off()
    timeouts_s: list[float] = []

    def ask(_request: Request, timeout_s: float) -> None:
        timeouts_s.append(timeout_s)

    monkeypatch.setattr(line, "ask", ask)
    with pytest.raises(DeviceGone):
        relay.pulse(200)
    assert timeouts_s == [pytest.approx(0.12)] * 3


def test_a_garbled_reply_is_asked_for_again(board: RelaySimulator, relay: ModbusRelay) -> None:
    relay.all_off()
    board.replies_to_garble_count = 1
    relay.pulse(5000)
    assert _count(board) == 1


@pytest.mark.parametrize("noise", [b"\x00", b"\xff", b"\x01\x05", b"\x01\x01\x01"])
def test_noise_before_every_reply_is_no_obstacle(
    board: RelaySimulator, relay: ModbusRelay, noise: bytes
) -> None:
    board.noise_before_reply = noise
    relay.all_off()
    relay.pulse(100)
    relay.check()
    assert _count(board) == 1


def test_a_board_that_stays_silent_is_gone_after_three_tries(
    board: RelaySimulator, relay: ModbusRelay
) -> None:
    relay.all_off()
    board.replies_to_drop_count = 3
    with pytest.raises(DeviceGone, match="the board does not answer"):
        relay.check()
    assert board.replies_to_drop_count == 0


def test_opening_the_port_shuts_a_barrier_that_was_left_open(
    board: RelaySimulator, relay: ModbusRelay
) -> None:
    with serial.Serial(str(board.link), exclusive=True) as port:
        port.write(encode(switch(1, 0, on=True)))
        _until(lambda: _count(board) == 1)
    relay.check()
    assert board.openings[0].ended_monotonic is not None


def test_all_off_ends_a_pulse(board: RelaySimulator, relay: ModbusRelay) -> None:
    relay.pulse(60_000)
    relay.all_off()
    assert board.openings[0].ended_monotonic is not None


def test_a_board_that_is_unplugged_and_comes_back_works_again(
    board: RelaySimulator, relay: ModbusRelay, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "hardware")
    relay.pulse(100)
    board.unplug()
    with pytest.raises(DeviceGone):
        relay.pulse(100)
    clock.now += 1.0
    with pytest.raises(DeviceGone, match="there is no such port"):
        relay.pulse(100)
    board.plug_in()
    with pytest.raises(DeviceGone, match=r"the next try is in 2\.0 s"):
        relay.pulse(100)
    clock.now += 2.0
    relay.pulse(100)
    assert _count(board) == 2
    said = [record.getMessage() for record in caplog.records if record.name.startswith("hardware")]
    assert len(said) == 2, said
    assert "does not work" in said[0]
    assert said[1] == "relay modbus-rtu:test works again after 3 s"


def test_a_board_that_is_not_there_yet_is_no_obstacle_to_starting(
    board: RelaySimulator, relay: ModbusRelay, clock: Clock
) -> None:
    board.unplug()
    with pytest.raises(DeviceGone, match="is the cable plugged in"):
        relay.all_off()
    board.plug_in()
    clock.now += 1.0
    relay.all_off()


def test_a_port_in_use_says_so(board: RelaySimulator, relay: ModbusRelay) -> None:
    with (
        serial.Serial(str(board.link), exclusive=True),
        pytest.raises(DeviceBusy, match="another program holds the port"),
    ):
        relay.all_off()


def test_a_relay_that_the_board_lacks_is_refused_before_anything_opens(
    board: RelaySimulator,
) -> None:
    relay = make_relay(f"modbus-rtu:{board.link}?channels=9")
    with pytest.raises(DeviceRefused, match="the board has no such relay"):
        relay.pulse(100)
    assert _count(board) == 0
    relay.close()


def _answering(board: RelaySimulator, *replies: Reply) -> None:
    """Let the board answer the next requests with `replies` and then as usual."""
    usual, special = board._board.answer, list(replies)

    def answer(request: Request, now: float) -> Reply:
        return special.pop(0) if special else usual(request, now)

    board._board.answer = answer  # type: ignore[method-assign]


def test_a_busy_board_is_asked_again(board: RelaySimulator, relay: ModbusRelay) -> None:
    relay.all_off()
    _answering(board, Refusal(1, 5, 6), Refusal(1, 5, 6))
    relay.pulse(5000)
    assert _count(board) == 1


@pytest.mark.parametrize(
    ("replies", "part"),
    [
        pytest.param([Refusal(1, 5, 6)] * 3, "the board is busy", id="busy for too long"),
        pytest.param([Refusal(1, 5, 4)], "a failure of its own", id="a failure"),
        pytest.param([Refusal(1, 5, 0x42)], "refuses with code 66", id="a code of its maker"),
    ],
)
def test_a_refusal_is_said_and_the_board_is_not_lost(
    board: RelaySimulator, relay: ModbusRelay, replies: list[Reply], part: str
) -> None:
    relay.all_off()
    _answering(board, *replies)
    with pytest.raises(DeviceRefused, match=part):
        relay.pulse(5000)
    relay.check()


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(WriteCoil(1, 0x0201, 50), id="another relay"),
        pytest.param(WriteCoil(1, 0x0200, 49), id="another time"),
        pytest.param(CoilStates(1, b"\x00"), id="states"),
        pytest.param(Refusal(1, 1, 2), id="a refusal of something else"),
    ],
)
def test_an_answer_to_something_else_confirms_nothing(
    board: RelaySimulator, relay: ModbusRelay, wrong: Reply
) -> None:
    relay.all_off()
    _answering(board, wrong, wrong, wrong)
    with pytest.raises(DeviceGone, match="does not answer"):
        relay.pulse(5000)


def test_the_inputs_are_read_as_they_are(board: RelaySimulator, relay: ModbusRelay) -> None:
    assert relay.inputs() == (False, False, False, False)
    board.set_input(2, on=True)
    assert relay.inputs() == (False, False, True, False)


@pytest.mark.parametrize(
    "fault", ["replies_to_drop_count", "replies_to_garble_count", "replies_to_cut_count"]
)
def test_inputs_that_do_not_come_are_not_known_and_the_board_is_not_lost(
    board: RelaySimulator, relay: ModbusRelay, fault: str
) -> None:
    relay.all_off()
    for _ in range(2):  # four are too few for giving it up, and so are twice four with one between
        setattr(board, fault, 4)
        relay.inputs_timeout_s = 0.05
        assert [relay.inputs() for _ in range(4)] == [None] * 4
        _until(lambda: getattr(board, fault) == 0)
        relay.inputs_timeout_s = 10.0
        assert relay.inputs() == (False,) * 4
    relay.pulse(5000)
    assert _count(board) == 1


def test_a_board_that_never_tells_its_inputs_is_gone(
    board: RelaySimulator, relay: ModbusRelay
) -> None:
    relay.all_off()
    board.replies_to_drop_count = 5
    relay.inputs_timeout_s = 0.05
    assert [relay.inputs() for _ in range(4)] == [None] * 4
    with pytest.raises(DeviceGone, match="does not answer"):
        relay.inputs()
    with pytest.raises(DeviceGone, match="next try"):
        relay.inputs()


def test_inputs_that_the_board_lacks_are_refused(board: RelaySimulator) -> None:
    relay = make_relay(f"modbus-rtu:{board.link}?inputs=9&baud=115200")
    with pytest.raises(DeviceRefused, match="no such relay"):
        relay.inputs()
    relay.close()


def test_a_reply_may_come_byte_by_byte(board: RelaySimulator, relay: ModbusRelay) -> None:
    board.comes_in_pieces = True
    board.set_input(0, on=True)
    relay.pulse(5000)
    assert relay.inputs() == (True, False, False, False)
    assert _count(board) == 1


def test_a_reply_that_lacks_a_byte_is_asked_for_again(
    board: RelaySimulator, relay: ModbusRelay
) -> None:
    relay.all_off()
    board.replies_to_cut_count = 2
    relay.pulse(5000)
    assert _count(board) == 1


def test_one_relay_is_shut_and_the_other_stays(board: RelaySimulator, relay: ModbusRelay) -> None:
    relay.pulse(60_000, 0)
    relay.pulse(60_000, 1)
    relay.shut(0)
    assert [one.channel for one in board.openings if one.ended_monotonic is None] == [1]


def test_a_relay_that_stays_on_is_found_out_at_opening(
    board: RelaySimulator, relay: ModbusRelay, clock: Clock
) -> None:
    off = [switch(1, channel, on=False) for channel in (0, 1)]
    _answering(board, *off, CoilStates(1, b"\x02"))
    with pytest.raises(DeviceRefused, match="stays on"):
        relay.pulse(5000)
    with pytest.raises(DeviceGone, match="next try"):
        relay.pulse(5000)
    clock.now += 1.0
    relay.pulse(5000)
    assert _count(board) == 1


def test_a_file_that_is_no_port_says_so(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no port")
    relay = make_relay(f"modbus-rtu:{tmp_path}/notes.txt")
    with pytest.raises(DeviceGone, match="this is no serial port"):
        relay.all_off()


def test_no_barrier_says_what_it_would_have_done(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "hardware")
    relay = make_relay("none:")
    relay.all_off()
    relay.check()
    relay.pulse(700, 1)
    relay.close()
    assert "relay 1 would close for 700 ms" in caplog.text


def test_the_simulated_board_speaks_modbus_as_others_understand_it(board: RelaySimulator) -> None:
    """pymodbus, written by others, reads and writes our board: the two parsers share no line."""
    client = ModbusSerialClient(str(board.link), baudrate=115_200, timeout=1)
    assert client.connect()
    try:
        assert client.write_coil(2, True, device_id=1).bits == [True]
        assert client.read_coils(0, count=8, device_id=1).bits[:4] == [False, False, True, False]
        board.set_input(3, on=True)
        states = client.read_discrete_inputs(2, count=2, device_id=1).bits
        assert states[:2] == [False, True]
        refused = client.read_coils(0, count=9, device_id=1)
        assert refused.isError()
        assert refused.exception_code == 2
        assert not client.write_coil(2, False, device_id=1).isError()
    finally:
        client.close()  # type: ignore[no-untyped-call]  # pymodbus left this one untyped
    assert board.openings[0].ended_monotonic is not None


def test_openings_that_last_end_with_the_board(tmp_path: Path) -> None:
    with RelaySimulator(tmp_path / "relay") as board:
        relay = make_relay(f"modbus-rtu:{board.link}?baud=115200")
        relay.pulse(60_000)
        relay.close()
    assert board.openings[0].ended_monotonic is not None
    assert not board.is_plugged_in
    assert not board.link.is_symlink()


def test_as_a_process_it_writes_a_line_for_each_opening(tmp_path: Path) -> None:
    link, log = tmp_path / "relay", tmp_path / "openings.jsonl"
    command = [sys.executable, "-m", "hardware.relay.simulator"]
    process = subprocess.Popen([*command, "--link", str(link), "--log", str(log)])
    try:
        _until(link.is_symlink)
        relay = make_relay(f"modbus-rtu:{link}?baud=115200")
        relay.pulse(100)
        _until(lambda: log.read_text().count("\n") == 1)
        relay.pulse(60_000)
        relay.close()
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    first, second = map(json.loads, log.read_text().splitlines())
    assert first["channel"] == 0
    assert first["duration_s"] == pytest.approx(0.1)
    assert second["began_monotonic"] > first["ended_monotonic"]
    assert not os.path.lexists(link)

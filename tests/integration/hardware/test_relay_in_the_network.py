"""Modbus TCP: pymodbus in the driver, our own bytes in the simulated board."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from hardware.errors import DeviceGone, DeviceRefused
from hardware.relay import Relay, make_relay
from hardware.relay.modbus import ModbusRelay
from hardware.relay.tcp import TcpLine
from hardware.relay.tcp_simulator import TcpRelaySimulator


@pytest.fixture
def board() -> Iterator[TcpRelaySimulator]:
    with TcpRelaySimulator() as simulator:
        yield simulator


@pytest.fixture
def relay(board: TcpRelaySimulator) -> Iterator[ModbusRelay]:
    driver = ModbusRelay(
        "modbus-tcp:test",
        TcpLine("modbus-tcp:test", "127.0.0.1", board.port),
        unit=1,
        channels_count=2,
        inputs_count=2,
        reply_timeout_s=0.1,
        inputs_timeout_s=10.0,
        retry_delays_s=(0.0,),
    )
    yield driver
    driver.close()


def test_the_address_is_enough(board: TcpRelaySimulator) -> None:
    relay = make_relay(f"modbus-tcp:127.0.0.1:{board.port}?channels=2&inputs=1")
    relay.pulse(60_000, 1)
    assert relay.inputs() == (False,)
    relay.check()
    relay.close()
    assert [one.channel for one in board.openings] == [1]


def test_a_pulse_is_timed_by_the_board(board: TcpRelaySimulator, relay: Relay) -> None:
    relay.pulse(100)
    [opening] = board.openings
    assert opening.ends_monotonic == pytest.approx(opening.began_monotonic + 0.1)


def test_inputs_are_read_and_a_barrier_is_shut(board: TcpRelaySimulator, relay: Relay) -> None:
    assert relay.inputs() == (False, False)
    board.set_input(1, on=True)
    assert relay.inputs() == (False, True)
    relay.pulse(60_000, 1)
    relay.shut(1)
    assert board.openings[0].ended_monotonic is not None


@pytest.mark.parametrize("lost_count", [1, 2])
def test_a_lost_reply_is_asked_for_again_and_opens_once(
    board: TcpRelaySimulator, relay: Relay, lost_count: int
) -> None:
    relay.all_off()
    board.replies_to_drop_count = lost_count
    relay.pulse(5000)
    assert len(board.openings) == 1


def test_a_reply_that_comes_too_late_is_not_taken_for_the_next(
    board: TcpRelaySimulator, relay: ModbusRelay
) -> None:
    relay.all_off()
    board.set_input(0, on=True)
    board.replies_to_delay_count = 1
    relay.inputs_timeout_s = 0.05
    assert relay.inputs() is None
    relay.inputs_timeout_s = 10.0
    board.set_input(0, on=False)
    assert relay.inputs() == (False, False)


def test_replies_may_come_byte_by_byte(board: TcpRelaySimulator, relay: Relay) -> None:
    board.comes_in_pieces = True
    relay.pulse(5000)
    assert relay.inputs() == (False, False)


def test_a_board_that_stays_silent_is_gone_and_comes_back(
    board: TcpRelaySimulator, relay: Relay
) -> None:
    relay.all_off()
    board.replies_to_drop_count = 3
    with pytest.raises(DeviceGone, match="does not answer"):
        relay.check()
    relay.pulse(5000)
    assert len(board.openings) == 1


def test_a_connection_that_breaks_is_made_anew(board: TcpRelaySimulator, relay: Relay) -> None:
    relay.pulse(60_000)
    board.hang_up()
    with pytest.raises(DeviceGone):
        relay.check()
    relay.pulse(5000)
    assert board.openings[0].ended_monotonic is not None, "what is opened anew is shut first"


def test_nobody_at_the_address_is_said_in_plain_words() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    relay = make_relay(f"modbus-tcp:127.0.0.1:{port}")
    with pytest.raises(DeviceGone, match="nothing answers at this address"):
        relay.all_off()
    relay.close()


def test_a_relay_that_the_board_lacks_is_refused(board: TcpRelaySimulator) -> None:
    relay = make_relay(f"modbus-tcp:127.0.0.1:{board.port}?channels=9")
    with pytest.raises(DeviceRefused, match="no such relay"):
        relay.pulse(100)
    relay.close()

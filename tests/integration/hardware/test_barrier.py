"""Barriers on real serial lines: shared boards, contacts, and boards that time nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from hardware.barrier import Barrier, Board, Sensed, Wiring, make_barriers
from hardware.errors import BadDeviceAddress, DeviceGone
from hardware.relay.lcus import LcusRelay
from hardware.relay.simulator import LcusSimulator, RelaySimulator


def until(condition: Callable[[], bool]) -> None:
    for _ in range(1000):
        if condition():
            return
        time.sleep(0.01)
    pytest.fail("this never came true")


@pytest.fixture
def board(tmp_path: Path) -> Iterator[RelaySimulator]:
    with RelaySimulator(tmp_path / "relay") as simulator:
        yield simulator


@pytest.fixture
def wiring(board: RelaySimulator) -> Wiring:
    address = f"modbus-rtu:{board.link}?baud=115200&channels=2&inputs=4"
    return Wiring(address, passage_input=1, fire_input=4)


@pytest.fixture
def pair(wiring: Wiring) -> Iterator[list[Barrier]]:
    barriers = make_barriers([wiring, replace(wiring, relay_number=2, passage_input=2)])
    yield barriers
    for each in barriers:
        each.close()


def look(barrier: Barrier) -> Sensed:
    """What it senses, without the times."""
    seen = barrier.sense()
    assert seen.asked_s <= seen.answered_s
    return replace(seen, asked_s=0.0, answered_s=0.0)


def sensed(barrier: Barrier, wanted: Sensed) -> None:
    until(lambda: look(barrier) == wanted)


def open_channels(board: RelaySimulator) -> list[int]:
    return [one.channel for one in board.openings if one.ended_monotonic is None]


def test_two_barriers_share_a_board(board: RelaySimulator, pair: list[Barrier]) -> None:
    for barrier in pair:
        barrier.shut()
        barrier.open_for(60_000)
    assert open_channels(board) == [0, 1]
    pair[0].shut()
    assert open_channels(board) == [1]


def test_each_barrier_has_its_own_passage_contact_and_the_fire_is_everywhere(
    board: RelaySimulator, pair: list[Barrier]
) -> None:
    assert pair[0].has_passage_contact
    board.set_input(1, on=True)
    sensed(pair[1], Sensed(passage=True, fire=False))
    sensed(pair[0], Sensed(passage=False, fire=False))
    board.set_input(3, on=True)
    sensed(pair[0], Sensed(passage=False, fire=True))


def test_a_fire_contact_that_opens_tells_of_a_cut_wire_too(
    board: RelaySimulator, wiring: Wiring
) -> None:
    [barrier] = make_barriers([replace(wiring, fire_when_open=True, passage_input=0)])
    assert look(barrier) == Sensed(passage=None, fire=True)
    board.set_input(3, on=True)
    sensed(barrier, Sensed(passage=None, fire=False))
    barrier.close()


def test_a_board_that_is_pulled_out_says_so_to_all_and_comes_back(
    board: RelaySimulator, pair: list[Barrier]
) -> None:
    pair[0].open_for(60_000)
    board.unplug()
    for barrier in pair:
        with pytest.raises(DeviceGone):
            until(lambda each=barrier: look(each) == Sensed())  # type: ignore[misc]
    board.plug_in()

    def is_back() -> bool:
        try:
            return look(pair[1]) == Sensed(passage=False, fire=False)
        except DeviceGone:
            return False

    until(is_back)
    assert open_channels(board) == [], "what is opened anew is shut first"


def test_a_board_without_inputs_is_asked_for_a_sign_of_life(board: RelaySimulator) -> None:
    [barrier] = make_barriers([Wiring(f"modbus-rtu:{board.link}?baud=115200")])
    assert look(barrier) == Sensed()
    board.unplug()
    barrier._board._asked_at = float("-inf")
    with pytest.raises(DeviceGone):
        barrier.sense()


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        pytest.param({"relay_number": 3}, "relay 3 is not in use", id="a relay not in use"),
        pytest.param({"relay_number": 0}, "relay 0 is not in use", id="relay nought"),
        pytest.param({"passage_input": 5}, "input 5 is not in use", id="a contact not in use"),
        pytest.param({"fire_input": -1}, "input -1 is not in use", id="a negative contact"),
        pytest.param({}, "same relay of a board", id="two barriers at one relay"),
        pytest.param({"relay": "lcus:/dev/ttyUSB9"}, "private = true", id="no timer of its own"),
    ],
)
def test_a_wiring_that_cannot_be_is_refused(
    wiring: Wiring, changes: dict[str, object], part: str
) -> None:
    with pytest.raises(BadDeviceAddress, match=part):
        make_barriers([wiring, replace(wiring, **changes)])  # type: ignore[arg-type]


def test_lanes_without_a_barrier_need_no_relays_of_their_own() -> None:
    barriers = make_barriers([Wiring("none:"), Wiring("none:")])
    assert [look(each) for each in barriers] == [Sensed(), Sensed()]
    barriers[0].open_for(700)


# --- a board that times nothing


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def small(tmp_path: Path) -> Iterator[LcusSimulator]:
    with LcusSimulator(tmp_path / "lcus", channels_count=2) as simulator:
        yield simulator


def test_a_pulse_that_the_program_times_ends_when_the_contacts_are_asked_for(
    small: LcusSimulator,
) -> None:
    clock = Clock()
    relay = LcusRelay("lcus:test", str(small.link), channels_count=2, clock=clock)
    barrier = Barrier(Board(relay, clock), Wiring("lcus:test", private=True))
    barrier.open_for(700)
    until(lambda: open_channels(small) == [0])
    clock.now += 0.6
    barrier.sense()
    assert open_channels(small) == [0]
    clock.now += 0.2
    barrier.sense()
    until(lambda: open_channels(small) == [])
    barrier.close()


def test_a_small_board_is_shut_at_start_and_when_it_is_let_go(small: LcusSimulator) -> None:
    [barrier] = make_barriers([Wiring(f"lcus:{small.link}?channels=2", 2, private=True)])
    barrier.open_for(60_000)
    until(lambda: open_channels(small) == [1])
    barrier.close()
    until(lambda: open_channels(small) == [])


def test_a_small_board_that_is_pulled_out_comes_back_after_its_delay(small: LcusSimulator) -> None:
    clock = Clock()
    relay = LcusRelay("lcus:test", str(small.link), clock=clock)
    relay.check()
    small.unplug()
    with pytest.raises(DeviceGone):  # a moment later the port is really gone
        until(lambda: bool(relay.pulse(700)))  # type: ignore[func-returns-value]
    with pytest.raises(DeviceGone, match="next try"):
        relay.pulse(700)
    small.plug_in()
    clock.now += 1.0
    relay.pulse(700)
    until(lambda: open_channels(small) == [0])
    relay.close()

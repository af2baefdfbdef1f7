"""The model of a relay board, with time as an argument."""

from __future__ import annotations

import pytest

from hardware.relay.board import OPENINGS_COUNT_MAX, Opening, RelayBoard
from hardware.relay.protocol import (
    CoilStates,
    InputStates,
    ReadCoils,
    ReadInputs,
    Refusal,
    Request,
    WriteCoil,
    flash_on,
    switch,
)


def test_a_flash_ends_by_itself() -> None:
    board = RelayBoard()
    board.answer(flash_on(1, 0, 7), 100.0)
    board.advance(100.69)
    assert [one.duration_s for one in board.openings] == [None]
    board.advance(200.0)
    assert [one.duration_s for one in board.openings] == [pytest.approx(0.7)]


def test_a_flash_during_a_flash_is_one_longer_opening() -> None:
    board = RelayBoard()
    board.answer(flash_on(1, 0, 7), 100.0)
    board.answer(flash_on(1, 0, 7), 100.5)
    board.advance(200.0)
    assert [one.duration_s for one in board.openings] == [pytest.approx(1.2)]


def test_off_ends_a_flash_at_once() -> None:
    ended: list[Opening] = []
    board = RelayBoard(on_end=ended.append)
    board.answer(flash_on(1, 0, 70), 100.0)
    board.answer(switch(1, 0, on=False), 101.0)
    assert [one.duration_s for one in ended] == [1.0]
    board.answer(switch(1, 0, on=False), 102.0)
    assert len(ended) == 1


def test_on_lasts_until_off() -> None:
    board = RelayBoard()
    board.answer(switch(1, 3, on=True), 100.0)
    board.advance(1e6)
    assert board.next_end_monotonic() is None
    assert [one.duration_s for one in board.openings] == [None]


def test_read_coils_tells_which_relays_are_closed() -> None:
    board = RelayBoard()
    board.answer(switch(1, 1, on=True), 100.0)
    board.answer(flash_on(1, 7, 7), 100.0)
    assert board.answer(ReadCoils(1, 0, 8), 100.1) == CoilStates(1, b"\x82")
    assert board.answer(ReadCoils(1, 0, 8), 101.0) == CoilStates(1, b"\x02")


def test_read_inputs_tells_which_have_current() -> None:
    board = RelayBoard()
    board.inputs[4] = True
    assert board.answer(ReadInputs(1, 0, 8), 100.0) == InputStates(1, b"\x10")
    assert board.answer(ReadInputs(1, 4, 2), 100.0) == InputStates(1, b"\x01")


@pytest.mark.parametrize(
    ("request_", "refusal"),
    [
        pytest.param(flash_on(1, 8, 7), Refusal(1, 5, 2), id="a relay that is not there"),
        pytest.param(WriteCoil(1, 0x0500, 7), Refusal(1, 5, 2), id="an unknown command"),
        pytest.param(WriteCoil(1, 0, 7), Refusal(1, 5, 3), id="neither on nor off"),
        pytest.param(ReadCoils(1, 0, 9), Refusal(1, 1, 2), id="too many relays"),
        pytest.param(ReadCoils(1, 0, 0), Refusal(1, 1, 2), id="no relays"),
        pytest.param(ReadInputs(1, 0, 9), Refusal(1, 2, 2), id="too many inputs"),
    ],
)
def test_what_a_board_cannot_do_it_refuses(request_: Request, refusal: Refusal) -> None:
    board = RelayBoard(channels_count=8)
    assert board.answer(request_, 100.0) == refusal
    assert board.openings == ()


def test_the_record_of_openings_is_bounded() -> None:
    board = RelayBoard()
    for at in range(OPENINGS_COUNT_MAX + 5):
        board.answer(switch(1, 0, on=True), float(at))
        board.answer(switch(1, 0, on=False), at + 0.5)
    assert len(board.openings) == OPENINGS_COUNT_MAX
    assert board.openings[0].began_monotonic == 5.0

"""The bytes of relay boards, against frames printed in the manuals."""

from __future__ import annotations

import pytest

from hardware.relay.lcus import command
from hardware.relay.protocol import (
    CoilStates,
    ReadCoils,
    ReadInputs,
    Refusal,
    Reply,
    Request,
    WriteCoil,
    crc16,
    encode,
    flash_on,
    pack_coils,
    reply_parser,
    request_parser,
    silence_s,
    switch,
)

FLASH_700_MS = bytes.fromhex("01 05 02 00 00 07 8D B0")


@pytest.mark.parametrize(
    ("message", "frame"),
    [
        pytest.param(flash_on(1, 0, 7), "01 05 02 00 00 07 8D B0", id="flash relay 0 for 700 ms"),
        pytest.param(switch(1, 0, on=True), "01 05 00 00 FF 00 8C 3A", id="relay 0 on"),
        pytest.param(switch(1, 0, on=False), "01 05 00 00 00 00 CD CA", id="relay 0 off"),
        pytest.param(ReadCoils(1, 0, 8), "01 01 00 00 00 08 3D CC", id="read eight relays"),
        pytest.param(ReadInputs(1, 0, 8), "01 02 00 00 00 08 79 CC", id="read eight inputs"),
    ],
)
def test_requests_are_the_bytes_of_the_manual(message: Request, frame: str) -> None:
    assert encode(message) == bytes.fromhex(frame)
    assert request_parser(1).feed(bytes.fromhex(frame)) == [message]


def test_the_check_is_that_of_the_standards_example() -> None:
    # Modbus over Serial Line V1.02, appendix B: the frame 02 07 has the check 41 12.
    assert crc16(bytes.fromhex("02 07")).to_bytes(2, "little") == bytes.fromhex("41 12")


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(WriteCoil(1, 0x0200, 7), id="an echo"),
        pytest.param(CoilStates(1, b"\x05"), id="states"),
        pytest.param(Refusal(1, 5, 2), id="a refused write"),
        pytest.param(Refusal(1, 1, 99), id="a refused read with a code of the maker's own"),
    ],
)
def test_replies_come_back_as_they_were_sent(reply: Reply) -> None:
    assert reply_parser(1, 8).feed(encode(reply)) == [reply]


@pytest.mark.parametrize(
    "noise",
    [
        pytest.param(b"\x00", id="a zero as RS-485 drivers make it"),
        pytest.param(b"\xff", id="an FF as RS-485 drivers make it"),
        pytest.param(b"\x01", id="a byte that looks like the unit"),
        pytest.param(b"\x01\x05", id="two bytes that look like the head"),
        pytest.param(FLASH_700_MS[:5], id="a reply cut short"),
        pytest.param(b"\x00\x01\x05\x02\x55\xaa" * 20, id="a burst"),
    ],
)
def test_noise_before_a_reply_costs_no_reply_that_follows(noise: bytes) -> None:
    parser = reply_parser(1, 8)
    events = parser.feed(noise + FLASH_700_MS + FLASH_700_MS)
    assert events[-1:] == [WriteCoil(1, 0x0200, 7)]
    assert parser.dropped_bytes_count >= len(noise)


def test_a_damaged_frame_is_dropped_and_the_next_is_read() -> None:
    damaged = FLASH_700_MS[:-1] + b"\xb1"
    assert reply_parser(1, 8).feed(damaged + FLASH_700_MS) == [WriteCoil(1, 0x0200, 7)]


def test_a_frame_of_another_unit_is_not_ours() -> None:
    assert reply_parser(1, 8).feed(encode(WriteCoil(2, 0x0200, 7))) == []


def test_states_of_another_number_of_relays_are_not_ours() -> None:
    assert reply_parser(1, 8).feed(encode(CoilStates(1, b"\x01\x00"))) == []


def test_reset_drops_a_frame_begun() -> None:
    parser = reply_parser(1, 8)
    parser.feed(FLASH_700_MS[:6])
    parser.reset()
    assert parser.feed(FLASH_700_MS[6:]) == []
    assert parser.dropped_bytes_count == 8


def test_coil_states_are_eight_a_byte_lowest_first() -> None:
    packed = pack_coils([True] + [False] * 8 + [True])
    assert packed == b"\x01\x02"
    states = CoilStates(1, packed)
    assert [channel for channel in range(10) if states.is_on(channel)] == [0, 9]


@pytest.mark.parametrize("steps_count", [0, -1, 0x8000])
def test_a_flash_the_board_cannot_time_is_refused(steps_count: int) -> None:
    with pytest.raises(ValueError, match="a flash lasts"):
        flash_on(1, 0, steps_count)


@pytest.mark.parametrize("channel", [-1, 32])
def test_a_relay_no_board_has_is_refused(channel: int) -> None:
    with pytest.raises(ValueError, match="relays are numbered"):
        switch(1, channel, on=True)


def test_frames_are_parted_by_three_and_a_half_characters() -> None:
    assert silence_s(9600) == pytest.approx(0.00401, abs=1e-5)
    assert silence_s(115_200) == 0.00175


@pytest.mark.parametrize(
    ("channel", "on", "frame"),
    [
        pytest.param(0, True, "A0 01 01 A2", id="first relay on"),
        pytest.param(0, False, "A0 01 00 A1", id="first relay off"),
        pytest.param(1, True, "A0 02 01 A3", id="second relay on"),
    ],
)
def test_lcus_commands_are_those_of_the_sheet(channel: int, on: bool, frame: str) -> None:
    assert command(channel, on=on) == bytes.fromhex(frame)


@pytest.mark.parametrize("channel", [-1, 8])
def test_an_lcus_board_has_eight_relays_at_most(channel: int) -> None:
    with pytest.raises(ValueError, match="numbered 0 to 7"):
        command(channel, on=True)

"""A stream of frames may be cut anywhere and damaged anyhow."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.relay.lcus import CommandParser, command
from hardware.relay.protocol import (
    CoilStates,
    FrameParser,
    InputStates,
    ReadCoils,
    ReadInputs,
    Refusal,
    Reply,
    Request,
    WriteCoil,
    encode,
    flash_on,
    reply_parser,
    request_parser,
)

words = st.integers(0, 0xFFFF)
replies = st.one_of(
    st.builds(WriteCoil, st.just(1), words, words),
    st.builds(CoilStates, st.just(1), st.binary(min_size=1, max_size=1)),
    st.builds(InputStates, st.just(1), st.binary(min_size=1, max_size=1)),
    st.builds(Refusal, st.just(1), st.sampled_from([1, 2, 5]), st.integers(0, 255)),
)
requests = st.one_of(
    st.builds(WriteCoil, st.just(1), words, words),
    st.builds(ReadCoils, st.just(1), words, words),
    st.builds(ReadInputs, st.just(1), words, words),
)
EXAMPLES: list[Request | Reply] = [
    flash_on(1, 0, 7),
    WriteCoil(1, 0, 0xFF00),
    WriteCoil(1, 0x0105, 0x0501),
    CoilStates(1, b"\x01"),
    InputStates(1, b"\x01"),
    InputStates(1, b"\x00"),
    Refusal(1, 5, 2),
    Refusal(1, 1, 5),
]


@given(st.lists(replies, max_size=6))
def test_replies_survive_the_wire(messages: list[Reply]) -> None:
    assert reply_parser(1, 8, 8).feed(b"".join(map(encode, messages))) == messages


@given(st.lists(requests, max_size=6))
def test_requests_survive_the_wire(messages: list[Request]) -> None:
    assert request_parser(1).feed(b"".join(map(encode, messages))) == messages


@pytest.mark.parametrize("message", EXAMPLES, ids=repr)
def test_a_frame_cut_at_every_byte_is_the_same_frame(message: Reply) -> None:
    frame = encode(message)
    for cut in range(len(frame) + 1):
        parser = reply_parser(1, 8, 8)
        assert parser.feed(frame[:cut]) + parser.feed(frame[cut:]) == [message]


def _events(parser: FrameParser[Reply], pieces: list[bytes]) -> list[Reply]:
    return [event for piece in pieces for event in parser.feed(piece)]


@given(
    st.lists(st.one_of(replies.map(encode), st.binary(max_size=12)), max_size=8).map(b"".join),
    st.lists(st.integers(0, 100), max_size=8),
)
def test_where_a_noisy_stream_is_cut_makes_no_difference(stream: bytes, cuts: list[int]) -> None:
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    pieces = [stream[start:end] for start, end in itertools.pairwise(edges)]
    assert _events(reply_parser(1, 8, 8), pieces) == _events(reply_parser(1, 8, 8), [stream])


def _with_flipped(frame: bytes, *places: int) -> bytes:
    damaged = bytearray(frame)
    for place in places:
        damaged[place // 8] ^= 1 << place % 8
    return bytes(damaged)


@pytest.mark.parametrize("message", EXAMPLES, ids=repr)
def test_one_wrong_bit_never_makes_another_frame(message: Reply) -> None:
    frame = encode(message)
    for place in range(8 * len(frame)):
        damaged = _with_flipped(frame, place)
        assert reply_parser(1, 8, 8).feed(damaged) == [], damaged.hex()


@pytest.mark.parametrize("message", EXAMPLES, ids=repr)
def test_two_wrong_bits_never_make_a_confirmation(message: Reply) -> None:
    # They can make a refusal out of states (the lengths are equal), which only costs a retry.
    frame = encode(message)
    for one, other in itertools.combinations(range(8 * len(frame)), 2):
        damaged = _with_flipped(frame, one, other)
        events = reply_parser(1, 8, 8).feed(damaged)
        assert not any(isinstance(event, WriteCoil) for event in events), damaged.hex()


@given(st.binary(max_size=300))
def test_noise_is_never_kept_longer_than_the_longest_frame(noise: bytes) -> None:
    parser = reply_parser(1, 8, 8)
    parser.feed(noise)
    parser.reset()
    before = parser.dropped_bytes_count
    parser.feed(b"\x01\x05" * 50)
    parser.reset()
    assert parser.dropped_bytes_count - before == 100
    assert before <= len(noise)


@given(
    st.lists(st.tuples(st.integers(0, 7), st.booleans()), max_size=6),
    st.binary(max_size=6).map(lambda noise: noise.replace(b"\xa0", b"")),
    st.integers(0, 30),
)
def test_commands_without_a_check_sum_of_two_bytes_survive_a_cut_and_noise_before_them(
    wanted: list[tuple[int, bool]], noise: bytes, cut: int
) -> None:
    stream = noise + b"".join(command(channel, on=on) for channel, on in wanted)
    parser = CommandParser()
    assert parser.feed(stream[:cut]) + parser.feed(stream[cut:]) == wanted


@pytest.mark.parametrize("on", [True, False])
def test_one_wrong_bit_switches_nothing_at_all(on: bool) -> None:
    frame = command(1, on=on)
    for place in range(8 * len(frame)):
        assert CommandParser().feed(_with_flipped(frame, place)) == []

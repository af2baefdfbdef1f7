"""RFID readers' streams may be cut anywhere and damaged anyhow; no damage makes another chip."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hardware.reader.line import LineFeeder
from hardware.rfid.driver import TagFeeder
from hardware.rfid.protocol import (
    ID12,
    RDM6300,
    Confirmed,
    FrameShape,
    TagFrames,
    encode,
    from_decimal,
    low_number,
)
from hardware.scanner.protocol import Framing
from hardware.uhf import protocol as uhf
from tests.fakes.examples import examples

numbers = st.binary(min_size=5, max_size=5)
epcs = st.integers(1, 31).flatmap(lambda words: st.binary(min_size=2 * words, max_size=2 * words))
notices = st.builds(uhf.notice_of, epcs, st.integers(-100, 0))
SHAPES = pytest.mark.parametrize("shape", [RDM6300, ID12], ids=lambda shape: shape.name)
EXAMPLE = bytes.fromhex("13005D1DA5")
CAPTURED = bytes.fromhex("BB02220011D53000E2001071000052" + "9B0940B402EB980C7E")
"""A notice as the module's manual prints it."""

Parser = Callable[[list[bytes]], list[object]]


def _rdm(pieces: list[bytes]) -> list[object]:
    frames = TagFrames(RDM6300)
    return [each for piece in pieces for each in frames.feed(piece, 0.0)]


def _id12(pieces: list[bytes]) -> list[object]:
    frames = TagFrames(ID12)
    return [each for piece in pieces for each in frames.feed(piece, 0.0)]


def _uhf(pieces: list[bytes]) -> list[object]:
    frames = uhf.FrameParser()
    return [each for piece in pieces for each in frames.feed(piece, 0.0)]


def _line(pieces: list[bytes]) -> list[object]:
    frames = LineFeeder(Framing(), "line:")
    return [each for piece in pieces for each in frames.feed(piece, 0.0)]


def _rdm_seen(pieces: list[bytes]) -> list[object]:
    frames = TagFeeder(RDM6300, "rdm6300:", reads_count=2, is_low=True)
    return [each for piece in pieces for each in frames.feed(piece, 0.0)]


noise = st.one_of(
    st.binary(max_size=12),
    st.sampled_from([b"\x02", b"\x02\x02", b"\xbb", b"\xbb\x02\x22\x00\x11", b"\r\n", b"\x7e"]),
)
streams = st.lists(
    st.one_of(
        numbers.map(lambda number: encode(number, RDM6300)),
        numbers.map(lambda number: encode(number, RDM6300) * 3),
        numbers.map(lambda number: encode(number, ID12)),
        notices.map(uhf.encode),
        st.just(uhf.encode(uhf.NO_CHIP)),
        st.text(max_size=10).map(lambda text: text.encode() + b"\r\n"),
        noise,
    ),
    max_size=8,
).map(b"".join)


@pytest.mark.parametrize("parse", [_rdm, _id12, _uhf, _line, _rdm_seen])
@settings(max_examples=examples(60))
@given(streams, st.lists(st.integers(0, 300), max_size=8))
def test_where_a_noisy_stream_is_cut_makes_no_difference(
    parse: Parser, stream: bytes, cuts: list[int]
) -> None:
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    pieces = [stream[start:end] for start, end in itertools.pairwise(edges)]
    assert parse(pieces) == parse([stream])


@SHAPES
@given(st.lists(numbers, max_size=6))
def test_numbers_survive_the_wire(shape: FrameShape, sent: list[bytes]) -> None:
    stream = b"".join(encode(number, shape) for number in sent)
    assert TagFrames(shape).feed(stream, 0.0) == [number.hex().upper() for number in sent]


@settings(max_examples=examples(40))
@given(st.lists(notices, max_size=6))
def test_notices_survive_the_wire(sent: list[uhf.Frame]) -> None:
    frames = uhf.FrameParser().feed(b"".join(map(uhf.encode, sent)), 0.0)
    assert frames == sent
    assert all(uhf.chip_of(frame) for frame in frames)


@SHAPES
def test_one_wrong_bit_never_makes_another_number(shape: FrameShape) -> None:
    """Also not together with the whole frame that follows."""
    frame = encode(EXAMPLE, shape)
    for damaged in _with_one_wrong_bit(frame):
        frames = TagFrames(shape)
        assert set(frames.feed(damaged + frame, 0.0)) <= {EXAMPLE.hex().upper()}, damaged.hex()
        assert TagFrames(shape).feed(damaged, 0.0) == [], damaged.hex()


@SHAPES
@given(numbers, st.integers(0, 8 * 16 - 1))
def test_one_wrong_bit_in_any_number_costs_that_read_only(
    shape: FrameShape, number: bytes, place: int
) -> None:
    frame = encode(number, shape)
    damaged = bytearray(frame)
    damaged[place // 8 % len(frame)] ^= 1 << place % 8
    stream = frame + bytes(damaged) + frame
    assert TagFrames(shape).feed(stream, 0.0) == [number.hex().upper()] * 2


def test_one_wrong_bit_never_makes_another_uhf_frame() -> None:
    whole = uhf.FrameParser().feed(CAPTURED, 0.0)
    for damaged in _with_one_wrong_bit(CAPTURED):
        # A wrong length may swallow the frame that follows, not more.
        frames = uhf.FrameParser().feed(damaged + CAPTURED * 4, 0.0)
        assert set(frames) == set(whole), damaged.hex()


@given(epcs, st.data())
def test_one_wrong_bit_in_the_air_never_makes_another_uhf_chip(
    epc: bytes, data: st.DataObject
) -> None:
    """The module makes its sum over what it heard; the chip's own check tells."""
    notice = uhf.notice_of(epc, -40)
    place = data.draw(st.integers(8, 8 * len(notice.parameters) - 1))  # behind the strength
    misheard = bytearray(notice.parameters)
    misheard[place // 8] ^= 1 << place % 8
    frame = uhf.Frame(notice.type, notice.command, bytes(misheard))
    (received,) = uhf.FrameParser().feed(uhf.encode(frame), 0.0)
    assert uhf.chip_of(received) is None


def test_two_wrong_bits_can_fool_the_check_but_not_two_equal_reads() -> None:
    """'8' and '9' in the same column of two bytes: the exclusive or is the same."""
    wrong = bytes.fromhex("12005D1DA4")
    frame = encode(EXAMPLE, RDM6300)
    fooled = b"\x02" + wrong.hex().upper().encode() + frame[11:]
    assert TagFrames(RDM6300).feed(fooled, 0.0) == [wrong.hex().upper()]
    assert _values(RDM6300, fooled + frame + frame) == ["13005D1DA5"]


def _values(shape: FrameShape, stream: bytes) -> list[str]:
    feeder = TagFeeder(shape, "x:", reads_count=shape.reads_count, is_low=False)
    return [seen.value for seen in feeder.feed(stream, 0.0)]


def test_a_number_read_once_is_not_sure_and_silence_begins_anew() -> None:
    confirmed = Confirmed(2)
    reads = [("A", 0.0), ("B", 0.1), ("A", 0.2), ("A", 0.3), ("A", 0.4), ("A", 2.0), ("A", 2.1)]
    assert [confirmed.is_sure(*read) for read in reads] == [
        False, False, False, True, True, False, True,
    ]  # fmt: skip


@SHAPES
def test_half_a_frame_is_dropped_after_a_silence(shape: FrameShape) -> None:
    feeder = TagFeeder(shape, "x:", reads_count=1, is_low=False)
    whole = encode(EXAMPLE, RDM6300) + encode(EXAMPLE, ID12)
    assert feeder.feed(b"\x0213005D", 0.0) == []
    assert feeder.feed(b"", 0.1) == []
    assert feeder.feed(b"1DA5F6\x03\r\n\x03", 0.3) == []
    assert len(feeder.feed(whole, 1.0)) == 1
    assert feeder.bad_frames_count >= 1


def test_half_a_uhf_frame_is_dropped_after_a_silence() -> None:
    frames = uhf.FrameParser()
    assert frames.feed(CAPTURED[:9], 0.0) == []
    assert frames.feed(CAPTURED[9:], 0.2) == []
    assert frames.bad_frames_count == 1
    assert len(frames.feed(CAPTURED, 0.3)) == 1


@given(st.binary(max_size=400))
def test_noise_is_never_kept_longer_than_the_longest_frame(stream: bytes) -> None:
    tags, chips = TagFrames(RDM6300), uhf.FrameParser()
    tags.feed(stream, 0.0)
    chips.feed(stream, 0.0)
    held = tags.dropped_bytes_count, chips.dropped_bytes_count
    tags.reset()
    chips.reset()
    assert tags.dropped_bytes_count - held[0] < RDM6300.frame_bytes
    assert chips.dropped_bytes_count - held[1] < 7 + uhf.PARAMETERS_BYTES_MAX


@given(st.integers(0, 2**32 - 1))
def test_a_printed_number_and_the_chips_own_are_the_same(number: int) -> None:
    own = bytes((0x13,)) + number.to_bytes(4, "big")
    assert from_decimal(f"{number:010}") == low_number(own.hex().upper())


@pytest.mark.parametrize("text", ["", "123", "4294967296", "00061024371", "六零零零零零零零零零"])
def test_what_is_no_printed_number_is_none(text: str) -> None:
    assert from_decimal(text) is None


def test_the_captured_frames_read_as_their_manuals_say() -> None:
    assert TagFrames(RDM6300).feed(b"\x0213005D1DA5F6\x03", 0.0) == ["13005D1DA5"]
    assert from_decimal("0006102437") == "005D1DA5"
    (frame,) = uhf.FrameParser().feed(CAPTURED, 0.0)
    assert uhf.chip_of(frame) == uhf.Chip("E20010710000529B0940B402", -43)
    assert uhf.encode(uhf.POLL_ONCE) == bytes.fromhex("BB00220000227E")
    assert uhf.encode(uhf.STOP_POLLING) == bytes.fromhex("BB00280000287E")
    assert uhf.encode(uhf.NO_CHIP) == bytes.fromhex("BB01FF000115167E")
    assert uhf.encode(uhf.set_power(20)) == bytes.fromhex("BB00B6000207D08F7E")
    assert uhf.epc_crc(bytes.fromhex("3400E20010710000529B0940B402")) == 0x163D


def _with_one_wrong_bit(frame: bytes) -> list[bytes]:
    def flipped(place: int) -> bytes:
        damaged = bytearray(frame)
        damaged[place // 8] ^= 1 << place % 8
        return bytes(damaged)

    return [flipped(place) for place in range(8 * len(frame))]

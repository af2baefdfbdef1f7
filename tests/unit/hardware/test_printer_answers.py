"""What a printer answers, cut anywhere and among noise."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.escpos.protocol import (
    Answer,
    AnswerParser,
    Ask,
    AutoStatus,
    Fault,
    OrderedByte,
    ProcessDone,
    StatusByte,
    ask_in_order,
    ask_process_id,
    ask_status,
    status_of,
    status_of_auto,
)

DONE = b"\x37\x22a1B~\x00"


def _feed(data: bytes) -> list[Answer]:
    return AnswerParser().feed(data)


def test_questions_are_the_bytes_of_the_reference() -> None:
    assert [ask_status(what).hex() for what in Ask] == ["100401", "100402", "100403", "100404"]
    assert ask_in_order().hex() == "1d7201"
    assert ask_process_id("a1B~").hex() == "1d284806003030" + b"a1B~".hex()


@pytest.mark.parametrize("text", ["", "abc", "abcde", "ab\nc", "abcé"])
def test_a_mark_that_printers_would_not_repeat_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="process id"):
        ask_process_id(text)


@pytest.mark.parametrize(
    ("data", "answers"),
    [
        pytest.param(b"\x12", [StatusByte(0x12)], id="status"),
        pytest.param(b"\x7e", [StatusByte(0x7E)], id="status, all bits"),
        pytest.param(b"\x00", [OrderedByte(0)], id="in order, all well"),
        pytest.param(b"\x03", [OrderedByte(3)], id="in order, near end"),
        pytest.param(DONE, [ProcessDone("a1B~")], id="a job is on paper"),
        pytest.param(
            b"\x14\x00\x0c\x00", [AutoStatus((0x14, 0, 0x0C, 0))], id="by itself: no paper"
        ),
        pytest.param(b"\x11\x13\x12\x11", [StatusByte(0x12)], id="flow control between them"),
        pytest.param(b"\xff\x80\x12", [StatusByte(0x12)], id="noise before"),
        pytest.param(b"\x37\x37" + DONE[1:], [ProcessDone("a1B~")], id="a head twice"),
        pytest.param(
            b"\x37\x22a\x00\x12",
            [OrderedByte(0x22), OrderedByte(0x61), OrderedByte(0), StatusByte(0x12)],
            id="half a mark",
        ),
    ],
)
def test_answers_are_told_apart_by_their_bits(data: bytes, answers: list[Answer]) -> None:
    assert _feed(data) == answers


@given(
    st.lists(st.sampled_from([b"\x12", b"\x00", DONE, b"\x10\x00\x03\x00"]), max_size=6), st.data()
)
def test_where_the_stream_is_cut_makes_no_difference(
    parts: list[bytes], data: st.DataObject
) -> None:
    stream = b"".join(parts)
    whole = _feed(stream)
    parser = AnswerParser()
    cut: list[Answer] = []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        cut += parser.feed(stream[:size])
        stream = stream[size:]
    assert cut == whole
    assert len(whole) == len(parts)


@given(st.binary(max_size=50))
def test_noise_is_dropped_byte_by_byte_and_never_kept(noise: bytes) -> None:
    parser = AnswerParser()
    parser.feed(noise)
    parser.reset()
    assert parser.feed(DONE) == [ProcessDone("a1B~")]


@given(st.integers(0, len(DONE) - 1), st.integers(0, 7))
def test_a_flipped_bit_never_confirms_this_job(index: int, bit: int) -> None:
    damaged = bytearray(DONE)
    damaged[index] ^= 1 << bit
    assert ProcessDone("a1B~") not in _feed(bytes(damaged))


WELL = {Ask.PRINTER: 0x12, Ask.OFFLINE_CAUSE: 0x12, Ask.ERROR_CAUSE: 0x12, Ask.PAPER: 0x12}


@pytest.mark.parametrize(
    ("changes", "faults"),
    [
        pytest.param({}, set(), id="all well"),
        pytest.param({Ask.PAPER: 0x1E}, {Fault.PAPER_NEAR_END}, id="near end"),
        pytest.param({Ask.PAPER: 0x7E, Ask.PRINTER: 0x1A}, {Fault.PAPER_OUT}, id="paper out"),
        pytest.param(
            {Ask.OFFLINE_CAUSE: 0x32, Ask.PRINTER: 0x1A}, {Fault.PAPER_OUT}, id="stopped for paper"
        ),
        pytest.param(
            {Ask.OFFLINE_CAUSE: 0x56, Ask.ERROR_CAUSE: 0x52, Ask.PRINTER: 0x1A},
            {Fault.COVER_OPEN},
            id="cover open, which some call an error, too",
        ),
        pytest.param(
            {Ask.ERROR_CAUSE: 0x1A, Ask.PRINTER: 0x1A}, {Fault.CUTTER}, id="the knife is stuck"
        ),
        pytest.param({Ask.ERROR_CAUSE: 0x52}, {Fault.OVERHEATED}, id="too hot"),
        pytest.param({Ask.ERROR_CAUSE: 0x32}, {Fault.BROKEN}, id="broken"),
        pytest.param({Ask.PRINTER: 0x1A}, {Fault.OFFLINE}, id="offline without a reason"),
    ],
)
def test_statuses_are_read_as_the_reference_says(
    changes: dict[Ask, int], faults: set[Fault]
) -> None:
    status = status_of(WELL | changes)
    assert status.faults == faults
    assert status.can_print == (not faults or faults == {Fault.PAPER_NEAR_END})
    assert status.pin3_high is False


def test_the_drawers_contact_is_told() -> None:
    assert status_of(WELL | {Ask.PRINTER: 0x16}).pin3_high is True
    assert status_of_auto(AutoStatus((0x14, 0, 0, 0))).pin3_high is True


@pytest.mark.parametrize(
    ("values", "faults"),
    [
        ((0x10, 0, 0, 0), set()),
        ((0x38, 0, 0, 0), {Fault.COVER_OPEN}),
        ((0x18, 0, 0x0C, 0), {Fault.PAPER_OUT}),
        ((0x10, 0, 0x03, 0), {Fault.PAPER_NEAR_END}),
        ((0x18, 0x08, 0, 0), {Fault.CUTTER}),
        ((0x18, 0x20, 0, 0), {Fault.BROKEN}),
        ((0x18, 0x40, 0, 0), {Fault.OVERHEATED}),
    ],
)
def test_what_a_printer_says_by_itself_means_the_same(
    values: tuple[int, int, int, int], faults: set[Fault]
) -> None:
    assert status_of_auto(AutoStatus(values)).faults == faults

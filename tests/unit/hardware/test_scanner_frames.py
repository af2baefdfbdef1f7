"""What serial scanners send, cut anywhere."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.errors import BadDeviceAddress
from hardware.scanner import FrameReader, Framing, Scan, make_scanner
from hardware.scanner.protocol import SCAN_BYTES_MAX


def _read(framing: Framing, data: bytes) -> list[Scan]:
    return FrameReader(framing).feed(data, 0.0)


@pytest.mark.parametrize("suffix", [b"\r", b"\n", b"\r\n", b"\t"])
def test_any_of_the_usual_suffixes_ends_a_scan(suffix: bytes) -> None:
    assert _read(Framing(), b"ABC" + suffix + b"DEF" + suffix) == [Scan("ABC"), Scan("DEF")]


def test_a_silence_ends_a_scan_of_a_scanner_without_a_suffix() -> None:
    reader = FrameReader(Framing(suffixes=b"", idle_s=0.1))
    assert reader.feed(b"AB", 1.0) == []
    assert reader.feed(b"CD", 1.05) == []
    assert reader.idle(1.1) == []
    assert reader.idle(1.2) == [Scan("ABCD")]
    assert reader.idle(2.0) == []


def test_half_a_scan_of_a_pulled_cable_is_not_the_head_of_the_next() -> None:
    reader = FrameReader(Framing())
    reader.feed(b"HALF", 1.0)
    assert reader.feed(b"WHOLE\r", 5.0) == [Scan("WHOLE")]
    assert reader.bad_frames_count == 1


def test_what_comes_before_the_prefix_is_the_rest_of_another_scan() -> None:
    assert _read(Framing(prefix=b"~"), b"~ONE\rTWO\r9~THREE\r") == [Scan("ONE"), Scan("THREE")]


def test_the_kind_of_code_is_taken_off() -> None:
    framing = Framing(has_aim=True)
    assert _read(framing, b"]Q1HELLO\r") == [Scan("HELLO", "]Q1")]
    assert _read(framing, b"HELLO\r]Q1\r") == []


@pytest.mark.parametrize(
    "noise",
    [
        pytest.param(b"A\x00B\r", id="a control character"),
        pytest.param(b"\xff\xfe\r", id="no text"),
        pytest.param(b"9" * (SCAN_BYTES_MAX + 1) + b"\r", id="too long"),
    ],
)
def test_noise_is_counted_and_costs_no_scan_that_follows(noise: bytes) -> None:
    reader = FrameReader(Framing())
    assert reader.feed(noise + b"GOOD\r", 0.0) == [Scan("GOOD")]
    assert reader.bad_frames_count == 1


def test_separators_of_gs1_and_chinese_are_text() -> None:
    assert _read(Framing(), "01\x1d测试\r".encode()) == [Scan("01\x1d测试")]


@given(st.lists(st.text("ABC123", min_size=1, max_size=20), max_size=5), st.data())
def test_where_the_stream_is_cut_makes_no_difference(codes: list[str], data: st.DataObject) -> None:
    stream = "".join(f"~{code}\r\n" for code in codes).encode()
    reader = FrameReader(Framing(prefix=b"~"))
    scans: list[Scan] = []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        scans += reader.feed(stream[:size], 0.0)
        stream = stream[size:]
    assert scans == [Scan(code) for code in codes]


@pytest.mark.parametrize(
    "address",
    [
        "tcp:host",
        "serial:",
        "serial:/dev/x?suffix=crlf",
        "serial:/dev/x?prefix=zz",
        "serial:/dev/x?prefix=0D",
        "serial:/dev/x?idle_ms=5",
        "serial:/dev/x?speed=9600",
    ],
)
def test_an_address_that_means_nothing_is_refused(address: str) -> None:
    with pytest.raises(BadDeviceAddress):
        make_scanner(address)

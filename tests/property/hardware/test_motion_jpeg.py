"""MJPEG streams: cut anywhere they give the same pictures, and no bytes do harm."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hardware.camera import multipart
from hardware.camera.multipart import MultipartParser, NotMotionJpeg, boundary_of

PICTURES = [b"\xff\xd8" + bytes([n]) * (n * 7) + b"\r\n--lan\r\n\r\n-" for n in range(6)]


def _stream(*, measured: bool, line: bytes = b"\r\n", extra: bytes = b"") -> bytes:
    out = b"a preamble that nobody reads" + line
    for picture in PICTURES:
        out += b"--lane" + line + b"Content-Type: image/jpeg" + line
        if measured:
            out += b"content-LENGTH: %d" % len(picture) + line
        out += line + picture + line + extra
    return out + b"--lane--" + line


def _pictures(stream: bytes, cuts: list[int], boundary: bytes = b"lane") -> list[bytes]:
    parser, found, at = MultipartParser(boundary), list[bytes](), 0
    for cut in [*sorted(cuts), len(stream)]:
        found += parser.feed(stream[at:cut])
        at = cut
    return found


STREAMS = {
    "measured": _stream(measured=True),
    "by its boundary": _stream(measured=False),
    "bare line ends": _stream(measured=True, line=b"\n"),
    "bare line ends, by its boundary": _stream(measured=False, line=b"\n"),
    "an empty line more": _stream(measured=True, extra=b"\r\n"),
}


@pytest.mark.parametrize("stream", STREAMS.values(), ids=list(STREAMS))
@given(cuts=st.lists(st.integers(0, 1_000), max_size=12))
@example(cuts=list(range(1_000)))
@example(cuts=[])
def test_any_cut_of_a_stream_gives_the_same_pictures(stream: bytes, cuts: list[int]) -> None:
    assert _pictures(stream, [cut for cut in cuts if cut < len(stream)]) == PICTURES


@given(st.lists(st.binary(max_size=200), max_size=10), st.binary(min_size=1, max_size=8))
def test_no_bytes_make_it_raise_anything_else_or_give_what_is_no_picture(
    pieces: list[bytes], boundary: bytes
) -> None:
    parser = MultipartParser(boundary)
    try:
        found = [picture for piece in pieces for picture in parser.feed(piece)]
    except NotMotionJpeg:
        return
    assert all(picture.startswith(b"\xff\xd8") for picture in found)


def test_what_is_no_picture_is_passed_over() -> None:
    page = b"--lane\r\nContent-Type: text/html\r\nContent-Length: 4\r\n\r\n<br>\r\n"
    assert _pictures(page + _stream(measured=True), []) == PICTURES


@pytest.mark.parametrize(
    ("stream", "part"),
    [
        pytest.param(b"--lane\r\nX: " + b"x" * 20_000, "headers", id="endless headers"),
        pytest.param(b"Content-Length: 999999999\r\n\r\n", "too large", id="a huge length"),
        pytest.param(b"--lane\r\n\r\n" + b"\xff\xd8" * 600, "does not end", id="endless picture"),
    ],
)
def test_a_stream_beyond_the_limits_is_given_up(
    monkeypatch: pytest.MonkeyPatch, stream: bytes, part: str
) -> None:
    monkeypatch.setattr(multipart, "PICTURE_BYTES_MAX", 1_000)
    with pytest.raises(NotMotionJpeg, match=part):
        _pictures(stream, list(range(0, len(stream), 100)))


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        pytest.param("multipart/x-mixed-replace; boundary=lane", b"lane", id="plain"),
        pytest.param('multipart/x-mixed-replace;boundary="--lane"', b"lane", id="with its dashes"),
        pytest.param("Multipart/Mixed; charset=x; boundary=-", b"-", id="dashes alone"),
    ],
)
def test_the_boundary_is_what_the_answer_declares(content_type: str, boundary: bytes) -> None:
    assert boundary_of(content_type) == boundary


@pytest.mark.parametrize(
    "content_type", ["", "text/html", "multipart/mixed", "multipart/mixed; boundary=", "é", "=;\n="]
)
def test_what_declares_no_boundary_is_no_stream(content_type: str) -> None:
    with pytest.raises(NotMotionJpeg, match="no MJPEG stream"):
        boundary_of(content_type)

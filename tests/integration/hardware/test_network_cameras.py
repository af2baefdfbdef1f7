"""Network cameras over real sockets: the newest picture, stalls, hang-ups, refusals."""

from __future__ import annotations

import base64
import logging
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager

import cv2
import numpy as np
import pytest

from hardware.camera import CameraState, FrameSource, make_source
from hardware.camera.mjpeg import MjpegSource
from hardware.camera.rtsp import RtspSource
from hardware.errors import DeviceGone, DeviceRefused
from tests.fakes.cameras import (
    HANG_UP,
    STALL,
    Play,
    Visit,
    closed_port,
    jpeg_of,
    mjpeg_camera,
    rtsp_camera,
)
from tests.integration.hardware.camera_stage import WAIT_S, States, running

FOR_EVER = 2_000
"""Pictures; at fifty a second more than any test takes."""
PATIENT_S, SHORT_S = 15.0, 0.3
"""How long a source waits for bytes; the short one makes a stall quick to see."""

Make = Callable[..., FrameSource]
Stand = Callable[[list[Visit]], AbstractContextManager[tuple[str, Play]]]


def _shade(shade: int) -> bytes:
    return jpeg_of(np.full((72, 128, 3), shade, np.uint8))


def _mjpeg(address: str, patience_s: float = PATIENT_S) -> FrameSource:
    return MjpegSource(f"http://{address}", read_timeout_s=patience_s)


def _rtsp(address: str, patience_s: float = PATIENT_S) -> FrameSource:
    return RtspSource(f"rtsp://{address}", read_timeout_ms=round(patience_s * 1000))


def _first_shade(source: FrameSource) -> int:
    """The shade of the first picture that comes, in tens."""
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        frame = source.read()
        if frame is not None:
            return round(float(frame.pixels.mean()) / 10) * 10
    raise AssertionError("no picture came")


BOTH = pytest.mark.parametrize(
    ("stand", "make"),
    [
        pytest.param(mjpeg_camera, _mjpeg, id="MJPEG"),
        pytest.param(rtsp_camera, _rtsp, id="RTSP"),
    ],
)


@BOTH
def test_pictures_come_and_their_numbers_rise(stand: Stand, make: Make) -> None:
    with stand([[_shade(120)] * FOR_EVER]) as (address, _play):
        source = make(address)
        source.open()
        assert _first_shade(source) == 120
        numbers = [frame.number for frame in (source.read() for _ in range(5)) if frame]
        assert numbers == sorted(set(numbers))
        source.close()


@BOTH
@pytest.mark.parametrize("end", [STALL, HANG_UP])
def test_a_stream_that_stalls_or_ends_is_gone_and_asked_for_again(
    stand: Stand,
    make: Make,
    end: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "hardware")
    states = States()
    visits: list[Visit] = [[*[_shade(20)] * 40, end], [_shade(220)] * FOR_EVER]
    with stand(visits) as (address, play):
        with running(make(address, SHORT_S), states, stale_after_s=10.0) as camera:
            before = camera.next_frame(WAIT_S)
            assert before is not None
            states.wait_to_begin_with(CameraState.LIVE, CameraState.GONE, CameraState.LIVE)
            after = camera.next_frame(WAIT_S)
            assert after is not None
            assert after.number > before.number
            assert round(float(after.pixels.mean()), -1) == 220
        assert play.visits_count >= 2
    said = [text.removeprefix(f"camera {camera.address} ") for text in caplog.messages]
    assert said[0] == said[2] == "is live"
    assert said[1].startswith("is gone: ")
    assert said[-1] == "stopped"


@BOTH
def test_a_camera_that_is_away_is_gone(stand: Stand, make: Make) -> None:
    del stand
    source = make(f"127.0.0.1:{closed_port()}/")
    with pytest.raises(DeviceGone, match="does not answer"):
        source.open()
    with pytest.raises(DeviceGone, match="not open"):
        source.read()
    source.close()


@BOTH
def test_a_lane_that_stops_hangs_up(stand: Stand, make: Make) -> None:
    with stand([[_shade(120)] * FOR_EVER]) as (address, _play):
        states = States()
        with running(make(address), states, stale_after_s=10.0) as camera:
            assert camera.next_frame(WAIT_S) is not None
        names = {thread.name for thread in threading.enumerate()}
        assert not any(name.startswith(f"camera {camera.address}") for name in names)


# ------------------------------------------------------------------------------- MJPEG alone


def _shades_to_the_end(source: FrameSource, shades: list[int]) -> None:
    while True:
        frame = source.read()
        if frame is not None:
            shades.append(round(float(frame.pixels.mean()) / 10) * 10)


def test_of_pictures_that_wait_together_the_newest_is_given() -> None:
    with mjpeg_camera([[*[_shade(20)] * 9, _shade(220), HANG_UP]]) as (address, play):
        source = make_source(f"http://{address}")
        source.open()
        assert play.sent.wait(WAIT_S)
        shades = list[int]()
        with pytest.raises(DeviceGone, match="the stream ended"):
            _shades_to_the_end(source, shades)
        assert shades[-1] == 220
        assert len(shades) < 5, "old pictures were given out"
        source.close()


def test_name_and_password_of_the_url_are_used() -> None:
    wanted = "Basic " + base64.b64encode(b"ann:se@cret").decode()
    with mjpeg_camera([[_shade(120)] * FOR_EVER], authorised_by=wanted) as (address, _play):
        source = make_source(f"http://ann:se%40cret@{address}/")
        source.open()
        assert _first_shade(source) == 120
        source.close()
        with pytest.raises(DeviceRefused, match="answers 401"):
            make_source(f"http://ann:other@{address}/").open()


@pytest.mark.parametrize("content_type", ["text/html", "image/jpeg", "multipart/mixed", ""])
def test_a_page_that_is_no_stream_is_refused(content_type: str) -> None:
    with mjpeg_camera([[_shade(120)]], content_type=content_type) as (address, _play):
        source = make_source(f"http://{address}")
        with pytest.raises(DeviceRefused, match="no MJPEG stream"):
            source.open()


# -------------------------------------------------------------------------------- RTSP alone


def test_an_error_of_opencv_is_a_lost_network_camera() -> None:
    def explode(_url: str, _limits: list[int]) -> cv2.VideoCapture:
        raise cv2.error("no")

    with pytest.raises(DeviceGone, match="does not answer"):
        RtspSource("rtsp://10.0.0.5/", open_capture=explode).open()

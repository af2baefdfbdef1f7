"""Cameras: the newest frame, loss and return, over real files and folders."""

from __future__ import annotations

import logging
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from hardware.address import parse_address
from hardware.camera import Camera, CameraState, Frame, FrameSource, make_source
from hardware.camera.pace import Pace
from hardware.camera.usb import UsbSource, UsbWish
from hardware.errors import DeviceError, DeviceGone
from tests.fakes.cameras import jpeg_of
from tests.fakes.frames import Pixels, write_frame
from tests.integration.hardware.camera_stage import WAIT_S, States, running


def _picture(shade: int) -> Pixels:
    return np.full((72, 128, 3), shade, np.uint8)


def _shade(frame: Frame | None) -> int:
    """The shade of a frame of one shade, give or take what compression does to it."""
    assert frame is not None
    return round(float(frame.pixels.mean()) / 10) * 10


def _write_video(path: Path, shades: list[int]) -> None:
    fourcc = cv2.VideoWriter.fourcc(*("mp4v" if path.suffix == ".mp4" else "MJPG"))
    writer = cv2.VideoWriter(str(path), fourcc, 30.0, (128, 72))
    for shade in shades:
        writer.write(_picture(shade))
    writer.release()


class ScriptedSource:
    """Gives what it is told to, as a camera would: one step a read, afterwards `otherwise`."""

    def __init__(self, *, quiet_is_normal: bool = False) -> None:
        self.address = "scripted:"
        self.quiet_is_normal = quiet_is_normal
        self.opened_count = 0
        self.closed_count = 0
        self.steps: list[Callable[[], Frame | None]] = []
        self.otherwise: Callable[[], Frame | None] = lambda: None
        self.is_there = True

    def open(self) -> None:
        if not self.is_there:
            raise DeviceGone("no camera answers here", self.address)
        self.opened_count += 1

    def read(self) -> Frame | None:
        return self.steps.pop(0)() if self.steps else self.otherwise()

    def close(self) -> None:
        self.closed_count += 1


def _frame(number: int, shade: int = 0) -> Frame:
    return Frame(_picture(shade), number, time.monotonic())


def test_a_slow_consumer_gets_the_newest_frame_and_not_the_next() -> None:
    source, done = ScriptedSource(quiet_is_normal=True), threading.Event()
    source.steps = [lambda number=number: _frame(number) for number in range(100)]  # type: ignore[misc]
    source.steps.append(done.set)
    with running(source, States()) as camera:
        assert done.wait(WAIT_S)
        newest = camera.next_frame(WAIT_S, after=3)
        assert newest is not None
        assert newest.number == 99
        assert camera.next_frame(0.0, after=99) is None


def test_a_waiting_consumer_is_given_a_frame_when_it_comes() -> None:
    source, asked = ScriptedSource(quiet_is_normal=True), threading.Event()

    def give_when_asked() -> Frame:
        assert asked.wait(WAIT_S)
        return _frame(7)

    source.steps = [give_when_asked]
    with running(source, States()) as camera:
        assert camera.next_frame(0.0) is None
        asked.set()
        frame = camera.next_frame(WAIT_S)
        assert frame is not None
        assert frame.number == 7


def test_a_camera_without_frames_is_gone_once_and_opened_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "hardware")
    source, states = ScriptedSource(), States()
    source.steps = [lambda: _frame(0)]

    def frame_every_10_ms() -> Frame:
        time.sleep(0.01)
        return _frame(1)

    with running(source, states) as camera:
        states.wait_for(CameraState.LIVE, CameraState.GONE)
        assert camera.next_frame(0.0) is None, "a frame from before the loss was given out"
        source.is_there = False
        tries_count = source.closed_count
        while source.closed_count < tries_count + 3:
            time.sleep(0.01)
        source.otherwise = frame_every_10_ms
        source.is_there = True
        states.wait_for(CameraState.LIVE, CameraState.GONE, CameraState.LIVE)
        assert camera.next_frame(WAIT_S) is not None
    assert caplog.messages == [
        "camera scripted: is live",
        "camera scripted: is gone: no frame comes any more",
        "camera scripted: is live",
        "camera scripted: stopped",
    ]


def test_a_read_that_hangs_is_noticed_from_outside() -> None:
    source, states, unhang = ScriptedSource(), States(), threading.Event()

    def hang() -> None:
        assert unhang.wait(WAIT_S)

    source.steps = [lambda: _frame(0), hang]
    with running(source, states, stale_after_s=0.05) as camera:
        states.wait_for(CameraState.LIVE, CameraState.GONE)
        assert camera.state is CameraState.GONE
        unhang.set()


def test_stop_gives_up_on_a_read_that_hangs() -> None:
    source, unhang, hanging = ScriptedSource(), threading.Event(), threading.Event()

    def hang() -> None:
        hanging.set()
        assert unhang.wait(WAIT_S)

    source.steps = [hang]
    camera = Camera(source)
    camera.start()
    assert hanging.wait(WAIT_S)
    assert not camera.stop(timeout_s=0.05)
    unhang.set()
    assert camera.stop()
    assert camera.state is CameraState.STOPPED


@pytest.mark.expected_errors("camera scripted: failed and is opened again")
def test_a_bug_in_a_source_is_logged_and_the_source_opened_again() -> None:
    source, states = ScriptedSource(quiet_is_normal=True), States()

    def fail() -> None:
        raise ZeroDivisionError

    source.steps = [fail, lambda: _frame(0)]
    with running(source, states) as camera:
        assert camera.next_frame(WAIT_S) is not None
        assert states.seen == [CameraState.LIVE, CameraState.GONE, CameraState.LIVE]


def test_a_consumer_that_waits_is_let_go_at_stop() -> None:
    source, answers = ScriptedSource(quiet_is_normal=True), list[Frame | None]()
    camera = Camera(source)
    camera.start()
    waiter = threading.Thread(target=lambda: answers.append(camera.next_frame(WAIT_S)))
    waiter.start()
    assert camera.stop()
    waiter.join(WAIT_S)
    assert answers == [None]
    with pytest.raises(RuntimeError, match="started once"):
        camera.start()


# ------------------------------------------------------------------------------- video files


@pytest.mark.parametrize("name", ["lane.avi", "lane.mp4"])
def test_a_video_is_shown_frame_by_frame_and_then_stays_quiet(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    _write_video(path, [20, 120, 220])
    source = make_source(f"file:{path}?fps=120")
    source.open()
    frames = [source.read() for _ in range(5)]
    source.close()
    assert [_shade(frame) for frame in frames[:3]] == [20, 120, 220]
    assert frames[3:] == [None, None]
    assert [frame.number for frame in frames if frame] == [0, 1, 2]


def test_a_looped_video_begins_again_and_numbers_go_on(tmp_path: Path) -> None:
    path = tmp_path / "lane.avi"
    _write_video(path, [20, 120])
    source = make_source(f"file:{path}?fps=120&loop=1")
    source.open()
    frames = [source.read() for _ in range(4)]
    source.close()
    assert [_shade(frame) for frame in frames] == [20, 120, 20, 120]
    assert [frame.number for frame in frames if frame] == [0, 1, 2, 3]


def test_a_video_that_is_deleted_is_gone_and_live_again_when_it_is_back(tmp_path: Path) -> None:
    path, states = tmp_path / "lane.avi", States()
    _write_video(path, [20] * 10)
    with running(make_source(f"file:{path}?fps=120&loop=1"), states) as camera:
        before = camera.next_frame(WAIT_S)
        assert _shade(before) == 20
        path.unlink()
        states.wait_for(CameraState.LIVE, CameraState.GONE)
        _write_video(tmp_path / "next.avi", [220] * 10)
        (tmp_path / "next.avi").rename(path)
        states.wait_for(CameraState.LIVE, CameraState.GONE, CameraState.LIVE)
        after = camera.next_frame(WAIT_S)
        assert _shade(after) == 220
        assert before is not None
        assert after is not None
        assert after.number > before.number


@pytest.mark.parametrize(
    ("content", "part"),
    [
        pytest.param(None, "the file is not there", id="absent"),
        pytest.param(b"", "no video that can be played", id="empty"),
        pytest.param(b"no video at all", "no video that can be played", id="a text"),
    ],
)
def test_a_video_that_cannot_be_played_says_so(
    tmp_path: Path, content: bytes | None, part: str
) -> None:
    path = tmp_path / "lane.mp4"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DeviceGone, match=part):
        make_source(f"file:{path}").open()


def test_reading_a_source_that_is_not_open_is_a_device_error(tmp_path: Path) -> None:
    path = tmp_path / "lane.avi"
    _write_video(path, [20])
    for source in (make_source(f"file:{path}"), make_source("usb:99")):
        with pytest.raises(DeviceError):
            source.read()


def test_frames_keep_their_pace_and_missed_ones_are_not_made_up_for() -> None:
    now, slept = [100.0], list[float]()

    def sleep(seconds: float) -> None:
        slept.append(round(seconds, 3))
        now[0] += seconds

    pace = Pace(clock=lambda: now[0], sleep=sleep)
    assert pace.wait(10) == 100.0
    assert pace.wait(10) == pytest.approx(100.1)
    now[0] += 5
    pace.wait(10)
    pace.wait(10)
    assert slept == [0.1, 0.1]


# ----------------------------------------------------------------------------------- folders


def _shown(source: FrameSource, reads_count: int) -> list[int]:
    frames = [source.read() for _ in range(reads_count)]
    return [_shade(frame) for frame in frames if frame is not None]


def test_the_pictures_of_a_folder_are_shown_in_name_order_for_some_frames_each(
    tmp_path: Path,
) -> None:
    write_frame(tmp_path / "2.jpg", _picture(120))
    write_frame(tmp_path / "1.png", _picture(20))
    (tmp_path / "notes.txt").write_text("not shown")
    write_frame(tmp_path / ".3.png", _picture(220))
    source = make_source(f"folder:{tmp_path}?fps=120&repeat=2")
    source.open()
    assert _shown(source, 10) == [20, 20, 120, 120]


def test_a_watched_folder_shows_what_arrives_later(tmp_path: Path) -> None:
    source = make_source(f"folder:{tmp_path}?fps=120&repeat=1&watch=1")
    source.open()
    assert _shown(source, 3) == []
    write_frame(tmp_path / "b.png", _picture(120))
    write_frame(tmp_path / "a.png", _picture(20))
    assert _shown(source, 5) == [20, 120]
    (tmp_path / "a.png").unlink()
    assert _shown(source, 2) == []
    write_frame(tmp_path / "a.png", _picture(220))
    assert _shown(source, 5) == [220]


def test_a_file_still_being_written_is_not_shown_yet(tmp_path: Path) -> None:
    source = make_source(f"folder:{tmp_path}?fps=120&repeat=1&watch=1")
    source.open()
    done, data = cv2.imencode(".png", _picture(120))
    assert done
    with (tmp_path / "slow.png").open("wb", buffering=0) as file:
        for byte in data.tobytes()[:20]:
            file.write(bytes((byte,)))
            assert source.read() is None
        file.write(data.tobytes()[20:])
    assert _shown(source, 3) == [120]


def test_a_damaged_picture_is_passed_over_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "1.png").write_bytes(b"not a picture")
    (tmp_path / "2.png").write_bytes(b"")
    write_frame(tmp_path / "3.png", _picture(120))
    source = make_source(f"folder:{tmp_path}?fps=120&repeat=1")
    source.open()
    assert _shown(source, 3) == [120]
    assert [each.partition(": ")[2] for each in caplog.messages] == [
        "1.png is no readable picture and is passed over",
        "2.png is no readable picture and is passed over",
    ]


def test_a_quiet_folder_is_live_and_a_removed_one_is_gone_until_it_is_back(tmp_path: Path) -> None:
    folder, states = tmp_path / "frames", States()
    folder.mkdir()
    with running(
        make_source(f"folder:{folder}?fps=120&watch=1"), states, stale_after_s=0.02
    ) as camera:
        states.wait_for(CameraState.LIVE)
        assert camera.next_frame(0.1) is None
        states.wait_for(CameraState.LIVE)
        shutil.rmtree(folder)
        states.wait_for(CameraState.LIVE, CameraState.GONE)
        folder.mkdir()
        write_frame(folder / "1.png", _picture(120))
        states.wait_for(CameraState.LIVE, CameraState.GONE, CameraState.LIVE)
        assert _shade(camera.next_frame(WAIT_S)) == 120


# ------------------------------------------------------------------------------- USB cameras


class FakeCapture:
    """Stands for cv2.VideoCapture, whose cable is the one thing that cannot be had here."""

    def __init__(self, frames: list[Pixels], *, opens: bool = True) -> None:
        self.frames = frames
        self.opens = opens
        self.settings: dict[int, float] = {}
        self.released = False

    def isOpened(self) -> bool:  # noqa: N802 - OpenCV's name
        return self.opens

    def set(self, name: int, value: float) -> bool:
        self.settings[name] = value
        return True

    def read(self) -> tuple[bool, Pixels | None]:
        if not self.frames:
            return False, None
        return True, self.frames.pop(0)

    def release(self) -> None:
        self.released = True


def _usb(
    text: str,
    capture: FakeCapture,
    devices: list[int | str],
    *,
    wish: UsbWish = UsbWish(),  # noqa: B008 - frozen
    packed: bool = False,
) -> UsbSource:
    def open_capture(device: int | str) -> cv2.VideoCapture:
        devices.append(device)
        return capture  # type: ignore[return-value]  # it has the five methods that are used

    return UsbSource(parse_address(text), wish, open_capture=open_capture, packed=packed)


def test_a_usb_camera_is_asked_for_compressed_frames_and_a_short_buffer() -> None:
    capture, devices = FakeCapture([_picture(120)]), list[int | str]()
    source = _usb("usb:0", capture, devices)
    source.open()
    assert devices == [0]
    assert capture.settings == {
        cv2.CAP_PROP_FOURCC: cv2.VideoWriter.fourcc(*"MJPG"),
        cv2.CAP_PROP_FRAME_WIDTH: 1280,
        cv2.CAP_PROP_FRAME_HEIGHT: 720,
        cv2.CAP_PROP_FPS: 30,
        cv2.CAP_PROP_BUFFERSIZE: 1,
    }
    assert _shade(source.read()) == 120
    assert source.read() is None
    source.close()
    assert capture.released


def test_a_usb_camera_is_told_how_long_to_expose_only_where_somebody_said_so() -> None:
    capture = FakeCapture([])
    _usb("usb:0", capture, [], wish=UsbWish(exposure=80)).open()
    assert capture.settings[cv2.CAP_PROP_AUTO_EXPOSURE] == 1
    assert capture.settings[cv2.CAP_PROP_EXPOSURE] == 80


def test_frames_of_a_usb_camera_stay_packed_until_somebody_looks() -> None:
    packed = np.frombuffer(jpeg_of(_picture(120)), np.uint8).reshape(1, -1)
    capture = FakeCapture([packed])
    source = _usb("usb:0", capture, [], packed=True)
    source.open()
    assert capture.settings[cv2.CAP_PROP_CONVERT_RGB] == 0
    frame = source.read()
    assert frame is not None
    assert frame.thumbnail().shape == (9, 16)
    assert frame.pixels.shape == (72, 128)
    assert _shade(frame) == 120


def test_of_uncompressed_frames_the_brightness_is_taken() -> None:
    yuyv = np.dstack([np.full((72, 128), 120, np.uint8), np.full((72, 128), 3, np.uint8)])
    source = _usb("usb:0", FakeCapture([yuyv]), [], packed=True)
    source.open()
    assert _shade(source.read()) == 120


def test_a_format_of_the_cameras_own_is_left_to_opencv_from_then_on() -> None:
    h264 = np.frombuffer(b"\x00\x00\x00\x01" * 9, np.uint8).reshape(1, -1)
    capture = FakeCapture([h264, _picture(120)])
    source = _usb("usb:0", capture, [], packed=True)
    source.open()
    assert source.read() is None
    assert capture.settings[cv2.CAP_PROP_CONVERT_RGB] == 1
    assert _shade(source.read()) == 120


def test_a_damaged_picture_has_no_pixels_and_harms_nobody() -> None:
    whole = jpeg_of(_picture(120))
    for packed in (b"", whole[:2], whole[:200], b"\xff\xd8" + bytes(500)):
        frame = Frame(packed, 0, 0.0)
        assert frame.thumbnail().size == 0
        assert frame.pixels.size == 0
    assert Frame(np.zeros((7, 7, 3), np.uint8), 0, 0.0).thumbnail().size == 0


def test_a_usb_camera_may_be_named_by_its_path() -> None:
    devices = list[int | str]()
    _usb("usb:/dev/v4l/by-id/lane-1", FakeCapture([]), devices).open()
    assert devices == ["/dev/v4l/by-id/lane-1"]


def test_an_absent_usb_camera_is_gone() -> None:
    capture = FakeCapture([], opens=False)
    with pytest.raises(DeviceGone, match="no camera answers here"):
        _usb("usb:0", capture, []).open()
    assert capture.released
    with pytest.raises(DeviceGone, match="no camera answers here"):
        make_source("usb:/dev/no-such-camera").open()


def test_an_error_of_opencv_is_a_lost_camera(monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(*_: object) -> None:
        raise cv2.error("ioctl")

    capture = FakeCapture([])
    source = _usb("usb:0", capture, [])
    source.open()
    monkeypatch.setattr(capture, "read", explode)
    with pytest.raises(DeviceGone, match="reading the camera failed"):
        source.read()
    broken = UsbSource(parse_address("usb:0"), UsbWish(), open_capture=explode)  # type: ignore[arg-type]  # it never returns
    with pytest.raises(DeviceGone, match="cannot be opened"):
        broken.open()

"""What watching a camera costs: the frames, the lane around them, and the processor's time."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

import cv2
import numpy as np

from hardware.camera import Camera, Frame
from hardware.camera.pace import Pace
from hardware.qr import CascadeDecoder, Eye, Found
from hardware.qr.decoder import Decoder
from tests.bench._degraded import TICKETS_COUNT, Chance, Floats, hold, square, wall
from tests.bench._tickets import paper_ticket, phone_ticket
from tests.fakes.frames import Pixels

FPS = 30
JPEG_QUALITY = 80
"""Packs a frame of a quiet wall to about 100 KB, as a camera does at 720p."""
FRAMES_COUNT = 12
"""Different frames of each scene, by their noise; they are shown in turn."""


def empty_frames(seed: int = 1) -> list[bytes]:
    """A lane in which nobody stands: the same wall, fresh noise in every frame."""
    chance = np.random.default_rng(seed)
    scene = wall(chance)
    return [_packed(scene, chance) for _ in range(FRAMES_COUNT)]


def busy_frames(seed: int = 1) -> list[bytes]:
    """A lane through which something moves all the time, without a code."""
    chance = np.random.default_rng(seed)
    scene = wall(chance)
    return [_packed(np.roll(scene, 40 * at, axis=1), chance) for at in range(FRAMES_COUNT)]


def code_frames(seed: int = 1) -> list[bytes]:
    """A ticket held up in a hand that is not quite still."""
    chance = np.random.default_rng(seed)
    scene, ticket = wall(chance), paper_ticket(seed % TICKETS_COUNT)
    corners = square(chance)
    return [
        _packed(hold(scene.copy(), ticket, corners + chance.uniform(-2, 2, 2)), chance)
        for _ in range(FRAMES_COUNT)
    ]


def _packed(scene: Floats, chance: Chance, noise: float = 2.5) -> bytes:
    """`scene` as a USB camera sends it: in colour, with its noise, as a JPEG."""
    seen = cv2.GaussianBlur(scene, (0, 0), 0.7)
    seen = seen + chance.standard_normal(scene.shape, np.float32) * noise
    grey, warmer = (np.clip(seen + more, 0, 255).astype(np.uint8) for more in (0, 6))
    tinted = cv2.merge([grey, grey, warmer])
    done, data = cv2.imencode(".jpg", tinted, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    assert done
    return data.tobytes()


class LoopSource:
    """A camera that sends packed frames at its pace, over and over."""

    quiet_is_normal = False
    address = "loop:"

    def __init__(self, frames: Sequence[bytes], fps: int = FPS) -> None:
        self._frames, self._fps = frames, fps
        self._pace, self._numbers = Pace(), count()

    def open(self) -> None:
        """Nothing to open."""

    def read(self) -> Frame:
        """The next frame, when it is due."""
        taken = self._pace.wait(self._fps)
        number = next(self._numbers)
        return Frame(self._frames[number % len(self._frames)], number, taken)

    def close(self) -> None:
        """Nothing to close."""


@dataclass(frozen=True)
class Watched:
    """What a stretch of watching took. `cpu_ratio`: of one core, by the whole process."""

    cpu_ratio: float
    frames_count: int
    read_count: int


def watch(frames: Sequence[bytes], seconds: float, eye: Eye | None = None) -> Watched:
    """Run a camera and an eye on it as a lane does, on their threads, for `seconds`.

    The first three seconds are not counted: the eye is awake then, whatever it sees.
    """
    camera, stop = Camera(LoopSource(frames)), threading.Event()
    looks = _Looks(camera, eye or Eye(), stop)
    camera.start()
    looks.start()
    time.sleep(3)
    before, cpu_s, began = looks.counts(), time.process_time(), time.monotonic()
    time.sleep(seconds)
    cpu_s, took_s = time.process_time() - cpu_s, time.monotonic() - began
    seen, read = (now - then for now, then in zip(looks.counts(), before, strict=True))
    stop.set()
    looks.join()
    assert camera.stop()
    return Watched(cpu_s / took_s, seen, read)


class _Looks(threading.Thread):
    """The lane's thread, without a door."""

    def __init__(self, camera: Camera, eye: Eye, stop: threading.Event) -> None:
        super().__init__(name="lane")
        self._camera, self._eye, self._stop_asked = camera, eye, stop
        self._frames_count = self._read_count = 0

    def counts(self) -> tuple[int, int]:
        """Frames taken and codes read until now."""
        return self._frames_count, self._read_count

    def run(self) -> None:
        number = -1
        while not self._stop_asked.is_set():
            frame = self._camera.next_frame(0.5, after=number)
            if frame is not None:
                number = frame.number
                self._frames_count += 1
                self._read_count += bool(self._eye.look(frame).found.readings)


def cpu_ratios(seconds: float) -> dict[str, float]:
    """`empty_cpu_ratio` and `code_cpu_ratio` of a camera lane at 30 fps, 1280 x 720."""
    return {
        "empty_cpu_ratio": watch(empty_frames(), seconds).cpu_ratio,
        "code_cpu_ratio": watch(code_frames(), seconds).cpu_ratio,
    }


@dataclass(frozen=True)
class Late:
    """How tickets fared whose lane was idle before. Delays in frames, against every frame read."""

    shown_count: int
    read_count: int
    missed_count: int
    delay_frames_max: int


def passed_over(shown_count: int) -> Late:
    """Hold up tickets to an idle lane, small, dim and by turns in dark mode: is one seen later?

    Each is compared with a decoder that looks at every frame. A second of frames each.
    """
    read = missed = worst = 0
    for seed in range(shown_count):
        plain, gated = _first_read_at(seed)
        if plain is None:
            continue
        read += 1
        missed += gated is None
        worst = max(worst, (FPS if gated is None else gated) - plain)
    return Late(shown_count, read, missed, worst)


def _first_read_at(seed: int) -> tuple[int | None, int | None]:
    """The first frame in which the ticket of `seed` is read: looking at all, and as a lane looks."""
    chance = np.random.default_rng(seed)
    scene, light = wall(chance), chance.uniform(0.15, 1)
    ticket = phone_ticket(seed % TICKETS_COUNT, inverted=seed % 2 == 1)
    held = hold(scene.copy(), ticket, square(chance, side=(100, 220), spread=(500, 250)))
    before = [_dim(scene, light, chance) for _ in range(4)]
    after = [_dim(held, light, chance) for _ in range(4)]
    now_s = [0.0]
    eye, every = Eye(clock=lambda: now_s[0]), CascadeDecoder(clock=lambda: now_s[0])
    plain = gated = None
    for at in range(-3 * FPS, FPS):
        now_s[0] += 1 / FPS
        pixels = before[at % 4] if at < 0 else after[at % 4]
        found = eye.look(Frame(pixels, at, now_s[0])).found
        if at >= 0 and found.readings:
            gated = at
            break
        if at >= 0 and plain is None and every.decode(pixels).readings:
            plain = at
    if gated is not None and plain is None:
        plain = gated
    return plain, gated


def _dim(scene: Floats, light: float, chance: Chance) -> Pixels:
    noisy = scene * light + chance.standard_normal(scene.shape, np.float32) * 4
    return np.asarray(np.clip(noisy, 0, 255), np.uint8)


def milliseconds_a_frame(frames: Sequence[bytes], decoder: Decoder | None = None) -> float:
    """The processor's time for unpacking a frame in full and decoding it, in milliseconds."""
    cv2.setNumThreads(1)  # as the eye does
    decoder = decoder or CascadeDecoder()
    found = [Found()]
    began = time.process_time()
    for number, packed in enumerate(frames):
        found.append(decoder.decode(Frame(packed, number, 0.0).pixels))
    return (time.process_time() - began) * 1000 / len(frames)

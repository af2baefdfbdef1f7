"""Which frames are looked at, and when a visitor is helped."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from hardware.camera.frame import Frame
from hardware.qr import Eye, Found, Hint, Reading
from hardware.qr.decoder import Grey
from hardware.qr.hints import (
    HINT_AFTER_S,
    HINT_AGAIN_S,
    HINTS_IN_A_ROW_MAX,
    Hints,
    OncePer,
    Sharpness,
    hint_for,
    measure,
)
from hardware.qr.presence import AWAKE_S

FPS = 30
SQUARE = ((0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (0.0, 10.0))
READ = Found((Reading("TEXT", "scripted", SQUARE),))
SUSPECTED, NOTHING = Found(suspected=True), Found()
GREY = np.full((176, 320), 128, np.uint8)


class Lane:
    """An eye with a scripted decoder, thirty frames a second."""

    def __init__(self) -> None:
        self.now_s, self.looked_count = 100.0, 0
        self.finds = NOTHING
        self.name = "scripted"
        self.eye = Eye(self, clock=lambda: self.now_s)
        self._chance = np.random.default_rng(1)
        self.scene = self._chance.integers(40, 200, (176, 320)).astype(np.float32)

    def decode(self, grey: Grey) -> Found:
        assert grey.shape == self.scene.shape
        self.looked_count += 1
        return self.finds

    def watch(self, seconds: float, *, noise: float = 3) -> int:
        """Let frames come; how many of them were decoded."""
        before = self.looked_count
        for _ in range(round(seconds * FPS)):
            self.now_s += 1 / FPS
            seen = self.scene + self._chance.standard_normal(self.scene.shape, np.float32) * noise
            pixels = np.clip(seen, 0, 255).astype(np.uint8)
            self.eye.look(Frame(pixels, 0, self.now_s))
        return self.looked_count - before


@pytest.mark.parametrize("noise", [0, 3, 12])
def test_an_idle_lane_looks_at_one_frame_in_five(noise: float) -> None:
    lane = Lane()
    lane.watch(AWAKE_S + 1, noise=noise)
    assert 10 <= lane.watch(2, noise=noise) <= 13


def test_what_moves_is_looked_at_in_every_frame_and_for_a_while_after() -> None:
    lane = Lane()
    lane.watch(AWAKE_S + 1)
    lane.scene[100:140, 200:240] += 30
    assert lane.watch(1 / FPS) == 1
    assert lane.watch(AWAKE_S - 0.2) == round((AWAKE_S - 0.2) * FPS)
    lane.watch(1)
    assert lane.watch(1) <= 7


def test_a_slow_change_adds_up() -> None:
    lane = Lane()
    lane.watch(AWAKE_S + 1)
    for _ in range(30):
        lane.scene += 4
        lane.watch(1 / FPS)
    assert lane.watch(1) == FPS


@pytest.mark.parametrize("finds", [READ, SUSPECTED])
def test_while_a_code_is_in_view_every_frame_is_looked_at(finds: Found) -> None:
    lane = Lane()
    lane.finds = finds
    assert lane.watch(AWAKE_S + 1) == round((AWAKE_S + 1) * FPS)
    lane.finds = NOTHING
    lane.watch(AWAKE_S + 1)
    assert lane.watch(1) <= 7


def test_what_is_found_is_told() -> None:
    lane = Lane()
    lane.finds = READ
    sight = lane.eye.look(Frame(lane.scene.astype(np.uint8), 0, 0.0))
    assert (sight.found, sight.hint) == (READ, None)


def test_a_frame_of_another_size_or_a_damaged_one_is_one_like_others() -> None:
    eye = Eye(clock=lambda: 0.0)
    for picture in (
        np.zeros((90, 160), np.uint8),
        np.zeros((90, 160, 3), np.uint8),
        np.zeros((90, 160, 2), np.uint8),
        np.zeros((3, 3), np.uint8),
        np.zeros((0, 0), np.uint8),
        b"\xff\xd8 cut off",
        b"",
    ):
        assert eye.look(Frame(picture, 0, 0.0)).found == NOTHING


# --------------------------------------------------------------------------------------- hints


def _hinted_at(script: list[tuple[float, Found]]) -> list[float]:
    """The seconds at which a hint came, while each found lasted so many seconds."""
    hints, now_s, out = Hints(), 0.0, list[float]()
    for seconds, found in script:
        for _ in range(round(seconds * FPS)):
            now_s += 1 / FPS
            if hints.advise(found, GREY, now_s) is not None:
                out.append(round(now_s, 1))
    return out


@pytest.mark.parametrize(
    ("script", "at"),
    [
        pytest.param([(1.9, SUSPECTED)], [], id="not yet"),
        pytest.param([(3.0, SUSPECTED)], [HINT_AFTER_S], id="two seconds"),
        pytest.param([(1.0, SUSPECTED), (0.1, READ), (1.9, SUSPECTED)], [], id="it was read"),
        pytest.param([(1.0, SUSPECTED), (0.8, NOTHING), (0.4, SUSPECTED)], [2.0], id="a blink"),
        pytest.param([(1.0, SUSPECTED), (1.2, NOTHING), (1.9, SUSPECTED)], [], id="it went away"),
        pytest.param([(7.0, SUSPECTED)], [2.0, 2.0 + HINT_AGAIN_S], id="again"),
        pytest.param([(9.0, NOTHING), (9.0, READ)], [], id="no suspicion"),
    ],
)
def test_a_hint_comes_when_a_code_is_suspected_for_long(
    script: list[tuple[float, Found]], at: list[float]
) -> None:
    assert _hinted_at(script) == pytest.approx(at, abs=0.11)


def test_a_torn_poster_is_not_talked_to_all_day() -> None:
    assert len(_hinted_at([(600, SUSPECTED)])) == HINTS_IN_A_ROW_MAX
    again = [(600.0, SUSPECTED), (2.0, NOTHING), (3.0, SUSPECTED)]
    assert len(_hinted_at(again)) == HINTS_IN_A_ROW_MAX + 1


@pytest.mark.parametrize(
    ("seen", "hint"),
    [
        pytest.param(Sharpness(0.12, 80, 60), Hint.BRIGHTER, id="dark"),
        pytest.param(Sharpness(0.04, 80, 200), Hint.HOLD_STILL, id="soft"),
        pytest.param(Sharpness(0.16, 6, 200), Hint.CLOSER, id="few details"),
        pytest.param(Sharpness(0.12, 80, 200), Hint.WHOLE_CODE, id="nothing else is wrong"),
    ],
)
def test_the_hint_says_what_would_help(seen: Sharpness, hint: Hint) -> None:
    assert hint_for(seen) is hint


def test_a_softer_frame_has_weaker_edges() -> None:
    board = (np.indices((400, 400)).sum(axis=0) // 8 % 2 * 200 + 20).astype(np.uint8)
    soft = np.asarray(cv2.GaussianBlur(board, (0, 0), 4), np.uint8)
    assert measure(soft).edges < measure(board).edges / 2
    assert measure(np.zeros((10, 10), np.uint8)).tiles_count == 0
    assert measure(np.zeros((400, 400), np.uint8)).edges == 0


def test_something_may_be_said_once_in_a_while() -> None:
    once = OncePer(4.0)
    assert [once.is_due(now_s) for now_s in (0.0, 3.9, 4.0, 5.0, 8.1)] == [
        True,
        False,
        True,
        False,
        True,
    ]

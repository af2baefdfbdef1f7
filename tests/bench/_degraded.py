"""Views of tickets that are hard to read, one kind of trouble at a time: `view(kind, seed)`.

Each is a frame of 1280 x 720 as a camera sends it, packed to a JPEG and unpacked again; the same
seed gives the same frame. Within a kind the seed also chooses how bad it is, from slight to so bad
that people would not expect it to be read. All pictures are our own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.bench._tickets import Ticket, paper_ticket, phone_ticket
from tests.fakes.frames import FRAME_HEIGHT, FRAME_WIDTH, Pixels

SIZE = (FRAME_WIDTH, FRAME_HEIGHT)
TICKETS_COUNT = 6
"""How many different tickets there are of each sort; their pictures are kept."""
Chance: TypeAlias = np.random.Generator
Floats: TypeAlias = NDArray[np.float32]


@dataclass(frozen=True)
class View:
    """A frame in grey and the texts of the codes in it, the nearest to the middle first."""

    grey: Pixels
    texts: tuple[str, ...]


def view(kind: str, seed: int) -> View:
    """The frame of `kind` (a key of `KINDS`) that belongs to `seed`."""
    chance = np.random.default_rng([seed, *kind.encode()])
    scene, texts = KINDS[kind](chance)
    return View(as_sent(scene, chance), texts)


def as_sent(scene: Floats, chance: Chance) -> Pixels:
    """A scene (grey, 0 to 255) as it comes out of a camera: a little soft, noisy, packed."""
    soft = cv2.GaussianBlur(scene, (0, 0), chance.uniform(0.4, 0.9))
    noisy = soft + chance.standard_normal(soft.shape, np.float32) * chance.uniform(1, 3)
    pixels = np.clip(noisy, 0, 255).astype(np.uint8)
    done, packed = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 85])
    assert done
    return np.asarray(cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE), np.uint8)


def wall(chance: Chance) -> Floats:
    """Blotches of several sizes: a wall, a coat, a crowd out of focus. One of a few dozen."""
    return _wall(int(chance.integers(24))).copy()


@cache
def _wall(number: int) -> Floats:
    chance = np.random.default_rng(number)
    grain = np.full((FRAME_HEIGHT, FRAME_WIDTH), chance.uniform(50, 180), np.float32)
    for cells in (6, 24, 90):
        coarse = chance.standard_normal((cells, cells * 16 // 9), np.float32)
        grain += cv2.resize(coarse, SIZE, interpolation=cv2.INTER_CUBIC) * 14
    return grain


def hold(scene: Floats, ticket: Ticket, corners: NDArray[np.float64]) -> Floats:
    """`scene` with the ticket in it, so that its code's corners come to `corners`."""
    turn = cv2.getPerspectiveTransform(ticket.corners, corners.astype(np.float32))
    grey: Floats = cv2.cvtColor(ticket.pixels, cv2.COLOR_BGR2GRAY).astype(np.float32)
    scale = np.sqrt(_area(corners) / _area(ticket.corners.astype(np.float64)))
    if scale < 0.7:  # a lens averages over what it cannot resolve; warping alone would pick points
        grey = np.asarray(cv2.GaussianBlur(grey, (0, 0), 0.35 / scale), np.float32)
    held = cv2.warpPerspective(grey, turn, SIZE, flags=cv2.INTER_LINEAR)
    mask = cv2.warpPerspective(np.ones_like(grey), turn, SIZE)
    return np.asarray(scene * (1 - mask) + held * mask, np.float32)


def _area(corners: NDArray[np.float64]) -> float:
    return float(cv2.contourArea(corners.astype(np.float32)))


def square(
    chance: Chance,
    *,
    side: tuple[float, float] = (230, 380),
    turn_deg: float = 12,
    jitter: float = 0.03,
    centre: tuple[float, float] | None = None,
    spread: tuple[float, float] = (150, 60),
) -> NDArray[np.float64]:
    """Where a code is held: a square of `side` pixels, turned and pulled a little, in view."""
    angle = np.radians(chance.uniform(-turn_deg, turn_deg))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    unit = np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]])
    pulled = unit + chance.uniform(-jitter, jitter, (4, 2))
    middle = np.array(centre or (FRAME_WIDTH / 2, FRAME_HEIGHT / 2))
    if centre is None:
        middle = middle + chance.uniform(-1, 1, 2) * np.array(spread)
    return np.asarray(pulled @ turn.T * chance.uniform(*side) + middle, np.float64)


def any_ticket(chance: Chance) -> Ticket:
    """One of the tickets, on paper or on a phone."""
    number = int(chance.integers(TICKETS_COUNT))
    return paper_ticket(number) if chance.random() < 0.5 else phone_ticket(number)


def _held(chance: Chance, corners: NDArray[np.float64] | None = None) -> tuple[Floats, Ticket]:
    ticket = any_ticket(chance)
    return hold(wall(chance), ticket, square(chance) if corners is None else corners), ticket


Made: TypeAlias = tuple[Floats, tuple[str, ...]]


def _nominal(chance: Chance) -> Made:
    scene, ticket = _held(chance)
    return scene, (ticket.text,)


def _rotated(chance: Chance) -> Made:
    scene, ticket = _held(chance, square(chance, turn_deg=180))
    return scene, (ticket.text,)


def _perspective(chance: Chance) -> Made:
    """Turned away by 25 to 60 degrees about some axis, near the lens."""
    side, tilt = chance.uniform(280, 400), np.radians(chance.uniform(25, 60))
    axis = chance.uniform(0, np.pi)
    flat = np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]]) * side
    along = np.array([np.cos(axis), np.sin(axis)])
    across = np.array([-along[1], along[0]])
    on_axis, off_axis = flat @ along, flat @ across
    depth = 1 + off_axis * np.sin(tilt) / 900
    seen = (on_axis[:, None] * along + (off_axis * np.cos(tilt))[:, None] * across) / depth[:, None]
    middle = np.array([FRAME_WIDTH, FRAME_HEIGHT]) / 2 + chance.uniform(-60, 60, 2)
    scene, ticket = _held(chance, seen + middle)
    return scene, (ticket.text,)


def _blur(chance: Chance) -> Made:
    """Out of focus: a blur of a quarter to two thirds of a module."""
    corners = square(chance)
    scene, ticket = _held(chance, corners)
    module = np.sqrt(_area(corners)) / 45
    sigma = module * chance.uniform(0.25, 0.65)
    return np.asarray(cv2.GaussianBlur(scene, (0, 0), sigma), np.float32), (ticket.text,)


def _motion_blur(chance: Chance) -> Made:
    """Moved while exposed, by half a module to two modules, in any direction."""
    corners = square(chance)
    scene, ticket = _held(chance, corners)
    length = np.sqrt(_area(corners)) / 45 * chance.uniform(0.5, 2.0)
    kernel = np.zeros((41, 41), np.float32)
    step = np.array([np.cos(angle := chance.uniform(0, np.pi)), np.sin(angle)]) * length / 2 * 16
    start, end = (20 * 16 - step).round().astype(int), (20 * 16 + step).round().astype(int)
    cv2.line(kernel, start.tolist(), end.tolist(), 1.0, 1, cv2.LINE_AA, 4)
    soft = np.asarray(cv2.GaussianBlur(kernel, (0, 0), 0.5), np.float32)
    return np.asarray(cv2.filter2D(scene, -1, soft / soft.sum()), np.float32), (ticket.text,)


def _glare(chance: Chance) -> Made:
    """A lamp mirrored in glossy paper or glass: a burnt-out spot, and a veil around it."""
    corners = square(chance)
    scene, ticket = _held(chance, corners)
    side = np.sqrt(_area(corners))
    middle = corners.mean(axis=0) + chance.uniform(-0.5, 0.5, 2) * side
    y, x = np.mgrid[:FRAME_HEIGHT, :FRAME_WIDTH].astype(np.float32)
    stretch = chance.uniform(0.6, 1.6)
    far = np.hypot((x - middle[0]) * stretch, (y - middle[1]) / stretch)
    spot = np.exp(-((far / (side * chance.uniform(0.12, 0.3))) ** 2))
    veil = np.exp(-((far / (side * 0.9)) ** 2)) * chance.uniform(20, 110)
    return np.asarray(scene * (1 - spot * 0.3) + spot * 330 + veil, np.float32), (ticket.text,)


def _low_light(chance: Chance) -> Made:
    """A dark hall: a tenth to a hundredth of the light, raised again with its noise."""
    scene, ticket = _held(chance)
    light = chance.uniform(0.01, 0.1)
    gain = min(1 / light, chance.uniform(2, 10))
    electrons = chance.standard_normal(scene.shape, np.float32)
    dark = scene * light + electrons * (1.0 + np.sqrt(np.maximum(scene, 0) * light) * 0.4)
    return np.asarray(dark * gain, np.float32), (ticket.text,)


def _screen_moire(chance: Chance) -> Made:
    """A phone's grid of pixels against the sensor's: stripes, and a rolling band of its light."""
    ticket = phone_ticket(int(chance.integers(TICKETS_COUNT)))
    scene = hold(wall(chance), ticket, square(chance))
    y, x = np.mgrid[:FRAME_HEIGHT, :FRAME_WIDTH].astype(np.float32)
    angle = chance.uniform(-0.15, 0.15)
    for along in (x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)):
        period = chance.uniform(1.8, 2.6)
        scene = scene * (1 + chance.uniform(0.2, 0.9) * np.sin(2 * np.pi * along / period))
    band = 1 + chance.uniform(0.1, 0.6) * np.sin(y / chance.uniform(60, 160) + chance.uniform(0, 6))
    return np.asarray(scene * band, np.float32), (ticket.text,)


def _wrinkles(chance: Chance) -> Made:
    """Paper that was in a pocket: waves and folds that bend the code and shade it."""
    ticket = paper_ticket(int(chance.integers(TICKETS_COUNT)))
    corners = square(chance)
    scene = hold(wall(chance), ticket, corners)
    side = np.sqrt(_area(corners))
    y, x = np.mgrid[:FRAME_HEIGHT, :FRAME_WIDTH].astype(np.float32)
    height = np.zeros_like(scene)
    for _ in range(int(chance.integers(2, 5))):
        angle, length = chance.uniform(0, np.pi), side * chance.uniform(0.35, 1.2)
        phase = (x * np.cos(angle) + y * np.sin(angle)) * 2 * np.pi / length
        height += np.sin(phase + chance.uniform(0, 6)) * length * chance.uniform(0.004, 0.016)
    slope_x, slope_y = cv2.Sobel(height, -1, 1, 0) / 8, cv2.Sobel(height, -1, 0, 1) / 8
    bent = cv2.remap(scene, x + height, y + height * 0.6, cv2.INTER_LINEAR)
    shade = 1 - (slope_x + slope_y) * chance.uniform(1, 3)
    return np.asarray(bent * shade, np.float32), (ticket.text,)


def _cover(chance: Chance) -> Made:
    """A thumb over 3 to 15 % of the code, from an edge."""
    corners = square(chance)
    scene, ticket = _held(chance, corners)
    side = np.sqrt(_area(corners))
    edge = int(chance.integers(4))
    along = chance.uniform(0.25, 0.75)
    place = corners[edge] * along + corners[(edge + 1) % 4] * (1 - along)
    radius = side * np.sqrt(chance.uniform(0.03, 0.15) * 2 / np.pi)
    centre, axes = place.round().astype(int).tolist(), (round(radius), round(radius * 1.1))
    cv2.ellipse(scene, centre, axes, 0, 0, 360, chance.uniform(90, 190), -1, cv2.LINE_AA)
    return scene, (ticket.text,)


def _small(chance: Chance) -> Made:
    """Far away: one and a half to three pixels a module."""
    scene, ticket = _held(chance, square(chance, side=(68, 135)))
    return scene, (ticket.text,)


def _close(chance: Chance) -> Made:
    """Held against the lens: nearly as high as the frame, and out of focus."""
    scene, ticket = _held(chance, square(chance, side=(500, 660), turn_deg=5, spread=(200, 10)))
    return np.asarray(cv2.GaussianBlur(scene, (0, 0), chance.uniform(2, 6)), np.float32), (
        ticket.text,
    )


def _dark_mode(chance: Chance) -> Made:
    """Light modules on a dark screen."""
    ticket = phone_ticket(int(chance.integers(TICKETS_COUNT)), inverted=True)
    return hold(wall(chance), ticket, square(chance)), (ticket.text,)


def _two_codes(chance: Chance) -> Made:
    """Two phones, or a sheet and a phone, side by side."""
    near, far = (FRAME_WIDTH / 2 - 130, FRAME_WIDTH / 2 + 330)
    if chance.random() < 0.5:
        near, far = FRAME_WIDTH - near, FRAME_WIDTH - far
    first, second = chance.permutation(TICKETS_COUNT)[:2]
    tickets = phone_ticket(int(first)), phone_ticket(int(second))
    scene = wall(chance)
    for ticket, x in zip(tickets, (near, far), strict=True):
        corners = square(chance, side=(220, 280), centre=(x, FRAME_HEIGHT / 2))
        scene = hold(scene, ticket, corners)
    return scene, (tickets[0].text, tickets[1].text)


KINDS: dict[str, Callable[[Chance], Made]] = {
    "nominal": _nominal,
    "rotated": _rotated,
    "perspective": _perspective,
    "blur": _blur,
    "motion_blur": _motion_blur,
    "glare": _glare,
    "low_light": _low_light,
    "screen_moire": _screen_moire,
    "wrinkles": _wrinkles,
    "cover": _cover,
    "small": _small,
    "close": _close,
    "dark_mode": _dark_mode,
    "two_codes": _two_codes,
}

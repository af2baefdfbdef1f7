"""Pictures as a gate's camera takes them, made from a ticket's pixels: seeded, so always the same.

A frame is 1280 x 720 BGR: the ticket held up to the camera, its code about a third of the height,
seen in perspective and a little turned, blurred, unevenly lit, noisy, before a patterned wall.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final, TypeAlias

import cv2
import numpy as np
import segno
from numpy.typing import NDArray

from hardware.qr import ZxingDecoder, as_grey

Pixels: TypeAlias = NDArray[np.uint8]
Floats: TypeAlias = NDArray[np.float64]

FRAME_WIDTH, FRAME_HEIGHT = 1280, 720
# 0 is a flat scan, 1 a dark hall, a shaking hand and a cheap lens. At the demo's strength every
# frame of a ticket must be readable.
DEMO_STRENGTH: Final = 0.5


def make_frame(ticket_pixels: Pixels, seed: int, strength: float = DEMO_STRENGTH) -> Pixels:
    """A frame of `ticket_pixels` (grey or BGR); `strength` from 0 to 1 says how bad the view is."""
    chance = np.random.default_rng(seed)
    ticket = _as_bgr(ticket_pixels)
    view = _view_of(ticket, chance, strength)
    size = (FRAME_WIDTH, FRAME_HEIGHT)
    held = cv2.warpPerspective(ticket, view, size, flags=cv2.INTER_AREA)
    mask = cv2.warpPerspective(np.full(ticket.shape[:2], 255, np.uint8), view, size)
    scene = _wall(chance)
    cv2.copyTo(held, mask, scene)
    return _as_seen(scene, chance, strength)


def make_empty_frame(seed: int, strength: float = DEMO_STRENGTH) -> Pixels:
    """A frame that shows the patterned wall and nothing else."""
    chance = np.random.default_rng(seed)
    return _as_seen(_wall(chance), chance, strength)


def make_codeless_frame(seed: int, strength: float = DEMO_STRENGTH) -> Pixels:
    """A frame of a sheet of print, with lines of text, boxes and one finder square, but no code."""
    sheet = np.full((900, 640, 3), 250, np.uint8)
    chance = np.random.default_rng(seed)
    for line in range(12):
        words = "".join(chance.choice(list("abcdefgh mnop rstu"), 24))
        cv2.putText(
            sheet, words, (30, 60 + 40 * line), cv2.FONT_HERSHEY_SIMPLEX, 1, (20, 20, 20), 2
        )
    # One square of the three that a QR code has: looks like a code's corner and is none.
    for inset, grey in ((0, 0), (20, 250), (40, 0)):
        cv2.rectangle(sheet, (60 + inset, 600 + inset), (200 - inset, 740 - inset), (grey,) * 3, -1)
    return make_frame(sheet, seed, strength)


def render_code(text: str, *, module_pixels: int = 8, dark: int = 0, light: int = 255) -> Pixels:
    """A QR code of `text` at error correction M with its quiet zone of 4, as grey pixels."""
    code = segno.make(text, error="m", micro=False, boost_error=False)
    return draw_symbol(code, module_pixels=module_pixels, dark=dark, light=light)


def draw_symbol(
    code: segno.QRCode, *, module_pixels: int = 8, dark: int = 0, light: int = 255
) -> Pixels:
    """`code` with its quiet zone of 4 as grey pixels."""
    rows = [bytes(row) for row in code.matrix]
    modules = np.array([list(row) for row in rows], np.uint8)
    framed = np.pad(modules, 4)
    pixels = np.where(framed == 1, dark, light).astype(np.uint8)
    return np.kron(pixels, np.ones((module_pixels, module_pixels), np.uint8))


def rasterise_pdf(path: Path, *, page: int = 1, dpi: int = 200) -> Pixels:
    """Page `page` of the PDF at `path` as BGR pixels, by Debian's pdftoppm (poppler-utils)."""
    command = ["pdftoppm", "-r", str(dpi), "-f", str(page), "-l", str(page), "-png", str(path)]
    done = subprocess.run(command, check=True, capture_output=True, timeout=60)
    return np.asarray(
        cv2.imdecode(np.frombuffer(done.stdout, np.uint8), cv2.IMREAD_COLOR), np.uint8
    )


def read_picture(path: Path) -> Pixels:
    """A picture file as BGR pixels."""
    found = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    assert found is not None, path
    return np.asarray(found, np.uint8)


def write_frame(path: Path, pixels: Pixels) -> None:
    """Write `pixels` to `path`, whole or not at all, so that a watched folder shows no half."""
    done, data = cv2.imencode(path.suffix, pixels)
    assert done, path
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_bytes(data.tobytes())
    fresh.replace(path)


def _as_bgr(pixels: Pixels) -> Pixels:
    if pixels.ndim == 3:
        return pixels
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR), np.uint8)


def _view_of(ticket: Pixels, chance: np.random.Generator, strength: float) -> Floats:
    """How the ticket is held: its code's corners go to a jittered, turned square in the frame."""
    side = FRAME_HEIGHT * (0.46 - 0.14 * strength)
    angle = np.radians(chance.uniform(-15, 15) * strength)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    square = np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]])
    jitter = chance.uniform(-0.07, 0.07, (4, 2)) * strength
    spread = np.array([FRAME_WIDTH * 0.12, FRAME_HEIGHT * 0.08]) * strength
    centre = np.array([FRAME_WIDTH / 2, FRAME_HEIGHT / 2]) + chance.uniform(-1, 1, 2) * spread
    goal = (square + jitter) @ turn.T * side + centre
    return np.asarray(
        cv2.getPerspectiveTransform(_code_corners(ticket), goal.astype(np.float32)), np.float64
    )


def _code_corners(ticket: Pixels) -> NDArray[np.float32]:
    """The corners of the ticket's code; of its middle where it has no readable code."""
    grey = as_grey(ticket)
    assert grey is not None
    readings = ZxingDecoder().decode(grey).readings
    if readings:
        return np.array(readings[0].corners, np.float32)
    height, width = grey.shape
    half = min(width, height) * 0.35
    x, y = width / 2, height / 2
    corners = [
        (x - half, y - half),
        (x + half, y - half),
        (x + half, y + half),
        (x - half, y + half),
    ]
    return np.array(corners, np.float32)


def _wall(chance: np.random.Generator) -> Pixels:
    """Blotches of several sizes in one tint: a wall, a coat, a crowd out of focus."""
    grain = np.zeros((FRAME_HEIGHT, FRAME_WIDTH), np.float32)
    for cells in (6, 24, 90):
        coarse = chance.standard_normal((cells, cells * 16 // 9), np.float32)
        grain += cv2.resize(coarse, (FRAME_WIDTH, FRAME_HEIGHT), interpolation=cv2.INTER_CUBIC)
    tint = chance.uniform(60, 170, 3).astype(np.float32)
    return np.asarray(np.clip(tint + grain[:, :, None] * 14, 0, 255), np.uint8)


def _as_seen(scene: Pixels, chance: np.random.Generator, strength: float) -> Pixels:
    """What lens, light and sensor make of `scene`."""
    sigma = 0.3 + 1.5 * strength
    seen = cv2.GaussianBlur(scene, (0, 0), sigma).astype(np.float32)
    seen *= _light(chance, strength)[:, :, None]
    noise = chance.standard_normal(seen.shape[:2], np.float32) * (1 + 7 * strength)
    return np.asarray(np.clip(seen + noise[:, :, None], 0, 255), np.uint8)


def _light(chance: np.random.Generator, strength: float) -> NDArray[np.float32]:
    """Brightness falling off across the frame in a random direction, down to 30 % at worst."""
    direction = chance.uniform(0, 2 * np.pi)
    across = np.linspace(-1, 1, FRAME_WIDTH, dtype=np.float32) * np.cos(direction)
    down = np.linspace(-1, 1, FRAME_HEIGHT, dtype=np.float32) * np.sin(direction)
    slope = (across[None, :] + down[:, None]) / np.sqrt(2)
    return np.asarray(1 - 0.35 * strength * (1 + slope), np.float32)

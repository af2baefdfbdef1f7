"""Frames without a QR code that look as if they had one: `codeless(kind, seed)`."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import segno
import zxingcpp

from tests.bench._degraded import Chance, Floats, as_sent, hold, square, wall
from tests.bench._tickets import Ticket, ticket_code
from tests.fakes.frames import FRAME_HEIGHT, FRAME_WIDTH, Pixels, draw_symbol

FRAME = (FRAME_HEIGHT, FRAME_WIDTH)


def codeless(kind: str, seed: int) -> Pixels:
    """The frame of `kind` (a key of `CODELESS`) that belongs to `seed`, grey."""
    chance = np.random.default_rng([seed, *kind.encode()])
    return as_sent(CODELESS[kind](chance), chance)


def _sheet(pixels: Pixels) -> Ticket:
    """Pixels as something to hold up: all of them count as the code."""
    height, width = pixels.shape[:2]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    return Ticket("", np.asarray(cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR), np.uint8), corners)


def _shown(chance: Chance, pixels: Pixels, side: tuple[float, float] = (240, 480)) -> Floats:
    """Grey pixels held before the wall, at their own proportions."""
    height, width = pixels.shape
    corners = square(chance, side=side)
    middle = corners.mean(axis=0)
    stretch = np.array([width, height]) / np.sqrt(width * height)
    return hold(wall(chance), _sheet(pixels), (corners - middle) * stretch + middle)


def _texture(chance: Chance) -> Floats:
    """Noise at any scale, or stripes, squares and dots: cloth, tiles, mesh."""
    cell = float(np.exp(chance.uniform(np.log(2), np.log(60))))
    y, x = np.mgrid[:FRAME_HEIGHT, :FRAME_WIDTH].astype(np.float32)
    sort = int(chance.integers(4))
    if sort == 0:
        rows, columns = round(FRAME_HEIGHT / cell) + 1, round(FRAME_WIDTH / cell) + 1
        bits = (chance.random((rows, columns)) < 0.5).astype(np.float32)
        size = (FRAME_WIDTH, FRAME_HEIGHT)
        return np.asarray(cv2.resize(bits, size, interpolation=cv2.INTER_NEAREST) * 220 + 20)
    angle = chance.uniform(0, np.pi)
    u, v = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    wave = np.sin(u * np.pi / cell)
    if sort == 1:
        return np.asarray((wave > 0) * 200 + 30, np.float32)
    other = np.sin(v * np.pi / cell)
    board = wave * other > 0 if sort == 2 else (wave > 0.3) & (other > 0.3)
    return np.asarray(board * 200 + 30, np.float32)


def _text(chance: Chance) -> Floats:
    """A page of print with boxes and rules."""
    page = np.full((900, 700), 250, np.uint8)
    y = 40
    while y < 880:
        size = chance.uniform(0.5, 1.6)
        words = "".join(chance.choice(list("abcdefghiklmnoprstu AEO0123456789.,-"), 40))
        cv2.putText(page, words, (30, y), cv2.FONT_HERSHEY_SIMPLEX, size, 20, 1 + round(size))
        if chance.random() < 0.2:
            x, side = int(chance.integers(30, 500)), int(chance.integers(20, 120))
            cv2.rectangle(page, (x, y), (x + side, y + side), 10, int(chance.integers(1, 12)))
        y += round(30 * size) + 8
    return _shown(chance, page, (400, 640))


_SYMBOLS = {
    "EAN13": "400638133393",
    "Code128": "BXG1-7K2M-9QXD",
    "ITF": "12345678901234",
    "PDF417": "BOARDING PASS M1 OF 2",
    "Aztec": "ANOTHER TRAIN'S TICKET",
    "DataMatrix": "PARCEL 0815",
    "MicroQRCode": "12345",
}


def _other_symbol(chance: Chance) -> Floats:
    """Another symbology: goods, parcels, railways."""
    name = str(chance.choice(list(_SYMBOLS)))
    made = zxingcpp.create_barcode(_SYMBOLS[name], getattr(zxingcpp.BarcodeFormat, name))
    pixels = np.array(made.to_image(scale=6, add_quiet_zones=True), np.uint8)
    return _shown(chance, pixels)


def _part_of_a_code(chance: Chance) -> Floats:
    """A ticket's code of which at most half is left: torn, folded, at the frame's edge."""
    symbol = segno.make(ticket_code(int(chance.integers(1000))), error="m", micro=False)
    pixels = draw_symbol(symbol, module_pixels=8)
    kept = round(pixels.shape[0] * chance.uniform(0.2, 0.5))
    turned = np.rot90(pixels, int(chance.integers(4)))
    return _shown(chance, np.ascontiguousarray(turned[:kept]))


def _finders_alone(chance: Chance) -> Floats:
    """The three corner squares of a code around nothing, noise, or a picture."""
    side, module = 45, 8
    modules = (chance.random((side, side)) < chance.choice([0.0, 0.3, 0.5])).astype(np.uint8)
    finder = np.zeros((8, 8), np.uint8)
    finder[:7, :7] = 1
    finder[1:6, 1:6] = 0
    finder[2:5, 2:5] = 1
    modules[:8, :8] = finder
    modules[:8, -8:] = finder[:, ::-1]
    modules[-8:, :8] = finder[::-1]
    pixels = np.where(np.pad(modules, 4) == 1, 0, 255).astype(np.uint8)
    return _shown(chance, np.kron(pixels, np.ones((module, module), np.uint8)))


def _scrambled_code(chance: Chance) -> Floats:
    """A code with so many modules turned that its correction cannot mend it."""
    symbol = segno.make(ticket_code(int(chance.integers(1000))), error="m", micro=False)
    pixels = draw_symbol(symbol, module_pixels=1)
    inside = np.zeros(pixels.shape, np.bool_)
    inside[13:-13, 13:-13] = True  # between the finders
    inside[4:-4, 13:-13] = True
    flipped = inside & (chance.random(pixels.shape) < chance.uniform(0.3, 0.5))
    pixels[flipped] ^= 255
    return _shown(chance, np.kron(pixels, np.ones((8, 8), np.uint8)))


CODELESS: dict[str, Callable[[Chance], Floats]] = {
    "wall": wall,
    "texture": _texture,
    "text": _text,
    "other_symbol": _other_symbol,
    "part_of_a_code": _part_of_a_code,
    "finders_alone": _finders_alone,
    "scrambled_code": _scrambled_code,
}

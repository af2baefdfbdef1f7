"""Tickets to hold before a camera: real codes on the product's own paper and on phones."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from hardware.qr import ZxingDecoder, as_grey
from pos_app.services.paper import TicketFace, TicketLabels, qr_rows, render_tickets
from tests.fakes.frames import Pixels, rasterise_pdf
from ticketing.code import TicketFacts, make_code
from ticketing.ids import U16_MAX, AllotmentId, KeyId, TicketId

PRIVATE = bytes(range(7, 39))
_QUIET = 4
"""Modules of margin around a symbol (ISO/IEC 18004 section 9.1)."""
_LABELS = TicketLabels(
    "When", "Doors", "Place", "Tier", "Type", "Price", "No.", "Receipt", "Window", "Sold", "Stub"
)


@dataclass(frozen=True)
class Ticket:
    """A ticket as pixels (BGR), its code's text and where that is: corners from its top left."""

    text: str
    pixels: Pixels
    corners: NDArray[np.float32]


def ticket_code(number: int) -> str:
    """The code of a ticket that a till might have sold, another one for each number."""
    facts = TicketFacts(
        KeyId("0a1b2c3d"),
        TicketId(f"{number:016x}"),
        1 + number % 40,
        1 + number,
        1 + number % 4,
        number % 3,
        AllotmentId("4e5f6071", 1 + number % 90),
        datetime(2026, 11, 22, 18, 45, tzinfo=UTC) + timedelta(days=number % 60),
        1 + number % U16_MAX,
    )
    return make_code(facts, PRIVATE)


@cache
def paper_ticket(number: int) -> Ticket:
    """The ticket as the till prints it, scanned at 200 dpi."""
    text = ticket_code(number)
    face = TicketFace(
        venue="海韵大剧院",
        event="芭蕾舞剧《天鹅湖》",
        when="11月22日 周日 19:30",
        doors="18:45",
        hall="歌剧厅",
        place=f"池座中 {1 + number % 20}排{1 + number % 30}座",
        tier="A",
        ticket_type="成人",
        price="¥580.00",
        code=text,
        ticket_no=f"7K2M-{number:04d}",
        receipt_no=f"1-{number:06d}",
        window="1",
        sold_at="2026-11-22 14:05",
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ticket.pdf"
        path.write_bytes(render_tickets([face], _LABELS))
        pixels = rasterise_pdf(path)
    grey = as_grey(pixels)
    assert grey is not None
    [reading] = ZxingDecoder().decode(grey).readings
    assert reading.text == text
    return Ticket(text, pixels, np.array(reading.corners, np.float32))


@cache
def phone_ticket(number: int, *, inverted: bool = False, module_pixels: int = 8) -> Ticket:
    """The ticket on a phone's screen: the code on a card under a line of text; or in dark mode."""
    text = ticket_code(number)
    modules = np.array([list(row) for row in qr_rows(text)], np.uint8)
    dark, light, ground = (235, 18, 10) if inverted else (0, 255, 242)
    symbol = np.where(np.pad(modules, _QUIET) == 1, dark, light).astype(np.uint8)
    symbol = np.kron(symbol, np.ones((module_pixels, module_pixels), np.uint8))
    side = symbol.shape[0]
    margin, head = side // 8, side // 3
    screen = np.full((head + side + side // 2, side + 2 * margin), ground, np.uint8)
    screen[head : head + side, margin : margin + side] = symbol
    ink = 220 if inverted else 30
    for at, words in ((0.4, "SWAN LAKE"), (0.75, "ROW 8  SEAT 10")):
        place = (margin, round(head * at))
        cv2.putText(screen, words, place, cv2.FONT_HERSHEY_DUPLEX, side / 420, ink, 2)
    framed = cv2.copyMakeBorder(screen, 20, 20, 20, 20, cv2.BORDER_CONSTANT, value=15)
    near = 20 + np.array([margin, head]) + _QUIET * module_pixels
    far = near + modules.shape[0] * module_pixels
    corners = np.array(
        [[near[0], near[1]], [far[0], near[1]], [far[0], far[1]], [near[0], far[1]]], np.float32
    )
    bgr = np.asarray(cv2.cvtColor(framed, cv2.COLOR_GRAY2BGR), np.uint8)
    return Ticket(text, bgr, corners)

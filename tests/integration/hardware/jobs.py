"""Jobs that say their own names at the top and at the bottom, so that an onlooker can count them."""

from __future__ import annotations

from hardware.escpos import PROFILES, Timings, render
from hardware.escpos.document import Cut, Document, Raster, Text
from hardware.escpos.interpreter import Sheet

QUICK = Timings(
    answer_s=0.5, stall_s=0.2, give_up_s=20.0, poll_s=0.05, confirm_s=2.0, patience_s=20.0
)
LINES_COUNT = 80


def payload(job_id: str, lines_count: int = LINES_COUNT) -> bytes:
    """A picture and text, several kilobytes each, so that a job goes out in several parts."""
    middle = (Text(f"line {number} of {job_id}, 一行中文") for number in range(lines_count))
    picture = Raster(576, 60, bytes(range(0x40, 0x40 + 72)) * 60)
    head, foot = Text(f"begin {job_id}"), Text(f"end {job_id}")
    document = Document((head, picture, *middle, foot, Cut()))
    return render(document, PROFILES["epson-80-chinese"])


def begun_count(paper: list[Sheet], job_id: str) -> int:
    """How often somebody saw the head of this job come out."""
    return sum(sheet.texts.count(f"begin {job_id}") for sheet in paper)


def whole_count(paper: list[Sheet], job_id: str) -> int:
    """How often somebody could tear off all of this job and nothing else."""
    expected = payload_texts(job_id)
    return sum(sheet.is_cut and sheet.texts == expected for sheet in paper)


def payload_texts(job_id: str, lines_count: int = LINES_COUNT) -> list[str]:
    middle = [f"line {number} of {job_id}, 一行中文" for number in range(lines_count)]
    return [f"begin {job_id}", *middle, f"end {job_id}"]

"""Paper templates in an event's document: what is read, what is refused, what comes back."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from dataclasses import replace

import pytest

from tests.fakes.till import sample_catalogue
from ticketing.catalogue import event_document, parse_event_document
from ticketing.document_reader import Node, Problems
from ticketing.paper_template import (
    LOGO_BYTES_MAX,
    PaperTemplate,
    TicketField,
    TicketPaper,
    template_for,
)
from ticketing.paper_template_document import paper_members, read_papers
from ticketing.text import Text

LANGUAGES = ("zh", "en")


def a_png(width: int, height: int, extra: int = 0) -> bytes:
    """A whole PNG of black dots."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        crc = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = (b"\0" + bytes((width + 7) // 8)) * height
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            chunk(b"IHDR", header),
            chunk(b"tEXt", b"Comment\0" + b"x" * extra) if extra else b"",
            chunk(b"IDAT", zlib.compress(rows)),
            chunk(b"IEND", b""),
        )
    )


LOGO = a_png(160, 48)
TEMPLATE = PaperTemplate(
    TicketPaper.SLIP_80,
    LOGO,
    (Text.from_names({"zh": "迟到请等候", "en": "Latecomers wait for the interval"}),),
    frozenset({TicketField.PRICE, TicketField.DOORS}),
)


def read(document: object) -> tuple[tuple[PaperTemplate, ...], list[str]]:
    problems = Problems("event")
    found = read_papers(Node(document, problems), LANGUAGES)
    return found, [str(each) for each in problems.shown]


def as_text(png: bytes) -> str:
    return base64.b64encode(png).decode()


def test_what_is_written_is_read_again() -> None:
    plain = PaperTemplate(TicketPaper.SHEET)
    members = json.loads(json.dumps(paper_members((TEMPLATE, plain))))
    assert read(members) == ((TEMPLATE, plain), [])


def test_an_events_document_carries_its_papers() -> None:
    catalogue = sample_catalogue()
    event = replace(catalogue.events[0], papers=(TEMPLATE,))
    plan = catalogue.plan(event.plan_id)
    assert plan is not None
    document = json.loads(json.dumps(event_document(catalogue.venue, plan, event)))
    assert parse_event_document(document, source="event")[2] == event
    assert "papers" not in event_document(catalogue.venue, plan, catalogue.events[0])["event"]


def test_a_paper_without_a_template_is_plain() -> None:
    assert template_for((TEMPLATE,), TicketPaper.SLIP_80) is TEMPLATE
    assert template_for((TEMPLATE,), TicketPaper.SHEET) == PaperTemplate(TicketPaper.SHEET)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        pytest.param({"paper": "a4"}, "kind of paper", id="paper"),
        pytest.param({"paper": "sheet", "logo": "?"}, "PNG file in base64", id="no base64"),
        pytest.param({"paper": "sheet", "logo": 7}, "PNG file in base64", id="no text"),
        pytest.param({"paper": "sheet", "logo": "标志"}, "PNG file in base64", id="no ascii"),
        pytest.param({"paper": "sheet", "logo": as_text(b"GIF89a" * 9)}, "PNG file", id="a gif"),
        pytest.param({"paper": "sheet", "logo": as_text(a_png(577, 9))}, "576", id="too wide"),
        pytest.param({"paper": "sheet", "logo": as_text(a_png(9, 241))}, "240", id="too high"),
        pytest.param(
            {"paper": "sheet", "logo": as_text(a_png(9, 9, LOGO_BYTES_MAX))}, "bytes", id="large"
        ),
        pytest.param({"paper": "sheet", "lines": ["x"]}, "an object", id="one language"),
        pytest.param({"paper": "sheet", "leave_out": ["code"]}, "left out", id="the code"),
    ],
)
def test_a_fault_is_explained_in_its_place(entry: object, said: str) -> None:
    found, problems = read([entry])
    assert found == ()
    assert said in "".join(problems)


def test_a_paper_has_one_template() -> None:
    found, problems = read([{"paper": "sheet"}, {"paper": "sheet"}])
    assert found == ()
    assert "once" in "".join(problems)

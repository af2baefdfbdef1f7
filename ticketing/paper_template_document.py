"""An event's paper templates in its document: reading and writing them. The section is optional."""

from __future__ import annotations

import base64
import binascii
import struct
from collections.abc import Sequence
from typing import Any, Final

from ticketing.document_reader import Node, unique
from ticketing.faults import N_, Fault
from ticketing.paper_template import (
    LINES_MAX,
    LOGO_BYTES_MAX,
    LOGO_HEIGHT_MAX,
    LOGO_WIDTH_MAX,
    PaperTemplate,
    TicketField,
    TicketPaper,
)
from ticketing.seating_document import read_text

# PNG (ISO/IEC 15948), 5.2 and 11.2.2: the signature, then the header with width and height.
_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_HEADER: Final = struct.Struct(">8sI4sII")
_HEADER_BYTES: Final = 13


def read_papers(node: Node, languages: Sequence[str]) -> tuple[PaperTemplate, ...]:
    """Read them; none when the document has none, or a fault that is recorded."""
    if not node.present:
        return ()
    mark = node.problems.count
    seen: dict[Any, Node] = {}
    read = [_read(each, languages, seen) for each in node.items(1, len(TicketPaper), N_("papers"))]
    return () if node.problems.since(mark) else tuple(each for each in read if each is not None)


def paper_members(papers: Sequence[PaperTemplate]) -> list[dict[str, Any]]:
    """Them as they stand in a document."""
    return [_members(each) for each in papers]


def _read(node: Node, languages: Sequence[str], seen: dict[Any, Node]) -> PaperTemplate | None:
    mark = node.problems.count
    members = node.members(("paper",), ("logo", "lines", "leave_out"))
    paper = members["paper"].one_of(TicketPaper, N_("a kind of paper"))
    unique(seen, paper, members["paper"], N_("paper"))
    logo = _read_logo(members["logo"])
    lines: tuple[Any, ...] = ()
    if members["lines"].present:
        found = members["lines"].items(0, LINES_MAX, N_("lines"))
        lines = tuple(read_text(each, languages) for each in found)
    left_out: list[str] = []
    if members["leave_out"].present:
        fields = members["leave_out"].items(0, len(TicketField), N_("fields"))
        left_out = [each.one_of(TicketField, N_("a field that may be left out")) for each in fields]
    if node.problems.since(mark):
        return None
    return PaperTemplate(TicketPaper(paper), logo, lines, frozenset(map(TicketField, left_out)))


def _read_logo(node: Node) -> bytes:
    if not node.present:
        return b""
    try:
        png = base64.b64decode(str(node.value).encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        png = b""
    if not _is_logo(png):
        node.refuse(
            Fault.NO_LOGO, bytes=LOGO_BYTES_MAX, width=LOGO_WIDTH_MAX, height=LOGO_HEIGHT_MAX
        )
        return b""
    return png


def _is_logo(png: bytes) -> bool:
    """Whether it begins as a PNG of a size that fits; whether it can be drawn is seen at the till."""
    if not _HEADER.size <= len(png) <= LOGO_BYTES_MAX:
        return False
    signature, length, kind, width, height = _HEADER.unpack_from(png)
    is_png = (signature, length, kind) == (_SIGNATURE, _HEADER_BYTES, b"IHDR")
    return is_png and 1 <= width <= LOGO_WIDTH_MAX and 1 <= height <= LOGO_HEIGHT_MAX


def _members(template: PaperTemplate) -> dict[str, Any]:
    members: dict[str, Any] = {"paper": template.paper.value}
    if template.logo:
        members["logo"] = base64.b64encode(template.logo).decode("ascii")
    if template.lines:
        members["lines"] = [line.to_json() for line in template.lines]
    if template.left_out:
        members["leave_out"] = sorted(each.value for each in template.left_out)
    return members

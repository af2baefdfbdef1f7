"""A statement on paper: an A4 document with its own font, the same bytes for the same figures."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from xml.sax.saxutils import escape
from zoneinfo import ZoneInfo

from reportlab.lib.colors import Color, HexColor
from reportlab.lib.enums import TA_LEFT, TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    Flowable,
    Frame,
    KeepTogether,
    PageTemplate,
    Paragraph,
    Spacer,
    Table,
    TableStyle,
)

from program.i18n import format_datetime, translations
from program.paper_fonts import TicketFont, load_font
from sync_server.console.statement import Section, Statement
from sync_server.services.sign_off import SignOff

_INK, _SOFT, _LINE = HexColor(0x0F1A2A), HexColor(0x5C697B), HexColor(0xDBE1E8)
_OK, _OK_SOFT = HexColor(0x0B7A4B), HexColor(0xE3F5EC)
_WARN, _WARN_SOFT = HexColor(0x9A4D00), HexColor(0xFFF3DC)
_MARGIN = 20 * mm
_WIDTH = A4[0] - 2 * _MARGIN


def statement_pdf(
    statement: Statement, venue: str, signed: SignOff | None, language: str, zone: ZoneInfo
) -> bytes:
    """The document. Raises FontMissing where no font has the characters."""
    return _Paper(load_font(), statement, venue, signed, language, zone).made()


class _Paper:
    def __init__(
        self,
        font: TicketFont,
        statement: Statement,
        venue: str,
        signed: SignOff | None,
        language: str,
        zone: ZoneInfo,
    ) -> None:
        self._font, self._statement, self._venue = font, statement, venue
        self._signed, self._language, self._zone = signed, language, zone
        self._gettext = translations(language).gettext

    def made(self) -> bytes:
        out = io.BytesIO()
        document = BaseDocTemplate(
            out,
            pagesize=A4,
            leftMargin=_MARGIN,
            rightMargin=_MARGIN,
            topMargin=_MARGIN,
            bottomMargin=22 * mm,
            invariant=True,  # no time of making and no chance in the file: same figures, same bytes
            title=f"{self._statement.kind} {self._statement.title}",
            author="Boxgate",
        )
        frame = Frame(
            document.leftMargin, document.bottomMargin, document.width, document.height, 0, 0, 0, 0
        )
        page = PageTemplate(frames=[frame], onPage=self._foot)
        document.addPageTemplates([page])
        document.build([*self._head(), *self._sections(), *self._signature()])
        return out.getvalue()

    # --- parts --------------------------------------------------------------------------

    def _head(self) -> list[Flowable]:
        statement = self._statement
        settled = statement.is_settled
        band = Table(
            [[self._text(statement.headline, 15, _OK if settled else _WARN)]], colWidths=[_WIDTH]
        )
        band.setStyle(
            TableStyle(
                [
                    ("BACKGROUND", (0, 0), (-1, -1), _OK_SOFT if settled else _WARN_SOFT),
                    ("ROUNDEDCORNERS", [6, 6, 6, 6]),
                    ("LEFTPADDING", (0, 0), (-1, -1), 12),
                    ("TOPPADDING", (0, 0), (-1, -1), 8),
                    ("BOTTOMPADDING", (0, 0), (-1, -1), 10),
                ]
            )
        )
        about = " · ".join(part for part in (statement.kind, statement.period) if part)
        return [
            self._text(self._venue, 9, _SOFT),
            Spacer(0, 2 * mm),
            self._text(statement.title, 22),
            Spacer(0, 1 * mm),
            self._text(about, 9, _SOFT),
            Spacer(0, 5 * mm),
            band,
            Spacer(0, 6 * mm),
        ]

    def _sections(self) -> list[Flowable]:
        found: list[Flowable] = []
        for section in self._statement.sections:
            found += [KeepTogether(self._section(section)), Spacer(0, 6 * mm)]
        return found

    def _section(self, section: Section) -> list[Flowable]:
        colour = _WARN if section.is_open else _SOFT
        title = Table(
            [[self._text(section.title, 12), self._text(section.state, 9.5, colour, right=True)]],
            colWidths=[_WIDTH * 0.66, _WIDTH * 0.34],
        )
        title.setStyle(_plain_style())
        title.setStyle([("LINEBELOW", (0, 0), (-1, 0), 0.8, _INK)])
        rows = [
            [
                self._text(row.label, 9.5, _INK if row.is_sum else _SOFT),
                self._text(row.value, 9.5, right=True),
            ]
            for row in section.rows
        ]
        figures = Table(rows, colWidths=[_WIDTH * 0.66, _WIDTH * 0.34])
        figures.setStyle(_plain_style())
        figures.setStyle([("LINEBELOW", (0, 0), (-1, -1), 0.4, _LINE)])
        for at, row in enumerate(section.rows):
            if row.is_sum:
                figures.setStyle([("LINEABOVE", (0, at), (-1, at), 0.8, _SOFT)])
        about = [self._text(section.about, 9, _SOFT)] if section.about else []
        notes = [self._text(f"• {note}", 9, colour) for note in section.notes]
        return [title, *about, figures, Spacer(0, 1 * mm), *notes]

    def _signature(self) -> list[Flowable]:
        signed, _ = self._signed, self._gettext
        if signed is None:
            return [self._text(_("Not signed: these are the present figures."), 9.5, _WARN)]
        at = datetime.fromtimestamp(signed.signed_ms / 1000, UTC)
        when = format_datetime(at, self._language, zone=self._zone, year=True)
        said = _("Signed by {name}, {time}").format(name=signed.person_name, time=when)
        digest = _("SHA-256 of the signed figures: {digest}").format(digest=signed.digest)
        note = [self._text(signed.note, 9.5)] if signed.note else []
        return [
            KeepTogether(
                [
                    self._text(said, 12),
                    Spacer(0, 1 * mm),
                    *note,
                    Spacer(0, 1 * mm),
                    self._text(digest, 7.5, _SOFT),
                ]
            )
        ]

    def _foot(self, canvas: Canvas, _document: BaseDocTemplate) -> None:
        canvas.saveState()
        canvas.setFont(self._font.name, 8)
        canvas.setFillColor(_SOFT)
        left = self._font.printable(f"{self._venue} · {self._statement.kind}")
        canvas.drawString(
            _MARGIN, 12 * mm, f"{left} · {self._font.printable(self._statement.title)}"
        )
        canvas.drawRightString(A4[0] - _MARGIN, 12 * mm, str(canvas.getPageNumber()))
        canvas.restoreState()

    def _text(
        self, text: str, size: float, colour: Color = _INK, *, right: bool = False
    ) -> Paragraph:
        style = ParagraphStyle(
            "text",
            fontName=self._font.name,
            fontSize=size,
            leading=size * 1.4,
            textColor=colour,
            wordWrap="CJK",
            alignment=TA_RIGHT if right else TA_LEFT,
        )
        return Paragraph(escape(_printable(self._font, text)), style)


def _printable(font: TicketFont, text: str) -> str:
    """A long text in parts, each of which the font can look at."""
    return "".join(font.printable(text[at : at + 200]) for at in range(0, len(text), 200))


def _plain_style() -> TableStyle:
    return TableStyle(
        [
            ("LEFTPADDING", (0, 0), (-1, -1), 0),
            ("RIGHTPADDING", (0, 0), (-1, -1), 0),
            ("TOPPADDING", (0, 0), (-1, -1), 2),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 4),
            ("VALIGN", (0, 0), (-1, -1), "BOTTOM"),
        ]
    )

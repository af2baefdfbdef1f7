"""Tables as CSV and as workbooks: plain values, and no cell that a spreadsheet would run.

Every table that the console gives goes through `rows_to_csv` or `rows_to_xlsx`.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from datetime import UTC, datetime

from program.i18n import translations
from sync_server.console.statement import Statement, decimal_text

_BEFORE_A_FORMULA = re.compile(r"^(?=[\t\r\n])|(?:^|[;\t\r\n])(?=[^\S\t\r\n]*[=+\-@|%＝＋－＠])")
"""Where a cell begins that would be one: at the start, and within a text where some spreadsheets end
cells. The full width of Chinese keyboards is read as the narrow one.
"""
_WORKBOOK_MADE_AT = datetime(2000, 1, 1, tzinfo=UTC)
"""Of every workbook, so that the same figures give the same bytes."""


def as_text(value: str) -> str:
    """A text that no spreadsheet takes for a formula (OWASP, "CSV Injection")."""
    return _BEFORE_A_FORMULA.sub(lambda found: f"{found[0]}'", value)


def statement_rows(statement: Statement, language: str) -> list[tuple[str, ...]]:
    """The table: a heading, then a row a figure, and the notes."""
    _ = translations(language).gettext
    head = (_("Account"), _("About"), _("Figure"), _("Amount"), _("Currency"), _("State"))
    found: list[tuple[str, ...]] = [head]
    for section in statement.sections:
        for row in section.rows:
            amount = decimal_text(row.figure, row.currency)
            found.append(
                (section.title, section.about, row.label, amount, row.currency, section.state)
            )
        difference = decimal_text(section.figure, section.currency)
        said = _("Difference")
        found.append(
            (section.title, section.about, said, difference, section.currency, section.state)
        )
        found += [(section.title, section.about, note, "", "", "") for note in section.notes]
    return found


def to_csv(statement: Statement, language: str) -> bytes:
    """A statement as CSV."""
    return rows_to_csv(statement_rows(statement, language), _AMOUNTS)


def rows_to_csv(rows: Sequence[Sequence[str]], figures: frozenset[int]) -> bytes:
    """A heading and its rows in UTF-8 with its mark, which is how Excel knows that it is not in the
    local encoding. `figures`: the columns of numbers that we wrote ourselves.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    for number, row in enumerate(rows):
        writer.writerow(_cells(row, figures, is_head=number == 0))
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _cells(row: Sequence[str], figures: frozenset[int], *, is_head: bool) -> list[str]:
    """Texts are made harmless."""
    if is_head:
        return list(row)
    return [cell if at in figures else as_text(cell) for at, cell in enumerate(row)]


_AMOUNTS = frozenset({3})


def to_xlsx(statement: Statement, language: str) -> bytes:
    """A statement as a workbook."""
    return rows_to_xlsx(statement_rows(statement, language), _AMOUNTS, statement.title)


def rows_to_xlsx(rows: Sequence[Sequence[str]], figures: frozenset[int], title: str) -> bytes:
    """A workbook of one sheet: texts are text cells, which are never run, figures are numbers."""
    import xlsxwriter  # noqa: PLC0415 - half a second that only who asks for a workbook waits for

    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(out, options) as book:
        book.set_properties({"title": title, "created": _WORKBOOK_MADE_AT})
        bold = book.add_format({"bold": True})
        money = book.add_format({"num_format": "#,##0.00"})
        sheet = book.add_worksheet()
        sheet.freeze_panes(1, 0)
        sheet.set_column(0, 2, 34)
        sheet.set_column(3, max(5, len(rows[0]) - 1), 16)
        for at, row in enumerate(rows):
            for column, cell in enumerate(row):
                if at and column in figures and cell:
                    style = money if "." in cell else None
                    sheet.write_number(at, column, float(cell), style)
                else:
                    sheet.write_string(at, column, cell, None if at else bold)
    return out.getvalue()

"""Rows of words and figures to paper, whichever printer this window has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pos_app.services import roll
from pos_app.services.model import PrintOutcome
from pos_app.services.printer import PrinterError
from pos_app.services.printing import PrintDesk
from pos_app.services.rows import Look, Row
from pos_app.services.slip_printer import SlipOutcome
from pos_app.services.slips import rows_slip
from program.paper_fonts import FontMissing


@dataclass(frozen=True, slots=True)
class Pressed:
    """What became of it. `detail` is plain English for the log; `faults` are codes."""

    outcome: PrintOutcome
    detail: str = ""
    path: str = ""
    faults: tuple[str, ...] = ()


def print_rows(desk: PrintDesk, rows: Sequence[Row], title: str, *, job: str) -> Pressed:
    """Print them on the receipt printer, or as a PDF where there is none.

    `job` names it: letters, digits, `.`, `_` and `-`. While a job of this name waits or is in doubt
    nothing is printed again. Raises ValueError for a bad name.
    """
    if desk.watermark:
        warning, line = Row(desk.watermark, look=Look.TITLE), Row(look=Look.RULE)
        rows = (warning, line, *rows, line, warning)
    if desk.slips is not None:
        handed = desk.slips.print_slip(
            job, rows_slip(rows, columns=desk.slips.columns), title=f"{title} {job}"
        )
        return Pressed(
            _OUTCOMES[handed.outcome], handed.detail, faults=tuple(sorted(handed.faults))
        )
    try:
        path = desk.printer.print_pdf(_drawn(desk, rows, title), job=job)
    except (PrinterError, FontMissing) as error:
        return Pressed(PrintOutcome.FAILED, str(error))
    return Pressed(PrintOutcome.PRINTED, path=str(path) if path else "")


def _drawn(desk: PrintDesk, rows: Sequence[Row], title: str) -> bytes:
    return roll.render(rows, title, font=desk.font, watermark=desk.watermark, a4=desk.a4)


_OUTCOMES: Final = {
    SlipOutcome.ON_PAPER: PrintOutcome.PRINTED,
    SlipOutcome.WAITING: PrintOutcome.WAITING,
    SlipOutcome.IN_DOUBT: PrintOutcome.IN_DOUBT,
    SlipOutcome.REFUSED: PrintOutcome.FAILED,
}

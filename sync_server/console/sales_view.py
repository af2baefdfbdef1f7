"""The sales report as its page and its tables show it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from program.i18n import format_count, format_money, translations
from sync_server.console.moments import moment
from sync_server.console.report_words import BY_NAMES, Names, line_name, sort_key
from sync_server.console.statement import decimal_text
from sync_server.services.sales_report import CURRENT, ReportBy, SalesLine, SalesReport

LINES_SHOWN_MAX = 60
FIGURES = frozenset({3, 4, 5, 6, 7, 8})
"""The columns of the table that hold figures."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure at the top."""

    title: str
    icon: str
    figure: str
    detail: str


@dataclass(frozen=True, slots=True)
class Row:
    """A line, ready to show. `share` of the widest bar, in percent."""

    name: str
    about: str
    share: float
    tickets: str
    gross: str
    back: str
    back_tickets: str
    net: str


@dataclass(frozen=True, slots=True)
class Part:
    """All lines of a kind that are shown, and how many more there are."""

    title: str
    rows: tuple[Row, ...]
    left_out: int


class SalesWords:
    """Turns a report into one language's texts."""

    def __init__(self, report: SalesReport, names: Names, language: str) -> None:
        self._report, self._names, self._language = report, names, language
        found = translations(language)
        self.gettext, self.ngettext = found.gettext, found.ngettext

    def figures(self) -> list[Figure]:
        """The totals, by currency."""
        _, found = self.gettext, []
        for line in sorted(self._report.totals(), key=lambda each: each.currency):
            found += [
                Figure(
                    _("Sold"),
                    "ticket",
                    self._money(line, line.sold_minor),
                    self._n(line.sold_count),
                ),
                Figure(
                    _("Given back"),
                    "undo-2",
                    self._money(line, line.back_minor),
                    self._n(line.back_count),
                ),
                Figure(
                    _("Net"), "banknote", self._money(line, line.net_minor), self._n(line.net_count)
                ),
            ]
        return found

    def parts(self) -> list[Part]:
        """A part for each kind of line."""
        _ = self.gettext
        found = []
        for by, title in BY_NAMES.items():
            lines = self._sorted(by)
            widest = max((self._weight(line) for line in lines), default=0)
            rows = tuple(self._row(line, widest) for line in lines[:LINES_SHOWN_MAX])
            found.append(Part(_(title), rows, len(lines) - len(rows)))
        return found

    def as_of(self) -> str:
        """What to say of figures that are not of this moment; "" where they are."""
        _ = self.gettext
        if self._report.counted_ms == CURRENT:
            return ""
        if self._report.counted_ms == 0:
            return _("Some events are still being counted: their figures follow.")
        when = moment(self._report.counted_ms, self._language, self._names.venue.zone)
        return _("Counted {time}; what came since follows.").format(time=when)

    def table(self) -> list[tuple[str, ...]]:
        """A heading, then a row a line; amounts are plain decimals."""
        _ = self.gettext
        head = (
            _("Breakdown"),
            _("Name"),
            _("About"),
            _("Tickets sold"),
            _("Sold"),
            _("Tickets given back"),
            _("Given back"),
            _("Tickets, net"),
            _("Net"),
            _("Currency"),
        )
        rows: list[tuple[str, ...]] = [head]
        for by, title in BY_NAMES.items():
            for line in self._sorted(by):
                name, about = line_name(line, self._names, self._language)
                rows.append(
                    (
                        _(title),
                        name,
                        about,
                        str(line.sold_count),
                        decimal_text(line.sold_minor, line.currency),
                        str(line.back_count),
                        decimal_text(line.back_minor, line.currency),
                        str(line.net_count),
                        decimal_text(line.net_minor, line.currency),
                        line.currency,
                    )
                )
        return rows

    def _sorted(self, by: ReportBy) -> Sequence[SalesLine]:
        return sorted(self._report.by(by), key=lambda line: sort_key(line, self._names))

    @staticmethod
    def _weight(line: SalesLine) -> int:
        return line.sold_minor or line.sold_count

    def _row(self, line: SalesLine, widest: int) -> Row:
        name, about = line_name(line, self._names, self._language)
        return Row(
            name=name,
            about=about,
            share=round(100 * self._weight(line) / widest, 2) if widest else 0.0,
            tickets=format_count(line.sold_count, self._language),
            gross=self._money(line, line.sold_minor),
            back=self._money(line, line.back_minor),
            back_tickets=self._n(line.back_count) if line.back_count else "",
            net=self._money(line, line.net_minor),
        )

    def _money(self, line: SalesLine, minor: int) -> str:
        return format_money(minor, line.currency, self._language)

    def _n(self, count: int) -> str:
        said = self.ngettext("{n} ticket", "{n} tickets", count)
        return said.format(n=format_count(count, self._language))

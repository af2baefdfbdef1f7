"""A reckoning in a language: what the page, the paper and the tables show, made once for all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from program.i18n import (
    currency_exponent,
    format_count,
    format_date,
    format_datetime,
    format_money,
    translations,
)
from sync_server.console.account_words import BY_NAMES, CHECKS, LINES, NOTES
from sync_server.services.reckoning import (
    By,
    Check,
    CheckKind,
    Line,
    LineCode,
    Name,
    Note,
    NoteCode,
    Reckoning,
)
from ticketing.text import Text

ACCOUNTS_PATH = "/console/accounts"
_WITH_ROWS = (CheckKind.TAKINGS, CheckKind.STOCK, CheckKind.TICKETS)
_CASH_NAME = {"": "cash"}
_COUNTED_NOTES = frozenset({NoteCode.Z_GAP})


@dataclass(frozen=True, slots=True)
class StatementRow:
    """One figure, ready to show; `figure` and `currency` for programs (minor units, or a count)."""

    label: str
    value: str
    figure: int
    currency: str
    is_sum: bool


@dataclass(frozen=True, slots=True)
class Section:
    """One check, ready to show. `rows_path` leads to what is behind it, or is empty."""

    title: str
    about: str
    is_open: bool
    state: str
    difference: str
    figure: int
    currency: str
    rows: tuple[StatementRow, ...]
    notes: tuple[str, ...]
    rows_path: str


@dataclass(frozen=True, slots=True)
class Statement:
    """A reckoning, ready to show: what differs comes first."""

    kind: str
    title: str
    period: str
    headline: str
    is_settled: bool
    sections: tuple[Section, ...]


def make_statement(reckoning: Reckoning, language: str, zone: ZoneInfo) -> Statement:
    """The statement of a reckoning. Pure: the same figures give the same words."""
    return _Words(language, zone).statement(reckoning)


def name_in(name: Name, language: str) -> str:
    """A name of a reckoning in a language."""
    if "" in name:
        return name[""]
    return Text.from_names(name).in_language(language)


def scope_path(by: By, of: str) -> str:
    """Where a scope's reconciliation is."""
    return f"{ACCOUNTS_PATH}?{urlencode({'by': by.value, 'of': of})}"


def decimal_text(figure: int, currency: str) -> str:
    """A figure for programs: `1234.50`, and a count as it is."""
    places = currency_exponent(currency) if currency else 0
    if not places:
        return str(figure)
    sign, digits = ("-" if figure < 0 else ""), f"{abs(figure):0{places + 1}d}"
    return f"{sign}{digits[:-places]}.{digits[-places:]}"


class _Words:
    def __init__(self, language: str, zone: ZoneInfo) -> None:
        self._language, self._zone = language, zone
        found = translations(language)
        self.gettext, self.ngettext = found.gettext, found.ngettext

    def statement(self, reckoning: Reckoning) -> Statement:
        sections = [self._section(reckoning, check) for check in reckoning.checks]
        sections.sort(key=lambda each: not each.is_open)
        open_count = len(reckoning.open_checks)
        _ = self.gettext
        said = _("Everything adds up")
        if open_count:
            said = self.ngettext(
                "{n} account does not add up", "{n} accounts do not add up", open_count
            ).format(n=open_count)
        return Statement(
            kind=_(BY_NAMES[reckoning.by]),
            title=self._title(reckoning),
            period=self._period(reckoning),
            headline=said,
            is_settled=not open_count,
            sections=tuple(sections),
        )

    def _title(self, reckoning: Reckoning) -> str:
        if reckoning.by is By.DAY:
            day = datetime.fromisoformat(reckoning.of).date()
            return format_date(day, self._language)
        return name_in(reckoning.name, self._language)

    def _period(self, reckoning: Reckoning) -> str:
        if not reckoning.starts_ms:
            return ""
        begins = self._when(reckoning.starts_ms)
        if reckoning.ends_ms <= reckoning.starts_ms:
            return begins
        return f"{begins} – {self._when(reckoning.ends_ms)}"

    def _section(self, reckoning: Reckoning, check: Check) -> Section:
        _ = self.gettext
        difference = self._figure(check.difference, check.currency)
        state = _("adds up")
        if check.difference:
            state = _("differs by {figure}").format(figure=difference)
        elif check.kind is CheckKind.LATE:
            state = _("for information") if check.lines[0].figure else _("none")
        elif check.kind is CheckKind.ENTRIES:
            state = _("for information")
        return Section(
            title=_(CHECKS[check.kind]),
            about=name_in(check.name, self._language) if check.name else "",
            is_open=bool(check.difference),
            state=state,
            difference=difference,
            figure=check.difference,
            currency=check.currency,
            rows=tuple(self._row(line, check.currency) for line in check.lines),
            notes=tuple(self._note(note, check.currency) for note in check.notes),
            rows_path=self._rows_path(reckoning, check),
        )

    def _rows_path(self, reckoning: Reckoning, check: Check) -> str:
        if check.kind not in _WITH_ROWS:
            return ""
        asked = {
            "by": reckoning.by.value,
            "of": reckoning.of,
            "check": check.kind.value,
            "part": check.of,
        }
        return f"{ACCOUNTS_PATH}/rows?{urlencode(asked)}"

    def _row(self, line: Line, currency: str) -> StatementRow:
        label = self.gettext(LINES[line.code])
        if line.name and (line.code is not LineCode.TENDER or dict(line.name) != _CASH_NAME):
            label = name_in(line.name, self._language)
        return StatementRow(
            label, self._figure(line.figure, currency), line.figure, currency, line.is_sum
        )

    def _note(self, note: Note, currency: str) -> str:
        as_count = note.code in _COUNTED_NOTES
        said = self.gettext(NOTES[note.code]).format(
            name=name_in(note.name, self._language),
            figure=self._figure(note.figure, "" if as_count else currency),
        )
        return f"{said} · {self._when(note.at_ms)}" if note.at_ms else said

    def _figure(self, figure: int, currency: str) -> str:
        if currency:
            return format_money(figure, currency, self._language)
        return format_count(figure, self._language)

    def _when(self, unix_ms: int) -> str:
        at = datetime.fromtimestamp(unix_ms / 1000, UTC)
        return format_datetime(at, self._language, zone=self._zone, year=True)

"""Every code of a reconciliation and of a case has words in every language."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from program.i18n import LANGUAGES, translations
from sync_server.console.account_words import BY_MANY, BY_NAMES, CHECKS, LINES, NOTES
from sync_server.console.account_words import REFUSALS as SIGN_REFUSALS
from sync_server.console.case_words import CASE_WORDS, CAUSES, DISPOSITIONS, NOT_RESOLVED
from sync_server.console.case_words import REFUSALS as SETTLE_REFUSALS
from sync_server.console.entry_curve import BARS_MAX, make_curve
from sync_server.console.navigation import SECTIONS, links_for
from sync_server.console.rows_page import CELLS
from sync_server.console.statement import decimal_text
from sync_server.console.tables import as_text
from sync_server.console.wording import operation_name
from sync_server.heart.cases import CaseKind
from sync_server.heart.reclaim import NoResolution
from sync_server.heart.settling import Disposition, NoSettlement
from sync_server.services.account_rows import Cell
from sync_server.services.permissions import PersonRole
from sync_server.services.reckoning import By, CheckKind, LineCode, NoteCode
from sync_server.services.sign_off import NoSignOff
from sync_server.services.takings import Crowd
from ticketing.admission.twice import Cause
from ticketing.journal import OpKind


def test_every_code_has_its_words() -> None:
    assert set(BY_NAMES) == set(BY_MANY) == set(By)
    assert set(CHECKS) == set(CheckKind)
    assert set(LINES) == set(LineCode)
    assert set(NOTES) == set(NoteCode)
    assert set(SIGN_REFUSALS) == set(NoSignOff)
    assert set(CASE_WORDS) == set(CaseKind)
    assert set(CAUSES) == set(Cause)
    assert set(DISPOSITIONS) == set(Disposition)
    assert set(SETTLE_REFUSALS) == set(NoSettlement)
    assert set(CELLS) == set(Cell)
    assert set(NOT_RESOLVED) == set(NoResolution)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_operation_is_called_something(language: str) -> None:
    assert all(operation_name(kind, language) != kind.value for kind in OpKind)
    assert operation_name("later", language) == "later"


def test_chinese_readers_get_chinese_words() -> None:
    gettext = translations("zh_CN").gettext
    words = [*CHECKS.values(), *LINES.values(), *NOTES.values(), *DISPOSITIONS.values()]
    assert [word for word in words if gettext(word) == word] == []


@pytest.mark.parametrize(
    ("figure", "currency", "text"),
    [
        (123_456, "CNY", "1234.56"),
        (-5, "CNY", "-0.05"),
        (0, "CNY", "0.00"),
        (1_234, "JPY", "1234"),
        (-1_234, "KWD", "-1.234"),
        (7, "", "7"),
    ],
)
def test_figures_for_programs_are_plain_decimals(figure: int, currency: str, text: str) -> None:
    assert decimal_text(figure, currency) == text


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        *(
            (each, f"'{each}")
            for each in ("=1+1", "+1", "-1", "@x", "\r", "%x", "|x", " =1", "＝1")
        ),
        ("\t=1", "'\t'=1"),
        ("a;=1", "a;'=1"),
        ("a\r\n=1", "a\r\n'=1"),
    ],
)
def test_what_a_spreadsheet_might_run_is_marked_as_text(text: str, marked: str) -> None:
    assert as_text(text) == marked


def test_a_plain_text_stays_as_it_is() -> None:
    assert as_text("1 号窗口 = Window 1") == "1 号窗口 = Window 1"


def test_the_bar_has_what_a_role_may_see_and_knows_where_one_is() -> None:
    links = links_for(PersonRole.MANAGER, "/console/cases/one", "en")
    of_the_house = [section.path for section in SECTIONS if section.path != "/console/agency"]
    assert [link.path for link in links] == of_the_house
    assert [link.path for link in links if link.is_here] == ["/console/cases"]
    assert links_for(PersonRole.CASHIER, "/console/", "en") == ()
    assert [link.path for link in links_for(PersonRole.AGENT, "/", "en")] == ["/console/agency"]


def crowd(minute: int, count: int = 1) -> Crowd:
    return Crowd(1, "g", "A", minute, count, 0, 0)


def test_without_entries_there_is_no_curve() -> None:
    assert make_curve([], "en", ZoneInfo("UTC")) is None


@pytest.mark.parametrize("minutes", [1, 90, 600, 100_000, 5_000_000])
def test_a_curve_counts_everybody_in_few_bars(minutes: int) -> None:
    crowds = [crowd(29_000_000 + n * max(1, minutes // 50), 2) for n in range(50)]
    curve = make_curve(crowds, "en", ZoneInfo("UTC"))
    assert curve is not None
    assert len(curve.bars) <= BARS_MAX * 4 + 1
    assert sum(int(bar.count) for bar in curve.bars) == 100
    assert max(bar.height for bar in curve.bars) == 100
    assert max(bar.x + bar.width for bar in curve.bars) <= 104

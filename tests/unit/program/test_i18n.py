"""Money, days and times as people write them, in both languages."""

from __future__ import annotations

import gettext
import io
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo

from program import i18n

SHANGHAI = ZoneInfo("Asia/Shanghai")
# 19:30 in Shanghai on a Sunday.
AT = datetime(2026, 11, 22, 11, 30, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("minor", "currency", "language", "text"),
    [
        pytest.param(127000, "CNY", "en", "¥1,270.00", id="yuan for English readers"),
        pytest.param(127000, "CNY", "zh_CN", "¥1,270.00", id="yuan for Chinese readers"),
        pytest.param(-47000, "CNY", "en", "−¥470.00", id="negative"),
        pytest.param(0, "CNY", "en", "¥0.00", id="nothing"),
        pytest.param(5, "CNY", "en", "¥0.05", id="less than one"),
        pytest.param(1280, "JPY", "en", "JP¥1,280", id="no minor unit"),
        pytest.param(1280, "KWD", "en", "KWD1.280", id="thousandths"),
        pytest.param(123456789012345678, "CNY", "en", "¥1,234,567,890,123,456.78", id="exact"),
        pytest.param(999, "EUR", "en", "€9.99", id="euro"),
    ],
)
def test_money(minor: int, currency: str, language: str, text: str) -> None:
    assert i18n.format_money(minor, currency, language) == text


@pytest.mark.parametrize(
    ("minor", "text"), [(58000, "¥580"), (58050, "¥580.50"), (-58000, "−¥580"), (0, "¥0")]
)
def test_compact_money_drops_only_zeros(minor: int, text: str) -> None:
    assert i18n.format_money(minor, "CNY", "en", compact=True) == text


@pytest.mark.parametrize(
    ("currency", "exponent"), [("CNY", 2), ("JPY", 0), ("KWD", 3), ("CLF", 4), ("IDR", 2)]
)
def test_exponents_follow_iso_4217(currency: str, exponent: int) -> None:
    assert i18n.currency_exponent(currency) == exponent


def test_counts_are_grouped() -> None:
    assert i18n.format_count(1200, "en") == "1,200"
    assert i18n.format_count(1200, "zh_CN") == "1,200"


@pytest.mark.parametrize(
    ("language", "weekday", "year", "text"),
    [
        ("en", True, True, "Sun, 22 Nov 2026"),
        ("en", True, False, "Sun 22 Nov"),
        ("en", False, True, "22 Nov 2026"),
        ("en", False, False, "22 Nov"),
        ("zh_CN", True, True, "2026年11月22日周日"),
        ("zh_CN", True, False, "11月22日周日"),
        ("zh_CN", False, True, "2026年11月22日"),
        ("zh_CN", False, False, "11月22日"),
    ],
)
def test_days(language: str, weekday: bool, year: bool, text: str) -> None:
    day = date(2026, 11, 22)
    assert i18n.format_date(day, language, weekday=weekday, year=year) == text


def test_times_are_of_the_zone_and_of_24_hours() -> None:
    assert i18n.format_time(AT, "en", zone=SHANGHAI) == "19:30"
    assert i18n.format_time(AT, "zh_CN", zone=SHANGHAI, seconds=True) == "19:30:05"
    assert i18n.format_time(AT, "en", zone=UTC) == "11:30"


def test_a_day_and_its_time_are_of_the_same_zone() -> None:
    late = datetime(2026, 11, 22, 17, 0, tzinfo=UTC)
    assert i18n.format_datetime(late, "en", zone=SHANGHAI, year=False) == "Mon 23 Nov 01:00"
    assert i18n.format_datetime(late, "zh_CN", zone=SHANGHAI) == "2026年11月23日周一 01:00"


def test_an_instant_without_a_zone_is_a_bug() -> None:
    naive = AT.replace(tzinfo=None)
    with pytest.raises(ValueError, match="zone"):
        i18n.format_time(naive, "en", zone=SHANGHAI)
    with pytest.raises(ValueError, match="zone"):
        i18n.format_datetime(naive, "en", zone=SHANGHAI)


def test_an_instant_is_no_day() -> None:
    with pytest.raises(TypeError, match="takes a day"):
        i18n.format_date(AT, "en")


def test_a_language_we_do_not_have_is_a_bug() -> None:
    with pytest.raises(ValueError, match="no such language: 'fr'; there are en, zh_CN"):
        i18n.translations("fr")
    with pytest.raises(ValueError, match="no such language"):
        i18n.format_count(1, "fr")


class TestCatalogues:
    """Catalogues in a folder of the test's own."""

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        self.folder = tmp_path
        monkeypatch.setattr("program.i18n.resources.files", lambda _package: tmp_path)
        i18n.translations.cache_clear()
        yield
        i18n.translations.cache_clear()

    def _write(self, language: str) -> None:
        catalogue = Catalog(language)
        catalogue.add("Sold out", "售罄")
        catalogue.add(("{n} seat", "{n} seats"), ("{n} 个座位",))
        stream = io.BytesIO()
        write_mo(stream, catalogue)
        path = self.folder / "i18n" / language / "LC_MESSAGES/boxgate.mo"
        path.parent.mkdir(parents=True)
        path.write_bytes(stream.getvalue())

    def test_a_compiled_catalogue_is_read(self) -> None:
        self._write("zh_CN")
        chinese = i18n.translations("zh_CN")
        assert chinese.gettext("Sold out") == "售罄"
        assert chinese.ngettext("{n} seat", "{n} seats", 2) == "{n} 个座位"
        assert chinese.gettext("Not translated") == "Not translated"

    def test_english_needs_no_catalogue(self, caplog: pytest.LogCaptureFixture) -> None:
        english = i18n.translations("en")
        assert english.gettext("Sold out") == "Sold out"
        assert english.ngettext("{n} seat", "{n} seats", 1) == "{n} seat"
        assert not caplog.records

    def test_a_missing_catalogue_is_logged_once_and_shows_the_source(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        for _ in range(2):
            assert type(i18n.translations("zh_CN")) is gettext.NullTranslations
        assert [record.getMessage() for record in caplog.records] == ["catalogue_missing"]

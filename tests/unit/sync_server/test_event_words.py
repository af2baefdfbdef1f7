"""What was changed of an event, in plain words."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from sync_server.console.event_words import DifferenceRow, difference_rows
from sync_server.services.event_differences import Differences
from sync_server.services.sample import Sample, sample_document
from ticketing.catalogue import parse_catalogue

AT = datetime(2026, 11, 22, 11, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("place", "before", "after", "row"),
    [
        pytest.param(
            "price_rules/packages/family/price_tiers",
            '["vip", "a"]',
            '["vip"]',
            ("套票 · 家庭套票 8 折 · 票档", "VIP, A 档", "VIP"),
            id="a list of ids",
        ),
        pytest.param("name/en", "Swan", "Lake", ("名称 · 英语", "Swan", "Lake"), id="a language"),
        pytest.param(
            "hall",
            {"en": "Opera House", "zh": "歌剧厅"},
            {"en": "Studio", "zh": "小剧场"},
            ("厅", "歌剧厅", "小剧场"),
            id="a text in languages",
        ),
        pytest.param("numbers", None, [6, 7], ("场次号", "–", "6, 7"), id="numbers"),
        pytest.param("letter", "[ab", "[", ("字母", "[ab", "["), id="no list"),
    ],
)
def test_a_difference_is_said_in_words(
    place: str, before: object, after: object, row: tuple[str, str, str]
) -> None:
    catalogue = parse_catalogue(sample_document(Sample.THEATRE), source="sample", now=AT)
    found = Differences({place: before, "number": 2}, {place: after, "number": 2}, 2)
    rows = difference_rows(found, catalogue.events, catalogue.venue, "zh_CN")
    assert rows == [DifferenceRow(*row)], "what is the same on both sides is no difference"

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest

from ticketing.business_day import business_day, business_day_bounds

FOUR = time(4)


@pytest.mark.parametrize(
    ("utc", "zone", "day"),
    [
        pytest.param(
            "2026-11-22T19:59:59", "Asia/Shanghai", "2026-11-22", id="03:59 is last night"
        ),
        pytest.param("2026-11-22T20:00:00", "Asia/Shanghai", "2026-11-23", id="04:00 is today"),
        pytest.param("2026-11-22T11:30:00", "Asia/Shanghai", "2026-11-22", id="an evening"),
        pytest.param("2026-11-22T03:00:00", "America/New_York", "2026-11-21", id="west of UTC"),
        pytest.param("2026-11-22T13:59:00", "Pacific/Kiritimati", "2026-11-22", id="UTC+14"),
    ],
)
def test_an_instant_lies_in_the_venues_business_day(utc: str, zone: str, day: str) -> None:
    at = datetime.fromisoformat(utc).replace(tzinfo=UTC)
    assert business_day(at, zone, FOUR) == date.fromisoformat(day)


@pytest.mark.parametrize(
    ("day", "hours"),
    [
        pytest.param(date(2026, 3, 28), 23, id="the night clocks go forward"),
        pytest.param(date(2026, 10, 24), 25, id="the night clocks go back"),
        pytest.param(date(2026, 7, 1), 24, id="any other"),
    ],
)
def test_a_business_day_is_as_long_as_its_clocks_make_it(day: date, hours: int) -> None:
    start, end = business_day_bounds(day, "Europe/Berlin", FOUR)
    assert end - start == timedelta(hours=hours)
    assert start.tzinfo is UTC


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Australia/Lord_Howe", "Pacific/Apia"])
@pytest.mark.parametrize("starts", [time(0), time(2, 30), time(4)])
@pytest.mark.parametrize(
    "around",
    [
        datetime(2026, 3, 29, tzinfo=UTC),
        datetime(2026, 10, 25, tzinfo=UTC),
        datetime(2011, 12, 30, tzinfo=UTC),
        datetime(2026, 4, 5, tzinfo=UTC),
    ],
)
def test_days_never_go_back_and_agree_with_their_bounds(
    zone: str, starts: time, around: datetime
) -> None:
    previous = date.min
    for quarter in range(-200, 200):
        at = around + timedelta(minutes=15 * quarter)
        day = business_day(at, zone, starts)
        start, end = business_day_bounds(day, zone, starts)
        assert start <= at < end
        assert day >= previous
        previous = day


def test_a_naive_time_is_a_bug() -> None:
    with pytest.raises(ValueError, match="aware"):
        business_day(datetime(2026, 11, 22), "Asia/Shanghai", FOUR)  # noqa: DTZ001

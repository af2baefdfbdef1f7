"""The picker: by the venue's business day, soonest first."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from pos_app.presenters.picker import PickerPresenter, by_day
from pos_app.services.model import PerformanceChoice
from tests.fakes.runner import run_now
from tests.fakes.till import NOW, FakeTill

TODAY = date(2026, 11, 22)


def loaded(till: FakeTill) -> PickerPresenter:
    presenter = PickerPresenter(till, run_now, till.now)
    presenter.load()
    return presenter


def test_today_comes_first_and_days_keep_their_performances_together() -> None:
    state = loaded(FakeTill()).state
    assert state.today == TODAY
    assert [day.day for day in state.days] == [TODAY + timedelta(days=n) for n in (0, 1, 2, 3)]
    assert [choice.number for choice in state.days[1].choices] == [2, 3]


def test_a_performance_after_midnight_belongs_to_the_evening_before() -> None:
    till = FakeTill()
    choice = till.performances()[0]
    late = replace(choice, number=9, starts_at=datetime(2026, 11, 22, 17, 30, tzinfo=UTC))
    days = by_day((late, choice), till.catalogue.venue)  # 01:30 in Shanghai
    assert [day.day for day in days] == [TODAY]
    assert [each.number for each in days[0].choices] == [1, 9]


def test_an_empty_list_is_loaded_and_says_so() -> None:
    class Closed(FakeTill):
        def performances(self) -> tuple[PerformanceChoice, ...]:
            return ()

    state = loaded(Closed()).state
    assert state.loaded
    assert state.days == ()


def test_a_list_that_cannot_be_read_keeps_what_was_shown() -> None:
    class Breaking(FakeTill):
        def performances(self) -> tuple[PerformanceChoice, ...]:
            if self.stocked:
                raise OSError
            return super().performances()

    till = Breaking()
    presenter = loaded(till)
    till.stock(1)
    presenter.load()
    assert presenter.state.failed
    assert presenter.state.days
    assert till.now() == NOW

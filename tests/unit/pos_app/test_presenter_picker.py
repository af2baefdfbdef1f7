"""The picker: by the venue's business day, soonest first."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from pos_app.presenters.picker import PAGE, PickerPresenter, by_day
from pos_app.services.model import PerformanceChoice
from tests.fakes.runner import run_now
from tests.fakes.till import NOW, FakeTill, park_catalogue

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


def numbers(presenter: PickerPresenter) -> list[int]:
    return [choice.number for day in presenter.state.days for choice in day.choices]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        pytest.param("swan", [1, 2, 3, 4, 5], id="a word of the name, in any case"),
        pytest.param("天鹅湖", [1, 2, 3, 4, 5], id="the name in another language"),
        pytest.param("14:00", [2], id="a time"),
        pytest.param("1400", [2], id="a time without its colon"),
        pytest.param("ballet 2026-11-23", [2, 3], id="two words and a day"),
        pytest.param("mon 23 nov", [2, 3], id="a day as it is written"),
        pytest.param("  ", [1, 2, 3, 4, 5], id="nothing"),
        pytest.param("hamlet", [], id="what is not on"),
    ],
)
def test_every_word_that_is_typed_must_fit(query: str, found: list[int]) -> None:
    presenter = loaded(FakeTill())
    presenter.search(query)
    assert numbers(presenter) == found
    assert presenter.state.query == query


def test_a_search_outlives_a_reading_and_is_taken_back_once() -> None:
    presenter = loaded(FakeTill())
    presenter.search("14:00")
    presenter.load()
    assert numbers(presenter) == [2]
    assert presenter.forget_query()
    assert numbers(presenter) == [1, 2, 3, 4, 5]
    assert not presenter.forget_query()


def test_the_slots_of_a_day_stand_together_by_what_they_are_for() -> None:
    presenter = loaded(FakeTill(catalogue=park_catalogue()))
    first = presenter.state.days[0]
    assert all(group.is_slots for group in first.groups)
    assert len({choice.event_id for group in first.groups for choice in group.choices}) == 2
    theatre = loaded(FakeTill()).state.days[1]
    assert [len(group.choices) for group in theatre.groups] == [1, 1]


def test_a_long_list_comes_in_parts_and_the_soonest_first() -> None:
    till = FakeTill(catalogue=park_catalogue())
    presenter, whole = loaded(till), len(till.performances())
    assert len(numbers(presenter)) == PAGE
    assert presenter.state.left_out == whole - PAGE
    presenter.show_more()
    assert len(numbers(presenter)) == whole
    assert presenter.state.left_out == 0
    presenter.search("00")  # narrows it down, and begins with the first part again
    assert len(numbers(presenter)) <= PAGE

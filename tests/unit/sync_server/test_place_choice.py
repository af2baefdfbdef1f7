"""Places by the words that people use."""

from __future__ import annotations

import pytest

from sync_server.services.place_choice import Choice, Misnamed, WrongPart, chosen_units, runs_of
from tests.unit.ticketing.house import catalogue


@pytest.mark.parametrize(
    ("choice", "found"),
    [
        pytest.param(Choice(units="1-3,7"), "1-3,7", id="from the plan"),
        pytest.param(Choice("stalls", "1", "2-4"), "2-4", id="seats of a row"),
        pytest.param(Choice("stalls", "1-2", "1，3"), "1,3,7,9", id="seats of two rows"),
        pytest.param(Choice("balcony"), "31-34", id="a whole section"),
        pytest.param(Choice("standing", count="2"), "104-105", id="standing places"),
        pytest.param(Choice("stalls", "9"), Misnamed(WrongPart.ROW, "9"), id="no such row"),
        pytest.param(Choice("stalls", "1", "77"), Misnamed(WrongPart.SEAT, "77"), id="no seat"),
        pytest.param(Choice("standing", count="6"), Misnamed(WrongPart.COUNT, "6"), id="too many"),
        pytest.param(Choice(units="1-19"), Misnamed(WrongPart.UNIT, "19"), id="no such unit"),
        pytest.param(Choice("nowhere"), Misnamed(WrongPart.AREA, "nowhere"), id="no section"),
    ],
)
def test_places_are_chosen_by_the_words_of_people(choice: Choice, found: str | Misnamed) -> None:
    units = chosen_units(catalogue().plans[0], choice, None)
    assert (units if isinstance(units, Misnamed) else runs_of(units)) == found

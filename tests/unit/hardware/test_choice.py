"""Of several codes in view, the one that is meant."""

from __future__ import annotations

import pytest

from hardware.qr import Choice, Reading, SeveralCodes, choose

A, B, ADVERTISEMENT = "BXG1A", "BXG1B", "https://example.org"


def reading(text: str, x: float, y: float, size: float = 10) -> Reading:
    corners = ((x, y), (x + size, y), (x + size, y + size), (x, y + size))
    return Reading(text, "test", corners)


def chosen(policy: SeveralCodes, *readings: Reading) -> Choice:
    return choose(readings, (100, 200), policy, lambda text: text.startswith("BXG"))


@pytest.mark.parametrize(
    ("readings", "text"),
    [
        pytest.param([], None, id="nothing"),
        pytest.param([reading(A, 0, 0)], A, id="one in a corner"),
        pytest.param([reading(A, 0, 45), reading(B, 90, 45)], B, id="the middle wins"),
        pytest.param([reading(B, 110, 45), reading(A, 60, 45)], B, id="the nearer wins"),
        pytest.param([reading(A, 95, 0), reading(B, 95, 40)], B, id="the frame is wide"),
        pytest.param([reading(ADVERTISEMENT, 95, 45), reading(B, 0, 0)], B, id="ours wins"),
        pytest.param([reading(ADVERTISEMENT, 0, 0)], ADVERTISEMENT, id="another code alone"),
    ],
)
def test_the_code_nearest_to_the_middle_is_the_one_held_up(
    readings: list[Reading], text: str | None
) -> None:
    choice = chosen(SeveralCodes.MIDDLE, *readings)
    assert (choice.reading.text if choice.reading else None) == text
    assert not choice.several


def test_two_tickets_are_refused_where_one_at_a_time_is_wanted() -> None:
    both = chosen(SeveralCodes.REFUSE, reading(A, 95, 45), reading(B, 0, 0))
    assert both == Choice(None, several=True)


def test_a_ticket_and_its_stub_are_one_ticket() -> None:
    choice = chosen(SeveralCodes.REFUSE, reading(A, 95, 45), reading(A, 0, 0))
    assert choice == Choice(reading(A, 95, 45))


def test_a_ticket_beside_another_houses_code_is_alone() -> None:
    choice = chosen(SeveralCodes.REFUSE, reading(ADVERTISEMENT, 95, 45), reading(A, 0, 0))
    assert choice == Choice(reading(A, 0, 0))

"""What explains a ticket that was let in too often: from the entries alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ticketing.admission import Cause, GateEntry, causes_of
from ticketing.ids import OpId

AT = datetime(2026, 12, 2, 19, 0, tzinfo=UTC)


def entry(number: int, *, minute: float = 0, offline: bool = True) -> GateEntry:
    at = AT + timedelta(minutes=minute)
    return GateEntry(OpId(f"{number:032x}"), f"gate {number}", "lane", at, at, offline, heard=True)


FIRST, LATER = entry(1), entry(2, minute=9)


@pytest.mark.parametrize(
    ("entries", "causes"),
    [
        pytest.param((FIRST, LATER), [Cause.BOTH_OFFLINE], id="both cut off"),
        pytest.param((replace(FIRST, offline=False), LATER), [Cause.ONE_OFFLINE], id="one cut off"),
        pytest.param(
            (replace(FIRST, offline=False), replace(LATER, offline=False)),
            [Cause.ALL_ASKED],
            id="none cut off",
        ),
        pytest.param(
            (replace(FIRST, offline=False, heard=False), LATER),
            [Cause.ANSWER_LOST, Cause.ONE_OFFLINE],
            id="an answer that nobody heard",
        ),
        pytest.param(
            (FIRST, entry(2, minute=0.5)), [Cause.COPY, Cause.BOTH_OFFLINE], id="half a minute"
        ),
        pytest.param(
            (entry(2, minute=0.51), FIRST), [Cause.BOTH_OFFLINE], id="just over half a minute"
        ),
        pytest.param(
            (LATER, FIRST, entry(3, minute=9.1)), [Cause.COPY, Cause.BOTH_OFFLINE], id="of three"
        ),
        pytest.param(
            (FIRST, replace(FIRST, op_id=OpId("f" * 32))),
            [Cause.BOTH_OFFLINE],
            id="twice at one lane is no copy at two",
        ),
    ],
)
def test_what_explains_it(entries: tuple[GateEntry, ...], causes: list[Cause]) -> None:
    assert list(causes_of(entries, fits_corrected=False)) == causes


def test_corrected_times_count_and_not_what_a_gate_thought() -> None:
    wrong = replace(LATER, corrected=AT + timedelta(seconds=3))
    assert causes_of([FIRST, wrong], fits_corrected=True) == (
        Cause.CLOCK,
        Cause.COPY,
        Cause.BOTH_OFFLINE,
    )

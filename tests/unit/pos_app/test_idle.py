"""When the till locks by itself."""

from __future__ import annotations

import pytest

from pos_app.presenters.idle import IdleWatch


@pytest.mark.parametrize(
    ("passed_s", "left"),
    [
        pytest.param(0.0, None, id="just touched"),
        pytest.param(159.9, None, id="nothing is said yet"),
        pytest.param(160.0, 20, id="the warning begins"),
        pytest.param(179.1, 1, id="a part of a second counts as one"),
        pytest.param(180.0, 0, id="it is time"),
        pytest.param(9_999.0, 0, id="long past it"),
    ],
)
def test_it_warns_for_twenty_seconds_and_then_locks(passed_s: float, left: int | None) -> None:
    watch = IdleWatch(180, since_s=1_000.0)
    assert watch.left_s(1_000.0 + passed_s) == left


def test_whatever_is_done_begins_the_time_anew() -> None:
    watch = IdleWatch(180)
    watch.touched(170.0)
    assert watch.left_s(180.0) is None
    assert watch.left_s(350.0) == 0


def test_without_a_limit_it_never_locks() -> None:
    assert IdleWatch(0).left_s(10.0**9) is None

"""The terms of an allotment: how long a node sells, what it does when it can't tell the time."""

from __future__ import annotations

import pytest

from ticketing.terms import Anchor, CapReached, Caps, Sold, Standing, Terms, standing
from ticketing.terms import write_off_allowed as may_write_off

TERMS = Terms(soft_s=1_000, hard_s=10_000)
SENT_MS = 1_700_000_000_000
ANCHOR = Anchor(sent_mono_s=50.0, boot_id="boot-1", sent_wall_ms=SENT_MS, wall_high_ms=SENT_MS)


@pytest.mark.parametrize(
    ("elapsed_s", "expected"),
    [
        pytest.param(0, Standing.NORMAL, id="at once"),
        pytest.param(989.9, Standing.NORMAL, id="just before the soft term, less the drift"),
        pytest.param(990, Standing.LIMITED, id="at the soft term, less the drift"),
        pytest.param(9_899.9, Standing.LIMITED, id="just before the hard term, less the drift"),
        pytest.param(9_900, Standing.STOPPED, id="at the hard term, less the drift"),
        pytest.param(-0.1, Standing.STOPPED, id="a clock that ran backwards"),
    ],
)
def test_a_term_ends_early_by_what_a_clock_may_drift(elapsed_s: float, expected: Standing) -> None:
    mono_s, wall_ms = 50 + elapsed_s, SENT_MS + round(elapsed_s * 1_000)
    assert standing(TERMS, ANCHOR, mono_s, "boot-1", SENT_MS, SENT_MS) is expected
    after_restart = standing(TERMS, ANCHOR, 1.0, "boot-2", wall_ms, min(wall_ms, SENT_MS))
    assert after_restart is expected


@pytest.mark.parametrize("wall_ms", [0, SENT_MS - 10**9, SENT_MS + 10**12])
def test_within_a_boot_the_wall_clock_does_not_matter(wall_ms: int) -> None:
    assert standing(TERMS, ANCHOR, 51, "boot-1", wall_ms, SENT_MS) is Standing.NORMAL


def test_after_a_restart_a_clock_behind_any_time_ever_stored_proves_nothing() -> None:
    now_ms = SENT_MS + 5_000
    assert standing(TERMS, ANCHOR, 0, "boot-2", now_ms, now_ms) is Standing.NORMAL
    assert standing(TERMS, ANCHOR, 0, "boot-2", now_ms, now_ms + 1) is Standing.STOPPED
    high = Anchor(50, "boot-1", SENT_MS, now_ms + 1)
    assert standing(TERMS, high, 0, "boot-2", now_ms, SENT_MS) is Standing.STOPPED


def test_terms_without_length_are_over_at_once() -> None:
    assert standing(Terms(0, 0), ANCHOR, 50, "boot-1", SENT_MS, SENT_MS) is Standing.STOPPED


@pytest.mark.parametrize("terms", [(5, 4), (-1, 4)])
def test_a_soft_term_after_the_hard_one_is_a_bug(terms: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="no terms"):
        Terms(*terms)


def test_the_centre_waits_longer_by_the_drift_and_a_margin() -> None:
    last_ms = SENT_MS + (10_100 + 60) * 1_000
    assert not may_write_off(SENT_MS, 10_000, last_ms - 1)
    assert may_write_off(SENT_MS, 10_000, last_ms)
    assert not may_write_off(SENT_MS, 10_000, SENT_MS - 10**9)


@pytest.mark.parametrize(
    ("already", "basket", "cap"),
    [
        pytest.param(Sold(48, 0), Sold(2, 2_000), None, id="just within both"),
        pytest.param(Sold(48, 0), Sold(3, 0), CapReached.TICKETS, id="a ticket too many"),
        pytest.param(Sold(1, 1_999), Sold(1, 2), CapReached.AMOUNT, id="a fen too much"),
        pytest.param(Sold(50, 2_000), Sold(1, 1), CapReached.TICKETS, id="both"),
    ],
)
def test_a_till_cut_off_for_long_sells_up_to_its_caps(
    already: Sold, basket: Sold, cap: CapReached | None
) -> None:
    assert Caps(tickets_max=50, amount_max_minor=2_000).broken_by(already, basket) is cap

"""Rate limits: tries run out, come back, and never run out for ever."""

from __future__ import annotations

import pytest

from sync_server.services import limits
from sync_server.services.limits import Limit, address_key


def tries(limit: Limit, key: str, now_s: float, count: int) -> None:
    for _ in range(count):
        limit.take(key, now_s)


def test_a_burst_is_free_and_then_waiting_begins() -> None:
    limit = Limit(3, 30)
    waits = []
    for _ in range(4):
        waits.append(limit.wait_s("a", 100))
        limit.take("a", 100)
    assert waits == [0, 0, 0, 30]


def test_a_try_comes_back_after_its_period() -> None:
    limit = Limit(3, 30)
    tries(limit, "a", 100, 3)
    assert limit.wait_s("a", 115) == 15
    assert limit.wait_s("a", 130) == 0


def test_hammering_on_does_not_make_the_wait_longer() -> None:
    limit = Limit(3, 30)
    tries(limit, "a", 100, 1_000)
    assert limit.wait_s("a", 100) == 30


def test_one_key_does_not_cost_another() -> None:
    limit = Limit(1, 30)
    limit.take("a", 100)
    assert limit.wait_s("b", 100) == 0


def test_a_success_starts_afresh() -> None:
    limit = Limit(1, 30)
    limit.take("a", 100)
    limit.forget("a")
    limit.forget("never seen")
    assert limit.wait_s("a", 100) == 0


def test_a_clock_that_stands_still_or_goes_back_gives_nothing_away() -> None:
    limit = Limit(1, 30)
    limit.take("a", 100)
    assert limit.wait_s("a", 50) == 30


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "KEYS_MAX", 2)
    limit = Limit(1, 30)
    for key in ("a", "b", "c"):
        limit.take(key, 100)
    assert [limit.wait_s(key, 100) for key in ("a", "b", "c")] == [0, 30, 30]


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("not an address", "not an address"),
        ("", "unknown"),
        (None, "unknown"),
    ],
)
def test_an_ipv6_network_counts_as_one(address: str | None, expected: str) -> None:
    assert address_key(address) == expected

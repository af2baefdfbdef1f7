"""The link as two threads see it together, and the waits between tries."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from edge.link import BACKOFF_FIRST_S, BACKOFF_MAX_S, Backoff, Link, LinkKeeper, LinkState, Part


@dataclass
class Clock:
    wall: int = 1_000
    chance: bytes = b"\x00\x00"
    told: list[Link] = field(default_factory=list)

    def wall_ms(self) -> int:
        self.wall += 1
        return self.wall

    def monotonic_s(self) -> float:
        return 0.0

    def boot_id(self) -> str:
        return ""

    def maybe_crash(self, point: str) -> None:
        """Nothing."""

    def random_bytes(self, count: int) -> bytes:
        assert count == 2
        return self.chance

    def keeper(self) -> LinkKeeper:
        return LinkKeeper(self, self.told.append)


def test_a_first_answer_is_online() -> None:
    clock = Clock()
    keeper = clock.keeper()
    assert keeper.link == Link()
    assert not keeper.reached(Part.PUSHER, 7)
    assert keeper.link == Link(LinkState.ONLINE, None, 1_001, "", 7)
    assert clock.told == [keeper.link]


def test_one_failing_part_is_offline_until_that_part_works_again() -> None:
    clock = Clock()
    keeper = clock.keeper()
    keeper.lost(Part.PUSHER, "no answer")
    assert not keeper.reached(Part.PULLER)
    assert keeper.link.state is LinkState.OFFLINE
    assert keeper.link.offline_since_ms == 1_001
    assert keeper.link.last_contact_ms == 1_002
    assert keeper.reached(Part.PUSHER)
    assert keeper.link == Link(LinkState.ONLINE, None, 1_003)
    assert [link.state for link in clock.told] == [LinkState.OFFLINE, LinkState.ONLINE]


def test_offline_since_the_first_failure_and_with_the_last_error() -> None:
    clock = Clock()
    keeper = clock.keeper()
    keeper.lost(Part.PUSHER, "first")
    keeper.lost(Part.PULLER, "second")
    keeper.lost(Part.PUSHER, "third")
    assert (keeper.link.offline_since_ms, keeper.link.last_error) == (1_001, "third")
    assert len(clock.told) == 1


def test_an_answer_without_the_time_leaves_the_measure_alone() -> None:
    keeper = Clock().keeper()
    keeper.reached(Part.PUSHER, 500)
    keeper.reached(Part.PULLER)
    assert keeper.link.server_ahead_ms == 500
    keeper.reached(Part.PUSHER, 0)
    assert keeper.link.server_ahead_ms == 0


def test_a_locked_node_stays_locked_whatever_comes() -> None:
    clock = Clock()
    keeper = clock.keeper()
    keeper.lock()
    keeper.lost(Part.PUSHER, "no answer")
    keeper.reached(Part.PUSHER, 1)
    keeper.lock()
    assert keeper.link.state is LinkState.LOCKED
    assert keeper.link.last_contact_ms is not None
    assert [link.state for link in clock.told] == [LinkState.LOCKED]


def test_a_note_stands_until_it_is_taken_back() -> None:
    keeper = Clock().keeper()
    keeper.note("a journal is refused")
    assert keeper.link.last_error == ""
    keeper.reached(Part.PUSHER)
    assert keeper.link.last_error == "a journal is refused"
    keeper.lost(Part.PUSHER, "no answer")
    keeper.reached(Part.PUSHER)
    assert keeper.link.last_error == "a journal is refused"
    keeper.note("")
    assert keeper.link.last_error == ""


@pytest.mark.parametrize(("chance", "least"), [(b"\x00\x00", True), (b"\xff\xff", False)])
def test_waits_double_within_bounds(chance: bytes, *, least: bool) -> None:
    backoff = Backoff(Clock(chance=chance))
    waits = [backoff.next_s() for _ in range(12)]
    limits = [min(BACKOFF_FIRST_S * 2**n, BACKOFF_MAX_S) for n in range(12)]
    for wait_s, limit_s in zip(waits, limits, strict=True):
        assert 0.1 * limit_s <= wait_s <= limit_s
        assert (wait_s == pytest.approx(0.1 * limit_s)) is least
    backoff.reset()
    assert backoff.next_s() == waits[0]

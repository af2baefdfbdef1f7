"""Figures that are costly to make: fresh while that is quick, and never made twice at once."""

from __future__ import annotations

import asyncio

import pytest

from sync_server.services import freshness
from sync_server.services.freshness import QUICK_S, REST_FACTOR, STALE_S_MAX, Fresh


class Maker:
    """Counts how often it was asked; each making takes as long as a test says."""

    def __init__(self) -> None:
        self.now_s, self.takes_s, self.made = 1_000.0, 0.0, 0
        self.fails = False
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()

    def clock(self) -> float:
        return self.now_s

    async def make(self) -> int:
        await self.may_go_on.wait()
        await asyncio.sleep(0)
        if self.fails:
            raise OSError("the database is away")
        self.made += 1
        self.now_s += self.takes_s
        return self.made


@pytest.fixture
def maker() -> Maker:
    return Maker()


@pytest.fixture
def fresh(maker: Maker) -> Fresh[int]:
    return Fresh(maker.make, maker.clock)


async def test_what_is_made_quickly_is_made_for_everybody_who_asks(
    fresh: Fresh[int],
) -> None:
    assert [await fresh.get(), await fresh.get()] == [1, 2]


async def test_who_asks_while_it_is_made_gets_the_same(fresh: Fresh[int], maker: Maker) -> None:
    assert list(await asyncio.gather(*(fresh.get() for _ in range(3)))) == [1, 1, 1]
    assert maker.made == 1


async def test_what_takes_long_is_given_as_it_was_and_made_anew_behind_that(
    fresh: Fresh[int], maker: Maker
) -> None:
    maker.takes_s = 2 * QUICK_S
    assert [await fresh.get(), await fresh.get()] == [1, 2]
    assert await fresh.get() == 2
    maker.now_s += maker.takes_s * (REST_FACTOR + 1)
    assert await fresh.get() == 2
    await fresh.close()
    assert await fresh.get() == 3
    assert maker.made == 3


async def test_what_took_long_once_is_still_made_for_everybody_who_asks(
    fresh: Fresh[int], maker: Maker
) -> None:
    """The first of a process, or one while the machine was busy."""
    told = []
    for maker.takes_s in (100 * QUICK_S, 0, 0, 100 * QUICK_S, 0):
        told.append(await fresh.get())
    assert told == [1, 2, 3, 4, 5]


async def test_nobody_waits_long_for_a_new_one_where_there_is_an_older_one(
    fresh: Fresh[int], maker: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(freshness, "PATIENCE_S", STALE_S_MAX / 2)
    assert await fresh.get() == 1
    maker.may_go_on.clear()
    patient = asyncio.create_task(fresh.get())
    await asyncio.sleep(0)
    maker.now_s += STALE_S_MAX / 2
    assert await fresh.get() == 1
    maker.may_go_on.set()
    assert await patient == 2


async def test_nobody_is_shown_what_is_too_old(fresh: Fresh[int], maker: Maker) -> None:
    maker.takes_s = 2 * QUICK_S
    assert [await fresh.get(), await fresh.get()] == [1, 2]
    maker.now_s += STALE_S_MAX + 1
    assert await fresh.get() == 3


async def test_a_making_that_fails_is_told_to_who_waits_for_it_and_tried_again(
    fresh: Fresh[int], maker: Maker
) -> None:
    maker.fails = True
    with pytest.raises(OSError, match="away"):
        await fresh.get()
    maker.fails = False
    assert await fresh.get() == 1


async def test_one_that_goes_away_takes_nothing_from_the_others(
    fresh: Fresh[int], maker: Maker
) -> None:
    first = asyncio.create_task(fresh.get())
    second = asyncio.create_task(fresh.get())
    await asyncio.sleep(0)
    first.cancel()
    assert await second == 1
    assert maker.made == 1

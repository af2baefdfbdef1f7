"""News: nobody sleeps through a change, and nobody is woken for another stream's."""

from __future__ import annotations

import asyncio

import pytest

from sync_server import news as news_module
from sync_server.news import News

LONG_S = 60.0


async def test_a_change_after_the_ticket_ends_the_wait_at_once() -> None:
    news = News()
    ticket = news.ticket()
    news.publish({"a"})
    await asyncio.wait_for(news.wait(["a", "b"], ticket, LONG_S), 5)


async def test_a_change_while_waiting_ends_the_wait() -> None:
    news = News()
    waiting = asyncio.create_task(news.wait(["a"], news.ticket(), LONG_S))
    await asyncio.sleep(0)
    news.publish(["a"])
    await asyncio.wait_for(waiting, 5)


async def test_another_streams_change_does_not_wake() -> None:
    news = News()
    waiting = asyncio.create_task(news.wait(["a"], news.ticket(), LONG_S))
    await asyncio.sleep(0)
    news.publish(["b"])
    await asyncio.sleep(0)
    assert not waiting.done()
    news.publish(["a"])
    await waiting


async def test_an_old_change_does_not_end_a_new_wait() -> None:
    news = News()
    news.publish(["a"])
    waiting = asyncio.create_task(news.wait(["a"], news.ticket(), LONG_S))
    await asyncio.sleep(0)
    assert not waiting.done()
    news.close()
    await waiting


async def test_the_wait_ends_when_its_time_is_up() -> None:
    await News().wait(["a"], 0, 0.001)
    await News().wait(["a"], 0, 0)


async def test_closing_wakes_all_and_nobody_waits_afterwards() -> None:
    news = News()
    waiting = [asyncio.create_task(news.wait([name], 0, LONG_S)) for name in ("a", "b")]
    await asyncio.sleep(0)
    news.close()
    await asyncio.wait_for(asyncio.gather(*waiting), 5)
    await asyncio.wait_for(news.wait(["a"], news.ticket(), LONG_S), 5)


async def test_beyond_the_limit_a_wait_ends_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(news_module, "WAITERS_MAX", 1)
    news = News()
    waiting = asyncio.create_task(news.wait(["a"], 0, LONG_S))
    await asyncio.sleep(0)
    await asyncio.wait_for(news.wait(["a"], 0, LONG_S), 5)
    assert not waiting.done()
    news.close()
    await waiting


async def test_a_waiter_that_gives_up_is_forgotten() -> None:
    news = News()
    waiting = asyncio.create_task(news.wait(["a"], 0, LONG_S))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert not news._waiters
    news.publish(["a"])

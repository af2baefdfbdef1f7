"""The long poll: read once and encoded once for everybody who waits for the same."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from aiohttp import web

from sync_server.centre import Centre
from sync_server.handlers.problems import Problem
from sync_server.handlers.recovery_api import doubt_history
from sync_server.handlers.state import CENTRE, NodeIdentity
from sync_server.services.feed import News, pull_all
from sync_server.services.generations import Told as ToldByNode
from sync_server.services.permissions import NodeRole

PROTO_MIN = 1
"""Nodes that speak an older protocol are told nothing; what they push is taken all the same."""
COALESCE_S = 0.02
"""What else changes within so long after a change is told with it."""
KEPT_MAX = 64
_ALLOTMENTS_OF_ALL = frozenset({"gate", "hub"})
"""Roles whose nodes all see the same of an event: one answer serves them all."""

Key = tuple[str, tuple[tuple[str, int], ...], int]
"""For whom (a role, or one node), after which revisions, and how many rows at most."""


@dataclass(frozen=True, slots=True)
class Told:
    """News, and the text of their pages."""

    news: News
    pages: bytes


@dataclass(slots=True)
class Answers:
    """Answers being read or read already since the last change. On the event loop only."""

    centre: Centre
    _moment: int = -1
    _kept: dict[Key, asyncio.Task[Told]] = field(default_factory=dict)

    async def news(self, node: NodeIdentity, after: Mapping[str, int], limit: int) -> Told:
        """What the node is told now. What was read before the last change is read again."""
        moment = self.centre.news.ticket()
        if moment != self._moment or len(self._kept) >= KEPT_MAX:
            self._moment, self._kept = moment, {}
        whose = node.role if node.role in _ALLOTMENTS_OF_ALL else node.id
        key = (whose, tuple(after.items()), limit)
        found = self._kept.get(key)
        if found is None:
            found = asyncio.create_task(self._read(node, after, limit), name="read news")
            found.add_done_callback(lambda task: self._forget_failed(key, task))
            self._kept[key] = found
        return await asyncio.shield(found)  # others wait for it too

    def _forget_failed(self, key: Key, task: asyncio.Task[Told]) -> None:
        """Who comes next tries again; that it failed is told to those who wait for it."""
        failed = task.cancelled() or task.exception() is not None
        if failed and self._kept.get(key) is task:
            del self._kept[key]

    async def _read(self, node: NodeIdentity, after: Mapping[str, int], limit: int) -> Told:
        view, node_id, house = node.view, node.id, self.centre.venue_id
        return await self.centre.read(
            lambda connection: _encoded(pull_all(connection, view, node_id, house, after, limit))
        )


ANSWERS = web.AppKey("answers", Answers)


def set_up_answers(app: web.Application) -> None:
    """Call once, when the centre is in the application."""
    app[ANSWERS] = Answers(app[CENTRE])


@dataclass(frozen=True, slots=True)
class Poll:
    """What a node asks: which history it knows ('': none), and how far of each stream."""

    generation: str
    after: Mapping[str, int]
    limit: int
    wait_s: float


async def answer_pull(answers: Answers, node: NodeIdentity, poll: Poll) -> web.Response:
    """Rows of several streams after the given revisions; waits when there is nothing new.

    A cursor that only moves on is told at once: whoever waits for what a node has read, as the
    resale of a seat does, hears of it.
    """
    centre, after, limit, wait_s = answers.centre, poll.after, poll.limit, poll.wait_s
    await _same_history(centre, node, poll)
    ticket = centre.news.ticket()
    told = await answers.news(node, after, limit)
    if node.role == NodeRole.GATE and not told.news.ends_before:
        rev_of = after if poll.generation else dict.fromkeys(after, 0)
        centre.gate_read(node.id, poll.generation, {s: rev_of[s] for s in told.news.pages})
    if wait_s and not told.news.leads_on(after) and not told.news.ends_before:
        await centre.news.wait(list(after), ticket, wait_s)
        if centre.news.ticket() != ticket:
            await asyncio.sleep(COALESCE_S)
        told = await answers.news(node, after, limit)
    if told.news.ends_before:
        await doubt_history(centre, node, ToldByNode(poll.generation, after))
        raise _other_history(centre, "this server's history ends before yours")
    await _same_history(centre, node, poll)  # it may have changed while we waited
    if told.news.purged is not None:
        raise Problem(
            410, "refetch", "fetch this stream again from nothing", stream=told.news.purged
        )
    behind_ms = centre.behind_ms()
    behind = f'"behind_ms":{behind_ms},' if behind_ms else ""
    lent_now_ms = centre.lent_now_ms()
    if lent_now_ms is not None:
        behind += f'"lent_now_ms":{lent_now_ms},'
    head = f'{{"gen":"{centre.generation.short}","now_ms":{centre.now_ms()},{behind}"streams":'
    return web.Response(
        body=b"".join((head.encode(), told.pages, b"}")), content_type="application/json"
    )


async def _same_history(centre: Centre, node: NodeIdentity, poll: Poll) -> None:
    """Refuse to go on from a cursor of another history; it may prove that we have lost one."""
    if poll.generation not in ("", centre.generation.short):
        await doubt_history(centre, node, ToldByNode(poll.generation, poll.after))
        raise _other_history(centre, "that is another history")


def _other_history(centre: Centre, why: str) -> Problem:
    return Problem(
        409,
        "generation_changed",
        f"{why}: fetch everything again",
        gen=centre.generation.short,
    )


def check_proto(query: Mapping[str, str]) -> None:
    """Refuse to tell news to a node of a protocol that is no longer spoken: 426."""
    told = query.get("proto", "1")
    if not (told.isascii() and told.isdigit() and len(told) < 6) or int(told) < PROTO_MIN:
        raise Problem(
            426,
            "proto_unknown",
            "this server has nothing to tell in that protocol; what you push is taken",
            min_proto=PROTO_MIN,
        )


def _encoded(news: News) -> Told:
    """On a reader's thread: encoding takes longer than reading."""
    streams = {
        stream: {"rows": page.rows, "next": page.next, "head": page.head, "more": page.more}
        for stream, page in news.pages.items()
    }
    return Told(news, json.dumps(streams, ensure_ascii=False, separators=(",", ":")).encode())

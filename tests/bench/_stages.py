"""Microseconds per sale by stage: the functions that a push goes through, without HTTP.

The only file of the measurements that knows how the server is built inside.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import orjson
from sqlalchemy import Connection

from sync_server.handlers import node_api
from sync_server.heart.intake import Push
from sync_server.heart.source import NodeRole, Source
from sync_server.heart.work import Work
from sync_server.services.catalogue import PlanShelf
from sync_server.settings import Settings
from sync_server.store.database import open_engine
from sync_server.store.sql import Sql
from tests.bench._house import EVENT

STAGES = ("parse", "chain and decode", "fetch", "apply", "flush", "commit", "reply")


def measure_stages(
    settings: Settings, journals: Sequence[tuple[str, Path]], per_batch: int
) -> dict[str, float]:
    """What each stage takes of a sale, in us, when `per_batch` requests share a commit.

    `journals`: node ids, each with its file of prepared requests of one sale.
    """
    engine = open_engine(settings.database)
    spent = dict.fromkeys(STAGES, 0.0)
    sale_count = 0
    try:
        with engine.connect() as connection:
            shelf = PlanShelf()
            requests = _by_turns(journals)
            while len(batch := list(islice(requests, per_batch))) == per_batch:
                _take(connection, shelf, batch, spent)
                sale_count += per_batch
    finally:
        engine.dispose()
    return {stage: seconds * 1e6 / sale_count for stage, seconds in spent.items()}


def _take(
    connection: Connection,
    shelf: PlanShelf,
    batch: Sequence[tuple[str, bytes]],
    spent: dict[str, float],
) -> None:
    marks = [time.perf_counter()]
    pushes = [
        Push(Source(node_id, NodeRole.TILL, 1, EVENT), node_api._batch(orjson.loads(body)))
        for node_id, body in batch
    ]
    marks.append(time.perf_counter())
    transaction = connection.begin()
    work = Work.begin(Sql.of(connection), EVENT, time.time_ns() // 1_000_000, shelf, None)
    for push in pushes:
        push.want(work)
    marks.append(time.perf_counter())
    work.fetch()
    marks.append(time.perf_counter())
    taken = [push.apply(work) for push in pushes]
    marks.append(time.perf_counter())
    work.flush()
    marks.append(time.perf_counter())
    transaction.commit()
    marks.append(time.perf_counter())
    for each in taken:
        node_api._push_reply(each)
    marks.append(time.perf_counter())
    for stage, began, ended in zip(STAGES, marks, marks[1:], strict=False):
        spent[stage] += ended - began


def _by_turns(journals: Sequence[tuple[str, Path]]) -> Iterator[tuple[str, bytes]]:
    """One request of each journal, then the next of each."""
    files = [(node_id, _bodies(path)) for node_id, path in journals]
    while True:
        for node_id, bodies in files:
            body = next(bodies, None)
            if body is None:
                return
            yield node_id, body


def _bodies(path: Path) -> Iterator[bytes]:
    data, at = path.read_bytes(), 0
    while at < len(data):
        length = int(data[at : at + 8])
        request = data[at + 8 : at + 8 + length]
        yield request.partition(b"\r\n\r\n")[2]
        at += 8 + length

"""A hub's own database, which reads a centre's feed without any wire between them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from sync_server.hub.taking_in import FromCentre, follow, take_in
from sync_server.services.catalogue import PlanShelf, found_house
from sync_server.services.feed import pull
from sync_server.store.database import create_schema, open_engine, read_only
from sync_server.store.writer import Transaction
from tests.fakes.databases import Template
from tests.integration.sync_server.stage import GENERATION, VENUE, Stage

HUB = "00000000000000cc"
HUB_GENERATION = "9f8e7d6c"


@contextmanager
def hub_copy(folder: Path) -> Iterator[Stage]:
    """An empty one."""
    folder.mkdir()
    with _template().copy(folder) as url:
        engine = open_engine(url)
        try:
            yield Stage(engine)
        finally:
            engine.dispose()


@cache
def _template() -> Template:
    return Template(_build)


def _build(url: str) -> None:
    engine = open_engine(url)
    create_schema(engine)
    with engine.begin() as connection:
        _found(Transaction(connection, 1))
    engine.dispose()


def _found(tx: Transaction) -> None:
    tx.run(
        "INSERT INTO generation (id, short, started_ms, reason) VALUES ('hub', :s, 1, 'join')",
        s=HUB_GENERATION,
    )
    found_house(tx, VENUE)
    follow(tx, VENUE)


def read_page(centre: Stage, hub: Stage, stream: str, limit: int = 5_000) -> FromCentre:
    """The next page of one stream, as it was taken in."""
    after = hub.one("SELECT rev FROM upstream WHERE event_id = :e", e=stream)
    with read_only(centre.engine).connect() as connection:
        found = pull(connection, "hub", HUB, VENUE, stream, int(after), limit)
    assert found is not None
    rows = [(row[2]["table"], row[2]["columns"]) for row in found.rows]  # type: ignore[index]
    page = FromCentre(stream, rows, GENERATION, found.next, found.more)
    joined = centre.rows("SELECT id FROM node WHERE role = 'hub'")
    hub_id = joined[0][0] if joined else ""
    hub.do(lambda tx: take_in(tx, VENUE, PlanShelf(), page, hub_id))
    return page


def read_on(centre: Stage, hub: Stage, limit: int = 5_000) -> None:
    """Everything that is new, in pages of so many rows."""
    while read_page(centre, hub, VENUE, limit).more:
        pass
    for row in hub.rows("SELECT event_id FROM stream WHERE kind = 'event'"):
        while read_page(centre, hub, row.event_id, limit).more:
            pass


def said_alike(centre: Stage, hub: Stage, table: str, columns: str) -> list[Any]:
    """Rows of a table as both have them; fails when they differ."""
    query = f"SELECT {columns} FROM {table} ORDER BY {columns}"  # noqa: S608 - our own names
    ours, theirs = hub.rows(query), centre.rows(query)
    assert ours == theirs
    return ours

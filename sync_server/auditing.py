"""Moving what deeds have noted into the audit's own store: by a command, or beside a server.

First the record is durable in the store, then its note is removed. Killed in between, it is moved
again and found to be there. docs/adr has the reasons.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress

from sqlalchemy import Connection, Engine, text

from program.logs import get_logger
from sync_server.centre import Centre
from sync_server.services.audit import ROOT_HASH, Noted, Record, broken_at, chained
from sync_server.services.house import read_meta
from sync_server.store.audit import AuditStore, Row
from sync_server.store.database import read_only
from sync_server.store.errors import StoreError
from sync_server.store.transact import transact
from sync_server.store.writer import UNAVAILABLE, Transaction

MOVED_AT_ONCE = 500
PERIOD_S = 1.0
ALARM_AFTER = 30
"""Failures in turn. Fewer are a database that was away for a moment: the notes wait."""
HEAD_KEY = "audit_head"
"""The entry of `meta` that has the number and hash of the audit's end: what is cut off is missed."""
_log = get_logger(__name__)


def move(engine: Engine, store: AuditStore) -> int:
    """Move all that is noted, for a command; gives how many there were."""
    count = 0
    while True:
        with read_only(engine).connect() as connection:
            coming = noted_first(connection)
        if not coming:
            return count
        head = append(store, coming)
        transact(engine, lambda tx, moved=coming, end=head: settle(tx, moved, end))  # type: ignore[misc]
        count += len(coming)


def noted_first(connection: Connection) -> list[Noted]:
    """The oldest notes that have not been moved."""
    rows = connection.execute(
        text(f"SELECT id, at_ms, body FROM audit_outbox ORDER BY id LIMIT {MOVED_AT_ONCE}")  # noqa: S608
    )
    return [Noted(row[0], row[1], row[2]) for row in rows]


def append(store: AuditStore, coming: Sequence[Noted]) -> tuple[int, str]:
    """Make them durable in the store; gives its end."""
    return store.append([(each.id, each.at_ms, each.body) for each in coming], _chain)


def settle(tx: Transaction, moved: Sequence[Noted], head: tuple[int, str]) -> None:
    """They are in the store: forget the notes, and remember where the store ended."""
    for each in moved:
        tx.run("DELETE FROM audit_outbox WHERE id = :id", id=each.id)
    if known_head(read_meta(tx.connection))[0] < head[0]:
        tx.run("DELETE FROM meta WHERE k = :k", k=HEAD_KEY)
        tx.run("INSERT INTO meta (k, v) VALUES (:k, :v)", k=HEAD_KEY, v=f"{head[0]}:{head[1]}")


def known_head(meta: dict[str, str]) -> tuple[int, str]:
    """Where the store ended when the database last heard of it."""
    seq, _, head_hash = meta.get(HEAD_KEY, f"0:{ROOT_HASH}").partition(":")
    return int(seq), head_hash


def records(store: AuditStore) -> Iterable[Record]:
    """All records in their order."""
    for seq, note_id, at_ms, body, prev, found in store.rows():
        yield Record(seq, Noted(note_id, at_ms, body), prev, found)


def fault_of(store: AuditStore, meta: dict[str, str]) -> str:
    """What is wrong with the audit, in a sentence; '' when every record follows and none is gone."""
    known_seq, known_hash = known_head(meta)
    at_known = "" if known_seq else known_hash

    def watched() -> Iterable[Record]:
        nonlocal at_known
        for record in records(store):
            if record.seq == known_seq:
                at_known = record.hash
            yield record

    broken, (seq, _) = broken_at(watched())
    if broken is not None:
        return f"record {broken} does not follow the one before it, or was changed"
    if seq < known_seq:
        return f"it ends at record {seq}, and the database knows of {known_seq}: the end is gone"
    return "" if at_known == known_hash else f"record {known_seq} is not the one it was"


def _chain(head: tuple[int, str], coming: Sequence[tuple[str, int, str]]) -> Iterable[Row]:
    start = head if head[0] else (0, ROOT_HASH)
    for each in chained(start, [Noted(*found) for found in coming]):
        noted = each.noted
        yield each.seq, noted.id, noted.at_ms, noted.body, each.prev_hash, each.hash


class AuditKeeper:
    """Moves notes beside a running server: once at its start, every PERIOD_S, once at its end."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre
        self._store = AuditStore(centre.engine.url.render_as_string(hide_password=False))
        self._task: asyncio.Task[None] | None = None
        self._is_ending = asyncio.Event()

    def start(self) -> None:
        """Call when the centre is open."""
        self._task = asyncio.create_task(self._keep(), name="keep audit")

    async def stop(self) -> None:
        """Call before the centre closes. What is left is moved at the next start.

        A move that is under way is waited for, not cancelled: its thread would go on, and give its
        connection back to a store that is closed.
        """
        self._is_ending.set()
        try:
            if self._task is not None:
                await self._task
            with suppress(StoreError, *UNAVAILABLE):
                await self.move()
        finally:
            await asyncio.to_thread(self._store.close)

    async def newest(
        self, marks: Sequence[str], count: int, within: int, before: int = 0
    ) -> tuple[list[Row], int]:
        """The newest records that hold one of the marks, also those noted a moment ago; and the
        number before which to go on, 0 for none.
        """
        with suppress(StoreError, *UNAVAILABLE):
            await self.move()
        return await asyncio.to_thread(self._store.newest, marks, count, within, before)

    async def move(self) -> None:
        """Move all that is noted by now."""
        while coming := await self._centre.read(noted_first):
            head = await asyncio.to_thread(append, self._store, coming)
            moved = coming
            await self._centre.write(lambda tx, moved=moved, head=head: settle(tx, moved, head))  # type: ignore[misc]

    async def _keep(self) -> None:
        failed_count = 0
        while not self._is_ending.is_set():
            try:
                await self.move()
                failed_count = 0
            except Exception as error:  # noqa: BLE001 - the notes are safe; the next round moves them
                failed_count += 1
                tell = _log.error if failed_count >= ALARM_AFTER else _log.warning
                tell("audit_not_moved", error=type(error).__name__, times=failed_count)
            with suppress(TimeoutError):
                async with asyncio.timeout(PERIOD_S):
                    await self._is_ending.wait()

"""The summary tables of reports: how far each event is counted, and what is to be written.

Nothing here happens with a sale. Who counts an event first takes its next turn; from then on whoever
began before writes nothing of it any more. So of several servers, or of one that froze, the last
one's sums stand, and they are those of one snapshot.

What little changed is added in one transaction. Whatever is a lot, or cannot be trusted any more
(another generation, another business day), is counted from the beginning and written beside the
old sums under the turn's number, piece by piece; the last piece makes it count.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar

import orjson
from sqlalchemy import Connection, text

from sync_server.services.entry_sums import EntrySums, count_entry_changes
from sync_server.services.sale_sums import Rest, SaleSums, VenueClock, count_sales, with_totals
from sync_server.store.sql import Sql
from sync_server.store.writer import Transaction

ROWS_PER_PIECE = 1_000
"""Of a transaction of the one writer: some milliseconds."""
ADDED_AT_ONCE_MAX = 4_000
"""What adds up to more sums than this is counted from the beginning, in pieces."""
EVENTS_PER_ROUND_MAX = 50
OLD_PIECES_MAX = 10_000

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Turn:
    """The right to write an event's sums, until somebody takes the next one.

    `since`: what is counted already; 0: nothing that can be trusted.
    """

    event_id: str
    number: int
    since: int
    generation: str
    day_rule: str


@dataclass(frozen=True, slots=True)
class Counted:
    """What is to be written of an event, as of its feed's `head`, or a piece of it.

    `is_whole`: counted from the beginning. `is_last`: with it the turn is done.
    """

    head: int
    sales: SaleSums = field(default_factory=dict)
    entries: EntrySums = field(default_factory=dict)
    is_whole: bool = False
    is_last: bool = False


class TurnOver(Exception):
    """Somebody else counts this event by now, or nobody may any more. Nothing is kept."""


def find_due(
    connection: Connection, generation: str, day_rule: str, own_url: str
) -> tuple[str, ...]:
    """Events that have changed since they were counted, but those that another server owns."""
    clock = Sql.of(connection).clock_ms
    is_ours = (
        "1 = 1"
        if connection.dialect.name == "sqlite"
        else f"(s.owner_url = :own OR s.lease_until_ms < {clock})"
    )
    rows = connection.execute(
        text(
            "SELECT s.event_id FROM stream s LEFT JOIN report_mark m "  # noqa: S608 - ours
            "ON m.event_id = s.event_id WHERE s.kind = 'event' AND (m.event_id IS NULL "
            f"OR m.rev <> s.head OR m.generation <> :g OR m.day_rule <> :d) AND {is_ours} "
            "ORDER BY coalesce(m.counted_ms, 0), s.event_id LIMIT :most"
        ),
        {"g": generation, "d": day_rule, "own": own_url, "most": EVENTS_PER_ROUND_MAX},
    )
    return tuple(row[0] for row in rows)


def take_turn(tx: Transaction, event_id: str, generation: str, day_rule: str) -> Turn:
    """Begin to count: what was counted of another generation, or by other days, is void."""
    row = tx.row(
        "INSERT INTO report_mark (event_id, turn, build, rev, generation, day_rule, counted_ms) "
        "VALUES (:e, 1, 0, 0, :g, :d, 0) ON CONFLICT (event_id) DO UPDATE SET "
        "turn = report_mark.turn + 1, rev = CASE WHEN report_mark.generation = :g "
        "AND report_mark.day_rule = :d THEN report_mark.rev ELSE 0 END "
        "RETURNING turn, rev",
        e=event_id,
        g=generation,
        d=day_rule,
    )
    assert row is not None, "a row is made or changed"
    return Turn(event_id, int(row[0]), int(row[1]), generation, day_rule)


def count_event(
    connection: Connection, turn: Turn, clock: VenueClock, rest: Rest = time.sleep
) -> Counted:
    """What has changed since the turn's revision, in one snapshot; see ADDED_AT_ONCE_MAX."""
    head = connection.execute(
        text("SELECT head FROM stream WHERE event_id = :e"), {"e": turn.event_id}
    ).scalar()
    entries = count_entry_changes(connection, turn.event_id, turn.since)
    sales = count_sales(connection, turn.event_id, turn.since, clock, rest)
    is_whole = turn.since == 0
    if not is_whole and len(sales) > ADDED_AT_ONCE_MAX:
        sales, is_whole = count_sales(connection, turn.event_id, 0, clock, rest), True
    return Counted(int(head or 0), sales, entries, is_whole)


def pieces_of(counted: Counted, rest: Rest = time.sleep) -> Iterator[Counted]:
    """What fits into a transaction each; the last one, which may be empty, ends the turn.

    Sums that are added to others must all be in one.
    """
    head, is_whole = counted.head, counted.is_whole
    added: SaleSums = {}
    for entries in _some(counted.entries):
        yield Counted(head, entries=entries, is_whole=is_whole)
    for part in with_totals(counted.sales, rest):
        if not is_whole:
            added |= part
            continue
        for sales in _some(part):
            yield Counted(head, sales=sales, is_whole=True)
    yield Counted(head, sales=added, is_whole=is_whole, is_last=True)


def _some(sums: dict[K, V]) -> Iterator[dict[K, V]]:
    left = iter(sums.items())
    while part := dict(islice(left, ROWS_PER_PIECE)):
        yield part


def write_piece(tx: Transaction, turn: Turn, piece: Counted) -> None:
    """Write one of them. Raises TurnOver."""
    build = _hold(tx, turn)
    _put_entries(tx, turn.event_id, piece.entries)
    _add_sales(tx, turn.event_id, turn.number if piece.is_whole else build, piece.sales)
    if piece.is_last:
        tx.run(
            "UPDATE report_mark SET rev = :r, build = :b, generation = :g, day_rule = :d, "
            "counted_ms = :now WHERE event_id = :e",
            r=piece.head,
            b=turn.number if piece.is_whole else build,
            g=turn.generation,
            d=turn.day_rule,
            now=tx.now_ms,
            e=turn.event_id,
        )


def find_old(connection: Connection, event_id: str) -> list[tuple[int, str, int]]:
    """Pieces of sums that count no more: build, what they are by, performance."""
    rows = connection.execute(
        text(
            "SELECT DISTINCT s.build, s.by_what, s.perf_id FROM sale_sum s JOIN report_mark m "
            "ON m.event_id = s.event_id WHERE s.event_id = :e AND s.build <> m.build LIMIT :most"
        ),
        {"e": event_id, "most": OLD_PIECES_MAX},
    )
    return [(int(row[0]), row[1], int(row[2])) for row in rows]


def drop_old(tx: Transaction, turn: Turn, pieces: Iterable[tuple[int, str, int]]) -> None:
    """Delete such pieces, unless somebody began to count meanwhile: some may be theirs."""
    _hold(tx, turn)
    for build, by, performance in pieces:
        tx.run(
            "DELETE FROM sale_sum WHERE event_id = :e AND build = :b AND by_what = :w "
            "AND perf_id = :p",
            e=turn.event_id,
            b=build,
            w=by,
            p=performance,
        )


def _hold(tx: Transaction, turn: Turn) -> int:
    """Lock the mark for this turn; the build that counts now. Raises TurnOver."""
    row = tx.row(
        "UPDATE report_mark SET turn = turn WHERE event_id = :e AND turn = :t RETURNING build",
        e=turn.event_id,
        t=turn.number,
    )
    if row is None:
        raise TurnOver(turn.event_id)
    return int(row[0])


def _add_sales(tx: Transaction, event_id: str, build: int, sums: SaleSums) -> None:
    rows = [
        (
            cell.by,
            cell.performance,
            cell.on_day,
            cell.of,
            cell.agency,
            cell.currency,
            *each.values(),
        )
        for cell, each in sums.items()
    ]
    _write(
        tx,
        "INSERT INTO sale_sum (event_id, build, by_what, perf_id, on_day, of_what, agency, "
        "currency, sold_count, sold_minor, back_count, back_minor) SELECT :e, :b, {found} "
        "ON CONFLICT (event_id, build, by_what, perf_id, on_day, of_what, agency, currency) "
        "DO UPDATE SET sold_count = sale_sum.sold_count + excluded.sold_count, "
        "sold_minor = sale_sum.sold_minor + excluded.sold_minor, "
        "back_count = sale_sum.back_count + excluded.back_count, "
        "back_minor = sale_sum.back_minor + excluded.back_minor",
        "tnttttnnnn",
        rows,
        {"e": event_id, "b": build},
    )


def _put_entries(tx: Transaction, event_id: str, sums: EntrySums) -> None:
    _write(
        tx,
        "INSERT INTO entry_sum (event_id, perf_id, node_id, lane, minute, entries, again, offline, "
        "by_hand) SELECT :e, {found} ON CONFLICT (event_id, perf_id, node_id, lane, minute) "
        "DO UPDATE SET entries = excluded.entries, again = excluded.again, "
        "offline = excluded.offline, by_hand = excluded.by_hand",
        "nttnnnnn",
        [(*cell, *each) for cell, each in sums.items()],
        {"e": event_id},
    )


def _write(
    tx: Transaction,
    sql: str,
    kinds: str,
    rows: Sequence[Sequence[object]],
    values: dict[str, object],
) -> None:
    """All rows by one statement, as store/sql.py has it; `kinds` of columns: text, number."""
    if not rows:
        return
    as_kind = {"t": "value ->> {at}", "n": "CAST(value ->> {at} AS bigint)"}
    columns = ", ".join(as_kind[kind].format(at=at) for at, kind in enumerate(kinds))
    is_sqlite = tx.connection.dialect.name == "sqlite"
    source = "json_each(:rows)" if is_sqlite else "json_array_elements(CAST(:rows AS json))"
    # The condition tells SQLite where the query ends and ON CONFLICT begins.
    said = sql.format(found=f"{columns} FROM {source} WHERE 1 = 1")
    tx.run(said, rows=orjson.dumps(rows).decode(), **values)

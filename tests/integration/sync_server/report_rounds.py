"""What the keeper of reports does in a round, for a stage without a server."""

from __future__ import annotations

import time

from sync_server.services.catalogue import load_venue
from sync_server.services.report_sums import (
    Counted,
    Turn,
    count_event,
    drop_old,
    find_due,
    find_old,
    pieces_of,
    take_turn,
    write_piece,
)
from sync_server.services.sale_sums import Rest, VenueClock, day_rule_of
from sync_server.services.sales_report import SalesAsked, SalesReport, read_sales
from sync_server.store.database import read_only
from tests.integration.sync_server.stage import EVENT, VENUE, Stage

Sums = dict[tuple[object, ...], tuple[int, ...]]


def generation_of(stage: Stage) -> str:
    return str(stage.one("SELECT short FROM generation ORDER BY started_ms DESC, id DESC LIMIT 1"))


def begin(stage: Stage) -> Turn:
    """Take the event's next turn."""
    with read_only(stage.engine).connect() as connection:
        rule = day_rule_of(load_venue(connection, VENUE))
    return stage.do(lambda tx: take_turn(tx, EVENT, generation_of(stage), rule))


def count(stage: Stage, turn: Turn, rest: Rest = time.sleep) -> Counted:
    with read_only(stage.engine).connect() as connection:
        return count_event(connection, turn, VenueClock(load_venue(connection, VENUE)), rest)


def write(stage: Stage, turn: Turn, counted: Counted) -> None:
    for piece in pieces_of(counted):
        stage.do(lambda tx, p=piece: write_piece(tx, turn, p))  # type: ignore[misc]


def go_round(stage: Stage) -> Turn:
    """Count what has changed, and write it."""
    turn = begin(stage)
    counted = count(stage, turn)
    write(stage, turn, counted)
    with read_only(stage.engine).connect() as connection:
        old = find_old(connection, EVENT)
    stage.do(lambda tx: drop_old(tx, turn, old))
    return turn


def due(stage: Stage) -> tuple[str, ...]:
    with read_only(stage.engine).connect() as connection:
        rule = day_rule_of(load_venue(connection, VENUE))
        return find_due(connection, generation_of(stage), rule, "")


def kept(stage: Stage) -> tuple[Sums, Sums]:
    """The sums that count, of sales and of entries."""
    sales = stage.rows(
        "SELECT s.by_what, s.perf_id, s.on_day, s.of_what, s.agency, s.currency, s.sold_count, "
        "s.sold_minor, s.back_count, s.back_minor FROM sale_sum s JOIN report_mark m "
        "ON m.event_id = s.event_id AND m.build = s.build"
    )
    entries = stage.rows(
        "SELECT perf_id, node_id, lane, minute, entries, again, offline, by_hand FROM entry_sum "
        "WHERE entries > 0"
    )
    return (
        {tuple(row[:6]): tuple(row[6:]) for row in sales},
        {tuple(row[:4]): tuple(row[4:]) for row in entries},
    )


def counted_from_nothing(stage: Stage) -> tuple[Sums, Sums]:
    """The same, with nothing kept from before."""
    for table in ("report_mark", "sale_sum", "entry_sum"):
        stage.do(lambda tx, t=table: tx.run(f"DELETE FROM {t}"))  # type: ignore[misc]  # noqa: S608
    go_round(stage)
    return kept(stage)


def sales_of(stage: Stage, asked: SalesAsked | None = None) -> SalesReport:
    with read_only(stage.engine).connect() as connection:
        return read_sales(connection, asked or SalesAsked())

"""The books: is every unit, every yuan and every entry accounted for?

Each account is counted twice from different tables, and the difference is shown, never hidden.
What is counted of a stream holds until the stream's head moves; who wants the books again and
again keeps `StreamSummaries` of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from sqlalchemy import Connection, text

from sync_server.services.accounts import Books as Books  # noqa: PLC0414 - told on
from sync_server.services.accounts import CaseLine as CaseLine  # noqa: PLC0414
from sync_server.services.accounts import CashAccount as CashAccount  # noqa: PLC0414
from sync_server.services.accounts import EntryAccount as EntryAccount  # noqa: PLC0414
from sync_server.services.accounts import MoneyAccount as MoneyAccount  # noqa: PLC0414
from sync_server.services.accounts import NodeLine as NodeLine  # noqa: PLC0414
from sync_server.services.accounts import TenderAccount as TenderAccount  # noqa: PLC0414
from sync_server.services.accounts import UnitAccount as UnitAccount  # noqa: PLC0414
from sync_server.services.nodes import name_order
from sync_server.services.stream_books import NO_FIGURES, Figures, StreamBooks, read_stream_books
from sync_server.services.summaries import read_heads
from ticketing.ledger import cash_node_of, tender_of

CASES_MAX = 100

Summarise = Callable[[Connection], Mapping[str, StreamBooks]]
"""Where the books of the streams come from: counted anew, or kept since their heads moved last."""


def read_books(connection: Connection, summarise: Summarise | None = None) -> Books:
    """All accounts as of one snapshot of the database."""
    streams = (summarise or _count_all)(connection)
    cases = connection.execute(text("SELECT count(*) FROM case_file WHERE state = 'open'"))
    units = [each for stream in streams.values() for each in stream.units]
    entries = {(e.event_id, e.performance): e for s in streams.values() for e in s.entries}
    units.sort(key=lambda each: (each.starts_ms, each.performance))
    names = _names(connection)
    accounts = _accounts(streams.values())
    return Books(
        units=tuple(units),
        money=tuple(each for key in sorted(streams) for each in streams[key].money),
        entries=tuple(entries[each.event_id, each.performance] for each in units),
        nodes=_nodes(connection, _figures(streams.values())),
        cash=_cash(accounts, names),
        tenders=_tenders(accounts, names),
        open_cases=_cases(connection),
        open_case_count=int(cases.scalar_one()),
    )


def _count_all(connection: Connection) -> dict[str, StreamBooks]:
    return {stream: read_stream_books(connection, stream) for stream in read_heads(connection)}


def _names(connection: Connection) -> dict[str, str]:
    return {row[0]: row[1] for row in connection.execute(text("SELECT id, name FROM node"))}


def _accounts(streams: Iterable[StreamBooks]) -> dict[tuple[str, str], int]:
    """The ledger's balances over all streams, by account and currency."""
    sums: dict[tuple[str, str], int] = {}
    for stream in streams:
        for key, minor in stream.balances.items():
            sums[key] = sums.get(key, 0) + minor
    return sums


def _figures(streams: Iterable[StreamBooks]) -> dict[str, Figures]:
    """What each node has and did, over all streams."""
    sums: dict[str, Figures] = {}
    for stream in streams:
        for node_id, figures in stream.figures.items():
            sums[node_id] = figures + sums.get(node_id, NO_FIGURES)
    return sums


def _nodes(connection: Connection, figures: Mapping[str, Figures]) -> tuple[NodeLine, ...]:
    rows = connection.execute(
        text(
            "SELECT id, name, role, state, last_seen_ms, unsynced_count, program_version, "
            "clock_offset_ms FROM node"
        )
    ).all()
    behind = _behind(connection)
    found = []
    for row in sorted(rows, key=lambda row: name_order(row[1])):
        own = figures.get(row[0], NO_FIGURES)
        found.append(
            NodeLine(
                id=row[0],
                name=row[1],
                role=row[2],
                state=row[3],
                last_seen_ms=row[4],
                unsynced_count=row[5],
                program_version=row[6],
                clock_offset_ms=row[7],
                lent=own.lent,
                sold=own.sold,
                entries=own.entries,
                behind=behind.get(row[0], 0),
                last_kind=own.last.kind,
                last_ms=own.last.at_ms,
            )
        )
    return tuple(found)


def _behind(connection: Connection) -> dict[str, int]:
    """How many changes each gate had not read when it polled last, over all events."""
    rows = connection.execute(
        text(
            "SELECT g.node_id, sum(CASE WHEN s.head > g.rev THEN s.head - g.rev ELSE 0 END) "
            "FROM gate_cursor g JOIN stream s ON s.event_id = g.event_id GROUP BY g.node_id"
        )
    )
    return {row[0]: int(row[1]) for row in rows}


def _cash(
    accounts: Mapping[tuple[str, str], int], names: Mapping[str, str]
) -> tuple[CashAccount, ...]:
    found = []
    for (account, currency), minor in accounts.items():
        node_id = cash_node_of(account)
        if node_id is not None and node_id in names:
            found.append(CashAccount(node_id, names[node_id], currency, minor))
    return tuple(sorted(found, key=lambda each: (each.name, each.currency)))


def _tenders(
    accounts: Mapping[tuple[str, str], int], names: Mapping[str, str]
) -> tuple[TenderAccount, ...]:
    found = []
    for (account, currency), minor in sorted(accounts.items()):
        known = tender_of(account)
        if known is not None:
            tender, node_id = known
            name = names.get(node_id, node_id)
            found.append(TenderAccount(tender, node_id, name, currency, minor))
    return tuple(found)


def _cases(connection: Connection) -> tuple[CaseLine, ...]:
    rows = connection.execute(
        text(
            "SELECT event_id, id, kind, opened_ms, body FROM case_file WHERE state = 'open' "
            "ORDER BY opened_ms, id LIMIT :most"
        ),
        {"most": CASES_MAX},
    )
    return tuple(CaseLine(*row) for row in rows)

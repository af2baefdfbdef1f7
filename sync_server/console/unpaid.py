"""Tickets that were given back at a window which has not told yet what became of the money. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from program.i18n import translations
from sync_server.console.moments import moment
from sync_server.console.node_view import node_path
from sync_server.console.overview import Snapshot
from sync_server.services.stock import RevocationLine

WAITED_MS = 10 * 60_000
"""Between the server's word and the money a window needs seconds; after this it is worth a look."""
SHOWN_MAX = 50


@dataclass(frozen=True, slots=True)
class UnpaidRow:
    """Tickets that went back together, ready to show."""

    what: str
    event: str
    window: str
    path: str
    since: str


def unpaid_rows(
    lines: Iterable[RevocationLine], snapshot: Snapshot, language: str, now_ms: int
) -> list[UnpaidRow]:
    """What has waited for long, the oldest first; at most SHOWN_MAX."""
    names = {node.id: node.name for node in snapshot.books.nodes}
    late = [line for line in lines if now_ms - line.asked_ms >= WAITED_MS]
    return [
        _row(line, names.get(line.node_id, ""), snapshot, language) for line in late[:SHOWN_MAX]
    ]


def _row(line: RevocationLine, window: str, snapshot: Snapshot, language: str) -> UnpaidRow:
    count, event = len(line.tickets), snapshot.events.get(line.event_id)
    return UnpaidRow(
        what=translations(language)
        .ngettext("{n} ticket given back", "{n} tickets given back", count)
        .format(n=count),
        event=event.name.in_language(language) if event else line.event_id,
        window=window or line.node_id,
        path=node_path(line.node_id),
        since=moment(line.asked_ms, language, snapshot.venue.zone),
    )

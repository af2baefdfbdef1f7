"""Cases: what a person must settle. Opening one twice leaves one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum

from sync_server.store.writer import Transaction


class CaseKind(StrEnum):
    """What happened. Stored and sent, never renamed."""

    DOUBLE_ENTRY = "double_entry"
    OVERSOLD = "oversold"  # a sale of units that its till did not hold
    PRICE = "price"  # sold at another price than the list's
    POISON = "poison"  # an operation that could not be understood or applied
    FORK = "fork"  # a node's journal contradicts what it sent before


def open_case(
    tx: Transaction, stream: str, kind: CaseKind, key: str, body: Mapping[str, object]
) -> None:
    """Open the case `kind:key`, or bring an open one up to date."""
    tx.run(
        "INSERT INTO case_file (event_id, id, kind, state, opened_ms, body, rev) "
        "VALUES (:e, :id, :kind, 'open', :now, :body, :rev) "
        "ON CONFLICT (event_id, id) DO UPDATE SET body = excluded.body, rev = excluded.rev",
        e=stream,
        id=f"{kind}:{key}",
        kind=kind,
        now=tx.now_ms,
        body=json.dumps(body, ensure_ascii=False, sort_keys=True),
        rev=tx.next_rev(stream),
    )

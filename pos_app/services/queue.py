"""What waits for the server, by kind, and what it did not take as it stands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from edge.journal import NOT_ACCEPTED
from edge.replica import Replica
from ticketing.journal import OpKind, Verdict
from ticketing.operations import decode_sale

CASES_MAX: Final = 5
"""Listed; the console has all of them."""


class Waits(StrEnum):
    """Kinds of records, as a cashier knows them."""

    SALES = "sales"
    AFTER_SALE = "after_sale"
    SEATS = "seats"
    PRINTS = "prints"
    SHIFT = "shift"
    OTHER = "other"


_KINDS: Final[Mapping[str, Waits]] = {  # all else, also what a later program wrote, is OTHER
    OpKind.SALE: Waits.SALES,
    OpKind.REFUND: Waits.AFTER_SALE,
    OpKind.EXCHANGE: Waits.AFTER_SALE,
    OpKind.RELEASE: Waits.SEATS,
    OpKind.SETTLE: Waits.SEATS,
    OpKind.PRINT: Waits.PRINTS,
    OpKind.SHIFT_OPENED: Waits.SHIFT,
    OpKind.CASH_MOVED: Waits.SHIFT,
    OpKind.DRAWER_OPENED: Waits.SHIFT,
    OpKind.SHIFT_CLOSED: Waits.SHIFT,
}


@dataclass(frozen=True, slots=True)
class Case:
    """A record that a manager looks at. `receipt_no` is that of a sale, else ""."""

    kind: Waits
    at: datetime
    receipt_no: str = ""
    code: str = ""  # the server's, for support


@dataclass(frozen=True, slots=True)
class Queue:
    """`waiting` has each kind that there is, in the order of `Waits`; `cases` the newest first."""

    waiting: tuple[tuple[Waits, int], ...] = ()
    cases: tuple[Case, ...] = ()


def read_queue(replica: Replica) -> Queue:
    """What waits now. Reads what is open, never the whole journal."""
    with replica.reading() as connection:
        rows = connection.execute(
            "SELECT op.kind AS kind, count(*) AS n FROM journal j CROSS JOIN op "
            "ON op.stream = j.stream AND op.inc = j.inc AND op.seq > max(j.acked, j.salvaged) "
            "GROUP BY op.kind"
        ).fetchall()
        refused = connection.execute(
            f"SELECT kind, wall_ms, code, body FROM {NOT_ACCEPTED} "  # noqa: S608
            "AND verdict IN (?, ?) ORDER BY wall_ms DESC, seq DESC LIMIT ?",
            (Verdict.DISPUTED, Verdict.REJECTED, CASES_MAX),
        ).fetchall()
    counts: Counter[Waits] = Counter()
    for row in rows:
        counts[_KINDS.get(row["kind"], Waits.OTHER)] += row["n"]
    return Queue(
        tuple((kind, counts[kind]) for kind in Waits if counts[kind]),
        tuple(
            Case(
                _KINDS.get(row["kind"], Waits.OTHER),
                datetime.fromtimestamp(row["wall_ms"] / 1000, UTC),
                _receipt_no(row["kind"], row["body"]),
                row["code"],
            )
            for row in refused
        ),
    )


def _receipt_no(kind: str, body: str) -> str:
    sale = decode_sale(body) if kind == OpKind.SALE else None
    return sale.receipt_no if sale is not None else ""

"""What is known of buyers at this node: sealed, in journal.db beside the journal, told to the server.

Nothing of it is part of the chain, so that it can be erased. It is kept until the server has erased
it, as it does some time after the event, and told again to a server that has lost its history.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edge import replies
from edge.journal import Unit, get_meta
from edge.mirror import Mirror
from ticketing.ids import OrderId

TOLD_PER_CALL = 200
LOOKED_AT_PER_TURN = 500
_MATCHES_MAX = 1_000
"""Rows of a token that are looked at: what many share is asked for with more than that."""
_NOTED_HERE = "SELECT stream, order_id FROM buyer_token WHERE token = ? ORDER BY rowid DESC LIMIT ?"
_TOLD = "SELECT stream, order_id FROM buyer_token WHERE token = ? LIMIT ?"


@dataclass(frozen=True, slots=True)
class SealedBuyer:
    """Who bought an order, sealed with the key of this number. `sealed` "": it was erased."""

    stream: str
    order_id: OrderId
    key_no: int
    sealed: str
    tokens: tuple[str, ...]
    at_ms: int


@dataclass(frozen=True, slots=True)
class BuyersRequest:
    """What an event's orders are told to have been bought by."""

    stream: str
    told: tuple[SealedBuyer, ...]

    @property
    def path(self) -> str:
        """Where it is POSTed."""
        return f"/v1/e/{self.stream}/buyers"

    def body(self) -> dict[str, Any]:
        """As it is sent."""
        return {
            "buyers": [
                {
                    "order": each.order_id,
                    "key": each.key_no,
                    "sealed": each.sealed,
                    "tokens": list(each.tokens),
                    "at_ms": each.at_ms,
                }
                for each in self.told
            ]
        }


def note_buyer(unit: Unit, buyer: SealedBuyer) -> None:
    """Keep it, to be told; the newest word on an order counts, and an erased one stays erased."""
    unit.execute(
        "INSERT INTO buyer (stream, order_id, key_no, sealed, tokens, at_ms) "
        "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (stream, order_id) DO UPDATE SET "
        "key_no = excluded.key_no, sealed = excluded.sealed, tokens = excluded.tokens, "
        "at_ms = excluded.at_ms, sent_gen = '' WHERE buyer.sealed <> ''",
        (
            buyer.stream,
            buyer.order_id,
            buyer.key_no,
            buyer.sealed,
            json.dumps(buyer.tokens),
            buyer.at_ms,
        ),
    )


def next_buyers(connection: sqlite3.Connection) -> BuyersRequest | None:
    """The next ones that the server of this history was not told of, of one event."""
    generation = get_meta(connection, "generation")
    row = connection.execute(
        "SELECT stream FROM buyer WHERE sent_gen < ? OR sent_gen > ? LIMIT 1",
        (generation, generation),
    ).fetchone()
    if row is None or not generation:
        return None
    rows = connection.execute(
        "SELECT * FROM buyer WHERE stream = ? AND sent_gen <> ? LIMIT ?",
        (row["stream"], generation, TOLD_PER_CALL),
    )
    return BuyersRequest(row["stream"], tuple(map(_sealed, rows)))


def on_buyers(unit: Unit, request: BuyersRequest, reply: Mapping[str, Any]) -> None:
    """The server has them. What was changed meanwhile is told again."""
    generation = replies.generation(reply)
    unit.executemany(
        "UPDATE buyer SET sent_gen = ? WHERE stream = ? AND order_id = ? AND at_ms = ? "
        "AND sealed = ?",
        [(generation, one.stream, one.order_id, one.at_ms, one.sealed) for one in request.told],
    )


@dataclass(frozen=True, slots=True)
class ToErase:
    """(stream, order id) that the server has erased and that are still here; `after`: look on."""

    keys: tuple[tuple[str, str], ...]
    after: int


def told_to_erase(mirror: Mirror, connection: sqlite3.Connection, after: int = 0) -> ToErase:
    """Look through LOOKED_AT_PER_TURN of what was noted here, behind what the last look gave.

    A house erases all buyers of its past events: what it has erased is not looked through.
    """
    rows = connection.execute(
        "SELECT rowid, stream, order_id, sealed FROM buyer WHERE rowid > ? ORDER BY rowid LIMIT ?",
        (after, LOOKED_AT_PER_TURN),
    ).fetchall()
    with mirror.reading() as told:
        keys = tuple(
            (row["stream"], row["order_id"])
            for row in rows
            if row["sealed"] and _is_erased(told, row["stream"], row["order_id"])
        )
    return ToErase(keys, rows[-1]["rowid"] if len(rows) == LOOKED_AT_PER_TURN else 0)


def _is_erased(mirror: sqlite3.Connection, stream: str, order_id: str) -> bool:
    query = "SELECT 1 FROM buyer WHERE stream = ? AND order_id = ? AND sealed = ''"
    return mirror.execute(query, (stream, order_id)).fetchone() is not None


def erase_here(unit: Unit, keys: Sequence[tuple[str, str]]) -> None:
    """Drop what is here of them. An empty row stays: a server that was set back is told again."""
    unit.execute("PRAGMA secure_delete = ON")  # the old bytes do not stay in the file's free space
    unit.executemany(
        "UPDATE buyer SET sealed = '', tokens = '[]', key_no = 0 WHERE stream = ? AND order_id = ?",
        keys,
    )


def buyer_of(connection: sqlite3.Connection, stream: str, order_id: str) -> SealedBuyer | None:
    """What was noted at this node of an order's buyer."""
    row = connection.execute(
        "SELECT * FROM buyer WHERE stream = ? AND order_id = ?", (stream, order_id)
    ).fetchone()
    return _sealed(row) if row else None


def orders_of_tokens(
    mirror: sqlite3.Connection, connection: sqlite3.Connection, tokens: Sequence[str], most: int
) -> tuple[tuple[str, str], ...]:
    """(stream, order id) found by any of the tokens: of what counts now of each order's buyer.

    First what was noted here and the server has not told back, the newest first.
    """
    found: dict[tuple[str, str], None] = {}
    for speaker, matches in ((connection, _NOTED_HERE), (mirror, _TOLD)):
        for token in tokens:
            for row in speaker.execute(matches, (token, _MATCHES_MAX)):
                key = row["stream"], row["order_id"]
                if _who_counts(mirror, connection, key) is speaker:
                    found[key] = None
                if len(found) >= most:
                    return tuple(found)
    return tuple(found)


def _who_counts(
    mirror: sqlite3.Connection, connection: sqlite3.Connection, key: tuple[str, str]
) -> sqlite3.Connection | None:
    """Which of the two has the newer word on an order's buyer; neither once one was told to forget.

    As the server judges, too: of two words of one instant, the one that it has stays.
    """
    query = "SELECT sealed, at_ms FROM buyer WHERE stream = ? AND order_id = ?"
    said = [
        (one, row) for one in (mirror, connection) if (row := one.execute(query, key).fetchone())
    ]
    if not said or not all(row["sealed"] for _one, row in said):
        return None
    return max(said, key=lambda word: int(word[1]["at_ms"]))[0]


def _sealed(row: sqlite3.Row) -> SealedBuyer:
    return SealedBuyer(
        row["stream"],
        OrderId(row["order_id"]),
        row["key_no"],
        row["sealed"],
        tuple(json.loads(row["tokens"])),
        row["at_ms"],
    )

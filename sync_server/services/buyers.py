"""The house's keys for personal data, and what a manager does with what they seal.

The keys come of one secret in the key folder; which numbers are in use stands in the database.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, text

from sync_server.heart.buyers import erase_buyers
from sync_server.heart.work import Work
from sync_server.store.sql import Sql
from sync_server.store.writer import Transaction
from ticketing.event import Event
from ticketing.personal import (
    KEYS_MAX,
    NONCE_BYTES,
    DataKey,
    data_key,
    index_tokens,
    query_tokens,
    seal,
    unseal,
)
from ticketing.seating import SeatingPlan

NEWEST_KEY = "personal_data_key"
"""The entry of `meta` that has the newest key's number; without it the first is the newest."""
RESEALED_PER_STEP = 500


@dataclass(frozen=True, slots=True)
class BuyersOrder:
    """An order of a buyer who was asked for."""

    event_id: str
    order_id: str
    receipt_no: str


def newest_key(connection: Connection) -> int:
    """The number of the key that new texts are sealed with."""
    found = connection.execute(text("SELECT v FROM meta WHERE k = :k"), {"k": NEWEST_KEY}).scalar()
    return int(found or 1)


def keys_in_use(connection: Connection, root: bytes) -> tuple[DataKey, ...]:
    """The newest, and those that some text is still sealed with, the newest first."""
    newest = newest_key(connection)
    rows = connection.execute(text("SELECT DISTINCT key_no FROM buyer WHERE sealed <> ''"))
    numbers = sorted({newest, *(int(row[0]) for row in rows)}, reverse=True)
    return tuple(data_key(root, number) for number in numbers[:KEYS_MAX])


def find_orders(connection: Connection, keys: tuple[DataKey, ...], asked: str) -> list[BuyersOrder]:
    """Orders of who is called so, or has this number: what is asked for is a name or a number."""
    wanted = set(query_tokens(asked, keys))
    if not wanted:
        return []
    rows = connection.execute(
        text(
            "SELECT b.event_id, b.order_id, coalesce(o.receipt_no, ''), b.tokens FROM buyer b "
            "LEFT JOIN orders o ON o.event_id = b.event_id AND o.id = b.order_id "
            "WHERE b.sealed <> '' ORDER BY b.event_id, b.order_id"
        )
    )
    return [
        BuyersOrder(event_id, order_id, receipt_no)
        for event_id, order_id, receipt_no, tokens in rows
        if wanted.intersection(json.loads(tokens))
    ]


def orders_of_receipt(connection: Connection, receipt_no: str) -> list[BuyersOrder]:
    """Orders with this receipt number of which a buyer is known."""
    rows = connection.execute(
        text(
            "SELECT o.event_id, o.id, o.receipt_no FROM orders o JOIN buyer b "
            "ON b.event_id = o.event_id AND b.order_id = o.id "
            "WHERE o.receipt_no = :no AND b.sealed <> '' ORDER BY o.event_id, o.id"
        ),
        {"no": receipt_no},
    )
    return [BuyersOrder(*row) for row in rows]


def erase(tx: Transaction, event_id: str, order_ids: list[str]) -> tuple[str, ...]:
    """Drop what is known of these orders' buyers; their money and tickets stay as they are."""
    work = _work(tx, event_id)
    work.buyers.want(order_ids)
    erased = erase_buyers(work, order_ids)
    _done(tx, work)
    return erased


def begin_key(tx: Transaction) -> int:
    """Begin a new key: from now on it seals what is new. Gives its number."""
    number = newest_key(tx.connection) + 1
    tx.run("DELETE FROM meta WHERE k = :k", k=NEWEST_KEY)
    tx.run("INSERT INTO meta (k, v) VALUES (:k, :v)", k=NEWEST_KEY, v=str(number))
    return number


def streams_to_reseal(connection: Connection) -> Iterator[str]:
    """Events of which something is sealed with an older key."""
    rows = connection.execute(
        text("SELECT DISTINCT event_id FROM buyer WHERE sealed <> '' AND key_no < :n"),
        {"n": newest_key(connection)},
    )
    return (str(row[0]) for row in rows.fetchall())


def reseal(tx: Transaction, event_id: str, root: bytes) -> int:
    """Seal some of an event's texts with the newest key; 0 when there are none left.

    One that opens with no key of ours is erased: nobody will ever read it.
    """
    newest = data_key(root, newest_key(tx.connection))
    rows = tx.connection.execute(
        text(
            "SELECT order_id FROM buyer WHERE event_id = :e AND sealed <> '' AND key_no < :n "
            "ORDER BY order_id LIMIT :most"
        ),
        {"e": event_id, "n": newest.number, "most": RESEALED_PER_STEP},
    )
    order_ids = [str(row[0]) for row in rows]
    if not order_ids:
        return 0
    work = _work(tx, event_id)
    work.buyers.want(order_ids)
    for order_id in order_ids:
        row = work.buyers.get(order_id)
        if row is None or not row.sealed or row.key_no >= newest.number:
            continue
        old = data_key(root, row.key_no)
        buyer = unseal(row.sealed, old, event_id, order_id)
        if buyer is None:
            erase_buyers(work, [order_id])
            continue
        nonce = secrets.token_bytes(NONCE_BYTES)
        row.sealed = seal(buyer, newest, event_id, order_id, nonce)
        row.tokens, row.key_no = json.dumps(index_tokens(buyer, newest)), newest.number
        work.buyers.put(order_id, row)
    _done(tx, work)
    return len(order_ids)


def events_of(found: list[BuyersOrder]) -> dict[str, list[str]]:
    """Order ids by event."""
    events: dict[str, list[str]] = {}
    for each in found:
        events.setdefault(each.event_id, []).append(each.order_id)
    return events


def _work(tx: Transaction, event_id: str) -> Work:
    def no_plans(_sql: Sql, _stream: str) -> tuple[SeatingPlan, Event] | None:
        return None

    return Work.begin(Sql.of(tx.connection), event_id, tx.now_ms, no_plans)


def _done(tx: Transaction, work: Work) -> None:
    has_news = bool(work.buyers.changed)
    work.flush()
    if has_news:
        tx.touched.add(work.stream)

"""What is known of buyers, as tills tell it: sealed, beside the journals, and erasable.

A journal's operations are chained and kept for good, so nothing of a person stands in them. The
newest word on an order wins; an erased one stays erased, whatever a till or a backup still has.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from sync_server.heart.agencies import is_foreign
from sync_server.heart.rows import BuyerRow
from sync_server.heart.source import Source
from sync_server.heart.work import Work

BUYERS_PER_CALL_MAX = 200


@dataclass(frozen=True, slots=True)
class ToldBuyer:
    """Who bought an order, sealed with the key of this number; `sealed` "": erase it."""

    order_id: str
    key_no: int
    sealed: str
    tokens: tuple[str, ...]
    at_ms: int


@dataclass(frozen=True, slots=True)
class PutBuyers:
    """Take what a till knows of buyers. The same told twice changes nothing."""

    source: Source
    told: tuple[ToldBuyer, ...]

    @property
    def stream(self) -> str:
        """The event."""
        return self.source.stream

    def want(self, work: Work) -> None:
        """The rows that are there already."""
        work.buyers.want(each.order_id for each in self.told)

    def apply(self, work: Work) -> int:
        """How many of them were news; an agency's window is always told: all of them.

        Otherwise it would learn by the number which orders there are that are not its agency's.
        """
        node_id = self.source.node_id
        if not work.agency_of(node_id):
            return sum(_put(work, node_id, each) for each in self.told)
        for each in self.told:
            if _may_tell(work, node_id, each.order_id):
                _put(work, node_id, each)
        return len(self.told)


def _may_tell(work: Work, node_id: str, order_id: str) -> bool:
    """A buyer may be told before the order is; nobody else may have done so."""
    known = work.orders.get(order_id) or work.buyers.get(order_id)
    return known is None or not is_foreign(work, node_id, known.node_id)


def _put(work: Work, node_id: str, told: ToldBuyer) -> bool:
    row = work.buyers.get(told.order_id)
    if row is not None and (not row.sealed or (told.sealed and told.at_ms <= row.at_ms)):
        return False
    if row is None:
        row = BuyerRow(work.stream, told.order_id, 0, "", "[]", node_id, 0)
    row.key_no, row.sealed, row.at_ms = told.key_no, told.sealed, told.at_ms
    row.tokens, row.node_id = json.dumps(told.tokens if told.sealed else []), node_id
    work.buyers.put(told.order_id, row)
    return True


def erase_buyers(work: Work, order_ids: Iterable[str]) -> tuple[str, ...]:
    """Drop what is known of these orders' buyers; gives those of which there was something.

    The row stays, empty: that is what tells the tills, and what keeps it from coming back.
    """
    erased = []
    for order_id in order_ids:
        row = work.buyers.get(order_id)
        if row is None or not row.sealed:
            continue
        row.key_no, row.sealed, row.tokens, row.at_ms = 0, "", "[]", work.now_ms
        work.buyers.put(order_id, row)
        erased.append(order_id)
    return tuple(erased)

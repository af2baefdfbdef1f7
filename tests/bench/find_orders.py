"""How soon an order is found among 100,000: `python -m tests.bench.find_orders`.

A till's own files with so many orders of two tickets each. Measured from the call to the answer on
the very services that the screen asks: by a scanned code, a receipt number, a ticket number and a
seat, by a buyer's name, whole number and its last four digits (50 orders at the most, each with its
buyer opened and masked); and the first reading of the whole journal, which happens once, beside it.
"""

from __future__ import annotations

import argparse
import json
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from edge.catalogue import MirrorCatalogue
from edge.env import MachineEnv
from edge.replica import Replica
from edge.sync import SyncEngine
from pos_app.services.after_sale_finding import Finder
from pos_app.services.after_sale_index import OrderIndex
from pos_app.services.buyers import BuyerDesk
from tests.fakes.edge_node import enrolled_folder
from tests.fakes.hall import EVENT_ID, SECOND, Feed
from ticketing.code import TicketFacts, make_code
from ticketing.ids import AllotmentId, KeyId, OrderId, TicketId
from ticketing.operations import CashLeg, Sale, SaleLine, encode_sale
from ticketing.personal import NONCE_BYTES, Buyer, data_key, index_tokens, seal

DATA_KEY = data_key(bytes(32), 1)
ORDERS, TRIES = 100_000, 200
_PREFIX, _SEATS, _PERFORMANCES = "0000", 1_200, 5
_KEY = bytes(range(32))
_CODE = TicketFacts(
    KeyId("0a1b2c3d"), TicketId("0" * 16), SECOND, 1, 1, 0, AllotmentId("0a1b2c3d", 1),
    datetime(2026, 11, 23, 5, tzinfo=UTC), 150,
)  # fmt: skip


def ticket_id(order: int, line: int) -> TicketId:
    """A ticket's id, spread as real ones are."""
    return TicketId(f"{(order * 2 + line) * 2_654_435_761 % 2**64:016x}")


def an_order(number: int) -> Sale:
    """Two tickets of seats that were sold again and again."""
    lines = tuple(
        SaleLine(
            ticket_id(number, at), number * 2 // _SEATS % _PERFORMANCES + 1,
            (number * 2 + at) % _SEATS + 1, number * 2 // _SEATS // _PERFORMANCES,
            AllotmentId("0a1b2c3d", 1), "a", "adult", 58_000, "list", f"code {number} {at}",
        )
        for at in range(2)
    )  # fmt: skip
    order_id = OrderId(f"{number + 1:016x}")
    receipt = f"{_PREFIX}-{number + 1:06d}"
    return Sale(order_id, receipt, "li", "CNY", 1, 116_000, lines, CashLeg(116_000, 116_000))


def fill(path: Path, count: int, stream: str = EVENT_ID) -> None:
    """Write the orders as the journal keeps them, past the program: only their number matters."""
    with sqlite3.connect(path) as connection:
        for number in range(count):
            sale = an_order(number)
            connection.execute(
                "INSERT INTO orders (stream, id, receipt_no, sold_ms, ticket_count, copies, body) "
                "VALUES (?, ?, ?, ?, 2, 1, ?)",
                (stream, sale.order_id, sale.receipt_no, number, encode_sale(sale)),
            )
        connection.execute("INSERT INTO meta (k, v) VALUES ('receipt_count', ?)", (str(count),))


def buyer(number: int) -> Buyer:
    """One of 2,000 names, and a number of their own."""
    family, given = "赵钱孙李周吴郑王张陈"[number % 10], f"{number // 10 % 200:03d}"
    return Buyer(family + given, f"138{number:08d}")


def fill_buyers(journal: Path, mirror: Path, count: int) -> None:
    """Write the buyers as they were noted here, and as the mirror keeps that the server told."""
    with sqlite3.connect(journal) as ours, sqlite3.connect(mirror) as told:
        for number in range(count):
            who, order_id = buyer(number), f"{number + 1:016x}"
            sealed = seal(who, DATA_KEY, EVENT_ID, order_id, number.to_bytes(NONCE_BYTES))
            row = (EVENT_ID, order_id, sealed, json.dumps(index_tokens(who, DATA_KEY)), number)
            ours.execute(
                "INSERT INTO buyer (stream, order_id, key_no, sealed, tokens, at_ms, sent_gen) "
                "VALUES (?, ?, 1, ?, ?, ?, 'sent')",
                row,
            )
            told.execute(
                "INSERT INTO buyer (stream, order_id, key_no, sealed, tokens, at_ms, rev) "
                "VALUES (?, ?, 1, ?, ?, ?, ?)",
                (*row, number + 1),
            )


class Keyed(BuyerDesk):
    """With the house's keys, as after the first contact."""

    def __init__(self, replica: Replica) -> None:
        super().__init__(replica, cast("SyncEngine", None), MachineEnv(), lambda: None)
        self._keys = (DATA_KEY,)


def p95_ms(act: Callable[[int], object], among: int, chance: random.Random) -> float:
    """The 95th percentile over different orders."""
    took = []
    for _try in range(TRIES):
        number = chance.randrange(among)
        began = time.perf_counter()
        found = act(number)
        took.append((time.perf_counter() - began) * 1000)
        assert found, number
    return round(statistics.quantiles(took, n=20)[-1], 2)


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.find_orders")
    parser.add_argument("--orders", type=int, default=ORDERS)
    count = parser.parse_args(sys.argv[1:] if sys.argv[0].endswith("find_orders.py") else []).orders
    chance = random.Random(7)
    with tempfile.TemporaryDirectory() as folder:
        node = Path(folder) / "till"
        enrolled_folder(node)
        fill(node / "journal.db", count)
        replica = Replica(node)
        Feed(replica.mirror).open_house()
        catalogue, index = MirrorCatalogue(replica.mirror), OrderIndex(replica)
        fill_buyers(node / "journal.db", node / "mirror.db", count)
        finder = Finder(replica, catalogue, index, _PREFIX, Keyed(replica), lambda _held: None)
        plan = catalogue.events()[0].plan
        began = time.perf_counter()
        index.refresh()
        first_s = time.perf_counter() - began

        def by_code(number: int) -> object:
            code = make_code(replace(_CODE, ticket_id=ticket_id(number, 0)), _KEY)
            return finder.find(code, SECOND).orders

        def by_seat(number: int) -> object:
            line = an_order(number).lines[0]
            seat = plan.seat_by_unit(line.unit)
            assert seat is not None
            return finder.find(f"{seat.area_id} {seat.row}-{seat.label}", line.performance).orders

        figures = {
            "orders": count,
            "code_p95_ms": p95_ms(by_code, count, chance),
            "number_p95_ms": p95_ms(
                lambda n: finder.find(f"{_PREFIX}-{n + 1:06d}", SECOND).orders, count, chance
            ),
            "ticket_no_p95_ms": p95_ms(
                lambda n: finder.find(ticket_id(n, 1)[:8], SECOND).orders, count, chance
            ),
            "seat_p95_ms": p95_ms(by_seat, count, chance),
            "name_p95_ms": p95_ms(
                lambda n: finder.find(buyer(n).name, SECOND).orders, count, chance
            ),
            "phone_p95_ms": p95_ms(
                lambda n: finder.find(f"+86 {buyer(n).phone}", SECOND).orders, count, chance
            ),
            "last_digits_p95_ms": p95_ms(
                lambda n: finder.find(buyer(n).phone[-4:], SECOND).orders, count, chance
            ),
            "recent_ms": p95_ms(lambda _n: finder.recent(), count, chance),
            "first_reading_s": round(first_s, 2),
        }
        index.close()
        replica.close()
    print(json.dumps(figures))


if __name__ == "__main__":
    main()

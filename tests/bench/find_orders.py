"""How soon an order is found among 100,000: `python -m tests.bench.find_orders`.

A till's own files with so many orders of two tickets each. Measured from the call to the answer on
the very services that the screen asks: by a scanned code, a receipt number, a ticket number and a
seat; and the first reading of the whole journal, which happens once, beside it.
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

from edge.catalogue import MirrorCatalogue
from edge.replica import Replica
from pos_app.services.after_sale_finding import Finder
from pos_app.services.after_sale_index import OrderIndex
from tests.fakes.edge_node import enrolled_folder
from tests.fakes.hall import EVENT_ID, SECOND, Feed
from ticketing.code import TicketFacts, make_code
from ticketing.ids import AllotmentId, KeyId, OrderId, TicketId
from ticketing.operations import CashLeg, Sale, SaleLine, encode_sale

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
        finder = Finder(replica, catalogue, index, _PREFIX)
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
            "recent_ms": p95_ms(lambda _n: finder.recent(), count, chance),
            "first_reading_s": round(first_s, 2),
        }
        index.close()
        replica.close()
    print(json.dumps(figures))


if __name__ == "__main__":
    main()

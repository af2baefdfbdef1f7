"""What a sale and a pull cost as an event grows: `python -m tests.bench.growth`.

10 thousand, 100 thousand and a million tickets in one event. The first ten thousand are sold
through the server; copies of their rows, with other keys, fill the rest in plain SQL. At each
size real sales (batches of 50, durable) and real pulls of the last hundreds of rows go through a
running server. The cost is the median of the answers' times; `ratio` is the largest size's cost
by the smallest's.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
from sqlalchemy import Column, Connection, Table, text

from sync_server.services.permissions import NodeRole
from sync_server.settings import Settings
from sync_server.store.database import open_engine
from sync_server.store.schema import metadata
from tests.bench._databases import DATABASES, bench_database
from tests.bench._house import (
    EVENT,
    UNITS_PER_GRANT_MAX,
    BenchNode,
    Journal,
    Lent,
    Process,
    boxgate_server,
    make_house,
    sale_op,
)

SIZES = (10_000, 100_000, 1_000_000)
SALES_PER_BATCH = 50
BATCHES, PULLS = 60, 60
ROWS_PER_PULL = 500
_WARM = 5
_COPY = SIZES[0]
_FREE_PERFORMANCE = SIZES[-1] // _COPY + 1
_COPIED = ("claim", "ticket", "orders", "ledger", "op")
_KEYS = frozenset({"id", "order_id", "ticket_id", "op_id", "ref", "receipt_no", "hash"})


def main(argv: Sequence[str] = ()) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="tests.bench.growth")
    parser.add_argument("--database", choices=DATABASES, default="sqlite")
    parser.add_argument("--folder", help="where the database is (the system's temporary folder)")
    options = parser.parse_args(argv)
    with (
        tempfile.TemporaryDirectory(prefix="boxgate-bench-", dir=options.folder) as folder,
        bench_database(options.database) as url,
    ):
        costs = _measure(Path(folder), url)
    sale_ratio = costs[-1].sale_us / costs[0].sale_us
    pull_ratio = costs[-1].pull_us / costs[0].pull_us
    print(
        json.dumps(
            {
                "database": options.database,
                "sale_us": [round(cost.sale_us, 1) for cost in costs],
                "pull_us": [round(cost.pull_us, 1) for cost in costs],
                "sale_ratio": round(sale_ratio, 3),
                "pull_ratio": round(pull_ratio, 3),
                "ratio": round(max(sale_ratio, pull_ratio), 3),
            }
        )
    )


@dataclass(frozen=True, slots=True)
class _Cost:
    sale_us: float
    pull_us: float


def _measure(folder: Path, url: str) -> list[_Cost]:
    settings = make_house(folder, url, _FREE_PERFORMANCE)
    with boxgate_server(settings) as server, httpx.Client(base_url=server.url, timeout=60) as http:
        first = BenchNode(http, NodeRole.TILL).enrol(settings, "Window 1").sign_in()
        seller = BenchNode(http, NodeRole.TILL).enrol(settings, "Window 2").sign_in()
        gate = BenchNode(http, NodeRole.GATE).enrol(settings, "Gate 1").sign_in()
        _sell(first, 1, _COPY // 2)
    costs, made = [], 1
    journal = Journal(seller, EVENT)
    for number, size in enumerate(SIZES):
        began = time.monotonic()
        made = _fill(settings, made, size // _COPY, first.id)
        print(f"   {size} tickets, filled in {time.monotonic() - began:.0f} s", flush=True)
        with (
            boxgate_server(settings) as server,
            httpx.Client(base_url=server.url, timeout=60) as http,
        ):
            for node in (seller, gate):
                node.http = http
                node.sign_in()
            costs.append(_cost(server, journal, seller, gate, number))
    return costs


def _sell(till: BenchNode, performance: int, count: int) -> None:
    journal = Journal(till, EVENT)
    for number in range(2 * count // UNITS_PER_GRANT_MAX):
        begin = 1 + number * UNITS_PER_GRANT_MAX
        lent = till.acquire(performance, range(begin, begin + UNITS_PER_GRANT_MAX))
        for at in range(0, UNITS_PER_GRANT_MAX, 2 * SALES_PER_BATCH):
            _push(journal, till, lent, at)


def _push(journal: Journal, till: BenchNode, lent: Lent, at: int) -> float:
    """Push a batch of sales; the seconds that it took."""
    prev = journal.hash
    ops = [sale_op(journal, till.sale(lent, at + 2 * index)) for index in range(SALES_PER_BATCH)]
    head, _, body = journal.push_request(prev, ops).partition(b"\r\n\r\n")
    path = head.split()[1].decode()
    headers = {"Authorization": f"Bearer {till.token}", "Content-Type": "application/json"}
    began = time.perf_counter()
    answer = till.http.post(path, content=body, headers=headers)
    took_s = time.perf_counter() - began
    assert answer.status_code == httpx.codes.OK, answer.text
    verdicts = {verdict[1] for verdict in answer.json()["verdicts"]}
    assert verdicts == {"ok"}, verdicts
    return took_s


def _cost(
    server: Process, journal: Journal, seller: BenchNode, gate: BenchNode, number: int
) -> _Cost:
    units = 2 * SALES_PER_BATCH * (BATCHES + _WARM)
    first = 1 + number * units
    grants = [
        seller.acquire(_FREE_PERFORMANCE, range(at, at + 2 * SALES_PER_BATCH))
        for at in range(first, first + units, 2 * SALES_PER_BATCH)
    ]
    used_s = server.cpu_s()
    pushes = [_push(journal, seller, grant, 0) for grant in grants][_WARM:]
    used_s = server.cpu_s() - used_s
    head = _pulled(gate, 0)["head"]
    pulls = [_timed(lambda: _pulled(gate, head - ROWS_PER_PULL)) for _ in range(PULLS + _WARM)]
    cost = _Cost(
        statistics.median(pushes) * 1e6 / SALES_PER_BATCH, statistics.median(pulls[_WARM:]) * 1e6
    )
    cpu_us = used_s * 1e6 / (len(grants) * SALES_PER_BATCH)
    print(
        f"   a sale {cost.sale_us:.0f} us (the server's processor {cpu_us:.0f} us), a pull of the "
        f"last {ROWS_PER_PULL} revisions {cost.pull_us:.0f} us",
        flush=True,
    )
    return cost


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _pulled(node: BenchNode, after: int) -> dict[str, int]:
    answer = node.http.get(
        "/v1/pull",
        params={"after": f"{EVENT}:{after}", "limit": "1000"},
        headers={"Authorization": f"Bearer {node.token}"},
    )
    assert answer.status_code == httpx.codes.OK, answer.text
    page: dict[str, int] = answer.json()["streams"][EVENT]
    return page


def _fill(settings: Settings, made: int, wanted: int, node_id: str) -> int:
    """Copy the rows of the first tickets until there are `wanted` times as many."""
    engine = open_engine(settings.database)
    with engine.begin() as connection:
        tables = [metadata.tables[name] for name in _COPIED]
        if wanted == 1:
            for table in tables:
                connection.execute(text(_template(table)), {"e": EVENT, "n": node_id})
        head = _number(connection, "SELECT head FROM stream WHERE event_id = :e", e=EVENT)
        top = _number(connection, "SELECT max(rev) FROM template_ticket")
        for copy in range(made, wanted):
            bound = {"prefix": f"g{copy:03x}", "perf": copy, "seq": copy * _COPY // 2, "rev": head}
            for table in tables:
                connection.execute(text(_copy(table)), bound)
            head += top
        connection.execute(
            text("UPDATE stream SET head = :h WHERE event_id = :e"), {"h": head, "e": EVENT}
        )
        connection.execute(
            text(
                "UPDATE journal SET seq = (SELECT max(seq) FROM op WHERE op.event_id = "
                "journal.event_id AND op.node_id = journal.node_id AND op.inc = journal.inc)"
            )
        )
    with engine.connect() as connection:
        autocommit = connection.execution_options(isolation_level="AUTOCOMMIT")
        autocommit.exec_driver_sql("ANALYZE")
    engine.dispose()
    return wanted


def _number(connection: Connection, sql: str, **values: object) -> int:
    return int(connection.execute(text(sql), values).scalar_one())


def _template(table: Table) -> str:
    ours = "event_id = :e" + (" AND node_id = :n" if "node_id" in table.c else "")
    rows = f"SELECT * FROM {table.name} WHERE {ours}"  # noqa: S608 - our own names
    return f"CREATE TABLE template_{table.name} AS {rows}"


def _copy(table: Table) -> str:
    columns = ", ".join(column.name for column in table.c)
    values = ", ".join(_shifted(column) for column in table.c)
    rows = f"SELECT {values} FROM template_{table.name}"  # noqa: S608 - our own names
    return f"INSERT INTO {table.name} ({columns}) {rows}"


def _shifted(column: Column[object]) -> str:
    """A copy's value: numbers move on, keys begin as no key does, the rest stays."""
    name = column.name
    if name == "perf_id":
        return "perf_id + :perf"
    if name in ("seq", "rev"):
        return f"{name} + :{name}"
    return f":prefix || substr({name}, 5)" if name in _KEYS else name


if __name__ == "__main__":
    main(sys.argv[1:])

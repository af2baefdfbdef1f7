"""How long a new gate takes to know every ticket: `python -m tests.bench.snapshot --tickets N`.

A real server process over an event with so many tickets, and a gate without a mirror: the server
builds the snapshot file, the gate fetches it by pieces, takes it into its mirror and looks a first
ticket up. Then what else reads everything: a digest at both ends, and a pull of nothing.
"""

from __future__ import annotations

import argparse
import json
import secrets
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import httpx
from sqlalchemy import text

from edge.digest import digest_request, read_digest
from edge.mirror import Mirror
from edge.snapshot import Download, PieceReply, import_file, read_header, wanted
from sync_server.services.permissions import NodeRole
from sync_server.settings import Settings
from sync_server.store.database import open_engine
from tests.bench._house import CAPACITY, EVENT, BenchNode, boxgate_server, make_house

UNITS_PER_ALLOTMENT = 100
GENERATION_IN_IDS = "0a1b2c3d"
T = TypeVar("T")


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--tickets", type=int, default=100_000)
    count = arguments.parse_args().tickets
    with tempfile.TemporaryDirectory() as folder:
        settings = make_house(Path(folder), "", -(-count // CAPACITY))
        some_ticket = secrets.choice(sell_out(settings, count))
        found = measure(Path(folder), settings, some_ticket)
    for name, value in found.items():
        print(f"   {name:<20} {value:>12,.4f}")
    print(json.dumps({name: round(value, 4) for name, value in found.items()}))


def sell_out(settings: Settings, count: int, node_id: str = "") -> list[str]:
    """Write allotments and tickets, as if they had been lent and sold; the ids in their order.

    `node_id`: the till that had them all; each allotment another's where there is none.
    """
    ids = [secrets.token_hex(8) for _ in range(count)]
    lots = range(0, count, UNITS_PER_ALLOTMENT)
    engine = open_engine(settings.database)
    with engine.begin() as connection:
        head = connection.execute(
            text("SELECT head FROM stream WHERE event_id = :e"), {"e": EVENT}
        ).scalar_one()
        allotments = [
            {
                "e": EVENT,
                "id": f"{GENERATION_IN_IDS}-{number}",
                "node": node_id or secrets.token_hex(8),
                "p": first // CAPACITY + 1,
                "body": json.dumps(
                    {"units": [[at % CAPACITY + 1, 0] for at in _lot(first, count)], "counts": {}}
                ),
                "rev": head + number,
            }
            for number, first in enumerate(lots, 1)
        ]
        connection.execute(
            text(
                "INSERT INTO allot (event_id, id, node_id, perf_id, req, firm, state, granted_ms, "
                "body, rev) VALUES (:e, :id, :node, :p, :id, 0, 'open', 0, :body, :rev)"
            ),
            allotments,
        )
        connection.execute(
            text(
                "INSERT INTO ticket (event_id, id, order_id, perf_id, unit, version, state, "
                "allot_id, tier_id, ticket_type_id, price_minor, rev) "
                "VALUES (:e, :id, :id, :p, :u, 0, 'valid', :allot, 'a', 'adult', 1, :rev)"
            ),
            [
                {
                    "e": EVENT,
                    "id": ticket_id,
                    "p": at // CAPACITY + 1,
                    "u": at % CAPACITY + 1,
                    "allot": f"{GENERATION_IN_IDS}-{at // UNITS_PER_ALLOTMENT + 1}",
                    "rev": head + len(allotments) + at + 1,
                }
                for at, ticket_id in enumerate(ids)
            ],
        )
        connection.execute(
            text("UPDATE stream SET head = :h WHERE event_id = :e"),
            {"h": head + len(allotments) + count, "e": EVENT},
        )
    engine.dispose()
    return ids


def measure(folder: Path, settings: Settings, some_ticket: str) -> dict[str, float]:
    """Seconds by stage, and the file's bytes."""
    found: dict[str, float] = {}

    def timed(name: str, work: Callable[[], T]) -> T:
        began_s = time.perf_counter()
        result = work()
        found[name] = time.perf_counter() - began_s
        return result

    with (
        boxgate_server(settings) as server,
        httpx.Client(base_url=server.url, timeout=60, trust_env=False) as http,
        closing(Mirror(folder / "mirror.db")) as mirror,
    ):
        gate = BenchNode(http, NodeRole.GATE).enrol(settings, "Gate 1").sign_in()
        http.headers["Authorization"] = f"Bearer {gate.token}"
        download = Download(folder / "snapshots", EVENT, "gate")
        began_s = time.perf_counter()
        timed("build_s", lambda: _fetch_piece(http, download))
        timed("fetch_s", lambda: _fetch_rest(http, download))
        header = timed("look_s", lambda: read_header(download.file))
        assert wanted(0, header.rev)
        timed("import_s", lambda: import_file(mirror, download.file, header, ()))
        state = timed("lookup_s", lambda: _look_up(mirror, some_ticket))
        found["total_s"] = time.perf_counter() - began_s
        found["bytes"] = download.file.stat().st_size
        assert state == "valid", state
        query = {"gen": header.generation, "after": f"{EVENT}:{header.rev}"}
        page = timed("pull_s", lambda: http.get("/v1/pull", params=query).json())
        assert page["streams"][EVENT]["rows"] == [], "the file was not all there is"
        asked = timed("digest_edge_s", lambda: digest_request(mirror, EVENT))
        assert asked is not None
        reply = timed("digest_server_s", lambda: http.post(asked.path, json=asked.body).json())
        assert read_digest(mirror, asked, reply) == (), "the mirror is not what the server has"
    return found


def _fetch_piece(http: httpx.Client, download: Download) -> bool:
    asked = download.next_request()
    if asked is None:
        return False
    reply = http.get(asked.path, headers=dict(asked.headers))
    assert reply.is_success, reply.text
    headers = {name.lower(): value for name, value in reply.headers.items()}
    download.take(PieceReply(reply.status_code, headers, reply.content))
    return True


def _fetch_rest(http: httpx.Client, download: Download) -> None:
    while _fetch_piece(http, download):
        pass


def _look_up(mirror: Mirror, ticket_id: str) -> str:
    with mirror.reading() as connection:
        row = connection.execute(
            "SELECT state FROM ticket WHERE stream = ? AND id = ?", (EVENT, ticket_id)
        ).fetchone()
    return str(row["state"])


def _lot(first: int, count: int) -> Sequence[int]:
    return range(first, min(first + UNITS_PER_ALLOTMENT, count))


if __name__ == "__main__":
    main()

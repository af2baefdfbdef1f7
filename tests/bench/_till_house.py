"""A till's folder as after a long season, for `tests.bench.till`: 50,000 seats, 100,000 orders."""

from __future__ import annotations

import json
import runpy
from datetime import UTC, datetime
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher

from edge.allotments import Grant, install
from edge.env import MachineEnv
from edge.id_mint import IdMint
from edge.journal import Unit, acknowledge, append, heads
from edge.mirror import Change, Mirror
from edge.replica import Replica
from edge.time_left import now_of
from pos_app.services.shifts import Clerk
from pos_app.services.shifts import begin as begin_shift
from tests.bench.find_orders import an_order, fill
from tests.fakes.edge_node import VENUE, enrolled_folder
from ticketing.catalogue import event_documents, parse_catalogue
from ticketing.event import Event
from ticketing.ids import AllotmentId, OpId
from ticketing.journal import OpKind
from ticketing.operations import SaleLine, encode_sale
from ticketing.seating import SeatingPlan

PERSON, PIN = "lina", "471147"
PERFORMANCE = 1
_GENERATION = "0a1b2c3d"
_OPS_AT_ONCE = 5_000
_OURS = AllotmentId(_GENERATION, 3)
"""Granted after the one that the orders were sold from."""
_Sold = dict[tuple[int, int], SaleLine]
"""The last sale of each unit of each performance."""


def make_till(folder: Path, orders: int) -> Path:
    """An enrolled till with an open shift and a fifth of the stadium; the path of its settings."""
    node = folder / "till"
    enrolled_folder(node)
    catalogue = parse_catalogue(_stadium(), source="stadium", now=datetime.now(UTC))
    event, plan = catalogue.events[0], catalogue.plans[0]
    fill(node / "journal.db", orders, event.id)
    replica = Replica(node)
    sold = _record(replica, event.id, orders)
    ours, others = _evening(plan)
    versions = {unit: _version_now(sold, unit) for unit in (*ours, *others)}
    [(event_id, document)] = event_documents(catalogue)
    _tell(replica.mirror, event_id, document, _claims(ours, others), versions)
    pairs = tuple((unit, versions[unit]) for unit in ours)
    grant = Grant(_OURS, PERFORMANCE, firm=False, state="open", units=pairs)
    env = MachineEnv()
    replica.transact(lambda unit: install(unit, event_id, grant, now_of(unit, env)))
    _open_shift(replica, event)
    replica.close()
    return _write_settings(folder, node)


def _record(replica: Replica, stream: str, orders: int) -> _Sold:
    """The operations of the orders, all of them confirmed, and the units that they sold.

    A till looks whether all of it agrees, and locks itself where it does not.
    """
    sold: _Sold = {}

    def work(unit: Unit, first: int) -> None:
        for number in range(first, min(first + _OPS_AT_ONCE, orders)):
            sale = an_order(number)
            body, op_id = encode_sale(sale), OpId(f"{number:032x}")
            append(unit, stream, OpKind.SALE, body, op_id=op_id, wall_ms=number)
            sold.update({(line.performance, line.unit): line for line in sale.lines})
        for head in heads(unit):
            acknowledge(unit, head, head.seq, ())

    for first in range(0, orders, _OPS_AT_ONCE):
        replica.transact(partial(work, first=first))
    replica.transact(lambda unit: _mark_sold(unit, stream, sold))
    return sold


def _mark_sold(unit: Unit, stream: str, sold: _Sold) -> None:
    unit.executemany(
        "INSERT INTO allot_unit (stream, performance, unit, allot_id, version, state) "
        "VALUES (?, ?, ?, ?, ?, 'sold')",
        [
            (stream, line.performance, line.unit, str(line.allotment), line.version)
            for line in sold.values()
        ],
    )


def _version_now(sold: _Sold, unit: int) -> int:
    """What a unit of tonight is lent or sold as: what was sold of it before is over."""
    last = sold.get((PERFORMANCE, unit))
    return 0 if last is None else last.version + 1


def _stadium() -> object:
    maker = resources.files("resources") / "samples" / "make_stadium.py"
    return runpy.run_path(str(maker))["stadium"]()


def _evening(plan: SeatingPlan) -> tuple[list[int], dict[int, str]]:
    """Our units, and what became of those that are neither ours nor free."""
    ours: list[int] = []
    others: dict[int, str] = {}
    for number, area in enumerate(plan.areas):
        for row in area.rows:
            for seat in row.seats:
                clump = (seat.row_index * 7 + seat.seat_index // 3 * 5 + number * 3) % 11
                if clump < 1 + number % 7:
                    others[seat.unit] = "sold"
                elif number % 9 == 4 and seat.row_index < 10:
                    others[seat.unit] = "allot"
                elif number % 5 in (0, 3):
                    ours.append(seat.unit)
    return ours, others


def _claims(ours: list[int], others: dict[int, str]) -> list[tuple[int, str, str]]:
    """Who has which unit: unit, kind, and the allotment of those that are lent."""
    claims = [(unit, "allot", str(_OURS)) for unit in ours]
    for unit, kind in others.items():
        claims.append((unit, kind, "" if kind == "sold" else f"{_GENERATION}-2"))
    return claims


def _tell(
    mirror: Mirror,
    event_id: str,
    document: dict[str, Any],
    claims: list[tuple[int, str, str]],
    versions: dict[int, int],
) -> None:
    """What a server would have told: the house, its people, and who has which seat."""
    verifier = PasswordHasher().hash(PIN)
    person = {"id": PERSON, "name": "Li Na", "role": "cashier", "pin": verifier, "state": "active"}
    listed = {"kind": "event_list", "id": event_id, "body": {}}
    house: list[tuple[str, dict[str, Any]]] = [("person", person), ("doc", listed)]
    rows: list[tuple[str, dict[str, Any]]] = [
        ("doc", {"kind": "event", "id": event_id, "body": document})
    ]
    rows += [("claim", _claim(unit, kind, ref, versions[unit])) for unit, kind, ref in claims]
    for stream, told in ((VENUE, house), (event_id, rows)):
        changes = [Change(kind, rev, body) for rev, (kind, body) in enumerate(told, 1)]
        mirror.apply(stream, _GENERATION, changes, len(changes))


def _claim(unit: int, kind: str, ref: str, version: int) -> dict[str, Any]:
    body = {"p": PERFORMANCE, "u": unit, "kind": kind, "ref": ref}
    return {**body, "node": "", "v": version}


def _open_shift(replica: Replica, event: Event) -> None:
    env = MachineEnv()
    clerk = Clerk(env, IdMint(env), VENUE, PERSON)
    replica.transact(lambda unit: begin_shift(unit, clerk, event.currency, ()))


def _write_settings(folder: Path, node: Path) -> Path:
    """No server answers: what a till does for its cashier it does without one."""
    file = folder / "till.toml"
    file.write_text(
        f"""\
server_url = "http://127.0.0.1:9"
data_dir = {json.dumps(str(node))}
witness_dir = {json.dumps(str(folder / "witness"))}

[printer]
folder = {json.dumps(str(folder / "tickets"))}

[screen]
language = "en"
width = 1920
height = 1080

[log]
level = "warning"
""",
        encoding="utf-8",
    )
    return file

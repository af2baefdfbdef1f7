"""A house to be measured: a big event, a real `boxgate-server` process, nodes that journal.

Everything about the server goes over its own HTTP calls, so that what is measured is the product
and not a second way into it.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sync_server import commands
from sync_server.services.initialise import finish
from sync_server.services.permissions import NodeRole
from sync_server.settings import Settings
from ticketing.code import Flag, TicketFacts, make_code
from ticketing.ids import AllotmentId, NodeId, OpId, OrderId, TicketId
from ticketing.journal import ROOT_HASH, Op, OpKind, chain_op, op_to_wire
from ticketing.keys import key_id, public_of
from ticketing.operations import (
    CashLeg,
    EntryGranted,
    Release,
    Sale,
    SaleLine,
    SignedIn,
    encode_entry,
    encode_release,
    encode_sale,
    encode_signed_in,
)

VENUE, EVENT = "arena", "grand-tour"
CAPACITY = 20_000
PRICE_MINOR = 38_000
UNITS_PER_GRANT_MAX = 2_000
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_DOORS = datetime(2026, 11, 28, 18, 30, tzinfo=UTC)
_NO_FLAGS = Flag(0)


def catalogue_document(
    performance_count: int, starts: Sequence[datetime] = (), capacity: int = CAPACITY
) -> dict[str, object]:
    """A standing arena of so many places and one event with so many performances.

    `starts`: when, aware UTC; a day after the other where nothing is said.
    """

    def text(name: str) -> dict[str, str]:
        return {"en": name}

    square = [[0, 0], [100, 0], [100, 100], [0, 100]]
    first = datetime(2026, 11, 28, 19, 30, tzinfo=UTC)
    starts = starts or [
        first + timedelta(days=number) for number in range(1, performance_count + 1)
    ]
    return {
        "format": "boxgate-catalogue-1",
        "venue": {
            "id": VENUE,
            "name": text("Arena"),
            "timezone": "UTC",
            "day_starts": "04:00",
            "currency": "CNY",
            "languages": ["en"],
        },
        "plans": [
            {
                "id": "floor",
                "name": text("Floor"),
                "seat_pitch": 10,
                "areas": [
                    {
                        "id": "standing",
                        "name": text("Standing"),
                        "kind": "standing",
                        "first_unit": 1,
                        "capacity": capacity,
                        "shape": square,
                    }
                ],
            }
        ],
        "events": [
            {
                "id": EVENT,
                "name": text("Grand Tour"),
                "plan": "floor",
                "price_tiers": [
                    {
                        "id": "a",
                        "name": text("A"),
                        "letter": "A",
                        "places": [{"area": "standing"}],
                    }
                ],
                "ticket_types": [{"number": 1, "id": "adult", "name": text("Adult")}],
                "price_list": {"version": 7, "prices_minor": {"a": {"adult": PRICE_MINOR}}},
                "performances": [
                    {
                        "number": number,
                        "starts": each.strftime("%Y-%m-%dT%H:%M"),
                    }
                    for number, each in enumerate(starts, 1)
                ],
            }
        ],
    }


def performances_for(tills: int, units_per_till: int) -> int:
    """How many it takes when no grant crosses the end of one."""
    grants = -(-units_per_till // UNITS_PER_GRANT_MAX)
    return -(-tills * grants // (CAPACITY // UNITS_PER_GRANT_MAX))


def make_house(
    folder: Path, database_url: str, performance_count: int, starts: Sequence[datetime] = ()
) -> Settings:
    """What `init` and `import` make, in a new folder."""
    settings = Settings(data_dir=folder / "data", database_url=database_url)
    commands.init(settings, None)
    finish(settings)
    file = folder / "catalogue.json"
    file.write_text(json.dumps(catalogue_document(performance_count, starts)), encoding="utf-8")
    stored = commands.import_catalogue(settings, file)
    assert not isinstance(stored, Exception), stored
    assert hasattr(stored, "venue_id"), stored
    return settings


@dataclass
class Process:
    """A server in a process of its own."""

    url: str
    pid: int

    def cpu_s(self) -> float:
        """Processor time that it has taken so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii").rpartition(")")[2]
        user, system = fields.split()[11:13]
        return (int(user) + int(system)) * _TICK_S


@contextmanager
def boxgate_server(settings: Settings, role: str = "centre") -> Iterator[Process]:
    """`boxgate-server serve` with its usual settings, its log in a file of the house."""
    config = settings.data_dir.parent / "server.toml"
    config.write_text(
        f'data_dir = "{settings.data_dir}"\ndatabase_url = "{settings.database_url}"\n',
        encoding="utf-8",
    )
    program = Path(sys.executable).with_name("boxgate-server")
    command = [str(program), "serve", "--config", str(config), "--port", "0"]
    command += ["--role", role]
    with listening(command, settings.data_dir.parent / "server.log") as process:
        yield process


@contextmanager
def listening(command: Sequence[str], log: Path) -> Iterator[Process]:
    """A program that prints `listening on URL` and ends on SIGTERM."""
    with log.open("w", encoding="utf-8") as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)
        try:
            assert process.stdout is not None
            said = process.stdout.readline()
            if not said.startswith("listening on "):
                raise RuntimeError(f"{command[0]} did not start: {log.read_text()[-2000:]}")
            yield Process(said.split()[-1], process.pid)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
            finally:
                process.kill()
                if process.stdout is not None:
                    process.stdout.close()


@dataclass(frozen=True, slots=True)
class Lent:
    """Units of one allotment that are still to be sold."""

    allotment: AllotmentId
    performance: int
    units: tuple[tuple[int, int], ...]


@dataclass
class Journal:
    """A node's journal of one stream, as far as it was said."""

    node: BenchNode
    stream: str
    seq: int = 0
    hash: str = ROOT_HASH

    def say(self, kind: OpKind, body: str) -> Op:
        """The next operation."""
        self.seq += 1
        op = chain_op(
            self.hash,
            self.stream,
            self.node.id,
            1,
            self.seq,
            OpId(secrets.token_hex(16)),
            kind,
            1,
            time.time_ns() // 1_000_000,
            body,
        )
        self.hash = op.hash
        return op

    def push_request(self, prev: str, ops: Sequence[Op]) -> bytes:
        """The bytes of the HTTP request that pushes these operations."""
        body = {
            "inc": 1,
            "first": ops[0].seq,
            "prev": prev,
            "ops": [op_to_wire(op) for op in ops],
            "unsynced": len(ops),
        }
        content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        head = (
            f"POST /v1/e/{self.stream}/push HTTP/1.1\r\n"
            "Host: 127.0.0.1\r\n"
            "User-Agent: boxgate-pos/0.1.0\r\n"
            f"Authorization: Bearer {self.node.token}\r\n"
            "Content-Type: application/json\r\n"
            f"Content-Length: {len(content)}\r\n\r\n"
        )
        return head.encode() + content


@dataclass
class BenchNode:
    """A till or gate with a key, an id and a token from the server."""

    http: httpx.Client
    role: NodeRole
    private: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    id: NodeId = field(default=NodeId(""))
    token: str = ""
    issuer: str = ""
    receipts: int = 0

    def enrol(self, settings: Settings, name: str, agency: str = "") -> BenchNode:
        """Join the house with a code, as a new machine does; `agency`: whose window it is."""
        code = commands.make_enrolment_code(settings, self.role, name, 60, agency)
        reply = self._called(
            "/v1/enrol",
            json={
                "code_secret": code.text.replace("-", "")[:16],
                "public_key": public_of(self.private).hex(),
                "machine_id": f"bench {name}",
                "proto": [1],
                "program_version": "0.1.0",
            },
        )
        self.id, self.issuer = reply["node_id"], reply["issuer"]
        return self

    def sign_in(self) -> BenchNode:
        """Get an access token; it is good for ten minutes."""
        now_s = int(time.time())
        claims = {
            "iss": self.id,
            "sub": self.id,
            "aud": self.issuer,
            "jti": secrets.token_hex(16),
            "iat": now_s,
            "exp": now_s + 120,
        }
        key = Ed25519PrivateKey.from_private_bytes(self.private)
        reply = self._called(
            "/v1/token",
            data={
                "grant_type": "client_credentials",
                "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                "client_assertion": jwt.encode(claims, key, "EdDSA"),
            },
        )
        self.token = reply["access_token"]
        return self

    def acquire(self, performance: int, units: Sequence[int]) -> Lent:
        """Be lent these units."""
        reply = self._called(
            f"/v1/e/{EVENT}/acquire",
            json={
                "req": secrets.token_hex(16),
                "performance": performance,
                "units": list(units),
            },
            headers={"Authorization": f"Bearer {self.token}"},
        )["allotment"]
        allotment = AllotmentId.parse(reply["id"])
        assert allotment is not None
        assert len(reply["units"]) == len(units)
        lent = tuple((unit, version) for unit, version in reply["units"])
        return Lent(allotment, reply["p"], lent)

    def sale(self, lent: Lent, at: int, count: int = 2) -> Sale:
        """A cash sale of `count` units of an allotment, from the one at index `at` on."""
        lines = tuple(
            self._line(lent, unit, version) for unit, version in lent.units[at : at + count]
        )
        assert len(lines) == count, "sold more than was lent"
        self.receipts += 1
        total = sum(line.price_minor for line in lines)
        return Sale(
            OrderId(secrets.token_hex(8)),
            f"{self.id[:4]}-{self.receipts:06d}",
            "li.na",
            "CNY",
            7,
            total,
            lines,
            CashLeg(total, total),
        )

    def entry(self, line: SaleLine, lane: str) -> EntryGranted:
        """A ticket let in at a lane of this gate."""
        return EntryGranted(
            line.ticket_id,
            line.performance,
            line.unit,
            line.version,
            key_id(public_of(self.private)),
            line.allotment,
            lane,
            time.time_ns() // 1_000_000,
            offline=True,
        )

    def _line(self, lent: Lent, unit: int, version: int) -> SaleLine:
        line = SaleLine(
            TicketId(secrets.token_hex(8)),
            lent.performance,
            unit,
            version,
            lent.allotment,
            "a",
            "adult",
            PRICE_MINOR,
            "list",
            "",
        )
        facts = TicketFacts(
            key_id(public_of(self.private)),
            line.ticket_id,
            line.performance,
            line.unit,
            1,
            line.version,
            line.allotment,
            _DOORS,
            240,
            _NO_FLAGS,
        )
        return replace(line, code=make_code(facts, self.private))

    def _called(self, path: str, **request: Any) -> dict[str, Any]:
        answer = self.http.post(path, **request)
        if answer.status_code != httpx.codes.OK:
            raise RuntimeError(f"{path}: {answer.status_code} {answer.text}")
        reply: dict[str, Any] = answer.json()
        return reply


def sale_op(journal: Journal, sale: Sale) -> Op:
    """A sale, written down."""
    return journal.say(OpKind.SALE, encode_sale(sale))


def entry_op(journal: Journal, entry: EntryGranted) -> Op:
    """An entry, written down."""
    return journal.say(OpKind.ENTRY, encode_entry(entry))


def release_op(journal: Journal, lent: Lent, units: Sequence[int]) -> Op:
    """Units given back."""
    body = Release(lent.performance, lent.allotment, tuple(units))
    return journal.say(OpKind.RELEASE, encode_release(body))


def shift_op(journal: Journal, kind: OpKind) -> Op:
    """A sign-in or a sign-out."""
    return journal.say(kind, encode_signed_in(SignedIn("li.na")))

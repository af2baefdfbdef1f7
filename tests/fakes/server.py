"""A small server on loopback that speaks a node's calls, honestly or as a test scripts it.

It is a real HTTP server in threads of its own: what a test sees is what sockets do. Behind it is
a model of the centre: journals with their chains, a feed, units to lend. `script` puts the next
answers to a call before that: a hang, a reset, garbage.
"""

from __future__ import annotations

import json
import socket
import struct
import sys
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.fakes import feed_files
from ticketing.journal import ROOT_HASH, first_break, op_from_wire

GENERATION = "0a1b2c3d"


@dataclass(frozen=True)
class Say:
    """An HTTP answer: a status and a body, JSON unless it is bytes.

    `after_work`: the call took effect, and this is said of it in place of the honest answer.
    """

    body: object = field(default_factory=dict)
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    after_work: bool = False

    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass(frozen=True)
class Hang:
    """No answer until the server is released."""


@dataclass(frozen=True)
class Reset:
    """The connection breaks. `after_work`: the call took effect, only its answer is lost."""

    after_work: bool = False


@dataclass(frozen=True)
class Raw:
    """These bytes instead of an HTTP answer, then the connection is closed."""

    content: bytes


@dataclass(frozen=True)
class Trickle:
    """A promise of a long body that comes one byte at a time and never ends by itself."""

    pause_s: float = 0.01


@dataclass(frozen=True)
class Endless:
    """A body without an end, as fast as it goes."""


Answer = Say | Hang | Reset | Raw | Trickle | Endless


@dataclass(frozen=True)
class Call:
    """One request as it came in."""

    name: str
    path: str
    body: Any
    query: Mapping[str, str]
    headers: Mapping[str, str]


class FakeServer:
    """Use as a context manager. Attributes may be set by a test at any time."""

    def __init__(self, node_id: str, venue: str = "house") -> None:
        self.node_id, self.venue = node_id, venue
        self.generation = GENERATION
        self.now_ms: int | None = None
        self.token_s = 600
        self.forked: set[str] = set()
        self.ops: dict[str, list[list[Any]]] = defaultdict(list)
        self.salvaged: dict[tuple[str, int], list[list[Any]]] = defaultdict(list)
        self.declared: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.quarantined: set[str] = set()
        self.free_units: set[int] = set()
        self.grants: dict[str, dict[str, Any]] = {}
        self.calls: list[Call] = []
        self.unplugged = False
        self.rows_per_page = 10_000
        self.has_few_rows = False
        self.released = threading.Event()
        self._rows: dict[str, list[list[Any]]] = defaultdict(list)
        self._scripts: dict[str, deque[Answer]] = defaultdict(deque)
        self._guard = threading.Condition()
        self._http = _Listener(self)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> FakeServer:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()
        self._http.shutdown()
        self._thread.join()
        self._http.hang_up()
        self._http.server_close()
        assert kind is not None or self._http.failures == [], self._http.failures

    # --- what a test does

    def script(self, name: str, *answers: Answer) -> None:
        """Answer the next calls of this name so; after them, honestly again."""
        with self._guard:
            self._scripts[name].extend(answers)

    def release(self) -> None:
        """End every hang and every long poll, now and from now on."""
        self.released.set()
        with self._guard:
            self._guard.notify_all()

    def publish(self, stream: str, kind: str, body: Mapping[str, Any]) -> int:
        """Add a row to a stream's feed; returns its revision."""
        with self._guard:
            revision = len(self._rows[stream]) + 1
            self._rows[stream].append([kind, revision, dict(body)])
            self._guard.notify_all()
        return revision

    def follow(self, *events: str) -> None:
        """Have nodes follow these events."""
        for event in events:
            self.publish(self.venue, "doc", {"kind": "event_list", "id": event, "body": {}})

    def restart_history(self, generation: str) -> None:
        """A failover that lost everything: another generation, journals and feed empty."""
        with self._guard:
            self.generation = generation
            self.ops.clear()
            self._rows.clear()
            self._guard.notify_all()

    def called(self, name: str) -> list[Call]:
        """The calls of this name so far."""
        with self._guard:
            return [call for call in self.calls if call.name == name]

    def op_ids(self, stream: str) -> list[str]:
        """What the server has recorded of a stream's journal, in its order."""
        with self._guard:
            return [op[1] for op in self.ops[stream]]

    # --- what the server does

    def take(self, call: Call) -> Answer:
        """Note the call and pick its answer: scripted, or honest (None)."""
        with self._guard:
            self.calls.append(call)
            scripted = self._scripts[call.name]
            answer = scripted.popleft() if scripted else None
        if self.unplugged:
            return Reset()
        if answer is None:
            return self._honest(call)
        if isinstance(answer, Say | Reset) and answer.after_work:
            self._honest(call)
        return answer

    def _honest(self, call: Call) -> Say:
        works: dict[str, Callable[[Call], Say]] = {
            "token": self._token,
            "hello": self._hello,
            "push": self._push,
            "pull": self._pull,
            "acquire": self._acquire,
            "admit": self._admit,
            "salvage": self._salvage,
            "declare": self._declare,
            "revoke": self._revoke,
            "snapshot": self._snapshot,
            "own": self._own,
            "digest": self._digest,
            "rows": self._bucket_rows,
            "data-keys": lambda _call: problem(404, "not_found"),  # an older server's answer
            "chip-keys": lambda _call: problem(404, "not_found"),
        }
        work = works[call.name]
        with self._guard:
            return work(call)

    def snapshot_of(self, stream: str) -> bytes:
        """The file as of now, for a till."""
        rows = self._rows[stream]
        return feed_files.snapshot_file(self.generation, stream, "till", rows, len(rows))

    def _snapshot(self, call: Call) -> Say:
        if self.has_few_rows:
            return problem(409, "just_pull")
        stream = call.path.split("/")[3]
        status, headers, content = feed_files.piece_of(self.snapshot_of(stream), call.headers)
        return Say(content, status, headers)

    def _own(self, call: Call) -> Say:
        rows, query = self._rows[call.path.split("/")[3]], call.query
        page = feed_files.own_page(rows, int(query["after"]), int(query["rev"]))
        return Say({"gen": self.generation, "now_ms": self._clock_ms(), **page})

    def _digest(self, call: Call) -> Say:
        rows = self._rows[call.path.split("/")[3]]
        return Say({"gen": self.generation, **feed_files.digest_reply(rows, call.body)})

    def _bucket_rows(self, call: Call) -> Say:
        rows = self._rows[call.path.split("/")[3]]
        found = feed_files.bucket_rows(rows, call.body["buckets"][0])
        return Say({"gen": self.generation, "now_ms": self._clock_ms(), **found})

    def _clock_ms(self) -> int:
        return self.now_ms if self.now_ms is not None else time.time_ns() // 1_000_000

    def _salvage(self, call: Call) -> Say:
        stream, ops = call.path.split("/")[3], call.body["ops"]
        stored = self.salvaged[stream, call.body["inc"]]
        assert call.body["first"] == len(stored) + 1, "a salvage leaves something out"
        stored += ops
        return Say({"stored": len(stored)})

    def _declare(self, call: Call) -> Say:
        stream = call.path.split("/")[3]
        if call.body["gen"] != self.generation:
            return problem(409, "generation_changed", gen=self.generation)
        self.declared[stream] += call.body["allotments"]
        if call.body["done"]:
            self.quarantined.discard(stream)
        return Say({"quarantined": stream in self.quarantined})

    def _revoke(self, call: Call) -> Say:
        tickets = [{"id": ticket, "state": "void"} for ticket in call.body["tickets"]]
        return Say({"tickets": tickets})

    def _admit(self, call: Call) -> Say:
        return Say({"accepted": True, "op": call.body["op"]})

    def _token(self, _call: Call) -> Say:
        number = sum(1 for call in self.calls if call.name == "token")
        return Say({"access_token": f"token-{number}", "expires_in": self.token_s})

    def _hello(self, call: Call) -> Say:
        journals = [
            {
                "stream": told["stream"],
                "inc": told["inc"],
                "acked": len(self.ops[told["stream"]]),
                "forked": told["stream"] in self.forked,
            }
            for told in call.body["journals"]
        ]
        return Say(
            {
                "gen": self.generation,
                "proto": 1,
                "now_ms": self._clock_ms(),
                "journals": journals,
                "quarantined": sorted(self.quarantined),
            }
        )

    def _push(self, call: Call) -> Say:
        stream, body = call.path.split("/")[3], call.body
        stored, ops = self.ops[stream], [op_from_wire(raw) for raw in body["ops"]]
        known = len(stored)
        if stream in self.forked:
            return problem(409, "journal_forked", acked=known)
        if body["first"] > known + 1:
            return problem(409, "journal_gap", acked=known)
        sound = [op for op in ops if op is not None]
        where = (body["first"], stream, self.node_id, body["inc"])
        assert len(sound) == len(ops), "a node sent what is no operation"
        assert first_break(sound, body["prev"], *where) is None, "a node sent a broken chain"
        before = stored[body["first"] - 2][6] if body["first"] > 1 else ROOT_HASH
        assert body["prev"] == before, "a node contradicts what it sent before"
        stored.extend(body["ops"][known - body["first"] + 1 :])
        verdicts = [[raw[0], "ok", "", 0] for raw in body["ops"]]
        return Say({"acked": len(stored), "verdicts": verdicts})

    def _pull(self, call: Call) -> Say:
        if call.query["gen"] not in ("", self.generation):
            return problem(409, "generation_changed", gen=self.generation)
        after = {
            stream: int(revision)
            for stream, _, revision in (
                part.rpartition(":") for part in call.query["after"].split(",")
            )
        }
        until_s = time.monotonic() + float(call.query["wait_s"])
        generation = self.generation
        while not (rows := self._news(after)) and not self.released.is_set():
            left_s = until_s - time.monotonic()
            if left_s <= 0 or self.generation != generation:
                break
            self._guard.wait(left_s)
        streams = {}
        for stream, revision in after.items():
            found, head = rows.get(stream, []), len(self._rows[stream])
            page = found[: self.rows_per_page]
            read_to = page[-1][1] if len(page) < len(found) else max(revision, head)
            streams[stream] = {
                "rows": page,
                "next": read_to,
                "head": head,
                "more": read_to < head,
            }
        return Say({"gen": self.generation, "now_ms": self._clock_ms(), "streams": streams})

    def _news(self, after: Mapping[str, int]) -> dict[str, list[list[Any]]]:
        found = {stream: self._rows[stream][revision:] for stream, revision in after.items()}
        return {stream: rows for stream, rows in found.items() if rows}

    def _acquire(self, call: Call) -> Say:
        body = call.body
        if body["req"] not in self.grants:
            units = body["units"] or sorted(self.free_units)[: body["count"]]
            if not units or not self.free_units.issuperset(units):
                return problem(409, "taken")
            self.free_units.difference_update(units)
            self.grants[body["req"]] = {
                "id": f"{self.generation}-{len(self.grants) + 1}",
                "p": body["performance"],
                "firm": body["firm"],
                "state": "open",
                "units": [[unit, 0] for unit in units],
            }
        return Say({"allotment": self.grants[body["req"]]})


def problem(status: int, code: str, **extra: object) -> Say:
    """A refusal in the server's form."""
    body = {"status": status, "code": code, "detail": "as the test says", **extra}
    return Say(body, status, {"Content-Type": "application/problem+json"})


class _Listener(ThreadingHTTPServer):
    daemon_threads = False  # joined by server_close: a thread left behind is a failure
    request_queue_size = 64

    def __init__(self, fake: FakeServer) -> None:
        self.fake = fake
        self.failures: list[str] = []
        self._connections: list[socket.socket] = []
        super().__init__(("127.0.0.1", 0), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.append(request)
        super().process_request(request, client_address)

    def hang_up(self) -> None:
        """End connections that are kept alive, or closing would wait for their clients."""
        for connection in self._connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        error = sys.exception()
        if not isinstance(error, ConnectionError | TimeoutError):
            self.failures.append(repr(error))


class _Handler(BaseHTTPRequestHandler):
    server: _Listener
    protocol_version = "HTTP/1.1"
    timeout = 20
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def log_message(self, *_: object) -> None:
        pass

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        raw = self.rfile.read(length)
        address = urlsplit(self.path)
        name = "snapshot" if "/snapshot/" in address.path else address.path.rpartition("/")[2]
        body = dict(parse_qsl(raw.decode())) if name == "token" else json.loads(raw or b"null")
        query = dict(parse_qsl(address.query, keep_blank_values=True))
        self._give(self.server.fake.take(Call(name, address.path, body, query, dict(self.headers))))

    def _give(self, answer: Answer) -> None:
        match answer:
            case Say():
                self._say(answer)
            case Hang():
                self.server.fake.released.wait()
                self.close_connection = True
            case Reset():
                # SO_LINGER with no time to linger: close() sends RST instead of FIN.
                linger = struct.pack("ii", 1, 0)
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                self.connection.close()
                self.close_connection = True
            case Raw(content):
                self.wfile.write(content)
                self.close_connection = True
            case Trickle(pause_s):
                self._promise()
                while not self.server.fake.released.wait(pause_s):
                    self.wfile.write(b" ")
            case Endless():
                self._promise()
                while not self.server.fake.released.is_set():
                    self.wfile.write(b" " * 1_000_000)

    def _say(self, answer: Say) -> None:
        content = answer.content()
        self.send_response(answer.status)
        for key, value in answer.headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _promise(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(10**12))
        self.end_headers()
        self.close_connection = True

"""An enrolled node's folder, made without a server, and an Env that a test can turn."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from edge.identity import Identity, NodeKey, load_or_make_key, save_identity
from edge.journal import Unit, append
from edge.replica import Replica, create_journal
from ticketing.ids import OpId
from ticketing.journal import Op, OpKind
from ticketing.keys import public_of

NODE = "00000000000000aa"
VENUE = "house"
EVENT = "faust"
SERVER_KEY = bytes(range(32))


@dataclass
class TurnedEnv:
    """The machine's clocks, plus what a test adds. Waits of a backoff are the shortest allowed."""

    wall_added_ms: int = 0
    monotonic_added_s: float = 0.0
    boot: str = "first-boot"

    def wall_ms(self) -> int:
        return time.time_ns() // 1_000_000 + self.wall_added_ms

    def monotonic_s(self) -> float:
        return time.monotonic() + self.monotonic_added_s

    def boot_id(self) -> str:
        return self.boot

    def maybe_crash(self, point: str) -> None:
        """Nothing: a test that wants a crash has its own."""

    def random_bytes(self, count: int) -> bytes:
        return bytes(count) if count == 2 else os.urandom(count)


def an_identity(role: str = "till", node_id: str = NODE) -> Identity:
    """The enrolment that the folders of tests have."""
    server_key = public_of(SERVER_KEY).hex()
    return Identity(node_id, role, "POS-01", VENUE, "http://boxgate.test", server_key)


def enrolled_folder(folder: Path, role: str = "till", node_id: str = NODE) -> NodeKey:
    """Make everything that enrolling leaves in a folder."""
    key = load_or_make_key(folder, TurnedEnv())
    path = folder / "journal.db"
    create_journal(path, node_id=node_id, venue_id=VENUE, incarnation=1)
    save_identity(folder, an_identity(role, node_id))
    return key


def new_op_id() -> OpId:
    """16 random bytes in hex."""
    return OpId(os.urandom(16).hex())


def write(replica: Replica, stream: str = EVENT, body: str = "{}", count: int = 1) -> list[Op]:
    """Add operations to a journal, each in its own transaction."""

    def work(unit: Unit) -> Op:
        return append(unit, stream, OpKind.PRINT, body, op_id=new_op_id(), wall_ms=1_000)

    return [replica.transact(work) for _ in range(count)]


def wait_until(is_so: Callable[[], object], within_s: float = 60) -> None:
    """Wait for a condition that another thread brings about; fails when it never comes."""
    until_s = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < until_s, "it never came"
        time.sleep(0.005)

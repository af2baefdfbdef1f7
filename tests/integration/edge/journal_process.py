"""A process that works on a node's journal until it is killed: `journal_process.py FOLDER HOW`.

`forever` prints the number of each operation once `transact` has returned. `half` begins a
transaction, says so, and never ends it. `hold` opens the replica and waits. `fill` writes large
operations until the journal cannot grow, and says what it met.
"""

from __future__ import annotations

import os
import resource
import sys
import time
from pathlib import Path

from edge.errors import ReplicaFull
from edge.journal import Unit, append, backlog, set_meta
from edge.replica import Replica
from tests.fakes.edge_node import EVENT, new_op_id, write
from ticketing.journal import OpKind

FILE_BYTES_MAX = 400_000


def forever(replica: Replica) -> None:
    while True:
        print(write(replica)[0].seq, flush=True)  # noqa: T201


def half(replica: Replica) -> None:
    write(replica, count=3)

    def never_ends(unit: Unit) -> None:
        for _ in range(200):  # more than the page cache keeps: some of it reaches the file
            append(unit, EVENT, OpKind.PRINT, "x" * 60_000, op_id=new_op_id(), wall_ms=1)
        set_meta(unit, "half", "1")
        print("inside", flush=True)  # noqa: T201
        time.sleep(60)

    replica.transact(never_ends)


def hold(_replica: Replica) -> None:
    print("open", flush=True)  # noqa: T201
    sys.stdin.read()


def fill(replica: Replica) -> None:
    """The size limit stands for a full disk where no small one can be mounted."""
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_BYTES_MAX, unlimited[1]))
    print(*write_until_full(replica), flush=True)  # noqa: T201
    resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
    print(write(replica)[0].seq, flush=True)  # noqa: T201


def write_until_full(replica: Replica) -> tuple[int, int, int]:
    """How many operations went in, how many are there after two refusals, how many refusals."""
    written, refused = 0, 0
    while refused < 2:
        try:
            write(replica, body="x" * 30_000)
        except ReplicaFull:
            refused += 1
        else:
            written += 1
            assert written < 1_000, "there is no limit here"
    with replica.reading() as connection:
        return written, backlog(connection).count, refused


if __name__ == "__main__":
    how = {"forever": forever, "half": half, "hold": hold, "fill": fill}[sys.argv[2]]
    how(Replica(Path(sys.argv[1])))
    os._exit(0)  # as if killed: nothing is closed, nothing is tidied up

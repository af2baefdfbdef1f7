"""Kills, torn writes and full disks: what was acknowledged is there, what was not is not half."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import IO

import pytest

from edge.errors import ReplicaFull, ReplicaInUse
from edge.journal import get_meta, head_of, unacked
from edge.replica import Replica
from tests.fakes.edge_node import EVENT, NODE, enrolled_folder, write
from tests.integration.edge import journal_process
from ticketing.journal import ROOT_HASH, Op, first_break

ROOT = Path(__file__).parents[3]


@contextmanager
def process(folder: Path, how: str) -> Iterator[tuple[subprocess.Popen[str], IO[str]]]:
    """A process on the folder's journal; killed at the end if it is still there."""
    command = [sys.executable, "-m", journal_process.__name__, str(folder), how]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        try:
            yield child, child.stdout
        finally:
            child.kill()


def sound_journal(folder: Path) -> list[Op]:
    """Everything in the journal; fails unless it is one unbroken chain up to its head."""
    with closing(Replica(folder)) as replica, replica.reading() as connection:
        head = head_of(connection, EVENT)
        prev, ops = unacked(connection, head, ops_max=10**6, bytes_max=10**12)
        assert (prev, len(ops)) == (ROOT_HASH, head.seq)
        assert head.hash == (ops[-1].hash if ops else ROOT_HASH)
        assert first_break(ops, ROOT_HASH, 1, EVENT, NODE, 1) is None
        assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    return ops


def test_what_transact_returned_for_is_there_after_a_kill(folder: Path) -> None:
    enrolled_folder(folder)
    with process(folder, "forever") as (child, said):
        for _ in range(20):
            told = int(said.readline())
        child.kill()
        told = max([told, *map(int, said.read().split("\n")[:-1])])
    assert len(sound_journal(folder)) in (told, told + 1)  # it may be killed before it says so


def test_a_kill_in_the_middle_of_a_transaction_leaves_nothing_of_it(folder: Path) -> None:
    enrolled_folder(folder)
    with process(folder, "half") as (child, said):
        assert said.readline() == "inside\n"
        child.kill()
        child.wait()
    assert len(sound_journal(folder)) == 3
    with closing(Replica(folder)) as replica:
        with replica.reading() as connection:
            assert get_meta(connection, "half") == ""
        assert write(replica)[0].seq == 4


def test_two_processes_never_share_a_folder(folder: Path) -> None:
    enrolled_folder(folder)
    with process(folder, "hold") as (child, said):
        assert said.readline() == "open\n"
        with pytest.raises(ReplicaInUse, match="in use by another process"):
            Replica(folder)
        child.kill()
        child.wait()
    Replica(folder).close()


def test_two_replicas_in_one_process_are_refused_too(folder: Path) -> None:
    enrolled_folder(folder)
    with closing(Replica(folder)), pytest.raises(ReplicaInUse):
        Replica(folder)


# --- torn writes


def crashed_copy(folder: Path, copy: Path) -> None:
    """The folder as a power cut would leave it: files as they are, nothing closed."""
    copy.mkdir()
    for path in folder.iterdir():
        if not path.name.endswith(("-shm", "lock")):
            shutil.copyfile(path, copy / path.name)


@pytest.mark.parametrize("seed", range(12))
def test_a_torn_log_keeps_the_acknowledged_prefix(tmp_path: Path, seed: int) -> None:
    folder, copy = tmp_path / "node", tmp_path / "copy"
    chance = random.Random(seed)
    enrolled_folder(folder)
    with closing(Replica(folder)) as replica:
        acknowledged = write(replica, body="x" * chance.randrange(5_000), count=5)
        log = folder / "journal.db-wal"
        safe_bytes = log.stat().st_size
        write(replica, body="y" * 9_000, count=3)
        crashed_copy(folder, copy)
    torn = copy / "journal.db-wal"
    whole = torn.read_bytes()
    cut = chance.randrange(safe_bytes, len(whole))
    noise = chance.randbytes(chance.choice([0, 0, 1, 24, 4_096, len(whole) - cut]))
    torn.write_bytes(whole[:cut] + noise)
    found = sound_journal(copy)
    assert found[:5] == acknowledged
    assert len(found) <= 8
    with closing(Replica(copy)) as again:
        assert write(again)[0].seq == len(found) + 1


@pytest.mark.parametrize("seed", range(6))
def test_a_byte_turned_after_the_last_acknowledged_frame_costs_only_what_follows(
    tmp_path: Path, seed: int
) -> None:
    folder, copy = tmp_path / "node", tmp_path / "copy"
    chance = random.Random(1_000 + seed)
    enrolled_folder(folder)
    with closing(Replica(folder)) as replica:
        acknowledged = write(replica, count=4)
        safe_bytes = (folder / "journal.db-wal").stat().st_size
        write(replica, body="y" * 9_000)
        crashed_copy(folder, copy)
    torn = copy / "journal.db-wal"
    content = bytearray(torn.read_bytes())
    # Within the frames just written; beyond them lies what an earlier, longer log left behind.
    content[chance.randrange(safe_bytes, len(content))] ^= 0x55
    torn.write_bytes(content)
    assert sound_journal(copy) == acknowledged


# --- full disks


def test_a_journal_that_cannot_grow_records_nothing_and_works_again_with_room(
    folder: Path,
) -> None:
    enrolled_folder(folder)
    with process(folder, "fill") as (_child, said):
        written, found, refused = map(int, said.readline().split())
        assert refused == 2
        assert found == written > 0
        assert int(said.readline()) == written + 1
    assert len(sound_journal(folder)) == written + 1


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one megabyte. Mounting takes rights that a developer rarely has."""
    where = tmp_path / "disk"
    where.mkdir()
    mounted = shutil.which("mount") is not None and os.geteuid() == 0
    if mounted:
        command = ["mount", "-t", "tmpfs", "-o", "size=1m", "boxgate-test", str(where)]
        mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    if not mounted:
        pytest.skip("mounting a small tmpfs takes root and the right to mount")
    try:
        yield where
    finally:
        subprocess.run(["umount", str(where)], check=True)


def test_a_full_disk_records_nothing_and_selling_goes_on_with_room(small_disk: Path) -> None:
    folder = small_disk / "node"
    enrolled_folder(folder)
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(300_000))
    with closing(Replica(folder)) as replica:
        written, found, refused = journal_process.write_until_full(replica)
        assert refused == 2
        assert found == written > 0
        ballast.unlink()
        assert write(replica)[0].seq == written + 1
    assert len(sound_journal(folder)) == written + 1


def test_a_program_started_on_a_full_disk_says_so(small_disk: Path) -> None:
    folder = small_disk / "node"
    enrolled_folder(folder)
    with closing(Replica(folder)) as replica:
        write(replica)
    ballast = small_disk / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(4_096)):
            pass
    with pytest.raises(ReplicaFull, match="free some space"):
        Replica(folder)
    ballast.unlink()
    assert len(sound_journal(folder)) == 1

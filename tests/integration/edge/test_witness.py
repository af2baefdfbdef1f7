"""A folder that was set back, copied or moved adds nothing to its journals."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from edge import witness as witness_module
from edge.allotments import Grant, install
from edge.errors import ReplicaError, ReplicaFull, WitnessUnwritable
from edge.journal import (
    JournalLocked,
    LockReason,
    begin_incarnation,
    head_of,
    lock_reason,
    note_machine,
    set_meta,
)
from edge.recorder import Recorder, Witnessed
from edge.replica import Replica
from edge.witness import WitnessFiles, default_witness_dir
from tests.fakes.edge_node import EVENT, NODE, VENUE, TurnedEnv, enrolled_folder, write
from ticketing.ids import AllotmentId


class Place:
    """A node's folder, its witness, and its program started again and again."""

    def __init__(self, folder: Path, state: Path) -> None:
        self.folder, self.state = folder, state
        self.env = TurnedEnv()

    def open(self) -> Replica:
        witness = WitnessFiles(self.state, NODE, self.folder)
        return Replica(self.folder, self.env, witness)

    def work(self, count: int = 1, stream: str = EVENT) -> None:
        """One run of the program that records something."""
        with closing(self.open()) as replica:
            write(replica, stream, count=count)

    def reason(self) -> LockReason | None:
        """Start the program; why is it locked?"""
        with closing(self.open()) as replica, replica.reading() as connection:
            return lock_reason(connection)

    def seq(self) -> int:
        with closing(Replica(self.folder)) as replica, replica.reading() as connection:
            return head_of(connection, EVENT).seq


@pytest.fixture
def place(tmp_path: Path) -> Place:
    enrolled_folder(tmp_path / "node")
    return Place(tmp_path / "node", tmp_path / "state")


@pytest.fixture
def backup(place: Place, tmp_path: Path) -> Callable[[], None]:
    """Makes a copy of the folder now; what it returns puts it back."""
    place.work(2)
    copy = tmp_path / "backup"
    shutil.copytree(place.folder, copy)

    def restore() -> None:
        shutil.rmtree(place.folder)
        shutil.copytree(copy, place.folder)

    return restore


def test_a_node_that_goes_on_is_not_locked(place: Place) -> None:
    for _ in range(3):
        place.work(2)
        place.work(stream=VENUE)
    assert place.reason() is None
    assert place.seq() == 6


@pytest.mark.expected_errors("journal_locked")
def test_a_folder_set_back_sells_nothing(place: Place, backup: Callable[[], None]) -> None:
    place.work()
    backup()
    assert place.reason() is LockReason.WITNESS_AHEAD
    with pytest.raises(JournalLocked, match=r"set back.*nothing is lost.*enrol this machine again"):
        place.work()
    assert place.seq() == 2


@pytest.mark.expected_errors("journal_locked")
def test_another_history_of_the_same_length_is_found_out(
    place: Place, backup: Callable[[], None]
) -> None:
    place.work()
    backup()
    with closing(Replica(place.folder)) as unwatched:
        write(unwatched, count=2)
    assert place.reason() is LockReason.WITNESS_AHEAD


@pytest.mark.expected_errors("journal_locked")
def test_a_missing_witness_does_not_heal_by_itself(place: Place) -> None:
    place.work()
    kept = place.state.rename(place.state.with_name("elsewhere"))
    assert place.reason() is LockReason.WITNESS_MISSING
    assert not place.state.exists()
    kept.rename(place.state)
    assert place.reason() is LockReason.WITNESS_MISSING
    with pytest.raises(JournalLocked, match="witness"):
        place.work()


@pytest.mark.expected_errors("journal_locked")
def test_units_to_sell_are_as_good_as_operations(place: Place) -> None:
    grant = Grant(AllotmentId("0a1b2c3d", 1), 1, False, "open", ((5, 0),))
    with closing(place.open()) as replica:
        replica.transact(lambda unit: install(unit, EVENT, grant))
    shutil.rmtree(place.state)
    assert place.reason() is LockReason.WITNESS_MISSING


@pytest.mark.expected_errors("journal_locked")
def test_a_folder_with_nothing_in_it_may_not_lose_its_witness_either(place: Place) -> None:
    """It may be a copy: both would be lent the same units by the feed, and sell them."""
    assert place.reason() is None
    shutil.rmtree(place.state)
    assert place.reason() is LockReason.WITNESS_MISSING


@pytest.mark.expected_errors("journal_locked")
def test_another_machine_is_another_machine(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.work()
    monkeypatch.setattr("edge.replica.machine_id", lambda: "another")
    assert place.reason() is LockReason.OTHER_MACHINE


@pytest.mark.expected_errors("journal_locked")
@pytest.mark.parametrize("again", [False, True], ids=["enrolled", "enrolled again"])
def test_a_folder_copied_before_its_first_start_lives_on_its_own_machine_only(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, again: bool
) -> None:
    monkeypatch.setattr("edge.replica.machine_id", lambda: "enrolled here")
    with closing(Replica(place.folder)) as replica:
        replica.transact(
            lambda unit: (
                begin_incarnation(unit, 2, "enrolled here")
                if again
                else note_machine(unit, "enrolled here")
            )
        )
    shutil.copytree(place.folder, tmp_path / "copy")
    assert place.reason() is None
    monkeypatch.setattr("edge.replica.machine_id", lambda: "another")
    assert Place(tmp_path / "copy", tmp_path / "other state").reason() is LockReason.OTHER_MACHINE


def test_a_journal_of_before_there_were_witnesses_gets_one(place: Place) -> None:
    with closing(Replica(place.folder)) as unwatched:
        write(unwatched, count=2)
    place.work()
    assert (place.state / f"{NODE}.0").exists()
    assert place.seq() == 3


@pytest.mark.expected_errors("journal_locked")
def test_an_incarnation_of_its_own_has_a_witness_of_its_own(place: Place) -> None:
    place.work(3)
    shutil.rmtree(place.state)
    assert place.reason() is LockReason.WITNESS_MISSING
    with closing(Replica(place.folder)) as replica:
        replica.transact(lambda unit: begin_incarnation(unit, 2))
    place.work(2)
    assert place.reason() is None
    assert place.seq() == 2
    shutil.rmtree(place.state)
    assert place.reason() is LockReason.WITNESS_MISSING


@pytest.mark.expected_errors("journal_locked")
def test_a_folder_of_an_earlier_incarnation_is_set_back(
    place: Place, backup: Callable[[], None]
) -> None:
    with closing(Replica(place.folder)) as replica:
        replica.transact(lambda unit: begin_incarnation(unit, 2))
    assert place.reason() is None
    backup()
    assert place.reason() is LockReason.WITNESS_AHEAD


class Crash(BaseException):
    """The program ends here."""


class CrashingEnv(TurnedEnv):
    """Ends the program at one point."""

    point = ""

    def maybe_crash(self, point: str) -> None:
        if point == self.point:
            raise Crash


@pytest.mark.parametrize(
    ("point", "seq"),
    [("before_commit", 1), ("after_commit_before_witness", 2), ("after_witness_before_print", 2)],
)
def test_a_crash_at_any_point_leaves_a_till_that_sells(place: Place, point: str, seq: int) -> None:
    place.work()
    place.env = env = CrashingEnv()
    with closing(place.open()) as replica:
        env.point = point
        with pytest.raises(Crash):
            write(replica)
    env.point = ""
    assert place.reason() is None
    assert place.seq() == seq
    place.work()


@pytest.mark.parametrize("slot", [0, 1])
def test_a_slot_that_is_torn_leaves_the_other(place: Place, slot: int) -> None:
    place.work(5)
    path = place.state / f"{NODE}.{slot}"
    path.write_bytes(path.read_bytes()[:40])
    assert place.reason() is None


@pytest.mark.expected_errors("journal_locked")
def test_two_torn_slots_are_no_witness(place: Place) -> None:
    place.work(5)
    for path in place.state.iterdir():
        path.write_bytes(b"")
    assert place.reason() is LockReason.WITNESS_MISSING


def test_a_witness_that_cannot_be_read_is_not_taken_for_a_missing_one(place: Place) -> None:
    place.work()
    before = place.seq()
    slot = next(place.state.glob("*.0"))
    content = slot.read_bytes()
    slot.unlink()
    slot.mkdir()
    with pytest.raises(ReplicaError, match=r"witness .* cannot be read"):
        place.open()
    slot.rmdir()
    slot.write_bytes(content)
    place.work()
    assert place.seq() == before + 1, "nothing was locked meanwhile"


@pytest.mark.expected_errors("witness_not_written")
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS])
def test_without_a_witness_the_sale_stands_and_the_next_is_refused(
    place: Place, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    place.work()
    with closing(place.open()) as replica:

        def fail(*_: object) -> None:
            raise OSError(code, os.strerror(code))

        with monkeypatch.context() as patched:
            patched.setattr(witness_module, "_write", fail)
            write(replica)
            with pytest.raises(WitnessUnwritable, match="cannot be written"):
                write(replica)
            with pytest.raises(ReplicaFull):
                write(replica)
            replica.transact(lambda unit: set_meta(unit, "what is no operation", "is kept"))
            with replica.reading() as connection:
                assert head_of(connection, EVENT).seq == 2
        write(replica)
    assert place.reason() is None
    assert place.seq() == 3


@pytest.mark.expected_errors("witness_not_written")
def test_a_till_that_starts_on_a_full_disk_is_told_so_when_it_sells(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.work()

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(witness_module, "_write", fail)
    with closing(place.open()) as replica, pytest.raises(WitnessUnwritable, match="No space"):
        write(replica)


def test_the_witness_knows_an_operation_before_anybody_is_told(place: Place) -> None:
    """What a caller of `transact` prints next, a set back folder can't have forgotten."""
    with closing(place.open()) as replica:
        for number in range(1, 4):
            op = write(replica)[0]
            told = WitnessFiles(place.state, NODE, place.folder).read()
            assert told is not None
            assert told.heads == {EVENT: (number, op.hash)}


def test_a_witness_inside_the_data_folder_vouches_for_nothing(place: Place) -> None:
    with pytest.raises(ReplicaError, match="inside the data folder"):
        WitnessFiles(place.folder / "witness", NODE, place.folder)


def test_a_witness_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    files = WitnessFiles(tmp_path / "state", NODE, tmp_path / "data")
    assert files.read() is None
    for seq in range(1, 6):
        told = Witnessed(NODE, "machine", "boot", 1, {EVENT: (seq, "ab" * 32)})
        files.write(told)
        assert files.read() == told
        assert WitnessFiles(tmp_path / "state", NODE, tmp_path / "data").read() == told


def test_where_the_witness_is_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert default_witness_dir() == tmp_path / "boxgate/witness"
    monkeypatch.setenv("STATE_DIRECTORY", f"{tmp_path}/service:{tmp_path}/other")
    assert default_witness_dir() == tmp_path / "service/witness"
    monkeypatch.delenv("STATE_DIRECTORY")
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert default_witness_dir() == Path("/var/lib/boxgate/witness")
    monkeypatch.setattr(os, "geteuid", lambda: 1_000)
    monkeypatch.setenv("HOME", str(tmp_path / "li"))
    assert default_witness_dir() == tmp_path / "li/.local/state/boxgate/witness"


def test_a_recorder_works_on_a_database_in_memory(place: Place) -> None:
    """As a simulation runs it: no threads, no files but the witness it brings itself."""
    place.work()
    kept: list[Witnessed] = []

    class Memory:
        def read(self) -> Witnessed | None:
            return kept[-1] if kept else None

        def write(self, testimony: Witnessed) -> None:
            kept.append(testimony)

    with closing(sqlite3.connect(":memory:", isolation_level=None)) as memory:
        with closing(sqlite3.connect(place.folder / "journal.db")) as file:
            file.backup(memory)
        memory.row_factory = sqlite3.Row
        memory.execute("UPDATE meta SET v = '' WHERE k = 'witness'")
        recorder = Recorder(memory, TurnedEnv(), Memory(), "machine")
        assert recorder.open() is None
        recorder.transact(lambda unit: set_meta(unit, "k", "v"))
        assert [told.heads[EVENT][0] for told in kept] == [1]

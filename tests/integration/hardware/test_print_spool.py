"""The spool on a real disk: which job may go where, and what the next life finds."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hardware.escpos.protocol import Fault
from hardware.escpos.spool import (
    Job,
    JobState,
    Settlement,
    Spool,
    SpoolBusy,
    SpoolError,
    SpoolFull,
)

SECRET = b"the code that opens the door" * 1000  # so long that it has pages of its own


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    with Spool(tmp_path / "spool.db") as opened:
        yield opened


def _submit(
    spool: Spool, job_id: str = "1", *, can_confirm: bool = True, mark: str = "aaaa"
) -> Job:
    return spool.submit(
        job_id,
        SECRET,
        printer="till",
        title="Receipt",
        can_confirm=can_confirm,
        process_id=mark,
        now_ms=1000,
    )


def _again(spool: Spool, job_id: str, again_id: str) -> Job | None:
    return spool.print_again(
        job_id, again_id, b"copy", title="Copy", process_id="bbbb", by="Wang", now_ms=2000
    )


def _state(spool: Spool, job_id: str = "1") -> JobState:
    job = spool.job(job_id)
    assert job is not None
    return job.state


def _doubted(spool: Spool, job_id: str = "1") -> Job:
    job = _submit(spool, job_id)
    spool.begin(job.seq, now_ms=1)
    spool.note_doubt(job.seq, "the line broke", now_ms=1)
    return job


def test_the_same_job_handed_in_again_is_the_same_job(spool: Spool) -> None:
    first = _submit(spool)
    assert _submit(spool, mark="zzzz") == first
    assert len(spool.open_jobs()) == 1


def test_a_job_that_was_printed_is_known_for_ever(tmp_path: Path) -> None:
    with Spool(tmp_path / "spool.db") as spool:
        job = _submit(spool)
        assert spool.begin(job.seq, now_ms=1)
        assert spool.note_sent(job.seq, now_ms=2)
        assert spool.note_confirmed(job.seq, now_ms=3)
    with Spool(tmp_path / "spool.db") as spool:
        assert _submit(spool).state is JobState.CONFIRMED
        assert spool.next_queued("till") is None


@pytest.mark.parametrize(
    ("steps", "can_confirm", "found"),
    [
        pytest.param([], True, JobState.QUEUED, id="not begun"),
        pytest.param(["begin"], True, JobState.IN_DOUBT, id="begun"),
        pytest.param(["begin"], False, JobState.IN_DOUBT, id="begun, mute printer"),
        pytest.param(["begin", "note_sent"], True, JobState.IN_DOUBT, id="sent"),
        pytest.param(["begin", "note_sent"], False, JobState.SENT, id="sent, mute printer"),
        pytest.param(
            ["begin", "note_sent", "note_confirmed"], True, JobState.CONFIRMED, id="confirmed"
        ),
    ],
)
def test_what_was_under_way_is_in_doubt_in_the_next_life(
    tmp_path: Path, steps: list[str], can_confirm: bool, found: JobState
) -> None:
    with Spool(tmp_path / "spool.db") as spool:
        job = _submit(spool, can_confirm=can_confirm)
        for step in steps:
            assert getattr(spool, step)(job.seq, now_ms=1)
    with Spool(tmp_path / "spool.db") as spool:
        assert _state(spool) is found
        assert [each.id for each in spool.in_doubt()] == (
            ["1"] if found is JobState.IN_DOUBT else []
        )


def test_jobs_are_printed_in_the_order_they_came(spool: Spool) -> None:
    for job_id in ("b", "a", "c"):
        _submit(spool, job_id)
    first = spool.next_queued("till")
    assert first is not None
    assert first.id == "b"
    assert spool.next_queued("another printer") is None
    assert [job.id for job in spool.open_jobs("till")] == ["b", "a", "c"]


def test_a_job_not_begun_can_be_withdrawn_and_one_begun_cannot(spool: Spool) -> None:
    job = _submit(spool)
    assert spool.cancel("1", now_ms=2)
    assert not spool.begin(job.seq, now_ms=3), "a withdrawn job is never sent"
    assert _state(spool) is JobState.FAILED
    other = _submit(spool, "2")
    assert spool.begin(other.seq, now_ms=3)
    assert not spool.cancel("2", now_ms=4)


def test_a_doubt_is_ended_once(spool: Spool) -> None:
    _doubted(spool)
    assert spool.settle("1", Settlement.PRINTED, by="Wang", now_ms=2)
    assert not spool.settle("1", Settlement.NOT_NEEDED, by="Li", now_ms=3)
    job = spool.job("1")
    assert job is not None
    assert (job.state, job.settlement, job.settled_by) == (
        JobState.SETTLED,
        Settlement.PRINTED,
        "Wang",
    )
    with pytest.raises(ValueError, match="print_again"):
        spool.settle("1", Settlement.AGAIN, by="Wang", now_ms=2)


def test_printing_again_twice_prints_again_once(spool: Spool) -> None:
    _doubted(spool)
    first = _again(spool, "1", "1-copy")
    assert first is not None
    assert first.again_of == "1"
    assert _again(spool, "1", "1-copy") == first
    assert _again(spool, "1", "1-other-copy") is None
    assert [job.id for job in spool.open_jobs()] == ["1-copy"]


def test_a_doubt_that_ended_by_itself_is_not_printed_again(spool: Spool) -> None:
    _doubted(spool)
    assert spool.note_heard("aaaa", now_ms=2)
    assert _state(spool) is JobState.CONFIRMED
    assert _again(spool, "1", "1-copy") is None
    assert spool.open_jobs() == ()


def test_a_mark_confirms_only_what_was_begun(spool: Spool) -> None:
    _submit(spool)
    assert not spool.note_heard("aaaa", now_ms=2)
    assert not spool.note_heard("cccc", now_ms=2)
    assert _state(spool) is JobState.QUEUED


@pytest.mark.parametrize(
    "end",
    [
        pytest.param(lambda spool, _seq: spool.settle("1", Settlement.PRINTED, by="W", now_ms=1)),
        pytest.param(lambda spool, _seq: spool.note_heard("aaaa", now_ms=1)),
        pytest.param(lambda spool, _seq: _again(spool, "1", "2")),
    ],
    ids=["settled", "confirmed late", "printed again"],
)
def test_the_bytes_of_a_job_that_ended_are_on_the_disk_no_more(
    tmp_path: Path, end: Callable[[Spool, int], object]
) -> None:
    with Spool(tmp_path / "spool.db") as spool:
        job = _doubted(spool)
        assert job.payload == SECRET
        assert SECRET[:50] in (tmp_path / "spool.db").read_bytes()
        assert end(spool, job.seq)
    for file in tmp_path.iterdir():
        assert SECRET[:50] not in file.read_bytes()
        assert file.stat().st_mode & 0o077 == 0


def test_why_a_job_waits_is_noted(spool: Spool) -> None:
    job = _submit(spool)
    spool.note_faults(job.seq, frozenset({Fault.COVER_OPEN, Fault.PAPER_OUT}), now_ms=2)
    found = spool.job("1")
    assert found is not None
    assert found.faults == {Fault.COVER_OPEN, Fault.PAPER_OUT}


def test_a_spool_nobody_looks_after_takes_no_more(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hardware.escpos.spool.OPEN_JOBS_MAX", 5)
    for number in range(5):
        _submit(spool, str(number))
    with pytest.raises(SpoolFull):
        _submit(spool, "one more")
    assert _submit(spool, "0").id == "0", "what is in it is still known"
    spool.cancel("0", now_ms=2)
    _submit(spool, "one more")


def test_two_programs_cannot_print_the_same_spool(tmp_path: Path) -> None:
    with Spool(tmp_path / "spool.db"), pytest.raises(SpoolBusy):
        Spool(tmp_path / "spool.db")
    Spool(tmp_path / "spool.db").close()


def test_a_spool_of_a_newer_program_is_left_alone(tmp_path: Path) -> None:
    with Spool(tmp_path / "spool.db"):
        pass
    database = sqlite3.connect(tmp_path / "spool.db")
    database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(SpoolError, match="newer"):
        Spool(tmp_path / "spool.db")


def test_a_damaged_spool_is_told(tmp_path: Path) -> None:
    (tmp_path / "spool.db").write_bytes(b"no database at all, but long enough to be one" * 50)
    with pytest.raises(SpoolError, match="failed"):
        Spool(tmp_path / "spool.db")
    (tmp_path / "file").write_text("")
    with pytest.raises(SpoolError, match="cannot be used"):
        Spool(tmp_path / "file" / "spool.db")


@pytest.mark.parametrize(
    "changes",
    [{"job_id": ""}, {"job_id": "x" * 201}, {"title": "x" * 201}, {"payload": b""}, {"mark": "a"}],
)
def test_a_job_that_is_none_is_a_mistake_of_the_caller(
    spool: Spool, changes: dict[str, str | bytes]
) -> None:
    words: dict[str, str | bytes] = {
        "job_id": "1",
        "title": "t",
        "payload": b"x",
        "mark": "aaaa",
        **changes,
    }
    with pytest.raises(ValueError, match=r"job|process id"):
        spool.submit(
            str(words["job_id"]),
            bytes(words["payload"]) if isinstance(words["payload"], bytes) else b"",
            printer="till",
            title=str(words["title"]),
            can_confirm=True,
            process_id=str(words["mark"]),
            now_ms=1,
        )

"""Jobs on their way to a simulated printer that has every fault a printer can have."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from hardware.escpos import (
    Fault,
    Job,
    JobState,
    Settlement,
    Spool,
    Spooler,
    SpoolError,
    Timings,
    make_printer,
)
from hardware.escpos.interpreter import Kick, PrinterModel
from hardware.escpos.simulator import PrinterSimulator
from tests.integration.hardware.jobs import QUICK, begun_count, payload, whole_count

WAIT_S = 20.0


class Till:
    """A spool, its thread and a printer."""

    def __init__(
        self,
        folder: Path,
        *,
        profile: str = "epson-80-chinese",
        timings: Timings = QUICK,
        model: PrinterModel | None = None,
    ) -> None:
        self._stack = ExitStack()
        self.printer = self._stack.enter_context(PrinterSimulator(model or PrinterModel()))
        self.path = folder / "spool.db"
        self._profile = profile
        self._timings = timings
        self._life = ExitStack()
        self.changes = threading.Semaphore(0)

    def live(self) -> None:
        """Begin a life of the program."""
        self._life = ExitStack()
        self.spool = self._life.enter_context(Spool(self.path))
        address = f"{self.printer.address}?profile={self._profile}"
        printer = make_printer(address, timings=self._timings)
        self.spooler = self._life.enter_context(
            Spooler(self.spool, "till", printer, on_change=self.changes.release)
        )

    def end(self) -> None:
        self._life.close()

    def close(self) -> None:
        self.end()
        self._stack.close()

    def submit(self, job_id: str) -> None:
        self.spooler.submit(job_id, payload(job_id), title=f"Receipt {job_id}")

    def outcome(self, job_id: str) -> Job:
        job = self.spooler.wait(job_id, WAIT_S)
        assert job is not None
        return job

    def until(self, condition: Callable[[], bool]) -> None:
        for _ in range(400):
            if condition():
                return
            self.changes.acquire(timeout=0.05)
        pytest.fail("this never came true")

    def job(self, job_id: str) -> Job:
        job = self.spool.job(job_id)
        assert job is not None
        return job


@pytest.fixture
def till(tmp_path: Path) -> Iterator[Till]:
    made = Till(tmp_path)
    made.live()
    yield made
    made.close()


def test_jobs_are_printed_once_each_in_order(till: Till) -> None:
    for job_id in ("1", "2", "3"):
        till.submit(job_id)
    for job_id in ("1", "2", "3"):
        assert till.outcome(job_id).state is JobState.CONFIRMED
        assert whole_count(till.printer.paper, job_id) == 1
    heads = [sheet.texts[0] for sheet in till.printer.paper if sheet.texts]
    assert heads == ["begin 1", "begin 2", "begin 3"]


def test_a_job_waits_for_paper_and_says_so(till: Till) -> None:
    till.printer.change(lambda model: model.load_paper(0))
    till.submit("1")
    till.until(lambda: till.job("1").faults == {Fault.PAPER_OUT})
    assert till.job("1").state is JobState.QUEUED
    till.printer.change(lambda model: model.load_paper())
    assert till.outcome("1").state is JobState.CONFIRMED
    assert whole_count(till.printer.paper, "1") == 1


def test_paper_that_ends_in_a_job_is_told_and_the_rest_comes_with_the_new_roll(
    till: Till,
) -> None:
    till.printer.change(lambda model: model.load_paper(600))
    till.submit("1")
    till.until(lambda: till.job("1").faults == {Fault.PAPER_OUT})
    assert till.job("1").state is JobState.SENT
    till.printer.change(lambda model: model.load_paper())
    assert till.outcome("1").state is JobState.CONFIRMED
    assert whole_count(till.printer.paper, "1") == 1


@pytest.mark.parametrize(
    "break_it",
    [
        pytest.param(lambda printer: setattr(printer, "dies_after_bytes", 1500), id="power"),
        pytest.param(lambda printer: setattr(printer, "hangs_up_after_bytes", 1500), id="line"),
    ],
)
def test_a_job_broken_off_is_in_doubt_and_not_repeated(
    till: Till, break_it: Callable[[PrinterSimulator], None]
) -> None:
    break_it(till.printer)
    till.submit("1")
    assert till.outcome("1").state is JobState.IN_DOUBT
    till.printer.switch_on()
    till.submit("2")
    assert till.outcome("2").state is JobState.CONFIRMED
    assert begun_count(till.printer.paper, "1") <= 1
    assert whole_count(till.printer.paper, "2") == 1
    assert till.job("1").state is JobState.IN_DOUBT


def test_a_person_says_that_it_is_there(till: Till) -> None:
    till.printer.dies_after_bytes = 1500
    till.submit("1")
    assert till.outcome("1").state is JobState.IN_DOUBT
    assert till.spooler.settle("1", Settlement.PRINTED, by="Wang")
    assert till.job("1").has_ended
    assert till.spool.in_doubt() == ()


def test_a_copy_asked_for_is_printed_once(till: Till) -> None:
    till.printer.hangs_up_after_bytes = 1500
    till.submit("1")
    assert till.outcome("1").state is JobState.IN_DOUBT
    for _ in range(2):
        till.spooler.print_again("1", "1-copy", payload("1-copy"), title="Copy", by="Wang")
    assert till.outcome("1-copy").state is JobState.CONFIRMED
    assert whole_count(till.printer.paper, "1-copy") == 1
    assert begun_count(till.printer.paper, "1") <= 1


def test_a_printer_that_finishes_after_a_restart_ends_the_doubt_by_itself(
    tmp_path: Path,
) -> None:
    """Paper out, the program ends, somebody puts in paper: the mark comes in the next life."""
    till = Till(tmp_path)
    till.live()
    till.printer.change(lambda model: model.load_paper(600))
    till.submit("1")
    till.until(lambda: till.job("1").faults == {Fault.PAPER_OUT})
    till.end()

    till.live()
    assert till.job("1").state is JobState.IN_DOUBT
    till.until(lambda: till.spooler.state is not None)
    till.printer.change(lambda model: model.load_paper())
    till.until(lambda: till.job("1").state is JobState.CONFIRMED)
    assert whole_count(till.printer.paper, "1") == 1
    till.close()


def test_a_printer_that_never_confirms_leaves_a_doubt_and_no_second_slip(tmp_path: Path) -> None:
    timings = Timings(answer_s=0.2, poll_s=0.02, confirm_s=0.2)
    till = Till(tmp_path, timings=timings, model=PrinterModel(knows_process_id=False))
    till.live()
    till.submit("1")
    assert till.outcome("1").state is JobState.IN_DOUBT
    assert whole_count(till.printer.paper, "1") == 1
    till.close()


def test_a_late_answer_does_not_confirm_the_next_job(tmp_path: Path) -> None:
    """GS r names no job: an answer that comes after its job was given up is waited out."""
    timings = Timings(answer_s=0.1, poll_s=0.02, confirm_s=10.0, patience_s=0.3)
    till = Till(tmp_path, profile="chinese-80", timings=timings)
    till.live()
    till.printer.change(lambda model: model.load_paper(600))
    till.submit("1")
    assert till.outcome("1").state is JobState.IN_DOUBT
    till.submit("2")
    # So slow that the answer for the first job, the end of its remains and the second job come far
    # apart from each other.
    till.printer.bytes_per_tick = 100
    till.printer.change(lambda model: model.load_paper())
    assert till.outcome("2").state is JobState.CONFIRMED
    assert whole_count(till.printer.paper, "2") == 1
    assert till.job("1").state is JobState.IN_DOUBT, "GS r cannot say which job it means"
    till.close()


def test_a_mute_printer_ends_a_job_with_the_last_byte(tmp_path: Path) -> None:
    with Spool(tmp_path / "spool.db") as spool:
        printer = make_printer(f"file:{tmp_path / 'out.bin'}", timings=QUICK)
        with Spooler(spool, "file", printer) as spooler:
            spooler.submit("1", b"bytes", title="Receipt")
            job = spooler.wait("1", WAIT_S)
    assert job is not None
    assert job.state is JobState.SENT
    assert job.has_ended
    assert job.payload == b""
    assert (tmp_path / "out.bin").read_bytes() == b"bytes"


def test_a_printer_that_tells_only_its_status_must_be_well_after_the_job(tmp_path: Path) -> None:
    till = Till(tmp_path, profile="chinese-80&answers=status")
    till.live()
    till.printer.change(lambda model: model.load_paper(600))
    till.submit("1")
    till.until(lambda: till.job("1").faults == {Fault.PAPER_OUT})
    assert till.job("1").state is JobState.SENDING
    till.printer.change(lambda model: model.load_paper())
    assert till.outcome("1").state is JobState.SENT
    till.until(lambda: whole_count(till.printer.paper, "1") == 1)
    till.close()


def test_the_drawer_opens_beside_the_jobs_and_while_a_job_waits_for_paper(till: Till) -> None:
    assert till.spooler.kick_drawer().can_print
    till.printer.change(lambda model: model.load_paper(600))
    till.submit("1")
    till.until(lambda: till.job("1").faults == {Fault.PAPER_OUT})
    assert till.spooler.kick_drawer().can_print
    assert till.printer.model.kicks == [Kick(2, 100), Kick(2, 100)]
    till.printer.change(lambda model: model.load_paper())
    assert till.outcome("1").state is JobState.CONFIRMED


def test_a_drawer_that_cannot_be_opened_is_not_opened_later(till: Till) -> None:
    till.printer.switch_off()
    assert not till.spooler.kick_drawer().can_print
    till.printer.switch_on()
    till.submit("1")
    assert till.outcome("1").state is JobState.CONFIRMED
    assert till.printer.model.kicks == []


def test_a_drawer_is_not_opened_later_by_a_printer_that_takes_a_job_slowly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hardware.escpos.spooler.KICK_WITHIN_S", 0.1)
    till = Till(tmp_path, model=PrinterModel(buffer_bytes=512))
    till.live()
    till.printer.bytes_per_tick = 1
    till.spooler.submit("1", payload("1", 1500), title="Receipt")
    till.until(lambda: till.job("1").state is JobState.SENDING)
    assert till.spooler.kick_drawer().faults == {Fault.STALLED}
    till.printer.bytes_per_tick = None
    till.printer.wake()
    assert till.outcome("1").state is JobState.CONFIRMED
    assert till.printer.model.kicks == []
    till.close()


def test_a_till_without_a_drawer_hears_so_and_goes_on(tmp_path: Path) -> None:
    till = Till(tmp_path, profile="chinese-80&drawer=0")
    till.live()
    with pytest.raises(ValueError, match="no drawer"):
        till.spooler.kick_drawer()
    till.submit("1")
    assert till.outcome("1").state is JobState.CONFIRMED
    till.close()


def test_a_job_withdrawn_while_the_printer_is_away_is_never_printed(till: Till) -> None:
    till.printer.switch_off()
    till.submit("1")
    till.until(lambda: till.job("1").faults == {Fault.UNREACHABLE})
    assert till.spooler.cancel("1")
    till.printer.switch_on()
    till.submit("2")
    assert till.outcome("2").state is JobState.CONFIRMED
    assert begun_count(till.printer.paper, "1") == 0
    assert not till.spooler.cancel("2")


def test_an_idle_printer_in_the_network_is_left_to_others(till: Till) -> None:
    till.submit("1")
    assert till.outcome("1").state is JobState.CONFIRMED
    other = make_printer(f"{till.printer.address}?profile=epson-80-chinese", timings=QUICK)
    assert other.status().can_print
    other.close()


def test_slow_and_garbled_printers_print_once(till: Till) -> None:
    till.printer.bytes_per_tick = 400
    till.submit("1")
    assert till.outcome("1").state is JobState.CONFIRMED
    till.printer.bytes_per_tick = None
    till.printer.garbage = b"\xff\xfe"
    till.submit("2")
    till.until(lambda: till.job("2").faults == {Fault.UNKNOWN})
    till.printer.garbage = None
    assert till.outcome("2").state is JobState.CONFIRMED
    assert [whole_count(till.printer.paper, job_id) for job_id in "12"] == [1, 1]


@pytest.mark.expected_errors("the spool failed")
def test_a_disk_that_fails_in_a_job_leaves_a_doubt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    till = Till(tmp_path, profile="chinese-80")
    till.live()
    failures = iter([True])

    def fail(seq: int, *, now_ms: int) -> bool:
        if next(failures, False):
            raise SpoolError(f"no room for {seq} at {now_ms}")
        return True

    monkeypatch.setattr(till.spool, "note_sent", fail)
    till.submit("1")
    assert till.outcome("1").state is JobState.IN_DOUBT
    monkeypatch.undo()
    till.submit("2")
    assert till.outcome("2").state is JobState.CONFIRMED
    assert whole_count(till.printer.paper, "1") == 1
    till.close()


def test_a_program_that_stops_while_the_printer_waits_does_not_hang(till: Till) -> None:
    till.printer.change(lambda model: model.load_paper(600))
    till.submit("1")
    till.until(lambda: till.job("1").faults == {Fault.PAPER_OUT})
    till.end()
    with Spool(till.path) as spool:
        (job,) = spool.in_doubt()
        assert job.id == "1"


def test_a_cover_opened_in_a_job_is_told_and_the_job_goes_on(till: Till) -> None:
    till.printer.bytes_per_tick = 100
    till.submit("1")
    till.until(lambda: till.job("1").state is JobState.SENT)
    till.printer.change(lambda model: setattr(model, "is_cover_open", True))
    till.until(lambda: till.job("1").faults == {Fault.COVER_OPEN})
    till.printer.change(lambda model: setattr(model, "is_cover_open", False))
    assert till.outcome("1").state is JobState.CONFIRMED
    assert whole_count(till.printer.paper, "1") == 1


def test_a_knife_that_sticks_is_told_and_the_slip_is_confirmed_when_it_is_free(till: Till) -> None:
    till.printer.change(lambda model: setattr(model, "jams_at_next_cut", True))
    till.submit("1")
    till.until(lambda: till.job("1").faults == {Fault.CUTTER})
    till.printer.change(lambda model: setattr(model, "is_cutter_jammed", False))
    assert till.outcome("1").state is JobState.CONFIRMED
    assert begun_count(till.printer.paper, "1") == 1


@pytest.mark.parametrize("seed", range(4))
def test_whatever_breaks_no_slip_is_printed_twice_or_lost_in_silence(
    tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    timings = Timings(answer_s=0.3, stall_s=0.1, give_up_s=1.0, poll_s=0.02, confirm_s=0.6)
    till = Till(
        tmp_path, profile=chance.choice(["epson-80-chinese", "chinese-80"]), timings=timings
    )
    till.printer.forgets_half_commands = chance.random() < 0.5
    till.live()
    job_ids = [f"{seed}-{number}" for number in range(8)]
    for job_id in job_ids:
        _break_something(till, chance)
        till.submit(job_id)
        if chance.random() < 0.4:
            till.end()
            till.live()
            till.submit(job_id)  # as a till does that finds an order unprinted
        till.until(partial(_is_settled, till, job_id))
    paper = till.printer.paper
    for job_id in job_ids:
        job = till.job(job_id)
        assert begun_count(paper, job_id) <= 1
        if job.state is JobState.CONFIRMED:
            assert whole_count(paper, job_id) == 1
        else:
            assert job in till.spool.in_doubt()
    assert {till.job(job_id).state for job_id in job_ids} >= {JobState.CONFIRMED}
    till.close()


def _break_something(till: Till, chance: random.Random) -> None:
    match chance.choice(["nothing", "line", "power", "paper"]):
        case "line":
            till.printer.hangs_up_after_bytes = chance.randint(1, 9000)
        case "power":
            till.printer.dies_after_bytes = chance.randint(1, 9000)
        case "paper":
            rows = chance.randint(1, 2500)
            till.printer.change(lambda model: model.load_paper(rows))
        case _:
            pass


def _is_settled(till: Till, job_id: str) -> bool:
    """Mend what is broken, as a cashier does, until the job has ended or is in doubt."""
    till.printer.switch_on()
    if till.printer.model.is_out_of_paper:
        till.printer.change(lambda model: model.load_paper())
    job = till.job(job_id)
    return job.has_ended or job.state is JobState.IN_DOUBT

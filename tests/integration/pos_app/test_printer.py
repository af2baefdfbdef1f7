from __future__ import annotations

import os
import resource
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pos_app.services.printer import (
    CommandPrinter,
    FolderPrinter,
    Printer,
    PrinterError,
    PrinterFault,
    make_printer,
)

PDF = b"%PDF-1.4 " + bytes(range(256)) * 40
NOBODY = 65534
HUNG_FOR_S = 600  # longer than any test may take


@contextmanager
def file_size_limit(size_bytes: int) -> Iterator[None]:
    """A disk that is full for this process alone: a write beyond the limit fails."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def without_root() -> Iterator[None]:
    """No permission check stops root, so the test lays it down for a while."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def python(program: str) -> tuple[str, ...]:
    """A print command made of a few lines of Python; sys.argv[1] is the file."""
    return (sys.executable, "-S", "-c", f"import os, sys, time\n{program}")


def test_a_folder_gets_the_whole_document(tmp_path: Path) -> None:
    file = FolderPrinter(tmp_path / "made" / "on demand").print_pdf(PDF, job="till-1.000042")
    assert file == tmp_path / "made" / "on demand" / "till-1.000042.pdf"
    assert file.read_bytes() == PDF
    assert names(file.parent) == [file.name]


def test_only_the_owner_may_read_what_is_on_a_ticket(tmp_path: Path) -> None:
    file = FolderPrinter(tmp_path).print_pdf(PDF, job="a")
    assert file.stat().st_mode & 0o777 == 0o600


def test_printing_a_job_again_replaces_it(tmp_path: Path) -> None:
    printer = FolderPrinter(tmp_path)
    printer.print_pdf(PDF * 2, job="a")
    printer.print_pdf(PDF, job="a")
    assert names(tmp_path) == ["a.pdf"]
    assert (tmp_path / "a.pdf").read_bytes() == PDF


def test_what_a_killed_program_left_of_a_job_goes_when_it_is_printed_again(tmp_path: Path) -> None:
    (tmp_path / ".a.pdf.part").write_bytes(PDF * 2)
    FolderPrinter(tmp_path).print_pdf(PDF, job="a")
    assert names(tmp_path) == ["a.pdf"]
    assert (tmp_path / "a.pdf").read_bytes() == PDF


def test_a_link_put_in_the_way_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"someone's")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / ".a.pdf.part").symlink_to(tmp_path / "other")
    with pytest.raises(PrinterError, match="cannot be used"):
        FolderPrinter(tmp_path / "folder").print_pdf(PDF, job="a")
    assert (tmp_path / "other").read_bytes() == b"someone's"


@pytest.mark.parametrize(
    "job",
    ["", ".", "..", "../a", "a/b", "/etc/a", ".hidden", "-o", "a\n", "a\0", "票", "a b", "a" * 101],
)
def test_a_job_name_cannot_leave_the_folder(tmp_path: Path, job: str) -> None:
    folder = tmp_path / "folder"
    for printer in (FolderPrinter(folder), CommandPrinter(("true",), folder)):
        with pytest.raises(ValueError, match="cannot name a print job"):
            printer.print_pdf(PDF, job=job)
    assert not folder.exists()


def test_a_full_disk_leaves_the_last_print_whole_and_no_rest(tmp_path: Path) -> None:
    printer = FolderPrinter(tmp_path)
    printer.print_pdf(b"%PDF first", job="a")
    with file_size_limit(1000), pytest.raises(PrinterError, match="The disk is full") as caught:
        printer.print_pdf(PDF, job="a")
    assert caught.value.fault is PrinterFault.DISK_FULL
    assert names(tmp_path) == ["a.pdf"]
    assert (tmp_path / "a.pdf").read_bytes() == b"%PDF first"
    assert printer.print_pdf(PDF, job="a").read_bytes() == PDF


def test_a_read_only_folder_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o555)
    with without_root(), pytest.raises(PrinterError, match="locked is not allowed") as caught:
        FolderPrinter(folder).print_pdf(PDF, job="a")
    assert caught.value.fault is PrinterFault.FOLDER_FORBIDDEN


def test_a_file_where_the_folder_should_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for folder in (tmp_path / "file", tmp_path / "file" / "deeper"):
        with pytest.raises(PrinterError, match="cannot be used") as caught:
            FolderPrinter(folder).print_pdf(PDF, job="a")
        assert caught.value.fault is PrinterFault.FOLDER_UNUSABLE


def test_a_folder_where_the_file_should_be_is_told_and_leaves_no_rest(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").mkdir()
    with pytest.raises(PrinterError, match="cannot be used"):
        FolderPrinter(tmp_path).print_pdf(PDF, job="a")
    assert names(tmp_path) == ["a.pdf"]


def test_a_command_gets_the_file_as_its_last_word_and_the_spool_is_empty_after(
    tmp_path: Path,
) -> None:
    out = tmp_path / "paper"
    argv = python(f"open({str(out)!r}, 'wb').write(open(sys.argv[-1], 'rb').read())")
    spool = tmp_path / "spool"
    CommandPrinter(argv, spool).print_pdf(PDF, job="a")
    assert out.read_bytes() == PDF
    assert names(spool) == []


def test_a_command_says_where_it_wants_the_file(tmp_path: Path) -> None:
    out = tmp_path / "words"
    argv = (*python(f"open({str(out)!r}, 'w').write(repr(sys.argv[1:]))"), "--in={file}", "-q")
    CommandPrinter(argv, tmp_path / "spool").print_pdf(PDF, job="a")
    assert out.read_text() == repr([f"--in={tmp_path}/spool/a.pdf", "-q"])


def test_no_shell_reads_the_words(tmp_path: Path) -> None:
    out = tmp_path / "words"
    argv = (*python(f"open({str(out)!r}, 'w').write(sys.argv[1])"), "$(id); echo > x")
    CommandPrinter(argv, tmp_path / "spool").print_pdf(PDF, job="a")
    assert out.read_text() == "$(id); echo > x"


def test_a_missing_program_is_told_by_name(tmp_path: Path) -> None:
    with pytest.raises(
        PrinterError, match=r"no-such-lp cannot be started: No such file or directory\.$"
    ) as caught:
        CommandPrinter(("no-such-lp", "-d", "tickets"), tmp_path).print_pdf(PDF, job="a")
    assert caught.value.fault is PrinterFault.COMMAND_MISSING
    assert names(tmp_path) == []


def test_a_file_that_is_no_program_is_told(tmp_path: Path) -> None:
    program = tmp_path / "lp"
    program.write_bytes(b"")
    with pytest.raises(PrinterError, match="cannot be started: Permission denied"):
        CommandPrinter((str(program),), tmp_path / "spool").print_pdf(PDF, job="a")


def test_a_failing_command_is_quoted_with_its_last_words(tmp_path: Path) -> None:
    argv = python(
        "sys.stderr.write('x' * 9000 + '\\nlp: looking\\nlp: \\x1b[31mout of paper.\\n\\n')\n"
        "sys.exit(3)"
    )
    with pytest.raises(PrinterError) as caught:
        CommandPrinter(argv, tmp_path).print_pdf(PDF, job="a")
    assert caught.value.fault is PrinterFault.COMMAND_FAILED
    assert str(caught.value) == (
        f"The print command {sys.executable} ended with exit code 3: lp: [31mout of paper."
    )
    assert names(tmp_path) == []


def test_a_failing_command_without_words_is_told_by_its_exit_code(tmp_path: Path) -> None:
    with pytest.raises(PrinterError, match=r"^The print command false ended with exit code 1\.$"):
        CommandPrinter(("false",), tmp_path).print_pdf(PDF, job="a")


def test_a_command_that_crashes_is_told_by_its_signal(tmp_path: Path) -> None:
    argv = python("os.kill(os.getpid(), 9)")
    with pytest.raises(PrinterError, match=r"was ended by signal 9\.$"):
        CommandPrinter(argv, tmp_path).print_pdf(PDF, job="a")


def test_a_hung_command_is_killed_with_its_children(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    script = f"sleep {HUNG_FOR_S} & echo $! $$ > {pids}; echo waiting for the printer >&2; wait"
    printer = CommandPrinter(("sh", "-c", script), tmp_path / "spool", timeout_s=2)
    with pytest.raises(
        PrinterError, match=r"within 2 seconds and was stopped: waiting for the printer\.$"
    ) as caught:
        printer.print_pdf(PDF, job="a")
    assert caught.value.fault is PrinterFault.COMMAND_TIMED_OUT
    assert names(tmp_path / "spool") == []
    for pid in map(int, pids.read_text().split()):
        wait_until_gone(pid)


def wait_until_gone(pid: int) -> None:
    """Until the process is dead; one not yet collected by its new parent counts as dead."""
    for _ in range(500):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return
        if state == "Z":
            return
        time.sleep(0.01)
    os.kill(pid, signal.SIGKILL)
    pytest.fail(f"process {pid} outlived its print command")


def test_a_child_left_behind_does_not_hold_up_the_till(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    argv = python(
        f"child = os.fork()\n"
        f"if child:\n"
        f"    open({str(pid)!r}, 'w').write(str(child))\n"
        f"else:\n"
        f"    time.sleep({HUNG_FOR_S})"
    )
    CommandPrinter(argv, tmp_path / "spool", timeout_s=60).print_pdf(PDF, job="a")
    os.kill(int(pid.read_text()), signal.SIGKILL)


def test_a_full_disk_under_the_spool_is_told_before_the_command_runs(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    printer = CommandPrinter(python(f"open({str(ran)!r}, 'w')"), tmp_path / "spool")
    with file_size_limit(1000), pytest.raises(PrinterError, match="The disk is full"):
        printer.print_pdf(PDF, job="a")
    assert not ran.exists()
    assert names(tmp_path / "spool") == []


@pytest.mark.parametrize("argv", [(), ("",)])
def test_a_command_without_a_program_is_refused(tmp_path: Path, argv: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="at least the name of a program"):
        CommandPrinter(argv, tmp_path)


def test_the_settings_name_a_folder_or_a_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    folder: Printer = make_printer("folder:~/tickets", spool=tmp_path / "spool")
    assert folder.print_pdf(PDF, job="a") == tmp_path / "tickets" / "a.pdf"
    command = make_printer(["cat", "{file}"], spool=tmp_path / "spool")
    assert command.print_pdf(PDF, job="a") is None


@pytest.mark.parametrize("target", ["", "lp", "folder", "folder:", "folder: ", "Folder:/tmp"])
def test_settings_that_name_no_printer_are_refused_with_an_example(
    tmp_path: Path, target: str
) -> None:
    with pytest.raises(ValueError, match=r'write "folder:PATH", or a command as a list of words'):
        make_printer(target, spool=tmp_path)

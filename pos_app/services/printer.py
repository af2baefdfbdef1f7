"""Where a finished PDF goes: a folder, or a command such as `lp` that hands it to a printer.

The sale is committed before anything is printed, so a failure here costs paper and nothing else:
it is told with a `PrinterError`, and printing the same job again is safe.
"""

from __future__ import annotations

import errno
import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from threading import Lock
from typing import IO, Final, Protocol

FOLDER_PREFIX: Final = "folder:"
FILE_WORD: Final = "{file}"
TIMEOUT_S: Final = 30.0
JOB_CHARS_MAX: Final = 100

_JOB = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._-]{{0,{JOB_CHARS_MAX - 1}}}")
_KILL_WAIT_S = 5.0  # a killed process ends at once, unless the kernel holds it in a device's call
_WORDS_READ_BYTES = 4096
_WORDS_SHOWN_CHARS = 200
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_FORBIDDEN = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


class PrinterFault(StrEnum):
    """Why nothing was printed; stored and logged, never renamed."""

    DISK_FULL = "disk_full"
    FOLDER_FORBIDDEN = "folder_forbidden"
    FOLDER_UNUSABLE = "folder_unusable"
    COMMAND_MISSING = "command_missing"
    COMMAND_FAILED = "command_failed"
    COMMAND_TIMED_OUT = "command_timed_out"


class PrinterError(Exception):
    """The job did not reach the printer. The message is one plain English sentence."""

    def __init__(self, fault: PrinterFault, sentence: str) -> None:
        super().__init__(sentence)
        self.fault = fault


class Printer(Protocol):
    """Takes a PDF to paper."""

    def print_pdf(self, pdf: bytes, *, job: str) -> Path | None:
        """Hand over a document and wait until it was taken; blocks, for a worker thread.

        `job` names it: a letter or digit, then letters, digits, `.`, `_` and `-`. Answers with the
        file where the document stays, if it stays anywhere. Printing a job again replaces it.
        One job at a time: a second thread waits for the first.
        Raises PrinterError, and ValueError for a job name that could leave the folder.
        """


class FolderPrinter:
    """Leaves `<job>.pdf` in a folder, whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._one_job = Lock()

    def print_pdf(self, pdf: bytes, *, job: str) -> Path:
        """Write the file, to the disk, before this returns; makes the folder when it is missing."""
        name = _file_name(job)
        with self._one_job:
            return _write_into(self._folder, name, pdf)


class CommandPrinter:
    """Runs a command on a file with the document, without a shell.

    `{file}` in the words becomes the file's absolute path; without it the path is the last word.
    The command must have read the file when it ends (`lp` has): the file is removed then, since
    the codes on it open the door to whoever prints it again.
    """

    def __init__(self, argv: tuple[str, ...], spool: Path, timeout_s: float = TIMEOUT_S) -> None:
        if not argv or not argv[0]:
            raise ValueError("a print command needs at least the name of a program")
        self._argv = argv
        self._spool = spool
        self._timeout_s = timeout_s
        self._one_job = Lock()

    def print_pdf(self, pdf: bytes, *, job: str) -> None:
        """Run the command to its end; one that outlives its time is killed with its children."""
        name = _file_name(job)
        with self._one_job:
            file = _write_into(self._spool.absolute(), name, pdf)
            try:
                self._run(_with_file(self._argv, file))
            finally:
                with suppress(OSError):
                    file.unlink()

    def _run(self, argv: Sequence[str]) -> None:
        with self._open_words() as words:
            process = self._start(argv, words)
            try:
                status = process.wait(self._timeout_s)
            except subprocess.TimeoutExpired as error:
                raise PrinterError(
                    PrinterFault.COMMAND_TIMED_OUT,
                    f"The print command {argv[0]} did not end within {self._timeout_s:g} seconds"
                    f" and was stopped{_quoted(_last_line(words))}.",
                ) from error
            finally:
                _kill(process)
            if status:
                raise PrinterError(
                    PrinterFault.COMMAND_FAILED,
                    f"The print command {argv[0]} {_ending(status)}{_quoted(_last_line(words))}.",
                )

    def _open_words(self) -> IO[bytes]:
        """Where the command says what is wrong.

        A file and not a pipe: a child left behind by the command would hold a pipe open.
        """
        try:
            return tempfile.TemporaryFile(dir=self._spool)
        except OSError as error:
            raise _folder_error(self._spool, error) from error

    @staticmethod
    def _start(argv: Sequence[str], words: IO[bytes]) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(  # noqa: S603 - the words are the owner's settings; no shell
                argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=words,
                start_new_session=True,
            )
        except OSError as error:
            raise PrinterError(
                PrinterFault.COMMAND_MISSING,
                f"The print command {argv[0]} cannot be started: {error.strerror}.",
            ) from error


def make_printer(
    target: str | Sequence[str], *, spool: Path, timeout_s: float = TIMEOUT_S
) -> Printer:
    """The printer that the settings name: `"folder:PATH"`, or a command as a list of words.

    `spool` is a private folder for what a command is given. Raises ValueError with a sentence for
    any other text and for an empty command.
    """
    if not isinstance(target, str):
        return CommandPrinter(tuple(target), spool, timeout_s)
    folder = target.removeprefix(FOLDER_PREFIX)
    if folder == target or not folder.strip():
        raise ValueError(
            f'{target!r} is no printer: write "{FOLDER_PREFIX}PATH", or a command as a list of'
            ' words such as ["lp", "-d", "tickets"]'
        )
    return FolderPrinter(Path(folder).expanduser())


def _file_name(job: str) -> str:
    if not _JOB.fullmatch(job):
        raise ValueError(
            f"{job!r} cannot name a print job: 1 to {JOB_CHARS_MAX} letters, digits, '.', '_' and"
            " '-', beginning with a letter or digit"
        )
    return f"{job}.pdf"


def _with_file(argv: Sequence[str], file: Path) -> list[str]:
    if any(FILE_WORD in word for word in argv):
        return [word.replace(FILE_WORD, str(file)) for word in argv]
    return [*argv, str(file)]


def _write_into(folder: Path, name: str, content: bytes) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return _write_whole(folder / name, content)
    except OSError as error:
        raise _folder_error(folder, error) from error


def _write_whole(path: Path, content: bytes) -> Path:
    """Write through a hidden neighbour, so that `path` is never seen half written.

    The neighbour's name is fixed: what a killed program left of a job goes when the job is printed
    again. Readable by the owner only. After this returns, the file is on the disk. Raises OSError
    and then leaves nothing behind.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError:
        with suppress(OSError):
            part.unlink()
        raise
    _sync_folder(path.parent)
    return path


def _sync_folder(folder: Path) -> None:
    """Make a rename durable; a file system that cannot sync a folder is left at that."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _folder_error(folder: Path, error: OSError) -> PrinterError:
    if error.errno in _FULL:
        return PrinterError(
            PrinterFault.DISK_FULL, f"The disk is full: nothing was written to {folder}."
        )
    if error.errno in _FORBIDDEN:
        return PrinterError(
            PrinterFault.FOLDER_FORBIDDEN, f"Writing to {folder} is not allowed: {error.strerror}."
        )
    return PrinterError(
        PrinterFault.FOLDER_UNUSABLE, f"The folder {folder} cannot be used: {error.strerror}."
    )


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End the command and its children; nothing to do for one that has ended by itself."""
    if process.returncode is not None:
        return
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    with suppress(subprocess.TimeoutExpired):
        process.wait(_KILL_WAIT_S)


def _ending(status: int) -> str:
    if status < 0:
        return f"was ended by signal {-status}"
    return f"ended with exit code {status}"


def _last_line(words: IO[bytes]) -> str:
    """The last line with anything in it, short and free of control characters."""
    words.seek(0, os.SEEK_END)
    words.seek(max(0, words.tell() - _WORDS_READ_BYTES))
    text = words.read(_WORDS_READ_BYTES).decode("utf-8", "replace")
    lines = ["".join(char for char in line if char.isprintable()) for line in text.splitlines()]
    spoken = [line.strip() for line in lines if line.strip()]
    return spoken[-1][:_WORDS_SHOWN_CHARS] if spoken else ""


def _quoted(line: str) -> str:
    return f": {line.rstrip('.')}" if line else ""

"""What a program's exit code means: stable, so that scripts and supervisors may rely on it."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """The exit codes of all three programs. Numbers are never reused or changed."""

    OK = 0
    FAILED = 1
    USAGE = 2
    SETTINGS = 3
    STORAGE = 4
    UNREACHABLE = 5
    REFUSED = 6
    ALREADY = 7
    INPUT = 8
    DEVICE = 9
    BUSY = 10
    UNWELL = 11
    INTERRUPTED = 130
    PIPE_CLOSED = 141

    @property
    def meaning(self) -> str:
        """One line for people, in English (exit codes are documented, not translated)."""
        return _MEANINGS[self]


_MEANINGS = {
    ExitCode.OK: "done, or stopped cleanly on SIGTERM",
    ExitCode.FAILED: "a defect in the program; the log has the traceback",
    ExitCode.USAGE: "the command line is wrong",
    ExitCode.SETTINGS: "the settings file is missing or wrong",
    ExitCode.STORAGE: "a database or data folder is damaged, unwritable, full or from a newer version",
    ExitCode.UNREACHABLE: "the server could not be reached, and this command needs it",
    ExitCode.REFUSED: "the server said no, for example to an enrolment code",
    ExitCode.ALREADY: "already done, for example a second init",
    ExitCode.INPUT: "a file given to the command could not be read or breaks a rule",
    ExitCode.DEVICE: "a device that this command needs is missing",
    ExitCode.BUSY: "another process holds the port or the data folder",
    ExitCode.UNWELL: "what runs here is not well, or nothing runs; the output says what",
    ExitCode.INTERRUPTED: "interrupted from the keyboard",
    ExitCode.PIPE_CLOSED: "whoever read the output stopped reading",
}


def explain() -> str:
    """All codes as lines of text, for the end of `--help`."""
    lines = [f"  {code:>3}  {code.meaning}" for code in ExitCode]
    return "\n".join(["exit codes:", *lines])

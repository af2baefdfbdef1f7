"""The outermost layer of a program: its command line, its stop signal, its last words.

A program's `__main__.py` reads

    def main(argv: Sequence[str] | None = None) -> int:
        return main_wrapper(run, argv, program="boxgate-gate")

where `run(argv)` parses with `new_parser`, works, and returns an exit code.
"""

from __future__ import annotations

import _thread
import argparse
import os
import select
import signal
import sys
import threading
import zoneinfo
from collections.abc import Callable, Sequence
from importlib import metadata
from types import FrameType
from typing import TextIO

from program.errors import ProgramError
from program.exit_codes import ExitCode, explain
from program.logs import get_logger, log_thread_crashes

_log = get_logger(__name__)


def main_wrapper(
    run: Callable[[Sequence[str]], int],
    argv: Sequence[str] | None = None,
    *,
    program: str,
) -> int:
    """Run a program and turn whatever ends it into an exit code.

    A ProgramError becomes its sentence on stderr, behind the program's name. Anything else is a
    bug: its traceback goes to the log and one line says so. Ctrl-C gives 130, and a reader of
    our output that went away 141. argparse's own exits (0 and 2) pass.
    """
    log_thread_crashes()
    zoneinfo.reset_tzpath(to=())  # the pinned tzdata's zones, never the machine's
    try:
        return run(sys.argv[1:] if argv is None else argv)
    except ProgramError as error:
        _say(program, str(error))
        return error.exit_code
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except BrokenPipeError as error:
        if _has_reader(sys.stdout):
            return _crashed(program, error)
        return ExitCode.PIPE_CLOSED
    except Exception as error:  # noqa: BLE001 - the last line of defence: nothing is swallowed
        return _crashed(program, error)


def new_parser(program: str, description: str) -> argparse.ArgumentParser:
    """A parser with `--version`, and the exit codes at the end of its `--help`."""
    parser = argparse.ArgumentParser(
        prog=program,
        description=description,
        epilog=explain(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=version_text(program))
    return parser


def version_text(program: str) -> str:
    """For example "boxgate-gate 0.1.0"; says so when Boxgate is run without being installed."""
    try:
        return f"{program} {metadata.version('boxgate')}"
    except metadata.PackageNotFoundError:
        return f"{program} (not installed: the version is unknown)"


def stop_event_on_signals() -> threading.Event:
    """An event that SIGTERM and SIGINT set; call it once, from the main thread.

    A second Ctrl-C interrupts at once, for the case that a clean stop hangs. Python runs signal
    handlers between two byte codes of the main thread: a main thread that sits in foreign code
    (Qt's event loop) must come back to Python now and then, for example by a timer.
    """
    stop = threading.Event()

    def on_signal(number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGINT:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        # Not here: the interrupted main thread may be inside stop.wait() and hold the event's own
        # lock, and then set() would wait for it for ever.
        _thread.start_new_thread(stop.set, ())

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    return stop


def _crashed(program: str, error: BaseException) -> int:
    _log.exception("program_crashed", program=program)
    _say(program, f"stopped by a defect: {type(error).__name__}: {error}")
    return ExitCode.FAILED


def _say(program: str, sentence: str) -> None:
    print(f"{program}: {sentence}", file=sys.stderr)  # noqa: T201 - a program's last words


def _has_reader(output: TextIO) -> bool:
    """Whether somebody still reads our output; if not, it is silenced for the flush at exit."""
    try:
        number = output.fileno()
    except (OSError, ValueError):  # replaced by an object that is no file
        return True
    poll = select.poll()
    poll.register(number, 0)
    if not any(event & select.POLLERR for _, event in poll.poll(0)):
        return True
    # https://docs.python.org/3/library/signal.html#note-on-sigpipe
    os.dup2(os.open(os.devnull, os.O_WRONLY), number)
    return False

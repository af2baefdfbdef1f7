"""`boxgate-pos`: the box office's till."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from edge.commands import add_common_options, add_enrol_command, read_settings, run_enrol
from edge.errors import EdgeError
from edge.node import as_program_error
from pos_app.settings import DEFAULT_FILE, TillSettings
from program.cli import main_wrapper, new_parser, stop_event_on_signals
from program.errors import ProgramError
from program.exit_codes import ExitCode

PROGRAM = "boxgate-pos"
_DESCRIPTION = """\
The till: sells tickets at a window, with the network or without it.

  boxgate-pos enrol CODE       make this machine a till of the house (once)
  boxgate-pos run              open the window
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point."""
    return main_wrapper(_run, argv, program=PROGRAM)


def _run(argv: Sequence[str]) -> int:
    options = _parser().parse_args(argv)
    settings = read_settings(TillSettings, DEFAULT_FILE, TillSettings(), options)
    settings.log.apply()
    if options.command == "enrol":
        return run_enrol(settings.data_dir, settings.server_url, options.code, "till")
    return run_window(settings)


def run_window(settings: TillSettings) -> int:
    """Open the window and sell until it is closed or SIGTERM comes."""
    _require_display()
    from pos_app.opening import open_window  # noqa: PLC0415 - `enrol` and `--help` need no Qt
    from pos_app.ui.app import run_till  # noqa: PLC0415

    stop = stop_event_on_signals()
    screen = settings.screen
    try:
        window = open_window(settings)
        try:
            window.start()
            return run_till(
                window,
                language=screen.language.value,
                theme=screen.theme.value,
                fullscreen=screen.fullscreen,
                window_size=(screen.width, screen.height) if screen.width else None,
                lock_after_s=screen.lock_after_s,
                stop=stop,
            )
        finally:
            window.stop()
    except EdgeError as error:
        raise as_program_error(error) from error


def _require_display() -> None:
    """Qt would abort the process without a word that helps."""
    names = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    if sys.platform == "linux" and not any(os.environ.get(name) for name in names):
        raise ProgramError(
            "there is no screen here: start the till in a desktop session, or set "
            "QT_QPA_PLATFORM=offscreen to try it without one",
            ExitCode.DEVICE,
        )


def _parser() -> argparse.ArgumentParser:
    parser = new_parser(PROGRAM, _DESCRIPTION)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    run = commands.add_parser("run", help="open the window")
    add_common_options(run)
    add_enrol_command(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())

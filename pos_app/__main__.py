"""`boxgate-pos`: the box office's till."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from edge.commands import add_common_options, add_enrol_command, read_settings, run_enrol
from edge.errors import EdgeError
from edge.node import as_program_error
from pos_app.settings import DEFAULT_FILE, TillSettings
from program.cli import main_wrapper, new_parser, stop_event_on_signals

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
                stop=stop,
            )
        finally:
            window.stop()
    except EdgeError as error:
        raise as_program_error(error) from error


def _parser() -> argparse.ArgumentParser:
    parser = new_parser(PROGRAM, _DESCRIPTION)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    run = commands.add_parser("run", help="open the window")
    add_common_options(run)
    add_enrol_command(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())

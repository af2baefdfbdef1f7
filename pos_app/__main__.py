"""`boxgate-pos`: the box office's till."""

from __future__ import annotations

import argparse
import os
import sys
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

from edge.commands import add_common_options, add_enrol_command, read_settings, run_enrol
from edge.errors import EdgeError
from edge.node import as_program_error
from pos_app.presenters.start_words import support_code
from pos_app.settings import DEFAULT_FILE, ScreenSettings, TillSettings
from program.cli import main_wrapper, new_parser, stop_event_on_signals
from program.errors import ProgramError, SettingsError
from program.exit_codes import ExitCode
from program.logs import get_logger

if TYPE_CHECKING:
    from pos_app.services.window import Window

PROGRAM = "boxgate-pos"
_DESCRIPTION = """\
The till: sells tickets at a window, with the network or without it.

  boxgate-pos enrol CODE       make this machine a till of the house (once)
  boxgate-pos run              open the window
"""

_DISPLAYS: Final = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
_UNSEEN: Final = ("offscreen", "minimal")
_log = get_logger(__name__)


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point."""
    return main_wrapper(_run, argv, program=PROGRAM)


def _run(argv: Sequence[str]) -> int:
    options = _parser().parse_args(argv)
    try:
        settings = read_settings(TillSettings, DEFAULT_FILE, TillSettings(), options)
    except SettingsError as error:
        if options.command != "enrol":
            _show_error(error, ScreenSettings())
        raise
    settings.log.apply()
    if options.command == "enrol":
        return run_enrol(settings.data_dir, settings.server_url, options.code, "till")
    return run_window(settings)


def run_window(settings: TillSettings) -> int:
    """Open the window and sell until it is closed or SIGTERM comes.

    What keeps it from opening is shown in a window, and said again on stderr when that is closed.
    """
    _require_display()
    from pos_app.opening import open_window  # noqa: PLC0415 - `enrol` and `--help` need no Qt
    from pos_app.ui.app import run_till  # noqa: PLC0415

    stop = stop_event_on_signals()
    screen = settings.screen
    try:
        window = _opened(partial(open_window, settings), screen, stop)
        try:
            window.start()
            window.inspect()
            return run_till(
                window,
                language=screen.language.value,
                theme=screen.theme.value,
                fullscreen=screen.fullscreen,
                window_size=(screen.width, screen.height) if screen.width else None,
                lock_after_s=screen.lock_after_s,
                has_display=settings.display.customer,
                stop=stop,
            )
        finally:
            window.stop()
    except EdgeError as error:
        raise as_program_error(error) from error


def _opened(
    open_window: Callable[[], Window], screen: ScreenSettings, stop: threading.Event
) -> Window:
    try:
        return open_window()
    except Exception as error:  # whatever it is, a person stands before a screen without a till
        _show_error(error, screen, stop)
        raise


def _show_error(
    error: Exception, screen: ScreenSettings, stop: threading.Event | None = None
) -> None:
    """Say it on the screen, if there is one that somebody sees; returns when it was closed."""
    if not _is_watched():
        return
    from pos_app.ui.start_error import show_start_error  # noqa: PLC0415 - needs Qt

    _log.error("till_not_started", error=str(error), code=support_code(error))
    language, theme = screen.language.value, screen.theme.value
    show_start_error(error, language=language, theme=theme, stop=stop)


def _is_watched() -> bool:
    """Whether a window would be seen: not where Qt draws into memory alone, nor without a display."""
    if os.environ.get("QT_QPA_PLATFORM", "").split(":")[0] in _UNSEEN:
        return False
    return any(os.environ.get(name) for name in _DISPLAYS) or sys.platform != "linux"


def _require_display() -> None:
    """Qt would abort the process without a word that helps."""
    if sys.platform == "linux" and not any(os.environ.get(name) for name in _DISPLAYS):
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

"""`boxgate-pos`: the box office's till."""

from __future__ import annotations

import argparse
import os
import sys
import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from edge.commands import add_common_options, add_enrol_command, read_settings, run_enrol
from edge.errors import EdgeError
from edge.identity import is_enrolled
from edge.node import as_program_error
from pos_app.presenters.start_words import support_code
from pos_app.services.other_program import start_beside
from pos_app.services.training import PIN
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
  boxgate-pos train            practise: nothing is sold, nothing is sent
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
    if options.command == "train":
        return run_training(settings)
    if not is_enrolled(settings.data_dir) and _is_watched():
        file = options.config or DEFAULT_FILE
        if not _first_run(settings, file):
            return ExitCode.REFUSED
        options.server = options.data_dir = None  # the file says it now
        settings = read_settings(TillSettings, file, TillSettings(), options)
    return run_window(settings, _words_for_training(options))


def run_window(settings: TillSettings, training: Sequence[str] = ()) -> int:
    """Open the window and sell until it is closed or SIGTERM comes.

    `training` are the words of the command that opens a training; () offers none. What keeps it from opening is shown in a window, and said again on stderr when that is closed.
    """
    _require_display()
    from pos_app.opening import open_window  # noqa: PLC0415 - `enrol` and `--help` need no Qt

    train = partial(start_beside, training) if training else None
    return _run_open(
        partial(open_window, settings),
        settings.screen,
        train=train,
        has_display=settings.display.customer,
    )


def run_training(settings: TillSettings) -> int:
    """Open a training until it is closed: a till of its own, without a network."""
    _require_display()
    from pos_app.opening import open_training  # noqa: PLC0415 - needs much that `enrol` does not

    return _run_open(partial(open_training, settings), settings.screen, training_pin=PIN)


def _run_open(
    open_it: Callable[[], Window],
    screen: ScreenSettings,
    *,
    training_pin: str = "",
    train: Callable[[], bool] | None = None,
    has_display: bool = False,
) -> int:
    from pos_app.ui.app import run_till  # noqa: PLC0415 - needs Qt
    from pos_app.ui.options import Options  # noqa: PLC0415

    stop = stop_event_on_signals()
    try:
        window = _opened(open_it, screen, stop)
        try:
            window.start()
            window.inspect()
            return run_till(
                window,
                language=screen.language.value,
                theme=screen.theme.value,
                fullscreen=screen.fullscreen,
                window_size=(screen.width, screen.height) if screen.width else None,
                options=Options(
                    screen.lock_after_s, training_pin, train, has_display, screen.text_size
                ),
                stop=stop,
            )
        finally:
            window.stop()
    except EdgeError as error:
        raise as_program_error(error) from error


def _words_for_training(options: argparse.Namespace) -> tuple[str, ...]:
    """The command that opens a training with the settings of this one."""
    words = ["train"]
    if options.config is not None:
        words += ["--config", str(options.config.absolute())]
    if options.data_dir is not None:
        words += ["--data-dir", str(options.data_dir.absolute())]
    return tuple(words)


def _first_run(settings: TillSettings, file: Path) -> bool:
    """Set this machine up in a window; False when that was closed before it was through."""
    _require_display()
    from pos_app.services.first_run import FirstRun, PrinterChoice, PrinterKind  # noqa: PLC0415
    from pos_app.ui.first_run import show_first_run  # noqa: PLC0415 - needs Qt

    printing, screen = settings.printer, settings.screen
    if printing.device:
        choice = PrinterChoice(PrinterKind.DEVICE, printing.device)
    elif printing.command:
        choice = PrinterChoice(PrinterKind.COMMAND, " ".join(printing.command))
    else:
        choice = PrinterChoice(PrinterKind.FOLDER, str(printing.folder))
    return show_first_run(
        FirstRun(settings.data_dir, file, printing.font),
        language=screen.language.value,
        theme=screen.theme.value,
        url=settings.server_url,
        printer=choice,
        stop=stop_event_on_signals(),
    )


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
    train = commands.add_parser("train", help="practise, in a folder of its own")
    add_common_options(train)
    add_enrol_command(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())

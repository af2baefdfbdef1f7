"""`boxgate-gate`: headless lanes that read ticket codes and open barriers."""

from __future__ import annotations

import argparse
import json
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from edge.commands import add_common_options, add_enrol_command, read_settings, run_enrol
from edge.errors import EdgeError
from edge.node import as_program_error
from gate_agent.settings import DEFAULT_FILE, GateSettings
from gate_agent.status import read_status
from gate_agent.unit_file import unit_file
from hardware.errors import BadDeviceAddress
from hardware.qr.picture_paths import picture_paths
from program.cli import main_wrapper, new_parser, stop_event_on_signals
from program.errors import SettingsError
from program.exit_codes import ExitCode
from program.memory import modules_left_alone, use_few_arenas

PROGRAM = "boxgate-gate"
_DESCRIPTION = """\
The gate agent: reads the codes that visitors hold up to a camera, decides by the house's rules,
with the network or without it, and opens the barrier. It prints one JSON line for each decision.

  boxgate-gate enrol CODE      make this machine a gate of the house (once)
  boxgate-gate run             run its lanes until it is stopped (SIGTERM)
  boxgate-gate status          how the gate that runs here is, as JSON
  boxgate-gate unit            print a systemd unit for it
  boxgate-gate decode PATH     try the reader on photos
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point."""
    return main_wrapper(_run, argv, program=PROGRAM)


def _run(argv: Sequence[str]) -> int:
    options = _parser().parse_args(argv)
    if options.command == "decode":
        return _decode(options.images)
    if options.command == "unit":
        return _unit(options.config or DEFAULT_FILE)
    settings = read_settings(GateSettings, DEFAULT_FILE, GateSettings(), options)
    settings.log.apply()
    if options.command == "status":
        return _status(settings.data_dir)
    if options.command == "enrol":
        return run_enrol(settings.data_dir, settings.server_url, options.code, "gate")
    use_few_arenas()
    from gate_agent.agent import run_agent  # noqa: PLC0415 - only `run` needs cameras and lanes

    stop = stop_event_on_signals()
    try:
        with modules_left_alone():
            run_agent(settings, stop, _say)
    except EdgeError as error:
        raise as_program_error(error) from error
    except BadDeviceAddress as error:
        raise SettingsError(str(error)) from error
    return ExitCode.OK


def _parser() -> argparse.ArgumentParser:
    parser = new_parser(PROGRAM, _DESCRIPTION)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    run = commands.add_parser("run", help="run the lanes until the program is stopped")
    add_common_options(run)
    status = commands.add_parser(
        "status",
        help="how the gate that runs here is",
        description="Prints the status as one JSON object. Ends with 0 when all is well, with 11 "
        "when something is wrong or nothing runs here.",
    )
    add_common_options(status)
    add_enrol_command(commands)
    unit = commands.add_parser(
        "unit",
        help="print a systemd unit that runs this gate",
        description="Prints the unit; its first lines say where it goes.",
    )
    unit.add_argument("--config", type=Path, metavar="FILE", help="settings file (TOML)")
    decode = commands.add_parser(
        "decode",
        help="read the QR codes in image files and folders of them",
        description="Prints one JSON line for each image, in order: image, text (null where there "
        "is no code), decoder, milliseconds, codes, error. Of a folder, all images in it and "
        "below are read, by name.",
    )
    decode.add_argument("images", nargs="+", type=Path, metavar="PATH")
    return parser


_printing = threading.Lock()


def _say(line: dict[str, object]) -> None:
    with _printing:
        sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")
        sys.stdout.flush()


def _status(folder: Path) -> int:
    status = read_status(folder)
    sys.stdout.write(json.dumps(status, ensure_ascii=False, indent=2) + "\n")
    return ExitCode.OK if status.get("healthy") else ExitCode.UNWELL


def _unit(config: Path) -> int:
    try:
        text = unit_file(config)
    except ValueError as error:
        raise SettingsError(str(error)) from error
    sys.stdout.write(text)
    return ExitCode.OK


def _decode(images: Sequence[Path]) -> int:
    from hardware.qr.stills import decode_image_file  # noqa: PLC0415 - needs OpenCV

    failed = False
    for image in picture_paths(images):
        result = decode_image_file(image)
        failed = failed or result.error is not None
        _say(result.to_record())
    return ExitCode.INPUT if failed else ExitCode.OK


if __name__ == "__main__":
    sys.exit(main())

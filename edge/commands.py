"""What the command lines of tills and gates have in common: options, settings, enrolment."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TypeVar

from edge.enrolment import enrol
from edge.env import MachineEnv
from edge.errors import EdgeError
from edge.node import as_program_error, program_version
from program.exit_codes import ExitCode
from program.settings import load_settings

T = TypeVar("T")


def add_common_options(parser: argparse.ArgumentParser) -> None:
    """`--config`, `--data-dir` and `--server`, which stand over the settings file."""
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings file (TOML)")
    parser.add_argument(
        "--data-dir", type=Path, metavar="DIR", help="this node's own folder: its key, its journal"
    )
    parser.add_argument("--server", metavar="URL", help="address of the sync server")


def add_enrol_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The `enrol` command."""
    parser = commands.add_parser(
        "enrol",
        help="make this machine a node of the house, once, with a code from the server",
        description="Enrol this machine: makes its own key, shows the server the code that "
        "'boxgate-server enrol-code' printed, and keeps the answer in the data folder.",
    )
    add_common_options(parser)
    parser.add_argument("code", metavar="CODE", help="the enrolment code, with or without dashes")


def read_settings(cls: type[T], default: Path, empty: T, options: argparse.Namespace) -> T:
    """Settings from `--config`, else from the default file if it is there, else the defaults.

    Options go first. Raises SettingsError.
    """
    overrides: list[tuple[str, object]] = []
    if options.data_dir is not None:
        overrides.append(("data_dir", str(options.data_dir.absolute())))
    if options.server is not None:
        overrides.append(("server_url", options.server))
    file: Path | None = options.config
    if file is None and default.is_file():
        file = default
    if file is None:
        return _from_overrides(cls, empty, overrides)
    return load_settings(cls, file, overrides=overrides)


def _from_overrides(cls: type[T], empty: T, overrides: list[tuple[str, object]]) -> T:
    values = {key: Path(str(value)) if key == "data_dir" else value for key, value in overrides}
    defaults = {slot: getattr(empty, slot) for slot in cls.__dataclass_fields__}  # type: ignore[attr-defined]
    return cls(**{**defaults, **values})


def run_enrol(folder: Path, url: str, code: str, role: str) -> int:
    """Enrol and say so on stdout."""
    try:
        identity = enrol(folder, url, code, role, MachineEnv(), version=program_version())
    except EdgeError as error:
        raise as_program_error(error) from error
    print(f"enrolled as {identity.name!r} ({identity.role}) of {identity.venue_id}")  # noqa: T201
    return ExitCode.OK

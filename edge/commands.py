"""What the command lines of tills and gates have in common: options, settings, enrolment."""

from __future__ import annotations

import argparse
from dataclasses import Field, replace
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar

from edge.enrolment import enrol
from edge.env import MachineEnv
from edge.errors import EdgeError
from edge.node import as_program_error, program_version
from program.errors import SettingsError
from program.exit_codes import ExitCode
from program.settings import OutOfRange, load_settings


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


class _Settings(Protocol):
    """What the settings of tills and gates have in common: a dataclass with a check."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    def check(self) -> None:
        """Raise OutOfRange for what cannot work."""


S = TypeVar("S", bound=_Settings)


def read_settings(cls: type[S], default: Path, empty: S, options: argparse.Namespace) -> S:
    """Settings from `--config`, else from the default file if it is there, else the defaults.

    Options go first. Raises SettingsError.
    """
    overrides: dict[str, object] = {}
    if options.data_dir is not None:
        overrides["data_dir"] = options.data_dir.absolute()
    if options.server is not None:
        overrides["server_url"] = options.server
    file: Path | None = options.config
    if file is None and default.is_file():
        file = default
    if file is None:
        return _checked(replace(empty, **overrides))
    texts = [(key, str(value)) for key, value in overrides.items()]
    return load_settings(cls, file, overrides=texts)


def _checked(settings: S) -> S:
    """Options over the defaults keep the same rules as a file."""
    try:
        settings.check()
    except OutOfRange as error:
        value = getattr(settings, error.field)
        raise SettingsError(f"'{error.field}' {error.rule}, but is {value!r}") from error
    return settings


def run_enrol(folder: Path, url: str, code: str, role: str) -> int:
    """Enrol and say so on stdout."""
    try:
        identity = enrol(folder, url, code, role, MachineEnv(), version=program_version())
    except EdgeError as error:
        raise as_program_error(error) from error
    print(f"enrolled as {identity.name!r} ({identity.role}) of {identity.venue_id}")  # noqa: T201
    return ExitCode.OK

"""The command line of `boxgate-server`."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from program.cli import main_wrapper, new_parser
from program.errors import ProgramError
from program.exit_codes import ExitCode
from sync_server import (
    account_commands,
    arbiter_commands,
    audit_commands,
    buyer_commands,
    commands,
    node_commands,
    people_commands,
    recovery_commands,
    retention_commands,
    stock_commands,
    ticket_commands,
)
from sync_server.hub import commands as hub_commands
from sync_server.services.catalogue import NotStored
from sync_server.services.enrolment import MINUTES_MAX, NAME_CHARS_MAX
from sync_server.services.initialise import NewHouse, finish
from sync_server.services.permissions import NodeRole
from sync_server.services.sample import Sample
from sync_server.settings import Settings, read_settings
from ticketing.catalogue import CatalogueError

PROGRAM = "boxgate-server"
_DESCRIPTION = """\
The centre of a Boxgate house: lends places to the box office's windows, takes in what windows and
gates have recorded, and shows managers whether all is accounted for.

first steps:
  boxgate-server init --sample theatre     make a house to try; notes the passwords it shows
  boxgate-server serve                     run it; the console is at the address it prints
  boxgate-server enrol-code --role till --name "Window 1"
                                           let a window or gate join
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; gives the exit code."""
    return main_wrapper(run, argv, program=PROGRAM)


def run(argv: Sequence[str]) -> int:
    """Parse, work, give the exit code."""
    options = _parser().parse_args(argv)
    os.umask(0o077)  # what this program writes is for its own user only
    settings = read_settings(
        options.config,
        data_dir=options.data_dir,
        host=getattr(options, "host", None),
        port=getattr(options, "port", None),
    )
    settings.log.apply()
    code: int = options.command(settings, options)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = new_parser(PROGRAM, _DESCRIPTION)
    _add_common(parser, None)
    parsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    init = parsers.add_parser(
        "init",
        help="make a new house: keys, database, a manager (once)",
        description="Make keys, database and a manager, and show the passwords once. Never touches "
        "a house that is there already.",
    )
    init.add_argument(
        "--sample", type=Sample, choices=list(Sample), help="with a sample house to try"
    )
    init.add_argument("--json", action="store_true", help="answer in JSON, for programs")
    init.set_defaults(command=_init)

    serve_ = parsers.add_parser(
        "serve",
        help="run the server until SIGTERM",
        description="Run the server. Prints 'listening on ADDRESS' once it takes requests; stops "
        "cleanly on SIGTERM or Ctrl-C.",
    )
    serve_.add_argument("--host", metavar="ADDRESS", help="where to listen (127.0.0.1)")
    serve_.add_argument(
        "--port", type=_port, metavar="N", help="which port (8970); 0 takes a free one"
    )
    serve_.add_argument(
        "--role",
        choices=("centre", "hub"),
        default="centre",
        help="what this server is (centre); a hub has joined a centre before",
    )
    serve_.set_defaults(command=_serve)

    code = parsers.add_parser(
        "enrol-code",
        help="let a window or a gate join: prints a one-time code",
        description="Print a code that lets one machine join the house, once and for a while.",
    )
    code.add_argument("--role", type=NodeRole, choices=list(NodeRole), help="what it will be")
    who = code.add_mutually_exclusive_group(required=True)
    who.add_argument("--name", type=_name, help='what people call it, such as "Window 1"')
    who.add_argument(
        "--node",
        type=_name,
        metavar="NAME",
        help="let a machine take this node's place: after a copy, a theft or a new computer",
    )
    code.add_argument(
        "--minutes", type=_minutes, default=60, metavar="N", help="how long it is good for (60)"
    )
    code.add_argument(
        "--agency", type=_name, metavar="NAME", help="whose window it will be, for ever"
    )
    code.add_argument("--json", action="store_true", help="answer in JSON, for programs")
    code.set_defaults(command=_enrol_code)

    import_ = parsers.add_parser(
        "import",
        help="load a catalogue: venue, seating plans, events, prices",
        description="Add or update what a catalogue file holds. Prints every problem of the file, "
        "one a line, and then changes nothing.",
    )
    import_.add_argument("file", type=Path, metavar="FILE.json")
    import_.set_defaults(command=_import)

    openapi = parsers.add_parser(
        "openapi",
        help="print what the server's interface takes and gives",
        description="Print the interface as an OpenAPI 3.1 document, made from the code; a server "
        "gives its own to anybody at /v1/openapi.json.",
    )
    openapi.set_defaults(command=_openapi)

    migrate = parsers.add_parser(
        "migrate",
        help="take the database of an older Boxgate on",
        description="Bring the database of an older Boxgate up to this version, in one step or "
        "not at all. Stop the server first. A SQLite file is copied beside itself before.",
    )
    migrate.set_defaults(command=_migrate)

    stock = stock_commands.add_parsers(parsers)
    tickets = ticket_commands.add_parsers(parsers)
    history = recovery_commands.add_parsers(parsers)
    people = people_commands.add_parsers(parsers)
    buyers = buyer_commands.add_parsers(parsers)
    old = retention_commands.add_parsers(parsers)
    arbiters = arbiter_commands.add_parsers(parsers)
    hub = hub_commands.add_parsers(parsers)
    audit = audit_commands.add_parsers(parsers)
    nodes = node_commands.add_parsers(parsers)
    accounts = account_commands.add_parsers(parsers)
    mine = (*audit, *nodes, *accounts)
    more = (*stock, *tickets, *history, *people, *buyers, *old, *arbiters, *hub, *mine)
    for each in (init, serve_, code, import_, migrate, *more):
        _add_common(each, argparse.SUPPRESS)
    return parser


def _add_common(parser: argparse.ArgumentParser, default: str | None) -> None:
    """Options that may stand before the command or behind it."""
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        default=default,
        help="settings in TOML (./boxgate-server.toml if there is one, else defaults)",
    )
    parser.add_argument(
        "--data-dir",
        type=Path,
        metavar="DIR",
        default=default,
        help="folder of keys and database (./boxgate-data)",
    )


def _init(settings: Settings, options: argparse.Namespace) -> int:
    house = commands.init(settings, options.sample)
    print(_house_json(settings, house) if options.json else _house_text(settings, house))
    sys.stdout.flush()
    finish(settings)
    return ExitCode.OK


def _serve(settings: Settings, options: argparse.Namespace) -> int:
    if options.role == "hub":
        from sync_server.hub.serving import serve_hub as run  # noqa: PLC0415 - a centre is no node
    else:
        from sync_server.serving import serve as run  # noqa: PLC0415 - what no command needs
    run(settings, lambda address: print(f"listening on {address}", flush=True))
    return ExitCode.OK


def _enrol_code(settings: Settings, options: argparse.Namespace) -> int:
    name = options.node or options.name
    if options.node and options.agency:
        raise ProgramError("a node keeps its agency: --agency is for --name", ExitCode.USAGE)
    if options.node:
        code, role = commands.make_code_for_node(settings, name, options.minutes)
    elif options.role is None:
        raise ProgramError("--name needs --role", ExitCode.USAGE)
    else:
        role = options.role
        code = commands.make_enrolment_code(settings, role, name, options.minutes, options.agency)
    if options.json:
        print(
            json.dumps(
                {
                    "code": code.text,
                    "role": role,
                    "name": name,
                    "minutes": options.minutes,
                },
                ensure_ascii=False,
            )
        )
    else:
        print(code.text)
        print(
            f"lets one {role} join as '{name}' within {options.minutes} minutes",
            file=sys.stderr,
        )
    return ExitCode.OK


def _import(settings: Settings, options: argparse.Namespace) -> int:
    answer = commands.import_catalogue(settings, options.file)
    if isinstance(answer, CatalogueError):
        print(answer, file=sys.stderr)
        return ExitCode.INPUT
    if isinstance(answer, NotStored):
        for reason in answer.reasons:
            print(f"{options.file}: {reason}", file=sys.stderr)
        return ExitCode.REFUSED
    print(
        f"venue '{answer.venue_id}': {answer.event_count} events, "
        f"{answer.performance_count} performances; {answer.changed_count} documents are new"
    )
    return ExitCode.OK


def _openapi(_settings: Settings, _options: argparse.Namespace) -> int:
    from sync_server.app import all_routes  # noqa: PLC0415 - what no other command needs
    from sync_server.handlers.openapi import as_text  # noqa: PLC0415

    print(as_text(all_routes()), end="")
    return ExitCode.OK


def _migrate(settings: Settings, _options: argparse.Namespace) -> int:
    done = commands.migrate(settings)
    if done.since == done.to:
        print(f"the database is of schema {done.to}, as it should be: nothing to do")
        return ExitCode.OK
    print(f"the database was of schema {done.since} and is of schema {done.to} now")
    if done.copy is not None:
        print(f"as it was before: {done.copy}")
    return ExitCode.OK


def _house_json(settings: Settings, house: NewHouse) -> str:
    manager = house.sign_ins[0]
    answer = {
        "data_dir": str(settings.data_dir),
        "venue_id": house.venue_id,
        "generation": house.generation.id,
        "manager": {"login": manager.person.login, "password": manager.password},
        "people": [
            {
                "id": each.person.id,
                "login": each.person.login,
                "name": each.person.name,
                "role": each.person.role,
                "pin": each.pin,
            }
            for each in house.sign_ins
            if each.pin
        ],
        "second_window": house.second_window and dataclasses.asdict(house.second_window),
    }
    return json.dumps(answer, ensure_ascii=False, indent=2)


def _house_text(settings: Settings, house: NewHouse) -> str:
    manager = house.sign_ins[0]
    lines = [
        f"The house is ready in {settings.data_dir}. Note these now: they are shown this once.",
        "",
        f"  console   login {manager.person.login}   password {manager.password}",
    ]
    lines += [
        f"  PIN       {each.pin}   {each.person.name}, {each.person.role}"
        for each in house.sign_ins
        if each.pin
    ]
    if house.second_window is not None:
        lent = house.second_window
        lines += [
            "",
            f"'{lent.name}' holds {len(lent.units)} places of performance {lent.performance}; it "
            "is there to be cut off, and never starts.",
        ]
    lines += [
        "",
        f"Keep a copy of {settings.keys_dir} in a safe place, apart from the database's backups.",
        f"Next: {PROGRAM} " + ("serve" if house.venue_id else "import FILE.json"),
    ]
    return "\n".join(lines)


def _port(text: str) -> int:
    return _number(text, 0, 65_535)


def _minutes(text: str) -> int:
    return _number(text, 1, MINUTES_MAX)


def _number(text: str, low: int, high: int) -> int:
    if not (text.isascii() and text.isdigit() and low <= int(text) <= high):
        raise argparse.ArgumentTypeError(f"must be a whole number from {low} to {high}")
    return int(text)


def _name(text: str) -> str:
    name = text.strip()
    if not 0 < len(name) <= NAME_CHARS_MAX or not name.isprintable():
        raise argparse.ArgumentTypeError(f"must be 1 to {NAME_CHARS_MAX} printable characters")
    return name


if __name__ == "__main__":
    raise SystemExit(main())

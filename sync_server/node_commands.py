"""Commands about machines: `nodes`, `revoke-node`, `min-version`."""

from __future__ import annotations

import argparse
import dataclasses
import json
from datetime import UTC, datetime

from program.errors import ProgramError
from program.exit_codes import ExitCode
from sync_server.commands import NO_VENUE, opened_house
from sync_server.services.audit import at_command_line
from sync_server.services.machines import (
    Gone,
    Machine,
    NewPin,
    is_version,
    put_min_version,
    read_machines,
    report_gone,
)
from sync_server.services.nodes import read_nodes
from sync_server.services.permissions import Permission
from sync_server.settings import Settings
from sync_server.store.database import read_only
from sync_server.store.transact import transact
from sync_server.terminal import require_manager, say


def add_parsers(
    parsers: argparse._SubParsersAction[argparse.ArgumentParser],
) -> list[argparse.ArgumentParser]:
    """Add the commands; gives their parsers."""
    listed = parsers.add_parser(
        "nodes",
        help="windows and gates: versions, clocks, when last heard, which gates know them",
        description="List every machine as its last greeting told.",
    )
    listed.add_argument("--json", action="store_true", help="answer in JSON, for programs")
    listed.set_defaults(command=_nodes)

    revoked = parsers.add_parser(
        "revoke-node",
        help="shut a lost or stolen machine out (asks a manager's password)",
        description="Take a machine's key back: it is refused at its next call. What it was lent "
        "stays reserved until 'write-off'. For a stolen one the people who may sign in at such a "
        "machine get new PINs, shown once. 'enrol-code --node NAME' lets another take its place.",
    )
    revoked.add_argument("name", metavar="NAME")
    revoked.add_argument("--stolen", action="store_true", help="somebody has it: new PINs")
    revoked.add_argument("--by", metavar="LOGIN", required=True, help="a manager or administrator")
    revoked.add_argument("--reason", required=True, help="for the record")
    revoked.set_defaults(command=_revoke)

    least = parsers.add_parser(
        "min-version",
        help="the least version of windows and gates that are still served",
        description="Older programs are told and lent nothing; what they send is still taken.",
    )
    least.add_argument("version", metavar="VERSION", help="like 1.2.0; 'any' for every version")
    least.set_defaults(command=_min_version)
    return [listed, revoked, least]


def _nodes(settings: Settings, options: argparse.Namespace) -> int:
    with opened_house(settings) as opened, read_only(opened.engine).connect() as connection:
        known = read_nodes(connection)
        too_old = frozenset(node.id for node in known.values() if node.is_too_old)
        found = read_machines(connection, too_old)
    if options.json:
        say(json.dumps([dataclasses.asdict(each) for each in found], ensure_ascii=False))
        return ExitCode.OK
    for each in found:
        say(_sentence(each))
    if not found:
        say("no machine was ever enrolled")
    return ExitCode.OK


def _sentence(machine: Machine) -> str:
    heard = "never heard"
    if machine.last_seen_ms:
        at = datetime.fromtimestamp(machine.last_seen_ms / 1000, UTC)
        heard = f"last heard {at:%Y-%m-%d %H:%M} UTC"
    version = machine.program_version or "unknown"
    parts = [
        f"{machine.name}  {machine.role}  {machine.state}: version {version}",
        *(["too old"] if machine.is_too_old else []),
        f"clock {machine.clock_offset_ms / 1000:+.1f} s",
        heard,
        f"{machine.unsynced_count} not sent",
    ]
    if machine.unknown_at and machine.state == "active":
        parts.append(f"not known yet at {', '.join(machine.unknown_at)}")
    return ", ".join(parts)


def _revoke(settings: Settings, options: argparse.Namespace) -> int:
    require_manager(settings, options.by, "revoking a machine", Permission.NODES_REVOKE)
    how = Gone.STOLEN if options.stolen else Gone.LOST
    actor = at_command_line(options.by)
    with opened_house(settings) as opened:
        if opened.house is None:
            raise ProgramError(NO_VENUE, ExitCode.REFUSED)
        venue_id = opened.house.venue_id
        pins = transact(
            opened.engine,
            lambda tx: report_gone(tx, venue_id, options.name, how, actor, options.reason),
        )
    if pins is None:
        raise ProgramError(f"there is no active machine '{options.name}'", ExitCode.REFUSED)
    say(f"'{options.name}' is shut out from its next call on")
    _say_what_next(options.name, how, pins)
    return ExitCode.OK


def _say_what_next(name: str, how: Gone, pins: tuple[NewPin, ...]) -> None:
    if pins:
        say("new PINs, shown once; other machines take them with their next contact:")
    for each in pins:
        say(f"  {each.login}  {each.name}  {each.pin}")
    say("what it was lent stays reserved: 'allotments' shows it, 'write-off' gives it up in time")
    if how is Gone.STOLEN:
        say("then run 'new-data-key': what windows know of buyers is sealed anew")
    say(f"'enrol-code --node \"{name}\"' lets another machine take its place")


def _min_version(settings: Settings, options: argparse.Namespace) -> int:
    version = "" if options.version == "any" else options.version
    if version and not is_version(version):
        raise ProgramError("a version is like 1.2.0", ExitCode.USAGE)
    with opened_house(settings) as opened:
        if opened.house is None:
            raise ProgramError(NO_VENUE, ExitCode.REFUSED)
        venue_id = opened.house.venue_id
        transact(
            opened.engine, lambda tx: put_min_version(tx, venue_id, version, at_command_line())
        )
    say(f"served from version {version} on" if version else "every version is served")
    return ExitCode.OK

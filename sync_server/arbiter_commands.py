"""The command about who answers the gates of an event: `arbiter`."""

from __future__ import annotations

import argparse
import json

from sqlalchemy import Connection, text

from program.errors import ProgramError
from program.exit_codes import ExitCode
from sync_server.commands import opened_house
from sync_server.heart.arbiters import (
    ARBITER_DOC,
    ArbiterOf,
    AskBack,
    GiveToHub,
    NoChange,
    read_arbiter,
)
from sync_server.heart.source import run_in
from sync_server.heart.work import UnknownStream
from sync_server.services.catalogue import PlanShelf
from sync_server.settings import Settings
from sync_server.store.database import read_only
from sync_server.store.transact import transact
from sync_server.store.writer import Transaction
from sync_server.terminal import require_two_people, say

_NO_CHANGE = {
    NoChange.ALREADY: "that is so already, or on its way",
    NoChange.AT_ANOTHER_HUB: "a hub answers for this event, or has not said yet that it stopped: "
    "ask it back with --centre first",
    NoChange.NOT_AT_A_HUB: "no hub answers for this event",
    NoChange.OLD_WORD: "it has changed meanwhile; look again",
}


def add_parsers(
    parsers: argparse._SubParsersAction[argparse.ArgumentParser],
) -> list[argparse.ArgumentParser]:
    """Add the command; gives its parser."""
    parser = parsers.add_parser(
        "arbiter",
        help="who answers the gates of an event: this server, or a hub",
        description="List who answers the gates of each event. With --event, have a hub answer "
        "(--hub), or ask it to stop (--centre); it stops when it hears of it. A hub that will not "
        "be heard of is given up by two people (--given-up): gates that still reach it may let in "
        "what others let in here.",
    )
    parser.add_argument("--event", metavar="EVENT", default="")
    to = parser.add_mutually_exclusive_group()
    to.add_argument("--hub", metavar="NAME", default="", help="this hub answers from now on")
    to.add_argument("--centre", action="store_true", help="this server is to answer again")
    parser.add_argument("--given-up", action="store_true", help="with --centre: do not wait for it")
    parser.add_argument("--by", metavar="LOGIN", default="", help="a manager")
    parser.add_argument("--and", metavar="LOGIN", default="", dest="second", help="a second person")
    parser.add_argument("--reason", default="", help="for the record")
    parser.add_argument("--json", action="store_true", help="answer in JSON, for programs")
    parser.set_defaults(command=_arbiter)
    return [parser]


def _arbiter(settings: Settings, options: argparse.Namespace) -> int:
    if not (options.hub or options.centre):
        return _list(settings, as_json=options.json)
    if not options.event:
        raise ProgramError("--hub and --centre need --event", ExitCode.USAGE)
    if options.given_up:
        if not (options.centre and options.by and options.second and options.reason.strip()):
            needs = "--given-up needs --centre, --by, --and and --reason"
            raise ProgramError(needs, ExitCode.USAGE)
        require_two_people(settings, options.by, options.second, "giving up a hub")
    with opened_house(settings) as opened:
        try:
            changed = transact(opened.engine, lambda tx: _change(tx, options))
        except UnknownStream:
            raise ProgramError(f"there is no event '{options.event}'", ExitCode.REFUSED) from None
    if isinstance(changed, NoChange):
        raise ProgramError(_NO_CHANGE[changed], ExitCode.REFUSED)
    say(_sentence(options.event, changed, options.hub))
    return ExitCode.OK


def _change(tx: Transaction, options: argparse.Namespace) -> ArbiterOf | NoChange:
    if options.hub:
        row = tx.row(
            "SELECT id FROM node WHERE name = :name AND role = 'hub' AND state = 'active'",
            name=options.hub,
        )
        if row is None:
            raise ProgramError(f"there is no hub called '{options.hub}'", ExitCode.REFUSED)
        return run_in(tx, GiveToHub(options.event, row.id), PlanShelf())
    why = f"{options.by}, {options.second}: {options.reason.strip()}" if options.given_up else ""
    return run_in(tx, AskBack(options.event, why), PlanShelf())


def _sentence(event: str, arbiter: ArbiterOf, hub_name: str) -> str:
    if not arbiter.hub:
        return f"{event}: this server answers the gates"
    if arbiter.asked_back:
        return f"{event}: the hub stops as soon as it hears of it; then this server answers"
    return f"{event}: '{hub_name}' answers the gates, as soon as it hears of it"


def _list(settings: Settings, *, as_json: bool) -> int:
    with opened_house(settings) as opened, read_only(opened.engine).connect() as connection:
        found, names = _arbiters(connection), _hub_names(connection)
    if as_json:
        told = {
            event: {"hub": names.get(a.hub, a.hub), "asked_back": a.asked_back}
            for event, a in found.items()
        }
        say(json.dumps(told, ensure_ascii=False, indent=2))
        return ExitCode.OK
    for event, arbiter in found.items():
        whose = f"the hub '{names.get(arbiter.hub, arbiter.hub)}'" if arbiter.hub else "this server"
        say(f"{event}: {whose}{', asked to stop' if arbiter.asked_back else ''}")
    return ExitCode.OK


def _arbiters(connection: Connection) -> dict[str, ArbiterOf]:
    rows = connection.execute(
        text(
            "SELECT s.event_id, d.body FROM stream s LEFT JOIN doc d ON d.event_id = s.event_id "
            "AND d.kind = :k AND d.id = s.event_id WHERE s.kind = 'event' ORDER BY s.event_id"
        ),
        {"k": ARBITER_DOC},
    )
    return {row.event_id: read_arbiter(row.body) for row in rows}


def _hub_names(connection: Connection) -> dict[str, str]:
    rows = connection.execute(text("SELECT id, name FROM node WHERE role = 'hub'"))
    return {row.id: row.name for row in rows}

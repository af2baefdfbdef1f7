"""Commands about the stock: `allotments`, `recall`, `write-off`."""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from program.errors import ProgramError
from program.exit_codes import ExitCode
from sync_server.commands import OpenHouse, opened_house
from sync_server.heart.reclaim import NoWriteOff, WrittenOff
from sync_server.heart.work import UnknownStream
from sync_server.services.audit import Deed, at_command_line, audited
from sync_server.services.catalogue import load_venue
from sync_server.services.stock import (
    AllotmentLine,
    read_allotments,
    recall,
    write_off,
)
from sync_server.settings import Settings
from sync_server.store.database import read_only
from sync_server.store.transact import transact
from sync_server.store.writer import Transaction
from sync_server.terminal import require_two_people, say

T = TypeVar("T")

_NO_WRITE_OFF = {
    NoWriteOff.QUARANTINE: "the event waits for its nodes' reports after a restore or a failover",
    NoWriteOff.NOT_OPEN: "there is no such open allotment; see 'boxgate-server allotments'",
    NoWriteOff.TWO_PEOPLE: "two different people must decide this",
    NoWriteOff.NO_TERM: "it was lent without a term, so its node may go on selling for ever",
    NoWriteOff.TOO_EARLY: "its node may still be selling from it: its hard term is not over",
    NoWriteOff.ALL_KNOWN: "nothing of it is unknown: it closes by itself",
}


def add_parsers(
    parsers: argparse._SubParsersAction[argparse.ArgumentParser],
) -> list[argparse.ArgumentParser]:
    """Add the commands; gives their parsers."""
    listed = parsers.add_parser(
        "allotments",
        help="who holds which places, and what is known of them",
        description="List what is lent to windows: how many places, how many of them confirmed as "
        "sold, and how many of unknown fate until the window is heard of.",
    )
    listed.add_argument("--event", metavar="EVENT", help="of one event only")
    listed.add_argument("--json", action="store_true", help="answer in JSON, for programs")
    listed.set_defaults(command=_allotments)

    asked = parsers.add_parser(
        "recall",
        help="ask a window for the places it has not sold",
        description="Ask for unsold places back. Nothing is free before the window, online, has "
        "given it back.",
    )
    asked.add_argument("event", metavar="EVENT")
    which = asked.add_mutually_exclusive_group(required=True)
    which.add_argument("--allotment", metavar="ID", default="", help="of one allotment")
    which.add_argument("--node", metavar="NAME", default="", help="all that this window holds")
    asked.set_defaults(command=_recall)

    lost = parsers.add_parser(
        "write-off",
        help="give up what a lost window holds (two people)",
        description="Free the places that a lost window may have sold. Gates then refuse tickets "
        "of it that the server never heard of. Asks both people for their passwords.",
    )
    lost.add_argument("event", metavar="EVENT")
    lost.add_argument("allotment", metavar="ALLOTMENT")
    lost.add_argument("--by", metavar="LOGIN", required=True, help="a manager")
    lost.add_argument(
        "--and", metavar="LOGIN", required=True, dest="second", help="a second person"
    )
    lost.add_argument("--reason", required=True, help="for the record")
    lost.set_defaults(command=_write_off)
    return [listed, asked, lost]


def _allotments(settings: Settings, options: argparse.Namespace) -> int:
    with opened_house(settings) as opened, read_only(opened.engine).connect() as connection:
        found = read_allotments(connection, options.event)
        zone = _zone(connection, opened)
    if options.json:
        say(json.dumps([dataclasses.asdict(line) for line in found], ensure_ascii=False))
        return ExitCode.OK
    for line in found:
        say(_sentence(line, zone))
    if not found:
        say("nothing is lent")
    return ExitCode.OK


def _sentence(line: AllotmentLine, zone: ZoneInfo) -> str:
    state = "written off" if line.state == "written_off" else line.state
    asked = ", recalled" if line.recall else ""
    return (
        f"{line.event_id} {line.performance}  {line.id}  {line.node_name}  {state}{asked}: "
        f"{line.unit_count} units, {line.sold_count} confirmed sold, "
        f"{line.unknown_count} unknown, {_heard(line.last_seen_ms, zone)}"
    )


def _heard(last_seen_ms: int, zone: ZoneInfo) -> str:
    if not last_seen_ms:
        return "never heard"
    at = datetime.fromtimestamp(last_seen_ms / 1000, UTC).astimezone(zone)
    return f"last heard {at:%Y-%m-%d %H:%M}"


def _zone(connection: Connection, opened: OpenHouse) -> ZoneInfo:
    """The venue's; before there is one, nothing is lent either."""
    if opened.house is None:
        return ZoneInfo("UTC")
    return load_venue(connection, opened.house.venue_id).zone


def _recall(settings: Settings, options: argparse.Namespace) -> int:
    def ask(tx: Transaction) -> tuple[str, ...]:
        node_id = ""
        if options.node:
            row = tx.row("SELECT id FROM node WHERE name = :name", name=options.node)
            if row is None:
                raise ProgramError(f"there is no node called '{options.node}'", ExitCode.REFUSED)
            node_id = row[0]
        return recall(tx, options.event, allotment=options.allotment, node_id=node_id)

    what = f"allotment:{options.allotment}" if options.allotment else f"node:{options.node}"
    recall_it = audited(
        ask,
        Deed.STOCK_RECALLED,
        what,
        at_command_line(),
        after=lambda found: {"event": options.event, "allotments": list(found)},
    )
    recalled = _change(settings, options.event, recall_it)
    if not recalled:
        raise ProgramError("nothing open is lent there", ExitCode.REFUSED)
    say(f"asked back: {', '.join(recalled)}")
    return ExitCode.OK


def _write_off(settings: Settings, options: argparse.Namespace) -> int:
    require_two_people(settings, options.by, options.second, "writing off")
    by = (options.by, options.second)
    done = _change(
        settings,
        options.event,
        audited(
            lambda tx: write_off(tx, options.event, options.allotment, by, options.reason),
            Deed.ALLOTMENT_WRITTEN_OFF,
            f"allotment:{options.allotment}",
            at_command_line(*by),
            done=lambda answer: isinstance(answer, WrittenOff),
            after=_told_of_write_off,
            reason=options.reason,
        ),
    )
    if isinstance(done, NoWriteOff):
        raise ProgramError(_NO_WRITE_OFF[done], ExitCode.REFUSED)
    say(
        f"{done.allotment} is written off: {done.confirmed_count} units are known, "
        f"{len(done.unknown)} of unknown fate are free again"
    )
    return ExitCode.OK


def _told_of_write_off(answer: WrittenOff | NoWriteOff) -> dict[str, object]:
    assert isinstance(answer, WrittenOff)
    return {"confirmed": answer.confirmed_count, "unknown": len(answer.unknown)}


def _change(settings: Settings, event: str, job: Callable[[Transaction], T]) -> T:
    with opened_house(settings) as opened:
        try:
            return transact(opened.engine, job)
        except UnknownStream:
            raise ProgramError(f"there is no event '{event}'", ExitCode.REFUSED) from None

"""Commands about the history of the database: `backup`, `restore`, `quarantine`."""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, text

from program.errors import ProgramError
from program.exit_codes import ExitCode
from sync_server.commands import opened_house, storage_errors
from sync_server.heart.history import ListLost
from sync_server.heart.source import run_in
from sync_server.serve_lock import alone
from sync_server.services.audit import Deed, at_command_line, audited, note
from sync_server.services.backup import Restored, back_up, restore
from sync_server.services.catalogue import PlanShelf
from sync_server.services.house import key_fingerprints, read_meta
from sync_server.services.initialise import refuse_unfinished
from sync_server.services.keys import load_keys
from sync_server.services.witness import read_witness
from sync_server.settings import Settings
from sync_server.store.database import open_engine, read_only
from sync_server.store.transact import transact
from sync_server.store.writer import Transaction
from sync_server.terminal import require_two_people, say


def add_parsers(
    parsers: argparse._SubParsersAction[argparse.ArgumentParser],
) -> list[argparse.ArgumentParser]:
    """Add the commands; gives their parsers."""
    saved = parsers.add_parser(
        "backup",
        help="write a checked copy of the database to a file",
        description="Write a whole, checked copy of the database to a new file, also while the "
        "server runs. The keys are not part of it: keep their copy apart.",
    )
    saved.add_argument("file", type=Path, metavar="FILE")
    saved.set_defaults(command=_backup)

    put_in = parsers.add_parser(
        "restore",
        help="put a backup in the database's place",
        description="Put a backup in the database's place; the present one is kept beside it. Stop "
        "the server first. Then windows report what they sold and hold before anything is lent.",
    )
    put_in.add_argument("file", type=Path, metavar="FILE")
    put_in.set_defaults(command=_restore)

    waiting = parsers.add_parser(
        "quarantine",
        help="who has still to report after a restore or a failover",
        description="List which windows have not reported yet. Until all have, nothing is lent. A "
        "window that never will is given up by two people: what it sold and the server does not "
        "know may then be sold twice.",
    )
    waiting.add_argument("--lost", metavar="NAME", default="", help="give this window up")
    waiting.add_argument("--by", metavar="LOGIN", default="", help="a manager")
    waiting.add_argument(
        "--and", metavar="LOGIN", default="", dest="second", help="a second person"
    )
    waiting.add_argument("--reason", default="", help="for the record")
    waiting.add_argument("--json", action="store_true", help="answer in JSON, for programs")
    waiting.set_defaults(command=_quarantine)
    return [saved, put_in, waiting]


def _backup(settings: Settings, options: argparse.Namespace) -> int:
    with opened_house(settings) as opened:
        done = back_up(opened.engine, options.file)
    say(f"{done.file}: {done.bytes:,} bytes, read back and sound")
    say(f"the keys are not in it: keep a copy of {settings.keys_dir} apart")
    return ExitCode.OK


def _restore(settings: Settings, options: argparse.Namespace) -> int:
    refuse_unfinished(settings)
    busy = f"a server runs with the data folder {settings.lock_dir}; stop it first"
    witness = read_witness(settings.witness_file)
    lost = (witness.generation,) if witness is not None else ()

    def check_keys(engine: Engine) -> None:
        with read_only(engine).connect() as connection:
            load_keys(settings.keys_dir, key_fingerprints(read_meta(connection)))

    engine = open_engine(settings.database)
    try:
        with storage_errors(), alone(settings.lock_dir, busy):
            done = restore(engine, options.file, datetime.now(UTC), check_keys, lost)
            transact(engine, lambda tx: _note_restore(tx, options.file, done))
    finally:
        engine.dispose()
    if done.aside is not None:
        say(f"the database as it was is kept: {done.aside}")
    say(f"a new history begins: {done.generation.short}")
    say(
        f"start the server: {done.waiting} windows then report by themselves what they sold and "
        "hold; until all have, nothing is lent ('boxgate-server quarantine' shows who has not)"
    )
    say(
        "look after what the backup does not know: machines enrolled or revoked, people and "
        "catalogues changed, places written off since it was made"
    )
    return ExitCode.OK


def _note_restore(tx: Transaction, file: Path, done: Restored) -> None:
    told = {"file": file.name, "generation": done.generation.short}
    note(tx, Deed.BACKUP_RESTORED, "database", at_command_line(), after=told)


def _quarantine(settings: Settings, options: argparse.Namespace) -> int:
    if options.lost:
        _give_up(settings, options)
    with opened_house(settings) as opened, read_only(opened.engine).connect() as connection:
        rows = _waiting(connection)
    if options.json:
        keys = ("event", "node", "state", "last_seen_ms")
        say(json.dumps([dict(zip(keys, row, strict=True)) for row in rows], ensure_ascii=False))
        return ExitCode.OK
    for event, name, state, seen_ms in rows:
        at = datetime.fromtimestamp(seen_ms / 1000, UTC)
        heard = f"last heard {at:%Y-%m-%d %H:%M} UTC" if seen_ms else "never heard"
        told = "has not reported" if state == "waiting" else "was given up"
        say(f"{event}  {name}: {told}, {heard}")
    if not rows:
        say("every window has reported: nothing waits")
    return ExitCode.OK


def _waiting(connection: Connection) -> list[tuple[str, str, str, int]]:
    rows = connection.execute(
        text(
            "SELECT q.event_id, n.name, q.state, n.last_seen_ms FROM quarantine q "
            "JOIN node n ON n.id = q.node_id WHERE q.state <> 'reported' "
            "ORDER BY q.event_id, n.name"
        )
    )
    return [(str(row[0]), str(row[1]), str(row[2]), int(row[3])) for row in rows]


def _give_up(settings: Settings, options: argparse.Namespace) -> None:
    if not (options.by and options.second and options.reason):
        raise ProgramError("--lost needs --by, --and and --reason", ExitCode.USAGE)
    require_two_people(settings, options.by, options.second, "giving up a node")
    with opened_house(settings) as opened:
        given_up = transact(
            opened.engine,
            audited(
                lambda tx: _list_lost(tx, options),
                Deed.NODE_GIVEN_UP,
                f"node:{options.lost}",
                at_command_line(options.by, options.second),
                reason=options.reason,
            ),
        )
    if not given_up:
        raise ProgramError(f"nobody waits for a node called '{options.lost}'", ExitCode.REFUSED)


def _list_lost(tx: Transaction, options: argparse.Namespace) -> bool:
    rows = tx.rows(
        "SELECT q.event_id, q.node_id FROM quarantine q JOIN node n ON n.id = q.node_id "
        "WHERE n.name = :name AND q.state = 'waiting' ORDER BY q.event_id",
        name=options.lost,
    )
    for event, node_id in rows:
        step = ListLost(event, (node_id,), options.by, options.second, options.reason)
        run_in(tx, step, PlanShelf())
    return bool(rows)

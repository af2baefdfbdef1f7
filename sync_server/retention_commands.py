"""The command that forgets what is over, or counts it: `forget-old`."""

from __future__ import annotations

import argparse
import time

from program.exit_codes import ExitCode
from sync_server.commands import OpenHouse, opened_house
from sync_server.services.audit import at_command_line
from sync_server.services.retention import (
    BATCHES_PER_RUN_MAX,
    Counts,
    Piece,
    Terms,
    buyers_due,
    close_run,
    count_due,
    do_piece,
    pieces,
)
from sync_server.settings import Settings
from sync_server.store.database import read_only
from sync_server.store.transact import transact
from sync_server.terminal import say


def add_parsers(
    parsers: argparse._SubParsersAction[argparse.ArgumentParser],
) -> list[argparse.ArgumentParser]:
    """Add the command; gives its parser."""
    forget = parsers.add_parser(
        "forget-old",
        help="forget buyers of events long over, ended logins, used codes; a server does it daily",
        description="Forget what the settings say is over: names and numbers of the buyers of past "
        "events, ended logins and refresh tokens, old enrolment codes. Orders, tickets, money and "
        "the audit stay. A running server does the same once a day.",
    )
    forget.add_argument("--dry-run", action="store_true", help="count, and change nothing")
    forget.set_defaults(command=_forget)
    return [forget]


def _forget(settings: Settings, options: argparse.Namespace) -> int:
    terms = settings.retention.terms
    for sentence in terms.in_words:
        say(sentence)
    with opened_house(settings) as opened:
        counts = _count(opened, terms) if options.dry_run else _run(opened, terms)
    say(f"{'would be forgotten' if options.dry_run else 'forgotten'}: {_told(counts)}")
    return ExitCode.OK


def _count(opened: OpenHouse, terms: Terms) -> Counts:
    now_ms = time.time_ns() // 1_000_000
    with read_only(opened.engine).connect() as connection:
        for event_id, count in buyers_due(connection, terms, now_ms).items():
            say(f"{event_id}  {count}")
        return count_due(connection, terms, now_ms)


def _run(opened: OpenHouse, terms: Terms) -> Counts:
    now_ms = time.time_ns() // 1_000_000
    with read_only(opened.engine).connect() as connection:
        todo = pieces(connection, terms, now_ms)
    for piece in todo:
        _do(opened, piece)
    actor = at_command_line()
    return transact(opened.engine, lambda tx: close_run(tx, terms, actor))


def _do(opened: OpenHouse, piece: Piece) -> None:
    after = ""
    for _ in range(BATCHES_PER_RUN_MAX):
        done = transact(opened.engine, lambda tx, after=after: do_piece(tx, piece, after))  # type: ignore[misc]
        if done.is_last:
            return
        after = done.after


def _told(counts: Counts) -> str:
    return (
        f"buyers of {counts.buyers} orders in {counts.events} events, {counts.logins} logins, "
        f"{counts.tokens} tokens, {counts.codes} codes"
    )

"""Commands about single tickets: `block`, `unblock`."""

from __future__ import annotations

import argparse

from program.errors import ProgramError
from program.exit_codes import ExitCode
from sync_server.commands import opened_house
from sync_server.heart.blocks import NoBlock
from sync_server.heart.work import UnknownStream
from sync_server.services.audit import Deed, at_command_line, audited
from sync_server.services.stock import block_ticket
from sync_server.settings import Settings
from sync_server.store.transact import transact
from sync_server.terminal import require_manager, say

_NO_BLOCK = {
    NoBlock.UNKNOWN_TICKET: "there is no such ticket, or its sale has not arrived yet",
    NoBlock.NO_REASON: "the reason must have 1 to 120 printable characters",
    NoBlock.AS_IT_WAS: "the ticket is like that already",
}


def add_parsers(
    parsers: argparse._SubParsersAction[argparse.ArgumentParser],
) -> list[argparse.ArgumentParser]:
    """Add the commands; gives their parsers."""
    block = parsers.add_parser(
        "block",
        help="let nobody in with a ticket for now",
        description="Block a ticket: its sale stands, but gates refuse it and tell the reason. "
        "Asks for the manager's password.",
    )
    unblock = parsers.add_parser(
        "unblock",
        help="let a blocked ticket in again",
        description="Lift a block. Asks for the manager's password.",
    )
    for parser, lift in ((block, False), (unblock, True)):
        parser.add_argument("event", metavar="EVENT")
        parser.add_argument("ticket", metavar="TICKET", help="the ticket's id, 16 characters")
        parser.add_argument("--by", metavar="LOGIN", required=True, help="a manager")
        parser.add_argument("--reason", required=True, help="what the gate says, and the record")
        parser.set_defaults(command=_block, lift=lift)
    return [block, unblock]


def _block(settings: Settings, options: argparse.Namespace) -> int:
    deed = "unblocking a ticket" if options.lift else "blocking a ticket"
    require_manager(settings, options.by, deed)
    with opened_house(settings) as opened:
        try:
            refused = transact(
                opened.engine,
                audited(
                    lambda tx: block_ticket(
                        tx,
                        options.event,
                        options.ticket,
                        by=options.by,
                        reason=options.reason,
                        lift=options.lift,
                    ),
                    Deed.TICKET_UNBLOCKED if options.lift else Deed.TICKET_BLOCKED,
                    f"ticket:{options.ticket}",
                    at_command_line(options.by),
                    done=lambda refused: refused is None,
                    reason=options.reason,
                ),
            )
        except UnknownStream:
            raise ProgramError(f"there is no event '{options.event}'", ExitCode.REFUSED) from None
    if refused is not None:
        raise ProgramError(_NO_BLOCK[refused], ExitCode.REFUSED)
    say(f"{options.ticket} is {'let in again' if options.lift else 'blocked'}")
    return ExitCode.OK

"""Commands about what is known of buyers: `erase-buyer`, `new-data-key`."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from program.errors import ProgramError
from program.exit_codes import ExitCode
from sync_server.commands import OpenHouse, opened_house
from sync_server.services.audit import Deed, at_command_line, audited
from sync_server.services.buyers import (
    BuyersOrder,
    begin_key,
    erase,
    events_of,
    find_orders,
    keys_in_use,
    orders_of_receipt,
    reseal,
    streams_to_reseal,
)
from sync_server.settings import Settings
from sync_server.store.database import read_only
from sync_server.store.transact import transact
from sync_server.store.writer import Transaction
from sync_server.terminal import say


def add_parsers(
    parsers: argparse._SubParsersAction[argparse.ArgumentParser],
) -> list[argparse.ArgumentParser]:
    """Add the commands; gives their parsers."""
    erased = parsers.add_parser(
        "erase-buyer",
        help="forget a buyer's name and number, because they ask for it",
        description="Forget the name and the number of the buyer of one order, or of all orders of "
        "one name or number. Tickets and money stay as they are. Windows forget it as they read "
        "of it; backups of the database keep it as long as they are kept.",
    )
    which = erased.add_mutually_exclusive_group(required=True)
    which.add_argument("--receipt", metavar="NO", help="of the order with this receipt number")
    which.add_argument("--buyer", metavar="TEXT", help="of all orders of this name or number")
    erased.add_argument("--dry-run", action="store_true", help="list the orders, change nothing")
    erased.set_defaults(command=_erase)

    renewed = parsers.add_parser(
        "new-data-key",
        help="seal everything known of buyers with a new key: after a window was stolen",
        description="Begin a new key for personal data and seal everything that is there anew. "
        "Enrol another machine in the stolen window's place first: who is enrolled gets the new key.",
    )
    renewed.set_defaults(command=_new_key)
    return [erased, renewed]


def _erase(settings: Settings, options: argparse.Namespace) -> int:
    with opened_house(settings) as opened:
        found = _orders(opened, options.receipt, options.buyer)
        if not found:
            raise ProgramError("nothing is known of such a buyer", ExitCode.REFUSED)
        done = 0
        for event_id, order_ids in events_of(found).items():
            if not options.dry_run:
                done += len(transact(opened.engine, _erasing(event_id, order_ids)))
    for each in found:
        say(f"{each.event_id}  {each.receipt_no or each.order_id}")
    say(f"would be forgotten: {len(found)}" if options.dry_run else f"forgotten: {done}")
    return ExitCode.OK


def _erasing(event_id: str, order_ids: list[str]) -> Callable[[Transaction], tuple[str, ...]]:
    return audited(
        lambda tx: erase(tx, event_id, order_ids),
        Deed.BUYERS_ERASED,
        f"event:{event_id}",
        at_command_line(),
        after=lambda erased: {"orders": list(erased)},
    )


def _orders(opened: OpenHouse, receipt_no: str | None, asked: str | None) -> list[BuyersOrder]:
    with read_only(opened.engine).connect() as connection:
        if receipt_no:
            return orders_of_receipt(connection, receipt_no)
        keys = keys_in_use(connection, opened.keys.personal_data)
        return find_orders(connection, keys, asked or "")


def _new_key(settings: Settings, _options: argparse.Namespace) -> int:
    with opened_house(settings) as opened:
        root, count = opened.keys.personal_data, 0
        number = transact(
            opened.engine,
            audited(
                begin_key,
                Deed.DATA_KEY_BEGUN,
                "house",
                at_command_line(),
                after=lambda number: {"key": number},
            ),
        )
        with read_only(opened.engine).connect() as connection:
            streams = list(streams_to_reseal(connection))
        for stream in streams:
            while done := transact(opened.engine, _resealing(stream, root)):
                count += done
    say(f"key {number} seals what is known of buyers from now on; sealed anew: {count}")
    return ExitCode.OK


def _resealing(stream: str, root: bytes) -> Callable[[Transaction], int]:
    return lambda tx: reseal(tx, stream, root)

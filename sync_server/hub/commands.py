"""The command that makes a hub: `join`."""

from __future__ import annotations

import argparse

from program.exit_codes import ExitCode
from sync_server.settings import Settings
from sync_server.terminal import say


def add_parsers(
    parsers: argparse._SubParsersAction[argparse.ArgumentParser],
) -> list[argparse.ArgumentParser]:
    """Add the command; gives its parser."""
    joined = parsers.add_parser(
        "join",
        help="make a hub: a server on a venue's own network, below the centre",
        description="Make this data folder a hub's: enrol it at the centre by a code of "
        "'enrol-code --role hub', and make keys and a database of its own. A machine that takes a "
        "lost hub's place joins by a code of 'enrol-code --node NAME'. Then run 'serve --role hub'.",
    )
    joined.add_argument("--server", required=True, metavar="URL", help="the centre's address")
    joined.add_argument("--code", required=True, metavar="CODE", help="the enrolment code")
    joined.set_defaults(command=_join)
    return [joined]


def _join(settings: Settings, options: argparse.Namespace) -> int:
    from sync_server.hub.joining import join  # noqa: PLC0415 - no other command speaks HTTP

    identity = join(settings, options.server, options.code)
    say(f"'{identity.name}' is a hub of the venue '{identity.venue_id}' now: {settings.data_dir}")
    say("next: boxgate-server serve --role hub")
    return ExitCode.OK

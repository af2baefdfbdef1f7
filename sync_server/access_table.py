"""Which route opens to whom, as a table made from the code: `python -m sync_server.access_table`.

docs/access.md is its output. A test compares the two, and another calls every route as every role
and compares with docs/access.md: what the table says is what the server does.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from sync_server.app import all_routes
from sync_server.handlers.routes import Route
from sync_server.services.permissions import (
    FOR_NODES,
    NodeRole,
    Permission,
    PersonRole,
    node_may,
    person_may,
)
from sync_server.services.scopes import Reach

ANYBODY = "anybody"
NODES = tuple(NodeRole)
PEOPLE = tuple(PersonRole)
COLUMNS: tuple[str, ...] = (ANYBODY, *NODES, *PEOPLE)
YES = "yes"
_HEAD = """\
# Who may call what

Made by `.venv/bin/python -m sync_server.access_table docs/access.md` from the routes and roles in the code. Don't edit
it: a test compares it with the code, and another one calls every route as every role and compares the answers with
this table. What is not said here is refused.

"reach" is how far a person's role has to hold: `house` needs a role for the whole venue, `event` one for the venue or
for the event in the path, `own` any. `anybody` needs no sign-in. A client of the interface has a person's role, but
opens no pages (`page`). Windows and gates show their token, see [protocol.md](protocol.md).

"""
_PERMISSIONS_HEAD = "\n## What the roles may do\n\n"


def lines() -> Iterator[str]:
    """docs/access.md, line by line."""
    yield from _HEAD.splitlines()
    yield from _table(["route", "permission", "reach", *COLUMNS], _rows(all_routes()))
    yield from _PERMISSIONS_HEAD.splitlines()
    yield from _table(["permission", *NODES, *PEOPLE], _permissions())


def opens_to(route: Route, column: str) -> bool:
    """Whether a route opens to a column of the table, for a role that holds in the whole venue."""
    if route.permission is Permission.PUBLIC:
        return True
    return column != ANYBODY and _may(column, route.permission)


def _may(column: str, permission: Permission) -> bool:
    if column in set(NodeRole):
        return node_may(NodeRole(column), permission)
    return person_may(PersonRole(column), permission)


def _rows(routes: Sequence[Route]) -> Iterator[list[str]]:
    for route in sorted(routes, key=lambda each: (each.path, each.method)):
        page = " (page)" if route.page else ""
        for_nobody_in_the_house = route.permission in FOR_NODES | {Permission.PUBLIC}
        reach = "" if for_nobody_in_the_house else Reach(route.reach).value
        marks = [YES if opens_to(route, column) else "" for column in COLUMNS]
        yield [f"`{route.method} {route.path}`{page}", route.permission.value, reach, *marks]


def _permissions() -> Iterator[list[str]]:
    for permission in Permission:
        if permission is not Permission.PUBLIC:
            columns = (*NODES, *PEOPLE)
            yield [permission.value, *(YES if _may(c, permission) else "" for c in columns)]


def _table(head: Sequence[str], rows: Iterator[list[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(row)} |".replace("|  |", "| |").replace("|  |", "| |")


def main(arguments: Sequence[str]) -> int:
    """Write the file that is named."""
    Path(arguments[0]).write_text("\n".join(lines()) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

"""What commands share in speaking with people: lines said, passwords asked, two who decide."""

from __future__ import annotations

import getpass
import sys

from program.errors import ProgramError
from program.exit_codes import ExitCode
from sync_server.commands import opened_house
from sync_server.services.permissions import Permission
from sync_server.services.stock import NotAllowed, SignIn, manager_alone, two_people
from sync_server.settings import Settings
from sync_server.store.database import read_only

_NOT_ALLOWED = {
    NotAllowed.UNKNOWN: "login or password is wrong",
    NotAllowed.SAME_PERSON: "two different people must decide this",
    NotAllowed.FORBIDDEN: "the first one's role does not include {deed}: ask a manager",
}


def say(line: str) -> None:
    """One line of a command's answer, to stdout."""
    sys.stdout.write(f"{line}\n")


def require_two_people(settings: Settings, first: str, second: str, deed: str) -> None:
    """Ask both logins for their passwords. Raises ProgramError unless the two may do this.

    The deed is named as what a role may include: "writing off".
    """
    people = [SignIn(login, _password(login)) for login in (first, second)]
    with opened_house(settings) as opened, read_only(opened.engine).connect() as connection:
        refusal = two_people(connection, people[0], people[1])
    if refusal is not None:
        raise ProgramError(_NOT_ALLOWED[refusal].format(deed=deed), ExitCode.REFUSED)


def require_manager(
    settings: Settings,
    login: str,
    deed: str,
    permission: Permission = Permission.STOCK_RECLAIM,
) -> None:
    """Ask one login for its password. Raises ProgramError unless its role includes the deed."""
    person = SignIn(login, _password(login))
    with opened_house(settings) as opened, read_only(opened.engine).connect() as connection:
        refusal = manager_alone(connection, person, permission)
    if refusal is not None:
        raise ProgramError(_NOT_ALLOWED[refusal].format(deed=deed), ExitCode.REFUSED)


def _password(login: str) -> str:
    try:
        return getpass.getpass(f"password of {login}: ")
    except EOFError:
        raise ProgramError("no password was given", ExitCode.REFUSED) from None

"""The command `add-person`: somebody who may sign in, before the console can do it."""

from __future__ import annotations

import argparse
import sys

from sqlalchemy import Engine

from program.errors import ProgramError
from program.exit_codes import ExitCode
from sync_server.commands import NO_VENUE, agency_asked, opened_house
from sync_server.services.audit import Deed, at_command_line, note
from sync_server.services.people import (
    LOGIN_CHARS_MAX,
    Person,
    add_person,
    fits,
    hash_password,
    hash_pin,
    new_person_id,
    random_password,
    random_pin,
    works_by_pin,
)
from sync_server.services.permissions import PersonRole
from sync_server.services.scopes import SCOPE_IDS_MAX, Scope, ScopeKind, narrowed
from sync_server.settings import Settings
from sync_server.store.transact import transact
from sync_server.store.writer import Transaction
from ticketing.operations import is_name


def add_parsers(
    parsers: argparse._SubParsersAction[argparse.ArgumentParser],
) -> list[argparse.ArgumentParser]:
    """Add the command; gives its parser."""
    added = parsers.add_parser(
        "add-person",
        help="add somebody who may sign in",
        description="Add a person with a role. The password (and, for who works at a window or a gate, the "
        "PIN) is made here and shown once.",
    )
    added.add_argument("login", metavar="LOGIN", help="what the person signs in with: li.na")
    added.add_argument("--name", required=True, help="as screens show it")
    added.add_argument("--role", required=True, choices=[role.value for role in PersonRole])
    added.add_argument(
        "--event", action="append", default=[], metavar="EVENT", help="the role holds for it only"
    )
    added.add_argument(
        "--agency", action="append", default=[], metavar="AGENCY", help="the role holds for it only"
    )
    added.set_defaults(command=_add_person)
    return [added]


def _add_person(settings: Settings, options: argparse.Namespace) -> int:
    login, name, role = options.login, options.name, PersonRole(options.role)
    if not is_name(login) or len(login) > LOGIN_CHARS_MAX or not is_name(name):
        raise ProgramError("a login and a name have 1 to 64 characters", ExitCode.REFUSED)
    scope, person_id = scope_asked(options), new_person_id()
    password = random_password()
    pin = random_pin() if works_by_pin(role, scope) else ""
    with opened_house(settings) as opened:
        if opened.house is None:
            raise ProgramError(NO_VENUE, ExitCode.REFUSED)
        venue_id = opened.house.venue_id
        scope = in_agencies(opened.engine, scope)
        if not fits(role, scope):
            raise ProgramError("an agent works for an agency: --agency NAME", ExitCode.REFUSED)

        def add(tx: Transaction) -> bool:
            if tx.row("SELECT 1 FROM person WHERE login = :login", login=login) is not None:
                return False
            add_person(
                tx,
                venue_id,
                Person(person_id, login, name, role, scope=scope),
                password_hash=hash_password(password),
                pin_hash=hash_pin(pin) if pin else "",
            )
            told = {"login": login, "role": role, "scope": scope.kind, "of": sorted(scope.ids)}
            note(tx, Deed.PERSON_ADDED, f"person:{person_id}", at_command_line(), after=told)
            return True

        is_new = transact(opened.engine, add)
    if not is_new:
        raise ProgramError(f"there is somebody with the login '{login}' already", ExitCode.REFUSED)
    lines = [f"{name} may sign in as {role}. Shown once:", f"  login     {login}"]
    lines += [f"  password  {password}", *([f"  PIN       {pin}"] if pin else [])]
    sys.stdout.write("\n".join(lines) + "\n")
    return ExitCode.OK


def scope_asked(options: argparse.Namespace) -> Scope:
    """Where the role is to hold. Raises ProgramError."""
    names = [*options.event, *options.agency]
    if not all(is_name(each) for each in names) or len(names) > SCOPE_IDS_MAX:
        raise ProgramError("an event or agency has a name", ExitCode.REFUSED)
    try:
        return narrowed(options.event, options.agency)
    except ValueError as error:
        raise ProgramError(str(error), ExitCode.REFUSED) from error


def in_agencies(engine: Engine, scope: Scope) -> Scope:
    """The scope with agencies by their ids, whose names or ids were given. Raises ProgramError."""
    if scope.kind is not ScopeKind.AGENCY:
        return scope
    return Scope(scope.kind, frozenset(agency_asked(engine, each).id for each in scope.ids))

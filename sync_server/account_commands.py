"""Commands about signing in: `account` for people, `client` for programs of others."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from program.errors import ProgramError
from program.exit_codes import ExitCode
from sync_server.commands import opened_house
from sync_server.people_commands import in_agencies, scope_asked
from sync_server.services.audit import Deed, at_command_line, audited, note
from sync_server.services.clients import NAME_CHARS_MAX, add_client, end_client, read_clients
from sync_server.services.passwords import put_password
from sync_server.services.people import hash_password, random_password
from sync_server.services.permissions import PersonRole
from sync_server.services.second_factor import end_second_factor
from sync_server.services.sessions import end_other_logins, read_logins
from sync_server.settings import Settings
from sync_server.store.database import read_only
from sync_server.store.transact import transact
from sync_server.store.writer import Transaction
from sync_server.terminal import say
from ticketing.operations import is_name

Parsers = list[argparse.ArgumentParser]


def add_parsers(parsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> Parsers:
    """Add the commands; gives their parsers and those of their parts."""
    return [*_add_account(parsers), *_add_client(parsers)]


def _add_account(parsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> Parsers:
    account = parsers.add_parser(
        "account",
        help="a person's logins, password and second factor",
        description="Where a person is signed in, and what helps when they lost something.",
    )
    parts = account.add_subparsers(title="parts", metavar="PART", required=True)
    made = [account]
    for name, text, command in (
        ("logins", "where a person is signed in", _logins),
        ("end-logins", "sign a person out everywhere", _end_logins),
        ("new-password", "make a new password, shown once; ends every login", _new_password),
        ("end-second-factor", "let a person who lost the phone sign in without it", _end_factor),
    ):
        part = parts.add_parser(name, help=text, description=text.capitalize() + ".")
        part.add_argument("login", metavar="LOGIN")
        part.set_defaults(command=command)
        made.append(part)
    return made


def _add_client(parsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> Parsers:
    client = parsers.add_parser(
        "client",
        help="programs of others that call the interface",
        description="A client has a person's role and a scope, and tokens that change at each use.",
    )
    parts = client.add_subparsers(title="parts", metavar="PART", required=True)
    added = parts.add_parser("add", help="let a program call: prints its first refresh token, once")
    added.add_argument("name", metavar="NAME")
    added.add_argument("--role", required=True, choices=[role.value for role in PersonRole])
    added.add_argument("--event", action="append", default=[], metavar="EVENT", help="only there")
    added.add_argument("--agency", action="append", default=[], metavar="AGENCY", help="only there")
    added.set_defaults(command=_client_add)
    listed = parts.add_parser("list", help="all clients")
    listed.set_defaults(command=_client_list)
    ended = parts.add_parser("end", help="a client may call no more, from now on")
    ended.add_argument("name", metavar="NAME")
    ended.set_defaults(command=_client_end)
    return [client, added, listed, ended]


def _logins(settings: Settings, options: argparse.Namespace) -> int:
    now_ms = round(datetime.now(UTC).timestamp() * 1000)
    with opened_house(settings) as opened, read_only(opened.engine).connect() as connection:
        person_id = _person_id(Transaction(connection, now_ms), options.login)
        found = read_logins(connection, person_id, now_ms)
    for each in found:
        at = datetime.fromtimestamp(each.created_ms / 1000, UTC)
        say(f"{at:%Y-%m-%d %H:%M} UTC  {each.address}  {each.agent}")
    if not found:
        say(f"{options.login} is signed in nowhere")
    return ExitCode.OK


def _end_logins(settings: Settings, options: argparse.Namespace) -> int:
    count = _for_person(settings, options.login, Deed.LOGINS_ENDED, end_other_logins)
    say(f"logins ended: {count}")
    return ExitCode.OK


def _new_password(settings: Settings, options: argparse.Namespace) -> int:
    password = random_password()
    hashed = hash_password(password)

    def put(tx: Transaction, person_id: str) -> bool:
        put_password(tx, person_id, hashed)
        return True

    _for_person(settings, options.login, Deed.PASSWORD_CHANGED, put)
    say(f"shown once, and every login has ended:\n  password  {password}")
    return ExitCode.OK


def _end_factor(settings: Settings, options: argparse.Namespace) -> int:
    if not _for_person(settings, options.login, Deed.SECOND_FACTOR_ENDED, end_second_factor):
        raise ProgramError(f"{options.login} has no second factor", ExitCode.REFUSED)
    say(f"{options.login} signs in by password alone")
    return ExitCode.OK


def _for_person(
    settings: Settings, login: str, deed: Deed, job: Callable[[Transaction, str], int]
) -> int:
    """Do something to a person's account, and note it if something was done."""

    def run(tx: Transaction) -> int:
        person_id = _person_id(tx, login)
        done = job(tx, person_id)
        if done:
            note(tx, deed, f"person:{person_id}", at_command_line())
        return done

    with opened_house(settings) as opened:
        return transact(opened.engine, run)


def _person_id(tx: Transaction, login: str) -> str:
    row = tx.row("SELECT id FROM person WHERE login = :login AND state = 'active'", login=login)
    if row is None:
        raise ProgramError(f"there is nobody with the login '{login}'", ExitCode.REFUSED)
    return str(row[0])


def _client_add(settings: Settings, options: argparse.Namespace) -> int:
    name, role, asked = options.name, PersonRole(options.role), scope_asked(options)
    if not is_name(name) or len(name) > NAME_CHARS_MAX:
        raise ProgramError("a client's name has 1 to 64 characters", ExitCode.REFUSED)

    def add(tx: Transaction) -> tuple[str, str] | None:
        made = add_client(tx, name, role, scope)
        if made is not None:
            told = {"name": name, "role": role, "scope": scope.kind, "of": sorted(scope.ids)}
            note(tx, Deed.CLIENT_ADDED, f"client:{made[0]}", at_command_line(), after=told)
        return made

    with opened_house(settings) as opened:
        scope = in_agencies(opened.engine, asked)
        made = transact(opened.engine, add)
    if made is None:
        raise ProgramError(f"there is a client called '{name}' already", ExitCode.REFUSED)
    say(f"{name} may call as {role}. Shown once, good for a day:")
    say(f"  client_id      {made[0]}\n  refresh_token  {made[1]}")
    return ExitCode.OK


def _client_list(settings: Settings, _options: argparse.Namespace) -> int:
    with opened_house(settings) as opened, read_only(opened.engine).connect() as connection:
        found = read_clients(connection)
    for each in found:
        ids = f" of {', '.join(sorted(each.scope.ids))}" if each.scope.ids else ""
        say(f"{each.name}  {each.id}  {each.role}, {each.scope.kind}{ids}  {each.state}")
    if not found:
        say("there are no clients")
    return ExitCode.OK


def _client_end(settings: Settings, options: argparse.Namespace) -> int:
    def end(tx: Transaction) -> Any:
        row = tx.row(
            "SELECT id FROM api_client WHERE name = :name AND state = 'active'", name=options.name
        )
        return row is not None and end_client(tx, row[0])

    with opened_house(settings) as opened:
        about = f"client:{options.name}"
        job = audited(end, Deed.CLIENT_ENDED, about, at_command_line())
        if not transact(opened.engine, job):
            raise ProgramError(f"there is no client called '{options.name}'", ExitCode.REFUSED)
    say(f"{options.name} may call no more")
    return ExitCode.OK

"""`init`: a new house from nothing, once, and never half a one that looks whole.

A marker file lies in the data folder from before the first key is written until the passwords
have been shown. Whoever finds it knows that an `init` was cut off and that nothing of what is
there was ever in use.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine

from program.errors import ProgramError
from program.exit_codes import ExitCode
from sync_server.services.audit import Deed, at_command_line, note
from sync_server.services.catalogue import NotStored, store_catalogue
from sync_server.services.house import Generation, House, new_generation, put_meta
from sync_server.services.keys import META_PREFIX, ServerKeys, make_keys
from sync_server.services.people import (
    Person,
    add_person,
    hash_password,
    hash_pin,
    new_person_id,
    random_password,
    random_pin,
)
from sync_server.services.permissions import PersonRole
from sync_server.services.sample import LentElsewhere, lend_to_second_window, sample_people
from sync_server.settings import Settings
from sync_server.store.database import create_schema, is_initialised, open_engine
from sync_server.store.transact import transact
from sync_server.store.writer import Transaction
from ticketing.catalogue import Catalogue

MARKER = "init-unfinished"
MANAGER_LOGIN = "manager"


@dataclass(frozen=True, slots=True, repr=False)
class SignIn:
    """What a person signs in with, in clear: shown once and kept nowhere. '' where there is none."""

    person: Person
    password: str
    pin: str


@dataclass(frozen=True, slots=True)
class NewHouse:
    """What `init` made. The venue is None until a catalogue names it."""

    venue_id: str | None
    generation: Generation
    sign_ins: tuple[SignIn, ...]
    second_window: LentElsewhere | None


def initialise(settings: Settings, sample: Catalogue | None) -> NewHouse:
    """Make keys, database, a manager and, with a sample, its house. Then call `finish`.

    Raises ProgramError when there is a house already, or the remains of one.
    """
    _make_folder(settings.data_dir)
    refuse_unfinished(settings)
    engine = open_engine(settings.database)
    try:
        _refuse_second(settings, engine)
        _mark(settings.data_dir / MARKER)
        keys = make_keys(settings.keys_dir)
        create_schema(engine)
        return transact(engine, lambda tx: _found(tx, keys, sample))
    finally:
        engine.dispose()


def finish(settings: Settings) -> None:
    """The passwords have been shown: the house is in use."""
    (settings.data_dir / MARKER).unlink()


def refuse_unfinished(settings: Settings) -> None:
    """Raise ProgramError when an `init` was cut off here."""
    if (settings.data_dir / MARKER).exists():
        elsewhere = " and empty the database" if settings.database_url else ""
        raise ProgramError(
            f"an earlier 'init' was cut off in {settings.data_dir} before it showed its "
            f"passwords, so nothing there is in use: delete that folder{elsewhere}, then run "
            "'boxgate-server init' again",
            ExitCode.STORAGE,
        )


def _found(tx: Transaction, keys: ServerKeys, sample: Catalogue | None) -> NewHouse:
    generation = new_generation()
    note(tx, Deed.HOUSE_MADE, "house", at_command_line(), after={"sample": sample is not None})
    tx.run(
        "INSERT INTO generation (id, short, started_ms, reason) VALUES (:id, :short, :now, 'init')",
        id=generation.id,
        short=generation.short,
        now=tx.now_ms,
    )
    for name, fingerprint in keys.fingerprints().items():
        put_meta(tx, META_PREFIX + name, fingerprint)
    if sample is None:
        return NewHouse(None, generation, _add_people(tx, None), None)
    stored = store_catalogue(tx, sample)
    if isinstance(stored, NotStored):
        raise TypeError(f"the sample was refused: {stored.reasons}")
    sign_ins = _add_people(tx, stored.venue_id)
    house = House(stored.venue_id, generation)
    return NewHouse(
        stored.venue_id, generation, sign_ins, lend_to_second_window(tx, house, keys.node)
    )


def _add_people(tx: Transaction, venue_id: str | None) -> tuple[SignIn, ...]:
    """The manager, who can sign in at the console and at a till; with a sample also cashiers."""
    is_sample = venue_id is not None
    manager_name = "陈静 Chen Jing" if is_sample else "Manager"
    manager = Person(new_person_id(), MANAGER_LOGIN, manager_name, PersonRole.MANAGER)
    pins: list[str] = []
    sign_ins = []
    for person in [manager, *(sample_people() if is_sample else [])]:
        pins.append(random_pin(pins))
        password = random_password() if person is manager else ""
        add_person(
            tx,
            venue_id,
            person,
            password_hash=hash_password(password) if password else "",
            pin_hash=hash_pin(pins[-1]),
        )
        sign_ins.append(SignIn(person, password, pins[-1]))
    return tuple(sign_ins)


def _refuse_second(settings: Settings, engine: Engine) -> None:
    if is_initialised(engine):
        raise ProgramError(
            f"there is a house already ({settings.data_dir}): nothing was changed",
            ExitCode.ALREADY,
        )
    if settings.keys_dir.exists():
        raise ProgramError(
            f"{settings.keys_dir} holds keys, but the database is empty: put the database back "
            "that belongs to them, or choose another data folder; nothing was changed",
            ExitCode.ALREADY,
        )


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ProgramError(
            f"the data folder {folder} cannot be made: {error.strerror}", ExitCode.STORAGE
        ) from error


def _mark(marker: Path) -> None:
    """O_EXCL: of two at the same time, one goes on."""
    try:
        os.close(os.open(marker, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        raise ProgramError(f"another 'init' is running in {marker.parent}", ExitCode.BUSY) from None
    except OSError as error:
        raise ProgramError(
            f"{marker.parent} cannot be written to: {error.strerror}", ExitCode.STORAGE
        ) from error

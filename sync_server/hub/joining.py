"""`join`: a new hub from nothing: enrolled at the centre, with keys and a database of its own.

Begun again after a kill it goes on where it was: the enrolment is kept before the database is made.
"""

from __future__ import annotations

from pathlib import Path

from edge.enrolment import apply_for
from edge.env import MachineEnv
from edge.errors import EdgeError
from edge.identity import Identity, is_enrolled, load_identity, save_identity
from edge.node import as_program_error, program_version
from program.errors import ProgramError
from program.exit_codes import ExitCode
from sync_server.services.catalogue import found_house
from sync_server.services.house import HUB_KEY, new_generation, put_meta
from sync_server.services.keys import META_PREFIX, ServerKeys, make_keys
from sync_server.settings import Settings
from sync_server.store.database import create_schema, is_initialised, open_engine
from sync_server.store.transact import transact
from sync_server.store.writer import Transaction

CENTRE_URL_KEY = "centre_url"
ROLE = "hub"


def join(settings: Settings, url: str, code_text: str) -> Identity:
    """Make this folder and database a hub's. Raises ProgramError when they are somebody's already."""
    _make_folder(settings.data_dir)
    engine = open_engine(settings.database)
    try:
        begun = is_initialised(engine)
        if begun and not transact(engine, _is_empty):
            raise ProgramError(
                f"there is a house or a hub already ({settings.data_dir}): nothing was changed",
                ExitCode.ALREADY,
            )
        if settings.keys_dir.exists() and not is_enrolled(settings.data_dir):
            raise ProgramError(
                f"{settings.keys_dir} holds keys of a house: choose another data folder; nothing "
                "was changed",
                ExitCode.ALREADY,
            )
        identity = _enrolled(settings.data_dir, url, code_text)
        keys = _keys(settings.keys_dir)
        if not begun:
            create_schema(engine)
        transact(engine, lambda tx: _fill(tx, keys, identity, url))
        return identity
    finally:
        engine.dispose()


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ProgramError(
            f"the data folder {folder} cannot be made: {error.strerror}", ExitCode.STORAGE
        ) from error


def _enrolled(folder: Path, url: str, code_text: str) -> Identity:
    try:
        if is_enrolled(folder):
            return load_identity(folder)
        identity, _incarnation = apply_for(
            folder, url, code_text, ROLE, MachineEnv(), version=program_version()
        )
        save_identity(folder, identity)
    except EdgeError as error:
        raise as_program_error(error) from error
    return identity


def _keys(folder: Path) -> ServerKeys:
    """New ones: those of an earlier try were never in use, as there was no database to serve."""
    if folder.exists():
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()
    return make_keys(folder)


def _is_empty(tx: Transaction) -> bool:
    """Whether a `join` was cut off before anything stood in the database."""
    return tx.row("SELECT 1 FROM generation") is None


def _fill(tx: Transaction, keys: ServerKeys, identity: Identity, url: str) -> None:
    """A history of its own: what an earlier hub told its gates counts for nothing in it."""
    generation = new_generation()
    tx.run(
        "INSERT INTO generation (id, short, started_ms, reason) VALUES (:id, :short, :now, 'join')",
        id=generation.id,
        short=generation.short,
        now=tx.now_ms,
    )
    for name, fingerprint in keys.fingerprints().items():
        put_meta(tx, META_PREFIX + name, fingerprint)
    put_meta(tx, HUB_KEY, identity.node_id)
    put_meta(tx, CENTRE_URL_KEY, url)
    found_house(tx, identity.venue_id)
    tx.run(
        "INSERT INTO upstream (event_id, generation, rev) VALUES (:e, '', 0)", e=identity.venue_id
    )

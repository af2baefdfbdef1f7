"""What the command line does, apart from parsing it and printing the answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from program.errors import ProgramError
from program.exit_codes import ExitCode
from program.logs import get_logger
from sync_server.auditing import move
from sync_server.serve_lock import alone
from sync_server.services.agencies import Agency, find_agency
from sync_server.services.audit import Deed, at_command_line, audited, note
from sync_server.services.catalogue import NotStored, Stored, store_catalogue
from sync_server.services.enrolment import (
    CodeRefusal,
    EnrolmentCode,
    add_code,
    add_code_for_node,
    new_code,
)
from sync_server.services.house import House, key_fingerprints, read_house, read_meta
from sync_server.services.initialise import NewHouse, initialise, refuse_unfinished
from sync_server.services.keys import KeyProblem, ServerKeys, load_keys
from sync_server.services.permissions import NodeRole
from sync_server.services.sample import Sample, sample_document
from sync_server.settings import Settings
from sync_server.store.audit import AuditStore
from sync_server.store.database import check_schema, open_engine, read_only
from sync_server.store.errors import StoreError, StoreInUse
from sync_server.store.migrating import Migrated
from sync_server.store.migrating import migrate as migrate_store
from sync_server.store.transact import transact
from sync_server.store.writer import Transaction
from ticketing.catalogue import CatalogueError, parse_catalogue

CATALOGUE_BYTES_MAX = 32_000_000
_log = get_logger(__name__)
NO_VENUE = "there is no venue yet; run 'boxgate-server import FILE.json' with your catalogue first"


@dataclass(frozen=True, slots=True)
class OpenHouse:
    """A sound database with its keys."""

    engine: Engine
    house: House | None
    keys: ServerKeys


@contextmanager
def storage_errors() -> Iterator[None]:
    """Turn what is wrong with database, keys or folder into a sentence and an exit code."""
    try:
        yield
    except StoreInUse as error:
        raise ProgramError(str(error), ExitCode.BUSY) from error
    except (StoreError, KeyProblem) as error:
        raise ProgramError(str(error), ExitCode.STORAGE) from error
    except DBAPIError as error:
        reason = str(error.orig).strip().partition("\n")[0]
        raise ProgramError(f"the database refused: {reason}", ExitCode.STORAGE) from error
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        raise ProgramError(f"{error.strerror or error}{where}", ExitCode.STORAGE) from error


def open_house(settings: Settings) -> OpenHouse:
    """Check everything that a running server relies on. Raises ProgramError.

    The caller disposes of the engine.
    """
    refuse_unfinished(settings)
    engine = open_engine(settings.database)
    try:
        with storage_errors():
            if not settings.database_url:
                _require_data_dir(settings)
            check_schema(engine)
            with read_only(engine).connect() as connection:
                meta, house = read_meta(connection), read_house(connection)
            return OpenHouse(engine, house, load_keys(settings.keys_dir, key_fingerprints(meta)))
    except BaseException:
        engine.dispose()
        raise


@contextmanager
def opened_house(settings: Settings) -> Iterator[OpenHouse]:
    """The house for one command, closed afterwards. Raises ProgramError, as `storage_errors`."""
    opened = open_house(settings)
    try:
        with storage_errors():
            yield opened
            _move_audit(opened.engine)
    finally:
        opened.engine.dispose()


def _move_audit(engine: Engine) -> None:
    """What the command has noted goes to the audit; where that fails, with the next chance."""
    store = AuditStore(engine.url.render_as_string(hide_password=False))
    try:
        move(engine, store)
    except (StoreError, DBAPIError, OSError) as error:
        _log.warning("audit_not_moved", error=type(error).__name__)
    finally:
        store.close()


def init(settings: Settings, sample: Sample | None) -> NewHouse:
    """A new house; call `initialise.finish` once its passwords have been shown."""
    catalogue = None
    if sample is not None:
        catalogue = parse_catalogue(
            sample_document(sample), source=f"{sample}.json", now=datetime.now(UTC)
        )
    with storage_errors():
        return initialise(settings, catalogue)


def migrate(settings: Settings) -> Migrated:
    """Bring an older database up to this version. Raises ProgramError and then changed nothing."""
    refuse_unfinished(settings)
    busy = f"a server runs with the data folder {settings.lock_dir}; stop it first"
    engine = open_engine(settings.database)
    try:
        with storage_errors():
            _require_data_dir(settings)
            with alone(settings.lock_dir, busy):
                done = migrate_store(engine, datetime.now(UTC))
                if done.since != done.to:
                    transact(engine, lambda tx: _note_migration(tx, done))
                return done
    finally:
        engine.dispose()


def _note_migration(tx: Transaction, done: Migrated) -> None:
    before, after = {"schema": done.since}, {"schema": done.to}
    note(tx, Deed.DATABASE_MIGRATED, "database", at_command_line(), before=before, after=after)


def agency_asked(engine: Engine, asked: str) -> Agency:
    """The agency of a name or id. Raises ProgramError."""
    with read_only(engine).connect() as connection:
        found = find_agency(connection, asked)
    if found is None:
        raise ProgramError(
            f"there is no agency '{asked}'; they are added in the console", ExitCode.REFUSED
        )
    return found


def make_enrolment_code(
    settings: Settings, role: NodeRole, name: str, minutes: int, agency: str = ""
) -> EnrolmentCode:
    """A code for one machine, of the agency of this name or id.

    Raises ProgramError when the name is taken, or for an agency that there is not.
    """
    with opened_house(settings) as opened:
        agency_id = agency_asked(opened.engine, agency).id if agency else ""
        told = {"role": role, "minutes": minutes, **({"agency": agency_id} if agency_id else {})}
        code = new_code(opened.keys.node_public)
        refusal = transact(
            opened.engine,
            audited(
                lambda tx: add_code(tx, code.secret, role, name, minutes, agency_id),
                Deed.ENROL_CODE_MADE,
                f"node:{name}",
                at_command_line(),
                done=lambda refused: refused is None,
                after=lambda _: told,
            ),
        )
    if refusal is CodeRefusal.NO_VENUE:
        raise ProgramError(NO_VENUE, ExitCode.REFUSED)
    if refusal is CodeRefusal.UNKNOWN_AGENCY:
        raise ProgramError("only a window is an agency's", ExitCode.REFUSED)
    if refusal is not None:
        raise ProgramError(
            f"there is a node called '{name}' already; choose another name", ExitCode.REFUSED
        )
    return code


def make_code_for_node(
    settings: Settings, name: str, minutes: int
) -> tuple[EnrolmentCode, NodeRole]:
    """A code by which one machine takes a node's place. Raises ProgramError for an unknown node."""
    with opened_house(settings) as opened:
        code = new_code(opened.keys.node_public)
        role = transact(
            opened.engine,
            audited(
                lambda tx: add_code_for_node(tx, code.secret, name, minutes),
                Deed.ENROL_CODE_MADE,
                f"node:{name}",
                at_command_line(),
                done=lambda answer: isinstance(answer, NodeRole),
                after=lambda answer: {"role": answer, "minutes": minutes, "again": True},
            ),
        )
    if isinstance(role, CodeRefusal):
        raise ProgramError(f"there is no node called '{name}'", ExitCode.REFUSED)
    return code, role


def import_catalogue(settings: Settings, file: Path) -> Stored | NotStored | CatalogueError:
    """Add or update what a catalogue file holds; a CatalogueError is given back, not raised."""
    document = _read_json(file)
    try:
        catalogue = parse_catalogue(document, source=str(file), now=datetime.now(UTC))
    except CatalogueError as error:
        return error
    with opened_house(settings) as opened:
        return transact(
            opened.engine,
            audited(
                lambda tx: store_catalogue(tx, catalogue),
                Deed.CATALOGUE_IMPORTED,
                f"venue:{catalogue.venue.id}",
                at_command_line(),
                done=lambda answer: isinstance(answer, Stored),
                after=_told_of_catalogue,
            ),
        )


def _told_of_catalogue(answer: Stored | NotStored) -> dict[str, object]:
    assert isinstance(answer, Stored)
    return {"events": answer.event_count, "changed": answer.changed_count}


def _require_data_dir(settings: Settings) -> None:
    if not settings.data_dir.is_dir():
        raise StoreError(
            f"there is no data folder {settings.data_dir}; run 'boxgate-server init' first"
        )


def _read_json(file: Path) -> object:
    def refused(rule: str) -> ProgramError:
        return ProgramError(f"{file}: {rule}", ExitCode.INPUT)

    try:
        with file.open("rb") as stream:
            data = stream.read(CATALOGUE_BYTES_MAX + 1)
    except OSError as error:
        raise refused(f"cannot be read: {error.strerror}") from error
    if len(data) > CATALOGUE_BYTES_MAX:
        raise refused(f"is longer than {CATALOGUE_BYTES_MAX:,} bytes")
    try:
        return json.loads(data.decode("utf-8-sig"), object_pairs_hook=_unique_keys(refused))
    except UnicodeDecodeError:
        raise refused("is not UTF-8 text") from None
    except json.JSONDecodeError as error:
        raise refused(
            f"is not JSON: line {error.lineno}, column {error.colno}: {error.msg}"
        ) from None
    except RecursionError:
        raise refused("is nested too deeply") from None


def _unique_keys(
    refused: Callable[[str], ProgramError],
) -> Callable[[list[tuple[str, Any]]], dict[str, Any]]:
    """A key written twice would silently lose what the first one said."""

    def build(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in pairs:
            if key in found:
                raise refused(f'the key "{key}" stands twice in one object')
            found[key] = value
        return found

    return build

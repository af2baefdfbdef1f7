"""Empty databases for tests, and copies of one that was built once.

A SQLite file in the test's own folder; with BOXGATE_TEST_DATABASE_URL (postgresql://...) a database
of the test's own on that server. `make test` runs the server's suite both ways.
"""

from __future__ import annotations

import atexit
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
from sqlalchemy.engine import make_url

from tests.fakes.postgres import URL_VARIABLE

FILE_NAME = "boxgate.sqlite3"


def is_on_postgresql() -> bool:
    """Whether databases are on PostgreSQL."""
    return bool(os.environ.get(URL_VARIABLE))


@contextmanager
def fresh_database(folder: Path) -> Iterator[str]:
    """The URL of an empty database, gone when the block ends."""
    if not is_on_postgresql():
        yield f"sqlite:///{folder / FILE_NAME}"
        return
    name = _new_name()
    _create(name, "template1")
    try:
        yield _url_of(name)
    finally:
        _drop(name)


class Template:
    """A database that `build` fills once and each test gets a copy of: building takes longest."""

    def __init__(self, build: Callable[[str], None]) -> None:
        self._file = b""
        self._name = ""
        if is_on_postgresql():
            self._name = _new_name()
            _create(self._name, "template1")
            atexit.register(_drop, self._name)
            build(_url_of(self._name))
            return
        with TemporaryDirectory() as folder:
            file = Path(folder) / FILE_NAME
            build(f"sqlite:///{file}")
            self._file = file.read_bytes()

    @contextmanager
    def copy(self, folder: Path) -> Iterator[str]:
        """The URL of a copy, gone when the block ends."""
        if not is_on_postgresql():
            (folder / FILE_NAME).write_bytes(self._file)
            yield f"sqlite:///{folder / FILE_NAME}"
            return
        name = _new_name()
        _create(name, self._name)
        try:
            yield _url_of(name)
        finally:
            _drop(name)


def _new_name() -> str:
    return f"test_{secrets.token_hex(8)}"


def _url_of(name: str) -> str:
    return make_url(os.environ[URL_VARIABLE]).set(database=name).render_as_string(False)


def _create(name: str, template: str) -> None:
    """Files copied as they are take half as long as pages that go through the log one by one."""
    server = _server()
    has_choice = server.info.server_version >= 150_000  # before, files are copied anyway
    how = "STRATEGY FILE_COPY" if has_choice else ""
    server.execute(f"CREATE DATABASE {name} TEMPLATE {template} {how}".encode())


def _drop(name: str) -> None:
    _server().execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@cache
def _server() -> psycopg.Connection:
    """One connection for all that is made and dropped: every test does both."""
    connection = psycopg.connect(os.environ[URL_VARIABLE], autocommit=True)
    atexit.register(connection.close)
    return connection

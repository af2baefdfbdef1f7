"""The server's settings: one TOML file, every key with a default. docs/operations.md lists them."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from program.errors import SettingsError
from program.log_settings import LogSettings
from program.settings import OutOfRange, load_settings
from sync_server.oidc_settings import OidcSettings
from sync_server.services.keys import FOLDER_NAME
from sync_server.services.retention import Terms
from sync_server.services.sessions import SessionLimits

DEFAULT_FILE = Path("boxgate-server.toml")
DATABASE_FILE = "boxgate.sqlite3"
_PORT_MAX = 65_535
_OWN_URL = re.compile(r"https?://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(:[0-9]{1,5})?")
_SESSION_HOURS_MAX = 7 * 24
_KEPT_DAYS_MAX = 3_650


@dataclass(frozen=True, slots=True)
class ListenSettings:
    """Where the server answers. Port 0 takes a free one. With a certificate it speaks HTTPS."""

    host: str = "127.0.0.1"
    port: int = 8970
    tls_certificate: Path | None = None
    tls_key: Path | None = None

    def check(self) -> None:
        """Refuse what cannot work."""
        if not 0 <= self.port <= _PORT_MAX:
            raise OutOfRange("port", f"must be from 0 to {_PORT_MAX}")
        if (self.tls_certificate is None) != (self.tls_key is None):
            missing = "tls_key" if self.tls_key is None else "tls_certificate"
            raise OutOfRange(missing, "must be set too: HTTPS needs a certificate and its key")

    @property
    def is_tls(self) -> bool:
        """Whether this server itself speaks HTTPS."""
        return self.tls_certificate is not None


@dataclass(frozen=True, slots=True)
class ConsoleSettings:
    """How long a sign-in to the console lasts."""

    idle_minutes: int = 60
    session_hours: int = 12

    def check(self) -> None:
        """Refuse sessions that end at once or never."""
        if not 1 <= self.idle_minutes <= _SESSION_HOURS_MAX * 60:
            raise OutOfRange("idle_minutes", f"must be from 1 to {_SESSION_HOURS_MAX * 60}")
        if not 1 <= self.session_hours <= _SESSION_HOURS_MAX:
            raise OutOfRange("session_hours", f"must be from 1 to {_SESSION_HOURS_MAX}")

    @property
    def limits(self) -> SessionLimits:
        """The same in milliseconds."""
        return SessionLimits(self.idle_minutes * 60_000, self.session_hours * 3_600_000)


@dataclass(frozen=True, slots=True)
class RetentionSettings:
    """For how many days something is kept once it is over; 0: for ever."""

    buyers_days: int = 180
    codes_days: int = 30

    def check(self) -> None:
        """Refuse what would be no term."""
        for key in ("buyers_days", "codes_days"):
            if not 0 <= getattr(self, key) <= _KEPT_DAYS_MAX:
                raise OutOfRange(key, f"must be from 1 to {_KEPT_DAYS_MAX}, or 0 for ever")

    @property
    def terms(self) -> Terms:
        """The same for those who forget."""
        return Terms(self.buyers_days, self.codes_days)


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of `boxgate-server`.

    `witness_dir`: where the server notes how far its database has come; outside what is backed up
    and restored with the database. Unset: beside the data folder.

    `own_url`: how other servers on the same database reach this one; "" for where it listens.

    `centre_url`: of a hub, where the centre is; "" for the address that it joined by.

    `behind_proxy`: a proxy in front speaks HTTPS with the browsers and sets X-Forwarded-For, whose
    last address is then taken for the caller's. Never set it without such a proxy.

    `sun_at_gates`: gates may check NTAG 424 chips without the server, and hold the key for it: who
    takes such a gate away can make chips of this house.
    """

    data_dir: Path = Path("boxgate-data")
    database_url: str = ""
    own_url: str = ""
    centre_url: str = ""
    witness_dir: Path | None = None
    behind_proxy: bool = False
    sun_at_gates: bool = False
    listen: ListenSettings = field(default_factory=ListenSettings)
    console: ConsoleSettings = field(default_factory=ConsoleSettings)
    oidc: OidcSettings = field(default_factory=OidcSettings)
    retention: RetentionSettings = field(default_factory=RetentionSettings)
    log: LogSettings = field(default_factory=LogSettings)

    def check(self) -> None:
        """Refuse an address that no other server could call."""
        if self.own_url and not _OWN_URL.fullmatch(self.own_url):
            raise OutOfRange("own_url", "must be like http://10.0.0.5:8970, without a path")
        if self.centre_url and not _OWN_URL.fullmatch(self.centre_url):
            raise OutOfRange("centre_url", "must be like https://tickets.example, without a path")

    @property
    def keys_dir(self) -> Path:
        """The folder of the server's own keys."""
        return self.data_dir / FOLDER_NAME

    @property
    def database(self) -> str:
        """The database's URL: a SQLite file in `data_dir` unless another one is set."""
        return self.database_url or f"sqlite:///{self.data_dir / DATABASE_FILE}"

    @property
    def witness_file(self) -> Path:
        """How far the database had come: see services.witness."""
        folder = self.data_dir.parent if self.witness_dir is None else self.witness_dir
        return folder / f"{self.data_dir.name}.witness.json"

    @property
    def lock_dir(self) -> Path:
        """The folder that a server has for itself: with a SQLite file, that file's."""
        url = make_url(self.database)
        is_file = url.get_backend_name() == "sqlite" and bool(url.database)
        return Path(str(url.database)).parent if is_file else self.data_dir

    @property
    def is_secure(self) -> bool:
        """Whether browsers reach the console by HTTPS, so that cookies may be for HTTPS only."""
        return self.behind_proxy or self.listen.is_tls


def read_settings(
    file: Path | None, *, data_dir: Path | None, host: str | None = None, port: int | None = None
) -> Settings:
    """Settings from a file, or from ./boxgate-server.toml if there is one; options go first.

    Raises SettingsError.
    """
    if file is None and DEFAULT_FILE.is_file():
        file = DEFAULT_FILE
    settings = Settings() if file is None else load_settings(Settings, file)
    folder = Path.cwd() if file is None else file.absolute().parent
    listen = settings.listen
    listen = dataclasses.replace(
        listen,
        host=listen.host if host is None else host,
        port=listen.port if port is None else port,
    )
    data_dir = folder / settings.data_dir if data_dir is None else Path.cwd() / data_dir
    witness_dir = None if settings.witness_dir is None else folder / settings.witness_dir
    found = dataclasses.replace(settings, data_dir=data_dir, witness_dir=witness_dir, listen=listen)
    _check_database(found, file)
    return found


def _check_database(settings: Settings, file: Path | None) -> None:
    """The URL is never shown: it may hold a password."""
    try:
        backend = make_url(settings.database).get_backend_name()
    except ArgumentError:
        backend = ""
    if backend not in ("sqlite", "postgresql"):
        raise SettingsError(
            f"{file}: 'database_url' must be a URL like postgresql://user@host/name "
            "(or sqlite:///path), and is not"
        )

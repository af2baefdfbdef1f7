"""A private PostgreSQL for tests: made from Debian's package, used, stopped and removed.

    with private_cluster() as cluster:
        engine = open_engine(cluster.url)

    python -m tests.fakes.postgres COMMAND...   runs a command with BOXGATE_TEST_DATABASE_URL set

Data and socket lie in a new folder outside the checkout, the port is a free one, and no other
cluster is ever looked at. PostgreSQL refuses to run as root: then it runs as `postgres`, through
runuser. Whoever made a cluster may be killed at any moment, so a watchdog in a session of its own
waits at the other end of a pipe: when that closes, for whatever reason, it stops the cluster and
removes the folder. What outlives a watchdog that was killed too is swept when the next is made.

Standard library only: the watchdog runs this file alone.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

URL_VARIABLE = "BOXGATE_TEST_DATABASE_URL"
OPT_OUT_VARIABLE = "BOXGATE_TEST_WITHOUT_POSTGRESQL"
_USER = "boxgate"
_DATABASE = "postgres"  # the one that initdb makes
_PREFIX = "boxgate-postgres-"
_OWNER_FILE = "owner"  # process id and start of the one who made the cluster
_DEBIAN = Path("/usr/lib/postgresql")
_START_TRIES = 3  # somebody else may take the free port between our finding and using it
_COMMAND_TIMEOUT_S = 90
_END_TIMEOUT_S = 10
_UNMARKED_AGE_S = 3_600
_MEMORY = Path("/dev/shm")  # noqa: S108 - mkdtemp makes the folder in it
_MEMORY_BYTES_MIN = 1_000_000_000  # the contract suite needs a fifth of it

StopMode = Literal["fast", "immediate"]


class PostgresMissing(Exception):
    """There is no PostgreSQL on this machine; the message says how to get it."""


class PostgresFailed(Exception):
    """A command of PostgreSQL's failed; the message has what it said."""


def is_opted_out() -> bool:
    """Whether somebody chose to test without PostgreSQL. Continuous integration cannot."""
    return bool(os.environ.get(OPT_OUT_VARIABLE)) and not os.environ.get("CI")


@dataclass(frozen=True)
class Cluster:
    """A cluster in its folder, running or not.

    `url` goes through a socket that only this user reaches; `tcp_url` goes by loopback with a
    password, for what is to be cut on its way.
    """

    folder: Path
    bin: Path
    port: int
    password: str

    @property
    def url(self) -> str:
        return f"postgresql://{_USER}@/{_DATABASE}?host={self.folder}&port={self.port}"

    @property
    def tcp_url(self) -> str:
        return f"postgresql://{_USER}:{self.password}@127.0.0.1:{self.port}/{_DATABASE}"

    @property
    def pid(self) -> int | None:
        """The postmaster's process, for those who want to kill it; None when it does not run."""
        return _postmaster(self.folder)

    def start(self) -> None:
        """Start it and wait until it takes connections: after a crash, until it has recovered."""
        self._control("start", "--log", str(self.folder / "log"))

    def stop(self, mode: StopMode = "fast") -> None:
        """Stop it. "immediate" is a crash: the next start recovers."""
        self._control("stop", "--mode", mode)

    def promote(self) -> None:
        """A standby goes on as a primary, on a timeline of its own."""
        self._control("promote")

    def _control(self, command: str, *options: str) -> None:
        data = str(self.folder / "data")
        try:
            _run(self.folder, self.bin / "pg_ctl", command, "--wait", "--pgdata", data, *options)
        except PostgresFailed as error:
            log = self.folder / "log"
            said = log.read_text().splitlines()[-15:] if log.exists() else []
            raise PostgresFailed("\n".join([str(error), *said])) from None


@contextmanager
def private_cluster(*, durable: bool = True) -> Iterator[Cluster]:
    """A running cluster with an empty database, gone when the block ends.

    `durable=False` waits for no disk, and lies in memory where there is some: for tests that ask
    what is stored, not whether it survives a crash. Raises PostgresMissing or PostgresFailed.
    """
    binaries = find_binaries()
    _sweep()
    with _watched_folder(_disk() if durable else _memory()) as folder:
        password = _initialise(folder, binaries)
        yield _started(folder, binaries, password, durable)


@contextmanager
def standby_of(primary: Cluster) -> Iterator[Cluster]:
    """A running standby with all that the primary has now, which then follows it by streaming."""
    with _watched_folder(primary.folder.parent) as folder:
        command: list[str | Path] = [
            primary.bin / "pg_basebackup",
            f"--pgdata={folder / 'data'}",
            f"--host={primary.folder}",
            f"--port={primary.port}",
            f"--username={_USER}",
            "--write-recovery-conf",
            "--checkpoint=fast",
            "--no-sync",
        ]
        _run(folder, *command)
        settings = folder / "data" / "postgresql.auto.conf"
        copied = settings.read_text()
        for tries_left in reversed(range(_START_TRIES)):
            port = _free_port()
            ours = f"port = '{port}'\nunix_socket_directories = '{folder}'\n"
            settings.write_text(copied + ours)  # of two lines with one name the last one counts
            cluster = Cluster(folder, primary.bin, port, primary.password)
            try:
                cluster.start()
            except PostgresFailed:
                if tries_left == 0:
                    raise
            else:
                yield cluster
                return


def find_binaries() -> Path:
    """The folder with initdb, pg_ctl and postgres, of the newest version there is."""
    folders = sorted(
        (folder for folder in _DEBIAN.glob("*/bin") if folder.parent.name.isdigit()),
        key=lambda folder: int(folder.parent.name),
        reverse=True,
    )
    on_path = shutil.which("initdb")
    if on_path is not None:
        folders.append(Path(on_path).resolve().parent)
    for folder in folders:
        if all((folder / name).exists() for name in ("initdb", "pg_ctl", "postgres")):
            return folder
    raise PostgresMissing(
        "these tests need PostgreSQL, and there is none. 'make setup' installs it where it may, "
        "else: sudo apt-get install postgresql. To go without these tests, set "
        f"{OPT_OUT_VARIABLE}=1 (continuous integration ignores that)"
    )


def _disk() -> Path:
    return Path(tempfile.gettempdir())


def _memory() -> Path:
    """A container's /dev/shm may be tiny."""
    try:
        free_bytes = shutil.disk_usage(_MEMORY).free
    except OSError:
        return _disk()
    has_room = free_bytes >= _MEMORY_BYTES_MIN and os.access(_MEMORY, os.W_OK)
    return _MEMORY if has_room else _disk()


def _initialise(folder: Path, binaries: Path) -> str:
    password = secrets.token_hex(16)
    (folder / "password").write_text(password)
    if os.geteuid() == 0:
        shutil.chown(folder / "password", "postgres", "postgres")
    _run(
        folder,
        binaries / "initdb",
        f"--pgdata={folder / 'data'}",
        f"--username={_USER}",
        f"--pwfile={folder / 'password'}",
        "--auth-local=trust",  # the folder of the socket is this user's alone
        "--auth-host=scram-sha-256",
        "--encoding=UTF8",
        "--locale=C.UTF-8",
        "--no-sync",
    )
    return password


def _started(folder: Path, binaries: Path, password: str, durable: bool) -> Cluster:
    for tries_left in reversed(range(_START_TRIES)):
        port = _free_port()
        (folder / "data" / "postgresql.auto.conf").write_text(_settings(folder, port, durable))
        cluster = Cluster(folder, binaries, port, password)
        try:
            cluster.start()
        except PostgresFailed:
            if tries_left == 0:
                raise
        else:
            return cluster
    raise AssertionError("the last try returns or raises")


def _settings(folder: Path, port: int, durable: bool) -> str:
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "unix_socket_directories": str(folder),
        "max_connections": "200",
        "shared_buffers": "64MB",
        "log_line_prefix": "%m [%p] ",
    }
    if not durable:
        settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        settings |= {"autovacuum": "off", "max_wal_size": "4GB"}  # of use to what lives long
        settings |= {"jit": "off"}  # without statistics it thinks small queries worth compiling
    return "".join(f"{name} = '{value}'\n" for name, value in settings.items())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _run(folder: Path, *command: str | Path) -> None:
    """Run as a user that PostgreSQL accepts, without what the environment says about clusters."""
    as_postgres = ("runuser", "-u", "postgres", "--") if os.geteuid() == 0 else ()
    argv = [*as_postgres, *map(str, command)]
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        argv,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_COMMAND_TIMEOUT_S,
        check=False,
    )
    if done.returncode != 0:
        raise PostgresFailed(f"{' '.join(argv)} ended with {done.returncode}: {done.stdout}")


# --- leaving nothing behind


@contextmanager
def _watched_folder(where: Path) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=where))
    watchdog = subprocess.Popen(
        [sys.executable, "-I", __file__, "--watch", str(folder)],
        cwd="/",
        env={},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    assert watchdog.stdin is not None
    try:
        (folder / _OWNER_FILE).write_text(f"{os.getpid()} {_started_at(os.getpid())}")
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres", "postgres")
        yield folder
    finally:
        watchdog.stdin.close()
        watchdog.wait()
        _remove(folder)  # nothing to do, unless the watchdog was killed


def _watch(folder: Path) -> None:
    """Wait until whoever made the cluster is done with it, or dead."""
    sys.stdin.buffer.read()
    _remove(folder)


def _sweep() -> None:
    """Remove what was left behind by processes that are no more. Only ever folders of ours."""
    for folder in [each for where in {_disk(), _MEMORY} for each in where.glob(f"{_PREFIX}*")]:
        with suppress(OSError):
            if not folder.is_symlink() and not _is_in_use(folder):
                _remove(folder)


def _is_in_use(folder: Path) -> bool:
    owner = folder / _OWNER_FILE
    if owner.exists() and owner.stat().st_uid != os.geteuid():
        return True  # somebody else's
    pid, _, began = owner.read_text().partition(" ") if owner.exists() else ("", "", "")
    if not began:  # being made at this moment, or cut off then
        return time.time() - folder.stat().st_mtime < _UNMARKED_AGE_S
    return _started_at(int(pid)) == began


def _remove(folder: Path) -> None:
    for number in (signal.SIGQUIT, signal.SIGKILL):
        until_s = time.monotonic() + _END_TIMEOUT_S
        while (pid := _postmaster(folder)) is not None and time.monotonic() < until_s:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
            time.sleep(0.05)
    for _ in range(20):  # a dying child may still write a file
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.1)


def _postmaster(folder: Path) -> int | None:
    """The process that serves this folder's cluster; never one that only has its old number."""
    try:
        pid = int((folder / "data" / "postmaster.pid").read_text().partition("\n")[0])
        command = Path(f"/proc/{pid}/cmdline").read_bytes()  # empty when it waits to be reaped
    except (OSError, ValueError):
        return None
    return pid if str(folder / "data").encode() in command.split(b"\0") else None


def _started_at(pid: int) -> str:
    """When a process began, in the kernel's ticks: a number that comes again is another process."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return "never"
    return stat.rpartition(")")[2].split()[19]


# --- as a program


def _main(argv: list[str]) -> int:
    if argv[:1] == ["--watch"]:
        _watch(Path(argv[1]))
        return 0
    if os.environ.get(URL_VARIABLE):
        return subprocess.run(argv, check=False).returncode
    if is_opted_out():
        print(f"left out: {OPT_OUT_VARIABLE} is set")  # noqa: T201 - it is the answer
        return 0
    try:
        with private_cluster(durable=False) as cluster:
            environment = {**os.environ, URL_VARIABLE: cluster.url}
            return subprocess.run(argv, env=environment, check=False).returncode
    except (PostgresMissing, PostgresFailed) as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))

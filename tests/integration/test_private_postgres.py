"""The PostgreSQL that tests make for themselves: nothing of it stays, whatever happens."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.fakes import postgres
from tests.fakes.postgres import PostgresMissing, find_binaries, is_opted_out, private_cluster

needs_postgres = pytest.mark.skipif(is_opted_out(), reason="somebody chose to go without")
OWNER = """
import sys
from tests.fakes.postgres import private_cluster
with private_cluster(durable=False) as cluster:
    print(cluster.folder, cluster.pid, flush=True)
    sys.stdin.read()
"""


@contextmanager
def owner() -> Iterator[tuple[subprocess.Popen[str], Path, int]]:
    """Another process with a cluster: itself, its folder, its postmaster."""
    command = [sys.executable, "-c", OWNER]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            folder, pid = process.stdout.readline().split()
            yield process, Path(folder), int(pid)
        finally:
            process.kill()


def until(what: Callable[[], bool]) -> None:
    until_s = time.monotonic() + 30
    while not what():
        assert time.monotonic() < until_s, "it never came"
        time.sleep(0.02)


def watchdog_of(folder: Path) -> int:
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"--watch" in words and str(folder).encode() in words:
            return int(process.name)
    raise AssertionError("nobody watches")


@needs_postgres
def test_a_cluster_takes_connections_by_socket_and_by_loopback_and_is_gone_afterwards() -> None:
    with private_cluster(durable=False) as cluster:
        for url in (cluster.url, cluster.tcp_url):
            with psycopg.connect(url) as connection:
                connection.execute("SELECT 1")
        wrong = cluster.tcp_url.replace(cluster.password, "guess")
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(wrong)
        assert cluster.folder.stat().st_mode & 0o077 == 0
        assert Path.cwd() not in cluster.folder.parents
        pid = cluster.pid
    assert pid is not None
    assert not Path(f"/proc/{pid}").exists() or not Path(f"/proc/{pid}/cmdline").read_bytes()
    assert not cluster.folder.exists()


@needs_postgres
def test_a_durable_cluster_keeps_what_was_committed_before_a_crash() -> None:
    with private_cluster() as cluster:
        with psycopg.connect(cluster.url) as connection:
            assert connection.execute("SHOW fsync").fetchone() == ("on",)
            connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
        cluster.stop("immediate")
        assert cluster.pid is None
        cluster.start()
        with psycopg.connect(cluster.url) as connection:
            assert connection.execute("SELECT one FROM kept").fetchone() == (1,)


@needs_postgres
def test_nothing_stays_of_an_owner_that_was_killed() -> None:
    with owner() as (process, folder, pid):
        os.kill(process.pid, signal.SIGKILL)
        until(lambda: not folder.exists())
        assert postgres._postmaster(folder) is None
        assert pid not in running()


@needs_postgres
def test_what_a_killed_watchdog_left_is_swept_and_what_is_in_use_stays() -> None:
    with owner() as (process, folder, pid):
        os.kill(watchdog_of(folder), signal.SIGKILL)
        postgres._sweep()
        assert postgres._postmaster(folder) == pid
        process.kill()
        process.wait()
        assert postgres._postmaster(folder) == pid
        postgres._sweep()
        assert not folder.exists()
        assert pid not in running()


def running() -> set[int]:
    """Processes that are more than an entry waiting to be read."""
    found = set()
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if process.read_bytes():
                found.add(int(process.parent.name))
        except OSError:
            continue
    return found


def test_without_postgresql_it_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "_DEBIAN", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PostgresMissing, match="sudo apt-get install postgresql"):
        find_binaries()


@pytest.mark.parametrize(("ci", "expected"), [("", True), ("true", False)])
def test_going_without_is_a_choice_that_continuous_integration_does_not_have(
    monkeypatch: pytest.MonkeyPatch, ci: str, expected: bool
) -> None:
    monkeypatch.setenv("CI", ci)
    monkeypatch.setenv(postgres.OPT_OUT_VARIABLE, "1")
    assert is_opted_out() is expected
    monkeypatch.delenv(postgres.OPT_OUT_VARIABLE)
    assert not is_opted_out()

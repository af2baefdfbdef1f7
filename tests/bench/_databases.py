"""The databases that a measurement may run on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.fakes.postgres import private_cluster

DATABASES = ("sqlite", "postgres")


@contextmanager
def bench_database(name: str) -> Iterator[str]:
    """The URL for `database_url`: '' is SQLite in the data folder, else PostgreSQL of our own.

    Both wait for the disk at every commit.
    """
    if name == "sqlite":
        yield ""
        return
    with private_cluster(durable=True) as cluster:
        yield cluster.url

"""Disks: SQLite in memory, whose every commit is safe, and images of it as of any commit."""

from __future__ import annotations

import sqlite3
from collections import deque
from contextlib import closing
from functools import cache

from edge import journal_schema, mirror

PAGE_BYTES = 1024
"""Small, so that an image of a small house is small."""


@cache
def image_of(schema: str, version: int) -> bytes:
    """A fresh file of an edge."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        for statement in schema.split(";\n"):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {version}")
        return bytes(connection.serialize())


def new_journal() -> bytes:
    """An empty journal.db."""
    return image_of(journal_schema.SCHEMA, journal_schema.SCHEMA_VERSION)


def new_mirror() -> bytes:
    """An empty mirror.db."""
    return image_of(mirror._SCHEMA, mirror.SCHEMA_VERSION)


class Disk:
    """One database file. `keep`: how many earlier commits can still be gone back to."""

    def __init__(self, image: bytes, keep: int = 0, *, rows: bool = True) -> None:
        self.keep = keep
        self.commits = 0
        self._rows = rows
        self.images: deque[bytes] = deque(maxlen=max(keep, 1))
        self.connection = self._open(image)

    def _open(self, image: bytes) -> sqlite3.Connection:
        connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        connection.deserialize(image)
        if self._rows:
            connection.row_factory = sqlite3.Row
        return connection

    def committed(self) -> None:
        """A commit is on stable storage."""
        self.commits += 1
        if self.keep:
            self.images.append(self.image())

    def image(self) -> bytes:
        """What a copy of the file made now would hold."""
        return self.connection.serialize()

    def go_back(self, commits: int) -> int:
        """The last commits are lost, as far as they are kept; how many were."""
        images = list(self.images)
        if len(images) < 2:
            return 0
        lost = min(commits, len(images) - 1)
        self.reopen(images[-1 - lost])
        self.images = deque(images[: len(images) - lost], maxlen=self.images.maxlen)
        return lost

    def forget_images(self) -> None:
        """Nothing before now can be gone back to."""
        self.images.clear()
        if self.keep:
            self.images.append(self.image())

    def reopen(self, image: bytes | None = None) -> None:
        """The program that had it open is gone; another one opens what is on the disk."""
        if self.connection.in_transaction:
            self.connection.execute("ROLLBACK")
        if image is not None:
            self.connection.close()
            self.connection = self._open(image)

"""What can go wrong with the server's database: environment errors with a sentence to act on."""

from __future__ import annotations


class StoreError(Exception):
    """The database cannot be used; the message says what to do."""


class StoreDamaged(StoreError):
    """The file is not a sound database."""


class StoreFromNewerVersion(StoreError):
    """A later Boxgate wrote this database."""


class StoreFromOlderVersion(StoreError):
    """An earlier Boxgate wrote this database: `boxgate-server migrate` takes it on."""


class StoreInUse(StoreError):
    """Others are connected to a database that must be left alone for a while."""


class StoreMissing(StoreError):
    """There is no database yet: `boxgate-server init` makes one."""


class StreamRefused(Exception):
    """Work on a stream was refused before anything was read or written; others are not touched."""


class StoreBusy(StoreError):
    """The writer's queue is full; the caller may try again in a moment."""

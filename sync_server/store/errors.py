"""What can go wrong with the server's database: environment errors with a sentence to act on."""

from __future__ import annotations


class StoreError(Exception):
    """The database cannot be used; the message says what to do."""


class StoreDamaged(StoreError):
    """The file is not a sound database."""


class StoreFromNewerVersion(StoreError):
    """A later Boxgate wrote this database."""


class StoreMissing(StoreError):
    """There is no database yet: `boxgate-server init` makes one."""


class StoreBusy(StoreError):
    """The writer's queue is full; the caller may try again in a moment."""

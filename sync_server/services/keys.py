"""The server's own keys: files in `data_dir/keys`, outside the database and its backups.

The database's `meta` names each by its fingerprint, so that a server never runs with the keys of
another house.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from ticketing.keys import KEY_BYTES, fingerprint, public_of

FOLDER_NAME = "keys"
META_PREFIX = "key:"

_FOLDER_MODE, _FILE_MODE = 0o700, 0o600
_OPEN_TO_OTHERS = 0o077


class KeyName(StrEnum):
    """What a key is for; also its file's name and, behind META_PREFIX, its name in `meta`."""

    TOKEN = "token"  # noqa: S105 - the key's name; Ed25519, signs access tokens
    NODE = "node"  # Ed25519, vouches for the nodes' keys; its fingerprint is in enrolment codes
    COOKIE = "cookie"  # keys the console's form tokens
    PERSONAL_DATA = "personal-data"  # encrypts what is stored about buyers


class KeyProblem(Exception):
    """A key cannot be used; the message names the file and says what to do."""


@dataclass(frozen=True, slots=True, repr=False)
class ServerKeys:
    """Four secrets of 32 bytes each."""

    token: bytes
    node: bytes
    cookie: bytes
    personal_data: bytes

    @property
    def token_public(self) -> bytes:
        """What access tokens are checked with."""
        return public_of(self.token)

    @property
    def node_public(self) -> bytes:
        """The server's key as nodes know it."""
        return public_of(self.node)

    def fingerprints(self) -> dict[str, str]:
        """Fingerprints in hex, as `meta` keeps them."""
        return {name: _fingerprint(name, value) for name, value in self.named().items()}

    def named(self) -> dict[KeyName, bytes]:
        """The secrets by the names of their files."""
        return {
            KeyName.TOKEN: self.token,
            KeyName.NODE: self.node,
            KeyName.COOKIE: self.cookie,
            KeyName.PERSONAL_DATA: self.personal_data,
        }


def make_keys(folder: Path) -> ServerKeys:
    """Make the folder and the four files, durably. FileExistsError when the folder is there."""
    folder.mkdir(mode=_FOLDER_MODE)
    keys = ServerKeys(*(secrets.token_bytes(KEY_BYTES) for _ in KeyName))
    for name, value in keys.named().items():
        _write_new(folder / name, value.hex().encode() + b"\n")
    _sync_folder(folder)
    _sync_folder(folder.parent)
    return keys


def load_keys(folder: Path, expected: Mapping[str, str]) -> ServerKeys:
    """Read the keys that the database names. Raises KeyProblem for the first that is not right."""
    _check_folder(folder)
    found = {name: _read(folder / name) for name in KeyName}
    for name, value in found.items():
        if _fingerprint(name, value) != expected.get(name):
            raise KeyProblem(
                f"key file {folder / name} is not the one that this database was made with; "
                "put the file back that belongs to it, from the copy made after 'init'"
            )
    return ServerKeys(*(found[name] for name in KeyName))


def _fingerprint(name: str, value: bytes) -> str:
    """Of the public half where there is one: it may be shown and compared by people."""
    if name in (KeyName.TOKEN, KeyName.NODE):
        return fingerprint(public_of(value)).hex()
    return hashlib.sha256(b"boxgate secret\0" + name.encode() + b"\0" + value).hexdigest()[:20]


def _check_folder(folder: Path) -> None:
    try:
        mode = folder.stat().st_mode
    except FileNotFoundError:
        raise KeyProblem(
            f"the key folder {folder} is missing; put it back from the copy made after 'init': "
            "without it this database cannot be used"
        ) from None
    except OSError as error:
        raise KeyProblem(f"the key folder {folder} cannot be read: {error.strerror}") from error
    _refuse_open(folder, mode, "700")


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read(KEY_BYTES * 4)
    except FileNotFoundError:
        raise KeyProblem(
            f"key file {path} is missing; put it back from the copy made after 'init'"
        ) from None
    except OSError as error:
        raise KeyProblem(f"key file {path} cannot be read: {error.strerror}") from error
    _refuse_open(path, mode, "600")
    try:
        value = bytes.fromhex(text.decode().strip())
    except ValueError:
        value = b""
    if len(value) != KEY_BYTES:
        raise KeyProblem(f"key file {path} is damaged; put it back from the copy made after 'init'")
    return value


def _refuse_open(path: Path, mode: int, wanted: str) -> None:
    if stat.S_IMODE(mode) & _OPEN_TO_OTHERS:
        raise KeyProblem(
            f"{path} can be read or changed by other users of this machine "
            f"(mode {stat.S_IMODE(mode):03o}); run: chmod {wanted} {path}"
        )


def _write_new(path: Path, data: bytes) -> None:
    # O_EXCL: a file or link that somebody put there is never written through.
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, _FILE_MODE)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

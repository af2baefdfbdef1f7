"""Who this node is: its own key, and what the server told it when it was enrolled."""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from edge.env import Env
from edge.errors import EnrolmentRefused, IdentityError
from ticketing.ids import KeyId, is_node_id, is_stream_id
from ticketing.keys import KEY_BYTES, fingerprint, is_signed, key_id, node_key_message, public_of

KEY_FILE = "node.key"
NEXT_KEY_FILE = "node.key.next"
"""Of a node that is being enrolled again: until the server has taken it."""
_IDENTITY_FILE = "identity.json"
_CODE = re.compile(r"[A-Z2-7]{32}")
_SERVER_KEY = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Identity:
    """The enrolment. Keys are hex; `server_key` is trusted because the code's fingerprint said so."""

    node_id: str
    role: str
    name: str
    venue_id: str
    issuer: str
    server_key: str


@dataclass(frozen=True, slots=True)
class NodeKey:
    """The node's Ed25519 key pair as raw bytes.

    `training`: made for training and known to no house; every code that it signs says so.
    """

    private: bytes
    public: bytes
    training: bool = False

    @property
    def id(self) -> KeyId:
        """The key's short id, as tickets cite it."""
        return key_id(self.public)


@dataclass(frozen=True, slots=True)
class EnrolmentCode:
    """What a person types in: a secret for the server, and the server key's fingerprint."""

    secret: str
    server_fingerprint: bytes

    @staticmethod
    def parse(text: str) -> EnrolmentCode:
        """Read a code with or without dashes, blanks and in any case; EnrolmentRefused if none."""
        compact = re.sub(r"[\s-]", "", text).upper()
        if _CODE.fullmatch(compact) is None:
            raise EnrolmentRefused(
                "this is not an enrolment code: it has 32 letters and digits (A-Z, 2-7) in eight "
                "groups; copy it whole from 'boxgate-server enrol-code'"
            )
        try:
            mark = base64.b32decode(compact[16:])
        except binascii.Error as error:  # pragma: no cover - the pattern admits only base32
            raise EnrolmentRefused("this is not an enrolment code") from error
        return EnrolmentCode(compact[:16], mark)


def load_or_make_key(folder: Path, env: Env, name: str = KEY_FILE) -> NodeKey:
    """The node's key; made on first use, readable by its owner only."""
    path = folder / name
    if not path.exists():
        write_private(path, env.random_bytes(KEY_BYTES))
    return load_key(folder, name)


def load_key(folder: Path, name: str = KEY_FILE) -> NodeKey:
    """The node's key. Raises IdentityError when it is missing, damaged or open to others."""
    private = read_private(folder / name)
    if len(private) != KEY_BYTES:
        raise IdentityError(
            f"{name} is damaged ({len(private)} bytes instead of {KEY_BYTES}); "
            "enrol this node again in a new folder"
        )
    return NodeKey(private, public_of(private))


def discard_key(folder: Path, name: str = KEY_FILE) -> None:
    """Forget a key that no server has accepted."""
    (folder / name).unlink(missing_ok=True)


def promote_key(folder: Path) -> None:
    """The next key, accepted by the server, becomes the node's. Raises IdentityError."""
    try:
        (folder / NEXT_KEY_FILE).replace(folder / KEY_FILE)
        _sync_folder(folder)
    except OSError as error:
        raise IdentityError(f"cannot write {KEY_FILE}: {error.strerror}") from error


def is_enrolled(folder: Path) -> bool:
    """Whether this folder belongs to an enrolled node."""
    return (folder / _IDENTITY_FILE).exists()


def load_identity(folder: Path) -> Identity:
    """The enrolment. Raises IdentityError when there is none or it cannot be read."""
    path = folder / _IDENTITY_FILE
    if not path.exists():
        raise IdentityError(
            "this node is not enrolled yet: get a code with 'boxgate-server enrol-code' and run "
            "the 'enrol' command with it"
        )
    content = read_private(path)
    try:
        identity = _sound_identity(json.loads(content))
    except (ValueError, RecursionError):
        identity = None
    if identity is None:
        raise IdentityError(f"{_IDENTITY_FILE} is damaged; enrol this node again in a new folder")
    return identity


def save_identity(folder: Path, identity: Identity) -> None:
    """Keep the enrolment; the last step of enrolling, so that a half-done one is not believed."""
    write_private(
        folder / _IDENTITY_FILE, json.dumps(asdict(identity), ensure_ascii=False).encode()
    )


def identity_from_reply(
    reply: Mapping[str, object], code: EnrolmentCode, public: bytes
) -> Identity:
    """Check the server's answer to an enrolment. Raises EnrolmentRefused unless it proves itself."""
    identity = _sound_identity(reply)
    if identity is None:
        raise EnrolmentRefused("the server's answer makes no sense; check its address and version")
    try:
        signature = bytes.fromhex(str(reply.get("key_signature")))
    except ValueError:
        signature = b""
    server_key = bytes.fromhex(identity.server_key)
    if fingerprint(server_key) != code.server_fingerprint:
        raise EnrolmentRefused(
            "this is not the server that made the enrolment code: check the server's address, and "
            "that nobody stands between; nothing was sent but the code's first half"
        )
    message = node_key_message(identity.node_id, identity.role, public)
    if not is_signed(server_key, signature, message):
        raise EnrolmentRefused("the server did not sign this node's key; get a new code")
    return identity


def _sound_identity(raw: object) -> Identity | None:
    """The enrolment that a JSON value holds, or None."""
    if not isinstance(raw, Mapping):
        return None
    texts = {field: raw.get(field) for field in Identity.__slots__}
    if not all(isinstance(text, str) for text in texts.values()):
        return None
    identity = Identity(**{field: str(text) for field, text in texts.items()})
    sound = (
        is_node_id(identity.node_id)
        and is_stream_id(identity.venue_id)
        and _SERVER_KEY.fullmatch(identity.server_key)
    )
    return identity if sound else None


def read_private(path: Path) -> bytes:
    """A file that only its owner may read. Raises IdentityError."""
    try:
        mode = path.stat().st_mode
        raw = path.read_bytes()
    except OSError as error:
        raise IdentityError(f"cannot read {path.name}: {error.strerror}") from error
    if stat.S_IMODE(mode) & 0o077:
        raise IdentityError(
            f"{path.name} can be read by others; make it private (chmod 600) and find out who did"
        )
    return raw


def write_private(path: Path, content: bytes) -> None:
    """Write atomically and durably, readable by the owner only. Raises IdentityError."""
    draft = path.with_name(path.name + ".new")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft.unlink(missing_ok=True)
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise IdentityError(f"cannot write {path.name}: {error.strerror}") from error


def _sync_folder(path: Path) -> None:
    """Make a file's new name durable."""
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)

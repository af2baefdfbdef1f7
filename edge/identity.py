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

_KEY_FILE = "node.key"
_IDENTITY_FILE = "identity.json"
_CODE = re.compile(r"[A-Z2-7]{32}")


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
    """The node's Ed25519 key pair as raw bytes."""

    private: bytes
    public: bytes

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


def load_or_make_key(folder: Path, env: Env) -> NodeKey:
    """The node's key; made on first use, readable by its owner only."""
    path = folder / _KEY_FILE
    if not path.exists():
        _write_private(path, env.random_bytes(KEY_BYTES))
    return load_key(folder)


def load_key(folder: Path) -> NodeKey:
    """The node's key. Raises IdentityError when it is missing, damaged or open to others."""
    private = _read_private(folder / _KEY_FILE)
    if len(private) != KEY_BYTES:
        raise IdentityError(
            f"{_KEY_FILE} is damaged ({len(private)} bytes instead of {KEY_BYTES}); "
            "enrol this node again in a new folder"
        )
    return NodeKey(private, public_of(private))


def discard_key(folder: Path) -> None:
    """Forget a key that no server has accepted."""
    (folder / _KEY_FILE).unlink(missing_ok=True)


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
    try:
        raw = json.loads(_read_private(path))
        return Identity(**{field: str(raw[field]) for field in Identity.__slots__})
    except (ValueError, KeyError, TypeError) as error:
        raise IdentityError(
            f"{_IDENTITY_FILE} is damaged; enrol this node again in a new folder"
        ) from error


def save_identity(folder: Path, identity: Identity) -> None:
    """Keep the enrolment; the last step of enrolling, so that a half-done one is not believed."""
    _write_private(
        folder / _IDENTITY_FILE, json.dumps(asdict(identity), ensure_ascii=False).encode()
    )


def identity_from_reply(
    reply: Mapping[str, object], code: EnrolmentCode, public: bytes
) -> Identity:
    """Check the server's answer to an enrolment. Raises EnrolmentRefused unless it proves itself."""
    texts = {key: value for key, value in reply.items() if isinstance(value, str)}
    try:
        server_key = bytes.fromhex(texts["server_key"])
        signature = bytes.fromhex(texts["key_signature"])
        identity = Identity(**{field: texts[field] for field in Identity.__slots__})
    except (KeyError, ValueError) as error:
        raise EnrolmentRefused("the server's answer makes no sense; check its address") from error
    if fingerprint(server_key) != code.server_fingerprint:
        raise EnrolmentRefused(
            "this is not the server that made the enrolment code: check the server's address, and "
            "that nobody stands between; nothing was sent but the code's first half"
        )
    message = node_key_message(identity.node_id, identity.role, public)
    if not is_signed(server_key, signature, message):
        raise EnrolmentRefused("the server did not sign this node's key; get a new code")
    if not (is_node_id(identity.node_id) and is_stream_id(identity.venue_id)):
        raise EnrolmentRefused("the server's answer makes no sense; check its version")
    return identity


def _read_private(path: Path) -> bytes:
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


def _write_private(path: Path, content: bytes) -> None:
    """Write atomically and durably, readable by the owner only."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)

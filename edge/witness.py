"""The witness's files: outside of the data folder, and outside of every backup of it.

Two slots are written in turn. A write that is cut off spoils the older one, and the newer one
still tells what was before; it is behind the journal then, as after any crash between the two.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from edge.errors import ReplicaError, WitnessUnwritable
from edge.recorder import Witnessed

_SLOTS = 2
_DIGEST_CHARS = 64
_SIZE_MAX = 16 * 1024 * 1024


def default_witness_dir() -> Path:
    """The system's state folder: systemd's for this service, else the user's."""
    given = os.environ.get("STATE_DIRECTORY", "").split(":")[0]
    if given:
        return Path(given) / "witness"
    home = os.environ.get("XDG_STATE_HOME", "")
    if home:
        return Path(home) / "boxgate" / "witness"
    if os.geteuid() == 0:
        return Path("/var/lib/boxgate/witness")
    return Path.home() / ".local/state/boxgate/witness"


class WitnessFiles:
    """One node's testimony in a folder that nodes may share."""

    def __init__(self, folder: Path, node_id: str, data_dir: Path) -> None:
        """Raises ReplicaError for a folder inside the data folder: it would be copied with it."""
        if folder.resolve().is_relative_to(data_dir.resolve()):
            raise ReplicaError(
                f"witness_dir {folder} lies inside the data folder, where it would be set back "
                "and copied together with what it vouches for; choose a folder outside"
            )
        self._paths = [folder / f"{node_id}.{slot}" for slot in range(_SLOTS)]
        self._next = 0

    def read(self) -> Witnessed | None:
        """The newer sound slot. Raises ReplicaError when a slot can't be read at all."""
        sound = [found for found in map(_read, self._paths) if found is not None]
        if not sound:
            return None
        turn, testimony = max(sound, key=lambda found: found[0])
        self._next = turn + 1
        return testimony

    def write(self, testimony: Witnessed) -> None:
        """Over the older slot, durably. Raises WitnessUnwritable; the newer one is whole then."""
        path = self._paths[self._next % _SLOTS]
        body = json.dumps(
            {
                "turn": self._next,
                "node": testimony.node_id,
                "machine": testimony.machine_id,
                "boot": testimony.boot_id,
                "inc": testimony.incarnation,
                "heads": testimony.heads,
            },
            sort_keys=True,
        )
        try:
            _write(path, f"{hashlib.sha256(body.encode()).hexdigest()}\n{body}\n".encode())
        except OSError as error:
            raise WitnessUnwritable(
                f"the witness {path} cannot be written ({error.strerror}): nothing more may be "
                "sold here until it can; free some space, or mend the folder's permissions"
            ) from error
        self._next += 1


def _write(path: Path, content: bytes) -> None:
    is_new = not path.exists()
    if is_new:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        written = 0
        while written < len(content):
            written += os.write(handle, content[written:])
        os.ftruncate(handle, len(content))
        os.fsync(handle)
    finally:
        os.close(handle)
    if is_new:
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _read(path: Path) -> tuple[int, Witnessed] | None:
    """The turn and the testimony of a slot; None when there is none, or not a whole one."""
    try:
        with path.open("rb") as file:
            content = file.read(_SIZE_MAX)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ReplicaError(
            f"the witness {path} cannot be read ({error.strerror}); mend the folder's permissions"
        ) from error
    digest, body = content[:_DIGEST_CHARS], content[_DIGEST_CHARS + 1 : -1]
    if hashlib.sha256(body).hexdigest().encode() != digest:
        return None
    raw: dict[str, Any] = json.loads(body)
    heads = {stream: (seq, head_hash) for stream, (seq, head_hash) in raw["heads"].items()}
    told = Witnessed(raw["node"], raw["machine"], raw["boot"], raw["inc"], heads)
    return raw["turn"], told

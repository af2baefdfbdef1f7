"""An enrolled node put together from its folder: identity, key, replica, sync engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from edge.client import ServerClient
from edge.env import Env
from edge.errors import (
    EdgeError,
    EnrolmentRefused,
    IdentityError,
    ReplicaError,
    ReplicaInUse,
    ServerRefused,
    ServerUnreachable,
)
from edge.identity import Identity, NodeKey, load_identity, load_key
from edge.replica import Replica
from edge.sync import SyncEngine
from edge.witness import WitnessFiles, default_witness_dir
from program.errors import ProgramError
from program.exit_codes import ExitCode

_EXIT_CODES: tuple[tuple[type[EdgeError], ExitCode], ...] = (
    (ReplicaInUse, ExitCode.BUSY),
    (ReplicaError, ExitCode.STORAGE),
    (IdentityError, ExitCode.REFUSED),
    (EnrolmentRefused, ExitCode.REFUSED),
    (ServerRefused, ExitCode.REFUSED),
    (ServerUnreachable, ExitCode.UNREACHABLE),
)


@dataclass(frozen=True, slots=True)
class Node:
    """Everything a till or a gate has of its own, opened and not yet started."""

    identity: Identity
    key: NodeKey
    replica: Replica
    engine: SyncEngine
    env: Env
    new_client: Callable[[], ServerClient]


def open_node(folder: Path, url: str, role: str, env: Env, witness_dir: Path | None = None) -> Node:
    """Open an enrolled node's folder. Raises EdgeError with what to do.

    Without `witness_dir` the witness is in the system's state folder.
    """
    identity = load_identity(folder)
    if identity.role != role:
        raise IdentityError(
            f"this folder belongs to a {identity.role}, and this program is a {role}; "
            "give it the folder it was enrolled with"
        )
    key = load_key(folder)
    version = program_version()
    witness = WitnessFiles(witness_dir or default_witness_dir(), identity.node_id, folder)
    replica = Replica(folder, env, witness)

    def new_client() -> ServerClient:
        return ServerClient(url, identity, key, env, version=version)

    engine = SyncEngine(replica, env, new_client, version)
    return Node(identity, key, replica, engine, env, new_client)


def program_version() -> str:
    """Boxgate's version as installed."""
    return metadata.version("boxgate")


def as_program_error(error: EdgeError) -> ProgramError:
    """The same error for a command line: its sentence, and the exit code of its kind."""
    code = next((code for kind, code in _EXIT_CODES if isinstance(error, kind)), ExitCode.FAILED)
    return ProgramError(str(error), code)

"""What a node's environment can do to it.

EdgeError
+-- ReplicaError            the local files
|   +-- ReplicaDamaged      not a sound database
|   +-- ReplicaFromNewerVersion
|   +-- ReplicaMissing      enrolled, but the journal is gone
|   +-- ReplicaFull         nothing more can be written
|   |   +-- WitnessUnwritable   the witness can't, so the journal must not
|   +-- ReplicaInUse        another process holds the folder
+-- IdentityError           key or enrolment missing, unreadable, or open to others
+-- EnrolmentRefused        the server does not take the code
+-- SnapshotUnusable        a snapshot file that is not whole or makes no sense: pull instead
+-- ServerUnreachable       no answer, or none that makes sense: try again later
|   +-- AnswerMakesNoSense  it was reached, and what it said is no answer
+-- ServerRefused           an answer that says no, with a code
"""

from __future__ import annotations


class EdgeError(Exception):
    """The environment failed; the message says what happened and what to do."""


class ReplicaError(EdgeError):
    """The node's own database files cannot be used."""


class ReplicaDamaged(ReplicaError):
    """The file is not a sound database."""


class ReplicaFromNewerVersion(ReplicaError):
    """A later Boxgate wrote the file."""


class ReplicaMissing(ReplicaError):
    """The node is enrolled but its journal is gone."""


class ReplicaFull(ReplicaError):
    """The disk (or the file's size limit) is full: nothing was recorded."""


class WitnessUnwritable(ReplicaFull):
    """The witness outside the data folder can't be written: nothing more is recorded."""


class ReplicaInUse(ReplicaError):
    """Another process holds the folder: two would fork the journal."""


class IdentityError(EdgeError):
    """The node's key or enrolment is missing or cannot be trusted."""


class EnrolmentRefused(EdgeError):
    """The server, or this node, does not accept the enrolment."""


class SnapshotUnusable(EdgeError):
    """A snapshot file that is not whole, makes no sense, or is not what was asked for."""


class ServerUnreachable(EdgeError):
    """No answer from the server, or none that makes sense. Nothing is known of the effect."""


class AnswerMakesNoSense(ServerUnreachable):
    """The server was reached; what it said with this HTTP status is no answer to the question."""

    def __init__(self, message: str, status: int = 200) -> None:
        super().__init__(message)
        self.status = status


class ServerRefused(EdgeError):
    """The server said no. `code` is stable; `detail` is for people."""

    def __init__(self, status: int, code: str, detail: str, body: dict[str, object]) -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.status = status
        self.code = code
        self.detail = detail
        self.body = body

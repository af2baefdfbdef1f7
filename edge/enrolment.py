"""Enrolling a node: a code for a key, once."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from edge.client import new_http, request
from edge.env import Env, machine_id
from edge.errors import EnrolmentRefused, ServerRefused
from edge.identity import (
    KEY_FILE,
    NEXT_KEY_FILE,
    EnrolmentCode,
    Identity,
    NodeKey,
    discard_key,
    identity_from_reply,
    is_enrolled,
    load_identity,
    load_or_make_key,
    promote_key,
    save_identity,
)
from edge.journal import begin_incarnation, incarnation_of, is_locked
from edge.protocol.hello import PROTO
from edge.replica import Replica, create_journal

FIRST_INCARNATION = 1
_KEYS_MAX = 3
_SENTENCES: Mapping[str, str] = {
    "enrolment_code_wrong": "the server does not know this enrolment code: check for typing "
    "mistakes, or get a new one with 'boxgate-server enrol-code'",
    "enrolment_code_expired": "this enrolment code has expired: get a new one with "
    "'boxgate-server enrol-code'",
    "enrolment_code_used": "this enrolment code was used by another machine: get a new one with "
    "'boxgate-server enrol-code'",
    "not_below_hub": "only gates join by a hub: enrol this machine at the centre's own address",
    "enrolment_code_other_role": "this code is for a machine of another kind (till or gate): use "
    "it there, it is still good, and get one for this machine with 'boxgate-server enrol-code'",
}


def enrol(folder: Path, url: str, code_text: str, role: str, env: Env, *, version: str) -> Identity:
    """Make this folder an enrolled node's. Repeating it after a lost answer is safe.

    A locked node is enrolled again in its own folder: with a new key, and empty journals beside
    those that it has. Raises EnrolmentRefused with what to do, or ServerUnreachable.
    """
    if is_enrolled(folder):
        return _enrol_again(folder, url, code_text, role, env, version)
    identity, incarnation = apply_for(folder, url, code_text, role, env, version=version)
    create_journal(
        folder / "journal.db",
        node_id=identity.node_id,
        venue_id=identity.venue_id,
        incarnation=incarnation,
        machine=machine_id(),
    )
    save_identity(folder, identity)
    return identity


def apply_for(
    folder: Path, url: str, code_text: str, role: str, env: Env, *, version: str
) -> tuple[Identity, int]:
    """Show a code and a key that lies in the folder from then on: who we are, in which life.

    Whoever has no journal of its own, as a hub, saves the identity itself. Raises EnrolmentRefused
    or ServerUnreachable.
    """
    code = EnrolmentCode.parse(code_text)
    reply, key = _ask(folder, KEY_FILE, url, code, role, env, version)
    return _checked(reply, code, key, role), _incarnation(reply, FIRST_INCARNATION)


def _enrol_again(
    folder: Path, url: str, code_text: str, role: str, env: Env, version: str
) -> Identity:
    """A new life for a locked node. The journal first: a key that is left over is found again."""
    before = load_identity(folder)
    with closing(Replica(folder)) as replica:  # holds the folder: the program does not run
        with replica.reading() as connection:
            locked, lived = is_locked(connection), incarnation_of(connection)
        if not (locked or (folder / NEXT_KEY_FILE).exists()):
            raise EnrolmentRefused(
                "this folder belongs to an enrolled node already; use another one"
            )
        code = EnrolmentCode.parse(code_text)
        reply, key = _ask(folder, NEXT_KEY_FILE, url, code, role, env, version, before.node_id)
        identity = _checked(reply, code, key, role)
        if identity.node_id != before.node_id:
            raise EnrolmentRefused(
                f"this code is for another node than {before.name!r}, which this folder belongs "
                "to: get a code for it, or use a new folder"
            )
        begun = _incarnation(reply, 0)
        if begun > lived:
            replica.transact(lambda unit: begin_incarnation(unit, begun, machine_id()))
        elif begun < lived or locked:
            raise EnrolmentRefused("the server did not begin this node anew; get a new code")
    promote_key(folder)
    save_identity(folder, identity)
    return identity


def _ask(
    folder: Path,
    key_file: str,
    url: str,
    code: EnrolmentCode,
    role: str,
    env: Env,
    version: str,
    node_id: str = "",
) -> tuple[dict[str, Any], NodeKey]:
    """Show the code and a key; the server's answer and the key that it took."""
    with new_http(url, version, timeout_s=10) as http:
        for _attempt in range(_KEYS_MAX):
            key = load_or_make_key(folder, env, key_file)
            body = {
                "code_secret": code.secret,
                "public_key": key.public.hex(),
                "role": role,
                "machine_id": machine_id(),
                "proto": [PROTO],
                "program_version": version,
            }
            if node_id:
                body["node_id"] = node_id
            try:
                return request(http, "POST", "/v1/enrol", json=body), key
            except ServerRefused as refusal:
                if refusal.code != "key_id_taken":
                    sentence = _SENTENCES.get(refusal.code, f"the server refused: {refusal}")
                    raise EnrolmentRefused(sentence) from refusal
                discard_key(folder, key_file)
    raise EnrolmentRefused("the server refused every key this node made; call support")


def _checked(reply: Mapping[str, Any], code: EnrolmentCode, key: NodeKey, role: str) -> Identity:
    identity = identity_from_reply(reply, code, key.public)
    if identity.role != role:
        raise EnrolmentRefused(
            f"this code enrols a {identity.role}, and this program is a {role}: get a code with "
            f"'boxgate-server enrol-code --role {role}'"
        )
    return identity


def _incarnation(reply: Mapping[str, Any], otherwise: int) -> int:
    """Which life the server begins with this enrolment."""
    told = reply.get("inc", otherwise)
    if type(told) is not int or not 0 <= told < 2**31:
        raise EnrolmentRefused("the server's answer makes no sense; check its address and version")
    return told

"""Enrolling a node: a code for a key, once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edge.client import new_http, request
from edge.env import Env, machine_id
from edge.errors import EnrolmentRefused, ServerRefused
from edge.identity import (
    EnrolmentCode,
    Identity,
    NodeKey,
    discard_key,
    identity_from_reply,
    is_enrolled,
    load_or_make_key,
    save_identity,
)
from edge.protocol.hello import PROTO
from edge.replica import create_journal

FIRST_INCARNATION = 1
_KEYS_MAX = 3
_SENTENCES: Mapping[str, str] = {
    "enrolment_code_wrong": "the server does not know this enrolment code: check for typing "
    "mistakes, or get a new one with 'boxgate-server enrol-code'",
    "enrolment_code_expired": "this enrolment code has expired: get a new one with "
    "'boxgate-server enrol-code'",
    "enrolment_code_used": "this enrolment code was used by another machine: get a new one with "
    "'boxgate-server enrol-code'",
    "enrolment_code_other_role": "this code is for a machine of another kind (till or gate): use "
    "it there, it is still good, and get one for this machine with 'boxgate-server enrol-code'",
}


def enrol(folder: Path, url: str, code_text: str, role: str, env: Env, *, version: str) -> Identity:
    """Make this folder an enrolled node's. Repeating it after a lost answer is safe.

    Raises EnrolmentRefused with what to do, or ServerUnreachable.
    """
    if is_enrolled(folder):
        raise EnrolmentRefused("this folder belongs to an enrolled node already; use another one")
    code = EnrolmentCode.parse(code_text)
    with new_http(url, version, timeout_s=10) as http:
        for _attempt in range(_KEYS_MAX):
            key = load_or_make_key(folder, env)
            body = {
                "code_secret": code.secret,
                "public_key": key.public.hex(),
                "role": role,
                "machine_id": machine_id(),
                "proto": [PROTO],
                "program_version": version,
            }
            try:
                reply = request(http, "POST", "/v1/enrol", json=body)
            except ServerRefused as refusal:
                if refusal.code != "key_id_taken":
                    sentence = _SENTENCES.get(refusal.code, f"the server refused: {refusal}")
                    raise EnrolmentRefused(sentence) from refusal
                discard_key(folder)
                continue
            return _accept(folder, reply, code, key, role)
    raise EnrolmentRefused("the server refused every key this node made; call support")


def _accept(
    folder: Path, reply: Mapping[str, Any], code: EnrolmentCode, key: NodeKey, role: str
) -> Identity:
    identity = identity_from_reply(reply, code, key.public)
    if identity.role != role:
        raise EnrolmentRefused(
            f"this code enrols a {identity.role}, and this program is a {role}: get a code with "
            f"'boxgate-server enrol-code --role {role}'"
        )
    create_journal(
        folder / "journal.db",
        node_id=identity.node_id,
        venue_id=identity.venue_id,
        incarnation=FIRST_INCARNATION,
    )
    save_identity(folder, identity)
    return identity

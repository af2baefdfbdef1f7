"""A node enrolled again keeps its id and begins a new life with a new key."""

from __future__ import annotations

import json
import secrets
from typing import Any

import pytest

from sync_server.heart.intake import Forked
from sync_server.services.enrolment import (
    Applicant,
    CodeRefusal,
    Enrolled,
    EnrolRefusal,
    add_code_for_node,
    enrol,
    new_code,
)
from sync_server.services.permissions import NodeRole
from tests.integration.sync_server.stage import EVENT, SERVER_KEY, VENUE, Stage, Till
from ticketing.keys import is_signed, key_id, node_key_message, public_of


@pytest.fixture
def till(stage: Stage) -> Till:
    return stage.till("Window 1")


def _code(stage: Stage, name: str = "Window 1") -> str:
    code = new_code(public_of(SERVER_KEY))
    role = stage.do(lambda tx: add_code_for_node(tx, code.secret, name, 60))
    assert role is NodeRole.TILL
    return code.secret


def _enrol(stage: Stage, secret: str, applicant: Applicant) -> Enrolled | EnrolRefusal:
    return stage.do(lambda tx: enrol(tx, VENUE, SERVER_KEY, secret, applicant))


def _machine(node_id: str = "") -> Applicant:
    return Applicant(public_of(secrets.token_bytes(32)), "new machine", "0.2.0", "till", node_id)


def _again(stage: Stage) -> Enrolled:
    made = _enrol(stage, _code(stage), _machine())
    assert isinstance(made, Enrolled)
    return made


def test_it_keeps_its_id_and_gets_the_next_incarnation(stage: Stage, till: Till) -> None:
    machine = _machine(till.node_id)
    made = _enrol(stage, _code(stage), machine)
    assert isinstance(made, Enrolled)
    assert (made.node_id, made.name, made.incarnation) == (till.node_id, "Window 1", 2)
    message = node_key_message(till.node_id, NodeRole.TILL, machine.public)
    assert is_signed(public_of(SERVER_KEY), made.key_signature, message)
    (row,) = stage.rows("SELECT public_key, inc FROM node WHERE id = :i", i=till.node_id)
    assert (row.public_key, row.inc) == (machine.public.hex(), 2)


def test_asking_again_begins_no_third_life(stage: Stage, till: Till) -> None:  # noqa: ARG001
    secret, machine = _code(stage), _machine()
    first = _enrol(stage, secret, machine)
    assert _enrol(stage, secret, machine) == first
    assert _enrol(stage, secret, _machine()) is EnrolRefusal.USED


def test_the_old_key_stays_known_as_a_revoked_one(stage: Stage, till: Till) -> None:
    _again(stage)
    old = key_id(public_of(till.private))
    (row,) = stage.rows("SELECT state, role, rev FROM node WHERE key_id = :k", k=old)
    assert (row.state, row.role) == ("revoked", "till")
    page = stage.pull(stage.gate(), VENUE)
    assert page is not None
    told: list[Any] = [row[2] for row in page.rows if row[0] == "node"]
    assert [body["state"] for body in told if body["key_id"] == old] == ["revoked"]


def test_the_old_journals_are_closed(stage: Stage, till: Till) -> None:
    grant = till.borrow(1, 2)
    till.sell(grant, 1)
    till.push()
    _again(stage)
    till.sell(grant, 2)
    assert isinstance(till.send(till.batch(2, 2)), Forked)
    new_life = stage.one("SELECT count(*) FROM journal WHERE inc = 2")
    assert new_life == 0
    till.ops.clear()
    till.acked, till.incarnation = 0, 2
    till.borrow(3)
    till.say("print", "{}")
    assert len(till.push()) == 1


def test_what_was_lent_stays_reserved_and_is_a_case(stage: Stage, till: Till) -> None:
    grant = till.borrow(1, 2, 3)
    till.sell(grant, 1)
    till.push()
    _again(stage)
    assert stage.claims()[2] == ("allot", str(grant.id), till.node_id)
    (row,) = stage.rows("SELECT id, body FROM case_file WHERE event_id = :e", e=EVENT)
    assert row.id == f"reenrolled:{till.node_id}:1"
    assert json.loads(row.body)["allotments"] == [[str(grant.id), 2]]


def test_a_code_for_one_node_is_not_for_another(stage: Stage, till: Till) -> None:
    other = stage.till("Window 2")
    secret = _code(stage)
    assert _enrol(stage, secret, _machine(other.node_id)) is EnrolRefusal.OTHER_NODE
    assert isinstance(_enrol(stage, secret, _machine(till.node_id)), Enrolled)


def test_the_old_key_begins_no_new_life(stage: Stage, till: Till) -> None:
    applicant = Applicant(public_of(till.private), "copy", "0.1.0", "till", till.node_id)
    assert _enrol(stage, _code(stage), applicant) is EnrolRefusal.KEY_ID_TAKEN


def test_there_is_no_code_for_a_node_that_is_not_there(stage: Stage) -> None:
    refusal = stage.do(lambda tx: add_code_for_node(tx, "A" * 16, "Window 9", 60))
    assert refusal is CodeRefusal.UNKNOWN_NODE

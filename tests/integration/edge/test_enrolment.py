"""Enrolling a folder against a server on loopback."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from edge import enrolment
from edge.commands import run_enrol
from edge.enrolment import enrol
from edge.env import MachineEnv, machine_id
from edge.errors import (
    EnrolmentRefused,
    IdentityError,
    ReplicaError,
    ReplicaInUse,
    ServerUnreachable,
)
from edge.identity import Identity, is_enrolled, load_identity, load_key
from edge.journal import JournalLocked, LockReason, enrolled_on, get_meta, heads, lock_node
from edge.replica import Replica
from program.errors import ProgramError
from program.exit_codes import ExitCode
from tests.fakes.edge_node import (
    NODE,
    SERVER_KEY,
    VENUE,
    TurnedEnv,
    an_identity,
    enrolled_folder,
    write,
)
from tests.fakes.server import Call, FakeServer, Raw, Reset, Say, problem
from ticketing.keys import fingerprint, node_key_message, public_of, sign

CODE = "ABCDEFGHIJKLMNOP" + base64.b32encode(fingerprint(public_of(SERVER_KEY))).decode()


class EnrollingServer(FakeServer):
    """Takes every key, as a till's; signs with the server's key."""

    incarnation = 0

    def _honest(self, call: Call) -> Say:
        if call.name != "enrol":
            return super()._honest(call)
        public = bytes.fromhex(call.body["public_key"])
        signature = sign(SERVER_KEY, node_key_message(NODE, "till", public))
        told = {**asdict(an_identity()), "key_signature": signature.hex()}
        return Say(told | {"inc": self.incarnation} if self.incarnation else told)


@pytest.fixture
def server() -> Iterator[EnrollingServer]:
    with EnrollingServer(NODE, VENUE) as server:
        assert isinstance(server, EnrollingServer)
        yield server


def try_to_enrol(folder: Path, server: FakeServer, role: str = "till") -> Identity:
    return enrol(folder, server.url, CODE, role, TurnedEnv(), version="7")


def test_an_enrolled_folder_has_all_that_a_node_needs(folder: Path, server: FakeServer) -> None:
    assert try_to_enrol(folder, server) == an_identity() == load_identity(folder)
    asked = server.called("enrol")[0].body
    assert asked["code_secret"] == CODE[:16]
    assert asked["public_key"] == load_key(folder).public.hex()
    assert asked["machine_id"] == machine_id()
    with closing(Replica(folder)) as replica, replica.reading() as connection:
        assert get_meta(connection, "node_id") == NODE
        assert get_meta(connection, "venue_id") == VENUE
        assert get_meta(connection, "incarnation") == "1"
        assert enrolled_on(connection) == machine_id()


def test_no_secret_leaves_the_node(folder: Path, server: FakeServer) -> None:
    try_to_enrol(folder, server)
    sent = str(server.called("enrol")[0])
    assert load_key(folder).private.hex() not in sent
    assert CODE[16:] not in sent


def test_an_enrolled_folder_is_not_enrolled_again(folder: Path, server: FakeServer) -> None:
    try_to_enrol(folder, server)
    with pytest.raises(EnrolmentRefused, match="belongs to an enrolled node already"):
        try_to_enrol(folder, server)
    assert len(server.called("enrol")) == 1


@pytest.mark.parametrize("answer", [Reset(after_work=True), Raw(b"HTTP/1.1 "), Say({}, 500)])
def test_a_lost_answer_is_asked_for_again_with_the_same_key(
    folder: Path, server: FakeServer, answer: Any
) -> None:
    server.script("enrol", answer)
    with pytest.raises(ServerUnreachable):
        try_to_enrol(folder, server)
    assert not is_enrolled(folder)
    try_to_enrol(folder, server)
    first, second = (call.body["public_key"] for call in server.called("enrol"))
    assert first == second


def test_a_crash_before_the_last_step_is_no_enrolment(
    folder: Path, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(enrolment, "save_identity", killed)
        with pytest.raises(KeyboardInterrupt):
            try_to_enrol(folder, server)
    assert not is_enrolled(folder)
    assert try_to_enrol(folder, server) == an_identity()


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("enrolment_code_wrong", "check for typing mistakes"),
        ("enrolment_code_expired", "has expired: get a new one"),
        ("enrolment_code_used", "was used by another machine"),
        ("something_new", "the server refused: something_new: as the test says"),
    ],
)
def test_each_refusal_has_its_sentence(
    folder: Path, server: FakeServer, code: str, sentence: str
) -> None:
    server.script("enrol", problem(403, code))
    with pytest.raises(EnrolmentRefused, match=sentence):
        try_to_enrol(folder, server)
    assert not is_enrolled(folder)


def test_a_key_whose_short_id_is_taken_is_made_anew(folder: Path, server: FakeServer) -> None:
    server.script("enrol", *[problem(409, "key_id_taken")] * 2)
    try_to_enrol(folder, server)
    keys = {call.body["public_key"] for call in server.called("enrol")}
    assert len(keys) == 3
    assert load_key(folder).public.hex() in keys


def test_keys_are_not_made_for_ever(folder: Path, server: FakeServer) -> None:
    server.script("enrol", *[problem(409, "key_id_taken")] * 9)
    with pytest.raises(EnrolmentRefused, match="refused every key"):
        try_to_enrol(folder, server)
    assert len(server.called("enrol")) == 3


def test_a_code_for_another_role_is_refused(folder: Path, server: FakeServer) -> None:
    with pytest.raises(EnrolmentRefused, match="enrols a till, and this program is a gate"):
        try_to_enrol(folder, server, role="gate")
    assert not is_enrolled(folder)


def test_another_nodes_journal_in_the_folder_is_not_taken_over(
    folder: Path, server: FakeServer
) -> None:
    enrolled_folder(folder, node_id="00000000000000bb")
    with closing(Replica(folder)) as replica:
        write(replica)
    (folder / "identity.json").unlink()
    with pytest.raises(ReplicaError, match="belongs to another node"):
        try_to_enrol(folder, server)
    assert not is_enrolled(folder)


def test_a_folder_that_cannot_be_written_has_a_sentence(tmp_path: Path, server: FakeServer) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(IdentityError, match="cannot write"):
        try_to_enrol(tmp_path / "file" / "node", server)


def test_the_command_says_who_was_enrolled(
    folder: Path, server: FakeServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_enrol(folder, server.url, CODE, "till") is ExitCode.OK
    assert capsys.readouterr().out == "enrolled as 'POS-01' (till) of house\n"


def test_the_command_without_a_server_ends_with_its_exit_code(folder: Path) -> None:
    with pytest.raises(ProgramError) as caught:
        run_enrol(folder, "http://127.0.0.1:9", CODE, "till")
    assert caught.value.exit_code is ExitCode.UNREACHABLE


def test_a_machine_without_an_id_has_an_empty_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.env._MACHINE_ID_FILE", Path("/nonexistent/machine-id"))
    assert machine_id() == ""


def test_the_machines_env_is_the_machines() -> None:
    env = MachineEnv()
    assert env.wall_ms() > 1_700_000_000_000
    assert env.monotonic_s() <= env.monotonic_s()
    assert len(env.random_bytes(16)) == 16
    assert env.random_bytes(16) != env.random_bytes(16)


# --- a locked node, enrolled again in its own folder


@pytest.fixture
def locked(folder: Path, server: EnrollingServer) -> Path:
    """A till with two operations, fenced by its server."""
    try_to_enrol(folder, server)
    with closing(Replica(folder)) as replica:
        write(replica, count=2)
        replica.transact(lambda unit: lock_node(unit, LockReason.FORKED))
    server.incarnation = 2
    return folder


def test_a_locked_node_begins_anew_and_keeps_what_it_has(
    locked: Path, server: EnrollingServer
) -> None:
    old = load_key(locked)
    assert try_to_enrol(locked, server) == an_identity()
    new = load_key(locked)
    assert new != old
    asked = server.called("enrol")[-1].body
    assert (asked["public_key"], asked["node_id"]) == (new.public.hex(), NODE)
    with closing(Replica(locked)) as replica:
        assert write(replica)[0].seq == 1
        with replica.reading() as connection:
            found = [(head.incarnation, head.seq) for head in heads(connection)]
            assert enrolled_on(connection) == machine_id()
    assert found == [(1, 2), (2, 1)]
    assert not (locked / "node.key.next").exists()


def test_a_node_that_is_in_order_is_not_enrolled_again(
    folder: Path, server: EnrollingServer
) -> None:
    try_to_enrol(folder, server)
    server.incarnation = 2
    with pytest.raises(EnrolmentRefused, match="belongs to an enrolled node already"):
        try_to_enrol(folder, server)


@pytest.mark.parametrize("step", ["promote_key", "save_identity"])
def test_an_enrolment_cut_off_is_repeated_with_the_same_key(
    locked: Path, server: EnrollingServer, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(enrolment, step, killed)
        with pytest.raises(KeyboardInterrupt):
            try_to_enrol(locked, server)
    if step == "promote_key":
        try_to_enrol(locked, server)
    asked = {call.body["public_key"] for call in server.called("enrol")[1:]}
    assert asked == {load_key(locked).public.hex()}
    with closing(Replica(locked)) as replica:
        assert write(replica)[0].seq == 1


@pytest.mark.parametrize("incarnation", [0, 1, "2", 2**40])
def test_a_server_that_begins_nothing_new_leaves_the_node_locked(
    locked: Path, server: EnrollingServer, incarnation: Any
) -> None:
    server.incarnation = incarnation
    old = load_key(locked)
    with pytest.raises(EnrolmentRefused):
        try_to_enrol(locked, server)
    assert load_key(locked) == old
    with closing(Replica(locked)) as replica, pytest.raises(JournalLocked):
        write(replica)


def test_a_code_for_another_node_leaves_the_folder_alone(
    locked: Path, server: EnrollingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{__name__}.NODE", "00000000000000bb")
    monkeypatch.setattr(
        f"{__name__}.an_identity", lambda: replace(_IDENTITY, node_id="00000000000000bb")
    )
    with pytest.raises(EnrolmentRefused, match="another node than 'POS-01'"):
        try_to_enrol(locked, server)
    assert load_identity(locked) == _IDENTITY


def test_a_running_till_is_not_enrolled_behind_its_back(
    locked: Path, server: EnrollingServer
) -> None:
    with closing(Replica(locked)), pytest.raises(ReplicaInUse):
        try_to_enrol(locked, server)


_IDENTITY = an_identity()

"""Key and enrolment in their files: private, whole, and believed only then."""

from __future__ import annotations

import json
import stat
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from edge.errors import IdentityError
from edge.identity import (
    discard_key,
    is_enrolled,
    load_identity,
    load_key,
    load_or_make_key,
    promote_key,
    save_identity,
)
from edge.node import open_node
from tests.fakes.edge_node import TurnedEnv, an_identity, enrolled_folder
from ticketing.keys import is_signed, sign


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_key_is_made_once_and_is_its_owners_alone(folder: Path) -> None:
    key = load_or_make_key(folder, TurnedEnv())
    assert load_or_make_key(folder, TurnedEnv()) == key == load_key(folder)
    assert mode(folder / "node.key") == 0o600
    assert mode(folder) == 0o700
    assert is_signed(key.public, sign(key.private, b"x"), b"x")
    assert [path.name for path in folder.iterdir()] == ["node.key"]


@pytest.mark.parametrize("bits", [0o644, 0o640, 0o604, 0o660, 0o601], ids=oct)
@pytest.mark.parametrize("name", ["node.key", "identity.json"])
def test_a_file_that_others_can_reach_is_refused(folder: Path, name: str, bits: int) -> None:
    enrolled_folder(folder)
    (folder / name).chmod(bits)
    with pytest.raises(IdentityError, match=f"{name} can be read by others"):
        open_node(folder, "http://127.0.0.1:9", "till", TurnedEnv())


@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_key_of_another_size_is_damaged(folder: Path, size: int) -> None:
    load_or_make_key(folder, TurnedEnv())
    (folder / "node.key").write_bytes(bytes(size))
    with pytest.raises(IdentityError, match=f"damaged \\({size} bytes instead of 32\\)"):
        load_key(folder)


def test_a_missing_key_has_a_sentence(folder: Path) -> None:
    with pytest.raises(IdentityError, match=r"cannot read node\.key: No such file"):
        load_key(folder)


def test_a_key_that_nobody_took_is_forgotten(folder: Path) -> None:
    first = load_or_make_key(folder, TurnedEnv())
    discard_key(folder)
    discard_key(folder)
    assert load_or_make_key(folder, TurnedEnv()) != first


def test_an_identity_comes_back_as_it_was_saved(folder: Path) -> None:
    assert not is_enrolled(folder)
    save_identity(folder, an_identity())
    assert is_enrolled(folder)
    assert load_identity(folder) == an_identity()
    assert mode(folder / "identity.json") == 0o600


def test_a_folder_that_is_not_enrolled_says_how(folder: Path) -> None:
    with pytest.raises(IdentityError, match="not enrolled yet: get a code"):
        load_identity(folder)


GOOD: dict[str, Any] = asdict(an_identity())


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{", id="cut"),
        pytest.param(b"null", id="null"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b"{}", id="nothing in it"),
        pytest.param(b"\xff\xfe\x00", id="no text"),
        pytest.param(b"[" * 100_000, id="too deep"),
        pytest.param(json.dumps({**GOOD, "node_id": 5}).encode(), id="a number for an id"),
        pytest.param(json.dumps({**GOOD, "node_id": "x"}).encode(), id="no node id"),
        pytest.param(json.dumps({**GOOD, "venue_id": "X"}).encode(), id="no venue id"),
        pytest.param(json.dumps({**GOOD, "server_key": "x"}).encode(), id="no key"),
        pytest.param(json.dumps({**GOOD, "name": None}).encode(), id="no name"),
    ],
)
def test_a_damaged_identity_is_refused(folder: Path, content: bytes) -> None:
    save_identity(folder, an_identity())
    (folder / "identity.json").write_bytes(content)
    with pytest.raises(IdentityError, match=r"identity\.json is damaged"):
        load_identity(folder)


def test_what_a_crash_left_of_a_draft_is_written_over(folder: Path) -> None:
    folder.mkdir()
    (folder / "identity.json.new").write_bytes(b"half")
    assert not is_enrolled(folder)
    save_identity(folder, an_identity())
    assert load_identity(folder) == an_identity()
    assert not (folder / "identity.json.new").exists()


def test_a_place_that_cannot_be_written_has_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(IdentityError, match=r"cannot write node\.key: "):
        load_or_make_key(tmp_path / "file" / "node", TurnedEnv())


def test_a_next_key_that_cannot_take_its_place_leaves_the_old_one(folder: Path) -> None:
    key = load_or_make_key(folder, TurnedEnv())
    with pytest.raises(IdentityError, match=r"cannot write node\.key: No such file"):
        promote_key(folder)
    assert load_key(folder) == key


def test_a_node_opens_with_everything_it_has(folder: Path) -> None:
    key = enrolled_folder(folder)
    node = open_node(folder, "http://127.0.0.1:9", "till", TurnedEnv())
    try:
        assert (node.identity, node.key) == (an_identity(), key)
        assert node.engine.replica is node.replica
        client = node.new_client()
        client.close()
    finally:
        node.replica.close()


def test_a_folder_of_another_role_is_refused(folder: Path) -> None:
    enrolled_folder(folder, role="gate")
    with pytest.raises(IdentityError, match="belongs to a gate, and this program is a till"):
        open_node(folder, "http://127.0.0.1:9", "till", TurnedEnv())

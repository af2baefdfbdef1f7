"""What comes from the server is taken only when it makes sense."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edge import env as env_module
from edge import replies
from edge.allotments import grant_from_wire
from edge.env import MachineEnv
from edge.errors import ServerUnreachable

WHOLE: dict[str, Any] = {
    "id": "0a1b2c3d-7",
    "p": 1,
    "state": "open",
    "firm": True,
    "units": [[5, 0], [6, 255]],
    "counts": {"child": 3, "adult": 1},
    "soft_s": 10,
    "hard_s": 10,
    "granted_ms": 1,
    "inc": 2,
    "recall": 1,
}


def test_a_whole_grant_is_taken_as_it_was_said() -> None:
    grant = grant_from_wire(WHOLE)
    assert grant is not None
    assert (str(grant.id), grant.performance, grant.firm, grant.state) == (
        "0a1b2c3d-7",
        1,
        True,
        "open",
    )
    assert grant.units == ((5, 0), (6, 255))
    assert grant.counts == (("adult", 1), ("child", 3))
    assert (grant.soft_s, grant.hard_s, grant.granted_ms, grant.incarnation) == (10, 10, 1, 2)
    assert grant.recall


def test_a_server_that_knows_no_terms_lends_without_one() -> None:
    grant = grant_from_wire({"id": "0a1b2c3d-7", "p": 1, "units": []})
    assert grant is not None
    assert (grant.soft_s, grant.hard_s, grant.granted_ms, grant.incarnation) == (0, 0, 0, 0)
    assert not grant.recall


@pytest.mark.parametrize(
    ("key", "value"),
    [
        pytest.param("id", "7", id="no allotment"),
        pytest.param("p", "1", id="a performance in words"),
        pytest.param("p", 2**32, id="a performance that is none"),
        pytest.param("state", "gone", id="a state of next year"),
        pytest.param("units", {"5": 0}, id="units by name"),
        pytest.param("units", [[5, 0], [6]], id="a unit without version"),
        pytest.param("units", [[5, 256]], id="a version too large"),
        pytest.param("counts", [["child", 3]], id="counts in a list"),
        pytest.param("counts", {"child": -1}, id="fewer than none"),
        pytest.param("soft_s", 11, id="a soft term behind the hard one"),
        pytest.param("soft_s", -1, id="a negative term"),
        pytest.param("hard_s", 1e3, id="a fraction"),
        pytest.param("granted_ms", 2**53, id="a time that JSON cannot carry"),
        pytest.param("inc", True, id="a life that is a yes"),
    ],
)
def test_a_grant_with_one_wrong_member_is_none(key: str, value: object) -> None:
    raw = {**WHOLE, key: value}
    assert grant_from_wire(raw) is None
    with pytest.raises(ServerUnreachable, match="makes no sense"):
        replies.grant(raw)


@pytest.mark.parametrize("said", [["no stream!"], "a-stream", {"a": 1}, [3]])
def test_streams_that_are_none_are_not_believed(said: object) -> None:
    with pytest.raises(ServerUnreachable, match="quarantined"):
        replies.streams({"quarantined": said}, "quarantined")


def test_a_server_that_names_no_streams_means_none() -> None:
    assert replies.streams({}, "quarantined") == ()


@pytest.fixture
def no_boot_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    env_module._boot_id.cache_clear()
    monkeypatch.setattr(env_module, "_BOOT_ID_FILE", tmp_path / "none")
    yield
    env_module._boot_id.cache_clear()


@pytest.mark.usefixtures("no_boot_file")
def test_without_a_boot_id_each_start_of_the_program_counts_as_one() -> None:
    first = MachineEnv().boot_id()
    assert first == MachineEnv().boot_id(), "one run of the program is one boot"
    assert len(first) == 32
    env_module._boot_id.cache_clear()  # the program is started again
    assert MachineEnv().boot_id() != first

"""The server's key files: made once, private, and never mixed up."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from sync_server.services.keys import KeyName, KeyProblem, load_keys, make_keys


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "keys"


def test_made_keys_are_read_back(folder: Path) -> None:
    keys = make_keys(folder)
    assert load_keys(folder, keys.fingerprints()) == keys


def test_every_key_is_another_one(folder: Path) -> None:
    keys = make_keys(folder)
    assert len(set(keys.named().values())) == len(KeyName)
    assert len(set(keys.fingerprints().values())) == len(KeyName)


def test_a_fingerprint_gives_nothing_of_a_secret_away(folder: Path) -> None:
    keys = make_keys(folder)
    for name, value in keys.named().items():
        assert keys.fingerprints()[name] not in value.hex()


def test_files_are_for_their_owner_only_whatever_the_umask(folder: Path) -> None:
    make_keys(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_keys_are_never_made_over_others(folder: Path) -> None:
    keys = make_keys(folder)
    with pytest.raises(FileExistsError):
        make_keys(folder)
    assert load_keys(folder, keys.fingerprints()) == keys


def test_secrets_do_not_show_in_a_repr(folder: Path) -> None:
    keys = make_keys(folder)
    assert keys.cookie.hex() not in repr(keys)
    assert repr(keys.cookie) not in repr(keys)


@pytest.mark.parametrize("name", list(KeyName))
@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        pytest.param(lambda path: path.unlink(), "is missing", id="missing"),
        pytest.param(lambda path: path.write_text("00" * 31), "is damaged", id="short"),
        pytest.param(lambda path: path.write_text("zz" * 32), "is damaged", id="garbage"),
        pytest.param(lambda path: path.write_bytes(b"\xff" * 64), "is damaged", id="bytes"),
        pytest.param(lambda path: path.write_text("00" * 32), "is not the one", id="another"),
        pytest.param(lambda path: path.chmod(0o640), "chmod 600", id="open to a group"),
        pytest.param(lambda path: (path.unlink(), path.mkdir()), "cannot be read", id="a folder"),
    ],
)
def test_a_key_that_is_not_right_is_named(
    folder: Path, name: KeyName, damage: object, expected: str
) -> None:
    fingerprints = make_keys(folder).fingerprints()
    assert callable(damage)
    damage(folder / name)
    with pytest.raises(KeyProblem, match=expected) as problem:
        load_keys(folder, fingerprints)
    assert str(folder / name) in str(problem.value)


def test_a_missing_folder_is_named(folder: Path) -> None:
    with pytest.raises(KeyProblem, match=r"key folder .* is missing"):
        load_keys(folder, {})


def test_a_folder_open_to_others_is_refused(folder: Path) -> None:
    fingerprints = make_keys(folder).fingerprints()
    folder.chmod(0o755)
    with pytest.raises(KeyProblem, match="chmod 700"):
        load_keys(folder, fingerprints)


def test_a_key_that_the_database_does_not_name_is_refused(folder: Path) -> None:
    fingerprints = make_keys(folder).fingerprints()
    del fingerprints[KeyName.COOKIE]
    with pytest.raises(KeyProblem, match="cookie is not the one"):
        load_keys(folder, fingerprints)

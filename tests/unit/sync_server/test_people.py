"""Passwords and PINs: random, hashed, and checked in the same time whoever asks."""

from __future__ import annotations

import re

import pytest

from sync_server.services.people import (
    hash_password,
    hash_pin,
    is_guessable,
    is_password,
    random_password,
    random_pin,
)


def test_a_password_is_right_or_wrong() -> None:
    hashed = hash_password("correct horse")
    assert is_password(hashed, "correct horse")
    assert not is_password(hashed, "correct horsf")


@pytest.mark.parametrize("hashed", ["", "not a hash", "$argon2id$v=19$m=8,t=1,p=1$x$y"])
def test_without_a_sound_hash_no_password_is_right(hashed: str) -> None:
    assert not is_password(hashed, "")
    assert not is_password(hashed, "x")


def test_hashes_are_argon2id_and_salted() -> None:
    assert hash_pin("471100").startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert hash_password("x").startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert hash_pin("471100") != hash_pin("471100")


def test_random_passwords_can_be_read_from_paper() -> None:
    passwords = {random_password() for _ in range(50)}
    assert len(passwords) == 50
    assert all(re.fullmatch(r"[a-hjkmnp-z2-9]{4}(-[a-hjkmnp-z2-9]{4}){3}", p) for p in passwords)


@pytest.mark.parametrize("pin", ["111111", "000000", "123456", "654321", "890123", "210987"])
def test_pins_that_people_try_first_are_known(pin: str) -> None:
    assert is_guessable(pin)


@pytest.mark.parametrize("pin", ["290743", "042652", "112233", "135790"])
def test_other_pins_are_good(pin: str) -> None:
    assert not is_guessable(pin)


def test_random_pins_differ_from_each_other_and_are_not_guessable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawn = iter([111111, 4711, 471100, 290743])
    monkeypatch.setattr("secrets.randbelow", lambda _limit: next(drawn))
    assert random_pin() == "004711"
    assert random_pin(taken=["471100"]) == "290743"

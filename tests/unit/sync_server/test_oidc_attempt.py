"""A try to sign in by a provider is one browser's, good once and for ten minutes."""

from __future__ import annotations

import base64
import hashlib

import pytest

from sync_server.console import oidc_attempt
from sync_server.console.oidc_attempt import LIFE_S, UsedAttempts, attempt_of, new_attempt

KEY, NOW_S = bytes(range(32)), 1_800_000_000.0


def test_a_browser_comes_back_to_the_try_that_it_began() -> None:
    begun = new_attempt(KEY, NOW_S)
    found = attempt_of(KEY, begun.cookie, begun.state, NOW_S + LIFE_S - 1)
    assert found == begun
    digest = hashlib.sha256(found.verifier.encode()).digest()
    assert found.challenge == base64.urlsafe_b64encode(digest).decode().rstrip("=")
    texts = {begun.state, begun.nonce, begun.verifier, begun.seed, begun.challenge}
    assert len(texts) == 5
    assert all(len(each) == 43 for each in texts)
    assert begun.verifier not in begun.cookie


def test_nothing_else_is_that_try() -> None:
    begun, other = new_attempt(KEY, NOW_S), new_attempt(KEY, NOW_S)
    seed, until, mark = begun.cookie.split(".")
    for cookie, state, now_s in (
        (begun.cookie, begun.state, NOW_S + LIFE_S),
        (begun.cookie, other.state, NOW_S),
        (begun.cookie, "", NOW_S),
        (begun.cookie, "é", NOW_S),
        (other.cookie, begun.state, NOW_S),
        (f"{seed}.{int(until) + 9_999}.{mark}", begun.state, NOW_S),
        (f"{seed}.{until}.{other.cookie[-43:]}", begun.state, NOW_S),
        ("", begun.state, NOW_S),
    ):
        assert attempt_of(KEY, cookie, state, now_s) is None
    assert attempt_of(bytes(32), begun.cookie, begun.state, NOW_S) is None, "another house"


def test_a_try_is_good_once_and_those_that_are_over_are_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(oidc_attempt, "USED_MAX", 2)
    used, tries = UsedAttempts(), [new_attempt(KEY, NOW_S) for _ in range(3)]
    assert used.use(tries[0], NOW_S)
    assert not used.use(tries[0], NOW_S + 1)
    assert used.use(tries[1], NOW_S + 1)
    assert not used.use(tries[2], NOW_S + 1), "too many at once: none is forgotten that is good"
    assert used.use(tries[2], NOW_S + LIFE_S)

"""Who may see the gate's pages: addresses, keys, and tries that are counted."""

from __future__ import annotations

from pathlib import Path

import pytest

from gate_agent.screen.access import Doorkeeper
from gate_agent.screen.settings import ScreenSettings
from gate_agent.screen.tries import Tries
from gate_agent.settings import GateSettings
from program.errors import SettingsError
from program.settings import load_settings

KEY = "a key of sixteen or more"


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("127.0.0.1:8971", ("127.0.0.1", 8971)),
        ("[::1]:0", ("::1", 0)),
        ("localhost:80", ("localhost", 80)),
    ],
)
def test_an_address_is_host_and_port(address: str, found: tuple[str, int]) -> None:
    settings = ScreenSettings(address)
    settings.check()
    assert settings.host_and_port() == found


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param('address = "here"', "screen.address", id="no port"),
        pytest.param('address = "::1:80"', "screen.address", id="IPv6 without brackets"),
        pytest.param('address = "127.0.0.1:70000"', "screen.address", id="no such port"),
        pytest.param('address = "0.0.0.0:8971"', "needs a 'key'", id="open to everybody"),
        pytest.param('key = "short"', "screen.key", id="short key"),
    ],
)
def test_pages_that_anybody_could_open_are_refused(text: str, words: str, tmp_path: Path) -> None:
    file = tmp_path / "gate.toml"
    file.write_text(f"[screen]\n{text}\n")
    with pytest.raises(SettingsError, match=words.replace(".", r"\.")) as refused:
        load_settings(GateSettings, file)
    assert "short" not in str(refused.value), "a key is never shown"


def test_only_the_key_is_the_key() -> None:
    keeper = Doorkeeper(KEY, is_local=False)
    assert keeper.asks
    assert keeper.is_key(KEY)
    assert not any(keeper.is_key(each) for each in ("", KEY + "x", KEY[:-1], None, 4))
    nobody = Doorkeeper("", is_local=True)
    assert not nobody.asks
    assert not nobody.is_key("")


@pytest.mark.parametrize(
    ("host", "is_ours"),
    [
        ("127.0.0.1:8971", True),
        ("localhost", True),
        ("[::1]:8971", True),
        ("evil.example:8971", False),
        ("127.0.0.1.evil.example", False),
        ("", False),
    ],
)
def test_without_a_key_only_this_machines_own_names_are_answered(host: str, is_ours: bool) -> None:
    assert Doorkeeper("", is_local=True).is_for_us(host) is is_ours
    assert Doorkeeper(KEY, is_local=False).is_for_us(host)


def test_tries_are_counted_for_each_who_tries_and_come_back_with_time() -> None:
    now_s = 0.0
    tries = Tries(2, 30.0, lambda: now_s)
    assert [tries.take("a") for _ in range(3)] == [True, True, False]
    assert tries.take("b")
    assert (tries.wait_s("a"), tries.wait_s("b")) == (30, 0)
    now_s = 30.0
    assert [tries.take("a"), tries.take("a")] == [True, False]
    tries.forget("a")
    assert tries.take("a")

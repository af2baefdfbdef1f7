"""Where somebody is signed in, in words that they know."""

from __future__ import annotations

import pytest

from sync_server.console.login_rows import browser_words

_WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        pytest.param(
            f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_WEBKIT} Chrome/140.0.0.0 Safari/537.36",
            "Chrome · Windows",
            id="chrome",
        ),
        pytest.param(
            f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_WEBKIT} Chrome/140.0 Safari/537 Edg/140.0",
            "Edge · Windows",
            id="edge names chrome and safari, too",
        ),
        pytest.param(
            f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) {_WEBKIT} Version/18.0 Safari/604.1",
            "Safari · iPhone",
            id="a phone like a Mac",
        ),
        pytest.param(
            f"Mozilla/5.0 (Linux; Android 15) {_WEBKIT} Chrome/140.0.0.0 Mobile Safari/537.36",
            "Chrome · Android",
            id="android is a linux",
        ),
        pytest.param(
            "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            "Firefox · Linux",
            id="firefox",
        ),
        pytest.param("curl/8.5.0", "curl/8.5.0", id="no browser"),
        pytest.param("x" * 500, "x" * 60, id="a long one"),
        pytest.param("", "", id="none"),
    ],
)
def test_a_browser_is_called_as_people_call_it(agent: str, words: str) -> None:
    assert browser_words(agent) == words

"""The handheld page that is open hears what it has missed, over real HTTP."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import httpx
import pytest

from gate_agent.screen import streams
from gate_agent.screen.board import Decided
from tests.browser.gate_stage import GateStage, gate_stage


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[GateStage]:
    with gate_stage(tmp_path, language="en") as stage:
        yield stage


@pytest.fixture
def guard(gate: GateStage, monkeypatch: pytest.MonkeyPatch) -> Iterator[httpx.Client]:
    """A handheld that is signed in; a stream of no news says so soon."""
    monkeypatch.setattr(streams, "BEAT_S", 0.05)
    with httpx.Client(base_url=gate.url, trust_env=False, timeout=20) as http:
        signed_in = http.post("/hand/sign-in", data={"person": "p-guard", "pin": "1470"})
        assert signed_in.status_code == 303
        yield http


def page(http: httpx.Client) -> tuple[str, str]:
    """The first page, and the address that it listens to."""
    text = http.get("/hand").raise_for_status().text
    found = re.search(r'data-events="([^"]+)"', text)
    assert found is not None
    return text, unescape(found[1])


def first_event(http: httpx.Client, address: str) -> str:
    """What a page that begins to listen there hears first."""
    with http.stream("GET", address) as answer:
        lines = answer.raise_for_status().iter_lines()
        return next(line for line in lines if line.startswith("event: ")).partition(" ")[2]


def test_a_page_hears_at_once_of_a_scan_between_its_making_and_its_listening(
    gate: GateStage, guard: httpx.Client
) -> None:
    text, address = page(guard)
    assert "Nobody has shown a ticket yet" in text
    gate.refuse("blocked")
    assert first_event(guard, address) == "news"
    assert first_event(guard, address) == "news", "it lost its stream and asks the same again"

    text, address = page(guard)
    assert "Blocked" in text
    assert first_event(guard, address) == "beat", "there is nothing that it does not show"


def test_a_page_hears_at_once_of_a_scan_while_it_was_made(
    gate: GateStage, guard: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    recent = gate.board.recent

    def recent_just_before_a_scan() -> list[Decided]:
        shown = recent()
        gate.refuse("blocked")
        return shown

    monkeypatch.setattr(gate.board, "recent", recent_just_before_a_scan)
    text, address = page(guard)
    assert "Nobody has shown a ticket yet" in text
    assert first_event(guard, address) == "news"


def test_a_page_hears_at_once_of_a_case_between_its_making_and_its_listening(
    gate: GateStage, guard: httpx.Client
) -> None:
    _text, address = page(guard)
    gate.double_entry("00000000000000a0")
    assert first_event(guard, address) == "news"
    text, address = page(guard)
    assert "1 ticket was let in twice" in text
    assert first_event(guard, address) == "beat"

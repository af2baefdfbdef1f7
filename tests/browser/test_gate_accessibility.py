"""A gate's screen in each of its states, and the handheld pages, by axe-core."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.axe import GATE_SCREEN, HOLD_STILL, violations
from tests.browser.conftest import opened_pages
from tests.browser.gate_screens import HAND_SCENES, LANE_SCENES, open_lane
from tests.browser.gate_stage import KEY, GateStage, gate_stage


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GateStage]:
    with gate_stage(tmp_path_factory.mktemp("gate"), language="en") as stage:
        yield stage


@pytest.fixture
def page(chromium: Browser, gate: GateStage) -> Iterator[Page]:
    with opened_pages(chromium, lambda: gate.url) as open_:
        page = open_("/")
        page.add_init_script(HOLD_STILL)
        yield page


def test_a_lanes_screen_is_accessible_whatever_it_shows(page: Page, gate: GateStage) -> None:
    wrong = violations(page)  # the list of lanes
    kinds = set()
    for name, scene in LANE_SCENES.items():
        gate.idle()
        open_lane(page, gate, "zh" if scene.shows == "refuse" else "en")
        scene.happens(gate)
        expect(page.locator("body")).to_have_attribute("data-kind", scene.shows)
        # The kind decides on the colours, and a scene of one kind differs from another by a text.
        looks = GATE_SCREEN[:1] if scene.shows in kinds else GATE_SCREEN
        kinds.add(scene.shows)
        wrong += [f"{name}: {each}" for each in violations(page, looks)]
        expect(page.locator("body")).to_have_attribute("data-kind", scene.shows)
    assert wrong == []


def test_the_handheld_pages_are_accessible(page: Page, gate: GateStage) -> None:
    page.goto(gate.url + "/hand")
    wrong = violations(page)
    page.locator("#person").select_option("p-guard")
    page.locator("#pin").fill("1470")
    page.locator("button.primary").click()
    expect(page.locator("#recent")).to_be_visible()
    for name, go in HAND_SCENES.items():
        go(page, gate)
        wrong += [f"{name}: {each}" for each in violations(page)]
    assert wrong == []


def test_the_page_that_asks_for_the_gates_key_is_accessible(
    chromium: Browser, tmp_path: Path
) -> None:
    with (
        gate_stage(tmp_path, language="en", key=KEY) as gate,
        opened_pages(chromium, lambda: gate.url) as open_,
    ):
        page = open_("/", possible="the server responded with a status of 401")
        expect(page.get_by_label("Key")).to_be_visible()
        assert violations(page) == []

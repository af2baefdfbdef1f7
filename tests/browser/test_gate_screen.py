"""A lane's screen in a real browser: what visitors see, and what becomes of a lost gate."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from tests.browser.conftest import OpenPage, opened_pages
from tests.browser.gate_stage import KEY, GateStage, entry_at, gate_stage
from tests.fakes.till import NOW

SCREEN = "/lanes/1"


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GateStage]:
    with gate_stage(tmp_path_factory.mktemp("gate")) as stage:
        yield stage


@pytest.fixture
def open_page(chromium: Browser, gate: GateStage) -> Iterator[OpenPage]:
    gate.idle()
    with opened_pages(chromium, lambda: gate.url) as open_:
        yield open_


def shows(page: Page, kind: str) -> None:
    expect(page.locator("body")).to_have_attribute("data-kind", kind)


def heard(page: Page) -> Page:
    """The page has its stream, and time stands until the test moves it."""
    expect(page.locator("#link1")).not_to_be_empty()
    return page


def test_a_visitor_is_let_in_the_next_is_not_and_the_screen_waits_again(
    open_page: OpenPage, gate: GateStage
) -> None:
    page = open_page("/")
    page.clock.install()
    page.goto(gate.url + SCREEN)
    heard(page)
    shows(page, "idle")
    expect(page.locator("#event")).to_contain_text("天鹅湖")
    expect(page.locator("#idle")).to_contain_text("Show your code")
    expect(page.locator("#counts")).to_contain_text("318 / 1,200")

    gate.admit()
    shows(page, "admit")
    expect(page.locator("#word")).to_have_text(re.compile("请进 ENTER"))
    expect(page.locator("#reason1")).to_contain_text("1排1座")
    expect(page.locator("#icon svg")).to_have_class(re.compile("lucide-check"))
    size = page.locator("#word1").evaluate("each => parseFloat(getComputedStyle(each).fontSize)")
    assert size >= 120

    gate.refuse("already_used", first_entry=entry_at(NOW - timedelta(minutes=3), "3 号门"))
    shows(page, "refuse")
    expect(page.locator("#word")).to_have_text(re.compile("拒绝 NO ENTRY"))
    expect(page.locator("#reason1")).to_have_text("已使用 14:02 · 3 号门")
    expect(page.locator("#step")).to_contain_text("请到票房")
    page.clock.run_for(4_100)
    shows(page, "idle")
    expect(page.locator("#face")).to_be_hidden()


def test_the_screen_speaks_the_language_it_is_asked_for_and_shows_both(
    open_page: OpenPage, gate: GateStage
) -> None:
    page = heard(open_page(SCREEN + "?lang=en"))
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.locator("#idle h1")).to_have_text("Show your code")
    expect(page.locator("#idle .again")).to_have_text("请出示票码")
    gate.refuse("forged")
    expect(page.locator("#word1")).to_have_text("NO ENTRY")
    expect(page.locator("#word2")).to_have_text("拒绝")
    page.goto(gate.url + SCREEN)
    expect(page.locator("html")).to_have_attribute("lang", "en")


def test_a_gate_that_is_cut_off_says_what_a_copy_could_do(
    open_page: OpenPage, gate: GateStage
) -> None:
    page = heard(open_page(SCREEN + "?lang=en"))
    expect(page.locator("#link")).to_have_attribute("data-level", "ok")
    since_ms = round((NOW - timedelta(minutes=7)).timestamp() * 1000)
    devices = [{"part": "barrier", "state": "gone"}]
    gate.idle(link="offline", offline_since_ms=since_ms, exposed_lanes=3, devices=devices)
    expect(page.locator("#link1")).to_have_text("Offline since 13:58")
    expect(page.locator("#data1")).to_contain_text("a copy could enter at 3 other lanes")
    expect(page.locator("#link")).to_have_attribute("data-level", "warn")
    expect(page.locator("#faults")).to_contain_text("The barrier's board does not answer")
    gate.idle()
    expect(page.locator("#faults li")).to_have_count(0)


def test_a_lane_that_stands_open_or_burns_says_so_instead_of_asking_for_a_code(
    open_page: OpenPage, gate: GateStage
) -> None:
    page = heard(open_page(SCREEN + "?lang=en"))
    until_ms = round((NOW + timedelta(minutes=25)).timestamp() * 1000)
    gate.idle(state="open", open_until_ms=until_ms)
    shows(page, "open")
    expect(page.locator("#idle")).to_be_hidden()
    expect(page.locator("#stands h1 > :visible")).to_have_text("WALK THROUGH 请直接通过")
    expect(page.locator("#until")).to_have_text("until 14:30")
    gate.refuse("forged")
    shows(page, "refuse")
    gate.idle(state="fire")
    shows(page, "fire")
    expect(page.locator("#face")).to_be_hidden()
    expect(page.locator("#stands h1 > :visible")).to_have_text("FIRE ALARM 火警")
    assert page.evaluate(_OVER) == []
    gate.idle()
    shows(page, "idle")
    expect(page.locator("#stands")).to_be_hidden()


def test_staff_see_at_the_lane_that_somebody_slipped_through_or_went_in_twice(
    open_page: OpenPage, gate: GateStage
) -> None:
    page = heard(open_page(SCREEN + "?lang=en"))
    gate.slipped()
    shows(page, "alarm")
    expect(page.locator("#reason1")).to_have_text("Somebody went through without a ticket")
    gate.idle(double_entries=2, unrecorded=1)
    expect(page.locator("#faults li")).to_have_count(2)
    expect(page.locator("#faults")).to_contain_text("2 tickets went in twice")


def test_a_screen_that_lost_its_gate_says_so_and_finds_it_again(
    open_page: OpenPage, gate: GateStage
) -> None:
    page = open_page("/", possible="ERR_")
    page.clock.install()
    page.goto(gate.url + SCREEN)
    heard(page)
    gate.admit()
    shows(page, "admit")
    page.context.set_offline(True)
    gate.server.stop()
    page.clock.run_for(8_000)
    shows(page, "idle")
    expect(page.locator("#lost")).to_be_visible()
    gate.restart()
    page.context.set_offline(False)
    page.clock.run_for(3_000)
    expect(page.locator("#lost")).to_be_hidden()
    gate.admit()
    shows(page, "admit")


def test_a_screen_that_comes_back_shows_the_decision_that_still_stands(
    open_page: OpenPage, gate: GateStage
) -> None:
    gate.refuse("not_in_allotment")
    page = open_page(SCREEN)
    shows(page, "ask")


SIZES: tuple[ViewportSize, ...] = (
    {"width": 1080, "height": 1920},
    {"width": 1280, "height": 800},
    {"width": 390, "height": 844},
)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_no_decision_is_cut_off_by_the_edge(
    open_page: OpenPage, gate: GateStage, language: str
) -> None:
    page = heard(open_page(SCREEN + "?lang=" + language))
    long = {"kind": "blocked_for", "note": "reported as stolen by the buyer, police case 4711/26"}
    told: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("wrong_performance", "other_gate", {"performance": 2}),
        ("blocked", "box_office", {"miss": long}),
        ("allotment_written_off", "supervisor", {}),
    )
    for size in SIZES:
        page.set_viewport_size(size)
        for reason, step, more in told:
            page.evaluate("document.getElementById('word1').textContent = ''")
            gate.refuse(reason, step, **more)
            expect(page.locator("#word1")).not_to_be_empty()
            over = page.evaluate(_OVER)
            assert over == [], (size, reason, over)


def test_on_the_network_a_browser_is_asked_for_the_key_once(
    chromium: Browser, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with (
        gate_stage(tmp_path_factory.mktemp("keyed"), key=KEY, language="en") as gate,
        opened_pages(chromium, lambda: gate.url) as open_page,
    ):
        page = open_page(SCREEN, expected="401")
        page.get_by_label("Key").fill("not the key at all")
        page.get_by_role("button").click()
        expect(page.get_by_role("alert")).to_contain_text("not the key")
        page.goto(f"{gate.url}{SCREEN}?key={KEY.replace(' ', '+')}")
        expect(page).to_have_url(gate.url + SCREEN)
        heard(page)
        assert page.evaluate("document.cookie") == ""
        page.goto(gate.url + "/")
        expect(page.get_by_role("link", name="Lane 2")).to_be_visible()


_OVER = """() => [...document.querySelectorAll('#face *, #stands *, footer *, header *')]
  .filter(each => each.textContent.trim() && !each.closest('[hidden]') && each.tagName !== 'svg')
  .filter(each => { const box = each.getBoundingClientRect(); return box.width && (
    box.right > innerWidth + 1 || box.bottom > innerHeight + 1 || box.top < -1 || box.left < -1); })
  .map(each => each.id || each.tagName)"""

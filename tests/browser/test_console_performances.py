"""A manager moves and copies a performance, in a real browser."""

from __future__ import annotations

import re
from datetime import date, timedelta

from playwright.sync_api import expect

from tests.browser.conftest import OpenPage, RunningServer
from tests.browser.console_house import sign_in


def test_a_performance_is_moved_after_its_consequences_were_seen(
    open_page: OpenPage, server: RunningServer
) -> None:
    page = open_page("/", viewport={"width": 390, "height": 844})
    sign_in(page, server.password)
    page.get_by_role("link", name="Events").click()
    last = page.locator(".dated [data-row]").last
    before = last.inner_text()
    last.click()
    expect(page.locator("#changes")).to_have_count(0)
    page.get_by_role("link", name="Move to another time").click()
    then = date.fromisoformat(page.locator("#date").input_value()) + timedelta(days=7)
    page.locator("#date").fill(then.isoformat())
    page.locator("#time").fill("14:20")
    page.get_by_role("button", name="Show what it means").click()
    preview = page.locator("#preview")
    expect(preview).to_contain_text(before)
    expect(preview).to_contain_text("14:20")
    expect(preview).to_contain_text("Window 2")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    preview.locator("#reason").fill("The soloist is ill")
    preview.get_by_role("button", name="Move it").click()
    expect(page.locator("#changes")).to_contain_text("The soloist is ill")
    expect(page.locator("#told")).to_contain_text("Window 2")
    expect(page.locator(".card h2").first).to_contain_text("14:20")
    page.goto(f"{server.address}/console/events")
    expect(page.locator(".dated")).to_contain_text(re.compile(rf"{then.day} \w+ .*14:20"))


def test_without_scripts_a_move_takes_the_same_two_steps(
    open_page: OpenPage, server: RunningServer
) -> None:
    page = open_page("/", java_script_enabled=False)
    sign_in(page, server.password)
    page.goto(f"{server.address}/console/events")
    page.locator(".dated [data-row]").last.click()
    page.get_by_role("link", name="Move to another time").click()
    page.locator("#time").fill("16:40")
    page.get_by_role("button", name="Show what it means").click()
    page.locator("#reason").fill("The stage is late")
    page.get_by_role("button", name="Move it").click()
    expect(page.locator("#changes")).to_contain_text("The stage is late")


def test_copies_are_looked_at_and_then_added(open_page: OpenPage, server: RunningServer) -> None:
    page = open_page("/", viewport={"width": 390, "height": 844})
    sign_in(page, server.password)
    page.goto(f"{server.address}/console/events")
    rows = page.locator(".dated [data-row]")
    before = rows.count()
    rows.last.click()
    page.get_by_role("link", name="Copy to other times").click()
    first = date.fromisoformat(page.locator("#first").input_value()) + timedelta(days=30)
    page.locator("#first").fill(first.isoformat())
    page.locator("#last").fill((first + timedelta(days=1)).isoformat())
    page.locator("#times").fill("10:10, 14:40")
    page.get_by_role("button", name="Show what there would be").click()
    expect(page.locator("#preview h2")).to_contain_text("4 new performances")
    expect(page.locator("#preview li")).to_have_count(4)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.get_by_role("button", name="Add them").click()
    expect(rows).to_have_count(before + 4)
    expect(page.locator(".dated")).to_contain_text(re.compile(rf"{first.day} \w+ .*14:40"))

"""A manager changes a price, in a real browser, without scripts, on a phone."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.conftest import OpenPage, RunningServer
from tests.browser.console_house import sign_in


def test_a_price_is_changed_and_shown(open_page: OpenPage, server: RunningServer) -> None:
    page = open_page(
        "/",
        possible="the server responded with a status of 400",
        java_script_enabled=False,
        viewport={"width": 390, "height": 844},
    )
    sign_in(page, server.password)
    page.goto(f"{server.address}/console/events")
    page.locator(".card h2 a").first.click()
    page.get_by_role("link", name="Change prices").click()
    first = page.locator(".prices input").first
    name = first.get_attribute("name")
    first.fill("a lot")
    page.get_by_role("button", name="Store the prices").click()
    expect(page.locator(".field-fault").first).to_contain_text("Write an amount")
    page.locator(f'[name="{name}"]').fill("77.50")
    page.get_by_role("button", name="Store the prices").click()
    expect(page.locator("#tiers")).to_contain_text("77.50")
    page.get_by_role("link", name="What was changed").click()
    expect(page.locator("main")).to_contain_text("77.50")

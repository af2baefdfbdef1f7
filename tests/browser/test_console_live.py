"""The overview of a house at work: it shows what happens without anybody touching it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import OpenPage, opened_pages
from tests.browser.console_house import ConsoleHouse, console_house


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleHouse]:
    with console_house(tmp_path_factory.mktemp("arena")) as made:
        yield made


@pytest.fixture
def open_page(chromium: Browser, house: ConsoleHouse) -> Iterator[OpenPage]:
    with opened_pages(chromium, lambda: house.server.url) as open_:
        yield open_


def sign_in(page: Page, house: ConsoleHouse) -> None:
    page.locator("#login").fill("manager")
    page.locator("#password").fill(house.password)
    page.locator("#password").press("Enter")
    expect(page.locator("#live")).to_be_visible()


def test_a_sale_is_on_the_overview_as_soon_as_it_is_heard_of(
    open_page: OpenPage, house: ConsoleHouse
) -> None:
    page = open_page("/")
    page.clock.install()  # and it stands still: the page's own looks never come
    sign_in(page, house)
    with page.expect_response("**/console/live"):
        page.reload()
    window = house.window("Window 1")
    expect(page.locator("#nodes")).to_contain_text("Window 1")
    house.sell(window, 1, 2)
    expect(page.locator(".account .figure").nth(0)).to_have_text("¥760.00")
    expect(page.locator(".account .figure").nth(1)).to_have_text("2 sold")
    expect(page.locator("#nodes .words").first).to_contain_text("Sale")
    expect(page.locator("h1")).to_have_text("All accounted for")


def test_keys_lead_through_what_is_open(open_page: OpenPage, house: ConsoleHouse) -> None:
    page = open_page("/")
    sign_in(page, house)
    page.keyboard.press("j")
    first = page.locator(".performances [data-row]").first
    expect(first).to_be_focused()
    page.keyboard.press("j")
    expect(page.locator(".performances [data-row]").nth(1)).to_be_focused()
    page.keyboard.press("k")
    expect(first).to_be_focused()

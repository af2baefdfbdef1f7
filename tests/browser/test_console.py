"""A manager at the console, in a real browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenPage, RunningServer
from tests.browser.console_house import PERIOD_MS, change, sign_in


def test_a_manager_signs_in_sees_the_books_and_signs_out(
    open_page: OpenPage, server: RunningServer
) -> None:
    page = open_page("/")
    expect(page).to_have_url(re.compile("/console/login$"))
    sign_in(page, server.password)
    expect(page.locator("h1")).to_have_text("All accounted for")
    expect(page.locator(".account .state.ok")).to_have_count(3)
    expect(page.locator(".performances tbody tr")).to_have_count(5)
    expect(page.locator(".nodes")).to_contain_text("Window 2")
    page.get_by_role("button", name="Sign out").click()
    expect(page.locator("#login")).to_be_visible()
    page.goto(server.address + "/console/")
    expect(page.locator("#login")).to_be_visible()


def test_the_page_brings_itself_up_to_date(open_page: OpenPage, server: RunningServer) -> None:
    page = open_page("/")
    page.clock.install()
    sign_in(page, server.password)
    heading = page.locator("h1")
    expect(heading).to_have_text("All accounted for")
    change(server.data_dir, "UPDATE node SET unsynced_count = 2 WHERE name = 'Window 2'")
    page.clock.run_for(PERIOD_MS)
    expect(heading).to_have_text("1 thing is open")
    expect(page.locator(".open-items")).to_contain_text("Window 2: 2 records wait to be sent")
    change(server.data_dir, "UPDATE node SET unsynced_count = 0")
    page.clock.run_for(PERIOD_MS)
    expect(heading).to_have_text("All accounted for")


def test_a_server_that_is_gone_is_said_and_the_figures_stay(
    open_page: OpenPage, server: RunningServer
) -> None:
    page = open_page("/", expected="ERR_INTERNET_DISCONNECTED")
    page.clock.install()
    sign_in(page, server.password)
    expect(page.locator("#stale")).to_be_hidden()
    page.context.set_offline(True)
    page.clock.run_for(PERIOD_MS)
    expect(page.locator("#stale")).to_contain_text("not up to date")
    expect(page.locator("h1")).to_have_text("All accounted for")
    page.context.set_offline(False)
    page.clock.run_for(PERIOD_MS)
    expect(page.locator("#stale")).to_be_hidden()


def test_a_page_left_open_beyond_its_session_leads_to_the_sign_in(
    open_page: OpenPage, server: RunningServer
) -> None:
    page = open_page("/", possible="401 (Unauthorized)")  # by which of its calls it notices
    page.clock.install()
    sign_in(page, server.password)
    change(server.data_dir, "DELETE FROM console_session")
    page.clock.run_for(PERIOD_MS)
    expect(page.locator("#login")).to_be_visible()


def test_without_scripts_the_refresh_link_does_it(
    open_page: OpenPage, server: RunningServer
) -> None:
    page = open_page("/", java_script_enabled=False)
    sign_in(page, server.password)
    page.get_by_role("link", name="Refresh").click()
    expect(page.locator("h1")).to_have_text("All accounted for")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(1366, 768), (390, 844)])
def test_it_fits_the_window_and_follows_the_systems_colours(
    open_page: OpenPage, server: RunningServer, scheme: str, width: int, height: int
) -> None:
    page = open_page("/", color_scheme=scheme, viewport={"width": width, "height": height})
    sign_in(page, server.password)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == {"light": "rgb(237, 240, 244)", "dark": "rgb(11, 16, 23)"}[scheme]
    targets = "a:visible, button:visible, input:visible"
    heights = page.eval_on_selector_all("header a, header button, .button", _HEIGHTS)
    assert page.locator(targets).count() >= 4
    assert min(height for height in heights if height) >= 44


def test_it_speaks_chinese_and_can_be_switched(open_page: OpenPage, server: RunningServer) -> None:
    page = open_page("/", locale="zh-CN")
    sign_in(page, server.password)
    expect(page.locator("html")).to_have_attribute("lang", "zh-Hans")
    expect(page.locator(".brand")).to_contain_text("海韵大剧院")
    expect(page.locator("h1")).to_have_text("账目全部相符")
    page.get_by_role("link", name="English").click()
    expect(page.locator("h1")).to_have_text("All accounted for")


def test_a_wrong_password_is_said_and_the_login_kept(open_page: OpenPage) -> None:
    page = open_page("/console/login", expected="401")
    page.locator("#login").fill("somebody")
    page.locator("#password").fill("wrong")
    page.locator("#password").press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("do not belong together")
    expect(page.locator("#login")).to_have_value("somebody")


_HEIGHTS = "all => all.map(each => each.getBoundingClientRect().height)"


def test_seats_drawn_across_on_the_plan_are_blocked(
    open_page: OpenPage, server: RunningServer
) -> None:
    page = open_page("/")
    sign_in(page, server.password)
    page.goto(server.address + "/console/performances/1/seats")
    drawing = page.locator("svg.plan-drawing")
    drawing.scroll_into_view_if_needed()
    box = drawing.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + box["height"] * 0.3)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.4)
    page.mouse.up()
    chosen = page.locator("input[name=units]").input_value().split(",")
    assert len(chosen) > 10
    expect(page.locator(".chosen-line")).to_contain_text(str(len(chosen)))
    page.get_by_label("For whom").fill("The mayor")
    page.get_by_role("button", name="Block", exact=True).click()
    expect(page.locator("#blocks")).to_contain_text("The mayor")
    expect(page.locator(".seat-states")).to_contain_text(f"Blocked{len(chosen)}")

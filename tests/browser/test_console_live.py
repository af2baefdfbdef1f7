"""The overview of a house at work: it shows what happens without anybody touching it."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.bench._house import EVENT
from tests.browser.conftest import OpenPage
from tests.browser.console_house import PERIOD_MS, ConsoleHouse, change, sign_in


def test_a_sale_is_on_the_overview_as_soon_as_it_is_heard_of(
    open_console: OpenPage, house: ConsoleHouse
) -> None:
    page = open_console("/")
    page.clock.install()  # and it stands still: the page's own looks never come
    sign_in(page, house.password)
    window = house.window("Window 1")
    expect(page.locator("#nodes")).to_contain_text("Window 1")
    house.sell(window, 1, 2)
    expect(page.locator(".account .figure").nth(0)).to_have_text("¥760.00")
    expect(page.locator(".account .figure").nth(1)).to_have_text("2 sold")
    expect(page.locator("#nodes .words").first).to_contain_text("Sale")
    expect(page.locator("h1")).to_have_text("All accounted for")


def test_keys_lead_through_what_is_open(open_console: OpenPage, house: ConsoleHouse) -> None:
    page = open_console("/")
    sign_in(page, house.password)
    page.keyboard.press("j")
    first = page.locator(".performances [data-row]").first
    expect(first).to_be_focused()
    page.keyboard.press("j")
    expect(page.locator(".performances [data-row]").nth(1)).to_be_focused()
    page.keyboard.press("k")
    expect(first).to_be_focused()


def test_the_focus_stays_with_its_row_when_the_list_around_it_changes(
    open_console: OpenPage, house: ConsoleHouse
) -> None:
    house.window("Window 6")
    page = open_console("/")
    sign_in(page, house.password)
    page.clock.install()
    page.goto(f"{house.server.url}/console/nodes")
    rows = page.locator(".machines [data-row]")
    row = rows.filter(has_text="Window 6")
    row.focus()
    house.window("Window 5")
    page.clock.run_for(PERIOD_MS)
    expect(rows.filter(has_text="Window 5")).to_be_visible()
    expect(row).to_be_focused()
    expect(rows.first).not_to_have_text("Window 6")
    change(house.settings.data_dir, "UPDATE node SET unsynced_count = 2 WHERE name = 'Window 6'")
    page.clock.run_for(PERIOD_MS)
    expect(rows.first).to_have_text("Window 6")  # what needs a look comes first
    expect(row).to_be_focused()
    change(house.settings.data_dir, "UPDATE node SET unsynced_count = 0")


def test_a_planted_difference_is_found_traced_and_signed_off(
    open_console: OpenPage, house: ConsoleHouse
) -> None:
    window = house.window("Window 9")
    house.open_shift(window, 0xABC)
    house.sell(window, 101, 2)
    house.close_shift(window, short_minor=500)
    page = open_console("/", expected="409")
    sign_in(page, house.password)
    page.get_by_role("link", name="Reconciliation").click()
    page.get_by_role("link", name="Shifts").click()
    row = page.locator(".scopes tbody tr").filter(has_text="Window 9 · Z 1")
    expect(row).to_contain_text("−¥5.00")
    row.get_by_role("link").click()
    expect(page.locator(".verdict")).to_have_text("1 account does not add up")
    first = page.locator(".check").first
    expect(first).to_contain_text("Cash expected = cash counted")
    expect(first).to_contain_text("differs by −¥5.00")
    page.get_by_role("link", name="The rows behind this").click()
    expect(page.locator(".behind tbody tr")).to_have_count(1)
    expect(page.locator(".behind")).to_contain_text("¥760.00")
    page.go_back()
    page.locator("#note").fill("   ")
    page.get_by_role("button", name="Sign as").click()
    expect(page.get_by_role("alert")).to_contain_text("write down what you know")
    page.locator("#note").fill("A banknote fell behind the drawer.")
    page.get_by_role("button", name="Sign as").click()
    expect(page.locator(".signature")).to_contain_text("A banknote fell behind the drawer.")
    expect(page.locator(".signature .state.ok")).to_be_visible()
    page.emulate_media(media="print", color_scheme="dark")
    expect(page.locator(".sign form")).to_be_hidden()
    colour = page.locator(".signature").evaluate("each => getComputedStyle(each).color")
    assert colour == "rgb(15, 26, 42)", "dark on white paper"
    page.emulate_media(media="screen", color_scheme="light")
    with page.expect_download() as paper:
        page.locator(".signature").get_by_role("link", name="PDF").click()
    assert paper.value.path().read_bytes().startswith(b"%PDF")


def test_a_double_entry_is_settled_by_its_form_also_without_scripts(
    open_console: OpenPage, house: ConsoleHouse
) -> None:
    window = house.window("Window 8")
    sale = house.sell(window, 201, 2)
    for name in ("Gate 1", "Gate 2"):
        house.let_in(house.gate(name), sale)
    page = open_console("/", java_script_enabled=False)
    sign_in(page, house.password)
    page.get_by_role("link", name="Cases", exact=True).click()
    page.get_by_role("link", name="A ticket was let in more than once").click()
    expect(page.locator(".timeline li")).to_have_count(2)
    expect(page.locator(".timeline")).to_contain_text("Gate 1")
    expect(page.locator(".facts")).to_contain_text("Standing #201")
    page.locator("#comment").fill("Lane A had no network.")
    page.locator("form", has=page.locator("#comment")).get_by_role("button").click()
    expect(page.locator(".talk")).to_contain_text("Lane A had no network.")
    page.locator("#why").fill("Two friends with one code; the second has paid.")
    page.get_by_role("button", name="Settle the case").click()
    expect(page.locator(".verdict")).to_contain_text("the second has paid")
    expect(page.get_by_role("button", name="Settle the case")).to_have_count(0)
    page.get_by_role("link", name="Cases", exact=True).last.click()
    expect(page.get_by_text("No case is open.")).to_be_visible()
    page.goto(f"{house.server.url}/console/accounts?by=performance&of={EVENT}/1")
    page.locator(".check.differs").get_by_role("link", name="The rows behind this").click()
    expect(page.locator(".behind tbody tr")).to_contain_text("Standing #201")


@pytest.mark.parametrize("locale", ["en-GB", "zh-CN"])
def test_pages_fit_a_phone_in_both_languages(
    open_console: OpenPage, house: ConsoleHouse, locale: str
) -> None:
    page = open_console("/", locale=locale, viewport={"width": 390, "height": 844})
    sign_in(page, house.password)
    reconciled = ("accounts", "accounts?by=till", "cases", "cases?state=closed")
    for path in ("", *reconciled, "nodes", "people"):
        page.goto(f"{house.server.url}/console/{path}")
        assert page.evaluate("document.documentElement.scrollWidth") == 390, path


def test_a_performance_is_cancelled_and_a_list_says_what_goes_back_also_without_scripts(
    open_console: OpenPage, house: ConsoleHouse
) -> None:
    sale = house.sell(house.window("Window 2"), 1, 2, performance=2)
    page = open_console("/", expected="400", java_script_enabled=False)
    sign_in(page, house.password)
    page.goto(f"{house.server.url}/console/performances/2")
    page.get_by_role("link", name="Cancel it").click()
    expect(page.locator("#preview")).to_contain_text("2 tickets are out")
    expect(page.locator("#preview")).to_contain_text("¥760.00 goes back")
    page.locator("#reason").fill("The stage is under water")
    for password in ("a guess", house.password):
        page.locator("#cancel-password").fill(password)
        page.get_by_role("button", name="Cancel it for ever").click()
        if password != house.password:
            expect(page.get_by_role("alert")).to_contain_text("Your own password is not right")
    expect(page.locator("#changes")).to_contain_text("The stage is under water")
    expect(page.locator("#told")).to_contain_text("Window 2")
    page.get_by_role("link", name="Refund list").click()
    expect(page.locator(".card h2").first).to_contain_text("To give back: ¥760.00")
    expect(page.locator(".spaced.card tbody tr")).to_contain_text(sale.receipt_no)
    with page.expect_download() as told:
        page.get_by_role("link", name="CSV").click()
    assert sale.receipt_no in told.value.path().read_text(encoding="utf-8")

"""A machine is let in and shut out, and a person added, at the console in a real browser."""

from __future__ import annotations

import io
from typing import Any

import httpx
import zxingcpp
from PIL import Image
from playwright.sync_api import Locator, expect

from sync_server.commands import make_enrolment_code
from sync_server.services.permissions import NodeRole
from tests.browser.conftest import OpenPage
from tests.browser.console_house import ConsoleHouse, sign_in
from ticketing.keys import public_of

PRIVATE = bytes(range(32))


def scanned(picture: Locator) -> str:
    """What a scanner reads off the screen."""
    shot = Image.open(io.BytesIO(picture.screenshot())).convert("L")
    found = zxingcpp.read_barcodes(shot)
    assert len(found) == 1
    return found[0].text


def enrol(house: ConsoleHouse, code: str) -> Any:
    """A machine joins with the code, as `boxgate-pos enrol` does."""
    application = {
        "code_secret": code.replace("-", "")[:16],
        "public_key": public_of(PRIVATE).hex(),
        "machine_id": "a machine of the test",
        "proto": [1],
        "program_version": "0.1.0",
    }
    answer = house.http.post("/v1/enrol", json=application)
    assert answer.status_code == httpx.codes.OK, answer.text
    return answer.json()


def test_a_till_is_enrolled_by_its_picture_and_shut_out_when_it_is_stolen(
    open_console: OpenPage, house: ConsoleHouse
) -> None:
    page = open_console("/", color_scheme="dark")
    sign_in(page, house.password)
    page.get_by_role("link", name="Windows and gates", exact=True).click()
    page.locator("#name").fill("Window 5")
    page.locator("#role").select_option("till")
    page.locator("#enrol-password").fill(house.password)
    page.get_by_role("button", name="Show the code").click()
    code = page.locator("#code").inner_text()
    assert scanned(page.locator(".qr-plate")) == code, "black on white, also in the dark"
    page.get_by_role("link", name="To the list").click()
    expect(page.get_by_role("heading", name="Codes that wait for their machine")).to_be_visible()
    make_enrolment_code(house.settings, NodeRole.TILL, "Window 6", 60)
    page.reload()
    page.get_by_role("button", name="Withdraw the code for Window 6").click()
    expect(page.locator("#live")).not_to_contain_text("Window 6")
    assert enrol(house, code)["name"] == "Window 5"
    page.reload()
    row = page.locator(".machines tbody tr").filter(has_text="Window 5")
    expect(row).to_contain_text("0.1.0")
    expect(page.get_by_role("heading", name="Codes that wait for their machine")).to_have_count(0)
    row.get_by_role("link").click()
    page.get_by_label("Stolen: somebody may have it").check()
    page.locator("#reason").fill("Taken from the counter at 18:05.")
    page.locator("#gone-password").fill(house.password)
    page.get_by_role("button", name="Shut it out for ever").click()
    expect(page.locator("h1")).to_have_text("Window 5 is shut out from its next call on")
    assert page.locator(".keys .key-text").first.inner_text().isdecimal()
    page.get_by_role("link", name="Let another machine take its place").click()
    expect(page.locator(".state")).to_contain_text("shut out")


def test_a_person_is_added_changed_and_switched_off_also_without_scripts(
    open_console: OpenPage, house: ConsoleHouse
) -> None:
    page = open_console("/", java_script_enabled=False, expected="400")
    sign_in(page, house.password)
    page.get_by_role("link", name="People").click()
    page.locator("#login").fill("chen.jie")
    page.locator("#name").fill("Chen Jie")
    page.locator("#role").select_option("manager")
    page.locator("#add-password").fill("a guess")
    page.get_by_role("button", name="Add, and show the keys").click()
    expect(page.get_by_role("alert")).to_contain_text("Your own password is not right")
    page.locator("#add-password").fill(house.password)
    page.get_by_role("button", name="Add, and show the keys").click()
    assert len(page.locator("#password").inner_text()) == 19
    assert len(page.locator("#pin").inner_text()) == 6
    page.get_by_role("link", name="To their page").click()
    page.get_by_label("Only for these events:").check()
    page.locator(".boxes input[type=checkbox]").first.check()
    page.locator("#change-password").fill(house.password)
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".facts").first).to_contain_text("not for this role")
    page.locator("#state-password").fill(house.password)
    page.get_by_role("button", name="Switch off").click()
    expect(page.locator(".state")).to_contain_text("switched off")
    page.get_by_role("link", name="People").last.click()
    page.locator("summary").click()
    expect(page.locator("details")).to_contain_text("Chen Jie")

"""A seating plan is uploaded at the console in a real browser: faults, drawing, saving."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import OpenPage, opened_pages
from tests.browser.console_house import ConsoleHouse, console_house
from tests.unit.ticketing.pretix_files import Plan, row, town_hall


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


def upload(page: Page, document: Plan, plan_id: str = "") -> None:
    data = json.dumps(document).encode()
    page.locator("#file").set_input_files(
        {"name": "plan.json", "mimeType": "application/json", "buffer": data}
    )
    page.locator("#id").fill(plan_id)
    page.get_by_role("button", name="Upload, and look at it").click()


def dots(page: Page) -> int:
    """Seats that are really drawn: within the drawing's frame, in a colour."""
    return int(
        page.eval_on_selector_all(
            ".plan-drawing path.seat",
            """all => all.reduce((sum, path) => {
                 const box = path.getBoundingClientRect(), style = getComputedStyle(path);
                 const frame = path.ownerSVGElement.getBoundingClientRect();
                 const inside = box.left >= frame.left && box.right <= frame.right
                   && box.top >= frame.top && box.bottom <= frame.bottom;
                 const drawn = inside && style.stroke.startsWith("rgb(")
                   && parseFloat(style.strokeWidth) > 0;
                 return sum + (drawn ? path.getAttribute("d").split("M").length - 1 : 0);
               }, 0)""",
        )
    )


def test_a_plan_is_uploaded_mended_looked_at_and_saved(
    open_page: OpenPage, house: ConsoleHouse
) -> None:
    page = open_page("/", expected="400")
    sign_in(page, house)
    page.get_by_role("link", name="Plans", exact=True).click()
    expect(page.get_by_role("link", name="Floor")).to_be_visible()
    broken = town_hall()
    del broken["zones"][0]["rows"][4]["seats"][3]["seat_guid"]
    upload(page, broken)
    expect(page.get_by_role("alert")).to_contain_text("Nothing was saved")
    expect(page.locator(".faults tbody tr")).to_contain_text("zones[0].rows[4].seats[3]")
    upload(page, town_hall())
    expect(page.get_by_text("not saved yet")).to_be_visible()
    assert dots(page) == 30
    expect(page.locator(".plan-stage")).to_be_visible()
    page.get_by_role("link", name="Galerie für Gäste").click()
    expect(page.get_by_role("heading", name="Galerie für Gäste")).to_be_visible()
    assert dots(page) == 6
    page.get_by_role("link", name="The whole plan").click()
    page.get_by_role("button", name="Save this plan").click()
    expect(page.get_by_role("heading", name="Versions")).to_be_visible()
    assert dots(page) == 30
    page.get_by_role("link", name="Venue and seating plans").click()
    expect(page.locator("tbody tr").filter(has_text="town-hall")).to_contain_text("30")


def test_the_next_version_is_saved_without_scripts(
    open_page: OpenPage, house: ConsoleHouse
) -> None:
    page = open_page("/", java_script_enabled=False, color_scheme="dark")
    sign_in(page, house)
    for version in ("1", "2"):
        document = town_hall()
        if version == "2":
            document["zones"][1]["rows"].append(row("B", "B", 30, range(1, 4), category=""))
        page.get_by_role("link", name="Plans", exact=True).click()
        upload(page, document, "small-hall")
        page.get_by_role("button", name="Save this plan").click()
        fact = page.locator(".facts div").filter(has_text="Version")
        expect(fact.locator("dd")).to_have_text(version)
    with page.expect_download() as told:
        page.get_by_role("link", name="Download as a plan file").click()
    assert told.value.suggested_filename == "small-hall-2.json"
    assert json.loads(told.value.path().read_bytes())["plan"]["id"] == "small-hall"

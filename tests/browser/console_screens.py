"""Pictures of the console for the documentation: `python -m tests.browser.console_screens [FOLDER]`.

Real pages in headless Chromium, of a theatre where a drawer is short and a ticket went in twice;
reduced to 128 colours.
"""

from __future__ import annotations

import argparse
import io
import json
import tempfile
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from tests.bench._house import EVENT
from tests.browser.conftest import CHROMIUM, FLAGS
from tests.browser.console_house import ConsoleHouse, console_house, sign_in, theatre_document

FOLDER = Path(__file__).parents[2] / "docs" / "screens"
WIDE, PHONE = ViewportSize(width=1366, height=768), ViewportSize(width=390, height=844)
LOOKS = (
    ("zh", "light", "wide", WIDE),
    ("en", "dark", "wide", WIDE),
    ("zh", "light", "phone", PHONE),
)
COLOURS = 128
AGENT_PASSWORD = "an agent has this one"
_HEIGHT_MAX = 1_800


def an_evening(house: ConsoleHouse) -> None:
    """A shift that ends short, one that goes on, and a ticket at two gates that are cut off;
    an agency with a window of its own; and tomorrow is cancelled.
    """
    house.agency("North Travel", AGENT_PASSWORD)
    first, second = house.window("Window 1"), house.window("Window 2")
    house.open_shift(first, 1)
    sales = [house.sell(first, unit, 2 + unit % 3) for unit in (153, 167, 182, 545, 660, 1201)]
    house.close_shift(first, short_minor=2_500)
    house.open_shift(second, 2)
    for unit in (199, 216, 392, 791):
        house.sell(second, unit, 4)
    for unit in (430, 700):
        house.sell(second, unit, 3, performance=2)
    third = house.window("North Travel 1", "North Travel")
    house.sell(third, 1005, 6)
    second.node.acquire(1, range(401, 412))  # and does not sell them
    third.node.acquire(1, range(1011, 1025))
    north, south = house.gate("Gate 1"), house.gate("Gate 2")
    for sale in sales[:4]:
        house.let_in(north, sale)
    house.let_in(south, sales[0])
    house.cancel(2)


def a_managers_day(page: Page, house: ConsoleHouse) -> None:
    """In the console, signed in and in English: places kept back, a rule for a window, a price
    changed; at last a catalogue file uploaded and not stored.
    """
    event, seats = f"{house.server.url}/console/events/{EVENT}", "/console/performances/1/seats"
    for owner, row, places in (("The ballet company", "7", "4-11"), ("The press", "9", "6-10")):
        page.goto(house.server.url + seats)
        page.locator("#area").select_option("stalls-centre")
        page.locator("#rows").fill(row)
        page.locator("#seats").fill(places)
        page.locator("#owner").fill(owner)
        page.get_by_role("button", name="Block", exact=True).click()
        page.locator("#blocks").get_by_text(owner).wait_for()
    page.goto(f"{event}/lending")
    page.locator("#window").select_option(label="Window 2")
    page.locator("#ahead").fill("40")
    page.get_by_label("Stalls Centre").check()
    page.get_by_role("button", name="Set the rule").click()
    page.get_by_role("link", name="Window 2").wait_for()
    page.goto(f"{event}/prices")
    page.locator(".prices input").first.fill("920.00")
    page.get_by_role("button", name="Store the prices").click()
    page.locator("#tiers").wait_for()
    upload_catalogue(page, house)


def upload_catalogue(page: Page, house: ConsoleHouse, *, keeps_cancelled: bool = True) -> None:
    """A file with another price, another name and another event: its preview is shown."""
    document = theatre_document()
    known = document["events"][0]
    for each in known["performances"]:
        stored = house.event.performance(each["number"])
        assert stored is not None
        each["starts"] = f"{stored.starts_at:%Y-%m-%dT%H:%MZ}"
    if keeps_cancelled:
        known["performances"][1] |= {"cancelled": True, "on_sale": False}
    known["price_list"]["prices_minor"]["a"]["adult"] = 61_000
    known["name"]["en"] = "Swan Lake"
    added = theatre_document()["events"][0] | {
        "id": "nutcracker",
        "name": {"zh": "芭蕾舞剧《胡桃夹子》", "en": "The Nutcracker"},
        "performances": [{"number": 11, "starts": "D+9T19:30"}],
    }
    del added["price_list"]["exceptions"], added["price_rules"]
    document["events"].append(added)
    page.goto(f"{house.server.url}/console/catalogue")
    data = json.dumps(document).encode()
    page.locator("#file").set_input_files(
        {"name": "catalogue.json", "mimeType": "application/json", "buffer": data}
    )
    page.locator("main form button").click()
    page.wait_for_url("**/catalogue/draft?id=*")


def take(folder: Path) -> None:
    """Take all pictures into the folder."""
    with (
        tempfile.TemporaryDirectory() as home,
        console_house(Path(home), theatre_document) as house,
        sync_playwright() as playwright,
    ):
        an_evening(house)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(locale="en-GB")
        page.goto(house.server.url)
        sign_in(page, house.password)
        a_managers_day(page, house)
        page.context.close()
        for language, scheme, size, viewport in LOOKS:
            _take_looks(browser, house, folder, (language, scheme, size), viewport)
        browser.close()


def _take_looks(
    browser: Browser,
    house: ConsoleHouse,
    folder: Path,
    look: tuple[str, str, str],
    viewport: ViewportSize,
) -> None:
    language, scheme, size = look
    locale = {"zh": "zh-CN", "en": "en-GB"}[language]
    dark = scheme == "dark"
    context = browser.new_context(
        locale=locale, viewport=viewport, color_scheme="dark" if dark else "light"
    )
    page = context.new_page()
    page.goto(house.server.url)
    sign_in(page, house.password)

    def keep(name: str) -> None:
        _keep(page, folder / f"console-{name}-{language}-{scheme}-{size}.png")

    accounts = f"{house.server.url}/console/accounts"
    keep("overview")
    page.goto(accounts)
    keep("days")
    page.locator(".scopes [data-row]").first.click()
    keep("day")
    page.goto(f"{accounts}?by=performance&of={EVENT}/1")
    keep("books-performance")
    page.goto(f"{house.server.url}/console/reports")
    keep("reports")
    page.goto(f"{house.server.url}/console/cases")
    keep("cases")
    page.locator(".worklist [data-row]").last.click()
    keep("case")
    _take_catalogue(page, house, keep)
    _take_keys(page, house, keep, f"Window {7 if size == 'wide' else 8}{language}")
    context.close()


def _take_catalogue(page: Page, house: ConsoleHouse, keep: Callable[[str], None]) -> None:
    """The pages about plans, events, performances and agencies; the second performance is
    cancelled.
    """
    event = f"/console/events/{EVENT}"
    for name, path in (
        ("events", "/console/events"),
        ("event", event),
        ("prices", f"{event}/prices"),
        ("package", f"{event}/parts/packages?id=family"),
        ("history", f"{event}/history"),
        ("places", f"{event}/places"),
        ("lending", f"{event}/lending"),
        ("lent", f"{event}/lent"),
        ("performance", "/console/performances/1"),
        ("move", "/console/performances/1/move"),
        ("cancel", "/console/performances/1/cancel"),
        ("seats", "/console/performances/1/seats"),
        ("refunds", "/console/performances/2/refunds"),
        ("plans", "/console/plans"),
    ):
        page.goto(house.server.url + path)
        keep(name)
    page.locator("main [data-row]").first.click()
    keep("plan")
    upload_catalogue(page, house)
    keep("catalogue")
    page.goto(f"{house.server.url}/console/agencies")
    page.locator("main [data-row]").first.click()
    keep("agency")


def _take_keys(page: Page, house: ConsoleHouse, keep: Callable[[str], None], name: str) -> None:
    """The pages about machines and people."""
    nodes, people = f"{house.server.url}/console/nodes", f"{house.server.url}/console/people"
    page.goto(nodes)
    keep("nodes")
    page.locator("#name").fill(name)
    page.locator("#enrol-password").fill(house.password)
    page.locator("#enrol form button").click()
    page.locator("#code").wait_for()
    keep("node-code")
    page.goto(nodes)
    page.locator(".machines [data-row]").last.click()
    keep("node")
    page.goto(people)
    keep("people")
    page.locator(".people [data-row]").first.click()
    keep("person")


def _keep(page: Page, file: Path) -> None:
    if page.locator("[data-live]").count() == 0:  # or news would never end
        page.wait_for_load_state("networkidle")  # before it a page may be measured too small
    picture = Image.open(io.BytesIO(page.screenshot(full_page=True))).convert("RGB")
    picture = picture.crop((0, 0, picture.width, min(picture.height, _HEIGHT_MAX)))
    few = picture.quantize(
        COLOURS, method=Image.Quantize.FASTOCTREE
    )  # which keeps small marks' hues
    few.save(file, optimize=True)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER)
    take(parser.parse_args().folder)


if __name__ == "__main__":
    main()

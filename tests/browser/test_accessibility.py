"""Every page of the console by axe-core (WCAG 2.2, A and AA), and every link on it."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Callable, Iterator
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from sync_server.app import all_routes
from sync_server.services.totp import STEP_S, code_at
from tests.browser.axe import HOLD_STILL, violations
from tests.browser.conftest import OpenPage, opened_pages
from tests.browser.console_house import ConsoleHouse, console_house, theatre_document
from tests.browser.console_screens import AGENT_PASSWORD, an_evening, upload_catalogue
from tests.unit.ticketing.pretix_files import town_hall

Shows = Callable[..., None]
PAGES_MAX = 100
PROVIDER = {f"/console/login/provider{each}" for each in ("", "/back", "/done")}
DRAFTS = {"/console/plans/draft", "/console/catalogue/draft"}
MY_SALES = {f"/console/agency/sales{each}" for each in ("", ".csv", ".xlsx", ".{kind}")}
MY_AGENCY = {"/console/agency", "/console/agency/takings.csv", *MY_SALES}
OTHERWISE = {"/", "/console", "/console/login", *DRAFTS, *PROVIDER, *MY_AGENCY}
"""Pages that lead to others, those of somebody who is not signed in, those that an upload leads to,
and those of an agent.
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleHouse]:
    with console_house(tmp_path_factory.mktemp("theatre"), theatre_document) as made:
        an_evening(made)
        made.lend_long_ago("Window 3", 500, 4)
        yield made


@pytest.fixture
def open_page(chromium: Browser, house: ConsoleHouse) -> Iterator[OpenPage]:
    with opened_pages(chromium, lambda: house.server.url) as open_:
        yield open_


def still(page: Page) -> Page:
    """From its next address on the page keeps showing what it showed first."""
    page.add_init_script(HOLD_STILL)
    page.reload()
    return page


def sign_in(page: Page, password: str, login: str = "manager") -> None:
    page.locator("#login").fill(login)
    page.locator("#password").fill(password)
    page.locator("#password").press("Enter")


def kind_of(address: str) -> tuple[str, ...]:
    """Addresses of one kind show the same things: of another day, machine or person, or as another
    list. Each account (of a day, a shift) is a kind of its own. The forms of an event's parts are one
    page; that of a package has every kind of field. The second performance is cancelled, the others
    are alike.
    """
    parts = urlsplit(address)
    query = parse_qs(parts.query)
    is_account = parts.path.endswith("/accounts") and "of" in query
    path = re.sub(r"/parts/(?!packages)\w+", "/parts/any", parts.path)
    path = re.sub(r"/performances/(?!2\b)\d+", "/performances/any", path)
    return (path, *sorted(query), *(query["by"] if is_account else []))


def links_of(page: Page) -> list[str]:
    """Where the page leads to on this server, without other languages and places on itself."""
    found = page.eval_on_selector_all(
        "a[href]:not([hreflang])", "all => all.map(each => each.getAttribute('href'))"
    )
    return [
        urljoin(page.url, each) for each in found if not urlsplit(each).scheme and each[0] != "#"
    ]


@pytest.mark.timeout(300)  # more than forty pages, each in four looks
def test_every_page_is_linked_to_and_accessible_and_no_link_is_broken(
    open_page: OpenPage, house: ConsoleHouse
) -> None:
    page = still(open_page("/"))
    wrong = violations(page)
    sign_in(page, house.password)
    expect(page.locator("#live")).to_be_visible()
    waiting, seen, broken = [page.url], set[tuple[str, ...]](), []
    for address in waiting:  # which grows meanwhile
        if kind_of(address) in seen:
            continue
        seen.add(kind_of(address))
        assert len(seen) <= PAGES_MAX, "are there numbers in paths?"
        answer = page.request.get(address)
        if answer.status != 200:
            broken.append(f"{answer.status} {address}")
        elif answer.headers["content-type"].startswith("text/html"):
            page.goto(address)
            wrong += violations(page)
            waiting.extend(links_of(page))
    assert broken == []
    assert wrong == []
    paths = [kind[0] for kind in seen]
    pages = {each.path for each in all_routes() if each.page and each.method == "GET"}
    assert [path for path in pages - OTHERWISE if not is_among(path, paths)] == []


def test_an_agents_only_pages_are_accessible_and_lead_to_nothing_that_is_shut(
    open_page: OpenPage,
) -> None:
    page = still(open_page("/"))
    sign_in(page, AGENT_PASSWORD, "agent")
    expect(page.get_by_role("heading", name="North Travel")).to_be_visible()
    assert violations(page) == []
    found = links_of(page)
    page.get_by_role("link", name="Sales").click()
    expect(page.get_by_role("heading", name="Sales")).to_be_visible()
    assert violations(page) == []
    found += links_of(page)
    assert [each for each in found if page.request.get(each).status != 200] == []
    shown = {*MY_AGENCY, "/console/me"} - {"/console/agency/sales.{kind}"}
    assert {urlsplit(each).path for each in found} == shown


def is_among(path: str, paths: list[str]) -> bool:
    """Whether a route's path stands for one of these."""
    pattern = re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path)))
    return any(pattern.fullmatch(each) for each in paths)


def test_what_forms_answer_with_is_accessible(open_page: OpenPage, house: ConsoleHouse) -> None:
    page = still(open_page("/", possible="the server responded with a status of 4"))
    wrong: list[str] = []

    def shows(heading: str, alert: str = "") -> None:
        expect(page.get_by_role("heading", name=heading).first).to_be_visible()
        expect(page.get_by_role("alert").filter(has_text=alert)).to_have_count(1 if alert else 0)
        wrong.extend(violations(page))

    sign_in(page, "a guess")
    shows("Sign in", "do not belong together")
    sign_in(page, house.password)
    expect(page.locator("#live")).to_be_visible()
    page.goto(f"{house.server.url}/console/cases/one?of=nothing&case=nothing")
    shows("There is no such page.")
    let_a_machine_in_and_shut_it_out(page, house, shows)
    upload_a_plan(page, house, shows)
    for keeps_cancelled, alert in ((True, ""), (False, "cannot be stored as it is")):
        upload_catalogue(page, house, keeps_cancelled=keeps_cancelled)
        shows("The Nutcracker", alert)
    password = add_a_person(page, house, shows)
    page.get_by_role("button", name="Sign out").click()
    sign_in_by_code(page, password, shows)
    assert wrong == []


def let_a_machine_in_and_shut_it_out(page: Page, house: ConsoleHouse, shows: Shows) -> None:
    house.window("Window 8")
    page.goto(f"{house.server.url}/console/nodes")
    page.locator("#name").fill("Window 7")
    page.locator("#enrol-password").fill(house.password)
    page.get_by_role("button", name="Show the code").click()
    shows("Window 7")
    page.goto(f"{house.server.url}/console/nodes")
    page.get_by_role("link", name="Window 8").click()
    page.get_by_label("Stolen: somebody may have it").check()
    page.locator("#reason").fill("Taken from the counter.")
    page.locator("#gone-password").fill(house.password)
    page.get_by_role("button", name="Shut it out for ever").click()
    shows("Window 8 is shut out")


def upload_a_plan(page: Page, house: ConsoleHouse, shows: Shows) -> None:
    """With a fault, and without any."""
    document = town_hall()
    del document["zones"][0]["rows"][1]["seats"][2]["seat_guid"]
    for plan, heading, alert in (
        (document, "What is wrong", "Nothing was saved"),
        (town_hall(), "Town hall", ""),
    ):
        page.goto(f"{house.server.url}/console/plans")
        data = json.dumps(plan).encode()
        page.locator("#file").set_input_files(
            {"name": "plan.json", "mimeType": "application/json", "buffer": data}
        )
        page.get_by_role("button", name="Upload, and look at it").click()
        shows(heading, alert)
    page.get_by_role("button", name="Save this plan").click()
    shows("Versions")


def add_a_person(page: Page, house: ConsoleHouse, shows: Shows) -> str:
    """The password that is shown for them."""
    page.goto(f"{house.server.url}/console/people")
    for own_password, heading, alert in (
        ("a guess", "People", "Your own password is not right"),
        (house.password, "Chen Jie", ""),
    ):
        page.locator("#login").fill("chen.jie")
        page.locator("#name").fill("Chen Jie")
        page.locator("#role").select_option("manager")
        page.locator("#add-password").fill(own_password)
        page.get_by_role("button", name="Add, and show the keys").click()
        shows(heading, alert)
    return page.locator("#password").inner_text()


def sign_in_by_code(page: Page, password: str, shows: Shows) -> None:
    """The second factor is set up, and asked for at the next sign-in."""
    sign_in(page, password, "chen.jie")
    page.get_by_role("link", name="Chen Jie").click()  # an icon on a phone, with the name unseen
    page.locator("#password").fill(password)
    page.get_by_role("button", name="Set up").click()
    shows("A code from my phone")
    text = page.locator(".key-link code").inner_text()
    secret = base64.b32decode(text + "=" * (-len(text) % 8))
    page.locator("#code").fill(code_at(secret, int(time.time()) // STEP_S))
    page.get_by_role("button", name="Turn on").click()
    page.get_by_role("button", name="Sign out").click()
    sign_in(page, password, "chen.jie")
    shows("One more step")
    page.locator("#code").fill("12345")
    page.locator("#code").press("Enter")
    shows("One more step", "not the code of now")

"""The handheld pages in a real browser: staff sign in, find a ticket, let it in, take it back."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from tests.browser.conftest import OpenPage, opened_pages
from tests.browser.gate_stage import GateStage, gate_stage
from tests.fakes.hall import FIRST, ROW

PHONE: ViewportSize = {"width": 390, "height": 844}
_NUMBERS = itertools.count(0xA0)


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GateStage]:
    with gate_stage(tmp_path_factory.mktemp("gate"), language="en") as stage:
        yield stage


@pytest.fixture(scope="module")
def guard(chromium: Browser, gate: GateStage) -> dict[str, Any]:
    """The browser of a guard who is signed in: for most tests that is how it begins."""
    context = chromium.new_context(viewport=PHONE, locale="en-GB")
    page = context.new_page()
    page.goto(gate.url + "/hand")
    sign_in(page)
    state: Any = context.storage_state()
    context.close()
    return {"viewport": PHONE, "storage_state": state}


@pytest.fixture
def open_page(chromium: Browser, gate: GateStage) -> Iterator[OpenPage]:
    with opened_pages(chromium, lambda: gate.url) as open_:
        yield open_


@pytest.fixture
def ticket(gate: GateStage) -> str:
    """A ticket of its own for each test, of the same seat."""
    number = f"{next(_NUMBERS):016x}"
    gate.stage.feed.ticket(number, FIRST, ROW[0])
    return number


def sign_in(page: Page, name: str = "赵强", pin: str = "1470") -> None:
    page.get_by_label("Who").select_option(label=f"{name} · Security")
    page.get_by_label("PIN").fill(pin)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def fits(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    small = page.eval_on_selector_all(
        "button:visible, input:visible, select:visible, a:visible, summary:visible",
        "all => all.map(each => each.getBoundingClientRect().height).filter(each => each < 44)",
    )
    assert small == []


def test_staff_let_a_ticket_in_by_hand_and_take_it_back(
    open_page: OpenPage, gate: GateStage, ticket: str
) -> None:
    page = open_page("/hand", viewport=PHONE)
    fits(page)
    sign_in(page)
    fits(page)
    page.locator("#q").fill(ticket[-16:])
    page.get_by_role("button", name="Find").click()
    expect(page.locator(".says")).to_contain_text("Would be let in")
    expect(page.locator("main")).to_contain_text("Row 1 Seat 1")
    fits(page)

    page.get_by_label("Why", exact=True).fill("the phone is flat, ID seen")
    page.get_by_role("button", name="Let them in").click()
    expect(page.get_by_role("status")).to_contain_text("Let in, and recorded")
    expect(page.locator(".says")).to_contain_text("Already used")
    expect(page.locator("#history")).to_contain_text("Let in")
    fits(page)

    page.get_by_role("button", name="Take back").click()
    expect(page.get_by_role("status")).to_contain_text("does not count any more")
    expect(page.locator("#history")).to_contain_text("Entry taken back")
    expect(page.locator(".says")).to_contain_text("Would be let in")
    assert gate.board.recent()[0].line["ticket"] == ticket


def test_two_people_let_in_whom_the_lane_refused(
    open_page: OpenPage, guard: dict[str, Any], gate: GateStage, ticket: str
) -> None:
    gate.stage.feed.ticket(ticket, FIRST, ROW[0], blocked="reported stolen")
    page = open_page("/hand", expected="409", **guard)
    expect(page.locator("#recent")).not_to_contain_text("Blocked")
    gate.scan(gate.stage.code(ticket_id=ticket))
    page.locator("#recent").get_by_text("Blocked").first.click()
    expect(page.locator(".says")).to_contain_text("reported stolen")
    page.get_by_text("Let in all the same").click()
    fits(page)
    page.get_by_label("Why", exact=True).fill("police say it is theirs")
    page.get_by_label("Second person").select_option(label="王芳 · Supervisor")
    page.get_by_label("Their PIN").fill("0000")
    page.get_by_role("button", name="Let in against").click()
    expect(page.get_by_role("alert")).to_contain_text("Wrong PIN. 4 tries left.")
    expect(page.get_by_label("Why", exact=True)).to_have_value("police say it is theirs")
    page.get_by_label("Their PIN").fill("2580")
    page.get_by_role("button", name="Let in against").click()
    expect(page.get_by_role("status")).to_contain_text("recorded")


def test_a_wrong_pin_is_said_and_nothing_is_shown(open_page: OpenPage, ticket: str) -> None:
    page = open_page("/hand", expected="401", viewport=PHONE)
    page.get_by_label("PIN").fill("9999")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("Wrong PIN")
    page.goto(page.url.partition("/hand")[0] + f"/hand/tickets/{ticket}")
    expect(page).to_have_url(re.compile("/hand$"))
    expect(page.get_by_label("PIN")).to_be_visible()


def test_a_form_from_somewhere_else_does_nothing(
    open_page: OpenPage, guard: dict[str, Any], gate: GateStage, ticket: str
) -> None:
    page = open_page(f"/hand/tickets/{ticket}", expected="403", **guard)
    page.locator("[name=form_token]").first.evaluate("each => each.value = 'another'")
    page.get_by_label("Why", exact=True).fill("because")
    page.get_by_role("button", name="Let them in").click()
    expect(page.locator("body")).to_contain_text("out of date")
    page.goto(f"{gate.url}/hand/tickets/{ticket}")
    expect(page.locator("#history li")).to_have_count(0)


def test_it_speaks_chinese_finds_by_seat_and_signs_out(
    open_page: OpenPage, gate: GateStage, ticket: str
) -> None:
    page = open_page("/hand", viewport=PHONE)
    page.get_by_role("link", name="中文").click()
    page.get_by_label("谁").select_option(index=0)
    page.locator("#pin").fill("2580")
    page.get_by_role("button", name="登录").click()
    page.locator("#q").fill("1排1座")
    page.get_by_role("button", name="查找").click()
    expect(page.locator("#found")).to_contain_text("1排1座")
    assert ticket in str(page.locator("#found").inner_html())
    fits(page)
    page.get_by_role("button", name="退出").click()
    expect(page.locator("#pin")).to_be_visible()
    page.goto(gate.url + "/hand?q=1-1")
    expect(page.locator("#pin")).to_be_visible()


def test_a_supervisor_opens_a_lane_on_a_guards_handheld_and_it_is_shut_again(
    open_page: OpenPage, guard: dict[str, Any], gate: GateStage
) -> None:
    page = open_page("/hand", expected="409", **guard)
    page.locator("#lanes").get_by_text("Lane 1").click()
    expect(page.locator(".says")).to_contain_text("Ready")
    fits(page)
    page.get_by_label("For how long").select_option(label="1 hour")
    page.get_by_label("Why", exact=True).fill("a coach with 50 people")
    page.get_by_label("Supervisor or manager").select_option(label="王芳 · Supervisor")
    page.get_by_label("PIN").fill("0000")
    page.get_by_role("button", name="Open the gate").click()
    expect(page.get_by_role("alert")).to_contain_text("Wrong PIN")
    expect(page.get_by_label("For how long")).to_have_value("60")
    page.get_by_label("PIN").fill("2580")
    page.get_by_role("button", name="Open the gate").click()
    expect(page.get_by_role("status")).to_contain_text("It stands open")
    expect(page.locator(".says")).to_contain_text("until 15:")
    fits(page)
    page.get_by_role("button", name="Shut it now").click()
    expect(page.get_by_role("status")).to_contain_text("shut again")
    expect(page.locator(".says")).to_contain_text("Ready")
    assert gate.desk.runners[0].book.opened_by == ("p-boss", "a coach with 50 people")


def test_a_ticket_is_blocked_and_only_a_supervisor_frees_it(
    open_page: OpenPage, guard: dict[str, Any], gate: GateStage, ticket: str
) -> None:
    page = open_page(f"/hand/tickets/{ticket}", **guard)
    page.get_by_text("Block this ticket").click()
    page.get_by_label("Why: gates tell this").fill("reported stolen")
    fits(page)
    page.get_by_role("button", name="Block").click()
    expect(page.get_by_role("status")).to_contain_text("no lane of this gate lets it in")
    expect(page.locator(".says")).to_contain_text("reported stolen")
    expect(page.locator("#block")).to_contain_text("Only a supervisor or a manager")
    gate.stage.refused(gate.stage.code(ticket_id=ticket))


def test_a_double_entry_comes_up_on_the_page_that_is_open(
    open_page: OpenPage, guard: dict[str, Any], gate: GateStage, ticket: str
) -> None:
    page = open_page("/hand", **guard)
    expect(page.locator("#cases")).to_be_hidden()
    gate.double_entry(ticket)
    expect(page.locator("#cases")).to_contain_text("1 ticket was let in twice")
    expect(page.locator("#cases")).to_contain_text("This gate · Lane 1")
    expect(page.locator("#cases")).to_contain_text("by hand: 王芳, 赵强")
    fits(page)
    gate.double_entry(ticket, is_open=False)
    expect(page.locator("#cases")).to_be_hidden()

"""Signing in by a real OpenID provider at another site, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.axe import violations
from tests.browser.conftest import OpenPage, opened_pages
from tests.browser.provider_stage import ProviderStage, provider_stage

PROVIDERS_OWN = "Failed to load resource"
"""Its pages are prettier with the network."""


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProviderStage]:
    with provider_stage(tmp_path_factory.mktemp("elsewhere")) as made:
        yield made


@pytest.fixture
def open_page(chromium: Browser, stage: ProviderStage) -> Iterator[OpenPage]:
    with opened_pages(chromium, lambda: stage.server.url) as open_:
        yield open_


def go_to_provider(page: Page, stage: ProviderStage) -> None:
    page.get_by_role("link", name="Sign in with Arena account").click()
    page.wait_for_url(f"{stage.issuer}/**")


@pytest.mark.parametrize("has_scripts", [True, False], ids=["scripts", "no scripts"])
def test_a_manager_comes_back_signed_in(
    open_page: OpenPage, stage: ProviderStage, *, has_scripts: bool
) -> None:
    page = open_page("/", java_script_enabled=has_scripts, possible=PROVIDERS_OWN)
    go_to_provider(page, stage)
    page.get_by_role("button", name="1", exact=True).click()
    page.wait_for_url(f"{stage.server.url}/console/")
    expect(page.locator(".person")).to_contain_text("Manager")
    page.get_by_role("button", name="Sign out").click()
    expect(page.locator("#password")).to_be_visible()


def test_who_is_not_of_the_house_or_says_no_is_told_so(
    open_page: OpenPage, stage: ProviderStage
) -> None:
    page = open_page("/", possible=PROVIDERS_OWN)
    go_to_provider(page, stage)
    page.get_by_role("button", name="2", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("Nobody of this house")
    assert violations(page) == []
    go_to_provider(page, stage)
    page.get_by_role("button", name="Deny").click()
    expect(page.get_by_role("alert")).to_contain_text("did not let you in")
    page.locator("#login").fill("manager")
    page.locator("#password").fill(stage.password)
    page.locator("#password").press("Enter")
    expect(page.locator(".person")).to_contain_text("Manager")

"""A picture of the manager's page, taken in a real browser where there is one."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import sync_playwright

BROWSER = Path("/usr/bin/chromium")
_OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def take_console_picture(url: str, login: str, password: str, language: str, file: Path) -> bool:
    """Sign in and take the first page's picture. False where no browser works.

    A picture is no claim of the demo: whatever a machine's browser lacks must not fail it.
    """
    if not BROWSER.exists():
        return False
    try:
        _take(url, login, password, language, file)
    except Exception as error:  # noqa: BLE001 - the driver raises bare Exceptions, too
        print(f"       --    no picture of the manager's page: {error}")
        return False
    return True


def _take(url: str, login: str, password: str, language: str, file: Path) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(BROWSER), args=list(_OPTIONS))
        page = browser.new_page(
            locale=language.replace("_", "-"), viewport={"width": 1366, "height": 768}
        )
        page.goto(f"{url}/console/login")
        page.fill("#login", login)
        page.fill("#password", password)
        page.click("button[type=submit]")
        page.wait_for_url(f"{url}/console/")
        page.screenshot(path=str(file), full_page=True)
        browser.close()

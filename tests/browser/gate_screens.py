"""Pictures of the gate's pages for the documentation: `python -m tests.browser.gate_screens [FOLDER]`.

Real pages in headless Chromium, over the sample theatre; reduced to 64 colours. `--full` leaves the
colours alone.
"""

from __future__ import annotations

import argparse
import io
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from tests.browser.conftest import CHROMIUM, FLAGS
from tests.browser.gate_stage import GateStage, entry_at, gate_stage
from tests.fakes.hall import FIRST, ROW, SECOND
from tests.fakes.till import NOW

FOLDER = Path(__file__).parents[2] / "docs" / "screens"
UPRIGHT, WIDE, PHONE = (1080, 1920), (1280, 800), (390, 844)


@dataclass(frozen=True)
class Scene:
    """What is seen: what happens at the lane, and what the page shows then."""

    happens: Callable[[GateStage], None]
    shows: str
    told: str = ""
    looks: tuple[tuple[str, str, tuple[int, int]], ...] = field(
        default=(("zh", "light", UPRIGHT), ("en", "dark", WIDE))
    )


def _offline(gate: GateStage) -> None:
    since_ms = round((NOW - timedelta(minutes=7)).timestamp() * 1000)
    gate.idle(link="offline", offline_since_ms=since_ms, data_age_s=424, exposed_lanes=3)


def _faults(gate: GateStage) -> None:
    devices = [{"part": "camera", "state": "gone"}, {"part": "barrier", "state": "gone"}]
    gate.idle(devices=devices)


def _fire(gate: GateStage) -> None:
    gate.idle(state="fire")


def _open(gate: GateStage) -> None:
    until_ms = round((NOW + timedelta(minutes=25)).timestamp() * 1000)
    gate.idle(state="open", open_until_ms=until_ms)


def _twice(gate: GateStage) -> None:
    gate.idle(double_entries=1)


def _used(gate: GateStage) -> None:
    gate.refuse("already_used", first_entry=entry_at(NOW - timedelta(minutes=3), "3 号门"))


LANE_SCENES = {
    "idle": Scene(
        lambda gate: gate.idle(),
        "idle",
        "318",
        (("zh", "light", UPRIGHT), ("zh", "dark", UPRIGHT), ("en", "dark", WIDE)),
    ),
    "offline": Scene(_offline, "idle", "13:58"),
    "faults": Scene(_faults, "idle", "camera"),
    "twice": Scene(_twice, "idle", "318"),
    "fire": Scene(_fire, "fire"),
    "open": Scene(_open, "open"),
    "tailgate": Scene(lambda gate: gate.slipped(), "alarm"),
    "admit": Scene(lambda gate: gate.admit(), "admit"),
    "used": Scene(_used, "refuse"),
    "other-day": Scene(lambda gate: gate.refuse("wrong_performance", performance=SECOND), "refuse"),
    "forged": Scene(lambda gate: gate.refuse("forged"), "refuse"),
    "early": Scene(
        lambda gate: gate.refuse(
            "too_early",
            "wait",
            miss={
                "kind": "opens_at",
                "at_ms": round((NOW + timedelta(minutes=25)).timestamp() * 1000),
            },
        ),
        "wait",
    ),
    "other-gate": Scene(
        lambda gate: gate.refuse(
            "wrong_gate",
            "other_gate",
            miss={
                "kind": "other_gate",
                "gate": {"zh": "C 门,二层", "en": "Gate C, level 2"},
            },
        ),
        "refuse",
    ),
    "desk": Scene(lambda gate: gate.refuse("not_in_allotment"), "ask"),
    "again": Scene(lambda gate: gate.refuse("damaged_code", "show_again"), "again"),
}


TICKETS = tuple(f"7c41e09a5b2d{number:04x}" for number in range(6))
PHONE_LOOKS = (("zh", "light"), ("en", "dark"))


def _hand_home(page: Page, gate: GateStage) -> None:
    """Just refused and let in; nothing asked for yet."""
    feed, code = gate.stage.feed, gate.stage.code
    for ticket, unit in zip(TICKETS, ROW, strict=True):
        feed.ticket(ticket, FIRST, unit)
    feed.ticket(TICKETS[1], FIRST, ROW[1], blocked="报失 reported stolen")
    feed.ticket(TICKETS[2], SECOND, ROW[2])
    for ticket, unit in ((TICKETS[0], ROW[0]), (TICKETS[0], ROW[0]), (TICKETS[2], ROW[2])):
        gate.scan(code(ticket_id=ticket, unit=unit))
        gate.stage.env.pass_s(20)
    gate.scan(code(ticket_id=TICKETS[1], unit=ROW[1]))
    page.goto(gate.url + "/hand")


def _hand_refused(page: Page, gate: GateStage) -> None:
    page.goto(f"{gate.url}/hand/tickets/{TICKETS[1]}?lane=1")
    page.locator("summary").click()


def _hand_let_in(page: Page, gate: GateStage) -> None:
    page.goto(f"{gate.url}/hand/tickets/{TICKETS[3]}?lane=1")


def _hand_done(page: Page, gate: GateStage) -> None:
    page.goto(f"{gate.url}/hand/tickets/{TICKETS[0]}?lane=1")


def _hand_twice(page: Page, gate: GateStage) -> None:
    gate.double_entry(TICKETS[0])
    page.goto(gate.url + "/hand")
    expect(page.locator("#cases")).to_be_visible()


def _hand_lane(page: Page, gate: GateStage) -> None:
    gate.desk.runners[0].barrier.shut_gate()
    page.goto(gate.url + "/hand/lanes/1")


def _hand_open(page: Page, gate: GateStage) -> None:
    gate.desk.runners[0].open_gate("p-boss", "a coach with 50 people", 25 * 60)
    page.goto(gate.url + "/hand/lanes/1?said=opened")


def _hand_block(page: Page, gate: GateStage) -> None:
    page.goto(f"{gate.url}/hand/tickets/{TICKETS[4]}?lane=1")
    page.locator("#block summary").click()
    page.get_by_role("textbox").last.fill("报失 reported stolen")


HAND_SCENES = {
    "hand-home": _hand_home,
    "hand-refused": _hand_refused,
    "hand-let-in": _hand_let_in,
    "hand-used": _hand_done,
    "hand-block": _hand_block,
    "hand-lane": _hand_lane,
    "hand-open": _hand_open,
    "hand-twice": _hand_twice,
}


def _take_hand(browser: Browser, gate: GateStage, folder: Path, *, full: bool) -> None:
    for language, scheme in PHONE_LOOKS:
        context = browser.new_context(
            color_scheme=scheme,  # type: ignore[arg-type]  # one of its words
            viewport={"width": PHONE[0], "height": PHONE[1]},
            locale="en-GB",
        )
        page = context.new_page()
        page.goto(f"{gate.url}/hand?lang={language}")
        _save(page.screenshot(full_page=True), _hand_file(folder, "sign-in", language), full=full)
        page.locator("#person").select_option("p-guard")
        page.locator("#pin").fill("1470")
        page.locator("button.primary").click()
        expect(page.locator("#recent")).to_be_visible()
        for name, go in HAND_SCENES.items():
            go(page, gate)
            picture = page.screenshot(full_page=True)
            _save(picture, _hand_file(folder, name.removeprefix("hand-"), language), full=full)
        context.close()


def _hand_file(folder: Path, name: str, language: str) -> Path:
    return folder / f"gate-hand-{name}-{language}.png"


def take(folder: Path, *, full: bool, only: list[str]) -> None:
    """Make the pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as files,
        gate_stage(Path(files)) as gate,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for name, scene in LANE_SCENES.items():
            for language, scheme, size in scene.looks:
                if not only or name in only:
                    picture = _shot(browser, gate, scene, language, scheme, size)
                    wide = "tall" if size == UPRIGHT else "wide" if size == WIDE else "phone"
                    file = folder / f"gate-{name}-{language}-{scheme}-{wide}.png"
                    _save(picture, file, full=full)
        if not only or "hand" in only:
            _take_hand(browser, gate, folder, full=full)
        browser.close()


def _shot(
    browser: Browser,
    gate: GateStage,
    scene: Scene,
    language: str,
    scheme: Any,
    size: tuple[int, int],
) -> bytes:
    view: ViewportSize = {"width": size[0], "height": size[1]}
    context = browser.new_context(
        color_scheme=scheme, viewport=view, reduced_motion="reduce", locale="en-GB"
    )
    page = context.new_page()
    gate.idle()
    open_lane(page, gate, language)
    scene.happens(gate)
    expect(page.locator("body")).to_have_attribute("data-kind", scene.shows)
    if scene.told:
        expect(page.locator("body")).to_contain_text(scene.told)
    picture = page.screenshot()
    context.close()
    return picture


def open_lane(page: Page, gate: GateStage, language: str) -> None:
    """The first lane's screen, once it hears the gate."""
    page.goto(f"{gate.url}/lanes/1?lang={language}")
    expect(page.locator("#link1")).not_to_be_empty()


def _save(picture: bytes, file: Path, *, full: bool) -> None:
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    if not full:
        if image.width > PHONE[0]:
            image = image.resize((image.width // 2, image.height // 2), Image.Resampling.LANCZOS)
        image = image.quantize(64, dither=Image.Dither.NONE)
    image.save(file, optimize=True)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER)
    parser.add_argument("--full", action="store_true", help="full size, all colours")
    parser.add_argument("--only", nargs="*", default=[], metavar="SCENE")
    options = parser.parse_args()
    take(options.folder, full=options.full, only=options.only)


if __name__ == "__main__":
    main()

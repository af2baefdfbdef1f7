"""axe-core on a page, as the page is served: its strict policy holds, since axe comes in by the
debugger.

What a machine cannot judge (is the alternative text a good one?) stays with the people who look at
the pictures in docs/screens.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import Literal

from playwright.sync_api import Page, ViewportSize

WCAG = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
HOLD_STILL = """
const real = window.setTimeout;
window.setTimeout = (call, ms, ...rest) => (ms > 1000 ? 0 : real(call, ms, ...rest));
Object.defineProperty(Document.prototype, "hidden", { get: () => true });
"""
"""Pages whose scripts began with this show what they show: no timer and no news changes them."""
_AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
_RUN = """
async (tags) => {
  document.querySelectorAll("details").forEach((each) => { each.open = true; });
  const found = await axe.run(document, {
    runOnly: { type: "tag", values: tags },
    resultTypes: ["violations"],
    preload: false,
  });
  return found.violations.flatMap((rule) => rule.nodes.map((node) => {
    const why = [...node.any, ...node.all, ...node.none].map((each) => each.message);
    return `${rule.id} at ${node.target.flat().join(" ")}: ${why.join("; ")}`;
  }));
}
"""


@dataclass(frozen=True)
class Look:
    """A scheme of colours and a size of the window."""

    scheme: Literal["light", "dark"]
    size: ViewportSize


# Colours do not depend on the size, nor places on the scheme: two looks have both of each.
WIDE_AND_PHONE = (
    Look("light", ViewportSize(width=1366, height=768)),
    Look("dark", ViewportSize(width=390, height=844)),
)
GATE_SCREEN = (
    Look("light", ViewportSize(width=1080, height=1920)),
    Look("dark", ViewportSize(width=1280, height=800)),
)


def violations(page: Page, looks: tuple[Look, ...] = WIDE_AND_PHONE) -> list[str]:
    """What is wrong with the page, for each look in which it is; folded parts are opened."""
    found = []
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(_AXE)
    for look in looks:
        page.emulate_media(color_scheme=look.scheme, reduced_motion="reduce")
        page.set_viewport_size(look.size)
        where = f"{page.title()}, {look.scheme} {look.size['width']}"
        found += [f"{where}: {each}" for each in page.evaluate(_RUN, list(WCAG))]
    return found

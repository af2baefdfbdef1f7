"""How our web pages look: the suite's colours as CSS variables, and its icons as SVG."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources


@cache
def theme_css() -> bytes:
    """The suite's colours as CSS variables, light and dark by the system's wish."""
    light, dark = (_variables(name) for name in ("light", "dark"))
    return (
        f":root{{color-scheme:light dark;{light}}}\n"
        f"@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}\n"
    ).encode()


@cache
def icon_svg(name: str) -> str:
    """An icon of the suite as SVG that takes the colour of the text around it."""
    text = (resources.files("resources") / "icons" / f"{name}.svg").read_text()
    return text[text.index("<svg") :].replace("<svg", '<svg aria-hidden="true"', 1)


def _variables(theme: str) -> str:
    text = (resources.files("resources") / "themes" / f"{theme}.toml").read_text()
    colours = tomllib.loads(text)
    return "".join(f"--{name.replace('_', '-')}:{value};" for name, value in colours.items())

"""Device addresses as written in a configuration: `scheme:target?option=value&option=value`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hardware.errors import BadDeviceAddress

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True)
class DeviceAddress:
    """One parsed address. `target` is kept as typed: a path is not percent-decoded."""

    text: str
    scheme: str
    target: str
    options: Mapping[str, str] = field(default_factory=dict)

    def allow(self, names: Iterable[str]) -> None:
        """Refuse options outside `names`, so that a typo is not silently a default."""
        known = sorted(names)
        for name in self.options:
            if name not in known:
                meant = f"known here: {', '.join(known)}" if known else "none are known here"
                raise BadDeviceAddress(f"unknown option {name!r}; {meant}", self.text)

    def whole(self, name: str, default: int, *, low: int, high: int) -> int:
        """The whole number of option `name`, or `default`; refused outside `low`..`high`."""
        text = self.options.get(name)
        if text is None:
            return default
        digits = text.removeprefix("-") if low < 0 else text
        if not (digits.isascii() and digits.isdigit() and low <= int(text[:12]) <= high):
            raise BadDeviceAddress(
                f"{name} must be a whole number from {low} to {high}, not {text!r}", self.text
            )
        return int(text)

    def flag(self, name: str, *, default: bool) -> bool:
        """Whether option `name` is 1; 0 and 1 are the only values."""
        return self.whole(name, int(default), low=0, high=1) == 1


def parse_address(text: str) -> DeviceAddress:
    """Parse `scheme:target?name=value&name=value`; raise BadDeviceAddress with what is wrong."""
    scheme, colon, rest = text.partition(":")
    if not colon or not scheme:
        raise BadDeviceAddress("an address begins with its kind and a colon", text)
    if "\0" in rest:
        raise BadDeviceAddress("an address holds no NUL character", repr(text))
    target, _, query = rest.partition("?")
    return DeviceAddress(text, scheme.lower(), target, _parse_options(query, text))


def _parse_options(query: str, text: str) -> dict[str, str]:
    options: dict[str, str] = {}
    for part in filter(None, query.split("&")):
        name, equals, value = part.partition("=")
        if not equals or not name:
            raise BadDeviceAddress(f"{part!r} is not of the form name=value", text)
        if name in options:
            raise BadDeviceAddress(f"option {name!r} is given twice", text)
        options[name] = value
    return options

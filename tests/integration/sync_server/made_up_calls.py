"""Calls that schemathesis makes up from the interface's document, sound ones and spoilt ones.

They are made once and called as every role. Words of the sample house stand in them where chance
would never find them: its streams, its performances, its generation.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import hypothesis
import schemathesis
from hypothesis import HealthCheck, Phase, given
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.core.result import Ok

from sync_server.app import all_routes
from sync_server.handlers.routes import Route
from tests.integration.sync_server.conform import closed, interface

STREAMS = ("swan-lake", "seaview")
ENDLESS = "/console/live"
"""It never ends by itself, so nobody calls it here."""
_CONFIG = schemathesis.Config.from_dict(
    {"checks": {"negative_data_rejection": {"expected-statuses": ["4XX"]}}}
)
Case = Any  # schemathesis's, whose type arguments differ by kind of document
_QUICK_COUNT = 4


def count_of_each() -> int:
    """How many sound calls of a route, and how many spoilt ones: few, if nobody asks for more."""
    profile = hypothesis.settings.default
    assert profile is not None
    return _QUICK_COUNT if profile.max_examples < 100 else profile.max_examples


@dataclass(frozen=True)
class MadeUp:
    """A route, and calls of it: the sound ones first."""

    route: Route
    sound: tuple[Case, ...]
    spoilt: tuple[Case, ...]

    @property
    def all(self) -> tuple[Case, ...]:
        """First the sound ones."""
        return self.sound + self.spoilt


@cache
def made_up_calls(generation: str) -> tuple[MadeUp, ...]:
    """Of every call of the interface, the same at each run but for the house's generation."""
    told = _with_words_of_the_house(interface(), generation)
    sound, spoilt = _operations(closed(told)), _operations(told)
    return tuple(
        MadeUp(
            route,
            tuple(_cases(sound[name], GenerationMode.POSITIVE)),
            tuple(_cases(spoilt[name], GenerationMode.NEGATIVE)),
        )
        for name, route in _routes().items()
    )


def _routes() -> dict[str, Route]:
    api = [each for each in all_routes() if not each.page and each.path != ENDLESS]
    return {f"{each.method} {each.path}": each for each in api}


def _operations(told: dict[str, Any]) -> dict[str, Any]:
    schema = schemathesis.openapi.from_dict(told, config=_CONFIG)
    found: list[Any] = [each.ok() for each in schema.get_all_operations() if isinstance(each, Ok)]
    return {each.label: each for each in found}


def _cases(operation: Any, mode: GenerationMode) -> Iterator[Case]:
    found: list[Case] = []

    @hypothesis.settings(
        max_examples=count_of_each(),
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(generation_mode=mode))
    def collect(case: Case) -> None:
        found.append(case)

    try:
        collect()
    except Unsatisfiable:
        return iter(())  # a call without anything in it cannot be spoilt
    return iter(found)


def _with_words_of_the_house(told: dict[str, Any], generation: str) -> dict[str, Any]:
    """The document for who asks: what the house itself calls its things, and without keys.

    Another generation than the house's own, and a revision that it has not reached, would be told
    by a witness of a lost history, and begin another one.
    """
    words: dict[str, list[Any]] = {
        "stream": [*STREAMS, "nowhere"],
        "gen": [generation],
        "after": [f"{STREAMS[0]}:0", f"{STREAMS[0]}:0,{STREAMS[1]}:1"],
        "performance": [1, 2],
        "p": [1, 2],
    }
    found: dict[str, Any] = copy.deepcopy(told)
    for operations in found["paths"].values():
        for operation in operations.values():
            del operation["security"]  # or they would be spoilt, too
            asked = [each for each in operation["parameters"] if each["name"] != "wait_s"]
            operation["parameters"] = asked
            for parameter in asked:
                is_revision = parameter["schema"].get("pattern") == "^[0-9]{1,15}$"
                if not is_revision:
                    _put(words, parameter["name"], parameter["schema"])
    for shape in found["components"]["schemas"].values():
        for name, schema in shape.get("properties", {}).items():
            _put(words, name, schema)
    return found


def _put(words: dict[str, list[Any]], name: str, schema: dict[str, Any]) -> None:
    if name in words:
        may_be_none = schema.get("pattern", "").endswith(")?$")
        schema["enum"] = words[name] + ([""] if may_be_none else [])

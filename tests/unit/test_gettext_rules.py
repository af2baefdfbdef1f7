"""Texts are marked so that Babel finds them.

Babel does not look inside f-strings: `f"{_('Sold out')}"` would never reach a catalogue, and
`_(f"{n} left")` looks up a text that no catalogue can hold.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("edge", "gate_agent", "hardware", "pos_app", "program", "sync_server", "ticketing")
FILES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
MARKERS = {"_", "N_", "gettext", "ngettext", "npgettext", "pgettext"}


def _called(node: ast.AST) -> str:
    """The last name of what is called, or nothing."""
    if not isinstance(node, ast.Call):
        return ""
    function = node.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _is_marker(node: ast.AST) -> bool:
    return _called(node) in MARKERS


def _is_marker_misspelt(node: ast.AST) -> bool:
    """Whether Babel would overlook the call, because it goes by the name: `self._ngettext(...)`."""
    name = _called(node)
    return (
        name not in MARKERS
        and name.strip("_") in MARKERS
        and isinstance(node, ast.Call)
        and any(isinstance(each, ast.Constant) for each in node.args)
    )


def _unreachable_texts(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.JoinedStr) and any(map(_is_marker, ast.walk(node))):
            yield f"line {node.lineno}: a marked text inside an f-string is never collected"
        if _is_marker_misspelt(node):
            yield f"a text marked by {_called(node)}() is never collected: Babel goes by the name"
        if (
            isinstance(node, ast.Call)
            and _is_marker(node)
            and any(isinstance(each, ast.JoinedStr) for each in node.args)
        ):
            yield f"line {node.lineno}: an f-string cannot be a marked text; use .format()"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_marked_text_can_be_collected(path: Path) -> None:
    assert list(_unreachable_texts(path.read_text())) == []


@pytest.mark.parametrize(
    "source",
    [
        "f\"{_('Sold out')}\"",
        "f\"{n}: {self._t.ngettext('seat', 'seats', n)}\"",
        '_(f"{n} left")',
        'gettext(f"{n} left")',
        'self._ngettext("{n} seat", "{n} seats", n)',
    ],
)
def test_each_unreachable_text_is_found(source: str) -> None:
    assert list(_unreachable_texts(source))


@pytest.mark.parametrize(
    "source", ['_("{n} left").format(n=n)', 'f"{n}"', '_("a") + f"{b}"', "t._ngettext(*forms)"]
)
def test_a_text_that_can_be_collected_is_left_alone(source: str) -> None:
    assert not list(_unreachable_texts(source))

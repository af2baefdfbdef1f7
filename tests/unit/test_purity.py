"""Rules get time and chance as arguments; nothing in them reaches for either.

So that a simulation runs the very code of the server, the tills and the gates.

Import contracts forbid the modules; this finds what a module they may import still offers.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PURE = sorted(
    [
        *(ROOT / "ticketing").rglob("*.py"),
        *(ROOT / "edge" / "protocol").rglob("*.py"),
        *(ROOT / "sync_server" / "heart").rglob("*.py"),
        *(
            ROOT / "edge" / f"{name}.py"
            for name in (
                "allotments",
                "giving_back",
                "id_mint",
                "journal",
                "recorder",
                "replies",
                "returns",
                "time_left",
            )
        ),
    ]
)

# Calls by the names they are reached by: the last parts of a dotted name.
FORBIDDEN = {
    "datetime.now": "the clock",
    "datetime.today": "the clock",
    "datetime.utcnow": "the clock",
    "date.today": "the clock",
    "Ed25519PrivateKey.generate": "chance",
    "breakpoint": "a debugger",
    "eval": "code from data",
    "exec": "code from data",
    "input": "a person",
    "open": "a file",
    "print": "a screen",
}
FORBIDDEN_MODULES = {
    "asyncio",
    "io",
    "os",
    "pathlib",
    "random",
    "secrets",
    "socket",
    "subprocess",
    "sys",
    "threading",
    "time",
    "uuid",
}


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def _reached_by(name: str) -> str | None:
    """What a call of this dotted name reaches for, or None."""
    for forbidden, what in FORBIDDEN.items():
        if name == forbidden or ("." in forbidden and name.endswith(f".{forbidden}")):
            return what
    return None


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) else []


def _impurities(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            what = _reached_by(_dotted(node.func))
            if what is not None:
                yield f"line {node.lineno}: {_dotted(node.func)}() is {what}"
        for module in _imported(node):
            if module.partition(".")[0] in FORBIDDEN_MODULES:
                yield f"imports {module}"


@pytest.mark.parametrize("path", PURE, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_rules_are_pure(path: Path) -> None:
    assert list(_impurities(path.read_text())) == []


@pytest.mark.parametrize(
    "source",
    [
        "at = datetime.now(UTC)",
        "at = datetime.datetime.utcnow()",
        "key = ed25519.Ed25519PrivateKey.generate()",
        "text = open('x').read()",
        "import random",
        "from os import urandom",
        "def f():\n    import time",
        "import os.path",
    ],
)
def test_each_impurity_is_found(source: str) -> None:
    assert list(_impurities(source))


@pytest.mark.parametrize(
    "source", ["window.open()", "from datetime import datetime", "at = datetime.fromisoformat(x)"]
)
def test_what_only_looks_impure_is_not(source: str) -> None:
    assert not list(_impurities(source))

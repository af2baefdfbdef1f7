"""The catalogues are complete: a text without its Chinese is a defect, not a to-do."""

from __future__ import annotations

import string
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

ROOT = Path(__file__).parents[3]
SOURCES = ("edge", "gate_agent", "hardware", "pos_app", "program", "sync_server", "ticketing")
CATALOGUES = sorted(ROOT.glob("resources/i18n/*/LC_MESSAGES/boxgate.po"))

MessageId = str | tuple[str, ...]


@pytest.fixture(scope="module")
def texts() -> dict[tuple[MessageId, str | None], str]:
    """Every marked text of the programs, and where it stands."""
    mappings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["babel"]["mappings"]
    found: dict[tuple[MessageId, str | None], str] = {}
    for file, line, text, _comments, context in extract_from_dir(
        ROOT,
        method_map=[(each["pattern"], each["method"]) for each in mappings],
        directory_filter=lambda folder: Path(folder).relative_to(ROOT).parts[0] in SOURCES,
    ):
        found[(text, context)] = f"{file}:{line}"
    return found


def _read(path: Path) -> Catalog:
    with path.open("rb") as stream:
        return read_po(stream, abort_invalid=True)


def _placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def _as_forms(texts: str | Iterable[str] | None) -> list[str]:
    return [texts or ""] if isinstance(texts, str | None) else list(texts)


def _versions(message: Message) -> Iterator[tuple[str, str]]:
    """Each translated form beside the source form it must fit."""
    for form in _as_forms(message.string):
        yield _as_forms(message.id)[-1], form


def test_there_is_a_chinese_catalogue() -> None:
    assert "zh_CN" in [path.parts[-3] for path in CATALOGUES]


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: str(path.parts[-3]))
class TestEachCatalogue:
    def test_it_has_every_text_of_the_programs(
        self, path: Path, texts: dict[tuple[MessageId, str | None], str]
    ) -> None:
        catalogue = _read(path)
        missing = [
            f"{where}: {text!r}"
            for (text, context), where in texts.items()
            if catalogue.get(text, context) is None
        ]
        assert not missing, "run `make messages`:\n" + "\n".join(missing)

    def test_nothing_is_fuzzy(self, path: Path) -> None:
        assert [message.id for message in _read(path) if message.fuzzy and message.id] == []

    def test_placeholders_are_those_of_the_source(self, path: Path) -> None:
        wrong = [
            form
            for message in _read(path)
            if message.id
            for source, form in _versions(message)
            if form and _placeholders(form) != _placeholders(source)
        ]
        assert wrong == []


def test_every_text_has_its_chinese() -> None:
    path = ROOT / "resources/i18n/zh_CN/LC_MESSAGES/boxgate.po"
    empty = [
        message.id
        for message in _read(path)
        if message.id and not all(form for _, form in _versions(message))
    ]
    assert empty == []

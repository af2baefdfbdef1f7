"""Changing a settings file by program: only the keys that change; comments and the rest stay."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from program.errors import SettingsError

Value = str | int | bool | tuple[str, ...] | None
_TABLE = re.compile(r"\s*\[\s*([A-Za-z0-9_.-]+)\s*\]\s*(#.*)?")
_KEY = re.compile(r"\s*([A-Za-z0-9_-]+)\s*=")


def change_settings(path: Path, changes: Mapping[str, Value]) -> None:
    """Set dotted keys ("printer.folder") in a TOML file, made when it is missing; None removes one.

    Whole or not at all, also when the power goes. Raises SettingsError, and then the file is as it
    was: also when its own layout (a value over several lines) does not let a key be changed.
    """
    try:
        before = path.read_text("utf-8") if path.exists() else ""
        wanted = _merged(tomllib.loads(before), changes)
        after = changed_text(before, changes)
        if tomllib.loads(after) != wanted:
            raise SettingsError(
                f"{path}: this file is laid out in a way that only a person can edit"
            )
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: not valid TOML: {error}") from error
    _write(path, after)


def changed_text(text: str, changes: Mapping[str, Value]) -> str:
    """The text with these keys set. Pure."""
    lines = text.split("\n")
    for dotted, value in changes.items():
        table, _dot, key = dotted.rpartition(".")
        _set(lines, table, key, value)
    return "\n".join(lines).strip("\n") + "\n"


def _set(lines: list[str], table: str, key: str, value: Value) -> None:
    first, end = _span(lines, table)
    at = next((i for i in range(first, end) if (m := _KEY.match(lines[i])) and m[1] == key), None)
    if value is None:
        if at is not None:
            del lines[at]
        return
    line = f"{key} = {_written(value)}"
    if at is not None:
        lines[at] = line
    elif first < 0:
        lines += ["", f"[{table}]", line]
    else:
        while end > first and not lines[end - 1].strip():
            end -= 1
        lines.insert(end, line)


def _span(lines: list[str], table: str) -> tuple[int, int]:
    """The lines of a table, without its head; (-1, -1) when it is not there."""
    heads = [(i, m[1]) for i, line in enumerate(lines) if (m := _TABLE.fullmatch(line))]
    others = [i for i, line in enumerate(lines) if line.lstrip().startswith("[")]
    if not table:
        return 0, min(others, default=len(lines))
    for at, name in heads:
        if name == table:
            return at + 1, min((i for i in others if i > at), default=len(lines))
    return -1, -1


def _written(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, tuple):
        return f"[{', '.join(map(_quoted, value))}]"
    assert isinstance(value, str)
    return _quoted(value)


def _quoted(text: str) -> str:
    """A basic string of TOML: what JSON writes is one, but for the delete character."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(_shown(char) for char in escaped) + '"'


def _shown(char: str) -> str:
    return char if char.isprintable() else f"\\U{ord(char):08x}"


def _merged(table: dict[str, Any], changes: Mapping[str, Value]) -> dict[str, Any]:
    for dotted, value in changes.items():
        *folders, last = dotted.split(".")
        inner = table
        for folder in folders:
            inner = inner.setdefault(folder, {})
        if value is None:
            inner.pop(last, None)
        else:
            inner[last] = list(value) if isinstance(value, tuple) else value
    return {key: value for key, value in table.items() if value != {}}


def _write(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        with suppress(OSError):
            draft.unlink()
        raise SettingsError(f"{path}: cannot be written: {error.strerror}") from error

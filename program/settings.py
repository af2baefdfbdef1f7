"""Settings: one TOML file read once, at start, into a nested frozen dataclass.

Strict on purpose. A key that is not a field is refused with a suggestion, because a typo that is
silently ignored is a default that nobody chose. Every problem is a `SettingsError` whose text
names the file and the dotted key.

A dataclass may have a method `check(self) -> None` that raises `OutOfRange(field, rule)`; it runs
once its fields have been read.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
import re
import tomllib
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from program.errors import SettingsError
from program.redaction import HIDDEN, is_secret

T = TypeVar("T")

FILE_BYTES_MAX = 1_000_000


class OutOfRange(ValueError):
    """Raised by a settings class's `check()`: the field and the rule it breaks.

    The rule completes a sentence: `OutOfRange("port", "must be from 1 to 65535")`.
    """

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(f"{field} {rule}")
        self.field = field
        self.rule = rule


def load_settings(cls: type[T], path: Path, *, overrides: Sequence[tuple[str, object]] = ()) -> T:
    """Read `path` into `cls`, a (nested) frozen dataclass.

    Fields may be str, int, float, bool, Path, a StrEnum, a dataclass (a table), a list, tuple or
    dict with str keys of those, and any of them `| None`. An int is taken where a float is
    wanted, nothing else is converted. Relative paths are relative to the file's folder, and `~`
    is the home folder. `overrides` are (dotted key, value) pairs from the command line; they are
    read as if they stood in the file, their relative paths too.

    Raises SettingsError.
    """
    table = _read_toml(path)
    for dotted, value in overrides:
        _put(table, dotted, value, path)
    return typing.cast("T", _Reader(path, cls).table(cls, table, ""))


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            data = file.read(FILE_BYTES_MAX + 1)
    except FileNotFoundError:
        raise SettingsError(f"{path}: there is no such file") from None
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from error
    if len(data) > FILE_BYTES_MAX:
        raise SettingsError(f"{path}: longer than {FILE_BYTES_MAX} bytes, so no settings file")
    try:
        return tomllib.loads(data.decode())
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise SettingsError(f"{path}: line {line} is not UTF-8 text") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: not valid TOML: {error}") from error


def _put(table: dict[str, Any], dotted: str, value: object, path: Path) -> None:
    """Set a dotted key in nested tables, as the command line asked."""
    *folders, last = dotted.split(".")
    for folder in folders:
        inner = table.setdefault(folder, {})
        if not isinstance(inner, dict):
            raise SettingsError(f"{path}: cannot set '{dotted}': '{folder}' is not a table")
        table = inner
    table[last] = value


class _Reader:
    """Reads values into the types of one settings class; knows the file for its messages."""

    def __init__(self, path: Path, root: type) -> None:
        self._path = path
        self._folder = path.absolute().parent
        self._known = list(_dotted_keys(root, ""))

    def table(self, cls: type, table: Mapping[str, Any], prefix: str) -> object:
        """Read one table into its dataclass."""
        hints = typing.get_type_hints(cls)
        fields = {field.name: field for field in dataclasses.fields(cls)}
        for key in table:
            if key not in fields:
                raise self._unknown(prefix + key)
        values: dict[str, object] = {}
        for name, field in fields.items():
            if name in table:
                values[name] = self._value(hints[name], table[name], prefix + name)
            elif not _has_default(field):
                values[name] = self._absent(hints[name], prefix + name)
        return self._checked(cls(**values), prefix)

    def _absent(self, hint: Any, key: str) -> object:
        """A required table may be left out when nothing in it is required."""
        if dataclasses.is_dataclass(hint) and isinstance(hint, type):
            return self.table(hint, {}, f"{key}.")
        raise SettingsError(f"{self._path}: '{key}' is missing")

    def _checked(self, settings: object, prefix: str) -> object:
        check = getattr(settings, "check", None)
        if check is None:
            return settings
        try:
            check()
        except OutOfRange as error:
            value = HIDDEN if is_secret(error.field) else repr(getattr(settings, error.field))
            raise SettingsError(
                f"{self._path}: '{prefix}{error.field}' {error.rule}, but is {value}"
            ) from error
        return settings

    def _value(self, hint: Any, value: Any, key: str) -> object:
        """Read one value into the type its field is declared with."""
        origin = typing.get_origin(hint)
        if origin in (types.UnionType, typing.Union):
            return self._optional(hint, value, key)
        if origin in (list, tuple):
            return self._sequence(hint, value, key)
        if origin is dict:
            return self._mapping(hint, value, key)
        if not isinstance(hint, type):
            raise TypeError(f"settings cannot be of type {hint} ({key})")
        if dataclasses.is_dataclass(hint):
            if not isinstance(value, dict):
                raise self._wrong(key, "a table", value)
            return self.table(hint, value, f"{key}.")
        return self._scalar(hint, value, key)

    def _optional(self, hint: Any, value: Any, key: str) -> object:
        some = [each for each in typing.get_args(hint) if each is not types.NoneType]
        if len(some) != 1:
            raise TypeError(f"settings cannot be of type {hint} ({key})")
        return None if value is None else self._value(some[0], value, key)

    def _sequence(self, hint: Any, value: Any, key: str) -> object:
        if not isinstance(value, list | tuple):
            raise self._wrong(key, "a list", value)
        container, each = typing.get_origin(hint), typing.get_args(hint)[0]
        return container(self._value(each, item, f"{key}[{n}]") for n, item in enumerate(value))

    def _mapping(self, hint: Any, value: Any, key: str) -> object:
        if not isinstance(value, dict):
            raise self._wrong(key, "a table", value)
        each = typing.get_args(hint)[1]
        return {name: self._value(each, item, f"{key}.{name}") for name, item in value.items()}

    def _scalar(self, hint: type, value: Any, key: str) -> object:
        if issubclass(hint, Path):
            return self._file_path(value, key)
        if issubclass(hint, StrEnum):
            return self._choice(hint, value, key)
        if hint is float and type(value) in (int, float):
            if not math.isfinite(value):
                raise self._wrong(key, "a finite number", value)
            return float(value)
        # `type is`, because a bool is an int to Python and never to a person.
        if hint in (str, int, bool) and type(value) is hint:
            return value
        raise self._wrong(key, _NAMES.get(hint) or f"of type {hint.__name__}", value)

    def _file_path(self, value: Any, key: str) -> Path:
        if isinstance(value, Path):
            value = str(value)
        if not isinstance(value, str) or not value or "\0" in value:
            raise self._wrong(key, "a path", value)
        try:
            return self._folder / Path(value).expanduser()
        except RuntimeError as error:
            raise SettingsError(f"{self._path}: '{key}': {error}") from error

    def _choice(self, hint: type[StrEnum], value: Any, key: str) -> StrEnum:
        try:
            return hint(value)
        except ValueError:
            choices = [each.value for each in hint]
            listed = ", ".join(f'"{each}"' for each in choices)
            hint_text = _suggestion(str(value), choices)
            raise SettingsError(
                f"{self._path}: '{key}' must be one of {listed}, not {_shown(key, value)}{hint_text}"
            ) from None

    def _wrong(self, key: str, wanted: str, value: Any) -> SettingsError:
        return SettingsError(f"{self._path}: '{key}' must be {wanted}, not {_shown(key, value)}")

    def _unknown(self, dotted: str) -> SettingsError:
        return SettingsError(
            f"{self._path}: unknown key '{dotted}'{_suggestion(dotted, self._known)}"
        )


_NAMES = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}


def _shown(key: str, value: Any) -> str:
    """The value as its writer wrote it, roughly; nothing of a secret."""
    if is_secret(key.rpartition(".")[2]):
        return HIDDEN
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, str):
        return f'"{value}"'
    return str(value)


def _suggestion(wrong: str, known: Sequence[str]) -> str:
    """': did you mean ...?' for the nearest known word, or nothing.

    A key in the wrong table is found by its last part; known keys have no "[0]" in them.
    """
    wrong = re.sub(r"\[\d+\]", "", wrong)
    near = difflib.get_close_matches(wrong, known, n=1)
    last = wrong.rpartition(".")[2]
    near = near or [each for each in known if each.rpartition(".")[2] == last]
    return f": did you mean '{near[0]}'?" if near else ""


def _has_default(field: dataclasses.Field[Any]) -> bool:
    return (
        field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING
    )


def _dotted_keys(cls: type, prefix: str) -> Iterator[str]:
    """Every key a file for this class may have; a list of tables is one key of its own."""
    if not dataclasses.is_dataclass(cls):
        raise TypeError(f"settings are read into dataclasses, not into {cls.__name__}")
    hints = typing.get_type_hints(cls)
    for field in dataclasses.fields(cls):
        yield prefix + field.name
        for inner in (hints[field.name], *typing.get_args(hints[field.name])):
            if dataclasses.is_dataclass(inner) and isinstance(inner, type):
                yield from _dotted_keys(inner, f"{prefix}{field.name}.")

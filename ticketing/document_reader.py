"""Reading a JSON document that people wrote: every problem is found, placed and explained.

A reader never stops at the first fault. Each fault is recorded with its path and what to do, the
reading goes on with a placeholder, and whoever reads asks `problems.since(mark)` before trusting
what was read. Values are the ones a JSON decoder gives; anything else is refused like a wrong type.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final, cast

from ticketing.faults import N_, Fault, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

PROBLEMS_SHOWN_MAX = 20
TEXT_CHARS_MAX = 120
ID_RULE = N_("an id (a-z, 0-9 and -, at most 32 characters, not starting with -)")

_ABSENT: Final = object()
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,31}\Z")
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_SHOWN_CHARS_MAX = 40
_KINDS = {dict: N_("an object"), list: N_("a list"), type(None): N_("null")}
# Control, surrogate and line-breaking characters; and those that turn the writing direction
# around, with which a name could be made to read as another one on a ticket.
_BARRED_CATEGORIES = {"Cc", "Cs", "Zl", "Zp"}
_BARRED_CHARACTERS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class CatalogueError(ValueError):
    """The document cannot be used. `problems` are the first 20, `problem_count` counts all."""

    def __init__(self, problems: Sequence[Problem], problem_count: int) -> None:
        self.problems = tuple(problems)
        self.problem_count = problem_count
        lines = [str(problem) for problem in self.problems]
        if problem_count > len(self.problems):
            lines.append(f"... and {problem_count - len(self.problems)} more")
        super().__init__("\n".join(lines))


@dataclass(slots=True)
class Problems:
    """What was found wrong in one document so far; keeps the first 20."""

    source: str
    shown: list[Problem] = field(default_factory=list)
    count: int = 0

    def add(self, path: str, fault: Fault, **facts: object) -> None:
        """Record one fault."""
        self.count += 1
        if self.count <= PROBLEMS_SHOWN_MAX:
            written = tuple((name, str(fact)) for name, fact in facts.items())
            self.shown.append(Problem(self.source, path, fault, written))

    def since(self, mark: int) -> bool:
        """Return whether anything was recorded after `mark`, an earlier `count`."""
        return self.count > mark

    def raise_if_any(self) -> None:
        """Raise CatalogueError when the document had a fault."""
        if self.count:
            raise CatalogueError(self.shown, self.count)


@dataclass(frozen=True, slots=True)
class Node:
    """A value in the document, with where it stands. Reading an absent one gives the placeholder
    and says nothing: that it is missing was said when its object was opened, if it matters.
    """

    value: object
    problems: Problems
    parent: Node | None = None
    key: str | int = "$"

    @property
    def present(self) -> bool:
        """Return whether the document has this value."""
        return self.value is not _ABSENT

    @property
    def path(self) -> str:
        """Return where the value stands, as "$.plans[0].areas[2].id"."""
        if self.parent is None:
            return str(self.key)
        if isinstance(self.key, int):
            return f"{self.parent.path}[{self.key}]"
        if _PLAIN_KEY.match(self.key):
            return f"{self.parent.path}.{self.key}"
        return f"{self.parent.path}[{shown(self.key)}]"

    def refuse(self, fault: Fault, **facts: object) -> None:
        """Record what is wrong with this value; `facts` are those of the fault's sentence."""
        self.problems.add(self.path, fault, **facts)

    def members(
        self, required: Sequence[str], optional: Sequence[str] = (), *, others: bool = False
    ) -> dict[str, Node]:
        """Open an object with these keys; each of them is in the answer.

        There are no others, unless `others` says that what we do not know is let be.
        """
        known = (*required, *optional)
        value = self.value
        if not isinstance(value, dict):
            if required:
                self._refuse_value(Fault.NO_OBJECT_WITH, keys=_listed(required))
            else:
                self._refuse_value(Fault.NO_OBJECT)
            return {key: self._child(key, _ABSENT) for key in known}
        for key in () if others else value:
            if key not in known:
                _refuse_key(self._child(key, None), key, known)
        for key in required:
            if key not in value:
                self.refuse(Fault.MISSING_KEY, key=key, keys=_listed(required))
        return {key: self._child(key, value.get(key, _ABSENT)) for key in known}

    def items(self, at_least: int, at_most: int, what: str) -> list[Node]:
        """Open a list of `what` (plural, for the sentence) with a bounded length."""
        value = self.value
        if not isinstance(value, list):
            self._refuse_value(Fault.NO_LIST, what=what)
            return []
        if not at_least <= len(value) <= at_most:
            self.refuse(Fault.LIST_LENGTH, low=at_least, high=at_most, what=what, count=len(value))
            return []
        return [self._child(at, inner) for at, inner in enumerate(value)]

    def integer(self, low: int, high: int) -> int:
        """Read a whole number in low..high; placeholder `low`."""
        value = self.value
        if type(value) is int and low <= value <= high:
            return value
        self._refuse_value(Fault.NO_INTEGER, low=low, high=high)
        return low

    def number(self, low: float, high: float) -> float:
        """Read a finite number in low..high; placeholder `low`."""
        value = self.value
        # Compared before it is made a float: a JSON integer may be too large for one.
        if type(value) in (int, float) and low <= cast("float", value) <= high:
            return float(cast("float", value))
        self._refuse_value(Fault.NO_NUMBER, low=f"{low:g}", high=f"{high:g}")
        return low

    def flag(self, *, default: bool) -> bool:
        """Read true or false; placeholder `default`, also when absent."""
        if isinstance(self.value, bool):
            return self.value
        self._refuse_value(Fault.NO_FLAG)
        return default

    def string(self, what: str, chars_max: int = TEXT_CHARS_MAX) -> str:
        """Read a printable, trimmed string of 1..chars_max characters; placeholder ""."""
        value = self.value
        if isinstance(value, str) and 0 < len(value) <= chars_max and _is_printable(value):
            return value
        self._refuse_value(Fault.NO_TEXT, what=what, most=chars_max)
        return ""

    def matching(self, pattern: re.Pattern[str], what: str) -> str:
        """Read a string that `pattern` matches as a whole; placeholder ""."""
        if isinstance(self.value, str) and pattern.match(self.value):
            return self.value
        self._refuse_value(Fault.NO_MATCH, what=what)
        return ""

    def identifier(self) -> str:
        """Read an id; placeholder ""."""
        return self.matching(_ID, ID_RULE)

    def one_of(self, choices: Iterable[str], what: str) -> str:
        """Read one of `choices`, naming the nearest when it is none; placeholder ""."""
        known = list(choices)
        if isinstance(self.value, str) and self.value in known:
            return self.value
        near = nearest(self.value, known)
        if near:
            self._refuse_value(Fault.NO_WORD_NEAR, what=what, known=_listed(known), near=near)
        else:
            self._refuse_value(Fault.NO_WORD, what=what, known=_listed(known))
        return ""

    def _child(self, key: str | int, value: object) -> Node:
        return Node(value, self.problems, self, key)

    def _refuse_value(self, fault: Fault, **facts: object) -> None:
        if self.present:
            self.refuse(fault, **facts, value=shown(self.value))


def nearest(value: object, known: Iterable[str]) -> str | None:
    """Return the known word that `value` is most likely a slip of, if any."""
    if not isinstance(value, str) or len(value) > TEXT_CHARS_MAX:
        return None
    words = list(known)
    begun = (word for word in words if value and word.startswith(value))
    return next(iter(get_close_matches(value, words, n=1)), None) or next(begun, None)


def unique(seen: dict[Any, Node], key: object, node: Node, what: str) -> None:
    """Refuse `node` when `key` was seen before; `seen` has for each key where it was first."""
    if not node.present or key == "":
        return
    first = seen.setdefault(key, node)
    if first is not node:
        node.refuse(Fault.TWICE, thing=what, key=shown(key), place=first.path)


def _refuse_key(node: Node, key: object, known: Sequence[str]) -> None:
    near = nearest(key, known)
    if near:
        node.refuse(Fault.UNKNOWN_KEY_NEAR, near=near)
    else:
        node.refuse(Fault.UNKNOWN_KEY, known=_listed(known))


def _is_printable(value: str) -> bool:
    if value != value.strip():
        return False
    return (value.isascii() and value.isprintable()) or not any(
        character in _BARRED_CHARACTERS or unicodedata.category(character) in _BARRED_CATEGORIES
        for character in value
    )


def _listed(words: Iterable[str]) -> str:
    return ", ".join(words)


def shown(value: object) -> str:
    """Return the value as it stands in the document, cut short; only a word for a large one."""
    if type(value) in _KINDS:
        return _KINDS[type(value)]
    if isinstance(value, int) and value.bit_length() > 128:
        return N_("an enormous number")
    if isinstance(value, float) and not math.isfinite(value):
        return N_("not a finite number")
    if isinstance(value, str | int | float | tuple):
        text = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace").decode()
        return text if len(text) <= _SHOWN_CHARS_MAX else f"{text[:_SHOWN_CHARS_MAX]}..."
    return N_("no JSON value")

"""A name in several languages, as venues, areas and events carry it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

FALLBACK_LANGUAGE = "en"


@dataclass(frozen=True, slots=True)
class Text:
    """One name per language: `(("en", "Stalls"), ("zh", "池座"))`, sorted by language, never empty.

    Languages are bare codes ("zh", "en"). Two texts with the same names are equal and hash alike,
    whatever order their document had them in.
    """

    names: tuple[tuple[str, str], ...]

    def __post_init__(self) -> None:
        if not self.names:
            raise ValueError("a text needs a name in at least one language")
        object.__setattr__(self, "names", tuple(sorted(self.names)))

    @classmethod
    def from_names(cls, names: Mapping[str, str]) -> Text:
        """Make a text of `{"zh": "池座", "en": "Stalls"}`; ValueError when it is empty."""
        return cls(tuple(names.items()))

    def in_language(self, language: str) -> str:
        """Return the name for "zh", "zh_CN" or "zh-Hans-CN"; else the English one, else the first."""
        names = dict(self.names)
        asked = language.replace("-", "_").partition("_")[0].lower()
        return names.get(asked) or names.get(FALLBACK_LANGUAGE) or self.names[0][1]

    def to_json(self) -> dict[str, str]:
        """Return `{"en": ..., "zh": ...}`, the form that documents carry."""
        return dict(self.names)

"""What came of applying an operation."""

from __future__ import annotations

from dataclasses import dataclass

from ticketing.journal import Verdict


@dataclass(frozen=True, slots=True)
class Effect:
    """Verdict, a code when it is not plain `ok`, and whether the feed shows anything of it."""

    verdict: Verdict
    code: str = ""
    shows: bool = False

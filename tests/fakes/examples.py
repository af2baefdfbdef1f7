"""How many examples a property has that is dearer, or needs more, than the others."""

from __future__ import annotations

import hypothesis

_LEAST = 5


def examples(count: int) -> int:
    """`count` in the profile "full", where others have a hundred; in other profiles in proportion."""
    profile = hypothesis.settings.default
    assert profile is not None
    return max(_LEAST, count * profile.max_examples // 100)

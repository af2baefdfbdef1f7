"""The page for people at the doors leaves nothing out that a gate may say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ticketing.admission import Reason

GUIDE = Path(__file__).parents[3] / "docs" / "guides" / "gate.md"


@pytest.mark.parametrize("reason", Reason)
def test_the_guide_says_what_to_do_about_every_reason(reason: Reason) -> None:
    assert f"`{reason.value}`" in GUIDE.read_text("utf-8")


def test_every_picture_of_the_guide_is_there() -> None:
    pictures = re.findall(r"!\[[^]]*\]\(([^)]+)\)", GUIDE.read_text("utf-8"))
    assert pictures
    assert [each for each in pictures if not (GUIDE.parent / each).is_file()] == []

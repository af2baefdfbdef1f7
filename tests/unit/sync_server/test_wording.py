"""Every code that the console can meet has a sentence in every language."""

from __future__ import annotations

import json

import pytest

from program.i18n import LANGUAGES
from sync_server.console.wording import (
    case_sentence,
    node_role_name,
    person_role_name,
    price_sentences,
    problem_sentence,
)
from sync_server.heart.cases import CaseKind
from sync_server.heart.prices import PriceDoubt
from sync_server.services.permissions import NodeRole, PersonRole
from ticketing.pricing import Unlawful


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_has_its_words(language: str) -> None:
    sentences = [
        *(case_sentence(kind, language) for kind in CaseKind),
        *(node_role_name(role, language) for role in NodeRole),
        *(person_role_name(role, language) for role in PersonRole),
    ]
    codes = {*CaseKind, *NodeRole, *PersonRole}
    assert all(sentences)
    assert codes.isdisjoint(sentences)
    assert len(set(sentences)) == len(sentences)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_doubt_about_a_price_has_its_words(language: str) -> None:
    codes = [*Unlawful, *PriceDoubt]
    body = json.dumps({"lines": [{"why": code} for code in (*codes, codes[0])]})
    said = price_sentences(body, language)
    assert len(set(said)) == len(said) == len(codes)
    assert set(codes).isdisjoint(said)
    assert price_sentences('{"lines": [{"why": "too_late"}, {}]}', language) == ("too_late",)


def test_a_case_of_a_later_version_shows_its_code() -> None:
    assert case_sentence("from_the_future", "en") == "from_the_future"


def test_unknown_problems_are_a_defect_or_a_refusal() -> None:
    assert "Something went wrong" in problem_sentence("x", 500, "en")
    assert "could not be taken" in problem_sentence("x", 400, "en")
    assert "no such page" in problem_sentence("not_found", 404, "en")

"""Every code of the orders screen has a sentence in each language, and money is never left open."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pos_app.presenters import after_sale_words as say
from pos_app.presenters import language
from pos_app.presenters.after_sale_state import BROKEN
from pos_app.services.after_sale_model import (
    Barred,
    Done,
    FindNote,
    GoReason,
    Standing,
)
from sync_server.heart.handing import NoHandout
from sync_server.heart.returns import NoRevocation
from ticketing.refund_rules import Bar, Deed
from ticketing.returns import ReturnRefusal

CODES = sorted({str(code) for code in (*Bar, *Barred, *ReturnRefusal, *say.SERVER_CODES)})


@pytest.fixture(params=language.LANGUAGES, autouse=True)
def spoken(request: pytest.FixtureRequest) -> Iterator[str]:
    language.set_language(request.param)
    yield request.param
    language.set_language("en")


def test_the_servers_codes_are_those_it_sends() -> None:
    assert sorted(say.SERVER_CODES) == sorted({*NoRevocation, *NoHandout})


@pytest.mark.parametrize("code", CODES)
def test_every_code_has_a_sentence_of_its_own(code: str) -> None:
    assert say.bar(code) != say.bar(BROKEN)
    assert say.refused(code).startswith(say.bar(code))


def test_a_code_of_a_newer_server_gets_a_sentence_too() -> None:
    assert say.bar("something new") == say.bar(BROKEN) != ""


def test_what_was_refused_says_what_it_means_for_the_money() -> None:
    language.set_language("en")
    for code in CODES:
        said = say.refused(code).lower()
        assert any(word in said for word in ("pay", "owed", "money", "wait for")), code


def test_states_reasons_deeds_and_notes_have_words(spoken: str) -> None:
    for deed in Deed:
        assert say.deed_name(deed)
        assert say.deed_hint(deed)
        assert say.done_title(Done(deed, "e", "P-1", 1, "CNY", 0, 0, 0, 0))
    assert all(map(say.reason_name, GoReason))
    assert all(map(say.order_standing, Standing))
    assert all(map(say.find_note, FindNote))
    if spoken.startswith("zh"):
        assert say.deed_name(Deed.REFUND) == "退票"


@pytest.mark.parametrize(
    ("out", "taken", "change", "shown"),
    [(500, 0, 0, 500), (0, 700, 300, 300), (0, 700, 0, 0), (0, 0, 0, 0)],
    ids=["paid back", "change", "exact", "even"],
)
def test_the_large_amount_is_what_leaves_the_drawer(
    out: int, taken: int, change: int, shown: int
) -> None:
    done = Done(Deed.EXCHANGE, "e", "P-1", 1, "CNY", out, taken, change, 0)
    assert say.done_amount(done)[1] == shown

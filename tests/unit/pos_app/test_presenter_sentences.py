"""Every code that a cashier can meet has a sentence in every language."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from edge.journal import LockReason as JournalLockReason
from pos_app.presenters import basket_words, language, price_words, sentences, status_words
from pos_app.presenters.giving import Denied
from pos_app.presenters.history import Change, Deed, Step, Toast
from pos_app.presenters.notice import Notice, Tone, Topic, tone_of
from pos_app.presenters.sell_state import SellState
from pos_app.services.basket import Picked
from pos_app.services.model import (
    LateLeft,
    Link,
    LockReason,
    SaleRefusal,
    SignInRefusal,
    SignInRefused,
    SyncStatus,
)
from pos_app.services.parking_model import ParkRefusal
from tests.fakes.till import NOW, FakeTill
from ticketing.pricing import Refusal, Role

HOUSE = FakeTill().house(1)
CHINESE = "\u4e00", "\u9fff"


@pytest.fixture(params=language.LANGUAGES)
def spoken(request: pytest.FixtureRequest) -> Iterator[str]:
    code: str = request.param
    language.set_language(code)
    yield code
    language.set_language("en")


def assert_spoken(sentence: str, code: str) -> None:
    """A whole sentence of the language, with every placeholder filled in."""
    assert sentence.strip()
    assert "{" not in sentence
    has_chinese = any(CHINESE[0] <= letter <= CHINESE[1] for letter in sentence)
    assert has_chinese == (code == "zh_CN"), sentence


@pytest.mark.parametrize("reason", SaleRefusal)
def test_every_sale_refusal_has_a_sentence(reason: SaleRefusal, spoken: str) -> None:
    seats = HOUSE.plan.describe(1, spoken)
    assert_spoken(sentences.sale_refusal(reason, seats), spoken)
    assert_spoken(sentences.sale_refusal(reason), spoken)


@pytest.mark.parametrize("reason", SignInRefusal)
@pytest.mark.parametrize("tries_left", [0, 1, 4])
def test_every_sign_in_refusal_has_a_sentence(
    reason: SignInRefusal, tries_left: int, spoken: str
) -> None:
    refused = SignInRefused(reason, tries_left, wait_s=61)
    assert_spoken(sentences.sign_in_refusal(refused).replace("PIN", ""), spoken)


@pytest.mark.parametrize("reason", [*sentences.NOT_GRANTED_REASONS, "a reason of next year"])
def test_every_reason_for_not_granting_has_a_sentence(reason: str, spoken: str) -> None:
    assert_spoken(sentences.not_granted(reason, HOUSE.plan.describe(1, spoken)), spoken)


@pytest.mark.parametrize("topic", Topic)
def test_every_topic_has_a_sentence_and_a_tone(topic: Topic, spoken: str) -> None:
    codes = {
        Topic.SALE_REFUSED: SaleRefusal.DISK_FULL,
        Topic.TOO_FEW_PLACES: "standing",
        Topic.NOT_GIVEN: Refusal.OVER_EVERY_CAP,
        Topic.NOT_PARKED: ParkRefusal.TOO_MANY,
    }
    notice = Notice(
        topic, codes.get(topic, "7"), units=(1, 2, 3, 4, 5), count=3, amounts=(100_00, 110_00)
    )
    assert_spoken(sentences.notice_sentence(notice, HOUSE), spoken)
    assert tone_of(topic) in Tone


@pytest.mark.parametrize("reason", ParkRefusal)
def test_every_reason_for_not_parking_has_a_sentence(reason: ParkRefusal, spoken: str) -> None:
    sentence = basket_words.park_refusal(reason, HOUSE.plan.describe(1, spoken))
    assert_spoken(sentence, spoken)


@pytest.mark.parametrize("deed", Deed)
def test_everything_taken_away_has_a_toast(deed: Deed, spoken: str) -> None:
    change = Change(Picked(1, 1, "adult"), None)
    toast = Toast(Step(deed, (change,), number=7))
    assert_spoken(basket_words.toast_sentence(toast, HOUSE), spoken)
    both = Toast(Step(deed, (change, Change(Picked(1, 2, "adult"), None)), number=7))
    assert_spoken(basket_words.toast_sentence(both, HOUSE), spoken)


@pytest.mark.parametrize("refusal", Refusal)
def test_every_refusal_of_the_price_engine_has_a_sentence(refusal: Refusal, spoken: str) -> None:
    assert_spoken(sentences.price_refusal(refusal), spoken)


@pytest.mark.parametrize("refused", [*Denied, SignInRefused(SignInRefusal.WRONG_PIN, 2)])
def test_every_denied_approval_has_a_sentence(refused: Denied | SignInRefused, spoken: str) -> None:
    assert_spoken(price_words.denied(refused), spoken)


@pytest.mark.parametrize("role", Role)
def test_every_role_that_approves_has_a_name(role: Role, spoken: str) -> None:
    assert_spoken(price_words.role_name(role), spoken)


def test_a_locked_out_person_reads_whole_minutes() -> None:
    refused = SignInRefused(SignInRefusal.LOCKED_OUT, wait_s=61)
    assert "2 minutes" in sentences.sign_in_refusal(refused)
    assert "1 minute;" in sentences.sign_in_refusal(SignInRefused(SignInRefusal.LOCKED_OUT))


def test_many_units_are_named_by_the_first_three() -> None:
    named = sentences.name_units(HOUSE, (1, 2, 3, 4, 5))
    assert named.count("Stalls Left") == 3
    assert named.endswith("2 more")
    assert sentences.name_units(HOUSE, ()) == ""


@pytest.mark.parametrize("link", Link)
def test_every_link_has_words(link: Link, spoken: str) -> None:
    status = SyncStatus(link, NOW, NOW, 12, NOW, 2)
    assert_spoken(status_words.link_words(status, NOW), spoken)
    assert_spoken(status_words.link_words(status, NOW, compact=True), spoken)
    assert_spoken(status_words.status_sentence(status, NOW), spoken)


@pytest.mark.parametrize(
    ("passed_s", "words"),
    [
        pytest.param(-5, "0 s ago", id="a clock that ran back"),
        pytest.param(59, "59 s ago", id="seconds"),
        pytest.param(60, "1 min ago", id="a minute"),
        pytest.param(7_300, "2 h ago", id="hours"),
    ],
)
def test_ages_are_told_in_the_largest_whole_unit(passed_s: int, words: str) -> None:
    assert status_words.age_words(NOW, NOW + timedelta(seconds=passed_s)) == words


def test_the_offline_banner_says_since_when_and_what_may_be_sold(spoken: str) -> None:
    status = SyncStatus(Link.OFFLINE, NOW, NOW, 12, NOW, 0)
    with_house = status_words.offline_banner(SellState(house=HOUSE, status=status), NOW)
    assert "14:05" in with_house
    assert_spoken(with_house, spoken)
    assert_spoken(status_words.offline_banner(SellState(status=status), NOW), spoken)


def test_online_there_is_no_banner_and_a_locked_window_says_so(spoken: str) -> None:
    online = SyncStatus(Link.ONLINE, None, NOW, 0, None, 0)
    assert status_words.offline_banner(SellState(status=online), NOW) == ""
    locked = SyncStatus(Link.LOCKED, None, NOW, 0, None, 0)
    assert_spoken(status_words.offline_banner(SellState(status=locked), NOW), spoken)


@pytest.mark.parametrize("reason", LockReason)
def test_a_locked_window_says_why(reason: LockReason, spoken: str) -> None:
    status = SyncStatus(Link.LOCKED, None, NOW, 0, None, 0, lock=reason)
    banner = status_words.offline_banner(SellState(house=HOUSE, status=status), NOW)
    assert_spoken(banner, spoken)
    unexplained = replace(status, lock=None)
    assert banner != status_words.offline_banner(SellState(house=HOUSE, status=unexplained), NOW)


def test_a_window_knows_every_reason_for_which_a_journal_is_locked() -> None:
    assert [*map(str, LockReason)] == [*map(str, JournalLockReason)]


@pytest.mark.parametrize("link", [Link.ONLINE, Link.OFFLINE])
def test_what_has_outlived_its_term_has_a_banner_with_and_without_the_network(
    link: Link, spoken: str
) -> None:
    status = SyncStatus(link, NOW, NOW, 0, None, 0, outlived=True)
    banner = status_words.offline_banner(SellState(house=HOUSE, status=status), NOW)
    assert_spoken(banner, spoken)
    assert status_words.is_barred(status)
    assert not status_words.is_barred(replace(status, outlived=False))
    fresh = SellState(house=HOUSE, status=replace(status, outlived=False))
    assert banner != status_words.offline_banner(fresh, NOW)


@pytest.mark.parametrize("link", [Link.ONLINE, Link.OFFLINE])
def test_what_is_past_its_soft_term_has_a_banner_with_all_that_is_left(
    link: Link, spoken: str
) -> None:
    late = LateLeft(NOW + timedelta(minutes=61), 3, 70_000)
    status = SyncStatus(link, NOW if link is Link.OFFLINE else None, NOW, 0, None, 0, late=late)
    banner = status_words.offline_banner(SellState(house=HOUSE, status=status), NOW)
    assert_spoken(banner, spoken)
    assert "3" in banner
    assert "700" in banner
    assert not status_words.is_barred(status)
    spent = replace(status, late=replace(late, amount_minor=0))
    assert_spoken(status_words.offline_banner(SellState(house=HOUSE, status=spent), NOW), spoken)
    assert status_words.is_barred(spent)


def test_an_unknown_language_is_refused_and_the_old_one_stays() -> None:
    with pytest.raises(ValueError, match="klingon"):
        language.set_language("klingon")
    assert language.language() == "en"


def test_days_are_called_by_how_near_they_are() -> None:
    today = NOW.date()
    assert language.day(today, today) == "Today"
    assert language.day(today + timedelta(days=1), today) == "Tomorrow"
    assert "2026" not in language.day(today + timedelta(days=9), today)
    assert "2027" in language.day(today + timedelta(days=90), today)
    assert "2026" in language.day(today, None)

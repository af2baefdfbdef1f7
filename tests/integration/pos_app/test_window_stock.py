"""What a window can sell, what it asks for and what it gives back."""

from __future__ import annotations

from datetime import timedelta

import pytest

from edge.errors import ReplicaFull
from edge.link import LinkState
from pos_app.services.model import News, NewsKind, UnitState
from pos_app.services.window import STOCK_UNITS
from tests.fakes.hall import EVENT_ID, FIRST, ROW, SECOND, STANDING
from tests.fakes.till import NOW, sample_catalogue
from tests.integration.pos_app.window_stage import Stage
from ticketing.journal import OpKind
from ticketing.operations import Release, decode_release

UNIT_COUNT = sample_catalogue().plans[0].unit_count


def state_of(stage: Stage, unit: int, performance: int = FIRST) -> UnitState:
    states = stage.window.availability(performance).states
    return states.get(unit, UnitState.ELSEWHERE)


def releases(stage: Stage) -> list[Release]:
    found = [decode_release(op.body) for op in stage.ops(OpKind.RELEASE)]
    assert None not in found
    return [release for release in found if release is not None]


# --- what is for sale


def test_performances_come_soonest_first_and_not_when_they_are_over(stage: Stage) -> None:
    stage.lend(ROW)
    stage.feed.claims(FIRST, "sold", [1, 2, 3])
    choices = stage.window.performances()
    assert [choice.number for choice in choices] == [1, 2, 3, 4, 5]
    assert choices[0].allotted_free_count == len(ROW)
    assert choices[0].venue_free_count == UNIT_COUNT - 3, "what is lent to us is free to us"
    assert choices[1].allotted_free_count == 0
    stage.env.pass_s((choices[0].ends_at - NOW).total_seconds())
    assert [choice.number for choice in stage.window.performances()] == [2, 3, 4, 5]


def test_the_venues_free_places_leave_out_what_others_have(stage: Stage) -> None:
    stage.feed.claims(FIRST, "sold", [1])
    stage.feed.claims(FIRST, "allot", [2, 3], ref="0a1b2c3d-9")
    stage.feed.claims(FIRST, "blocked", [4, 5, 6])
    stage.feed.claims(FIRST, "free", [7])
    assert stage.window.performances()[0].venue_free_count == UNIT_COUNT - 6


def test_a_performance_that_the_mirror_lacks_is_a_key_error(stage: Stage) -> None:
    with pytest.raises(KeyError):
        stage.window.house(99)


def test_a_unit_that_nobody_has_is_elsewhere(stage: Stage) -> None:
    stage.feed.claims(FIRST, "free", [ROW[0]])
    assert state_of(stage, ROW[0]) is UnitState.ELSEWHERE
    assert state_of(stage, ROW[1]) is UnitState.ELSEWHERE


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        pytest.param("sold", UnitState.SOLD, id="sold"),
        pytest.param("allot", UnitState.LENT, id="lent to another window"),
        pytest.param("blocked", UnitState.BLOCKED, id="kept back"),
        pytest.param("hold", UnitState.LENT, id="a kind of a newer server"),
    ],
)
def test_others_units_are_what_their_claim_says(stage: Stage, kind: str, state: UnitState) -> None:
    stage.feed.claims(FIRST, kind, [ROW[0]], ref="0a1b2c3d-77")
    assert state_of(stage, ROW[0]) is state


def test_our_own_journal_is_right_about_our_own_units(till: Stage) -> None:
    till.lend(ROW)
    till.sell([ROW[0]])
    till.feed.claims(FIRST, "sold", [ROW[1]])
    assert state_of(till, ROW[0]) is UnitState.SOLD, "although the mirror has it as lent"
    assert state_of(till, ROW[1]) is UnitState.FREE, "although the mirror has it as sold"
    assert state_of(till, ROW[0], SECOND) is UnitState.ELSEWHERE


def test_a_released_unit_is_elsewhere_before_the_server_has_heard_of_it(stage: Stage) -> None:
    stage.lend([ROW[0]], firm=True)
    stage.window.give_back(FIRST, [ROW[0]])
    assert state_of(stage, ROW[0]) is UnitState.ELSEWHERE, "the claim is an echo of our own"
    stage.feed.claims(FIRST, "allot", [ROW[0]], ref="0a1b2c3d-77")
    assert state_of(stage, ROW[0]) is UnitState.LENT, "another window was quicker"
    stage.lend([ROW[0]])
    assert state_of(stage, ROW[0]) is UnitState.FREE, "and then it was lent to us again"


def test_the_version_rises_with_every_change_seen(stage: Stage) -> None:
    stage.go_online()
    seen = [stage.window.availability(FIRST).version]

    def note() -> None:
        seen.append(stage.window.availability(FIRST).version)

    stage.window.ask_for(FIRST, [ROW[0]])
    note()
    stage.answer(stage.engine.wishes[0], stage.grant([ROW[0]], firm=True))
    note()
    stage.window.give_back(FIRST, [ROW[0]])
    note()
    stage.engine.listeners.pulled(EVENT_ID, frozenset({"claim"}))
    note()
    assert seen == sorted(set(seen))


# --- stock


def test_units_are_lent_in_the_background_once_and_only_when_few_are_left(stage: Stage) -> None:
    stage.go_online()
    stage.lend(range(1, STOCK_UNITS // 2))
    stage.window.stock(FIRST)
    stage.window.stock(FIRST)
    [wish] = stage.engine.wishes
    assert (wish.performance, wish.units, wish.firm) == (FIRST, (), False)
    assert wish.count == STOCK_UNITS - (STOCK_UNITS // 2 - 1)
    stage.heard()
    stage.answer(wish, stage.grant(range(500, 500 + wish.count)))
    assert [(news.kind, news.performance) for news in stage.heard()] == [
        (NewsKind.AVAILABILITY, FIRST)
    ]
    stage.window.stock(FIRST)
    assert len(stage.engine.wishes) == 1, "there is enough now"


def test_half_of_the_stock_is_enough(stage: Stage) -> None:
    stage.go_online()
    stage.lend(range(1, STOCK_UNITS // 2 + 1))
    stage.window.stock(FIRST)
    assert stage.engine.wishes == []


def test_stock_is_asked_for_again_after_a_refusal_and_after_an_outage(stage: Stage) -> None:
    stage.window.stock(FIRST)
    assert stage.engine.wishes == []
    stage.go_online()
    stage.window.stock(FIRST)
    stage.answer(stage.engine.wishes[0], "taken")
    stage.window.stock(FIRST)
    assert len(stage.engine.wishes) == 2
    stage.window.stock(SECOND)
    assert len(stage.engine.wishes) == 3, "each performance has its own"


# --- asking for units


def test_a_unit_asked_for_is_shown_as_asking_and_then_ours(stage: Stage) -> None:
    stage.go_online()
    assert stage.window.ask_for(FIRST, [ROW[0], ROW[1]]) is True
    assert state_of(stage, ROW[0]) is UnitState.ASKING
    [wish] = stage.engine.wishes
    assert (wish.units, wish.firm, wish.count) == ((ROW[0], ROW[1]), True, 0)
    stage.heard()
    stage.answer(wish, stage.grant(wish.units, firm=True))
    assert state_of(stage, ROW[0]) is UnitState.FREE
    assert stage.heard() == [
        News(NewsKind.AVAILABILITY, FIRST),
        News(NewsKind.GRANTED, FIRST, (ROW[0], ROW[1])),
    ]


def test_a_claim_of_somebody_else_shows_through_the_asking(stage: Stage) -> None:
    stage.go_online()
    stage.window.ask_for(FIRST, [ROW[0]])
    stage.feed.claims(FIRST, "sold", [ROW[0]])
    assert state_of(stage, ROW[0]) is UnitState.SOLD


def test_a_refused_unit_is_told_with_its_reason(stage: Stage) -> None:
    stage.go_online()
    stage.window.ask_for(FIRST, [ROW[0]])
    stage.heard()
    stage.answer(stage.engine.wishes[0], "taken")
    assert stage.heard()[-1] == News(NewsKind.NOT_GRANTED, FIRST, (ROW[0],), "taken")
    assert state_of(stage, ROW[0]) is UnitState.ELSEWHERE


@pytest.mark.parametrize("link", [LinkState.OFFLINE, LinkState.CONNECTING, LinkState.LOCKED])
def test_nothing_is_asked_without_a_server(stage: Stage, link: LinkState) -> None:
    stage.engine.become(link)
    stage.heard()
    assert stage.window.ask_for(FIRST, [ROW[0]]) is False
    assert state_of(stage, ROW[0]) is UnitState.ELSEWHERE
    assert stage.heard() == [], "the answer was given at once"


def test_a_unit_on_its_way_is_not_asked_for_twice(stage: Stage) -> None:
    stage.go_online()
    stage.window.ask_for(FIRST, [ROW[0]])
    assert stage.window.ask_for(FIRST, [ROW[0]]) is True
    assert stage.window.ask_for(FIRST, [ROW[0], ROW[1]]) is True
    assert [wish.units for wish in stage.engine.wishes] == [(ROW[0],), (ROW[1],)]


def test_a_unit_that_came_by_another_grant_is_granted_too(stage: Stage) -> None:
    stage.go_online()
    stage.window.ask_for(FIRST, [ROW[0]])
    stage.lend([ROW[0]])
    stage.answer(stage.engine.wishes[0], "taken")
    assert stage.heard()[-1] == News(NewsKind.GRANTED, FIRST, (ROW[0],))


# --- giving back


def test_only_units_acquired_for_a_basket_are_released(stage: Stage) -> None:
    stage.lend([ROW[0]])
    firm = stage.lend([ROW[1], ROW[2]], firm=True)
    stage.heard()
    stage.window.give_back(FIRST, [ROW[0], ROW[1], ROW[2], 999])
    assert releases(stage) == [Release(FIRST, firm, (ROW[1], ROW[2]))]
    assert state_of(stage, ROW[0]) is UnitState.FREE
    assert state_of(stage, ROW[1]) is UnitState.ELSEWHERE
    assert stage.heard() == [News(NewsKind.AVAILABILITY, FIRST)]
    assert stage.engine.nudged > 0


def test_one_operation_is_written_for_each_allotment(stage: Stage) -> None:
    first = stage.lend([ROW[0], ROW[2]], firm=True)
    second = stage.lend([ROW[1], ROW[3]], firm=True)
    stage.window.give_back(FIRST, ROW)
    assert releases(stage) == [
        Release(FIRST, first, (ROW[0], ROW[2])),
        Release(FIRST, second, (ROW[1], ROW[3])),
    ]


def test_giving_back_twice_releases_once(stage: Stage) -> None:
    stage.lend([ROW[0]], firm=True)
    stage.window.give_back(FIRST, [ROW[0]])
    stage.window.give_back(FIRST, [ROW[0]])
    assert len(releases(stage)) == 1


def test_a_sold_unit_is_not_given_back(till: Stage) -> None:
    till.lend([ROW[0]], firm=True)
    till.sell([ROW[0]])
    till.window.give_back(FIRST, [ROW[0]])
    assert releases(till) == []


@pytest.mark.expected_errors("release_not_recorded")
def test_a_release_that_cannot_be_written_leaves_the_units_ours(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise ReplicaFull("no room")

    stage.lend([ROW[0]], firm=True)
    with monkeypatch.context() as patched:
        patched.setattr("edge.giving_back.append", full)
        stage.window.give_back(FIRST, [ROW[0]])
    assert state_of(stage, ROW[0]) is UnitState.FREE
    stage.restart()
    assert len(releases(stage)) == 1


def test_what_a_basket_held_is_released_at_the_next_start(till: Stage) -> None:
    till.lend([STANDING])
    first = till.lend(ROW[:3], firm=True)
    second = till.lend(ROW[:2], SECOND, firm=True)
    till.sell([ROW[0]])
    till.restart()
    assert sorted(releases(till), key=lambda one: one.performance) == [
        Release(FIRST, first, (ROW[1], ROW[2])),
        Release(SECOND, second, (ROW[0], ROW[1])),
    ]
    assert state_of(till, STANDING) is UnitState.FREE
    till.restart()
    assert len(releases(till)) == 2


def test_a_grant_whose_answer_was_lost_is_released_when_the_feed_brings_it(stage: Stage) -> None:
    stage.go_online()
    stage.window.ask_for(FIRST, [ROW[0]])
    stage.answer(stage.engine.wishes[0], "offline")
    late = stage.grant([ROW[0]], firm=True)
    stage.pulled(late)
    assert releases(stage) == [Release(FIRST, late.id, (ROW[0],))]


def test_a_grant_that_a_basket_has_is_not_released_when_the_feed_brings_it(stage: Stage) -> None:
    stage.go_online()
    stage.window.ask_for(FIRST, [ROW[0]])
    stage.window.ask_for(FIRST, [ROW[1]])
    taken, on_its_way = (stage.grant([unit], firm=True) for unit in ROW[:2])
    stage.pulled(taken)
    stage.answer(stage.engine.wishes[0], taken)
    stage.pulled(taken)
    stage.pulled(on_its_way)
    assert releases(stage) == [], "the feed is quicker than the answer, and brings it again"
    assert state_of(stage, ROW[0]) is UnitState.FREE
    stage.window.give_back(FIRST, [ROW[0]])
    assert releases(stage) == [Release(FIRST, taken.id, (ROW[0],))]


def test_half_a_grant_is_released(till: Stage) -> None:
    till.go_online()
    till.lend([ROW[0]])
    till.window.ask_for(FIRST, [ROW[0], ROW[1]])
    till.sell([ROW[0]])
    grant = till.grant([ROW[1]], firm=True)
    till.answer(till.engine.wishes[0], grant)
    assert till.heard()[-1].kind is NewsKind.NOT_GRANTED
    assert releases(till) == [Release(FIRST, grant.id, (ROW[1],))]


# --- news of the server


def test_news_of_the_feed_are_passed_on(stage: Stage) -> None:
    listeners = stage.engine.listeners
    listeners.pulled(EVENT_ID, frozenset({"claim"}))
    assert stage.heard() == [News(NewsKind.AVAILABILITY, number) for number in range(1, 6)]
    listeners.pulled(EVENT_ID, frozenset({"doc"}))
    assert NewsKind.CATALOGUE in stage.heard_kinds()
    listeners.pulled("house", frozenset({"person"}))
    assert stage.heard_kinds() == {NewsKind.CATALOGUE}
    listeners.pulled(EVENT_ID, frozenset({"ticket"}))
    assert stage.heard() == []


def test_an_outage_without_a_sale_tells_nothing_when_it_is_over(till: Stage) -> None:
    till.lend(ROW)
    till.acknowledge_all()
    till.engine.become(LinkState.OFFLINE)
    till.engine.become(LinkState.ONLINE)
    till.sell([ROW[0]])
    till.acknowledge_all()
    till.engine.listeners.pushed(1)
    assert NewsKind.SYNCED not in till.heard_kinds(), "a sale with the network up is no news"


def test_what_was_sold_in_an_outage_is_told_when_all_of_it_arrived(till: Stage) -> None:
    till.lend(ROW)
    till.acknowledge_all()
    till.engine.become(LinkState.OFFLINE)
    till.sell([ROW[0]])
    till.sell([ROW[1]])
    till.engine.become(LinkState.ONLINE)
    assert till.window.status().unsynced_count == 2
    till.engine.listeners.pushed(1)
    assert NewsKind.SYNCED not in till.heard_kinds(), "not all of it"
    till.acknowledge_all()
    till.engine.listeners.pushed(1)
    [told] = [news for news in till.heard() if news.kind is NewsKind.SYNCED]
    assert told.count == 2


@pytest.mark.expected_errors("listener_failed")
def test_a_listener_that_fails_harms_nobody(till: Stage) -> None:
    def broken(_news: News) -> None:
        raise RuntimeError("the window is gone")

    till.window.subscribe(broken)
    till.window.subscribe(till.news.put)
    till.lend(ROW)
    till.sell([ROW[0]])
    assert len(till.heard()) == 4, "each of two listeners heard of the stock and of the queue"


def test_the_status_tells_of_queue_age_and_link(till: Stage) -> None:
    till.lend(ROW)
    till.acknowledge_all()
    till.sell([ROW[0]])
    till.env.pass_s(60)
    till.sell([ROW[1]])
    till.go_online()
    status = till.window.status()
    assert (status.link.value, status.unsynced_count, status.rejected_count) == ("online", 2, 0)
    assert status.oldest_unsynced_at == NOW
    assert status.window_name == "POS-01"
    till.fence_after_a_sale()
    assert till.window.status().link.value == "locked", "whatever the network says"


def test_the_corrected_clock_decides_what_is_over(stage: Stage) -> None:
    stage.env.set_clock(timedelta(days=-400))
    ahead_ms = 400 * 86_400_000 + 4 * 3_600_000
    stage.engine.link = type(stage.engine.link)(server_ahead_ms=ahead_ms)
    assert [choice.number for choice in stage.window.performances()] == [2, 3, 4, 5]

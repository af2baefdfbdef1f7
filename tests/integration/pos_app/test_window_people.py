"""Signing in: who may, who is locked out, and that pulling the plug helps nobody."""

from __future__ import annotations

from datetime import timedelta

import pytest

from edge.errors import ReplicaFull
from edge.link import Link, LinkState
from pos_app.services.model import Person, SignedIn, SignInRefusal, SignInRefused
from pos_app.services.people import LOCKED_OUT_S, TRIES_MAX, role_of
from tests.fakes.edge_node import VENUE
from tests.fakes.till import NOW
from tests.integration.pos_app.window_stage import CASHIER, PIN, VERIFIER, Stage
from ticketing.journal import OpKind
from ticketing.operations import decode_signed_in
from ticketing.pricing import Role

WRONG = "000000"
LOCKED = SignInRefused(SignInRefusal.LOCKED_OUT, wait_s=LOCKED_OUT_S)


def use_up_tries(stage: Stage) -> None:
    for _ in range(TRIES_MAX):
        stage.window.sign_in(CASHIER, WRONG)


def test_the_right_pin_opens_the_till_and_is_noted_in_the_house_journal(stage: Stage) -> None:
    assert stage.window.sign_in(CASHIER, PIN) == SignedIn(Person(CASHIER, CASHIER, "cashier"), NOW)
    stage.window.sign_out()
    stage.window.sign_out()
    for kind in (OpKind.SIGN_IN, OpKind.SIGN_OUT):
        [op] = stage.ops(kind)
        noted = decode_signed_in(op.body)
        assert noted is not None
        assert noted.person_id == CASHIER
    with stage.replica.reading() as connection:
        streams = {row["stream"] for row in connection.execute("SELECT stream FROM op")}
    assert streams == {VENUE}


def test_only_people_with_a_pin_and_a_till_role_are_offered(stage: Stage) -> None:
    stage.feed.person("chen", VERIFIER, role="manager")
    stage.feed.person("ada", VERIFIER, role="admin")
    stage.feed.person("gone", VERIFIER, state="inactive")
    stage.feed.person("nobody", "")
    stage.feed.person("agent elsewhere", "", role="agent")
    assert [person.id for person in stage.window.people()] == ["chen", CASHIER]
    for other in ("ada", "gone", "nobody", "agent elsewhere", "never heard of"):
        assert stage.window.sign_in(other, PIN) == SignInRefused(SignInRefusal.NOT_ALLOWED)


def test_an_agent_signs_in_where_the_pin_came_and_decides_no_more_than_a_cashier(
    stage: Stage,
) -> None:
    stage.feed.person("agent", VERIFIER, role="agent")
    agent = Person("agent", "agent", "agent")
    assert agent in stage.window.people()
    assert stage.window.sign_in("agent", PIN) == SignedIn(agent, NOW)
    assert role_of(agent) is Role.CASHIER


@pytest.mark.parametrize(
    "pin",
    [
        pytest.param("", id="nothing"),
        pytest.param(WRONG, id="other digits"),
        pytest.param(PIN + "0", id="one digit too many"),
        pytest.param(PIN + " ", id="a blank behind it"),
        pytest.param("".join(chr(ord("٠") + int(d)) for d in PIN), id="another script's digits"),
        pytest.param("4" * 1_000_000, id="a million digits"),
        pytest.param("\0", id="a null"),
    ],
)
def test_anything_but_the_pin_is_a_wrong_try(stage: Stage, pin: str) -> None:
    refused = stage.window.sign_in(CASHIER, pin)
    assert refused == SignInRefused(SignInRefusal.WRONG_PIN, tries_left=TRIES_MAX - 1)
    assert stage.ops(OpKind.SIGN_IN) == []


def test_the_fifth_wrong_try_locks_out_also_the_right_pin(stage: Stage) -> None:
    for left in range(TRIES_MAX - 1, 0, -1):
        refused = stage.window.sign_in(CASHIER, WRONG)
        assert refused == SignInRefused(SignInRefusal.WRONG_PIN, tries_left=left)
    assert stage.window.sign_in(CASHIER, WRONG) == LOCKED
    stage.env.pass_s(100)
    refused = stage.window.sign_in(CASHIER, PIN)
    assert refused == SignInRefused(SignInRefusal.LOCKED_OUT, wait_s=LOCKED_OUT_S - 100)
    stage.env.pass_s(LOCKED_OUT_S - 100)
    assert isinstance(stage.window.sign_in(CASHIER, PIN), SignedIn)


def test_a_lock_out_is_one_persons_own(stage: Stage) -> None:
    stage.feed.person("chen", VERIFIER, role="manager")
    use_up_tries(stage)
    assert isinstance(stage.window.sign_in("chen", PIN), SignedIn)


def test_the_right_pin_gives_all_tries_back(stage: Stage) -> None:
    for _ in range(TRIES_MAX - 1):
        stage.window.sign_in(CASHIER, WRONG)
    assert isinstance(stage.window.sign_in(CASHIER, PIN), SignedIn)
    refused = stage.window.sign_in(CASHIER, WRONG)
    assert refused == SignInRefused(SignInRefusal.WRONG_PIN, tries_left=TRIES_MAX - 1)


def test_a_restart_neither_forgets_wrong_tries_nor_ends_a_lock_out(stage: Stage) -> None:
    stage.window.sign_in(CASHIER, WRONG)
    stage.restart()
    refused = stage.window.sign_in(CASHIER, WRONG)
    assert refused == SignInRefused(SignInRefusal.WRONG_PIN, tries_left=TRIES_MAX - 2)
    use_up_tries(stage)
    stage.restart()
    assert stage.window.sign_in(CASHIER, PIN) == LOCKED


def test_setting_the_clock_back_neither_ends_a_lock_out_nor_makes_it_longer(stage: Stage) -> None:
    use_up_tries(stage)
    stage.env.set_clock(timedelta(hours=-5))
    assert stage.window.sign_in(CASHIER, PIN) == LOCKED
    stage.env.pass_s(LOCKED_OUT_S - 1)
    refused = stage.window.sign_in(CASHIER, PIN)
    assert refused == SignInRefused(SignInRefusal.LOCKED_OUT, wait_s=1)
    stage.env.pass_s(1)
    assert isinstance(stage.window.sign_in(CASHIER, PIN), SignedIn)


def test_a_try_is_counted_before_it_is_judged(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pull_the_plug(*_: object) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("edge.pins._is_right", pull_the_plug)
        with pytest.raises(KeyboardInterrupt):
            stage.window.sign_in(CASHIER, PIN)
    refused = stage.window.sign_in(CASHIER, WRONG)
    assert refused == SignInRefused(SignInRefusal.WRONG_PIN, tries_left=TRIES_MAX - 2)


def test_a_damaged_verifier_is_a_wrong_pin(stage: Stage) -> None:
    stage.feed.person("chen", "not a verifier at all")
    refused = stage.window.sign_in("chen", PIN)
    assert refused == SignInRefused(SignInRefusal.WRONG_PIN, tries_left=TRIES_MAX - 1)


@pytest.mark.expected_errors("sign_in_not_recorded")
def test_a_locked_journal_lets_people_sign_in_to_see_what_is_wrong(till: Stage) -> None:
    till.fence_after_a_sale()
    till.window.sign_out()
    assert isinstance(till.window.sign_in(CASHIER, PIN), SignedIn)


@pytest.mark.expected_errors("sign_in_not_recorded")
def test_signing_out_works_on_a_full_disk(till: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise ReplicaFull("no room")

    monkeypatch.setattr("pos_app.services.window.append", full)
    till.window.sign_out()
    assert till.window.pay_cash(till.basket([]), 0).__class__.__name__ == "SaleRefused"


DAY_S = 24 * 3_600


def open_days_later(stage: Stage, days: int) -> None:
    """The server was heard, somebody signed out, and the till was off and cut off for so long."""
    stage.engine.link = Link(LinkState.ONLINE, last_contact_ms=stage.env.wall_ms())
    stage.window.sign_in(CASHIER, PIN)
    stage.window.sign_out()
    stage.env.pass_s(days * DAY_S)
    stage.restart()


def test_after_a_week_without_the_server_a_supervisor_opens_the_till_for_a_day(
    stage: Stage,
) -> None:
    stage.feed.person("wang", VERIFIER, role="supervisor")
    open_days_later(stage, 8)
    kept_out = SignInRefused(SignInRefusal.NEEDS_SUPERVISOR)
    assert stage.window.sign_in(CASHIER, PIN) == kept_out
    assert stage.window.signed_in is None
    assert isinstance(stage.window.sign_in("wang", PIN), SignedIn)
    assert isinstance(stage.window.sign_in(CASHIER, PIN), SignedIn)
    stage.restart()
    stage.env.pass_s(DAY_S - 60)
    assert isinstance(stage.window.sign_in(CASHIER, PIN), SignedIn)
    stage.env.pass_s(60)
    assert stage.window.sign_in(CASHIER, PIN) == kept_out
    stage.engine.link = Link(LinkState.ONLINE, last_contact_ms=stage.env.wall_ms())
    assert isinstance(stage.window.sign_in(CASHIER, PIN), SignedIn), "the server is back"


def test_within_a_week_cashiers_open_it_themselves(stage: Stage) -> None:
    open_days_later(stage, 7)
    assert isinstance(stage.window.sign_in(CASHIER, PIN), SignedIn)

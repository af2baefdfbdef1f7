"""Signing in: one check at a time, and the PIN is forgotten after it."""

from __future__ import annotations

from pos_app.presenters.sign_in import PIN_DIGITS_MAX, SignInPresenter
from pos_app.services.model import SignedIn, SignInRefusal
from tests.fakes.runner import HeldRunner, run_now
from tests.fakes.till import CASHIER, MANAGER, PIN, FakeTill


def presenter_of(till: FakeTill) -> tuple[SignInPresenter, list[SignedIn]]:
    opened: list[SignedIn] = []
    presenter = SignInPresenter(till, run_now, opened.append)
    presenter.load()
    return presenter, opened


def type_pin(presenter: SignInPresenter, pin: str) -> None:
    for digit in pin:
        presenter.digit(digit)


def test_a_right_pin_opens_the_till() -> None:
    presenter, opened = presenter_of(FakeTill())
    presenter.choose(CASHIER.id)
    type_pin(presenter, PIN)
    presenter.submit()
    assert [answer.person for answer in opened] == [CASHIER]
    assert presenter.state.digit_count == 0


def test_a_wrong_pin_says_how_many_tries_are_left_and_forgets_the_digits() -> None:
    presenter, opened = presenter_of(FakeTill())
    presenter.choose(CASHIER.id)
    type_pin(presenter, "0000")
    presenter.submit()
    refused = presenter.state.refused
    assert refused is not None
    assert (refused.reason, refused.tries_left) == (SignInRefusal.WRONG_PIN, 4)
    assert presenter.state.digit_count == 0
    assert opened == []


def test_the_refusal_goes_away_with_the_next_digit() -> None:
    presenter, _opened = presenter_of(FakeTill())
    presenter.choose(CASHIER.id)
    type_pin(presenter, "1")
    presenter.submit()
    presenter.digit("2")
    assert presenter.state.refused is None


def test_choosing_somebody_else_forgets_the_digits() -> None:
    presenter, _opened = presenter_of(FakeTill())
    presenter.choose(CASHIER.id)
    type_pin(presenter, "47")
    presenter.choose(MANAGER.id)
    assert presenter.state.digit_count == 0


def test_a_pin_has_an_end_and_only_digits() -> None:
    presenter, _opened = presenter_of(FakeTill())
    presenter.choose(CASHIER.id)
    type_pin(presenter, "x²１" + "1" * 40)
    assert presenter.state.digit_count == PIN_DIGITS_MAX
    presenter.backspace()
    assert presenter.state.digit_count == PIN_DIGITS_MAX - 1
    presenter.clear()
    assert presenter.state.digit_count == 0


def test_nothing_is_checked_without_a_name_or_a_digit() -> None:
    till = FakeTill()
    presenter, _opened = presenter_of(till)
    type_pin(presenter, "1234")
    presenter.submit()
    presenter.choose(CASHIER.id)
    presenter.submit()
    assert till.wrong_pins == 0


def test_a_second_submit_while_checking_is_one_try() -> None:
    till, runner = FakeTill(), HeldRunner()
    presenter = SignInPresenter(till, runner, lambda _answer: None)
    presenter.choose(CASHIER.id)
    presenter.digit("1")
    presenter.submit()
    presenter.submit()
    presenter.digit("2")
    presenter.backspace()
    presenter.clear()
    runner.release()
    assert till.wrong_pins == 1


def test_the_only_person_is_chosen_already() -> None:
    till = FakeTill(staff=(CASHIER,))
    presenter, _opened = presenter_of(till)
    assert presenter.state.chosen_id == CASHIER.id


def test_somebody_who_left_is_no_longer_chosen() -> None:
    till = FakeTill()
    presenter, _opened = presenter_of(till)
    presenter.choose(MANAGER.id)
    till.staff = (CASHIER, CASHIER)
    presenter.load()
    assert presenter.state.chosen_id == ""


def test_a_broken_check_is_neither_right_nor_wrong() -> None:
    class Broken(FakeTill):
        def sign_in(self, person_id: str, pin: str) -> SignedIn:
            raise OSError(f"{person_id} {len(pin)}")

    presenter, opened = presenter_of(Broken())
    presenter.choose(CASHIER.id)
    presenter.digit("1")
    presenter.submit()
    assert presenter.state.failed
    assert not presenter.state.checking
    assert opened == []

"""Who is to buy a parked basket: kept with it sealed, across a restart, and gone with its end."""

from __future__ import annotations

import pytest

from pos_app.services.parking_model import PARK_S, Parked, Recalled
from tests.fakes.hall import ROW
from tests.integration.pos_app.test_window_parking import park
from tests.integration.pos_app.window_stage import CASHIER, PIN, Stage
from ticketing.personal import Buyer, data_key

KEY, NEWER = data_key(bytes(32), 1), data_key(bytes(32), 2)
NAME, PHONE = "张三丰", "13800138000"
NOBODY = Buyer()


@pytest.fixture
def shop(till: Stage) -> Stage:
    till.lend(ROW)
    have_keys(till)
    assert till.window.buyers.take_along(NAME, PHONE) is None
    return till


def have_keys(till: Stage, *keys: object) -> None:
    """The server has told the house's keys."""
    till.go_online()
    till.engine.calls[-1].then(keys or (KEY,))


def put_aside(till: Stage) -> Parked:
    """As the window does: an emptied basket has no buyer."""
    made = park(till)
    till.window.buyers.take_along("", "")
    return made


def kept(till: Stage) -> int:
    with till.replica.reading() as connection:
        return int(connection.execute("SELECT count(*) FROM parked_buyer").fetchone()[0])


def on_disk(till: Stage) -> list[bytes]:
    """What lies in the journal's files."""
    files = sorted(till.folder.rglob("journal.db*"))
    assert files
    return [file.read_bytes() for file in files]


def test_comes_back_with_the_basket(shop: Stage) -> None:
    made = put_aside(shop)
    assert shop.window.buyers.along() == NOBODY
    assert isinstance(shop.window.parking.recall(made.number), Recalled)
    along = shop.window.buyers.along()
    assert (along.name, along.phone) == (NAME, PHONE)
    assert kept(shop) == 0


def test_survives_a_restart_and_stands_nowhere_in_the_clear(shop: Stage) -> None:
    made = put_aside(shop)
    shop.close()
    held = on_disk(shop)
    assert not any(text.encode() in each for each in held for text in (NAME, PHONE))
    shop.start_again()
    shop.window.sign_in(CASHIER, PIN)
    have_keys(shop, NEWER, KEY)
    shop.window.parking.recall(made.number)
    assert shop.window.buyers.along().name == NAME


def test_is_nobody_for_a_window_without_the_keys(shop: Stage) -> None:
    made = put_aside(shop)
    shop.restart()
    shop.window.sign_in(CASHIER, PIN)
    shop.window.parking.recall(made.number)
    assert shop.window.buyers.along() == NOBODY
    assert kept(shop) == 0


def test_is_erased_when_nobody_comes_for_it(shop: Stage) -> None:
    first = put_aside(shop)
    shop.window.buyers.take_along(NAME, "")
    shop.window.parking.give_back(first.number)
    assert kept(shop) == 0
    put_aside(shop)
    with shop.replica.reading() as connection:
        [row] = connection.execute("SELECT sealed FROM parked_buyer").fetchall()
    shop.env.pass_s(PARK_S + 1)
    assert shop.window.parking.expire()
    assert kept(shop) == 0
    shop.close()
    assert not any(row["sealed"].encode() in held for held in on_disk(shop))


def test_another_basket_without_a_buyer_has_none(shop: Stage) -> None:
    put_aside(shop)
    other = shop.window.parking.park(shop.basket(ROW[2:4]))
    assert isinstance(other, Parked)
    shop.window.buyers.take_along("李四", "")
    shop.window.parking.recall(other.number)
    assert shop.window.buyers.along() == NOBODY

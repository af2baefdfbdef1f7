"""This window's own buyers are found here at once, whatever the server has told back of them."""

from __future__ import annotations

import pytest

from edge.buyers import erase_here, next_buyers, on_buyers, told_to_erase
from edge.journal import set_meta
from pos_app.services.model import Sold
from tests.fakes.hall import EVENT_ID, FIRST, GENERATION, ROW
from tests.integration.pos_app.window_stage import Stage
from ticketing.ids import OrderId
from ticketing.personal import NONCE_BYTES, Buyer, data_key, index_tokens, seal

KEY = data_key(bytes(32), 1)
NAME, PHONE = "张三丰", "13800138000"
SHOWN = "张** · 138****8000"


@pytest.fixture
def shop(till: Stage) -> Stage:
    """It has places to sell and the house's keys, and has greeted the server."""
    till.lend(ROW)
    till.go_online()
    till.engine.calls[-1].then((KEY,))
    till.replica.transact(lambda unit: set_meta(unit, "generation", GENERATION))
    return till


def sell_to(shop: Stage, name: str = NAME, phone: str = PHONE, unit: int = ROW[0]) -> Sold:
    assert shop.window.buyers.take_along(name, phone) is None
    return shop.sell([unit])


def be_taken(shop: Stage) -> None:
    """The server answers that it has what was noted here; nothing was pulled since."""
    with shop.replica.reading() as connection:
        request = next_buyers(connection)
    assert request is not None
    shop.replica.transact(lambda unit: on_buyers(unit, request, {"gen": GENERATION}))


def be_told(shop: Stage, order_id: str, buyer: Buyer, *, later_ms: int = 0) -> None:
    """The feed brings the order's buyer; an empty one was erased."""
    sealed = seal(buyer, KEY, EVENT_ID, order_id, bytes(NONCE_BYTES)) if not buyer.is_empty else ""
    row = {"order": order_id, "key": KEY.number, "sealed": sealed}
    at_ms = shop.env.wall_ms() + later_ms
    shop.feed.tell(
        EVENT_ID, ("buyer", {**row, "tokens": list(index_tokens(buyer, KEY)), "at_ms": at_ms})
    )


def forget_what_is_erased(shop: Stage) -> None:
    """What the pusher does in each of its turns."""
    with shop.replica.reading() as connection:
        told = told_to_erase(shop.replica.mirror, connection)
    shop.replica.transact(lambda unit: erase_here(unit, told.keys))


def found(shop: Stage, asked: str) -> list[tuple[str, str]]:
    """Order ids, and what is shown of their buyers."""
    return [(one.order_id, one.buyer) for one in shop.window.after_sale.find(asked, FIRST).orders]


def on_disk(shop: Stage) -> bytes:
    return b"".join(each.read_bytes() for each in sorted(shop.folder.rglob("journal.db*")))


@pytest.mark.parametrize("asked", [NAME, PHONE, "8000"])
def test_an_own_buyer_is_found_at_every_step_of_the_telling(shop: Stage, asked: str) -> None:
    sold = sell_to(shop)
    assert found(shop, asked) == [(sold.order_id, SHOWN)], "nobody was told yet"
    be_taken(shop)
    assert found(shop, asked) == [(sold.order_id, SHOWN)], "the server has it, the feed has not"
    be_told(shop, sold.order_id, Buyer(NAME, PHONE))
    assert found(shop, asked) == [(sold.order_id, SHOWN)], "found once"


def test_a_corrected_name_finds_and_the_one_before_does_not(shop: Stage) -> None:
    sold = sell_to(shop)
    be_taken(shop)
    be_told(shop, sold.order_id, Buyer(NAME, PHONE))
    shop.env.pass_s(1)
    assert shop.window.buyers.note(EVENT_ID, sold.order_id, "李四", "") is None
    for _step in range(2):
        assert found(shop, "李四") == [(sold.order_id, "李*")]
        assert found(shop, NAME) == []
        if not _step:
            be_taken(shop)


def test_what_another_window_noted_later_counts(shop: Stage) -> None:
    sold = sell_to(shop)
    be_taken(shop)
    be_told(shop, sold.order_id, Buyer("李四"), later_ms=1)
    assert found(shop, "李四") == [(sold.order_id, "李*")]
    assert found(shop, NAME) == []


def test_who_was_erased_is_found_by_nothing_that_lies_here(shop: Stage) -> None:
    sold = sell_to(shop)
    be_taken(shop)
    be_told(shop, sold.order_id, Buyer())
    assert found(shop, NAME) == [], "the window has not dropped it yet"
    assert shop.count("buyer_token") == 3
    forget_what_is_erased(shop)
    assert found(shop, NAME) == []
    assert shop.count("buyer_token") == 0
    shop.close()
    assert not any(
        token.encode() in on_disk(shop) for token in index_tokens(Buyer(NAME, PHONE), KEY)
    )


def test_what_was_noted_here_is_looked_through_piece_by_piece(
    shop: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.buyers.LOOKED_AT_PER_TURN", 2)
    first, _, third = [sell_to(shop, unit=unit).order_id for unit in ROW[:3]]
    for order_id in (first, third):
        be_told(shop, order_id, Buyer())
    found, after = [], 0
    for _turn in range(3):
        with shop.replica.reading() as connection:
            told = told_to_erase(shop.replica.mirror, connection, after)
        found.append([order_id for _stream, order_id in told.keys])
        after = told.after
    assert found == [[first], [third], [first]], "and from the beginning again"


def test_who_was_erased_stays_so_when_the_server_is_set_back(shop: Stage) -> None:
    sold = sell_to(shop)
    be_told(shop, sold.order_id, Buyer())
    forget_what_is_erased(shop)
    be_told(shop, sold.order_id, Buyer(NAME, PHONE), later_ms=1)
    assert found(shop, NAME) == []


def test_the_last_ones_are_found_first(shop: Stage) -> None:
    orders = [sell_to(shop, unit=unit).order_id for unit in ROW]
    assert shop.window.buyers.find(NAME, 2) == tuple(
        (EVENT_ID, OrderId(order)) for order in (orders[-1], orders[-2])
    )

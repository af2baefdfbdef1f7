"""What is known of buyers at the centre: sealed, found, erased for good, sealed anew."""

from __future__ import annotations

import json

import pytest

from sync_server.heart.buyers import PutBuyers, ToldBuyer
from sync_server.services import buyers
from sync_server.store.writer import Transaction
from tests.integration.sync_server.stage import EVENT, Stage, Till
from ticketing.personal import Buyer, DataKey, data_key, index_tokens, seal, unseal

ROOT = bytes(range(32))
KEY = data_key(ROOT, 1)
ZHANG = Buyer("张三", "13800138000")
ORDER = "00000000000000f1"


@pytest.fixture
def till(stage: Stage) -> Till:
    return stage.till()


def told(at_ms: int = 1, buyer: Buyer = ZHANG, key: DataKey = KEY, order: str = ORDER) -> ToldBuyer:
    sealed = seal(buyer, key, EVENT, order, bytes(12))
    return ToldBuyer(order, key.number, sealed, index_tokens(buyer, key), at_ms)


def put(till: Till, *rows: ToldBuyer) -> int:
    return till.stage.take(PutBuyers(till.source, rows))


def find(stage: Stage, asked: str) -> list[str]:
    def look(tx: Transaction) -> list[buyers.BuyersOrder]:
        keys = buyers.keys_in_use(tx.connection, ROOT)
        return buyers.find_orders(tx.connection, keys, asked)

    return [each.order_id for each in stage.do(look)]


def erase(stage: Stage) -> tuple[str, ...]:
    return stage.do(lambda tx: buyers.erase(tx, EVENT, [ORDER]))


def test_a_buyer_is_found_by_name_and_number_and_stands_nowhere_in_the_clear(
    stage: Stage, till: Till
) -> None:
    assert put(till, told()) == 1
    assert put(till, told()) == 0, "told twice"
    assert (
        find(stage, " 张 三") == find(stage, "+86 138-0013-8000") == find(stage, "8000") == [ORDER]
    )
    assert find(stage, "8001") == find(stage, "张") == []
    everything = json.dumps([list(row) for row in stage.rows("SELECT * FROM buyer")])
    assert "张三" not in everything
    assert "13800138000" not in everything


def test_the_newest_word_counts(stage: Stage, till: Till) -> None:
    put(till, told(5))
    assert put(till, told(4, Buyer("李四"))) == 0
    assert put(till, told(6, Buyer("王五"))) == 1
    assert find(stage, "王五") == [ORDER]
    assert find(stage, "张三") == []


def test_what_was_erased_stays_so_and_the_tills_are_told(stage: Stage, till: Till) -> None:
    put(till, told())
    assert erase(stage) == (ORDER,)
    assert erase(stage) == ()
    assert put(till, told(99)) == 0, "a till that has not heard of it"
    assert find(stage, "张三") == []
    page = stage.pull(till, EVENT)
    assert page is not None
    [body] = [row[2] for row in page.rows if row[0] == "buyer"]
    assert isinstance(body, dict)
    assert (body["order"], body["sealed"], body["tokens"]) == (ORDER, "", [])


def test_a_till_that_was_told_to_erase_tells_a_server_that_was_set_back(
    stage: Stage, till: Till
) -> None:
    put(till, told())
    assert put(till, ToldBuyer(ORDER, 0, "", (), 2)) == 1
    assert find(stage, "张三") == []


def test_a_new_key_seals_everything_anew_and_the_old_one_opens_nothing(
    stage: Stage, till: Till
) -> None:
    put(till, told())
    put(till, told(order="00000000000000f2", key=data_key(bytes(32), 1)))  # of nobody's key
    assert stage.do(buyers.begin_key) == 2
    assert stage.do(lambda tx: list(buyers.streams_to_reseal(tx.connection))) == [EVENT]
    assert stage.do(lambda tx: buyers.reseal(tx, EVENT, ROOT)) == 2
    assert stage.do(lambda tx: buyers.reseal(tx, EVENT, ROOT)) == 0
    [sealed] = stage.rows("SELECT sealed FROM buyer WHERE key_no = 2")
    assert unseal(sealed[0], data_key(ROOT, 2), EVENT, ORDER) == ZHANG
    assert unseal(sealed[0], KEY, EVENT, ORDER) is None
    assert find(stage, "张三") == [ORDER]
    assert [key.number for key in stage.do(lambda tx: buyers.keys_in_use(tx.connection, ROOT))] == [
        2
    ]

"""Tickets that a window gave back without a word of the money: the worklist of cases names them."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from sync_server.console.unpaid import WAITED_MS
from sync_server.handlers.state import CENTRE
from tests.integration.sync_server.console_forms import page_of
from tests.integration.sync_server.support import NodeAtTest

Client = TestClient[Any, Any]
NAMED = "2 tickets given back"


@pytest.mark.usefixtures("manager")
@pytest.mark.parametrize(
    ("ago_ms", "journalled", "is_named"),
    [
        pytest.param(WAITED_MS + 1, 0, True, id="long ago"),
        pytest.param(WAITED_MS // 2, 0, False, id="just now"),
        pytest.param(WAITED_MS + 1, 1, False, id="told"),
    ],
)
async def test_what_waits_for_long_is_named_with_its_window(
    client: Client, till: NodeAtTest, ago_ms: int, journalled: int, *, is_named: bool
) -> None:
    centre = client.app[CENTRE]
    await centre.write(
        lambda tx: tx.run(
            "INSERT INTO revocation (event_id, op_id, node_id, action, asked_ms, journalled, body) "
            "VALUES ('swan-lake', :op, :node, 'refund', :at, :told, :body)",
            op="a" * 32,
            node=till.id,
            at=centre.now_ms() - ago_ms,
            told=journalled,
            body='{"tickets": ["a", "b"], "allotment": ""}',
        )
    )
    page = await page_of(client, "/console/cases")
    assert (NAMED in page, till.id in page) == (is_named, is_named)
    assert NAMED not in await page_of(client, "/console/cases?state=closed")

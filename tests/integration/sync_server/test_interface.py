"""The whole interface as everybody: calls that schemathesis makes up from its document.

No call may end in a fault of the server, in an answer of another shape than the document tells of,
or behind a door that docs/access.md says is shut.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections.abc import Coroutine, Iterator
from dataclasses import replace
from typing import Any

import pytest
import requests
from aiohttp.test_utils import TestClient, TestServer
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    status_code_conformance,
)

from sync_server.access_table import ANYBODY, COLUMNS, NODES, opens_to
from sync_server.handlers.middlewares import FOR_NODE
from sync_server.handlers.state import CENTRE, TOKENS
from sync_server.services.clients import add_client
from sync_server.services.permissions import FOR_NODES, NodeRole, PersonRole
from sync_server.services.scopes import WHOLE_VENUE
from tests.integration.sync_server.made_up_calls import MadeUp, made_up_calls
from tests.integration.sync_server.support import HouseOnDisk, NodeAtTest, app_of

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    negative_data_rejection,
]
REFUSED = (401, 403)
SHUT_CALLS = 2
"""Calls at a door that is shut: what they hold does not matter there."""
SHOWN_MAX = 10
TOKEN_PATH = "/v1/token"  # where 401 is an answer to what is in the body
_ADDRESSES = (f"10.{a}.{b}.1" for a, b in itertools.product(range(256), range(256)))


class Caller:
    """A server on a thread of its own, and somebody who calls it."""

    def __init__(self, house: HouseOnDisk) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="server")
        self._thread.start()
        # Who fails too often is held back: here each call comes from somewhere else.
        settings = replace(house.settings, behind_proxy=True)
        self.client = self.run(self._start(app_of(house, settings)))
        self.app: Any = self.client.app
        self.generation: str = self.app[CENTRE].generation.short
        self.headers: dict[str, str] = {}
        self.node_id = ""
        self._session = requests.Session()

    def run(self, what: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(what, self.loop).result(60)

    def become(self, column: str) -> Caller:
        """Call from now on as a node or as a client of this role."""
        if column in NODES:
            node = self.run(self._enrol(NodeRole(column)))
            self.node_id, self.headers = node.id, node.bearer
        elif column != ANYBODY:
            self.headers = self.run(self._add_client(PersonRole(column)))
        return self

    def address(self, path: str) -> str:
        return str(self.client.make_url(path))

    def call(self, case: Any) -> requests.Response:
        headers = {**self.headers, "X-Forwarded-For": next(_ADDRESSES)}
        answer: requests.Response = case.call(
            base_url=self.address("/"), headers=headers, session=self._session, timeout=60
        )
        return answer

    def close(self) -> None:
        self._session.close()
        self.run(self.client.close())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()

    async def _start(self, app: Any) -> TestClient[Any, Any]:
        client: TestClient[Any, Any] = TestClient(TestServer(app))
        await client.start_server()
        return client

    async def _enrol(self, role: NodeRole) -> NodeAtTest:
        node = await NodeAtTest(self.client).enrol(role, f"{role} of the interface")
        return await node.sign_in()

    async def _add_client(self, role: PersonRole) -> dict[str, str]:
        def add(tx: Any) -> str:
            made = add_client(tx, "of the interface", role, WHOLE_VENUE)
            assert made is not None
            return made[0]

        client_id = await self.app[CENTRE].write(add)
        token = self.app[TOKENS].issue_for_client(client_id, time.time())
        return {"Authorization": f"Bearer {token}"}


@pytest.fixture
def caller(house: HouseOnDisk) -> Iterator[Caller]:
    caller = Caller(house)
    yield caller
    caller.close()


@pytest.mark.parametrize("column", COLUMNS)
def test_no_call_ends_in_a_fault_or_behind_a_door_that_is_shut(caller: Caller, column: str) -> None:
    calls = made_up_calls(caller.generation)
    caller.become(column)  # now: a token does not last long, and many calls take long to make up
    wrong: list[str] = []
    for made_up in calls:
        judge = faults_of if opens_to(made_up.route, column) else holes_of
        wrong += judge(caller, made_up)
    assert not wrong, "\n\n".join(wrong[:SHOWN_MAX])


def faults_of(caller: Caller, made_up: MadeUp) -> Iterator[str]:
    """What is wrong with the answers to who may call."""
    for case in made_up.all:
        answer = caller.call(case)
        try:
            case.validate_response(answer, checks=CHECKS)
        except FailureGroup as failures:
            yield f"{made_up.route.path}: {failures}\n{case.as_curl_command()}"
        if answer.status_code == 401 and made_up.route.path != TOKEN_PATH:
            yield f"{made_up.route.path}: {answer.text}"


def holes_of(caller: Caller, made_up: MadeUp) -> Iterator[str]:
    """Answers to who may not call that are no refusal."""
    for case in made_up.sound[:SHUT_CALLS]:
        answer = caller.call(case)
        if answer.status_code not in REFUSED:
            yield f"{made_up.route.method} {made_up.route.path} is open: {answer.status_code}"


def test_a_hub_speaks_for_no_node_that_is_not_below_it(caller: Caller) -> None:
    till = caller.become(NodeRole.TILL).node_id
    caller.become(NodeRole.HUB)
    caller.headers[FOR_NODE] = till
    opened = [
        f"{made_up.route.path}: {answer.status_code}"
        for made_up in made_up_calls(caller.generation)
        if made_up.route.permission in FOR_NODES
        and (answer := caller.call(made_up.sound[0])).status_code != 403
    ]
    assert opened == []


def test_other_methods_are_refused_and_the_right_ones_named(caller: Caller) -> None:
    wrong = []
    for made_up in made_up_calls(caller.generation):
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - {made_up.route.method}:
            address = caller.address(made_up.sound[0].formatted_path)
            answer = requests.request(method, address, timeout=60)
            if (answer.status_code, answer.headers.get("Allow")) != (405, made_up.route.method):
                wrong.append(f"{method} {made_up.route.path}: {answer.status_code}")
    assert wrong == []

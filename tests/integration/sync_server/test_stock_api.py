"""Holds and revocations over HTTP: who may, what is malformed, and that repeating is safe."""

from __future__ import annotations

import secrets
from typing import Any

import pytest

from sync_server.heart.stock import HOLD_TTL_MAX_S, HOLD_UNITS_MAX
from sync_server.services.permissions import NodeRole
from tests.integration.sync_server.conftest import Enrol
from tests.integration.sync_server.support import HouseOnDisk, NodeAtTest


@pytest.fixture
def path(house: HouseOnDisk) -> str:
    assert house.made.second_window is not None
    return f"/v1/e/{house.made.second_window.event_id}"


def wish(**changes: object) -> dict[str, Any]:
    asked = {"req": secrets.token_hex(16), "performance": 1, "ttl_s": 600, "count": 2}
    return {name: value for name, value in (asked | changes).items() if value is not None}


def asked_back(**changes: object) -> dict[str, Any]:
    whole = {"op": "a" * 32, "action": "refund", "order": "b" * 16, "tickets": ["c" * 16], "inc": 1}
    return whole | changes


async def held(till: NodeAtTest, path: str, **changes: object) -> dict[str, Any]:
    status, answer = await till.call("POST", f"{path}/hold", wish(**changes))
    assert status == 200, answer
    hold: dict[str, Any] = answer["hold"]
    return hold


async def test_a_till_holds_keeps_and_drops(till: NodeAtTest, path: str) -> None:
    asked = wish()
    status, answer = await till.call("POST", f"{path}/hold", asked)
    assert status == 200
    hold = answer["hold"]
    assert (len(hold["units"]), hold["held"], hold["counts"]) == (2, True, {})
    assert 0 < hold["left_ms"] <= 600_000
    status, again = await till.call("POST", f"{path}/hold", asked)
    assert again["hold"]["id"] == hold["id"]
    body = {"hold": hold["id"], "ttl_s": 1_200}
    status, kept = await till.call("POST", f"{path}/extend", body)
    assert kept["hold"]["left_ms"] > 600_000
    for _ in range(2):
        status, dropped = await till.call("POST", f"{path}/drop", {"hold": hold["id"]})
        assert (status, dropped["hold"]["held"], dropped["hold"]["left_ms"]) == (200, False, 0)


async def test_a_hold_becomes_the_tills_own(till: NodeAtTest, enrol: Enrol, path: str) -> None:
    hold = await held(till, path)
    other = await enrol(NodeRole.TILL, "Window 9")
    status, refusal = await other.call("POST", f"{path}/firm", {"hold": hold["id"]})
    assert (status, refusal["code"]) == (409, "not_held")
    status, answer = await till.call("POST", f"{path}/firm", {"hold": hold["id"]})
    assert (status, answer["allotment"]["units"]) == (200, hold["units"])
    assert (answer["allotment"]["firm"], answer["allotment"]["state"]) == (True, "open")
    status, again = await till.call("POST", f"{path}/firm", {"hold": hold["id"]})
    assert (status, again["allotment"]) == (200, answer["allotment"])
    assert (again["gen"], again["allotment"]["inc"]) == (answer["gen"], 1)
    assert 0 < again["allotment"]["granted_ms"] <= again["now_ms"]


@pytest.mark.parametrize(
    "changes",
    [
        {"req": "x"},
        {"performance": 0},
        {"ttl_s": HOLD_TTL_MAX_S + 1},
        {"ttl_s": None},
        {"count": None},
        {"count": HOLD_UNITS_MAX + 1},
        {"units": [1]},  # beside a count
        {"count": None, "units": [1, 1]},
        {"count": None, "units": ["1"]},
        {"tier": 1},
        {"counts": {"x": 0}},
        {"counts": []},
    ],
)
async def test_a_malformed_wish_holds_nothing(
    till: NodeAtTest, path: str, changes: dict[str, object]
) -> None:
    status, answer = await till.call("POST", f"{path}/hold", wish(**changes))
    assert (status, answer["code"]) == (400, "malformed")


@pytest.mark.parametrize("call", ["extend", "drop", "firm"])
async def test_a_hold_must_be_named(till: NodeAtTest, path: str, call: str) -> None:
    status, answer = await till.call("POST", f"{path}/{call}", {"hold": "nonsense", "ttl_s": 60})
    assert (status, answer["code"]) == (400, "malformed")


@pytest.mark.parametrize(
    "changes",
    [
        {"op": "x"},
        {"order": ""},
        {"tickets": []},
        {"tickets": "c" * 16},
        {"tickets": ["c"]},
        {"tickets": ["c" * 16] * 101},
        {"action": "steal"},
        {"action": ["refund"]},
        {"inc": 0},
    ],
)
async def test_a_malformed_revocation_is_refused(
    till: NodeAtTest, path: str, changes: dict[str, object]
) -> None:
    status, answer = await till.call("POST", f"{path}/revoke", asked_back(**changes))
    assert (status, answer["code"]) == (400, "malformed")


async def test_a_refused_revocation_has_its_reason(till: NodeAtTest, path: str) -> None:
    status, answer = await till.call("POST", f"{path}/revoke", asked_back())
    assert (status, answer["code"]) == (409, "unknown_order")
    status, answer = await till.call("POST", f"{path}/revoke", asked_back(inc=2))
    assert (status, answer["code"]) == (409, "incarnation_unknown")
    status, answer = await till.call("POST", "/v1/e/nowhere/revoke", asked_back())
    assert status == 404


@pytest.mark.parametrize("call", ["hold", "extend", "drop", "firm", "revoke"])
async def test_a_gate_may_do_none_of_it(gate: NodeAtTest, path: str, call: str) -> None:
    status, answer = await gate.call("POST", f"{path}/{call}", wish())
    assert (status, answer["code"]) == (403, "forbidden")

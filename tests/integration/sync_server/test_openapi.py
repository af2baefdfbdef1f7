"""The interface's document: every call is in it, and what it says is so."""

from __future__ import annotations

import json
from typing import Annotated, Any, TypedDict

import pytest
import schemathesis
from aiohttp.test_utils import TestClient

from sync_server.__main__ import main
from sync_server.app import all_routes
from sync_server.handlers.json_schema import Components
from sync_server.handlers.openapi import document
from sync_server.handlers.routes import Route
from sync_server.handlers.shapes.terms import That
from sync_server.hub.api import hub_routes
from tests.integration.sync_server.conform import faults, interface

Client = TestClient[Any, Any]


def api(routes: list[Route]) -> list[Route]:
    return [each for each in routes if not each.page]


@pytest.mark.parametrize("of", [all_routes, hub_routes], ids=["centre", "hub"])
def test_every_call_declares_what_it_takes_and_gives(of: Any) -> None:
    lacking = [
        f"{each.method} {each.path}"
        for each in api(of())
        if each.gives is None or (each.takes is None) != (each.method == "GET")
    ]
    assert lacking == []


@pytest.mark.parametrize("of", [all_routes, hub_routes], ids=["centre", "hub"])
def test_the_document_is_sound_and_has_every_call_and_no_page(of: Any) -> None:
    told = document(of())
    schemathesis.openapi.from_dict(told).validate()
    calls = {f"{method.upper()} {path}" for path, of_ in told["paths"].items() for method in of_}
    assert calls == {f"{each.method} {each.path}" for each in api(of())}


def test_the_document_says_who_may_call_how_far_and_how_much() -> None:
    paths = interface()["paths"]
    push, books = paths["/v1/e/{stream}/push"]["post"], paths["/console/books.json"]["get"]
    assert (push["x-permission"], push["x-body-bytes-max"]) == ("node_push", 1024 * 1024)
    assert push["security"] == [{"bearer": []}]
    assert (books["x-permission"], books["x-reach"]) == ("books_read", "house")
    assert paths["/v1/about"]["get"]["security"] == []


async def test_a_server_gives_its_document_to_anybody(client: Client) -> None:
    async with client.get("/v1/openapi.json") as answer:
        assert answer.status == 200
        assert await answer.json() == interface()


def test_the_command_prints_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["openapi"]) == 0
    assert json.loads(capsys.readouterr().out) == interface()


class Pair(TypedDict):
    """Two numbers."""

    pair: tuple[int, Annotated[int, That(minimum=2)]]


def other_pair() -> Any:
    class Pair(TypedDict):
        pair: str

    return Pair


def test_what_is_not_of_a_shape_is_told_with_its_place() -> None:
    schema = {
        "type": "object",
        "properties": {"pair": Components().members_of(Pair)["pair"][0]},
    }
    assert faults(schema, b'{"pair": [1, 2]}', is_closed=True) == []
    (too_small,) = faults(schema, b'{"pair": [1, 1]}', is_closed=True)
    assert too_small.startswith("pair/1: 1 is less than")
    (too_many,) = faults(schema, b'{"pair": [1, 2], "more": 1}', is_closed=True)
    assert "more" in too_many


def test_two_shapes_of_one_name_are_refused() -> None:
    components = Components()
    components.schema_of(Pair)
    with pytest.raises(TypeError, match="two shapes are called Pair"):
        components.schema_of(other_pair())


def test_a_type_without_a_schema_is_refused() -> None:
    with pytest.raises(TypeError, match="no JSON Schema"):
        Components().schema_of(complex)

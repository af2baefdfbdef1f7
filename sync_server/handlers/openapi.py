"""The interface as an OpenAPI 3.1 document, made from the routes and the shapes that they declare.

It tells what is in the source, and nothing of the house: anybody may read it.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, Literal, NotRequired, TypedDict

import orjson
from aiohttp import web

from sync_server.handlers.auth import PROTO
from sync_server.handlers.json_schema import Components, Schema
from sync_server.handlers.problems import PROBLEM_TYPE
from sync_server.handlers.routes import Form, Media, Route, Shape, route
from sync_server.handlers.shapes.terms import StreamId
from sync_server.handlers.state import ROUTES
from sync_server.services.permissions import FOR_NODES, NodeRole, Permission

PATH = "/v1/openapi.json"
_JSON = "application/json"
_FORM = "application/x-www-form-urlencoded"
_IN_PATHS: dict[str, Any] = {"stream": StreamId, "scope": NodeRole, "name": str}
_ABOUT = """\
What windows, gates, hubs and other programs call. docs/protocol.md says what the calls mean, docs/access.md who may \
make them. Pages for people are left out. A member that is not told of here is ignored."""


class Problem(TypedDict):
    """RFC 9457: `code` is for programs and is never renamed; some codes add members of their own."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    error: NotRequired[str]


class OpenApi(TypedDict):
    """The interface, as OpenAPI has it."""

    openapi: Literal["3.1.0"]
    info: dict[str, object]
    paths: dict[str, object]
    components: dict[str, object]


@route("GET", PATH, permission=Permission.PUBLIC, gives=OpenApi)
async def tell(request: web.Request) -> web.Response:
    """What this server answers, as an OpenAPI document."""
    return web.Response(body=_encoded(tuple(request.app[ROUTES].values())), content_type=_JSON)


def document(routes: Iterable[Route]) -> dict[str, Any]:
    """The document of these routes; pages for people are left out."""
    components = Components()
    paths: dict[str, dict[str, Schema]] = {}
    for each in sorted(routes, key=lambda one: (one.path, one.method)):
        if not each.page:
            operations = paths.setdefault(each.path, {})
            operations[each.method.lower()] = _operation(each, components)
    components.schema_of(Problem)
    components.named[Problem.__name__]["additionalProperties"] = True
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Boxgate",
            "version": str(PROTO),
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": dict(sorted(components.named.items())),
            "responses": {"Problem": _problem(), "Busy": _problem() | _RETRIED},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "session": {"type": "apiKey", "in": "cookie", "name": "boxgate_session"},
            },
        },
    }


def as_text(routes: Iterable[Route]) -> str:
    """The document as a file has it."""
    options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    return orjson.dumps(document(routes), option=options).decode()


@lru_cache(maxsize=2)
def _encoded(routes: Sequence[Route]) -> bytes:
    return orjson.dumps(document(routes))


def _operation(each: Route, components: Components) -> Schema:
    said = " ".join((inspect.getdoc(each.handler) or "").split())
    operation: Schema = {
        "operationId": each.handler.__name__.strip("_"),
        "summary": said.partition(". ")[0].rstrip("."),
        "description": said,
        "parameters": [*_path_parameters(each.path, components), *_query(each.asks, components)],
        "responses": {
            **_answers(each.gives, components),
            "4XX": {"$ref": "#/components/responses/Problem"},
            "503": {"$ref": "#/components/responses/Busy"},
        },
        "security": _security(each),
        "x-permission": each.permission.value,
        "x-body-bytes-max": each.body_bytes_max,
    }
    if each.permission not in FOR_NODES | {Permission.PUBLIC}:
        operation["x-reach"] = each.reach.value
    if each.takes is not None:
        operation["requestBody"] = {"required": True, "content": _body(each.takes, components)}
    return operation


def _path_parameters(path: str, components: Components) -> Iterable[Schema]:
    for name in re.findall(r"{(\w+)", path):
        schema = components.schema_of(_IN_PATHS[name])
        yield {"name": name, "in": "path", "required": True, "schema": schema}


def _query(asks: Shape, components: Components) -> Iterable[Schema]:
    if asks is None:
        return
    for name, (schema, is_required) in components.members_of(asks).items():
        yield {"name": name, "in": "query", "required": is_required, "schema": schema}


def _body(takes: Shape, components: Components) -> Schema:
    if isinstance(takes, Form):
        return {_FORM: {"schema": components.schema_of(takes.shape)}}
    return {_JSON: {"schema": components.schema_of(takes)}}


def _answers(gives: Shape, components: Components) -> dict[str, Schema]:
    if not isinstance(gives, Media):
        content = {_JSON: {"schema": components.schema_of(gives)}}
        return {"200": {"description": "Done", "content": content}}
    content = {kind: {"schema": {}} for kind in gives.kinds}
    return {
        str(status): {"description": "Done"}
        | ({"content": content} if status in (200, 206) else {})
        for status in gives.statuses
    }


def _security(each: Route) -> list[dict[str, list[str]]]:
    """A page's own calls come with its session; a program of others brings a token instead."""
    if each.permission is Permission.PUBLIC:
        return []
    return [{"bearer": []}] if each.permission in FOR_NODES else [{"session": []}, {"bearer": []}]


def _problem() -> Schema:
    schema = {"$ref": f"#/components/schemas/{Problem.__name__}"}
    return {"description": "No, and why", "content": {PROBLEM_TYPE: {"schema": schema}}}


_RETRIED: Schema = {
    "description": "Not now: the same again after so many seconds",
    "headers": {"Retry-After": {"schema": {"type": "string"}}},
}

"""Whether a call is as the interface's document tells it: asked at every call of this suite.

A request that was taken must be of the declared shape, so that nothing that works is told to be
wrong; an answer must be of its own, without a member that the document does not tell of.
"""

from __future__ import annotations

import logging
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

import jsonschema_rs
import orjson
from aiohttp import web

from sync_server.app import all_routes
from sync_server.handlers.openapi import document
from sync_server.handlers.problems import PROBLEM_TYPE

_FORM = "application/x-www-form-urlencoded"
_log = logging.getLogger(__name__)


@web.middleware
async def conform(request: web.Request, handler: Any) -> web.StreamResponse:
    """Log an error, which fails the test, for a request or an answer of another shape."""
    response: web.StreamResponse = await handler(request)
    resource = request.match_info.route.resource
    path = resource.canonical if resource is not None else ""
    operation = interface()["paths"].get(path, {}).get(request.method.lower())
    if operation is None:
        return response
    name = f"{request.method} {path}"
    if isinstance(response, web.Response) and isinstance(response.body, bytes):
        for fault in faults_of_answer(operation, response.status, response.body):
            _log.error("%s answers %s: %s", name, response.status, fault)
    if response.status == 200 and "requestBody" in operation:
        for fault in faults_of_body(operation, await request.read()):
            _log.error("%s took a body of another shape: %s", name, fault)
    return response


@cache
def interface() -> dict[str, Any]:
    """The document, as everything else reads it."""
    told: dict[str, Any] = orjson.loads(orjson.dumps(document(all_routes())))
    return told


def faults_of_answer(operation: dict[str, Any], status: int, body: bytes) -> list[str]:
    """What is wrong with an answer's status and body."""
    answers = operation["responses"]
    if status in (304, 204) and str(status) in answers:
        return []
    answer = answers.get(str(status)) or answers.get(f"{status // 100}XX")
    if answer is None:
        return ["this status is not told of"]
    if "$ref" in answer:
        answer = interface()["components"]["responses"][answer["$ref"].rpartition("/")[2]]
        kind, is_closed = PROBLEM_TYPE, False  # some codes add members of their own
    else:
        kind, is_closed = "application/json", True
    content = answer.get("content", {})
    return faults(content[kind]["schema"], body, is_closed=is_closed) if kind in content else []


def faults_of_body(operation: dict[str, Any], body: bytes) -> list[str]:
    """What is wrong with a request's body."""
    ((kind, content),) = operation["requestBody"]["content"].items()
    if kind == _FORM:
        body = orjson.dumps(dict(parse_qsl(body.decode(), keep_blank_values=True)))
    return faults(content["schema"], body, is_closed=False)


def faults(schema: dict[str, Any], body: bytes, *, is_closed: bool) -> list[str]:
    """What is wrong with a text of JSON."""
    found = _judge(orjson.dumps(schema), is_closed).iter_errors(orjson.loads(body))
    return [f"{'/'.join(map(str, each.instance_path))}: {each.message[:300]}" for each in found]


@cache
def _judge(schema: bytes, is_closed: bool) -> Any:
    components = interface()["components"]["schemas"]
    whole = {"components": {"schemas": components}} | orjson.loads(schema)
    return jsonschema_rs.Draft202012Validator(closed(whole) if is_closed else whole)


def closed(schema: Any) -> Any:
    """The same, but no object may have a member that it does not tell of."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: closed(each) for name, each in schema.items()}
    if schema.get("type") == "object" and isinstance(schema.get("properties"), dict):
        found.setdefault("additionalProperties", False)
    return found

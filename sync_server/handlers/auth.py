"""How a machine becomes a node, and how a node signs in."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping

from aiohttp import web

from program.logs import get_logger
from sync_server.handlers.actors import acting, actor_of
from sync_server.handlers.addresses import address_of
from sync_server.handlers.forms import read_form
from sync_server.handlers.problems import Problem
from sync_server.handlers.routes import Form, route
from sync_server.handlers.shapes import joining
from sync_server.handlers.state import CENTRE, LIMITS, TOKENS
from sync_server.services.clients import TOKEN_CHARS_MAX, RefreshRefusal, refresh
from sync_server.services.enrolment import Applicant, Enrolled, EnrolRefusal, enrol, is_secret
from sync_server.services.limits import Limit
from sync_server.services.permissions import Permission
from sync_server.services.tokens import TOKEN_LIFE_S, AccessToken, TokenRefusal
from ticketing.keys import KEY_BYTES

PROTO = 1
_BODY_BYTES_MAX = 8 * 1024
_MACHINE_ID_CHARS_MAX = 128
_VERSION_CHARS_MAX = 40
_ROLE_CHARS_MAX = 16
_NODE_ID_CHARS_MAX = 16
_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_log = get_logger(__name__)

_ENROL_SENTENCES = {
    EnrolRefusal.WRONG: (404, "there is no such enrolment code"),
    EnrolRefusal.EXPIRED: (410, "this enrolment code has expired; make a new one"),
    EnrolRefusal.USED: (409, "another machine has used this enrolment code; make a new one"),
    EnrolRefusal.OTHER_ROLE: (409, "this enrolment code is for another kind of machine"),
    EnrolRefusal.OTHER_NODE: (409, "this enrolment code is for another node"),
    EnrolRefusal.NAME_TAKEN: (409, "there is a node of this name by now; make a new code"),
    EnrolRefusal.NOT_BELOW_HUB: (
        409,
        "a hub or an agency's window joins at the centre, not by a hub",
    ),
    EnrolRefusal.KEY_ID_TAKEN: (409, "make another key and try again with the same code"),
}
_TOKEN_SENTENCES = {
    TokenRefusal.INVALID: "the assertion is not signed by a node's key, or does not say what it must",
    TokenRefusal.REVOKED: "this node is no longer enrolled here",
    TokenRefusal.CLOCK_SKEW: "the node's clock differs too much from the server's: see now_ms",
    TokenRefusal.REPLAYED: "this assertion was used before",
    TokenRefusal.TOO_MANY: "too many sign-ins at once",
}

_REFRESH_SENTENCES = {
    RefreshRefusal.INVALID: "this refresh token is not a living one of this client",
    RefreshRefusal.REUSED: "this refresh token was used before: somebody has a copy of it, so the "
    "client was ended; a manager has to add it anew",
}


@route(
    "POST",
    "/v1/enrol",
    permission=Permission.PUBLIC,
    body_max=_BODY_BYTES_MAX,
    takes=joining.Enrolment,
    gives=joining.Enrolled,
)
async def enrol_node(request: web.Request) -> web.Response:
    """Make a machine a node by its one-time code; the same again for the same code and key."""
    return await enrolled(request, address_of(request))


async def enrolled(request: web.Request, caller: str, hub: str = "") -> web.Response:
    """Enrol the machine that a request describes; failures count against `caller`."""
    centre, limit, key = request.app[CENTRE], request.app[LIMITS].enrol_address, caller
    _hold_back(limit, key)
    secret, applicant = _application(await request.read())
    actor = actor_of(request)
    answer = await centre.write(
        lambda tx: enrol(tx, centre.venue_id, centre.keys.node, secret, applicant, actor, hub=hub)
    )
    if not isinstance(answer, Enrolled):
        limit.take(key, time.monotonic())
        status, sentence = _ENROL_SENTENCES[answer]
        _log.warning("enrolment_refused", reason=answer)
        raise Problem(status, answer, sentence)
    _log.info("node_enrolled", node_id=answer.node_id, role=answer.role)
    return web.json_response(
        {
            "node_id": answer.node_id,
            "role": answer.role,
            "name": answer.name,
            "venue_id": centre.venue_id,
            "issuer": centre.issuer,
            "server_key": centre.keys.node_public.hex(),
            "key_signature": answer.key_signature.hex(),
            "generation": centre.generation.short,
            "proto": PROTO,
            "inc": answer.incarnation,
        }
    )


@route(
    "POST",
    "/v1/token",
    permission=Permission.PUBLIC,
    body_max=_BODY_BYTES_MAX,
    takes=Form(joining.NodeAsksToken | joining.ClientAsksToken),
    gives=joining.Token,
)
async def give_token(request: web.Request) -> web.Response:
    """Exchange an assertion signed by the node's key for a short-lived access token (RFC 7523)."""
    centre, limit, key = request.app[CENTRE], request.app[LIMITS].token_address, address_of(request)
    _hold_back(limit, key)
    form = read_form(await request.read())
    if form.get("grant_type") == "refresh_token":
        return await _refresh(request, form, limit, key)
    if form.get("grant_type") != "client_credentials":
        raise _refused_by_oauth(
            "unsupported_grant_type", "grant_type must be client_credentials or refresh_token"
        )
    assertion = form.get("client_assertion")
    if form.get("client_assertion_type") != _ASSERTION_TYPE or not assertion:
        raise _refused_by_oauth("invalid_request", f"a client_assertion of type {_ASSERTION_TYPE}")
    await centre.refresh_nodes()
    now_s = time.time()
    answer = request.app[TOKENS].exchange(assertion, centre.nodes.get, now_s)
    if answer is TokenRefusal.INVALID:  # by a node that another server has just enrolled?
        centre.nodes.outdate()
        await centre.refresh_nodes()
        answer = request.app[TOKENS].exchange(assertion, centre.nodes.get, now_s)
    if not isinstance(answer, AccessToken):
        limit.take(key, time.monotonic())
        raise _refused_token(answer, now_s)
    return web.json_response(
        {
            "access_token": answer.text,
            "token_type": "Bearer",
            "expires_in": answer.expires_in_s,
            "now_ms": round(now_s * 1000),
        }
    )


async def _refresh(
    request: web.Request, form: Mapping[str, str], limit: Limit, key: str
) -> web.Response:
    """Tokens for a client of the interface: the refresh token it brings ends with it."""
    client_id, token = form.get("client_id", ""), form.get("refresh_token", "")
    if not 0 < len(token) <= TOKEN_CHARS_MAX or len(client_id) > _NODE_ID_CHARS_MAX:
        raise _refused_by_oauth("invalid_request", "client_id and refresh_token")
    actor = acting(request, "client", client_id)
    answer = await request.app[CENTRE].write(lambda tx: refresh(tx, client_id, token, actor))
    if isinstance(answer, RefreshRefusal):
        limit.take(key, time.monotonic())
        _log.warning("refresh_refused", reason=answer)
        raise Problem(400, answer, _REFRESH_SENTENCES[answer], error="invalid_grant")
    return web.json_response(
        {
            "access_token": request.app[TOKENS].issue_for_client(client_id, time.time()),
            "token_type": "Bearer",
            "expires_in": TOKEN_LIFE_S,
            "refresh_token": answer,
        }
    )


def _application(body: bytes) -> tuple[str, Applicant]:
    """The code's secret and the machine's description, both checked in form."""
    try:
        said = json.loads(body)
    except ValueError:  # JSON and UTF-8 alike
        raise Problem(400, "bad_json", "the body must be a JSON object") from None
    if not isinstance(said, dict):
        raise Problem(400, "bad_json", "the body must be a JSON object")
    proto = said.get("proto")
    if not isinstance(proto, list) or PROTO not in proto:
        raise Problem(400, "proto_unknown", "no common protocol version", proto=[PROTO])
    if not is_secret(said.get("code_secret")):
        raise Problem(404, EnrolRefusal.WRONG, _ENROL_SENTENCES[EnrolRefusal.WRONG][1])
    return said["code_secret"], Applicant(
        _public_key(said),
        machine_id=_text(said, "machine_id", _MACHINE_ID_CHARS_MAX),
        program_version=_text(said, "program_version", _VERSION_CHARS_MAX),
        role=_text(said, "role", _ROLE_CHARS_MAX) if "role" in said else "",
        node_id=_text(said, "node_id", _NODE_ID_CHARS_MAX) if "node_id" in said else "",
    )


def _public_key(said: dict[str, object]) -> bytes:
    given = said.get("public_key")
    try:
        public = bytes.fromhex(given) if isinstance(given, str) else b""
    except ValueError:
        public = b""
    if len(public) != KEY_BYTES:
        raise Problem(400, "bad_field", "public_key must be 32 bytes in hex", field="public_key")
    return public


def _text(said: dict[str, object], name: str, chars_max: int) -> str:
    value = said.get(name)
    if not isinstance(value, str) or len(value) > chars_max or not value.isprintable():
        raise Problem(
            400, "bad_field", f"{name} must be a text of at most {chars_max} characters", field=name
        )
    return value


def _hold_back(limit: Limit, key: str) -> None:
    """Make a caller wait who failed too often; only failures count."""
    wait_s = limit.wait_s(key, time.monotonic())
    if wait_s:
        raise Problem(429, "too_many_tries", "too many failed tries", retry_after_s=wait_s)


def _refused_by_oauth(error: str, sentence: str) -> Problem:
    return Problem(400, error, sentence, error=error)


def _refused_token(refusal: TokenRefusal, now_s: float) -> Problem:
    """RFC 6749's `error` beside our code, and the server's clock for a node with a wrong one."""
    _log.warning("token_refused", reason=refusal)
    status, retry_after_s = (503, 5) if refusal is TokenRefusal.TOO_MANY else (401, None)
    return Problem(
        status,
        refusal,
        _TOKEN_SENTENCES[refusal],
        retry_after_s=retry_after_s,
        error="invalid_client",
        now_ms=round(now_s * 1000),
    )

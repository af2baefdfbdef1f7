"""The server's calls, as a node makes them. One client for each thread.

Every call either returns what the server said, in the expected shape, or raises
`ServerUnreachable` (nothing is known: try again) or `ServerRefused` (it said no, with a code).
"""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Mapping
from typing import Any

import httpx
import jwt

from edge.env import Env
from edge.errors import AnswerMakesNoSense, ServerRefused, ServerUnreachable
from edge.hanging_up import Lines
from edge.identity import Identity, NodeKey
from edge.protocol.hello import PROTO
from edge.snapshot import RANGE_NOT_SATISFIABLE, PieceReply, PieceRequest
from ticketing.credential import ChipKeys, chip_keys_of
from ticketing.keys import KEY_BYTES, is_signed, sign
from ticketing.personal import (
    DataKey,
    answer_message,
    ask_message,
    exchange_public,
    unwrap_keys,
)

FOR_NODE = "Boxgate-For"
"""Names the node that a hub speaks for."""
_CHIPS = "chips:"
"""Before the node's id in what is signed about keys for chips."""
_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ASSERTION_TERM_S = 60
_TOKEN_MARGIN_S = 60
_TOKEN_TERM_S_MAX = 86_400
_REPLY_BYTES_MAX = 64 * 1024 * 1024
_REPLY_S_MAX = 60.0
"""A reply that trickles in has to be whole after so long: the time limits of the HTTP library are
for one read each, and start again with every byte."""
_BEARER = re.compile(r"[A-Za-z0-9._~+/=-]{1,8192}")  # RFC 6750 section 2.1
_MS_MIN, _MS_MAX = 946_684_800_000, 7_258_118_400_000
"""Years 2000 to 2200: a server that tells another time is not believed."""


class ServerClient:
    """Talks to one server as one node. Each thread makes its own: only `hang_up` is thread-safe."""

    def __init__(
        self,
        url: str,
        identity: Identity,
        key: NodeKey,
        env: Env,
        *,
        version: str,
        timeout_s: float = 5,
    ) -> None:
        self._identity = identity
        self._key = key
        self._env = env
        self._http = new_http(url, version, timeout_s)
        self._lines = Lines()
        self._http.event_hooks = {"request": [self._lines.follow]}
        self._token = ""
        self._token_until_s = 0.0
        self.server_ahead_ms = 0
        """Server clock minus ours, as of the last answer that told the time."""

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def hang_up(self) -> None:
        """From any thread: the call under way fails at once, and so does every later one."""
        self._lines.hang_up()

    def hello(self, body: Mapping[str, object]) -> dict[str, Any]:
        """Tell who we are and where our journals stand."""
        asked_ms = self._env.wall_ms()
        reply = self._call("POST", "/v1/hello", json=body)
        self._learn_time(reply, asked_ms)
        return reply

    def push(self, stream: str, body: Mapping[str, object]) -> dict[str, Any]:
        """Send the next operations of a journal."""
        return self._call("POST", f"/v1/e/{stream}/push", json=body)

    def salvage(self, stream: str, body: Mapping[str, object]) -> dict[str, Any]:
        """Send operations of a fenced journal."""
        return self._call("POST", f"/v1/e/{stream}/salvage", json=body)

    def declare(self, stream: str, body: Mapping[str, object]) -> dict[str, Any]:
        """Tell which allotments we ever received, in a new history of the server."""
        return self._call("POST", f"/v1/e/{stream}/declare", json=body)

    def revoke(self, stream: str, body: Mapping[str, object]) -> dict[str, Any]:
        """Ask for tickets to be revoked. Idempotent by the body's `op`."""
        return self._call("POST", f"/v1/e/{stream}/revoke", json=body)

    def data_keys(self) -> tuple[DataKey, ...]:
        """The house's keys for personal data, the newest first; for this answer's eyes only.

        Raises AnswerMakesNoSense for an answer that is not the server's own.
        """
        return self._keys_for("/v1/data-keys", "")

    def chip_keys(self) -> ChipKeys:
        """The house's keys for chips, as far as this node is to have them.

        Raises AnswerMakesNoSense for an answer that is not the server's own.
        """
        keys = chip_keys_of(self._keys_for("/v1/chip-keys", _CHIPS)[0])
        if keys is None:
            raise AnswerMakesNoSense("the server's keys for chips make no sense")
        return keys

    def _keys_for(self, path: str, prefix: str) -> tuple[DataKey, ...]:
        """Ask for keys: sealed to a key made for this answer, both sides sign."""
        private = self._env.random_bytes(KEY_BYTES)
        public, name = exchange_public(private), prefix + self._identity.node_id
        signature = sign(self._key.private, ask_message(name, public))
        asked = {"public": public.hex(), "signature": signature.hex()}
        reply = self._call("POST", path, json=asked)
        try:
            wrapped = bytes.fromhex(str(reply.get("keys")))
            proof = bytes.fromhex(str(reply.get("signature")))
        except ValueError as error:
            raise AnswerMakesNoSense("the server's keys make no sense") from error
        message = answer_message(name, public, wrapped)
        is_theirs = is_signed(bytes.fromhex(self._identity.server_key), proof, message)
        keys = unwrap_keys(wrapped, private) if is_theirs else None
        if not keys:
            raise AnswerMakesNoSense("the keys are not this server's")
        return keys

    def pull(
        self, generation: str, after: Mapping[str, int], *, limit: int, wait_s: float
    ) -> dict[str, Any]:
        """Ask for news of several streams at once; the server waits up to `wait_s` for some."""
        query = {
            "gen": generation,
            "after": ",".join(f"{stream}:{rev}" for stream, rev in sorted(after.items())),
            "limit": str(limit),
            "wait_s": str(wait_s),
            "proto": str(PROTO),
        }
        timeout = httpx.Timeout(wait_s + 5, connect=2)
        return self._call("GET", "/v1/pull", params=query, timeout=timeout)

    @property
    def role(self) -> str:
        """What the node is enrolled as."""
        return self._identity.role

    def get(self, path: str, query: Mapping[str, str]) -> dict[str, Any]:
        """A call that only asks, as a part of the protocol made it up."""
        return self._call("GET", path, params=query)

    def post(self, path: str, body: Mapping[str, object], *, below: str = "") -> dict[str, Any]:
        """A call that a part of the protocol made up. A hub makes some for a node `below` it."""
        return self._call("POST", path, below=below, json=body)

    def piece(self, asked: PieceRequest) -> PieceReply:
        """A piece of a snapshot file, as it comes. Raises ServerRefused, 416 excepted."""
        headers = {
            **asked.headers,
            "Authorization": f"Bearer {self._bearer()}",
            "Accept-Encoding": "identity",
        }
        response, raw = exchange(self._http, "GET", asked.path, headers=headers)
        if response.is_success or response.status_code == RANGE_NOT_SATISFIABLE:
            found = {name.lower(): value for name, value in response.headers.items()}
            return PieceReply(response.status_code, found, raw)
        self._object_of(response, raw)
        raise ServerUnreachable(_no_sense(response))

    def acquire(self, stream: str, body: Mapping[str, object]) -> dict[str, Any]:
        """Ask for units. Idempotent by the body's `req`."""
        return self._call("POST", f"/v1/e/{stream}/acquire", json=body)

    def admit(self, stream: str, body: Mapping[str, object], *, budget_s: float) -> dict[str, Any]:
        """Ask the arbiter about one scan.

        Each step (a token if none is kept, the connection, the question) has the budget: after
        `warm_up` in a quiet moment only the question is left.
        """
        timeout = httpx.Timeout(budget_s)
        self._bearer(timeout=timeout)
        return self._call(
            "POST", f"/v1/e/{stream}/admit", json=body, timeout=timeout, reply_s_max=budget_s
        )

    def warm_up(self) -> None:
        """Have a token and a connection ready. Raises as any call does."""
        self._bearer()

    def _call(self, method: str, path: str, *, below: str = "", **options: Any) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self._bearer()}"}
        if below:
            headers[FOR_NODE] = below
        return self._object_of(*exchange(self._http, method, path, headers=headers, **options))

    def _object_of(self, response: httpx.Response, raw: bytes) -> dict[str, Any]:
        try:
            return object_of(response, raw)
        except ServerRefused as refusal:
            if refusal.status == httpx.codes.UNAUTHORIZED:
                self._token = ""  # expired early, or the server has new keys: ask for another
            raise

    def _bearer(self, **options: Any) -> str:
        if self._token and self._env.monotonic_s() < self._token_until_s:
            return self._token
        try:
            reply = self._ask_token(options)
        except ServerRefused as refusal:
            if refusal.code != "clock_skew" or not self._learn_time(
                refusal.body, self._env.wall_ms()
            ):
                raise
            reply = self._ask_token(options)
        token, lasts_s = reply.get("access_token"), reply.get("expires_in")
        if not isinstance(token, str) or type(lasts_s) is not int or not _BEARER.fullmatch(token):
            raise ServerUnreachable("the server's token makes no sense")
        kept_s = min(lasts_s, _TOKEN_TERM_S_MAX) - _TOKEN_MARGIN_S
        self._token = token
        self._token_until_s = self._env.monotonic_s() + max(0, kept_s)
        return token

    def _ask_token(self, options: Mapping[str, Any]) -> dict[str, Any]:
        now_s = (self._env.wall_ms() + self.server_ahead_ms) // 1000
        claims = {
            "iss": self._identity.node_id,
            "sub": self._identity.node_id,
            "aud": self._identity.issuer,
            "jti": self._env.random_bytes(16).hex(),
            "iat": now_s,
            "exp": now_s + _ASSERTION_TERM_S,
        }
        assertion = jwt.encode(claims, _private_pem(self._key), algorithm="EdDSA")
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": _ASSERTION_TYPE,
            "client_assertion": assertion,
        }
        return request(self._http, "POST", "/v1/token", data=form, **options)

    def _learn_time(self, body: Mapping[str, object], asked_ms: int) -> bool:
        """Note the server's clock, taking the middle of the question's travel as its instant."""
        told = body.get("now_ms")
        if type(told) is not int or not _MS_MIN <= told < _MS_MAX:
            return False
        self.server_ahead_ms = told - (asked_ms + self._env.wall_ms()) // 2
        return True


def new_http(url: str, version: str, timeout_s: float) -> httpx.Client:
    """An HTTP client for a Boxgate server. Proxies of the environment are not used.

    Raises ServerUnreachable when `url` is no address.
    """
    try:
        return httpx.Client(
            base_url=url,
            timeout=httpx.Timeout(timeout_s, connect=2),
            headers={"User-Agent": f"boxgate/{version}", "Accept": "application/json"},
            limits=httpx.Limits(max_connections=2),
            trust_env=False,
            follow_redirects=False,
        )
    except (httpx.InvalidURL, ValueError) as error:
        raise ServerUnreachable(f"{url!r} is not the address of a server") from error


def request(
    http: httpx.Client,
    method: str,
    path: str,
    *,
    reply_s_max: float = _REPLY_S_MAX,
    **options: Any,
) -> dict[str, Any]:
    """One call. Raises ServerUnreachable or ServerRefused; returns a JSON object."""
    return object_of(*exchange(http, method, path, reply_s_max=reply_s_max, **options))


def exchange(
    http: httpx.Client,
    method: str,
    path: str,
    *,
    reply_s_max: float = _REPLY_S_MAX,
    **options: Any,
) -> tuple[httpx.Response, bytes]:
    """A question and what came back, whatever it says. Raises ServerUnreachable.

    From its first header on, a reply may take `reply_s_max` to be whole.
    """
    try:
        with http.stream(method, path, **options) as response:
            return response, _read_bounded(response, time.monotonic() + reply_s_max)
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
        raise ServerUnreachable(f"no answer from the server ({type(error).__name__})") from error
    except ValueError as error:  # too large, or a header or a chunk that is no HTTP at all
        raise ServerUnreachable("the server's answer makes no sense") from error


def object_of(response: httpx.Response, raw: bytes) -> dict[str, Any]:
    """The JSON object of an answer. Raises ServerRefused or ServerUnreachable."""
    body = _json_object(raw)
    if response.is_success and body is not None:
        return body
    if response.is_client_error and body is not None and isinstance(body.get("code"), str):
        detail = str(body.get("detail", ""))
        raise ServerRefused(response.status_code, str(body["code"]), detail, body)
    raise AnswerMakesNoSense(_no_sense(response), response.status_code)


def _no_sense(response: httpx.Response) -> str:
    return f"the server's answer makes no sense (status {response.status_code})"


def _read_bounded(response: httpx.Response, until_s: float) -> bytes:
    chunks: list[bytes] = []
    size = 0
    for chunk in response.iter_bytes():
        size += len(chunk)
        if size > _REPLY_BYTES_MAX:
            raise ValueError("reply too large")
        if time.monotonic() > until_s:
            raise ValueError("reply too slow")
        chunks.append(chunk)
    return b"".join(chunks)


def _json_object(raw: bytes) -> dict[str, Any] | None:
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def _private_pem(key: NodeKey) -> str:
    """The private key as PKCS#8 PEM (RFC 8410), the form that PyJWT takes."""
    der = bytes.fromhex("302e020100300506032b657004220420") + key.private
    text = base64.b64encode(der).decode()
    return f"-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n"

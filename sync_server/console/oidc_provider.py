"""The OpenID provider as we call it: what it says of itself, its keys, and codes for tokens.

Addresses come from the provider's own document, which has to be of the very issuer that the
settings name; all of them are https:// (or on this very machine). No answer is followed elsewhere,
and none is read without a limit.
"""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import quote_plus, urlsplit

import aiohttp
from aiohttp import web
from yarl import URL

from program.logs import get_logger
from sync_server.console.oidc_attempt import Attempt, UsedAttempts
from sync_server.oidc_settings import OidcSettings, is_safe_url
from sync_server.services.id_token import Expected, TokenFault, check_id_token

KNOWN_FOR_S = 3_600.0
ASKED_AGAIN_AFTER_S = 30.0
TIMEOUT_S = 10.0
CONNECTIONS_MAX = 8
ANSWER_BYTES_MAX = 256 * 1024
SCOPES = "openid profile email"
_log = get_logger(__name__)


class ProviderAway(Exception):
    """It was not reached, or said what no provider says. Nobody is told more than that."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the provider's document and its key set say."""

    authorize: str
    token: str
    sends_secret_in_body: bool
    keys: Sequence[Mapping[str, Any]]
    read_s: float


class Provider:
    """One provider. Use on the event loop, between `open` and `close`."""

    def __init__(self, settings: OidcSettings, secret: str) -> None:
        self.settings = settings
        self.used = UsedAttempts()
        self._secret = secret
        self._known: Known | None = None
        self._failed_s = float("-inf")
        self._reading = asyncio.Lock()
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Nothing is connected yet: a provider that is away does not keep the server from starting."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=CONNECTIONS_MAX),
            timeout=aiohttp.ClientTimeout(total=TIMEOUT_S),
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def close(self) -> None:
        """Let go of all connections."""
        if self._session is not None:
            await self._session.close()

    async def address_for(self, attempt: Attempt) -> str:
        """Where the browser goes to sign in. Raises ProviderAway."""
        known = await self._ask_who_it_is()
        asked = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": self.settings.redirect_uri,
            "scope": SCOPES,
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": attempt.challenge,
            "code_challenge_method": "S256",
        }
        return str(URL(known.authorize).update_query(asked))

    async def claims_for(self, code: str, attempt: Attempt) -> Mapping[str, Any] | TokenFault:
        """What the provider says of who comes with this code. Raises ProviderAway."""
        known = await self._ask_who_it_is()
        answer = await self._exchange(known, code, attempt.verifier)
        token = answer.get("id_token")
        if not isinstance(token, str):
            return TokenFault.MALFORMED
        settings = self.settings
        expected = Expected(settings.issuer, settings.client_id, attempt.nonce)
        found = check_id_token(token, known.keys, expected)
        if found is TokenFault.UNKNOWN_KEY and self._now_s() - known.read_s > ASKED_AGAIN_AFTER_S:
            self._known = None  # it may have changed its keys since
            found = check_id_token(token, (await self._ask_who_it_is()).keys, expected)
        return found

    async def _ask_who_it_is(self) -> Known:
        async with self._reading:
            now_s = self._now_s()
            if self._known is not None and now_s - self._known.read_s < KNOWN_FOR_S:
                return self._known
            if now_s - self._failed_s < 1:
                raise ProviderAway("it was not reached a moment ago")
            try:
                self._known = await self._read()
            except ProviderAway:
                self._failed_s = now_s
                raise
            return self._known

    async def _read(self) -> Known:
        issuer = self.settings.issuer
        said = await self._call("GET", f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        if said.get("issuer") != issuer:
            raise ProviderAway("its document is another issuer's")
        key_set = await self._call("GET", _address(said, "jwks_uri"))
        keys = key_set.get("keys")
        if not isinstance(keys, list):
            raise ProviderAway("it has no keys")
        ways = said.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        return Known(
            _address(said, "authorization_endpoint"),
            _address(said, "token_endpoint"),
            isinstance(ways, list) and "client_secret_basic" not in ways,
            [each for each in keys if isinstance(each, dict)],
            self._now_s(),
        )

    async def _exchange(self, known: Known, code: str, verifier: str) -> Mapping[str, Any]:
        client_id = self.settings.client_id
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.settings.redirect_uri,
            "code_verifier": verifier,
        }
        headers = {}
        if known.sends_secret_in_body:
            form |= {"client_id": client_id, "client_secret": self._secret}
        else:  # RFC 6749, 2.3.1: both are encoded as in a form first
            login = f"{quote_plus(client_id)}:{quote_plus(self._secret)}".encode()
            headers["Authorization"] = f"Basic {base64.b64encode(login).decode()}"
        return await self._call("POST", known.token, form, headers)

    async def _call(
        self,
        method: str,
        url: str,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Mapping[str, Any]:
        assert self._session is not None
        try:
            async with self._session.request(
                method, url, data=form, headers=headers, allow_redirects=False
            ) as answer:
                content = await answer.content.read(ANSWER_BYTES_MAX + 1)
                while len(content) <= ANSWER_BYTES_MAX and not answer.content.at_eof():
                    content += await answer.content.read(ANSWER_BYTES_MAX + 1 - len(content))
                if answer.status != HTTPStatus.OK or len(content) > ANSWER_BYTES_MAX:
                    raise ProviderAway(f"it answered {answer.status}")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise ProviderAway(type(error).__name__) from error
        try:
            said = json.loads(content)
        except ValueError as error:
            raise ProviderAway("it did not answer in JSON") from error
        if not isinstance(said, dict):
            raise ProviderAway("it did not answer with an object")
        return said

    @staticmethod
    def _now_s() -> float:
        return time.monotonic()


def _address(said: Mapping[str, Any], name: str) -> str:
    url = said.get(name)
    if not isinstance(url, str) or not is_safe_url(url) or urlsplit(url).fragment:
        raise ProviderAway(f"its {name} is no address to be trusted")
    return url


PROVIDER = web.AppKey("oidc_provider", Provider)


def set_up_provider(app: web.Application, settings: OidcSettings) -> None:
    """Call once, before the application starts; without an issuer there is no provider."""
    if not settings.is_on:
        return
    app[PROVIDER] = Provider(settings, settings.read_secret())
    app.cleanup_ctx.append(_run_provider)


async def _run_provider(app: web.Application) -> AsyncIterator[None]:
    await app[PROVIDER].open()
    yield
    await app[PROVIDER].close()

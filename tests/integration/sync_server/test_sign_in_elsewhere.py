"""Signing in by an OpenID provider, also by one that lies; real HTTP on both sides."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import jwt
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from jwt.algorithms import ECAlgorithm

from program.errors import SettingsError
from sync_server.console.oidc_provider import ANSWER_BYTES_MAX
from sync_server.console.sign_in_words import SENTENCES, Why
from sync_server.handlers.state import CENTRE, LIMITS
from sync_server.oidc_settings import OidcSettings
from sync_server.services.limits import Limit
from sync_server.services.people import Person, add_person
from sync_server.services.permissions import PersonRole
from sync_server.services.second_factor import begin_second_factor
from sync_server.services.sessions import find_person_to_sign_in, form_token
from tests.integration.sync_server.console_forms import deeds
from tests.integration.sync_server.support import HouseOnDisk, app_of

Client = TestClient[Any, Any]
Starts = Callable[..., Any]
START = "/console/login/provider"
SECRET, CLIENT_ID, CODE = "a secret / of ours", "boxgate", "the+code/of=one try"
CONSOLE = "http://127.0.0.1:1"
KEY = generate_private_key(SECP256R1())
JWK = {**ECAlgorithm.to_jwk(KEY.public_key(), as_dict=True), "kid": "k1"}
ONWARD = re.compile(r'http-equiv="refresh" content="0;url=([^"]+)"')


@dataclass
class Provider:
    """A provider that does what a test wants. `asked` is what the browser brought it."""

    issuer: str = ""
    asked: dict[str, str] = field(default_factory=dict)
    claims: dict[str, object] = field(default_factory=lambda: {"preferred_username": "manager"})
    document: dict[str, object] = field(default_factory=dict)
    keys: list[dict[str, Any]] = field(default_factory=lambda: [JWK])
    kid: str = "k1"
    calls: list[str] = field(default_factory=list)
    answer: Any = None
    blanks: int = 0

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/.well-known/openid-configuration", self._document)
        app.router.add_get("/keys", self._keys)
        app.router.add_post("/token", self._token)
        return app

    async def _document(self, _request: web.Request) -> web.Response:
        self.calls.append("document")
        told = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize?tenant=1",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
        }
        text = json.dumps({**told, **self.document}) + " " * self.blanks
        return web.Response(text=text, content_type="application/json")

    async def _keys(self, _request: web.Request) -> web.Response:
        self.calls.append("keys")
        return web.json_response({"keys": self.keys})

    async def _token(self, request: web.Request) -> web.Response:
        form = await request.post()
        self.calls.append("token")
        if isinstance(self.answer, web.Response):
            return self.answer
        digest = hashlib.sha256(str(form["code_verifier"]).encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        assert challenge == self.asked["code_challenge"]
        assert (form["code"], form["grant_type"]) == (CODE, "authorization_code")
        assert form["redirect_uri"] == self.asked["redirect_uri"]
        way, _, login = request.headers["Authorization"].partition(" ")
        assert (way, base64.b64decode(login)) == ("Basic", b"boxgate:a+secret+%2F+of+ours")
        now = int(time.time())
        told = {"iss": self.issuer, "aud": CLIENT_ID, "sub": "42", "iat": now, "exp": now + 60}
        claims = {**told, "nonce": self.asked["nonce"], **self.claims}
        token = jwt.encode(claims, KEY, algorithm="ES256", headers={"kid": self.kid})
        return web.json_response({"id_token": token, "access_token": "x", "token_type": "Bearer"})


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    made = Provider()
    async with TestServer(made.app()) as server:
        made.issuer = str(server.make_url("/")).rstrip("/")
        yield made


def settings_of(house: HouseOnDisk, issuer: str, **changes: Any) -> OidcSettings:
    file = house.settings.data_dir.parent / "oidc.secret"
    file.write_text(SECRET + "\n")
    file.chmod(0o600)
    made = OidcSettings(issuer, CLIENT_ID, file, CONSOLE, "Arena login", **changes)
    made.check()
    return made


@pytest.fixture
async def start(house: HouseOnDisk, provider: Provider) -> AsyncIterator[Starts]:
    """Start a server whose people may sign in by the provider."""
    open_clients: list[Client] = []

    async def begin(**changes: Any) -> Client:
        oidc = settings_of(house, changes.pop("issuer", provider.issuer), **changes)
        server = TestServer(app_of(house, replace(house.settings, oidc=oidc)))
        client = TestClient(server, cookie_jar=aiohttp.CookieJar(unsafe=True))
        await client.start_server()
        open_clients.append(client)
        return client

    yield begin
    for each in open_clients:
        await each.close()


async def get(client: Client, path: str) -> tuple[int, str, str]:
    """Status, Location and text, going nowhere by itself."""
    async with client.get(path, allow_redirects=False) as answer:
        return answer.status, answer.headers.get("Location", ""), await answer.text()


async def off_to(client: Client, provider: Provider) -> dict[str, str]:
    """Begin; the provider keeps what the browser would bring it."""
    status, location, _ = await get(client, START)
    assert status == 303
    assert location.startswith(f"{provider.issuer}/authorize?")
    provider.asked = {name: found[0] for name, found in parse_qs(urlsplit(location).query).items()}
    return provider.asked


async def onward_of(client: Client, state: str) -> str:
    """Come back with a code; where our page leads."""
    async with client.get(f"{START}/back", params={"code": CODE, "state": state}) as answer:
        assert answer.status == 200
        found = ONWARD.search(await answer.text())
        assert found is not None
        return unescape(found[1])


async def sign_in(client: Client, provider: Provider) -> tuple[int, str, str]:
    """There, back and on."""
    asked = await off_to(client, provider)
    return await get(client, await onward_of(client, asked["state"]))


async def is_signed_in(client: Client) -> bool:
    return (await get(client, "/console/"))[0] == 200


def failed(why: Why) -> tuple[int, str]:
    return 303, f"/console/login?why={why}"


# --- all is right


async def test_a_person_of_the_house_signs_in_and_keeps_their_role(
    start: Starts, provider: Provider, house: HouseOnDisk
) -> None:
    client = await start()
    _, _, page = await get(client, "/console/login")
    assert "Sign in with Arena login" in page
    assert 'name="password"' in page, "for emergencies"
    assert (await sign_in(client, provider))[:2] == (303, "/console/")
    assert await is_signed_in(client)
    asked = provider.asked
    assert asked["redirect_uri"] == f"{CONSOLE}{START}/back"
    assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
    assert (asked["client_id"], asked["tenant"]) == (CLIENT_ID, "1")
    assert "openid" in asked["scope"].split()
    (told,) = await deeds(client, house, "signed_in")
    assert told["after"] == {"by": "oidc"}


async def test_no_cookie_of_it_is_sent_from_another_site_and_none_stays(
    start: Starts, provider: Provider
) -> None:
    client = await start()
    async with client.get(START, allow_redirects=False) as answer:
        cookies = answer.cookies
    kept = cookies["boxgate_try"]
    assert (kept["samesite"], kept["httponly"], kept["path"]) == ("Strict", True, START)
    await sign_in(client, provider)
    assert "boxgate_try" not in {each.key for each in client.session.cookie_jar}


async def test_who_has_a_second_factor_is_asked_for_it(start: Starts, provider: Provider) -> None:
    client = await start()
    centre = client.app[CENTRE]
    found = await centre.read(lambda c: find_person_to_sign_in(c, "manager"))
    assert found is not None
    root, person_id = centre.keys.personal_data, found[0].id
    await centre.write(lambda tx: begin_second_factor(tx, root, person_id))
    await centre.write(lambda tx: tx.run("UPDATE second_factor SET is_on = 1"))
    status, _, page = await sign_in(client, provider)
    assert (status, 'name="pending"' in page) == (200, True)
    assert CODE not in unescape(page)
    assert not await is_signed_in(client)
    form = dict(re.findall(r'name="(form_token|pending)" value="([^"]+)"', page))
    async with client.post("/console/login/code", data={**form, "code": "000000"}) as answer:
        assert answer.status == 401, "this visit's form: only the code is wrong"


# --- the provider lies, or somebody between


@pytest.mark.parametrize(
    "claims",
    [
        pytest.param({"aud": "another"}, id="for another client"),
        pytest.param({"iss": "https://evil.example"}, id="another issuer"),
        pytest.param({"nonce": "x" * 43}, id="another question's"),
        pytest.param({"exp": 1}, id="expired"),
        pytest.param({"preferred_username": "nobody.here"}, id="nobody of the house"),
        pytest.param({"preferred_username": ["manager"]}, id="no login"),
        pytest.param({"preferred_username": "m" * 65}, id="an endless login"),
        pytest.param({"preferred_username": "' OR 1=1 --"}, id="an injection"),
    ],
)
async def test_what_is_not_right_lets_nobody_in_and_makes_nobody(
    start: Starts, provider: Provider, claims: dict[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    client = await start()
    count = "SELECT id FROM person"
    before = await client.app[CENTRE].write(lambda tx: len(tx.rows(count)))
    provider.claims |= claims
    assert (await sign_in(client, provider))[:2] == failed(Why.NOT_LET_IN)
    assert not await is_signed_in(client)
    assert await client.app[CENTRE].write(lambda tx: len(tx.rows(count))) == before
    ours = [str(vars(each)) for each in caplog.records if each.name.startswith("sync_server")]
    assert "oidc_sign_in_failed" in "".join(ours)
    for secret in (CODE, SECRET, provider.asked["nonce"], provider.asked["state"], "eyJ"):
        assert secret not in "".join(ours)


@pytest.mark.parametrize("state", ["left", "cashier"])
async def test_who_left_or_may_not_use_the_console_stays_out(
    start: Starts, provider: Provider, house: HouseOnDisk, state: str
) -> None:
    client = await start()
    who = Person("0123456789abcdef", "chen.jie", "Chen Jie", PersonRole.CASHIER)
    if state == "left":
        who = replace(who, role=PersonRole.MANAGER, state="left")
    venue = client.app[CENTRE].venue_id
    await client.app[CENTRE].write(lambda tx: add_person(tx, venue, who))
    provider.claims["preferred_username"] = "chen.jie"
    assert (await sign_in(client, provider))[:2] == failed(Why.NOT_LET_IN)
    assert len(await deeds(client, house, "sign_in_refused")) == (state == "cashier")


async def test_an_answer_counts_once_in_the_browser_that_had_asked(
    start: Starts, provider: Provider
) -> None:
    client = await start()
    asked = await off_to(client, provider)
    onward = await onward_of(client, asked["state"])
    kept = client.session.cookie_jar.filter_cookies(client.make_url(START))["boxgate_try"].value
    client.session.cookie_jar.clear()
    assert (await get(client, onward))[:2] == failed(Why.EXPIRED), "another browser"
    cookie = {"Cookie": f"boxgate_try={kept}"}
    elsewhere = onward.replace(asked["state"], "A" * 43)
    for path, location in (
        (elsewhere, "/console/login?why=expired"),
        (onward, "/console/"),
        (onward, "/console/login?why=expired"),  # once more
    ):
        async with client.get(path, headers=cookie, allow_redirects=False) as answer:
            assert answer.headers["Location"] == location
    assert provider.calls.count("token") == 1


async def test_new_keys_are_asked_for_now_and_then_and_not_at_every_try(
    start: Starts, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await start()
    provider.keys = []
    assert (await sign_in(client, provider))[:2] == failed(Why.NOT_LET_IN)
    provider.keys = [JWK]
    assert (await sign_in(client, provider))[:2] == failed(Why.NOT_LET_IN)
    assert provider.calls.count("keys") == 1
    monkeypatch.setattr("sync_server.console.oidc_provider.ASKED_AGAIN_AFTER_S", 0)
    assert (await sign_in(client, provider))[:2] == (303, "/console/")


@pytest.mark.parametrize(
    "document",
    [
        pytest.param({"issuer": "https://evil.example"}, id="another's document"),
        pytest.param({"issuer": None}, id="nobody's document"),
        pytest.param({"token_endpoint": "http://evil.example/token"}, id="a secret in the clear"),
        pytest.param({"authorization_endpoint": "javascript:alert(1)"}, id="no address"),
        pytest.param({"authorization_endpoint": "https://a@evil.example/"}, id="a login in it"),
        pytest.param({"jwks_uri": 7}, id="a number"),
    ],
)
async def test_a_document_that_cannot_be_trusted_is_none(
    start: Starts, provider: Provider, document: dict[str, object]
) -> None:
    provider.document = document
    assert (await get(await start(), START))[:2] == failed(Why.AWAY)


async def test_an_endless_document_is_none(start: Starts, provider: Provider) -> None:
    client = await start()
    provider.blanks = ANSWER_BYTES_MAX
    assert (await get(client, START))[:2] == failed(Why.AWAY)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(web.Response(status=400, text='{"error": "invalid_grant"}'), id="an error"),
        pytest.param(web.Response(text="<html>"), id="a page"),
        pytest.param(web.Response(text="[]"), id="a list"),
        pytest.param(web.Response(status=302, headers={"Location": "/keys"}), id="elsewhere"),
    ],
)
async def test_a_code_that_is_not_exchanged_signs_nobody_in(
    start: Starts, provider: Provider, answer: web.Response
) -> None:
    client = await start()
    provider.answer = answer
    assert (await sign_in(client, provider))[:2] == failed(Why.AWAY)


async def test_a_provider_that_is_away_keeps_no_password_from_working(
    start: Starts, house: HouseOnDisk
) -> None:
    client = await start(issuer="http://127.0.0.1:1")
    assert (await get(client, START))[:2] == failed(Why.AWAY)
    _, _, page = await get(client, "/console/login?why=away")
    assert SENTENCES[Why.AWAY] in page
    (token,) = re.findall(r'name="form_token" value="([^"]+)"', page)
    form = {"login": "manager", "password": house.password, "form_token": token}
    async with client.post("/console/login", data=form, allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (303, "/console/")


@pytest.mark.parametrize(
    ("query", "why"),
    [
        pytest.param({"error": "access_denied"}, Why.CANCELLED, id="said no"),
        pytest.param({"code": CODE, "state": "//evil.example"}, Why.EXPIRED, id="no state"),
        pytest.param({"code": "", "state": "A" * 43}, Why.EXPIRED, id="no code"),
        pytest.param({"code": "x" * 2_049, "state": "A" * 43}, Why.EXPIRED, id="endless"),
        pytest.param(
            {"code": CODE, "state": "A" * 43, "iss": "https://evil.example"},
            Why.NOT_LET_IN,
            id="another issuer's answer",
        ),
    ],
)
async def test_who_comes_back_with_anything_else_is_led_to_the_sign_in(
    start: Starts, query: dict[str, str], why: Why
) -> None:
    client = await start()
    async with client.get(f"{START}/back", params=query, allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == failed(why)


async def test_what_the_provider_sends_leads_to_no_other_site(start: Starts) -> None:
    client = await start()
    code = '"><script>x</script>;url=https://evil.example'
    async with client.get(f"{START}/back", params={"code": code, "state": "A" * 43}) as answer:
        page = await answer.text()
    assert "<script>" not in page
    assert page.count("url=") == 1
    assert {each.partition("?")[0] for each in re.findall(r'href="([^"]+)"', page)} == {
        f"{START}/done",
        "/console/static/theme.css",
        "/console/static/console.css",
    }
    _, _, page = await get(client, "/console/login?why=<script>")
    assert "<script>" not in page
    assert "notice" not in page


async def test_tries_from_one_address_are_limited(start: Starts) -> None:
    client = await start()
    limits = client.app[LIMITS]
    limits.sign_in_address._burst = 1
    assert isinstance(limits.sign_in_address, Limit)
    answers = [(await get(client, f"{START}/done?code=x&state=y"))[0] for _ in range(2)]
    assert answers == [303, 429]


# --- settings


async def test_an_email_address_names_somebody_if_it_is_verified(
    start: Starts, provider: Provider
) -> None:
    client = await start(login_claim="email", email_domain="arena.example")
    provider.claims = {"email": "manager@arena.example", "email_verified": False}
    assert (await sign_in(client, provider))[:2] == failed(Why.NOT_LET_IN)
    provider.claims["email_verified"] = True
    assert (await sign_in(client, provider))[:2] == (303, "/console/")


async def test_a_provider_takes_rights_away_and_gives_none(
    start: Starts, provider: Provider
) -> None:
    client = await start(role_claim="groups")
    provider.claims["groups"] = ["admin"]
    assert (await sign_in(client, provider))[:2] == failed(Why.NOT_LET_IN)
    provider.claims["groups"] = ["staff", "manager"]
    assert (await sign_in(client, provider))[:2] == (303, "/console/")


async def test_without_passwords_there_is_only_the_provider(
    start: Starts, provider: Provider, house: HouseOnDisk
) -> None:
    client = await start(passwords=False)
    _, _, page = await get(client, "/console/login")
    assert 'name="password"' not in page
    await get(client, START)  # gives the visit's cookie
    jar = client.session.cookie_jar.filter_cookies(client.make_url("/console/login"))
    token = form_token(client.app[CENTRE].keys.cookie, jar["boxgate_visit"].value)
    form = {"login": "manager", "password": house.password, "form_token": token}
    async with client.post("/console/login", data=form, allow_redirects=False) as answer:
        assert answer.status == 403
    assert (await sign_in(client, provider))[:2] == (303, "/console/")


async def test_without_the_setting_there_is_no_such_page(client: Client) -> None:
    for path in (START, f"{START}/back", f"{START}/done"):
        assert (await get(client, path))[0] == 404
    _, _, page = await get(client, "/console/login")
    assert "provider" not in page


@pytest.mark.parametrize(
    ("content", "mode", "says"),
    [
        pytest.param("s", 0o644, "chmod 600", id="open to others"),
        pytest.param("", 0o600, "must have one line", id="empty"),
        pytest.param("a\nb", 0o600, "must have one line", id="two lines"),
        pytest.param("x" * 1_025, 0o600, "must have one line", id="endless"),
        pytest.param(None, 0o600, "cannot be read", id="not there"),
    ],
)
def test_a_secret_that_is_none_keeps_the_server_from_starting(
    tmp_path: Path, content: str | None, mode: int, says: str
) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_text(content)
        file.chmod(mode)
    settings = OidcSettings("https://a.example", "b", file, "https://c.example")
    with pytest.raises(SettingsError, match=says) as failure:
        settings.read_secret()
    assert not content or content not in str(failure.value) or content == "s"


def test_sentences_are_there_for_every_reason() -> None:
    assert set(SENTENCES) == set(Why)

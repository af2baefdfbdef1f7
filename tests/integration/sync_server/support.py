"""A house on disk, a server in this process, and nodes and people who call it."""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import jwt
from aiohttp.test_utils import TestClient
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sync_server import commands
from sync_server.app import make_app
from sync_server.centre import Centre
from sync_server.handlers.state import CENTRE
from sync_server.services.enrolment import add_code, new_code
from sync_server.services.initialise import NewHouse
from sync_server.services.permissions import NodeRole
from sync_server.settings import Settings
from tests.integration.sync_server.conform import conform
from ticketing.keys import public_of

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
FORM_HEADERS = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True)
class HouseOnDisk:
    """The sample house as `init` leaves it, with what it shows once."""

    settings: Settings
    made: NewHouse

    @property
    def password(self) -> str:
        return self.made.sign_ins[0].password

    def open_centre(self) -> Centre:
        opened = commands.open_house(self.settings)
        assert opened.house is not None
        return Centre(opened.engine, opened.house, opened.keys)


def settings_in(folder: Path, **changes: Any) -> Settings:
    return Settings(data_dir=folder, **changes)


@dataclass
class NodeAtTest:
    """A machine with a key of its own that speaks to the server as a node would."""

    client: TestClient[Any, Any]
    private: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    reply: Mapping[str, Any] = field(default_factory=dict)
    token: str = ""

    @property
    def id(self) -> str:
        return str(self.reply["node_id"])

    def application(self, code: str, **changes: object) -> dict[str, object]:
        return {
            "code_secret": code.replace("-", "")[:16],
            "public_key": public_of(self.private).hex(),
            "machine_id": "test machine",
            "proto": [1],
            "program_version": "0.1.0",
        } | changes

    async def apply(self, code: str, **changes: object) -> aiohttp.ClientResponse:
        return await self.client.post("/v1/enrol", json=self.application(code, **changes))

    async def enrol(self, role: NodeRole, name: str) -> NodeAtTest:
        """With a code from the server's own writer: a command opens the house once more."""
        assert self.client.app is not None
        centre = self.client.app[CENTRE]
        code = new_code(centre.keys.node_public)
        refusal = await centre.write(lambda tx: add_code(tx, code.secret, role, name, 60))
        assert refusal is None, refusal
        async with await self.apply(code.text) as response:
            assert response.status == 200, await response.text()
            self.reply = await response.json()
        return self

    def assertion(self, **changes: object) -> str:
        now_s = int(time.time())
        claims = {
            "iss": self.id,
            "sub": self.id,
            "aud": self.reply["issuer"],
            "jti": secrets.token_hex(16),
            "iat": now_s,
            "exp": now_s + 120,
        } | changes
        kept = {name: value for name, value in claims.items() if value is not None}
        # Not jwt.encode: that one refuses to sign what a wrong node might say.
        key = Ed25519PrivateKey.from_private_bytes(self.private)
        return jwt.api_jws.encode(json.dumps(kept).encode(), key, "EdDSA")

    async def ask_token(self, assertion: str) -> aiohttp.ClientResponse:
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion,
        }
        return await self.client.post("/v1/token", data=urlencode(form), headers=FORM_HEADERS)

    async def sign_in(self) -> NodeAtTest:
        async with await self.ask_token(self.assertion()) as response:
            assert response.status == 200, await response.text()
            self.token = (await response.json())["access_token"]
        return self

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    async def call(self, method: str, path: str, body: object = None) -> tuple[int, dict[str, Any]]:
        async with self.client.request(method, path, headers=self.bearer, json=body) as response:
            return response.status, await response.json()


@dataclass
class PersonAtTest:
    """Somebody at a browser, as far as cookies and forms go."""

    client: TestClient[Any, Any]

    async def form_token(self, path: str) -> str:
        async with self.client.get(path) as response:
            found = re.search(r'name="form_token" value="([^"]+)"', await response.text())
            assert found is not None, f"no form on {path}: {response.status}"
            return found[1]

    async def sign_in(self, login: str, password: str) -> aiohttp.ClientResponse:
        token = await self.form_token("/console/login")
        return await self.post(
            "/console/login", {"login": login, "password": password, "form_token": token}
        )

    async def post(self, path: str, fields: Mapping[str, str]) -> aiohttp.ClientResponse:
        return await self.client.post(
            path, data=urlencode(fields), headers=FORM_HEADERS, allow_redirects=False
        )


StartServer = Callable[..., Any]


def app_of(house: HouseOnDisk, settings: Settings | None = None) -> Any:
    app = make_app(house.open_centre(), settings or house.settings)
    app.middlewares.insert(0, conform)
    return app

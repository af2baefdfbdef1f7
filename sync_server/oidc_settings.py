"""Settings of an OpenID provider by which people sign in to the console."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from program.errors import SettingsError
from program.settings import OutOfRange
from sync_server.services.id_token import WhoIsWho

CALLBACK_PATH = "/console/login/provider/back"
_SECRET_BYTES_MAX = 1_024
_OPEN_TO_OTHERS = 0o077
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_OWN_URL = re.compile(r"https?://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(:[0-9]{1,5})?")
_NAME_CHARS_MAX = 40


@dataclass(frozen=True, slots=True)
class OidcSettings:
    """A provider; without an `issuer` there is none.

    `console_url`: how browsers reach this console, without a path. `name`: what the button calls
    the provider. `passwords`: whether people may sign in by a password as well.
    """

    issuer: str = ""
    client_id: str = ""
    secret_file: Path | None = None
    console_url: str = ""
    name: str = ""
    login_claim: str = "preferred_username"
    email_domain: str = ""
    role_claim: str = ""
    passwords: bool = True

    def check(self) -> None:
        """Refuse what could not work, and what nobody should rely on."""
        if not self.issuer:
            if not self.passwords:
                raise OutOfRange("passwords", "must be true as long as there is no issuer")
            return
        if not is_safe_url(self.issuer) or urlsplit(self.issuer).query:
            raise OutOfRange("issuer", "must be like https://login.example, without a query")
        if not is_safe_url(self.console_url) or not _OWN_URL.fullmatch(self.console_url):
            raise OutOfRange("console_url", "must be like https://tickets.example, without a path")
        if not self.client_id:
            raise OutOfRange("client_id", "must be set too")
        if self.secret_file is None:
            raise OutOfRange("secret_file", "must be set too: the file with the client's secret")
        if not self.login_claim:
            raise OutOfRange("login_claim", "must name the claim that says the login")
        if (self.login_claim == "email") != bool(self.email_domain):
            raise OutOfRange("email_domain", "must be set if login_claim is 'email', and only then")
        if len(self.name) > _NAME_CHARS_MAX or not self.name.isprintable():
            raise OutOfRange("name", f"must have at most {_NAME_CHARS_MAX} characters")

    @property
    def is_on(self) -> bool:
        """Whether there is a provider."""
        return bool(self.issuer)

    @property
    def redirect_uri(self) -> str:
        """Where the provider sends people back to; it has to know this very text."""
        return self.console_url + CALLBACK_PATH

    @property
    def who_is_who(self) -> WhoIsWho:
        """How the provider's claims name people of the house."""
        return WhoIsWho(self.login_claim, self.email_domain, self.role_claim)

    def read_secret(self) -> str:
        """The client's secret. Raises SettingsError; the file must be its owner's alone."""
        assert self.secret_file is not None, "`check` has seen that"
        path = self.secret_file
        try:
            with path.open("rb") as file:
                mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
                content = file.read(_SECRET_BYTES_MAX + 1)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise SettingsError(f"'oidc.secret_file' ({path}) cannot be read: {reason}") from error
        if mode & _OPEN_TO_OTHERS:
            raise SettingsError(
                f"'oidc.secret_file' ({path}) can be read or changed by other users of this "
                f"machine (mode {mode:03o}); run: chmod 600 {path}"
            )
        secret = content.decode(errors="replace").strip()
        if not secret or len(content) > _SECRET_BYTES_MAX or not secret.isprintable():
            raise SettingsError(f"'oidc.secret_file' ({path}) must have one line: the secret")
        return secret


def is_safe_url(url: str) -> bool:
    """Whether what is sent there stays secret: https://, or http:// on this very machine."""
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        return False
    if not host or parts.username or parts.password or parts.fragment or not url.isprintable():
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)

"""A house whose people sign in by a real OpenID provider, each a process of its own.

The provider is at `localhost` and the console at `127.0.0.1`: two sites, as browsers see them.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sync_server import commands
from sync_server.services.initialise import finish
from sync_server.services.sample import Sample
from sync_server.settings import Settings
from tests.bench._house import Process, listening
from tests.demo.programs import free_port

PEOPLE = ({"sub": "1", "preferred_username": "manager"}, {"sub": "2", "preferred_username": "eve"})
_RUNNING = re.compile(r"running on http://127\.0\.0\.1:([0-9]+)")
_LINES_MAX = 100
_TRIES = 3  # somebody else may take the free port between our finding and using it
_SETTINGS = """\
data_dir = "{data_dir}"
[listen]
port = {port}
[oidc]
issuer = "{issuer}"
client_id = "boxgate"
secret_file = "oidc.secret"
console_url = "http://127.0.0.1:{port}"
name = "{name}"
"""


@dataclass(frozen=True)
class ProviderStage:
    """Both, running."""

    server: Process
    issuer: str
    password: str


@contextmanager
def provider_stage(folder: Path, name: str = "Arena account") -> Iterator[ProviderStage]:
    """Make the house and run both."""
    settings = Settings(data_dir=folder / "data")
    made = commands.init(settings, Sample.THEATRE)
    finish(settings)
    secret = folder / "oidc.secret"
    secret.write_text("not a secret\n")
    secret.chmod(0o600)
    with _provider() as issuer, _server(folder, issuer, name) as server:
        yield ProviderStage(server, issuer, made.sign_ins[0].password)


@contextmanager
def _provider() -> Iterator[str]:
    """The issuer of a provider that knows PEOPLE."""
    command = [sys.executable, "-m", "oidc_provider_mock", "--port", "0", "--require-nonce", "true"]
    for each in PEOPLE:
        command += ["--user-claims", json.dumps(each)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        yield f"http://localhost:{_port_of(process)}"
    finally:
        process.terminate()
        try:
            process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def _port_of(process: subprocess.Popen[str]) -> int:
    assert process.stderr is not None
    said = []
    for _ in range(_LINES_MAX):
        said.append(process.stderr.readline())
        if found := _RUNNING.search(said[-1]):
            return int(found[1])
        if not said[-1]:
            break
    raise RuntimeError(f"the provider did not start: {''.join(said)}")


@contextmanager
def _server(folder: Path, issuer: str, name: str) -> Iterator[Process]:
    config, program = folder / "server.toml", Path(sys.executable).with_name("boxgate-server")
    command = [str(program), "serve", "--config", str(config)]
    for tries_left in reversed(range(_TRIES)):
        found = {"data_dir": folder / "data", "port": free_port(), "issuer": issuer, "name": name}
        config.write_text(_SETTINGS.format(**found), encoding="utf-8")
        with ExitStack() as running:
            try:
                server = running.enter_context(listening(command, folder / "server.log"))
            except RuntimeError:
                if not tries_left:
                    raise
                continue
            yield server
            return

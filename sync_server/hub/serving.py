"""`serve --role hub`: the application of a hub, and its two threads that speak with the centre."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from functools import partial

from aiohttp import web

from edge.client import ServerClient
from edge.env import MachineEnv
from edge.errors import EdgeError
from edge.identity import load_identity, load_key
from edge.node import as_program_error, program_version
from sync_server.app import make_app
from sync_server.centre import Centre
from sync_server.hub.api import as_hub
from sync_server.hub.asking import UPSTREAM
from sync_server.hub.joining import CENTRE_URL_KEY
from sync_server.hub.upstream import Upstream
from sync_server.services.house import read_meta
from sync_server.serving import serve
from sync_server.settings import Settings
from sync_server.store.database import read_only


def serve_hub(settings: Settings, announce: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT, as `serving.serve`. Raises ProgramError."""
    serve(settings, announce, make_hub_app, is_hub=True)


def make_hub_app(centre: Centre, settings: Settings) -> web.Application:
    """The application of a hub that has joined. Raises ProgramError."""
    env, version = MachineEnv(), program_version()
    try:
        identity, key = load_identity(settings.data_dir), load_key(settings.data_dir)
    except EdgeError as error:
        raise as_program_error(error) from error
    with read_only(centre.engine).connect() as connection:
        url = settings.centre_url or read_meta(connection)[CENTRE_URL_KEY]
    new_client = partial(ServerClient, url, identity, key, env, version=version)
    upstream = Upstream(centre, identity.node_id, new_client, env, version)
    app = make_app(centre, settings, as_hub(upstream))
    app[UPSTREAM] = upstream
    app.cleanup_ctx.append(_run_upstream)
    return app


async def _run_upstream(app: web.Application) -> AsyncIterator[None]:
    """Begins behind the centre and ends before it."""
    await app[UPSTREAM].start()
    yield
    await app[UPSTREAM].stop()

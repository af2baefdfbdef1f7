"""`serve`: the application on a socket until a signal says stop."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import signal
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from aiohttp import web

from program.errors import ProgramError
from program.exit_codes import ExitCode
from program.logs import get_logger
from sync_server.app import make_app
from sync_server.centre import Centre
from sync_server.commands import NO_VENUE, open_house
from sync_server.settings import ListenSettings, Settings

LOCK_FILE = "serve.lock"
STOP_TIMEOUT_S = 10.0
_log = get_logger(__name__)


def serve(settings: Settings, announce: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; requests under way are answered. Raises ProgramError.

    `announce` gets the address once requests are taken: "http://127.0.0.1:8970".
    """
    tls = _tls(settings.listen)
    opened = open_house(settings)
    if opened.house is None:
        opened.engine.dispose()
        raise ProgramError(NO_VENUE, ExitCode.REFUSED)
    with _only_server(settings.data_dir / LOCK_FILE):
        centre = Centre(opened.engine, opened.house, opened.keys)
        asyncio.run(_serve(make_app(centre, settings), settings.listen, tls, announce))


async def _serve(
    app: web.Application,
    listen: ListenSettings,
    tls: ssl.SSLContext | None,
    announce: Callable[[str], None],
) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=STOP_TIMEOUT_S)
    await runner.setup()
    try:
        await _listen(web.TCPSite(runner, listen.host, listen.port, ssl_context=tls), listen)
        address = _address(runner, listen)
        _log.info("listening", address=address)
        announce(address)
        await stop.wait()
        _log.info("stopping")
    finally:
        await runner.cleanup()


async def _listen(site: web.TCPSite, listen: ListenSettings) -> None:
    try:
        await site.start()
    except OSError as error:
        where = f"{listen.host}, port {listen.port}"
        if error.errno == errno.EADDRINUSE:
            raise ProgramError(f"another program listens at {where}", ExitCode.BUSY) from error
        reason = error.strerror or str(error)
        raise ProgramError(f"cannot listen at {where}: {reason}", ExitCode.SETTINGS) from error


def _address(runner: web.AppRunner, listen: ListenSettings) -> str:
    """The address with the port that was really taken."""
    host, port = runner.addresses[0][:2]
    shown = f"[{host}]" if ":" in host else host
    return f"{'https' if listen.is_tls else 'http'}://{shown}:{port}"


def _tls(listen: ListenSettings) -> ssl.SSLContext | None:
    if listen.tls_certificate is None or listen.tls_key is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(listen.tls_certificate, listen.tls_key)
    except (OSError, ssl.SSLError) as error:
        raise ProgramError(
            f"'listen.tls_certificate' ({listen.tls_certificate}) and 'listen.tls_key' "
            f"({listen.tls_key}) cannot be used: {error.strerror or error}",
            ExitCode.SETTINGS,
        ) from error
    return context


@contextmanager
def _only_server(path: Path) -> Iterator[None]:
    """One server per data folder: the kernel lets go of the lock when the process ends."""
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ProgramError(
                f"another server runs with the data folder {path.parent}", ExitCode.BUSY
            ) from None
        yield

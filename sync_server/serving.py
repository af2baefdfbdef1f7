"""`serve`: the application on a socket until a signal says stop."""

from __future__ import annotations

import asyncio
import errno
import gc
import signal
import ssl
import sys
from collections.abc import Callable

import uvloop
from aiohttp import web

from program.errors import ProgramError
from program.exit_codes import ExitCode
from program.logs import get_logger
from sync_server.app import make_app
from sync_server.centre import Centre
from sync_server.commands import NO_VENUE, OpenHouse, open_house, storage_errors
from sync_server.handlers.state import CENTRE
from sync_server.serve_lock import alone
from sync_server.services.house import HUB_KEY, House, read_meta
from sync_server.services.keys import KeyName
from sync_server.services.witness import check_history, read_witness, witness_of, write_witness
from sync_server.settings import ListenSettings, Settings
from sync_server.store.database import read_only
from sync_server.store.transact import transact

STOP_TIMEOUT_S = 10.0
WITNESS_PERIOD_S = 1.0
SWITCH_INTERVAL_S = 0.002
"""How long a busy thread keeps the interpreter from one that waits for it.

The writer, for which everybody waits, gives it up at every statement and every commit, and may wait
this long to have it back. Beside a thread that is always busy Python's 5 ms cost a batch of 64 sales
2,600 us a sale, and 0.5 ms 1,390; but the shorter it is, the more often two threads that both have
work change places, which costs processor time too. Between 0.5 and 5 ms the load test of sales
shows no difference beyond its noise.
"""
YOUNG_OBJECTS_MAX = 20_000
"""New objects between two looks for garbage. A request makes hundreds, nearly all of which vanish
by themselves; Python's 700 would have a batch interrupted every other request."""
_log = get_logger(__name__)


def serve(
    settings: Settings,
    announce: Callable[[str], None],
    make: Callable[[Centre, Settings], web.Application] = make_app,
    *,
    is_hub: bool = False,
) -> None:
    """Serve until SIGTERM or SIGINT; requests under way are answered. Raises ProgramError.

    `announce` gets the address once requests are taken: "http://127.0.0.1:8970".
    """
    tls = _tls(settings.listen)
    opened = open_house(settings)
    if opened.house is None:
        opened.engine.dispose()
        raise ProgramError(NO_VENUE, ExitCode.REFUSED)
    _refuse_other_role(opened, is_hub=is_hub)
    busy = f"another server runs with the data folder {settings.lock_dir}"
    with alone(settings.lock_dir, busy):
        house = _present_house(opened, opened.house, settings)
        own_url = settings.own_url
        centre = Centre(opened.engine, house, opened.keys, own_url=own_url, sweeps=not is_hub)
        _tune_interpreter()
        uvloop.run(_serve(make(centre, settings), settings, tls, announce))


def _refuse_other_role(opened: OpenHouse, *, is_hub: bool) -> None:
    """A hub's database is no centre's: it has the centre's rows under revisions of its own."""
    with read_only(opened.engine).connect() as connection:
        was_joined = HUB_KEY in read_meta(connection)
    if was_joined == is_hub:
        return
    opened.engine.dispose()
    sentence = (
        "this is a hub's data folder: run 'boxgate-server serve --role hub'"
        if was_joined
        else "this is not a hub's data folder: run 'boxgate-server join' first, with a new one"
    )
    raise ProgramError(sentence, ExitCode.REFUSED)


def _present_house(opened: OpenHouse, house: House, settings: Settings) -> House:
    """The house in its present history: a new one when the database has lost something."""
    name = opened.keys.fingerprints()[KeyName.NODE]
    witness = read_witness(settings.witness_file)
    with storage_errors():
        made = transact(opened.engine, lambda tx: check_history(tx, name, witness))
    return house if made is None else House(house.venue_id, made)


async def _keep_witness(centre: Centre, settings: Settings) -> None:
    """Note how far the database has come, every second in which it went on."""
    house = centre.keys.fingerprints()[KeyName.NODE]
    noted = None
    while True:
        try:
            found = await centre.read(lambda connection: witness_of(connection, house))
            if found != noted:
                await asyncio.to_thread(write_witness, settings.witness_file, found)
                noted = found
        except Exception as error:  # noqa: BLE001 - the server goes on; the log says what is wrong
            _log.error("witness_not_written", error=type(error).__name__, reason=str(error))
        await asyncio.sleep(WITNESS_PERIOD_S)


def _tune_interpreter() -> None:
    """For a process with one busy event loop and one busy writer."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    gc.set_threshold(YOUNG_OBJECTS_MAX)
    gc.freeze()  # modules and routes stay for ever: no need to look at them again


async def _serve(
    app: web.Application,
    settings: Settings,
    tls: ssl.SSLContext | None,
    announce: Callable[[str], None],
) -> None:
    listen = settings.listen
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=STOP_TIMEOUT_S)
    await runner.setup()
    try:
        await _listen(web.TCPSite(runner, listen.host, listen.port, ssl_context=tls), listen)
        address = _address(runner, listen)
        ownership = app[CENTRE].ownership
        if not ownership.own_url:
            ownership.name(address)
        _log.info("listening", address=address)
        announce(address)
        keeper = asyncio.create_task(_keep_witness(app[CENTRE], settings), name="keep witness")
        await stop.wait()
        _log.info("stopping")
        keeper.cancel()
        await asyncio.gather(keeper, return_exceptions=True)
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

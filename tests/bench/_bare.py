"""The yardstick: an aiohttp handler that reads the body and answers the same few bytes.

`python -m tests.bench._bare`; on the same event loop as `boxgate-server serve`.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvloop
from aiohttp import web

from tests.bench._house import Process, listening

# As long as the answer to a push of one sale.
_ANSWER = b'{"acked":1000,"hash":"' + b"0" * 64 + b'","verdicts":[[1000,"ok","",1000000]]}'


@contextmanager
def bare_server(folder: Path) -> Iterator[Process]:
    """The yardstick in a process of its own."""
    with listening([sys.executable, "-m", "tests.bench._bare"], folder / "bare.log") as process:
        yield process


async def _push(request: web.Request) -> web.Response:
    await request.read()
    return web.Response(body=_ANSWER, content_type="application/json")


async def _serve() -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    app = web.Application(client_max_size=2**20)
    app.router.add_post("/v1/e/{stream}/push", _push)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(f"listening on http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await stop.wait()
    await runner.cleanup()


if __name__ == "__main__":
    uvloop.run(_serve())

"""What stands in the place of clocks, threads, paper and signatures while a world runs."""

from __future__ import annotations

import functools
import importlib
import json
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest import mock

from sync_server.heart import lending
from tests.simulation.house import fake_is_signed, fake_public, fake_sign
from tests.simulation.nodes import SimThreads
from tests.simulation.server import SimAsyncio, acting, who_acts
from tests.simulation.verdicts import Defect

if TYPE_CHECKING:
    from tests.simulation.world import World

_OURS = ("edge.", "gate_agent.", "pos_app.services.", "sync_server.", "program.")
_parsed: dict[str, Any] = {}


class _Log:
    """Nothing is logged, but a bug that the program would only log is not hidden."""

    def debug(self, _event: str, **_fields: object) -> None:
        """Nothing."""

    info = warning = debug

    def error(self, event: str, **_fields: object) -> None:
        """What the server says when a statement of its own made no sense."""
        if event in ("database_failed", "commit_failed"):
            raise Defect(event) from sys.exc_info()[1]

    def exception(self, event: str, **_fields: object) -> None:
        """The program would have gone on; here it is found out."""
        raise Defect(event) from sys.exc_info()[1]


class _NoThread:
    """Never begins: what it would wait for is not there."""

    def __init__(self, **_options: object) -> None:
        """Takes what a thread takes."""

    def start(self) -> None:
        """Nothing to do."""

    def is_alive(self) -> bool:
        """Never."""
        return False


class _NoDevices:
    """`threading` for the devices of a till, which has none here: no real thread outlives a world."""

    Event = threading.Event
    Thread = _NoThread


@contextmanager
def patched(world: World) -> Iterator[None]:
    """Everything that is not ours to run for real, for as long as this lasts."""
    with ExitStack() as stack:
        stack.enter_context(acting(None))

        def put(module: str, **names: object) -> None:
            target = importlib.import_module(module)
            for name, value in names.items():
                stack.enter_context(mock.patch.object(target, name, value))

        for name, module in list(sys.modules.items()):
            if name.startswith(_OURS) and hasattr(module, "_log"):
                stack.enter_context(mock.patch.object(module, "_log", _Log()))
        put("ticketing.code", sign=fake_sign, is_signed=fake_is_signed)
        put("edge.admission_facts", is_signed=fake_is_signed)
        put("sync_server.services.enrolment", sign=fake_sign, public_of=fake_public)
        put("edge.sync", threading=SimThreads(world), WAIT_S=20.0, HELLO_PERIOD_S=40.0)
        put("edge.catalogue", parse_event_document=_parse_once("edge.catalogue"))
        put("sync_server.services.catalogue", parse_event_document=_parse_once("server"))
        put("sync_server.services.feed", text=_plain)
        put("sync_server.services.generations", new_generation=world.breakage.mint)
        put("sync_server.store.writer", text=_plain, time=_clock(world))
        put("pos_app.services.window", STOCK_UNITS=world.mix.stock_units)
        put("pos_app.services.devices", threading=_NoDevices)
        put(
            "pos_app.services.printing",
            render_tickets=_on_paper,
            format_datetime=_words,
            format_time=_words,
            format_money=_words,
            labels_of=_words,
        )
        put("sync_server.centre", asyncio=SimAsyncio(world))
        put("sync_server.handlers.pulls", asyncio=SimAsyncio(world))
        centre = importlib.import_module("sync_server.centre")
        stack.enter_context(
            mock.patch.object(
                centre.Centre, "now_ms", staticmethod(lambda: who_acts(world).now_ms())
            )
        )
        stack.enter_context(world.replaced())
        if world.mix.hard_s:
            put("sync_server.handlers.node_api", lending=_Lending(world))
        yield


class _Lending:
    """The module, lending on this house's terms."""

    def __init__(self, world: World) -> None:
        self.Lend = functools.partial(lending.Lend, policy=world.breakage.policy)

    def __getattr__(self, name: str) -> Any:
        return getattr(lending, name)


def _clock(world: World) -> Any:
    return SimpleNamespace(time_ns=lambda: who_acts(world).now_ms() * 1_000_000)


def _plain(sql: str) -> str:
    return sql


def _words(*_values: object, **_options: object) -> str:
    return ""


def _on_paper(faces: Sequence[Any], _labels: object, **_options: object) -> bytes:
    return json.dumps([face.code for face in faces]).encode()


def _parse_once(_who: str) -> Callable[..., Any]:
    from ticketing.catalogue import parse_event_document

    real = _REAL.setdefault("parse", parse_event_document)

    def parse(document: Any, *, source: str) -> Any:
        key = json.dumps(document, sort_keys=True)
        if key not in _parsed:
            if len(_parsed) > 64:
                _parsed.clear()
            _parsed[key] = real(document, source=source)
        return _parsed[key]

    return parse


_REAL: dict[str, Any] = {}

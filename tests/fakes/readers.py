"""Readers that run in a test, and are stopped by its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TypeAlias

from hardware.reader import ReaderState, Seen, SupervisedReader, make_source
from tests.fakes.waiting import PATIENCE_S, until

Running: TypeAlias = Callable[[str], SupervisedReader]


@contextmanager
def running_readers() -> Iterator[Running]:
    """Makes readers of addresses that are live, quick to try again, and stopped at the end."""
    with ExitStack() as stack:

        def run(address: str) -> SupervisedReader:
            reader = SupervisedReader(make_source(address), retry_delays_s=(0.01,))
            stack.callback(_stop, reader)
            reader.start()
            until(lambda: reader.health.state is ReaderState.LIVE)
            return reader

        yield run


def next_of(reader: SupervisedReader) -> Seen:
    """What it sees next; fails when it sees nothing."""
    seen = reader.next_seen(PATIENCE_S)
    assert seen is not None, reader.health
    return seen


def _stop(reader: SupervisedReader) -> None:
    assert reader.stop(PATIENCE_S)

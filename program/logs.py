"""Structured logs: one JSON object a line on stderr, or a readable line where a person watches.

Usage: `log = get_logger(__name__)`, then `log.info("push_acked", event_id=event_id, acked=50)`.
The event is a constant word with underscores, everything that varies is a field. Ids, never
names, numbers of people, codes or keys; fields whose name says "secret" are hidden whatever they
hold (see `program.redaction`). Records of other libraries come out in the same form.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
import traceback
from collections.abc import Mapping
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import TextIO

from program.redaction import redact

_FIELDS = "boxgate_fields"
_NOTHING: Mapping[str, object] = MappingProxyType({})

# These log every request at INFO, some with the whole address: too much, and not ours to judge.
_NOISY = ("aiohttp.access", "asyncio", "httpcore", "httpx", "pymodbus")


class Log:
    """A logger whose records are an event and fields. Cheap when its level is off."""

    def __init__(self, logger: logging.Logger, bound: Mapping[str, object] = _NOTHING) -> None:
        self._logger = logger
        self._bound = bound

    def bind(self, **fields: object) -> Log:
        """A logger that adds these fields to every record, for example `node_id`."""
        return Log(self._logger, {**self._bound, **fields})

    @property
    def shows_debug(self) -> bool:
        """Whether `debug` writes anything: asked before fields are gathered that cost something."""
        return self._logger.isEnabledFor(logging.DEBUG)

    def debug(self, event: str, /, **fields: object) -> None:
        """For whoever hunts a bug."""
        self._emit(logging.DEBUG, event, fields)

    def info(self, event: str, /, **fields: object) -> None:
        """Something happened as it should."""
        self._emit(logging.INFO, event, fields)

    def warning(self, event: str, /, **fields: object) -> None:
        """Something is not as it should be, and the program copes."""
        self._emit(logging.WARNING, event, fields)

    def error(self, event: str, /, **fields: object) -> None:
        """Something needs a person."""
        self._emit(logging.ERROR, event, fields)

    def exception(self, event: str, /, **fields: object) -> None:
        """An error with the traceback of the exception being handled."""
        self._emit(logging.ERROR, event, fields, with_traceback=True)

    def _emit(
        self, level: int, event: str, fields: Mapping[str, object], *, with_traceback: bool = False
    ) -> None:
        if self._logger.isEnabledFor(level):
            extra = {_FIELDS: {**self._bound, **fields}}
            # stacklevel: the caller of debug(), info(), ... is who logged this.
            self._logger.log(level, event, extra=extra, exc_info=with_traceback, stacklevel=3)


def get_logger(name: str) -> Log:
    """The logger of a module; call it with `__name__`."""
    return Log(logging.getLogger(name))


def configure_logging(
    *, level: str = "INFO", stream: TextIO | None = None, human: bool | None = None
) -> None:
    """Send all records, and Python's warnings, to `stream` (stderr) in our form.

    `human` picks readable lines instead of JSON; by default they are for a terminal. Calling it
    again replaces what the last call set up and leaves other handlers alone.
    """
    stream = stream if stream is not None else sys.stderr
    human = stream.isatty() if human is None else human
    handler = _Handler(stream)
    handler.setFormatter(HumanFormatter() if human else JsonFormatter())
    root = logging.getLogger()
    for old in [each for each in root.handlers if isinstance(each, _Handler)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level)
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)


def log_thread_crashes() -> None:
    """Log an exception that ends a thread, instead of printing it past the log."""
    log = logging.getLogger("program.threads")

    def crashed(args: threading.ExceptHookArgs) -> None:
        if args.exc_type is SystemExit or args.exc_value is None:
            return
        fields = {"thread": args.thread.name if args.thread else None}
        log.error("thread_crashed", exc_info=args.exc_value, extra={_FIELDS: fields})

    threading.excepthook = crashed


class _Handler(logging.StreamHandler[TextIO]):
    """Ours, so that a second `configure_logging` knows what to replace."""


class JsonFormatter(logging.Formatter):
    """`{"time", "level", "logger", "event", ...fields, "traceback"}` on one line, in UTC.

    A field named like one of ours gets an underscore behind it.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line of JSON."""
        line: dict[str, object] = {
            "time": _utc(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        for name, value in _fields(record).items():
            line[f"{name}_" if name in line or name == "traceback" else name] = value
        trace = _traceback(record)
        if trace:
            line["traceback"] = trace
        return json.dumps(line, ensure_ascii=False, default=_plain)


class HumanFormatter(logging.Formatter):
    """`19:30:05.123Z info    edge.pusher  push_acked  acked=50`, the traceback below it."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line, with its traceback on the lines below."""
        fields = " ".join(f"{name}={_readable(value)}" for name, value in _fields(record).items())
        time_of_day = _utc(record).partition("T")[2]
        event = _one_line(record.getMessage())
        line = f"{time_of_day} {record.levelname.lower():<7} {record.name}  {event}  {fields}"
        trace = _traceback(record)
        return f"{line.rstrip()}\n{trace}" if trace else line.rstrip()


def _fields(record: logging.LogRecord) -> Mapping[str, object]:
    fields = redact(getattr(record, _FIELDS, _NOTHING))
    return fields if isinstance(fields, Mapping) else _NOTHING


def _traceback(record: logging.LogRecord) -> str:
    if not record.exc_info or record.exc_info[1] is None:
        return ""
    return "".join(traceback.format_exception(record.exc_info[1])).rstrip()


def _utc(record: logging.LogRecord) -> str:
    at = datetime.fromtimestamp(record.created, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _plain(value: object) -> object:
    """What JSON cannot say, as text."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, bytes | bytearray):
        return bytes(value).hex()
    if isinstance(value, set | frozenset):
        return sorted(value, key=str)
    return str(value)


def _readable(value: object) -> str:
    if isinstance(value, str):
        return value if value.isprintable() and value and " " not in value else json.dumps(value)
    return json.dumps(value, ensure_ascii=False, default=_plain)


def _one_line(text: str) -> str:
    """Text of another library with its line breaks and control characters made visible."""
    return text if text.isprintable() else text.encode("unicode_escape").decode()

"""Logs: one line a record, in UTC, without secrets."""

from __future__ import annotations

import io
import json
import logging
import threading
import warnings
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from program.logs import Log, configure_logging, get_logger, log_thread_crashes
from program.redaction import HIDDEN, is_secret, redact


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    """Put back what configure_logging changes besides the root logger's handlers."""
    hook = threading.excepthook
    yield
    logging.captureWarnings(capture=False)
    threading.excepthook = hook


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def lines(stream: io.StringIO) -> Callable[[], list[dict[str, Any]]]:
    configure_logging(level="DEBUG", stream=stream, human=False)
    return lambda: [json.loads(line) for line in stream.getvalue().splitlines()]


Lines = Callable[[], list[dict[str, Any]]]


def test_a_record_is_one_line_of_json_with_its_event_and_fields(lines: Lines) -> None:
    get_logger("edge.pusher").info("push_acked", event_id="e1", acked=50)
    (line,) = lines()
    at = datetime.fromisoformat(line.pop("time"))
    assert at.tzinfo is UTC
    assert line == {
        "level": "info",
        "logger": "edge.pusher",
        "event": "push_acked",
        "event_id": "e1",
        "acked": 50,
    }


@pytest.mark.expected_errors("boom")
def test_every_level_has_its_name(lines: Lines) -> None:
    log = get_logger("x")
    for emit in (log.debug, log.info, log.warning, log.error):
        emit("boom")
    assert [line["level"] for line in lines()] == ["debug", "info", "warning", "error"]


def test_bound_fields_come_with_every_record_and_do_not_leak(lines: Lines) -> None:
    log = get_logger("x")
    bound = log.bind(node_id="n1")
    bound.info("a", node_id="n2", lane="north")
    bound.info("b")
    log.info("c")
    assert [line.get("node_id") for line in lines()] == ["n2", "n1", None]


def test_nothing_is_written_below_the_level(stream: io.StringIO) -> None:
    configure_logging(level="WARNING", stream=stream, human=False)
    get_logger("x").info("quiet")
    assert stream.getvalue() == ""


def test_a_percent_sign_in_an_event_is_just_that(lines: Lines) -> None:
    get_logger("x").info("disk_100%_full")
    assert lines()[0]["event"] == "disk_100%_full"


def test_records_of_other_libraries_come_out_in_the_same_form(lines: Lines) -> None:
    logging.getLogger("sqlalchemy.pool").warning("pool of %d is full\nreally", 5)
    (line,) = lines()
    assert line["event"] == "pool of 5 is full\nreally"
    assert line["logger"] == "sqlalchemy.pool"


def test_libraries_that_log_every_request_are_quiet(lines: Lines) -> None:
    logging.getLogger("httpx").info("GET http://localhost/?code=ABC")
    assert lines() == []


def test_python_warnings_go_to_the_log(stream: io.StringIO) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        configure_logging(stream=stream, human=False)
        warnings.warn("old thing", DeprecationWarning, stacklevel=1)
    assert "old thing" in json.loads(stream.getvalue())["event"]


@pytest.mark.expected_errors("lane_died")
def test_an_exception_brings_its_traceback(lines: Lines) -> None:
    try:
        int("no lane")
    except ValueError:
        get_logger("x").exception("lane_died")
    (line,) = lines()
    assert line["level"] == "error"
    assert line["traceback"].startswith("Traceback")
    assert line["traceback"].endswith(
        "ValueError: invalid literal for int() with base 10: 'no lane'"
    )


@pytest.mark.expected_errors("thread_crashed")
def test_a_crashed_thread_is_logged_with_its_name(lines: Lines) -> None:
    log_thread_crashes()
    thread = threading.Thread(target={}.__getitem__, args=("gone",), name="pusher")
    thread.start()
    thread.join()
    (line,) = lines()
    assert line["event"] == "thread_crashed"
    assert line["thread"] == "pusher"
    assert "KeyError: 'gone'" in line["traceback"]


def test_a_thread_that_exits_on_purpose_is_no_crash(lines: Lines) -> None:
    log_thread_crashes()
    thread = threading.Thread(target=exit)
    thread.start()
    thread.join()
    assert lines() == []


def test_secrets_are_hidden_however_deep_they_lie(lines: Lines) -> None:
    request = {"headers": [{"Authorization": "Bearer x"}], "pin": "123456"}
    get_logger("x").info("asked", token="abc", exit_code=3, request=request)
    text = json.dumps(lines())
    assert "abc" not in text
    assert "Bearer" not in text
    assert "123456" not in text
    assert lines()[0]["exit_code"] == 3


def test_values_json_does_not_know_become_text(lines: Lines) -> None:
    get_logger("x").info(
        "odd",
        at=datetime(2026, 11, 22, 19, 30, tzinfo=UTC),
        on=date(2026, 11, 22),
        path=Path("/data"),
        raw=b"\x01\x02",
        units={3, 1},
        pair=(1, 2),
    )
    line = lines()[0]
    assert line["at"] == "2026-11-22T19:30:00+00:00"
    assert line["on"] == "2026-11-22"
    assert line["path"] == "/data"
    assert line["raw"] == "0102"
    assert line["units"] == [1, 3]
    assert line["pair"] == [1, 2]


def test_a_field_cannot_pretend_to_be_the_record(lines: Lines) -> None:
    get_logger("x").info("real", event="forged", level="critical", traceback="none")
    (line,) = lines()
    assert line["event"] == "real"
    assert line["event_"] == "forged"
    assert line["level"] == "info"
    assert line["traceback_"] == "none"


def test_configuring_twice_writes_each_record_once(stream: io.StringIO) -> None:
    other = logging.NullHandler()
    logging.getLogger().addHandler(other)
    first = io.StringIO()
    configure_logging(stream=first, human=False)
    configure_logging(stream=stream, human=False)
    get_logger("x").info("once")
    assert first.getvalue() == ""
    assert len(stream.getvalue().splitlines()) == 1
    assert other in logging.getLogger().handlers


def test_the_caller_is_who_logged_it(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        Log(logging.getLogger("x")).info("here")
    assert caplog.records[0].funcName == "test_the_caller_is_who_logged_it"


class TestHuman:
    """The readable form, for a terminal."""

    def test_a_record_is_one_readable_line(self, stream: io.StringIO) -> None:
        configure_logging(stream=stream, human=True)
        get_logger("edge.pusher").info("push_acked", acked=50, note="two words", empty="")
        time_of_day, rest = stream.getvalue().split(" ", 1)
        assert time_of_day.endswith("Z")
        assert rest == 'info    edge.pusher  push_acked  acked=50 note="two words" empty=""\n'

    def test_no_text_can_forge_a_second_line(self, stream: io.StringIO) -> None:
        configure_logging(stream=stream, human=True)
        get_logger("x").info("a\nb", name="c\nd")
        assert len(stream.getvalue().splitlines()) == 1

    @pytest.mark.expected_errors("bad")
    def test_the_traceback_stands_below(self, stream: io.StringIO) -> None:
        configure_logging(stream=stream, human=True)
        try:
            int("no")
        except ValueError:
            get_logger("x").exception("bad")
        assert stream.getvalue().splitlines()[-1].startswith("ValueError: ")

    def test_a_terminal_gets_it_by_itself_and_a_file_does_not(self) -> None:
        class Terminal(io.StringIO):
            def isatty(self) -> bool:
                return True

        terminal, plain = Terminal(), io.StringIO()
        for stream in (terminal, plain):
            configure_logging(stream=stream)
            get_logger("x").info("hello")
        assert not terminal.getvalue().startswith("{")
        assert plain.getvalue().startswith("{")

    def test_stderr_is_where_logs_go(self, capsys: pytest.CaptureFixture[str]) -> None:
        configure_logging()
        get_logger("x").info("hello")
        captured = capsys.readouterr()
        assert "hello" in captured.err
        assert captured.out == ""


@pytest.mark.parametrize(
    "name",
    ["password", "PIN", "access_token", "code", "enrol_code", "client-secret", "password_hash"],
)
def test_names_of_secrets(name: str) -> None:
    assert is_secret(name)


@pytest.mark.parametrize(
    "name", ["exit_code", "reason_code", "token_count", "opinion", "key_id", "unpinned", "codes_ok"]
)
def test_names_that_only_sound_secret(name: str) -> None:
    assert not is_secret(name)


def test_redaction_leaves_the_original_alone() -> None:
    original: dict[str, object] = {"pin": "1", "rows": [{"token": "t", "id": 5}]}
    assert redact(original) == {"pin": HIDDEN, "rows": [{"token": HIDDEN, "id": 5}]}
    assert original["pin"] == "1"

"""The outermost layer of a program: how it ends, and what it says then."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import textwrap
import threading
import zoneinfo
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path

import pytest

from program.cli import _has_reader, main_wrapper, new_parser, stop_event_on_signals, version_text
from program.errors import ProgramError, SettingsError
from program.exit_codes import ExitCode


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    hook = threading.excepthook
    handlers = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    zones = zoneinfo.TZPATH
    yield
    zoneinfo.reset_tzpath(to=zones)
    threading.excepthook = hook
    for number, handler in handlers.items():
        signal.signal(number, handler)


def _ends_with(error: BaseException | None) -> int:
    def run(_argv: Sequence[str]) -> int:
        if error is not None:
            raise error
        return ExitCode.OK

    return main_wrapper(run, [], program="boxgate-gate")


def test_a_program_gets_its_arguments_and_gives_its_code() -> None:
    seen: list[str] = []

    def run(argv: Sequence[str]) -> int:
        seen.extend(argv)
        return ExitCode.ALREADY

    assert main_wrapper(run, ["serve", "--port", "1"], program="boxgate-server") == 7
    assert seen == ["serve", "--port", "1"]


def test_a_program_takes_its_time_zones_from_the_pinned_data() -> None:
    seen: list[tuple[str, ...]] = []

    def run(_argv: Sequence[str]) -> int:
        seen.append(zoneinfo.TZPATH)
        zoneinfo.ZoneInfo.no_cache("Asia/Shanghai")
        return ExitCode.OK

    main_wrapper(run, [], program="boxgate-gate")
    assert seen == [()]


def test_without_arguments_it_takes_those_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["boxgate-pos", "--config", "x"])
    assert main_wrapper(len, program="boxgate-pos") == 2


@pytest.mark.parametrize(
    ("error", "code"),
    [
        pytest.param(ProgramError("The code has expired.", ExitCode.REFUSED), 6, id="refused"),
        pytest.param(SettingsError("The code has expired."), 3, id="settings"),
    ],
)
def test_a_known_error_is_one_sentence_and_its_code(
    error: ProgramError, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _ends_with(error) == code
    captured = capsys.readouterr()
    assert captured.err == "boxgate-gate: The code has expired.\n"
    assert captured.out == ""


@pytest.mark.expected_errors("program_crashed")
@pytest.mark.parametrize("error", [ZeroDivisionError("oops"), BrokenPipeError("oops")])
def test_a_bug_is_logged_with_its_traceback_and_ends_with_1(
    error: Exception, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    assert _ends_with(error) == 1
    said = capsys.readouterr().err.splitlines()[-1]
    assert said == f"boxgate-gate: stopped by a defect: {type(error).__name__}: oops"
    assert caplog.records[0].exc_info is not None


def test_ctrl_c_is_no_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert _ends_with(KeyboardInterrupt()) == 130
    assert capsys.readouterr().err == ""


def test_a_reader_that_goes_away_is_no_defect() -> None:
    program = textwrap.dedent("""
        import sys
        from program.cli import _has_reader, main_wrapper

        def run(argv):
            while True:
                print("x" * 1000)

        sys.exit(main_wrapper(run, [], program="boxgate-gate"))
    """)
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr is not None
    said = process.stderr.read()
    process.stderr.close()
    assert process.wait(30) == 141
    assert said == ""


def test_output_that_is_no_file_counts_as_read() -> None:
    assert _has_reader(io.StringIO())


def test_a_file_counts_as_read(tmp_path: Path) -> None:
    with (tmp_path / "output").open("w") as output:
        assert _has_reader(output)


def test_help_ends_with_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    parser = new_parser("boxgate-gate", "Reads tickets at a gate.")
    with pytest.raises(SystemExit) as caught:
        parser.parse_args(["--help"])
    assert caught.value.code == 0
    text = capsys.readouterr().out
    assert "Reads tickets at a gate." in text
    assert f"141  {ExitCode.PIPE_CLOSED.meaning}" in text


def test_options_may_not_be_shortened() -> None:
    parser = new_parser("boxgate-gate", "Reads tickets at a gate.")
    with pytest.raises(SystemExit) as caught:
        parser.parse_args(["--vers"])
    assert caught.value.code == ExitCode.USAGE


def test_the_version_is_the_installed_one(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        new_parser("boxgate-pos", "Sells.").parse_args(["--version"])
    assert capsys.readouterr().out == f"boxgate-pos {metadata.version('boxgate')}\n"


def test_a_program_that_is_not_installed_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", missing)
    assert version_text("boxgate-pos") == "boxgate-pos (not installed: the version is unknown)"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_sets_the_stop_event(number: signal.Signals) -> None:
    stop = stop_event_on_signals()
    assert not stop.is_set()
    os.kill(os.getpid(), number)
    assert stop.wait(30)


def test_a_second_ctrl_c_interrupts_at_once() -> None:
    stop = stop_event_on_signals()
    os.kill(os.getpid(), signal.SIGINT)
    assert stop.wait(30)
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_a_second_sigterm_changes_nothing() -> None:
    stop = stop_event_on_signals()
    os.kill(os.getpid(), signal.SIGTERM)
    assert stop.wait(30)
    signal.raise_signal(signal.SIGTERM)


def test_a_signal_inside_the_event_itself_does_not_block_for_ever() -> None:
    stop = stop_event_on_signals()
    # What the main thread holds for a moment at the start and the end of every stop.wait().
    with stop._cond:  # type: ignore[attr-defined]
        signal.raise_signal(signal.SIGTERM)
    assert stop.wait(30)

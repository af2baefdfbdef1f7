"""The first run through real widgets, with a server on loopback and files on disk."""

from __future__ import annotations

import base64
import tomllib
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QLineEdit, QWidget

from edge.identity import is_enrolled
from pos_app import __main__ as program
from pos_app.presenters import language
from pos_app.presenters.first_run import FirstRunPresenter, Step
from pos_app.presenters.first_run_words import step_hint, step_title, trouble_words
from pos_app.services.first_run import FirstRun, PrinterChoice, PrinterKind, Trouble
from pos_app.services.trial_papers import TRIAL_CODE
from pos_app.settings import TillSettings
from pos_app.ui import first_run as first_run_window
from pos_app.ui.first_run_view import FirstRunView
from program.exit_codes import ExitCode
from program.settings import load_settings
from tests.fakes.edge_node import NODE, SERVER_KEY, VENUE, an_identity
from tests.fakes.runner import run_now
from tests.fakes.server import Call, FakeServer, Say, problem
from tests.gui.robot import click, find, press, text_of, turn_loop
from ticketing.keys import fingerprint, node_key_message, public_of, sign

CODE = "ABCDEFGHIJKLMNOP" + base64.b32encode(fingerprint(public_of(SERVER_KEY))).decode()
NOBODY = "http://127.0.0.1:9"


class House(FakeServer):
    """Says whose server it is, and enrols."""

    about: object = None

    def _honest(self, call: Call) -> Say:
        if call.name == "about":
            told = {
                "program": "boxgate",
                "proto": 1,
                "venue": VENUE,
                "names": {"en": "Seaview", "zh": "海韵"},
            }
            return Say(told) if self.about is None else self.about  # type: ignore[return-value]
        if call.name != "enrol":
            return super()._honest(call)
        if call.body["code_secret"] != CODE[:16]:
            return problem(404, "enrolment_code_wrong")
        public = bytes.fromhex(call.body["public_key"])
        signature = sign(SERVER_KEY, node_key_message(NODE, "till", public))
        return Say({**asdict(an_identity()), "key_signature": signature.hex()})


@pytest.fixture
def server() -> Iterator[House]:
    with House(NODE, VENUE) as server:
        assert isinstance(server, House)
        yield server


@pytest.fixture
def view(tmp_path: Path) -> Iterator[FirstRunView]:
    services = FirstRun(tmp_path / "till", tmp_path / "till.toml")
    printer = PrinterChoice(PrinterKind.FOLDER, str(tmp_path / "tickets"))
    made = FirstRunView(FirstRunPresenter(services, run_now, url=NOBODY, printer=printer))
    made.resize(1366, 768)
    made.show()
    made.activateWindow()
    QTest.qWaitForWindowActive(made)
    yield made
    made.close()
    made.deleteLater()


def write(view: QWidget, name: str, text: str) -> None:
    """Type into a field, in place of what is there."""
    field = find(view, name)
    assert isinstance(field, QLineEdit)
    field.clear()
    QTest.keyClicks(field, text)


def to_the_code(view: FirstRunView, server: House) -> None:
    click(view, "first_run_next")
    write(view, "server_address", server.url)
    click(view, "look_for_server")
    click(view, "first_run_next")


def to_the_printer(view: FirstRunView, server: House) -> None:
    to_the_code(view, server)
    write(view, "enrolment_code", CODE)
    click(view, "enrol_machine")


def test_from_nothing_to_a_till(view: FirstRunView, server: House, tmp_path: Path) -> None:
    (tmp_path / "till.toml").write_text("# ours\n[screen]\ntheme = 'dark'\n")
    to_the_printer(view, server)
    assert is_enrolled(tmp_path / "till")
    click(view, "try_printer")
    assert "Written to" in text_of(view, "first_run_message")
    ticket = (tmp_path / "tickets" / "first-run-test.pdf").read_bytes()
    assert b"/MediaBox [ 0 0 425" in ticket, "150 mm, as every ticket"
    click(view, "first_run_next")
    write(view, "scanned", "BXG1SOMETHING")
    press(Qt.Key.Key_Return)
    assert "BXG1SOMETHING" in text_of(view, "first_run_message")
    write(view, "scanned", TRIAL_CODE.lower())  # with Caps Lock the other way round
    press(Qt.Key.Key_Return)
    assert text_of(view, "first_run_message").startswith("The test ticket was read whole")
    click(view, "first_run_next")
    assert text_of(view, "first_run_title") == "Ready"
    click(view, "first_run_next")
    assert not view.isVisible()
    text = (tmp_path / "till.toml").read_text()
    assert text.startswith("# ours")
    assert tomllib.loads(text)["screen"] == {"theme": "dark", "language": "en"}
    settings = load_settings(TillSettings, tmp_path / "till.toml")
    assert settings.server_url == server.url
    assert settings.data_dir == tmp_path / "till"
    assert settings.printer.folder == tmp_path / "tickets"


def test_the_house_is_named_before_anything_is_sent(view: FirstRunView, server: House) -> None:
    click(view, "first_run_next")
    assert not find(view, "first_run_next").isEnabled()
    write(view, "server_address", server.url)
    press(Qt.Key.Key_Return)
    assert text_of(view, "first_run_message") == "Found: the server of Seaview"
    assert find(view, "first_run_next").isEnabled()
    assert server.called("enrol") == []


@pytest.mark.parametrize(
    ("address", "words"),
    [
        pytest.param("server", "That is no address", id="no scheme"),
        pytest.param(NOBODY, "Nothing answers there", id="nobody"),
        pytest.param("http://", "That is no address", id="no host"),
    ],
)
def test_an_address_that_is_wrong_is_explained(
    view: FirstRunView, address: str, words: str
) -> None:
    click(view, "first_run_next")
    write(view, "server_address", address)
    click(view, "look_for_server")
    assert words in text_of(view, "first_run_message")
    assert not find(view, "first_run_next").isEnabled()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        pytest.param(Say({"hello": "world"}), "no Boxgate server", id="another program"),
        pytest.param(problem(404, "not_found"), "no Boxgate server", id="not found"),
        pytest.param(
            Say({"program": "boxgate", "proto": 99, "venue": VENUE, "names": {}}),
            "another version",
            id="another version",
        ),
    ],
)
def test_a_server_that_is_none_of_ours_is_explained(
    view: FirstRunView, server: House, answer: Say, words: str
) -> None:
    server.about = answer
    click(view, "first_run_next")
    write(view, "server_address", server.url)
    click(view, "look_for_server")
    assert words in text_of(view, "first_run_message")


def test_a_wrong_code_is_explained_and_may_be_typed_again(
    view: FirstRunView, server: House, tmp_path: Path
) -> None:
    to_the_code(view, server)
    write(view, "enrolment_code", "Z" * 16 + CODE[16:])
    click(view, "enrol_machine")
    assert "does not take this code" in text_of(view, "first_run_message")
    assert not is_enrolled(tmp_path / "till")
    write(view, "enrolment_code", CODE)
    click(view, "enrol_machine")
    assert text_of(view, "first_run_title") == "Printer"


@pytest.mark.parametrize(
    ("kind", "place"),
    [
        pytest.param(PrinterKind.COMMAND, "/nowhere/lp -d tickets", id="no such command"),
        pytest.param(PrinterKind.DEVICE, "carrier-pigeon:7", id="no such address"),
        pytest.param(PrinterKind.FOLDER, "/proc/nowhere", id="no such folder"),
    ],
)
def test_a_printer_that_does_not_print_is_explained(
    view: FirstRunView, server: House, kind: PrinterKind, place: str
) -> None:
    to_the_printer(view, server)
    click(view, f"printer_{kind}")
    write(view, "printer_place", place)
    click(view, "try_printer")
    assert "Nothing was printed" in text_of(view, "first_run_message")
    assert text_of(view, "first_run_detail")


def test_settings_that_cannot_be_written_are_explained(
    view: FirstRunView, server: House, tmp_path: Path
) -> None:
    to_the_printer(view, server)
    click(view, "first_run_next")
    (tmp_path / "till.toml").write_text("[broken")
    click(view, "first_run_next")
    assert "could not be written" in text_of(view, "first_run_message")
    assert text_of(view, "first_run_title") == "Scanner"


@pytest.mark.parametrize("spoken", language.LANGUAGES)
def test_every_step_speaks_and_fits(view: FirstRunView, server: House, spoken: str) -> None:
    click(view, f"speak_{spoken}")
    for step in Step:
        assert text_of(view, "first_run_title") == step_title(step)
        assert step_hint(step)
        turn_loop()
        turn_loop()
        cut = [
            each.text()
            for each in view.findChildren(QLabel)
            if each.isVisible()
            and each.wordWrap()
            and each.text()
            and each.heightForWidth(each.width()) > each.height()
        ]
        assert cut == []
        nameless = [
            each.objectName()
            for each in view.findChildren(QWidget)
            if each.focusPolicy() != Qt.FocusPolicy.NoFocus
            and each.objectName()
            and not each.isHidden()
            and not each.accessibleName()
            and isinstance(each, QLineEdit)
        ]
        assert nameless == []
        if step is Step.SERVER:
            write(view, "server_address", server.url)
            click(view, "look_for_server")
        if step is Step.CODE:
            write(view, "enrolment_code", CODE)
            click(view, "enrol_machine")
        elif step is not Step.DONE:
            click(view, "first_run_next")
    for trouble in Trouble:
        assert trouble_words(trouble)


def test_an_enrolment_is_not_done_twice(view: FirstRunView, server: House) -> None:
    to_the_printer(view, server)
    click(view, "first_run_back")
    assert not find(view, "enrol_machine").isEnabled()
    click(view, "first_run_next")
    assert len(server.called("enrol")) == 1


class TestTheProgram:
    """`boxgate-pos run` where nothing is enrolled."""

    def test_the_assistant_comes_first_and_then_the_till(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: House
    ) -> None:
        opened: list[TillSettings] = []
        file = tmp_path / "till.toml"

        def through(services: FirstRun, **_options: object) -> bool:
            services.enrol(server.url, CODE)
            assert services.save("en", server.url, None) is None
            return True

        monkeypatch.setattr(first_run_window, "show_first_run", through)
        monkeypatch.setattr(program, "_is_watched", lambda: True)
        monkeypatch.setattr(program, "stop_event_on_signals", lambda: None)

        def open_till(settings: TillSettings, _training: object) -> int:
            opened.append(settings)
            return 0

        monkeypatch.setattr(program, "run_window", open_till)
        words = ["run", "--config", str(file), "--data-dir", str(tmp_path / "till")]
        file.write_text("[screen]\ntheme = 'dark'\n")
        assert program.main(words) == ExitCode.OK
        assert [each.server_url for each in opened] == [server.url]

    def test_closed_before_it_is_through_no_till_opens(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(first_run_window, "show_first_run", lambda *_, **__: False)
        monkeypatch.setattr(program, "_is_watched", lambda: True)
        monkeypatch.setattr(program, "stop_event_on_signals", lambda: None)
        assert program.main(["run", "--data-dir", str(tmp_path / "x")]) == ExitCode.REFUSED

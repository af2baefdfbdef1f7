"""The first run's window: the steps on the left, one of them on the right."""

# ruff: noqa: D102 - Qt's virtual methods are described by Qt

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QLineEdit, QStackedWidget, QWidget

from pos_app.presenters import language as words
from pos_app.presenters.first_run import STEPS, FirstRunState, Step
from pos_app.presenters.first_run_words import (
    printer_example,
    printer_title,
    step_hint,
    step_title,
    success_words,
    trouble_words,
)
from pos_app.presenters.language import _
from pos_app.services.first_run import PrinterKind
from pos_app.ui import theme
from pos_app.ui.controls import Button, card, column, label, picture, row
from pos_app.ui.theme import restyle

if TYPE_CHECKING:
    from PySide6.QtGui import QKeyEvent

    from pos_app.presenters.first_run import FirstRunPresenter

_NAMES: Final = {"en": "English", "zh_CN": "中文"}
_WIDTH, _HEIGHT = 980, 560
_FIELD_PX: Final = 56


class FirstRunView(QWidget):
    """Renders a `FirstRunState` and sends intents to its presenter."""

    def __init__(self, presenter: FirstRunPresenter) -> None:
        super().__init__()
        self.setObjectName("first_run")
        self.setProperty("role", "page")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setWindowTitle("Boxgate")
        self._presenter = presenter
        self._shown: Step | None = None
        self._steps = {step: label(16, 600, "text2", f"step_{step}") for step in STEPS}
        self._title = label(26, 700, name="first_run_title")
        self._hint = _text("first_run_hint", "text2")
        self._message = _text("first_run_message", "danger")
        self._detail = _text("first_run_detail", "text3", 12)
        self._back = Button("first_run_back", "quiet", 16, 600)
        self._back.clicked.connect(presenter.back)
        self._next = Button("first_run_next", "primary", 17, 700)
        self._next.clicked.connect(presenter.next)
        for each in (self._back, self._next):
            each.setFixedHeight(60)
            each.setMinimumWidth(160)
        self._make_fields()
        self._pages = QStackedWidget()
        for page in self._make_pages():
            self._pages.addWidget(page)
        self._lay_out()
        presenter.watch(self._show)
        self.retranslate()

    def retranslate(self) -> None:
        """Speak the language of now."""
        self.setAccessibleName(_("Setting up this till"))
        self._look.say(_("Look for it"))
        self._enrol.say(_("Enrol this machine"))
        self._try.say(_("Print a test ticket"))
        self._back.say(_("Back"))
        for field, name in (
            (self._url, _("Server address")),
            (self._code, _("Enrolment code")),
            (self._place, _("Printer")),
            (self._scan, _("Scanner")),
        ):
            field.setAccessibleName(name)
        for kind, button in self._kinds.items():
            button.say(printer_title(kind))
        self._show(self._presenter.state)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self._presenter.back()
        else:
            super().keyPressEvent(event)

    # ------------------------------------------------------------------------------------ parts

    def _make_fields(self) -> None:
        presenter = self._presenter
        self._languages = {code: _choice(f"speak_{code}", name) for code, name in _NAMES.items()}
        for code, button in self._languages.items():
            button.clicked.connect(partial(self._speak, code))
        self._url = _field("server_address", "http://server:8970")
        self._look = _action("look_for_server")
        self._look.clicked.connect(lambda: presenter.look_for(self._url.text()))
        self._url.returnPressed.connect(self._look.click)
        self._code = _field("enrolment_code", "ABCD-EFGH-…")
        self._enrol = _action("enrol_machine")
        self._enrol.clicked.connect(lambda: presenter.enrol(self._code.text()))
        self._code.returnPressed.connect(self._enrol.click)
        self._kinds = {kind: _choice(f"printer_{kind}", "") for kind in PrinterKind}
        for kind, button in self._kinds.items():
            button.clicked.connect(partial(self._choose_kind, kind))
        self._place = _field("printer_place", "")
        self._place.textEdited.connect(self._choose_place)
        self._try = _action("try_printer")
        self._try.clicked.connect(presenter.try_printer)
        self._scan = _field("scanned", "")
        self._scan.returnPressed.connect(self._scanned)

    def _make_pages(self) -> tuple[QWidget, ...]:
        return (
            _page(row(*self._languages.values(), None, gap=12)),
            _page(row(self._url, self._look, gap=12)),
            _page(row(self._code, self._enrol, gap=12)),
            _page(row(*self._kinds.values(), None, gap=12), row(self._place, self._try, gap=12)),
            _page(row(self._scan, None)),
            _page(row(picture("circle-check", "ok", 72), None)),
        )

    def _lay_out(self) -> None:
        left = card("card", "first_run_steps")
        left.setFixedSize(240, _HEIGHT)
        left.setLayout(column(*self._steps.values(), None, gap=20, margins=(26, 32, 20, 24)))
        right = card("card", "first_run_card")
        right.setFixedSize(_WIDTH - 240 - 16, _HEIGHT)
        right.setLayout(
            column(
                row(picture("ticket", "accent", 32), self._title, None, gap=12),
                self._hint,
                18,
                self._pages,
                self._message,
                self._detail,
                None,
                row(self._back, None, self._next),
                gap=8,
                margins=(36, 30, 36, 32),
            )
        )
        inner = row(left, right, gap=16)
        whole = QWidget()
        whole.setLayout(inner)
        grid = QGridLayout(self)
        grid.addWidget(whole, 0, 0, Qt.AlignmentFlag.AlignCenter)

    # ------------------------------------------------------------------------------------ intents

    def _speak(self, code: str) -> None:
        self._presenter.speak(code)
        self.retranslate()

    def _choose_kind(self, kind: PrinterKind) -> None:
        self._presenter.choose_printer(kind, "" if kind is not PrinterKind.FOLDER else "tickets")
        self._place.setText(self._presenter.state.choice.place)
        self._place.setFocus()
        self._show(self._presenter.state)

    def _choose_place(self, place: str) -> None:
        self._presenter.choose_printer(self._presenter.state.choice.kind, place)

    def _scanned(self) -> None:
        self._presenter.scan(self._scan.text())
        self._scan.selectAll()

    # ------------------------------------------------------------------------------------ state

    def _show(self, state: FirstRunState) -> None:
        if state.finished:
            self.close()
        at = STEPS.index(state.step)
        for place, (step, said) in enumerate(self._steps.items()):
            done = "\N{CHECK MARK}" if place < at else f"{place + 1}"
            said.setText(f"{done}   {step_title(step)}")
            restyle(said, tone="accent" if step is state.step else "text2")
        self._title.setText(step_title(state.step))
        self._hint.setText(step_hint(state.step))
        self._pages.setCurrentIndex(at)
        self._say(state)
        for code, button in self._languages.items():
            button.setChecked(code == words.language())
        for kind, button in self._kinds.items():
            button.setChecked(kind is state.choice.kind)
        self._place.setPlaceholderText(printer_example(state.choice.kind))
        for action in (self._look, self._enrol, self._try):
            action.setEnabled(not state.busy)
        enrolled = state.enrolled is not None
        self._enrol.setEnabled(not state.busy and not enrolled)
        self._code.setEnabled(not enrolled)
        self._back.setVisible(0 < at < len(STEPS) - 1)
        self._next.setEnabled(state.can_go_on)
        self._next.say(_("Open the till") if state.step is Step.DONE else _("Next step"))
        if state.step is not self._shown:
            self._shown = state.step
            self._fill(state)

    def _say(self, state: FirstRunState) -> None:
        if state.busy:
            text, tone = _("One moment…"), "text2"
        elif state.failed is not None:
            text, tone = trouble_words(state.failed.trouble), "danger"
        else:
            text, tone = success_words(state), "ok"
        self._message.setText(text)
        restyle(self._message, tone=tone)
        self._detail.setText(state.failed.detail if state.failed is not None else "")

    def _fill(self, state: FirstRunState) -> None:
        """A step begins: its fields have what is known, and the keyboard."""
        if state.step is Step.SERVER:
            self._url.setText(state.url)
        elif state.step is Step.PRINTER:
            self._place.setText(state.choice.place)
        first: dict[Step, QWidget] = {
            Step.SERVER: self._url,
            Step.CODE: self._code,
            Step.PRINTER: self._place,
            Step.SCANNER: self._scan,
        }
        first.get(state.step, self._next).setFocus()


def _field(name: str, example: str) -> QLineEdit:
    made = QLineEdit()
    made.setObjectName(name)
    made.setProperty("role", "field")
    made.setFont(theme.font(17))
    made.setFixedHeight(_FIELD_PX)
    made.setPlaceholderText(example)
    return made


def _action(name: str) -> Button:
    made = Button(name, "soft", 16, 600)
    made.setFixedHeight(_FIELD_PX)
    return made


def _choice(name: str, text: str) -> Button:
    made = Button(name, "tier", 17, 600)
    made.setCheckable(True)
    made.setFixedHeight(64)
    made.setMinimumWidth(150)
    if text:
        made.say(text)
    return made


def _page(*rows: object) -> QWidget:
    made = QWidget()
    made.setLayout(column(*rows, None, gap=16))  # type: ignore[arg-type]
    return made


def _text(name: str, tone: str, size_px: int = 16) -> QLabel:
    made = label(size_px, 400 if tone != "danger" else 600, tone, name)
    made.setWordWrap(True)
    return made

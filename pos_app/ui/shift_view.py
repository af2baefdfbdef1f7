"""The shift page: what can be done on the left, doing it on the right."""

# ruff: noqa: D102 - Qt's virtual methods are described by Qt

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QScrollArea, QStackedWidget, QVBoxLayout, QWidget

from pos_app.presenters import language as words
from pos_app.presenters.language import _
from pos_app.presenters.shift_state import COUNTING, Page
from pos_app.presenters.shift_words import page_hint, page_title, shift_lead, shift_message
from pos_app.services.shift_rows import signed
from pos_app.ui.controls import (
    Button,
    Metrics,
    RichButton,
    card,
    column,
    label,
    picture,
    retire,
    row,
    rule,
)
from pos_app.ui.shift_panels import ApprovePanel, CountPanel, ReasonBar, ReportPanel, Typing
from pos_app.ui.theme import restyle, scaled, text_size

if TYPE_CHECKING:
    from pos_app.presenters.shift import ShiftPresenter
    from pos_app.presenters.shift_state import ShiftState
    from pos_app.services.shift_model import ZReport

_MENU = (
    (Page.FLOAT, "clock"),
    (Page.PAY_IN, "banknote-arrow-up"),
    (Page.PAY_OUT, "banknote-arrow-down"),
    (Page.SAFE_DROP, "vault"),
    (Page.DRAWER, "archive"),
    (Page.X, "info"),
    (Page.COUNT, "check"),
)
_LEFT_WIDTH = 340
_BOTH_FROM_PX = 1_000
"""At 100 % text: in a narrower window a page of the shift has the menu's room too."""
_CLOSING = (Page.COUNT, Page.RECOUNT, Page.APPROVE)


class ShiftView(QWidget):
    """Renders a `ShiftState` and sends intents to its presenter."""

    closed = Signal()
    led = Signal(object)  # ShiftRefusal: to what is in the way of closing

    def __init__(self, presenter: ShiftPresenter) -> None:
        super().__init__()
        self.setObjectName("shift_view")
        self.setProperty("role", "page")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._presenter = presenter
        self._past: tuple[ZReport, ...] = ()
        self._shown_page = Page.HOME
        self._menu: dict[Page, Button] = {}
        self._open_since = label(15, 600, name="shift_since")
        self._open_by = label(13, 400, "text2")
        self._zs_title = label(14, 600, "text2")
        self._zs = QVBoxLayout()
        self._back = Button("shift_back", "quiet", 15, 500)
        self._title = label(24, 700, name="shift_title")
        self._hint = label(15, 400, "text2", "shift_hint")
        self._hint.setWordWrap(True)
        self._message = label(15, 600, "danger", "shift_message")
        self._message.setWordWrap(True)
        self._lead = Button("shift_lead", "soft", 15, 600)
        self._lead.setFixedHeight(48)
        self._lead.clicked.connect(self._lead_there)
        self.count = CountPanel()
        self.reasons = ReasonBar()
        self.approve = ApprovePanel()
        self.report = ReportPanel()
        self.typing = Typing()
        self._lay_out()
        self._connect(presenter)
        presenter.watch(self._show)

    def apply(self, metrics: Metrics) -> None:
        """Take these sizes."""
        gap = metrics.gap
        self._left.setFixedWidth(scaled(_LEFT_WIDTH))
        self._outer.setContentsMargins(gap, gap, gap, gap)
        self._outer.setSpacing(gap)
        for button in self._menu.values():
            button.setFixedHeight(50 if metrics.compact else 58)
        for part in (self.count, self.typing):
            part.apply(metrics)

    def retranslate(self) -> None:
        """Speak the language of now."""
        self.setAccessibleName(_("Shift"))
        self._zs_title.setText(_("Z reports"))
        self._zs_scroll.setAccessibleName(_("Z reports"))
        self._back.say(_("Back (Esc)"), _("Back to the sale"))
        for page, button in self._menu.items():
            self._menu_words[page].setText(page_title(page))
            button.setAccessibleName(page_title(page))
        for part in (self.approve, self.report, self.typing):
            part.retranslate()
        self._show_past(self._past, force=True)
        self._show(self._presenter.state)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """What there is room for."""
        super().resizeEvent(event)
        self._show_menu()

    def _show_menu(self) -> None:
        has_room = self.width() * 100 >= _BOTH_FROM_PX * text_size()
        self._left.setVisible(has_room or self._presenter.state.page is Page.HOME)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self.typing.pad.take_key(event):
            return
        if event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            by = 1 if event.key() == Qt.Key.Key_Down else -1
            self._presenter.choose(self._presenter.state.chosen + by)
        else:
            super().keyPressEvent(event)

    # ------------------------------------------------------------------------------------ tools

    def _lay_out(self) -> None:
        left = card("card", "shift_menu")
        self._left = left
        self._menu_words = {page: label(16, 600) for page, _drawing in _MENU}
        items = QVBoxLayout()
        items.setSpacing(4)
        for page, drawing in _MENU:
            content = row(
                picture(drawing, "accent", 22),
                self._menu_words[page],
                None,
                gap=14,
                margins=(14, 0, 10, 0),
            )
            button = RichButton(f"shift_{page}", "menu", content)
            button.setCheckable(True)
            button.clicked.connect(partial(self._presenter.open_page, page))
            self._menu[page] = button
            items.addWidget(button)
        inside = QWidget()
        inside.setLayout(self._zs)
        self._zs.setContentsMargins(0, 0, 8, 0)
        self._zs.setSpacing(4)
        self._zs_scroll = QScrollArea()
        self._zs_scroll.setObjectName("z_reports")
        self._zs_scroll.setWidgetResizable(True)
        self._zs_scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._zs_scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._zs_scroll.setWidget(inside)
        left_box = column(
            self._open_since, self._open_by, 6, items, 4, rule(), 4, self._zs_title, gap=4,
            margins=(16, 16, 12, 12),
        )  # fmt: skip
        left_box.addWidget(self._zs_scroll, 1)
        left.setLayout(left_box)
        right = card("card", "shift_work")
        self._back.show_icon("arrow-left", "text2")
        self._back.setFixedHeight(48)
        self._blank = QWidget()
        self._panels = QStackedWidget()
        for panel in (self._blank, self.count, self.approve, self.report):
            self._panels.addWidget(panel)
        work = QHBoxLayout()
        work.setSpacing(24)
        middle = QVBoxLayout()
        middle.setSpacing(16)
        middle.addWidget(self.reasons)
        middle.addWidget(self._panels, 1)
        work.addLayout(middle, 1)
        work.addWidget(self.typing)
        box = column(
            row(self._title, None, self._back), self._hint, self._message,
            row(self._lead, None), gap=6,
            margins=(24, 16, 20, 20),
        )  # fmt: skip
        box.addSpacing(6)
        box.addLayout(work, 1)
        right.setLayout(box)
        self._outer = QHBoxLayout(self)
        self._outer.addWidget(left)
        self._outer.addWidget(right, 1)

    def _connect(self, presenter: ShiftPresenter) -> None:
        self._back.clicked.connect(self.step_back)
        self.count.chosen.connect(presenter.choose)
        self.count.stepped.connect(presenter.step)
        self.reasons.chosen.connect(presenter.give_reason)
        self.approve.chosen.connect(presenter.choose_approver)
        self.approve.recount.connect(partial(presenter.open_page, Page.RECOUNT))
        self.report.print_wanted.connect(presenter.print_report)
        self.typing.digit.connect(presenter.digit)
        self.typing.back.connect(presenter.backspace)
        self.typing.clear.connect(presenter.clear)
        self.typing.submit.connect(presenter.submit)

    def step_back(self) -> None:
        """One step back: to the menu, then to the sale."""
        if not self._presenter.back():
            self.closed.emit()

    def _lead_there(self) -> None:
        refused = self._presenter.state.refused
        if refused is not None:
            self.led.emit(refused.reason)

    def _show(self, state: ShiftState) -> None:
        self._show_menu()
        self._show_shift(state)
        self._show_past(state.past)
        page = state.page
        counting, approving = page in COUNTING, page is Page.APPROVE
        self._title.setText(page_title(page))
        self._hint.setText(page_hint(page))
        self._hint.setVisible(bool(page_hint(page)))
        message = shift_message(state)
        self._message.setText(message)
        self._message.setVisible(bool(message))
        lead = shift_lead(state.refused)
        self._lead.say(lead)
        self._lead.setVisible(bool(lead))
        restyle(self._message, tone="danger" if state.refused or state.failed else "ok")
        reporting = page in (Page.X, Page.Z)
        self.typing.setVisible(page is not Page.HOME and not reporting)
        panel = self._blank
        if counting:
            self.count.show_state(state)
            panel = self.count
        elif approving:
            self.approve.show_state(state)
            panel = self.approve
        elif reporting:
            self.report.show_state(state)
            panel = self.report
        self.reasons.show_state(state)
        self._panels.setCurrentWidget(panel)
        self.typing.show_state(state, counting=counting, approving=approving)
        if page is not self._shown_page:
            self._shown_page = page
            self._take_focus(reporting=reporting)

    def _take_focus(self, *, reporting: bool) -> None:
        if not self.isVisible():
            return
        if reporting:
            self.report.take_focus()
        else:
            self.setFocus()

    def _show_shift(self, state: ShiftState) -> None:
        current, names = state.current, state.names
        for page, button in self._menu.items():
            button.setVisible((page is Page.FLOAT) is (current is None))
            closing = page is Page.COUNT and state.page in _CLOSING
            button.setChecked(page is state.page or closing)
            button.setEnabled(state.known and not state.busy)
        if current is None or names is None:
            self._open_since.setText(_("No shift is open") if state.known else "")
            self._open_by.setText("")
            return
        when = names.spoken(words.language()).when(int(current.opened_at.timestamp() * 1000))
        self._open_since.setText(_("Open since {when}").format(when=when))
        self._open_by.setText(_("Opened by {name}").format(name=names.person(current.opened_by)))

    def _show_past(self, past: tuple[ZReport, ...], *, force: bool = False) -> None:
        if past == self._past and not force:
            return
        self._past = past
        while (item := self._zs.takeAt(0)) is not None:
            old = item.widget()
            if old is not None:
                retire(old)
        for z in past:
            self._zs.addWidget(self._z_button(z))
        self._zs.addStretch(1)

    def _z_button(self, z: ZReport) -> Button:
        names = self._presenter.state.names
        report = z.closed.report
        money = partial(words.money, currency=report.currency)
        title = label(15, 600)
        title.setText(_("Z {n}").format(n=z.number))
        when = label(13, 400, "text2")
        if names is not None:
            when.setText(names.spoken(words.language()).when(report.made_ms))
        difference = z.closed.difference_minor
        figure = label(14, 600, "danger" if difference else "ok")
        figure.setText(signed(difference, money))
        content = row(gap=10, margins=(12, 4, 12, 4))
        content.addLayout(column(title, when, gap=0), 1)
        content.addWidget(figure)
        button = RichButton(f"z_report_{z.number}", "menu", content)
        button.setFixedHeight(scaled(52))
        button.setAccessibleName(f"{title.text()}, {when.text()}, {figure.text()}")
        button.clicked.connect(partial(self._presenter.show_z, z))
        return button

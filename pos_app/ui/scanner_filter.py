"""Keeps what a scanner types away from the widgets; see hardware/scanner/wedge.py for the rules.

Qt sends a key first as a question for shortcuts, then to the widget that has the keyboard, then to
its parents. The question is answered for the scanner, or a `-` in a code would press a shortcut;
the key itself is judged once, at the widget that has the keyboard. What a person typed is given
back a moment later, as shortcut or as key, in order.

A key without a time (Qt's own tests, input aids) is nobody's burst: it passes at once.
"""

# ruff: noqa: D102 - Qt's virtual methods are described by Qt

from __future__ import annotations

import unicodedata
from typing import Final

from PySide6.QtCore import QCoreApplication, QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QApplication, QWidget
from shiboken6 import isValid

from hardware.scanner import Burst, Key, KeyKind, Recogniser, WedgeRules
from hardware.scanner.wedge import Judged

_ENDS: Final = frozenset({Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Tab})
_MODIFIERS: Final = frozenset(
    {
        Qt.Key.Key_Shift,
        Qt.Key.Key_Control,
        Qt.Key.Key_Alt,
        Qt.Key.Key_AltGr,
        Qt.Key.Key_Meta,
        Qt.Key.Key_CapsLock,
        Qt.Key.Key_NumLock,
    }
)
_CHORDS: Final = (
    Qt.KeyboardModifier.ControlModifier
    | Qt.KeyboardModifier.AltModifier
    | Qt.KeyboardModifier.MetaModifier
)
_KINDS: Final = (
    QEvent.Type.ShortcutOverride,
    QEvent.Type.KeyPress,
    QEvent.Type.KeyRelease,
)


class ScannerFilter(QObject):
    """Judges keys that go to `window` and what is in it, from `install` on.

    It sits on the widget that has the keyboard and moves with it: on the application it would be
    asked about every event of every widget, which costs a till a sixth of its time.
    """

    scanned = Signal(str)
    cut_short = Signal()

    def __init__(self, window: QWidget, rules: WedgeRules | None = None) -> None:
        super().__init__(window)
        self._window = window
        self._rules = rules or WedgeRules()
        self._recogniser: Recogniser[QKeyEvent] = Recogniser(self._rules)
        self._is_giving_back = False
        self._application: QApplication | None = None
        self._seat: QWidget | None = None
        self._last_at_ms = 0
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._one_more_turn)

    def install(self) -> None:
        """Begin to look at keys."""
        application = QApplication.instance()
        assert isinstance(application, QApplication), "there are no keys without an application"
        self._application = application
        application.focusChanged.connect(self._follow)
        self._follow()

    def remove(self) -> None:
        """Look no more."""
        self._timer.stop()
        if self._application is not None and isValid(self._application):
            self._application.focusChanged.disconnect(self._follow)
        self._application = None
        self._sit_on(None)

    def _follow(self) -> None:
        """The keyboard went elsewhere."""
        if isValid(self._window):
            self._sit_on(self._target())

    def _sit_on(self, target: QWidget | None) -> None:
        if target is self._seat:
            return
        if self._seat is not None and isValid(self._seat):
            self._seat.removeEventFilter(self)
        self._seat = target
        if target is not None:
            target.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if not isinstance(event, QKeyEvent) or self._is_giving_back:
            return False
        if event.type() not in _KINDS or watched is not self._target():
            return False
        if event.timestamp() == 0:
            return False
        if event.type() == QEvent.Type.ShortcutOverride:
            return self._claim(event)
        if event.type() == QEvent.Type.KeyRelease:
            return not event.isAutoRepeat() and self._recogniser.release(event.key())
        judged = self._recogniser.press(self._key(event))
        self._act(judged)
        self._wait()
        return judged.takes_key

    # ------------------------------------------------------------------------------- one key

    def _target(self) -> QWidget | None:
        """Who has the keyboard in our window; the others see the same key once more."""
        focused = QApplication.focusWidget() or self._window
        return focused if focused.window() is self._window else None

    def _claim(self, event: QKeyEvent) -> bool:
        """Have the key sent as a key: whether it is a shortcut is looked at when it is given back."""
        if self._key(event).kind in (KeyKind.TEXT, KeyKind.END) or self._is_prefix(event):
            event.accept()
            return True
        return False

    def _is_prefix(self, event: QKeyEvent) -> bool:
        prefix = self._rules.prefix
        return bool(prefix) and prefix == QKeySequence(event.key()).toString()

    def _key(self, event: QKeyEvent) -> Key[QKeyEvent]:
        at_ms = self._last_at_ms
        if event.type() == QEvent.Type.KeyPress:
            at_ms = self._last_at_ms = max(at_ms, event.timestamp())
        return Key(
            _kind(event),
            at_ms,
            event.key(),
            _copy(event),
            event.text() if _kind(event) is KeyKind.TEXT else "",
            QKeySequence(event.key()).toString(),
            event.isAutoRepeat(),
        )

    # ------------------------------------------------------------------------------- judging

    def _act(self, judged: Judged[QKeyEvent]) -> None:
        self._is_giving_back = True
        try:
            for each in judged.given_back:
                self._give_back(each.key.event, is_released=each.is_released)
        finally:
            self._is_giving_back = False
        burst: Burst | None = judged.burst
        if burst is None:
            return
        if burst.is_whole:
            self.scanned.emit(unicodedata.normalize("NFKC", burst.text))
        else:
            self.cut_short.emit()

    def _give_back(self, event: QKeyEvent, *, is_released: bool) -> None:
        target = self._target()
        if target is None:
            return
        question = _copy(event, QEvent.Type.ShortcutOverride)
        question.ignore()
        QCoreApplication.sendEvent(target, question)
        shortcut = None if question.isAccepted() else self._shortcut_of(event)
        if shortcut is not None:
            shortcut.activated.emit()
            return
        QCoreApplication.sendEvent(target, event)
        if is_released:
            QCoreApplication.sendEvent(target, _copy(event, QEvent.Type.KeyRelease))

    def _shortcut_of(self, event: QKeyEvent) -> QShortcut | None:
        """The window's shortcut for a key, if it has one."""
        pressed = QKeySequence(event.keyCombination())
        plain = QKeySequence(event.text())
        for each in self._window.findChildren(QShortcut):
            if each.isEnabled() and each.key() in (pressed, plain):
                return each
        return None

    def _wait(self) -> None:
        deadline_ms = self._recogniser.deadline_ms
        if deadline_ms is None:
            self._timer.stop()
        else:
            self._timer.start(max(0, deadline_ms - self._last_at_ms))

    def _one_more_turn(self) -> None:
        """Keys that wait behind a busy window are looked at before anything is given back."""
        deadline_ms = self._recogniser.deadline_ms
        QTimer.singleShot(0, self, lambda: self._tick(deadline_ms))

    def _tick(self, deadline_ms: int | None) -> None:
        if deadline_ms is not None and deadline_ms == self._recogniser.deadline_ms:
            self._act(self._recogniser.tick(deadline_ms))
            self._wait()


def _kind(event: QKeyEvent) -> KeyKind:
    if event.modifiers() & _CHORDS:
        return KeyKind.OTHER
    if event.key() in _ENDS or event.text() == "\n":
        return KeyKind.END
    if event.key() in _MODIFIERS:
        return KeyKind.MODIFIER
    text = event.text()
    return KeyKind.TEXT if len(text) == 1 and text.isprintable() else KeyKind.OTHER


def _copy(event: QKeyEvent, kind: QEvent.Type | None = None) -> QKeyEvent:
    made = QKeyEvent(
        kind or event.type(),
        event.key(),
        event.modifiers(),
        event.nativeScanCode(),
        event.nativeVirtualKey(),
        event.nativeModifiers(),
        event.text(),
        event.isAutoRepeat(),
        event.count(),
    )
    made.setTimestamp(event.timestamp())
    return made

"""The window's keys: one table, which both acts on them and says what they do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from PySide6.QtGui import QKeySequence, QShortcut

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

Words = Callable[[], str]
_BETWEEN: Final = " \N{HORIZONTAL ELLIPSIS} "


@dataclass(frozen=True, slots=True)
class Key:
    """What a key does: on one page, or everywhere (`page` None).

    `says` is asked for when it is shown. Keys that a page takes by itself (arrows on the map) have
    no `act`: they stand here to be shown.
    """

    caps: str
    says: Words
    act: Callable[[], object] | None
    page: QWidget | None


class Shortcuts:
    """The keys of one window.

    Each key is registered with Qt once and goes to the page that is shown, else to what it does
    everywhere: two pages may use the same key, which two `QShortcut`s of a window can't.
    """

    def __init__(
        self, window: QWidget, page: Callable[[], QWidget | None], may_act: Callable[[str], bool]
    ) -> None:
        """`page` is what is shown now; `may_act` whether a key does anything at the moment."""
        self._window, self._page, self._may_act = window, page, may_act
        self._keys: list[Key] = []
        self._acts: dict[str, dict[QWidget | None, Callable[[], object]]] = {}

    def add(
        self,
        keys: str,
        says: Words,
        act: Callable[[], object] | None = None,
        on: QWidget | None = None,
    ) -> None:
        """Have a key do something on a page, or everywhere. Once a page: a second is a bug."""
        self._keys.append(Key(keys, says, act, on))
        if act is not None:
            self._register(keys, act, on)

    def add_row(
        self, keys: tuple[str, ...], says: Words, act: Callable[[int], object], on: QWidget
    ) -> None:
        """Have a row of keys do the same for the first, the second..., shown as one line."""
        self._keys.append(Key(_BETWEEN.join((keys[0], keys[-1])), says, partial(act, 0), on))
        for at, each in enumerate(keys):
            self._register(each, partial(act, at), on)

    def of_page(self, page: QWidget | None) -> tuple[Key, ...]:
        """The keys of a page, or (None) those that work everywhere and it does not use itself."""
        own = {key.caps for key in self._keys if key.page is self._page()}
        return tuple(
            key
            for key in self._keys
            if key.page is page and (page is not None or key.caps not in own)
        )

    def _register(self, keys: str, act: Callable[[], object], on: QWidget | None) -> None:
        acts = self._acts.setdefault(keys, {})
        assert on not in acts, f"{keys} is taken there"
        if not acts:
            shortcut = QShortcut(QKeySequence(keys), self._window)
            shortcut.setAutoRepeat(False)  # a key held down is pressed once
            shortcut.activated.connect(partial(self._pressed, keys))
        acts[on] = act

    def _pressed(self, keys: str) -> None:
        acts = self._acts[keys]
        act = acts.get(self._page()) or acts.get(None)
        if act is not None and self._may_act(keys):
            act()

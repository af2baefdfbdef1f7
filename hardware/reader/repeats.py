"""A chip that stays in the field is read again and again, but held up once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from hardware.address import DeviceAddress

AGAIN_S: Final = 1.5
"""A value is new again when it was not seen for so long, unless the address says otherwise."""
_KEPT_COUNT_MAX: Final = 500


class Repeats:
    """Tells new values from those still held up. Times are monotonic seconds."""

    def __init__(self, again_s: float = AGAIN_S) -> None:
        self._again_s = again_s
        self._seen_at: dict[str, float] = {}  # by last seen, the oldest first

    def is_new(self, value: str, at_s: float) -> bool:
        """Note that `value` is seen; whether it was not seen for a while."""
        last_at = self._seen_at.pop(value, None)
        self._seen_at[value] = at_s
        if len(self._seen_at) > _KEPT_COUNT_MAX:
            del self._seen_at[next(iter(self._seen_at))]
        return last_at is None or at_s - last_at >= self._again_s

    def forget(self, value: str) -> None:
        """Take the last sight of `value` back: it was not understood."""
        self._seen_at.pop(value, None)


def again_s_of(address: DeviceAddress) -> float:
    """The option `again_ms` of an address, in seconds; raises BadDeviceAddress."""
    return address.whole("again_ms", round(AGAIN_S * 1000), low=200, high=60_000) / 1000

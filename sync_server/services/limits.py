"""Rate limits: token buckets that always refill, so nobody is locked out for ever."""

from __future__ import annotations

import ipaddress
import math
from collections import OrderedDict
from dataclasses import dataclass

KEYS_MAX = 10_000


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at_s: float


class Limit:
    """At most `burst` tries at once, then one every `period_s`, per key.

    Remembers KEYS_MAX keys; the one not used for longest is forgotten first. `now_s` is any
    clock that never goes back. Used on the event loop only.
    """

    def __init__(self, burst: int, period_s: float) -> None:
        self._burst, self._period_s = burst, period_s
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def wait_s(self, key: str, now_s: float) -> int:
        """Whole seconds until a try is allowed; 0 when it is now. Takes nothing."""
        missing = 1 - self._refilled(key, now_s).tokens
        return math.ceil(missing * self._period_s) if missing > 0 else 0

    def take(self, key: str, now_s: float) -> None:
        """Count one try. More tries than allowed do not go into debt."""
        bucket = self._refilled(key, now_s)
        bucket.tokens = max(0.0, bucket.tokens - 1)
        self._buckets[key] = bucket
        self._buckets.move_to_end(key)
        if len(self._buckets) > KEYS_MAX:
            self._buckets.popitem(last=False)

    def forget(self, key: str) -> None:
        """A try succeeded: the key starts afresh."""
        self._buckets.pop(key, None)

    def _refilled(self, key: str, now_s: float) -> _Bucket:
        bucket = self._buckets.get(key)
        if bucket is None:
            return _Bucket(self._burst, now_s)
        gained = max(0.0, now_s - bucket.at_s) / self._period_s
        return _Bucket(min(self._burst, bucket.tokens + gained), now_s)


def address_key(address: str | None) -> str:
    """Whom an address counts as: an IPv6 host has a whole /64 to choose from, so that is one."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return address or "unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)

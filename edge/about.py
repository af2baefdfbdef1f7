"""Asking an address whether it is a Boxgate server, and of which house."""

from __future__ import annotations

from dataclasses import dataclass

from edge.client import exchange, new_http, object_of
from edge.errors import ServerRefused, ServerUnreachable
from edge.protocol.hello import PROTO
from ticketing.ids import is_stream_id

_NAME_CHARS_MAX = 200


@dataclass(frozen=True, slots=True)
class About:
    """Whose server it is; `names` by language ("en", "zh")."""

    venue_id: str
    names: dict[str, str]
    proto: int

    @property
    def is_understood(self) -> bool:
        """Whether this program speaks its protocol."""
        return self.proto == PROTO


class NotBoxgate(ServerUnreachable):
    """Something answered, and it is no Boxgate server (or one from before it said so)."""


def ask_about(url: str, version: str, timeout_s: float = 5.0) -> About:
    """One question. Raises ServerUnreachable when nothing answers, NotBoxgate for another's answer."""
    with new_http(url, version, timeout_s) as http:
        response, raw = exchange(http, "GET", "/v1/about")
    try:
        told = object_of(response, raw)
    except (ServerUnreachable, ServerRefused) as error:
        raise NotBoxgate(f"{url} answers, but it is no Boxgate server") from error
    venue_id, names, proto = told.get("venue"), told.get("names"), told.get("proto")
    if told.get("program") != "boxgate" or not is_stream_id(venue_id) or type(proto) is not int:
        raise NotBoxgate(f"{url} answers, but it is no Boxgate server")
    assert isinstance(venue_id, str)
    return About(venue_id, _names(names), proto)


def _names(raw: object) -> dict[str, str]:
    if not isinstance(raw, dict):
        return {}
    return {
        str(language): name[:_NAME_CHARS_MAX]
        for language, name in raw.items()
        if isinstance(name, str)
    }

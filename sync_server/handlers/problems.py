"""Errors as RFC 9457 problem details: the one shape in which a call says no."""

from __future__ import annotations

import json
from http import HTTPStatus

from aiohttp import web

PROBLEM_TYPE = "application/problem+json"


class Problem(Exception):
    """A call is answered with this status, a stable code and a sentence for the log's reader.

    `extra` becomes further members of the document; `retry_after_s` a Retry-After header.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        retry_after_s: int | None = None,
        **extra: object,
    ) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail = status, code, detail
        self.retry_after_s, self.extra = retry_after_s, extra

    @property
    def title(self) -> str:
        """What the status means, in HTTP's words."""
        return HTTPStatus(self.status).phrase

    def headers(self) -> dict[str, str]:
        """Headers that belong to the answer, whatever its form."""
        found = {} if self.retry_after_s is None else {"Retry-After": str(self.retry_after_s)}
        if self.status == HTTPStatus.UNAUTHORIZED:
            found["WWW-Authenticate"] = "Bearer"
        if self.status == HTTPStatus.METHOD_NOT_ALLOWED:
            found["Allow"] = str(self.extra.get("allow", ""))  # RFC 9110, 15.5.6: it must be said
        return found

    def response(self) -> web.Response:
        """The problem document."""
        document = {
            "type": f"urn:boxgate:problem:{self.code}",
            "title": self.title,
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
            **self.extra,
        }
        return web.Response(
            status=self.status,
            body=json.dumps(document, ensure_ascii=False).encode(),
            content_type=PROBLEM_TYPE,
            headers=self.headers(),
        )

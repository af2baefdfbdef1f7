"""Forms as browsers and OAuth clients send them: application/x-www-form-urlencoded."""

from __future__ import annotations

from urllib.parse import parse_qs

from sync_server.handlers.problems import Problem

FIELDS_MAX = 256
"""A form may have a box for each of many events; its bytes are bounded by its route."""


def read_form(body: bytes) -> dict[str, str]:
    """A form's fields, the first of each name. Raises Problem for anything else."""
    try:
        fields = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=FIELDS_MAX)
    except ValueError:
        raise Problem(400, "bad_form", "the form could not be read") from None
    if any("\0" in text for name, values in fields.items() for text in (name, *values)):
        raise Problem(400, "bad_form", "text holds no NUL: no database keeps it")
    return {name: values[0] for name, values in fields.items()}

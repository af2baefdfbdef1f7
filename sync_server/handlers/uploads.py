"""Forms with a file in them, as browsers send them: multipart/form-data (RFC 7578).

The body has been read by then, within its route's size: it is cut into parts, and nothing is
written to a disk.
"""

from __future__ import annotations

from dataclasses import dataclass
from email.errors import MessageError
from email.message import Message
from email.parser import BytesParser

from sync_server.handlers.forms import FIELDS_MAX, read_form
from sync_server.handlers.problems import Problem

MULTIPART = "multipart/form-data"
_BOUNDARY_CHARS_MAX = 70  # RFC 2046
_HEAD_BYTES_MAX = 2_048
_FIELD_BYTES_MAX = 8_192


@dataclass(frozen=True, slots=True)
class Upload:
    """A form's fields, and the contents of its files by their fields' names."""

    fields: dict[str, str]
    files: dict[str, bytes]


def read_fields(content_type: str, body: bytes) -> dict[str, str]:
    """The fields of a form of either kind, without its files. Raises Problem."""
    if content_type.partition(";")[0].strip().lower() == MULTIPART:
        return read_upload(content_type, body).fields
    return read_form(body)


def read_upload(content_type: str, body: bytes) -> Upload:
    """A form with files, the first of each name. Raises Problem for anything else."""
    boundary = _boundary(content_type)
    pieces = (b"\r\n" + body).split(b"\r\n--" + boundary, FIELDS_MAX + 2)
    if len(pieces) < 2 or len(pieces) > FIELDS_MAX + 1 or not pieces[-1].startswith(b"--"):
        raise _bad()
    found = Upload({}, {})
    for piece in pieces[1:-1]:
        _take(piece, found)
    return found


def _boundary(content_type: str) -> bytes:
    message = Message()
    message["Content-Type"] = content_type
    boundary = message.get_param("boundary") if message.get_content_type() == MULTIPART else None
    fits = isinstance(boundary, str) and 0 < len(boundary) <= _BOUNDARY_CHARS_MAX
    if not fits or not isinstance(boundary, str) or not boundary.isascii():
        raise _bad()
    return boundary.encode()


def _take(piece: bytes, found: Upload) -> None:
    """One part: behind its boundary's line come its headers, an empty line, and what it holds."""
    end = piece.find(b"\r\n\r\n", 0, _HEAD_BYTES_MAX)
    if end < 0 or not piece.startswith(b"\r\n"):
        raise _bad()
    name, is_file = _named(piece[2:end])
    content = piece[end + 4 :]
    if is_file:
        found.files.setdefault(name, content)
        return
    if len(content) > _FIELD_BYTES_MAX:
        raise _bad()
    try:
        found.fields.setdefault(name, content.decode())
    except UnicodeDecodeError:
        raise _bad() from None


def _named(head: bytes) -> tuple[str, bool]:
    """The part's name, and whether it is a file. A file's own name is asked for nowhere."""
    try:
        message = BytesParser().parsebytes(head, headersonly=True)
        kind = message.get_content_disposition()
        name = message.get_param("name", header="content-disposition")
        file_name = message.get_param("filename", header="content-disposition")
    except (MessageError, ValueError, IndexError):
        raise _bad() from None
    if kind != "form-data" or not isinstance(name, str) or not name:
        raise _bad()
    return name, file_name is not None


def _bad() -> Problem:
    return Problem(400, "bad_form", "the form could not be read")

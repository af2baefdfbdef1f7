"""Forms with files as browsers send them: read, or refused as a whole."""

from __future__ import annotations

import pytest

from sync_server.handlers.problems import Problem
from sync_server.handlers.uploads import read_fields, read_upload

KIND = 'multipart/form-data; boundary="----WebKitFormBoundaryx"'
B = b"------WebKitFormBoundaryx"


def part(disposition: str, content: bytes, *, kind: str = "") -> bytes:
    head = f"Content-Disposition: {disposition}\r\n" + (f"Content-Type: {kind}\r\n" if kind else "")
    return B + b"\r\n" + head.encode() + b"\r\n" + content + b"\r\n"


TOKEN = part('form-data; name="form_token"', b"abc")
FILE = part(
    'form-data; name="file"; filename="pl\\"an \xe5.json"', b"{}\r\n--x\r\n\x00\xff", kind="text/x"
)
END = B + b"--\r\n"


def test_fields_and_files_are_read_as_they_are() -> None:
    found = read_upload(KIND, TOKEN + FILE + END)
    assert found.fields == {"form_token": "abc"}
    assert found.files == {"file": b"{}\r\n--x\r\n\x00\xff"}


def test_the_first_of_a_name_counts_as_in_other_forms() -> None:
    other = part('form-data; name="form_token"', b"xyz")
    assert read_upload(KIND, TOKEN + other + END).fields == {"form_token": "abc"}


def test_a_token_is_found_in_either_kind_of_form() -> None:
    assert read_fields(KIND, TOKEN + FILE + END)["form_token"] == "abc"
    plain = "application/x-www-form-urlencoded"
    assert read_fields(plain, b"form_token=abc")["form_token"] == "abc"


def test_a_file_is_no_field() -> None:
    file = part('form-data; name="form_token"; filename="t"', b"abc")
    assert read_fields(KIND, file + END) == {}


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        pytest.param(KIND, b"", id="nothing"),
        pytest.param(KIND, TOKEN, id="cut off"),
        pytest.param(KIND, TOKEN + B + b"\r\n", id="cut off in a part"),
        pytest.param("multipart/form-data", TOKEN + END, id="no boundary"),
        pytest.param("multipart/form-data; boundary=", TOKEN + END, id="empty boundary"),
        pytest.param(f"multipart/form-data; boundary={'x' * 71}", TOKEN + END, id="long boundary"),
        pytest.param("multipart/mixed; boundary=x", TOKEN + END, id="another kind"),
        pytest.param("text/plain", b"form_token=abc", id="plain text"),
        pytest.param(KIND, part("attachment; name=x", b"") + END, id="no form data"),
        pytest.param(KIND, part("form-data", b"") + END, id="no name"),
        pytest.param(KIND, part('form-data; name="x"', b"\xff") + END, id="no UTF-8"),
        pytest.param(KIND, part('form-data; name="x"', b"x" * 8_193) + END, id="long field"),
        pytest.param(
            KIND, B + b"\r\nContent-Disposition: form-data\r\n" + END, id="no end of head"
        ),
        pytest.param(KIND, B + b"\r\n" + b"X: y\r\n" * 500 + b"\r\n\r\n" + END, id="long head"),
        pytest.param(KIND, TOKEN * 300 + END, id="many parts"),
    ],
)
def test_anything_else_is_refused(kind: str, body: bytes) -> None:
    with pytest.raises(Problem) as refused:
        read_upload(kind, body)
    assert (refused.value.status, refused.value.code) == (400, "bad_form")

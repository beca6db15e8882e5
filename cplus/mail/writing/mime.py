"""The parts of a mail that goes out, put together without holding its files more than once.

Texts are quoted-printable and files base64, so all lines are short ASCII whatever is in them, and
no line of a content can be one of our boundaries: those have `=_`, which neither writes.
"""

from __future__ import annotations

import io
import re
import unicodedata
from base64 import encodebytes
from binascii import b2a_qp
from codecs import getincrementaldecoder
from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

from cplus.errors import InvalidInput
from cplus.mail.text import one_line
from cplus.mail.writing.model import SIZE_LIMIT, OutgoingFile
from cplus.wording import worded

_AT_ONCE: Final = 57 * 4096  # bytes of a file that are encoded at once: whole lines
_LINE: Final = 57  # bytes in a line of base64
# No program between here and the reader then changes a line that begins so.
_CHANGED: Final = re.compile(rb"^(?:\.(?=[^\r]{0,73}\r)|F(?=rom [^\r]{0,69}\r))", re.MULTILINE)
_TYPE: Final = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,79}/[a-z0-9][a-z0-9!#$&^_.+-]{0,79}")
_BINARY: Final = "application/octet-stream"
_SHOWN: Final = {"image/png", "image/jpeg", "image/gif", "image/webp"}
_CID: Final = re.compile(r"[a-z0-9][a-z0-9._+-]{0,99}(?:@[a-z0-9.-]{1,99})?", re.IGNORECASE)
_NAME_LIMIT: Final = 120
_ENDING: Final = re.compile(r"\.\w{1,10}\Z")
_NO_NAME: Final = re.compile(r'[/\\:*?"<>|]+')
_UNSEEN: Final = re.compile("[\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_SEGMENT: Final = 54  # characters of a name in one line


class _Encoded:
    """A file's bytes in base64: counted before they are encoded, and encoded a piece at a time."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def __len__(self) -> int:
        size = len(self.data)
        return -(-size // 3) * 4 + -(-size // _LINE) * 2

    def write_to(self, out: io.BytesIO) -> None:
        """Writes it in lines of 76 characters."""
        view = memoryview(self.data)
        out.writelines(
            encodebytes(view[at : at + _AT_ONCE]).replace(b"\n", b"\r\n")
            for at in range(0, len(view), _AT_ONCE)
        )


Pieces = list[bytes | _Encoded]
"""A part of a mail: its headers, an empty line, its content."""


def text_part(kind: str, text: str) -> Pieces:
    """A text in UTF-8, `plain` or `html`."""
    head = f'Content-Type: text/{kind}; charset="utf-8"\r\n'
    encoded = b2a_qp(f"{text}\n".replace("\n", "\r\n").encode("utf-8"), istext=True)
    safe = _CHANGED.sub(lambda found: b"=%02X" % ord(found[0]), encoded)
    return [f"{head}Content-Transfer-Encoding: quoted-printable\r\n\r\n".encode("ascii"), safe]


def multipart(kind: str, mark: str, parts: Sequence[Pieces]) -> Pieces:
    """Parts put together; one alone stays as it is. `mark` tells this mail's boundaries apart."""
    if len(parts) == 1:
        return parts[0]
    boundary = f"=_{kind}_{mark}"
    leads = '; type="multipart/alternative"' if kind == "related" else ""
    head = f'Content-Type: multipart/{kind}{leads};\r\n boundary="{boundary}"\r\n\r\n'
    pieces: Pieces = [head.encode("ascii")]
    for part in parts:
        pieces += [f"--{boundary}\r\n".encode("ascii"), *part, b"\r\n"]
    return [*pieces, f"--{boundary}--\r\n".encode("ascii")]


def is_shown(file: OutgoingFile) -> bool:
    """Whether programs show the file within the mail: a picture with a valid Content-ID."""
    return file.content_type.lower() in _SHOWN and bool(_CID.fullmatch(file.cid or ""))


def file_part(file: OutgoingFile, *, shown: bool = False) -> Pieces:
    """A file, shown within the mail or attached to it.

    Its name is given as RFC 2231 wants it, and in ASCII for programs that do not read that.
    """
    name = file_name(file)
    lines = [f"Content-Type: {_content_type(file)};", f' name="{_ascii(name)}"']
    lines.append(f"Content-Disposition: {'inline' if shown else 'attachment'};")
    lines += _rfc2231(name)
    if shown:
        lines.append(f"Content-ID: <{file.cid}>")
    lines += ["Content-Transfer-Encoding: base64", "", ""]
    return ["\r\n".join(lines).encode("ascii"), _Encoded(file.data)]


def file_name(file: OutgoingFile) -> str:
    """The name as its reader gets it: one line, no path, nothing unseen; the ending stays."""
    plain = _NO_NAME.sub("_", _UNSEEN.sub("", one_line(file.name))).strip(". ")
    ending = found[0] if (found := _ENDING.search(plain)) else ""
    stem = plain.removesuffix(ending)[: _NAME_LIMIT - len(ending)].strip(". ")
    return f"{stem or 'file'}{ending}"


def size(pieces: Pieces) -> int:
    """The bytes that they will be, before anything is encoded."""
    return sum(map(len, pieces))


def raw(pieces: Pieces) -> bytes:
    """The mail; raises InvalidInput if SES does not take one as large."""
    if size(pieces) > SIZE_LIMIT:
        limit = SIZE_LIMIT // 1024**2
        raise InvalidInput(
            reason=worded("the mail is larger than %(most)s MB with its files encoded", most=limit)
        )
    out = io.BytesIO()
    for piece in pieces:
        if isinstance(piece, bytes):
            out.write(piece)
        else:
            piece.write_to(out)
    return out.getvalue()


def _content_type(file: OutgoingFile) -> str:
    kind = file.content_type.strip().lower()
    # RFC 2046 allows no base64 for a mail in a mail; as a file it arrives byte for byte.
    if not _TYPE.fullmatch(kind) or kind.startswith(("message/", "multipart/")):
        return _BINARY
    return f'{kind}; charset="utf-8"' if kind.startswith("text/") and _is_utf8(file) else kind


def _is_utf8(file: OutgoingFile) -> bool:
    decoder, view = getincrementaldecoder("utf-8")(), memoryview(file.data)
    try:
        for at in range(0, len(view), _AT_ONCE):
            decoder.decode(view[at : at + _AT_ONCE])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _ascii(name: str) -> str:
    bare = (char for char in unicodedata.normalize("NFKD", name) if not unicodedata.combining(char))
    plain = "".join(bare).encode("ascii", "replace").decode("ascii")
    kept = re.sub(r"[^ -~]|[\"\\]", "_", re.sub(r"\?+", "_", plain))
    ending = found[0] if (found := _ENDING.search(kept)) else ""
    return kept.removesuffix(ending)[: _SEGMENT - len(ending)] + ending


def _rfc2231(name: str) -> list[str]:
    if name.isascii() and len(name) <= _SEGMENT and "=?" not in name and "\\" not in name:
        return [f' filename="{name}"']
    segments = [""]
    for char in name:  # none is split over two lines: some programs decode each for itself
        escaped = quote(char.encode("utf-8"), safe="")
        if len(segments[-1]) + len(escaped) > _SEGMENT:
            segments.append("")
        segments[-1] += escaped
    segments[0] = f"utf-8''{segments[0]}"
    if len(segments) == 1:
        return [f" filename*={segments[0]}"]
    lines = [f" filename*{number}*={segment};" for number, segment in enumerate(segments)]
    return [*lines[:-1], lines[-1].removesuffix(";")]

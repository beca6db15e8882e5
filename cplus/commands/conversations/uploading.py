"""A file that comes in pieces, before the form that it goes with.

No row says that it is there: what is known of it is handed to the browser, which brings it back.
Each piece is a sealed object in a folder whose objects a rule of the bucket ends after two days.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from cplus.commands.files import Files
from cplus.envelopes import Stored
from cplus.errors import InvalidInput, ObjectBroken
from cplus.ids import random_id
from cplus.mail.parts.names import safe_name
from cplus.wording import worded

MAX_BYTES: Final = 25 * 1024 * 1024
"""Of all files of a mail: SES takes 40 MB, in Base64 and with the text."""
PIECE: Final = 3 * 1024 * 1024
"""Bytes of each piece but the last: Lambda takes 6 MB, and gets them in Base64."""
LIFE: Final = timedelta(hours=24)
_LONGEST_TYPE: Final = 100


@dataclass(frozen=True, slots=True)
class Uploaded:
    """A file of which pieces are there, from its beginning."""

    id: str
    name: str
    """Safe to show and to save under."""
    content_type: str
    """As the browser guesses it."""
    size: int
    """Bytes of the whole file."""
    until: int
    """When it is over, in seconds since 1970."""
    pieces: tuple[Stored, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether no piece is missing."""
        return len(self.pieces) * PIECE >= self.size


def begun(name: str, content_type: str, size: str, now: datetime) -> Uploaded:
    """A file of which no piece is there; raises InvalidInput for none, and one that is too large
    for any mail."""
    bytes_ = int(size) if size.isascii() and size.isdigit() and len(size) < 16 else 0
    if not bytes_:
        raise InvalidInput(reason=worded("this file is empty"))
    if bytes_ > MAX_BYTES:
        raise InvalidInput(
            reason=worded("all files of a mail can be up to %(most)s MB", most=MAX_BYTES // 2**20)
        )
    until = int((now + LIFE).timestamp())
    kind = content_type[:_LONGEST_TYPE]
    return Uploaded(random_id(12), safe_name(name) or "file", kind, bytes_, until)


async def with_piece(shop: str, file: Uploaded, number: str, data: bytes, files: Files) -> Uploaded:
    """The file with its next piece, stored for this shop alone. Sent again, a piece is stored
    again, and the object from before opens for nobody.

    Raises InvalidInput for another piece than the next.
    """
    if number != str(len(file.pieces)) or file.whole:
        raise InvalidInput(reason=worded("the pieces of this file came in another order"))
    if len(data) != min(PIECE, file.size - len(file.pieces) * PIECE):
        raise InvalidInput(reason=worded("a piece of this file has another size than it should"))
    return replace(file, pieces=(*file.pieces, await files.put_piece(shop, data)))


async def put_together(shop: str, file: Uploaded, files: Files) -> bytes:
    """The bytes of a file that is whole; raises InvalidInput if a piece is not there any more."""
    data = bytearray()
    for piece in file.pieces:
        try:
            data += await files.get_piece(shop, piece)
        except (KeyError, ObjectBroken):
            raise InvalidInput(
                reason=worded("%(name)s is not there any more; choose it again", name=file.name)
            ) from None
    return bytes(data)

"""Links to the files of messages. Such a link needs no session, because a frame of strangers' HTML
has none: it opens one file of one message of one shop, and that for 15 minutes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from cplus.errors import CplusError, InvalidSignature
from cplus.signing import Signer

LIFE: Final = 15 * 60
"""Seconds."""

ORIGINAL: Final = "original"
"""In place of a file's id: the mail as it came."""

Way = Literal["save", "show", "small", "frame", "remote"]
"""As a download; in the browser (pictures); as a small picture; the HTML of the mail in a frame of
its own, without pictures from elsewhere and with them."""

_KIND: Final = "file"


class LinkOver(CplusError):
    """The link is over."""

    def __init__(self, link: FileLink) -> None:
        super().__init__()
        self.link = link


@dataclass(frozen=True, slots=True)
class FileLink:
    """What a link opens."""

    shop: str
    message_id: str
    file: str
    way: Way


@dataclass(frozen=True, slots=True)
class FileLinks:
    """Makes and reads them."""

    signer: Signer

    def address(self, shop: str, message_id: str, file: str, way: Way = "save") -> str:
        """The address, a path."""
        told = {"shop": shop, "message": message_id, "file": file, "way": way}
        return f"/files/{self.signer.sign(_KIND, LIFE, **told)}"

    def read(self, value: str) -> FileLink:
        """What the link opens; raises InvalidSignature, and LinkOver."""
        held = self.signer.read_ended(_KIND, value)
        link = FileLink(held["shop"], held["message"], held["file"], held["way"])
        try:
            self.signer.read(_KIND, value)
        except InvalidSignature:
            raise LinkOver(link) from None
        return link

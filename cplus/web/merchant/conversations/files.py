"""The files of messages: by links that need no session and are soon over, and by addresses that
last and need one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final
from urllib.parse import quote

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.responses import Response

from cplus.consumers.mail.message_files import MessageFile
from cplus.errors import InvalidSignature
from cplus.mail import PICTURES, Formatted
from cplus.web.kit.built import built
from cplus.web.kit.deps import BridgeDep, FileLinksDep, MessageFilesDep, PagesDep
from cplus.web.kit.file_links import ORIGINAL, FileLink, LinkOver
from cplus.web.kit.frame import framing
from cplus.web.kit.pages import PIECE
from cplus.web.kit.signed_in import MerchantDep, see_other
from cplus.web.merchant.conversations.addresses import MessageIdDep

router = APIRouter()

_MOST_PIECES: Final = 1_000
_ALONE: Final = "default-src 'none'; sandbox; frame-ancestors 'none'; base-uri 'none'"
_FRAMED: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "sandbox allow-popups allow-popups-to-escape-sandbox; img-src 'self'"
)
_SAVED_AS: Final = PICTURES | {"application/pdf", "application/zip"}
_NOTHING: Final = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010804000000b51c0c020000000b4944415478da6364"
    "f80f00010501012718e3660000000049454e44ae426082"
)
"""A picture of one transparent pixel, in place of a small one that cannot be made."""


@router.get("/messages/{message_id}/files/{file_id}")
async def lasting(
    links: FileLinksDep,
    files: MessageFilesDep,
    me: MerchantDep,
    message_id: MessageIdDep,
    file_id: str,
) -> Response:
    """Leads to a file by a new link; exports name such addresses."""
    if file_id == ORIGINAL:
        known = await files.message(me.shop, message_id) is not None
    else:
        known = await files.file(me.shop, message_id, file_id) is not None
    if not known:
        raise HTTPException(404)
    return see_other(links.address(me.shop, message_id, file_id))


@dataclass(frozen=True, slots=True)
class Answering:
    """What answers a link."""

    request: Request
    pages: PagesDep
    files: MessageFilesDep
    links: FileLinksDep
    bridge: BridgeDep

    async def save(self, link: FileLink, piece: int | None) -> Response:
        """The file as a download, or one piece of it; for one that is larger than an answer, the
        page that puts its pieces together."""
        if link.file == ORIGINAL:
            async with self.files.original(link.shop, link.message_id) as raw:
                if raw is None:
                    raise HTTPException(404)
                original = MessageFile(
                    ORIGINAL, "original.eml", "message/rfc822", len(raw), None, False
                )
                return self._saved(original, raw, piece)
        async with self.files.opened(link.shop, link.message_id, link.file) as found:
            if found is None:
                raise HTTPException(404)
            return self._saved(*found, piece)

    def _saved(self, file: MessageFile, data: bytes, piece: int | None) -> Response:
        count = -(-len(data) // PIECE)
        if piece is None and count > 1:
            return self.pages.render("conversation/large_file.html", file=file, count=count)
        if piece is not None and piece >= max(1, count):
            raise HTTPException(404)
        name = file.name if piece is None else f"{file.name}.part{piece + 1}"
        start = (piece or 0) * PIECE
        self.request.state.policy = _ALONE
        # Text would go through Lambda as JSON, in up to six times its size.
        is_known = piece is None and file.content_type in _SAVED_AS
        kind = file.content_type if is_known else "application/octet-stream"
        return _answer(data[start : start + PIECE], kind, f"attachment; {_named(name)}")

    async def show(self, link: FileLink) -> Response:
        """A picture as it is; of anything else the download."""
        async with self.files.opened(link.shop, link.message_id, link.file) as found:
            if found is None:
                raise HTTPException(404)
            file, data = found
            if file.content_type not in PICTURES or len(data) > PIECE:
                return self._saved(file, data, None)
            self.request.state.policy = _ALONE
            return _answer(data, file.content_type, f"inline; {_named(file.name)}")

    async def small(self, link: FileLink) -> Response:
        """A picture made small."""
        made = await self.files.small(link.shop, link.message_id, link.file)
        self.request.state.policy = _ALONE
        return _answer(*(made or (_NOTHING, "image/png")), "inline")

    async def frame(self, link: FileLink, *, remote: bool) -> Response:
        """The HTML of the mail, for a frame."""

        def picture(file: str) -> str:
            return self.links.address(link.shop, link.message_id, file, "show")

        found = await self.files.formatted(
            link.shop, link.message_id, picture=picture, remote=remote
        )
        return self._framed(link, found, remote=remote)

    def over(self, link: FileLink) -> Response:
        """Says that the link is over, and how to get another one."""
        if link.way in ("frame", "remote"):
            return self._framed(link, None, status=410)
        return self.pages.render("conversation/link_over.html", status=410, link=link)

    def _framed(
        self,
        link: FileLink,
        found: Formatted | None,
        *,
        remote: bool = False,
        status: int = 200,
    ) -> Response:
        ancestors = framing(self.bridge, link.shop).ancestors
        elsewhere = " https: http:" if remote else ""
        self.request.state.policy = f"{_FRAMED}{elsewhere}; frame-ancestors 'self' {ancestors}"
        return self.pages.render(
            "conversation/frame.html",
            status=status,
            found=found,
            over=status != 200,
            remote=remote,
            with_remote=self.links.address(link.shop, link.message_id, link.file, "remote"),
        )


@router.get("/files/{value}")
async def linked(
    answering: Annotated[Answering, Depends(built(Answering))],
    value: str,
    piece: Annotated[int | None, Query(ge=0, le=_MOST_PIECES)] = None,
) -> Response:
    """What a link opens."""
    try:
        link = answering.links.read(value)
    except InvalidSignature:
        raise HTTPException(404) from None
    except LinkOver as over:
        return answering.over(over.link)
    if link.way in ("frame", "remote"):
        return await answering.frame(link, remote=link.way == "remote")
    if link.way == "small":
        return await answering.small(link)
    if link.way == "show":
        return await answering.show(link)
    return await answering.save(link, piece)


def _answer(data: bytes, content_type: str, disposition: str) -> Response:
    return Response(data, media_type=content_type, headers={"Content-Disposition": disposition})


def _named(name: str) -> str:
    """The name as RFC 6266 wants it: in ASCII for old programs, and as it is."""
    plain = "".join(c if c.isascii() and c.isprintable() and c not in '"\\%' else "_" for c in name)
    encoded = quote(name.encode("utf-8", "replace"), safe="")
    return f"filename=\"{plain}\"; filename*=UTF-8''{encoded}"

"""Forms as they come in: read strictly, and only when they are the session's own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Final, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from fastapi import HTTPException, Request
from starlette.formparsers import MultiPartException

from cplus.errors import InvalidShop
from cplus.ids import random_id
from cplus.shopify.hosts import shop_host
from cplus.web.kit.auth import Session, Signatures
from cplus.web.kit.deps import AppUrlDep
from cplus.web.kit.i18n import gettext as _


class FormOfOtherShop(Exception):
    """A form that says it was made for another shop than the browser is signed in to now."""

    def __init__(self, shop: str) -> None:
        super().__init__(shop)
        self.shop = shop


_MOST_FILES: Final = 30
"""Of a form; how many a mail takes is for its command to say."""
_KEY: Final = re.compile(r"[a-z0-9]{16,40}")


_MOST_FIELDS: Final = 20


async def read_form(request: Request, most: int = _MOST_FIELDS) -> Mapping[str, str]:
    """The fields of a form, `most` at most; of a field that stands twice, the last. 400 for what is
    no form."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise HTTPException(400, _("This form isn’t valid."))
    try:
        pairs = parse_qsl(
            (await request.body()).decode("ascii", "replace"),
            keep_blank_values=True,
            errors="replace",
            max_num_fields=most,
        )
    except ValueError:
        raise HTTPException(400, _("This form isn’t valid.")) from None
    return dict(pairs)


class Sent(NamedTuple):
    """A file that came with a form."""

    name: str
    """As the browser calls it."""
    content_type: str
    """As the browser guesses it."""
    data: bytes


async def own_form_with_files(
    request: Request, signatures: Signatures, session: Session
) -> tuple[Mapping[str, str], list[Sent]]:
    """As `own_form`, of a form that may bring files. A field in which none was chosen is left
    out."""
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        return await own_form(request, signatures, session), []
    fields, files = dict[str, str](), list[Sent]()
    try:
        async with request.form(max_files=_MOST_FILES, max_fields=60) as form:
            for name, value in form.multi_items():
                if isinstance(value, str):
                    fields[name] = value
                elif value.filename:
                    kind = value.content_type or ""
                    files.append(Sent(value.filename, kind, await value.read()))
    except MultiPartException:
        raise HTTPException(400, _("This form isn’t valid.")) from None
    return _own(fields, signatures, session), files


async def own_site(request: Request, app_url: AppUrlDep) -> None:
    """403 for a form that a page of another host sent. For forms that need no session, and so
    carry no token of one. Browsers name the page's origin (Fetch Standard); programs need not."""
    origin = request.headers.get("origin")
    if origin is None:
        return
    # A proxy in front may name the app otherwise than browsers do.
    own = {request.headers.get("host", "").lower(), urlsplit(app_url).netloc.lower()}
    if origin.lower().partition("://")[2] not in own - {""}:
        raise HTTPException(403, _("This form was sent by another site."))


async def own_form(
    request: Request, signatures: Signatures, session: Session, *, most: int = _MOST_FIELDS
) -> Mapping[str, str]:
    """The fields of a form of this session; 403 when another site, or another session, made it,
    and FormOfOtherShop if it says that it was made for another shop.

    A form that brings an id token in its `Authorization` needs no token of ours: browsers add
    that header to no request by themselves, so no other site can have it sent.
    """
    return _own(await read_form(request, most), signatures, session)


def _own(fields: Mapping[str, str], signatures: Signatures, session: Session) -> Mapping[str, str]:
    if session.brought:
        return fields
    given = fields.get("csrf", "")
    if not signatures.same_form_token(session, given):
        with suppress(InvalidShop):
            other = shop_host(given.partition(".")[2])
            if session.shop and other != session.shop:
                raise FormOfOtherShop(other)
        raise HTTPException(403, _("This form is out of date. Reload the page and try again."))
    return fields


def new_key() -> str:
    """The key of a form: the same for every time that one form is sent."""
    return random_id(26)


def form_key(fields: Mapping[str, str]) -> str:
    """The key of the form that came in; answers 400 if it is missing or malformed."""
    key = fields.get("key", "")
    if not _KEY.fullmatch(key):
        raise HTTPException(400, _("This form is incomplete. Reload the page and try again."))
    return key

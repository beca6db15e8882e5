"""Shopify-managed installation: the Admin asks for consent by itself and opens the app, which gets
its tokens for the id token of the first document.

Source: Shopify's pages on managed installation and on token exchange.
"""

from __future__ import annotations

import structlog
from fastapi import Request
from fastapi.responses import Response

from cplus.commands import installs
from cplus.errors import AuthFailed, ShopifyError, ShopifyRefused
from cplus.projections.queries import Shop
from cplus.web.embedded.requests import (
    BOUNCED,
    Frame,
    TokenNeeded,
    framing,
)
from cplus.web.kit.auth import Session
from cplus.web.kit.deep_links import wanted_page
from cplus.web.kit.deps import bridge_of, installs_of, pages_of

log = structlog.get_logger()


class NotGranted(Exception):
    """Shopify gave the app no tokens for the shop."""

    def __init__(self, shop: str, *, refused: bool) -> None:
        super().__init__(shop, refused)
        self.shop = shop
        self.refused = refused
        """Whether Shopify said no; otherwise it didn't respond as expected."""


async def ensure_installed(request: Request, session: Session, row: Shop | None) -> None:
    """Installs the app if the shop has no tokens that work: at an authorised document, which
    Shopify opens only where the merchant consented.

    Raises TokenNeeded (once, for a fresh token) and NotGranted. A shop whose installation is
    known is shown without: mail is read and answered without Shopify.
    """
    brought = session.brought
    if brought is None or not brought.document:
        return
    use = await installs_of(request)
    known = row is not None and row.uninstalled_at is None
    if known and await use.credentials.usable(session.shop):
        return
    said = {"shop": session.shop, "way": "token exchange"}
    try:
        await installs.install_by_token(
            session.shop, brought.token, said=said, actor=session.actor, use=use
        )
    except ShopifyError as error:
        log.warning("install_failed", error=type(error).__name__)
        refused = isinstance(error, ShopifyRefused | AuthFailed)
        if refused and BOUNCED not in request.query_params:
            raise TokenNeeded(session.shop) from None  # it may have been over on its way
        if not known or refused:
            raise NotGranted(session.shop, refused=refused) from None


async def not_granted(request: Request, error: Exception) -> Response:
    """Says what to do, in the frame."""
    assert isinstance(error, NotGranted)  # noqa: S101  Starlette's type is the base
    bridge, pages = await bridge_of(request), await pages_of(request)
    request.state.framing = framing(bridge, error.shop)
    return pages.render(
        "not_granted.html",
        status=403 if error.refused else 502,
        frame=Frame(error.shop, bridge, wanted_page(request)),
        refused=error.refused,
    )

"""Optional scopes: from the page that needs one to where the merchant grants it.

In the Admin's frame, App Bridge asks (`static/scopes.js`). The link leads to Shopify's own page,
for a window of its own and where App Bridge or JavaScript is missing.
"""

from __future__ import annotations

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response

from cplus.errors import InvalidShop
from cplus.shopify.oauth import grant_url
from cplus.web.kit.deps import HandshakeDep, bridge_of
from cplus.web.kit.i18n import gettext as _
from cplus.web.kit.signed_in import see_other

router = APIRouter()


@router.get("/auth/scopes")
async def scopes(
    request: Request, handshake: HandshakeDep, shop: str = "", scope: str = ""
) -> Response:
    """Sends the merchant to Shopify to grant one optional scope, or to decline it."""
    if scope not in (await bridge_of(request)).optional_scopes:
        raise HTTPException(400)
    try:
        return see_other(grant_url(handshake.app, shop, [scope]))
    except InvalidShop:
        raise HTTPException(400, _("That isn’t a shop’s address.")) from None

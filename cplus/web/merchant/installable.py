"""What a browser needs to put the app on a home screen: an iPhone or iPad tells of new messages
only apps that stand there (WebKit, "Web Push for Web Apps on iOS and iPadOS")."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from cplus.shopify.hosts import shop_host
from cplus.web.kit.deps import PagesDep
from cplus.web.kit.i18n import language

router = APIRouter()

_COLOUR: Final = "#0f6b58"  # of the mark
_SIZES: Final = (192, 512)  # pixels; what Chromium asks for before it offers to install


@router.get("/manifest.webmanifest")
async def manifest(pages: PagesDep, shop: str = "") -> JSONResponse:
    """The manifest (W3C, Web Application Manifest). Browsers ask for it without cookies, so the
    page says for which shop: who opens the app from the home screen and is signed out is led to
    that shop's sign-in. Raises InvalidShop for an address that is none."""
    start = f"/inbox?{urlencode({'shop': shop_host(shop)})}" if shop else "/inbox"
    told = {
        "id": "/",
        "name": "Conversations Plus",
        "short_name": "Conversations",
        "lang": language(),
        "start_url": start,
        "scope": "/",
        "display": "standalone",
        "background_color": "#ffffff",
        "theme_color": _COLOUR,
        "icons": [
            {
                "src": pages.address(f"icon-{size}.png"),
                "sizes": f"{size}x{size}",
                "type": "image/png",
                "purpose": "any maskable",  # the mark keeps within a maskable icon's safe zone
            }
            for size in _SIZES
        ],
    }
    return JSONResponse(told, media_type="application/manifest+json")

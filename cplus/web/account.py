"""What the shop pays, and what the app knows of the shop."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from cplus.shopify.hosts import shop_name
from cplus.web.deps import MerchantDep, WebDep

router = APIRouter()


@router.get("/billing")
async def billing(web: WebDep, me: MerchantDep) -> HTMLResponse:
    """The shop's subscriptions to the app."""
    found = await web.queries.billing(me.shop)
    current = next((one for one in found if one.status == "active"), None)
    return web.pages.render(
        "billing.html",
        me=me,
        section="billing",
        current=current,
        others=[one for one in found if one is not current],
    )


@router.get("/settings")
async def settings(web: WebDep, me: MerchantDep) -> HTMLResponse:
    """Facts of the shop, its mail address here, and how far its customers are imported."""
    domain = web.parts.settings.mail_domain
    return web.pages.render(
        "settings.html",
        me=me,
        section="settings",
        shop=me.row,
        address=f"{shop_name(me.shop)}@{domain}" if domain else None,
        counts=await web.queries.counts(me.shop),
    )

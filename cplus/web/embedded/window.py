"""From the Admin's frame into a window of its own."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlencode

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import JSONResponse

from cplus.commands import sessions
from cplus.web.kit.deep_links import own_page
from cplus.web.kit.deps import SignaturesDep, SignerDep
from cplus.web.kit.forms import own_form
from cplus.web.kit.i18n import gettext as _
from cplus.web.kit.signed_in import MerchantDep

router = APIRouter()


@router.post("/window")
async def window(
    request: Request, me: MerchantDep, signatures: SignaturesDep, signer: SignerDep
) -> JSONResponse:
    """The address of a link that signs the same person in to the same page, once. Only in the
    frame: a session of its own makes no further ones."""
    fields = await own_form(request, signatures, me.session)
    if me.frame is None:
        raise HTTPException(403, _("This is only for pages inside Shopify’s Admin."))
    # What they are called is found by their id: it needs to stand in no address.
    actor = replace(me.actor, called="")
    token = sessions.link_token(me.shop, actor, signer=signer)
    query = urlencode({"token": token, "next": own_page(fields.get("next", ""))})
    return JSONResponse({"address": f"/auth/sign-in?{query}"})

"""Until when an order counts as bought after a conversation. The form stands on the page of all
settings."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import Response

from cplus.commands.mail_settings import set_lead_days
from cplus.errors import InvalidInput
from cplus.web.kit.deps import ConversationsDep, SignaturesDep
from cplus.web.kit.forms import form_key, own_form
from cplus.web.kit.signed_in import MerchantDep, see_other

router = APIRouter(prefix="/settings/leads")

_PAGE: Final = "/settings"
_DIGITS: Final = 4
_KEPT: Final = 12
"""Characters of what was typed that the form shows again."""


@router.get("")
async def again(_me: MerchantDep) -> Response:
    """For who loads the address of the form again."""
    return see_other(f"{_PAGE}#h-leads")


@router.post("")
async def save(
    request: Request, signatures: SignaturesDep, use: ConversationsDep, me: MerchantDep
) -> Response:
    """Saves the days, once for each form however often it is sent."""
    fields = await own_form(request, signatures, me.session)
    typed = fields.get("days", "").strip()
    days = int(typed) if typed.isascii() and typed.isdigit() and len(typed) <= _DIGITS else 0
    try:
        await set_lead_days(
            me.shop, days, key=form_key(fields), source="dashboard", actor=me.actor, use=use
        )
    except InvalidInput:
        told = urlencode({"leads": "refused", "typed": typed[:_KEPT]})
        return see_other(f"{_PAGE}?{told}#h-leads")
    return see_other(f"{_PAGE}?leads=saved#h-leads")

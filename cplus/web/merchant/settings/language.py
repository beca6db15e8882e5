"""The language that a member of staff chose for pages in a window of their own. Inside Shopify's
Admin pages speak the language of the Admin."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from cplus.web.kit.cookies import LANGUAGE
from cplus.web.kit.deps import CookiesDep, SignaturesDep
from cplus.web.kit.forms import own_form
from cplus.web.kit.i18n import LANGUAGES
from cplus.web.kit.signed_in import MerchantDep, see_other

router = APIRouter(prefix="/settings/language")

_KEPT: Final = 400 * 24 * 3_600  # seconds: browsers keep no cookie for longer


@router.get("")
async def again(_me: MerchantDep) -> Response:
    """For who loads the address of the form again."""
    return see_other("/settings")


@router.post("")
async def choose(
    request: Request, signatures: SignaturesDep, cookies: CookiesDep, me: MerchantDep
) -> Response:
    """Keeps the choice in this browser; the one for the browser's own language takes it back."""
    chosen = (await own_form(request, signatures, me.session)).get("language", "")
    answer = see_other("/settings")
    if chosen in LANGUAGES:
        cookies.give(answer, LANGUAGE, chosen, seconds=_KEPT)
    else:
        cookies.drop(answer, LANGUAGE)
    return answer

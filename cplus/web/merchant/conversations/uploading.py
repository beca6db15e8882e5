"""Takes the files of a reply, in pieces, while it is being written."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import JSONResponse

from cplus.commands.conversations.uploading import begun, with_piece
from cplus.errors import InvalidInput, InvalidSignature
from cplus.web.kit.deps import ClockDep, ConversationsDep, SignaturesDep, UploadTokensDep
from cplus.web.kit.forms import form_key, own_form_with_files
from cplus.web.kit.i18n import translated
from cplus.web.kit.signed_in import MerchantDep
from cplus.web.kit.text import refusal
from cplus.web.kit.upload_tokens import OwnForm
from cplus.wording import worded

router = APIRouter(prefix="/api")

_OVER: Final = worded("This file was chosen too long ago, or for another form. Choose it again.")


@router.post("/uploads")
async def upload(
    request: Request,
    signatures: SignaturesDep,
    tokens: UploadTokensDep,
    use: ConversationsDep,
    clock: ClockDep,
    me: MerchantDep,
) -> JSONResponse:
    """Stores the next piece of a file, and answers the token to send with the one after it; the
    token of a file that is whole goes with the form."""
    fields, sent = await own_form_with_files(request, signatures, me.session)
    form, token = OwnForm(me.shop, str(me.actor), form_key(fields)), fields.get("token", "")
    if use.files is None:
        raise HTTPException(404)
    try:
        if token:
            file = tokens.read(form, token)
        else:
            name, kind, size = (fields.get(one, "") for one in ("name", "type", "size"))
            file = begun(name, kind, size, clock())
        piece = sent[0].data if len(sent) == 1 else b""
        file = await with_piece(me.shop, file, fields.get("number", ""), piece, use.files)
    except InvalidSignature:
        return JSONResponse({"reason": translated(_OVER)}, 410)
    except InvalidInput as error:
        return JSONResponse({"reason": refusal(error)}, 422)
    return JSONResponse({"token": tokens.token(form, file), "whole": file.whole})

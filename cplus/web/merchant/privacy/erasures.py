"""Erasures: what was destroyed, and the certificate that proves it."""

from __future__ import annotations

import re
from typing import Annotated, Final

from fastapi import APIRouter, Depends, HTTPException
from fastapi.responses import HTMLResponse, Response

from cplus.privacy.certificates import Certificate
from cplus.projections.queries import Erasure
from cplus.web.kit.deps import CertificatesDep, PagesDep, QueriesDep
from cplus.web.kit.i18n import gettext as _
from cplus.web.kit.pages import links
from cplus.web.kit.signed_in import MerchantDep

router = APIRouter(prefix="/privacy/erasures")

_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")


async def _erasure(queries: QueriesDep, me: MerchantDep, erasure: str) -> Erasure:
    """The erasure of an address; 404 for one that the shop does not have."""
    found = await queries.erasure(me.shop, erasure) if _ID.fullmatch(erasure) else None
    if found is None:
        raise HTTPException(404)
    return found


ErasureDep = Annotated[Erasure, Depends(_erasure)]


async def _certificate(
    certificates: CertificatesDep, me: MerchantDep, erasure: ErasureDep
) -> Certificate | None:
    """Its certificate; None until it is complete."""
    if erasure.completed_at is None:
        return None
    return await certificates.of(me.shop, erasure.id)


CertificateDep = Annotated[Certificate | None, Depends(_certificate)]


@router.get("")
async def erasures(
    pages: PagesDep, queries: QueriesDep, me: MerchantDep, cursor: str | None = None
) -> HTMLResponse:
    """A page of erasures, the newest first."""
    page = await queries.erasures(me.shop, cursor)
    following = links("/privacy/erasures", cursor, page.next)
    return pages.render("privacy/erasures.html", me=me, section="privacy", page=page, **following)


@router.get("/{erasure}")
async def erasure(
    pages: PagesDep, me: MerchantDep, erasure: ErasureDep, certificate: CertificateDep
) -> HTMLResponse:
    """What was destroyed, when, and where the log says so."""
    return pages.render(
        "privacy/erasure.html", me=me, section="privacy", erasure=erasure, certificate=certificate
    )


@router.get("/{erasure}/certificate")
async def certificate(erasure: ErasureDep, certificate: CertificateDep) -> Response:
    """The certificate as a file. It names nobody: a person is a random id."""
    if certificate is None:
        raise HTTPException(404, _("There is no certificate until the erasure is complete."))
    name = f"erasure-{erasure.id}.json"
    return Response(
        certificate.to_json(),
        media_type="application/json",
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
        },
    )

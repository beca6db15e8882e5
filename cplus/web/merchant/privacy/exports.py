"""What is kept about a person, as files for the person themselves."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, Response

from cplus.commands.exporting import export_person
from cplus.events import names
from cplus.events.catalogue.privacy import ExportFormat
from cplus.privacy.export import Export
from cplus.privacy.export.document import as_json
from cplus.projections.queries import Customer, Queries
from cplus.web.kit.built import built
from cplus.web.kit.deps import (
    AppUrlDep,
    ClockDep,
    ExportsDep,
    GatherDep,
    IsKnownDep,
    PagesDep,
    QueriesDep,
    SignaturesDep,
)
from cplus.web.kit.forms import own_form
from cplus.web.kit.i18n import gettext as _
from cplus.web.kit.signed_in import Merchant, MerchantDep, see_other

router = APIRouter(prefix="/privacy/people")

_PERSON: Final = re.compile(r"[a-z0-9]{1,64}")
_NUMBER: Final = re.compile(r"[1-9][0-9]{0,18}")
_MOST: Final = 2**53
_NOT_TOLD: Final = frozenset({"person", "persons", "changed_at", "erased_at", "own_tags"})
"""Fields that say nothing about the person, or only by ids: the names of the shop's own tags stand
in what the log tells."""


async def _person(person: str) -> str:
    """The person of an address; 404 for what cannot be one."""
    if not _PERSON.fullmatch(person):
        raise HTTPException(404)
    return names.person(person)


PersonDep = Annotated[str, Depends(_person)]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which file a form asks for."""

    file: ExportFormat
    request: int | None
    """The request that it answers."""
    after: int
    """The position behind which it begins."""


@router.get("/{person}")
async def prepare(
    pages: PagesDep,
    queries: QueriesDep,
    is_known: IsKnownDep,
    use: ExportsDep,
    me: MerchantDep,
    person: PersonDep,
    request: Annotated[int | None, Query(ge=1, lt=2**63)] = None,
    after: Annotated[int, Query(ge=0, le=_MOST)] = 0,
) -> HTMLResponse:
    """Says what an export holds, and has the buttons that download it: as the answer to a request,
    if one is named."""
    found = await queries.customer(me.shop, person)
    customer = found.customer if found else None
    asked = None if request is None else await queries.data_request(me.shop, request)
    if request is not None and (
        asked is None or asked.person not in await use.all_ids(me.shop, [person])
    ):
        raise HTTPException(404)
    known = customer is not None or await is_known(me.shop, person)
    if not known and asked is None:
        raise HTTPException(404)
    return pages.render(
        "privacy/export.html",
        me=me,
        section="privacy",
        person=names.person_id(person),
        customer=customer,
        parts=found.parts if found else (),
        asked=asked,
        known=known,
        after=after,
    )


@router.get("/{person}/export")
async def again(person: PersonDep, _me: MerchantDep) -> Response:
    """For who loads the address of the form again."""
    return see_other(f"/privacy/people/{names.person_id(person)}")


@dataclass(frozen=True, slots=True)
class Files:
    """Makes the files."""

    pages: PagesDep
    queries: QueriesDep
    gather: GatherDep
    clock: ClockDep
    app_url: AppUrlDep

    async def made(
        self,
        person: str,
        ids: Sequence[str],
        customer: Customer | None,
        wanted: Wanted,
        me: Merchant,
    ) -> Response:
        """The file with what is kept about a person, or the part of it that was asked for."""
        export = await self.gather(me.shop, ids, after=wanted.after)
        if export.erased_at is not None:
            customer = None  # whatever the read model still shows
        rest = self._rest(person, wanted, export)
        now = self.clock()
        if wanted.file == "json":
            told = _profile(customer)
            body = as_json(export, shop=me.shop, now=now, profile=told, rest=rest)
            return Response(body, media_type="application/json")
        return self.pages.render(
            "privacy/export_file.html", me=me, customer=customer, export=export, now=now, rest=rest
        )

    def _rest(self, person: str, wanted: Wanted, export: Export) -> str | None:
        """The page with the button that downloads the next part; None if this is the last."""
        if export.following is None:
            return None
        at = {"request": wanted.request, "after": export.following}
        query = urlencode({name: value for name, value in at.items() if value is not None})
        return f"{self.app_url}/privacy/people/{names.person_id(person)}?{query}"


@router.post("/{person}/export")
async def download(
    request: Request,
    files: Annotated[Files, Depends(built(Files))],
    signatures: SignaturesDep,
    use: ExportsDep,
    me: MerchantDep,
    person: PersonDep,
) -> Response:
    """Records who exports whom, and then answers the file."""
    wanted = _wanted(await own_form(request, signatures, me.session))
    customer = await _customer(files.queries, me.shop, person)
    ids = await export_person(
        me.shop,
        person,
        file=wanted.file,
        actor=me.actor,
        source="dashboard",
        use=use,
        request_id=wanted.request,
    )
    answer = await files.made(person, ids, customer, wanted, me)
    part = f"-{wanted.after}" if wanted.after else ""
    name = f"person-{names.person_id(person)}{part}.{wanted.file}"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _wanted(fields: Mapping[str, str]) -> Wanted:
    return Wanted(
        "json" if fields.get("format") == "json" else "html",
        _number(fields.get("request", "")),
        _number(fields.get("after", "")) or 0,
    )


async def _customer(queries: Queries, shop: str, person: str) -> Customer | None:
    found = await queries.customer(shop, person)
    return found.customer if found else None


def _profile(customer: Customer | None) -> dict[str, Any] | None:
    if customer is None:
        return None
    fields = dataclasses.asdict(customer)
    return {name: value for name, value in fields.items() if name not in _NOT_TOLD}


def _number(text: str) -> int | None:
    """The number in a form's field; None for an empty one. 400 for anything else."""
    if not text:
        return None
    if not _NUMBER.fullmatch(text) or int(text) >= 2**63:
        raise HTTPException(400, _("This form isn’t valid."))
    return int(text)

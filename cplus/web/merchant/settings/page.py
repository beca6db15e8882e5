"""The page of settings for mail, and the forms of its sections."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Annotated, Final

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import HTMLResponse, Response

from cplus.errors import InvalidInput
from cplus.events.aggregates.settings import Limited
from cplus.web.kit.deps import (
    BudgetDep,
    ClockDep,
    ConversationsDep,
    MailDomainDep,
    PagesDep,
    QueriesDep,
    SecretDep,
    SenderDomainsDep,
    SignaturesDep,
)
from cplus.web.kit.forms import form_key, new_key, own_form
from cplus.web.kit.pages import Pages
from cplus.web.kit.signed_in import MerchantDep, see_other
from cplus.web.kit.text import sentence
from cplus.web.merchant.conversations.held import LIMITED
from cplus.web.merchant.settings.auto_reply import AUTO_REPLY
from cplus.web.merchant.settings.hours import HOURS
from cplus.web.merchant.settings.mailboxes import MAILBOXES
from cplus.web.merchant.settings.section import PAGE, Domains, Looking, Section, Sent
from cplus.web.merchant.settings.sender_domain import SENDER_DOMAIN
from cplus.web.merchant.settings.signature import SIGNATURE

router = APIRouter(prefix=PAGE)

SECTIONS: Final[tuple[Section, ...]] = (SIGNATURE, HOURS, AUTO_REPLY, MAILBOXES, SENDER_DOMAIN)
"""In the order of the page."""
_BY_NAME: Final = {section.name: section for section in SECTIONS}
_NOTHING: Final[Mapping[str, str]] = {}


async def _domains(own: SenderDomainsDep, budget: BudgetDep) -> Domains:
    return Domains(own, budget)


DomainsDep = Annotated[Domains, Depends(_domains)]


async def _looking(
    queries: QueriesDep,
    use: ConversationsDep,
    domain: MailDomainDep,
    clock: ClockDep,
    secret: SecretDep,
    me: MerchantDep,
    domains: DomainsDep,
    request: Request,
) -> Looking:
    asked = dict(request.query_params)
    return Looking(me, me.settings, queries, use, domain, clock, secret, domains, asked)


LookingDep = Annotated[Looking, Depends(_looking)]


async def _section(section: str) -> Section:
    if section not in _BY_NAME:
        raise HTTPException(404)
    return _BY_NAME[section]


SectionDep = Annotated[Section, Depends(_section)]


@router.get("")
async def show(pages: PagesDep, at: LookingDep, saved: str = "") -> HTMLResponse:
    """The page; `saved` names the section that was just saved."""
    return await _page(pages, at, saved=saved if saved in _BY_NAME else "")


@router.get("/{section}")
async def again(_me: MerchantDep, section: SectionDep) -> Response:
    """For who loads the address of a form again."""
    return see_other(f"{PAGE}#{section.name}")


@router.post("/{section}")
async def save(
    request: Request,
    pages: PagesDep,
    signatures: SignaturesDep,
    at: LookingDep,
    section: SectionDep,
) -> Response:
    """Saves a section, once for each form however often it is sent."""
    fields = dict(await own_form(request, signatures, at.me.session))
    sent = Sent(fields, form_key(fields))
    try:
        await section.save(at, sent)
    except InvalidInput as error:
        reason = sentence(error.values["reason"])
        wrong = error.values.get("fields", _NOTHING)
        return await _page(pages, at, failed=section.name, reason=reason, sent=sent, wrong=wrong)
    return see_other(f"{PAGE}?saved={section.name}#{section.name}")


def _limited(at: Looking) -> Limited | None:
    """The limit of a day that the shop reached, as long as its mail may wait because of it."""
    limited = at.settings.limited
    return limited if limited and at.clock() - limited.at < LIMITED else None


async def _page(
    pages: Pages,
    at: Looking,
    *,
    saved: str = "",
    failed: str = "",
    reason: str = "",
    sent: Sent | None = None,
    wrong: Mapping[str, str] = _NOTHING,
) -> HTMLResponse:
    """The page; with the reason why a form failed, what was typed in it, and what is wrong with
    which field, if one did."""
    # In the Admin's frame no fragment and no focus leads to the code that a mail's link brings.
    first = MAILBOXES if "code" in at.asked else None
    sections = sorted(SECTIONS, key=lambda section: section is not first)
    shown = await asyncio.gather(*(section.shown(at) for section in sections))
    return pages.render(
        "settings/mail.html",
        status=422 if failed else 200,
        me=at.me,
        section="settings",
        paused=at.settings.paused,
        limited=_limited(at),
        sections=[
            {
                "name": section.name,
                "shown": one,
                "saved": section.name == saved,
                "reason": reason if section.name == failed else "",
                "wrong": wrong if section.name == failed else _NOTHING,
                "typed": sent.fields if sent and section.name == failed else _NOTHING,
            }
            for section, one in zip(sections, shown, strict=True)
        ],
        new_key=new_key,
    )

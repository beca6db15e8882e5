"""The first steps: customers are imported, mail reaches the app, the first reply is written."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response

from cplus.actors import Actor
from cplus.commands.conversations.answering import Conversations
from cplus.commands.setup import announce_test, show_guide
from cplus.mail import shop_address, written_code
from cplus.projections.queries import CustomerImport, Figures, Queries, Setup
from cplus.web.kit.auth import Signatures
from cplus.web.kit.deps import (
    ConversationsDep,
    MailDomainDep,
    PagesDep,
    QueriesDep,
    SignaturesDep,
)
from cplus.web.kit.forms import form_key, new_key, own_form
from cplus.web.kit.signed_in import Merchant, MerchantDep, see_other
from cplus.web.merchant.conversations.thread import SHOWN_BY, caught_up, read_position

router = APIRouter(prefix="/getting-started")

PAGE: Final = "/getting-started"
STEPS: Final = 3
STEPS_BY: Final = (*SHOWN_BY, "shops", "metrics")
"""The projections of which the steps are made."""


@dataclass(frozen=True, slots=True)
class Guide:
    """How far the merchant is with the first steps."""

    last_import: CustomerImport | None
    arrived: bool
    """Whether mail reaches the app: a test came, or a conversation began."""
    replied: bool
    address: str | None
    """Where the shop's mail is to go; None if this app takes none."""
    setup: Setup
    key: str
    """Of its forms: only one of them can be sent."""

    @property
    def imported(self) -> bool:
        """Whether the customers are there."""
        return self.last_import is not None and self.last_import.has_customers

    @property
    def done(self) -> int:
        """How many of the steps are done."""
        return sum((self.imported, self.arrived, self.replied))

    @property
    def code(self) -> str | None:
        """What the merchant is to send as a test; None if none was begun."""
        return written_code(self.setup.code) if self.setup.code else None


def guide_of(me: Merchant, total: Figures, domain: str) -> Guide:
    """The first steps of the shop, of which `total` are the sums over all days."""
    setup = me.row.setup if me.row else Setup()
    return Guide(
        last_import=me.row.last_import if me.row else None,
        arrived=setup.received_at is not None or total.conversations > 0,
        replied=total.messages_out > 0,
        address=shop_address(me.shop, domain) if domain else None,
        setup=setup,
        key=new_key(),
    )


@router.get("")
async def getting_started(
    pages: PagesDep, queries: QueriesDep, domain: MailDomainDep, me: MerchantDep
) -> HTMLResponse:
    """The page of the first steps."""
    position, total = await asyncio.gather(
        read_position(queries, me.shop, STEPS_BY), queries.metrics_total(me.shop)
    )
    guide = guide_of(me, total, domain)
    return pages.render(
        "entry/getting_started.html", me=me, section="settings", guide=guide, position=position
    )


@router.get("/test")
@router.get("/guide")
async def again(_me: MerchantDep) -> Response:
    """For who loads the address of a form again."""
    return see_other(PAGE)


@dataclass(frozen=True, slots=True)
class _Form:
    """What a form of the page needs."""

    request: Request
    signatures: Signatures
    queries: Queries
    use: Conversations
    me: Merchant

    async def fields(self) -> tuple[dict[str, str], str, Actor]:
        """Its fields, its key, and who sent it."""
        fields = await own_form(self.request, self.signatures, self.me.session)
        return dict(fields), form_key(fields), self.me.actor

    async def shown(self, position: int) -> Response:
        """Back to the page, once it shows what was recorded there."""
        await caught_up(self.queries, self.me.shop, position, by=("shops",))
        return see_other(PAGE)


async def _form(
    request: Request,
    signatures: SignaturesDep,
    queries: QueriesDep,
    use: ConversationsDep,
    me: MerchantDep,
) -> _Form:
    return _Form(request, signatures, queries, use, me)


FormDep = Annotated[_Form, Depends(_form)]


@router.post("/test")
async def test(form: FormDep) -> Response:
    """Begins a test whether mail reaches the app."""
    _, key, actor = await form.fields()
    position = await announce_test(
        form.me.shop, key=key, source="dashboard", actor=actor, use=form.use
    )
    return await form.shown(position)


@router.post("/guide")
async def guide(form: FormDep) -> Response:
    """Hides the first steps in the inbox, or shows them again."""
    fields, key, actor = await form.fields()
    shown = fields.get("shown") == "yes"
    position = await show_guide(
        form.me.shop, shown=shown, key=key, source="dashboard", actor=actor, use=form.use
    )
    answer = await form.shown(position)
    return answer if shown else see_other("/inbox")

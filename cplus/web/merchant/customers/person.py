"""The page of one person, and the notes of the shop on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Final, NamedTuple
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import HTMLResponse, Response

from cplus.commands.conversations.answering import Conversations
from cplus.commands.person_notes import notes_on, remove_note, write_note
from cplus.errors import FormOfAnother, InvalidInput
from cplus.events.names import person_id
from cplus.projections.queries import Customer, CustomerDetail, Merge, Queries
from cplus.web.kit.deps import ConversationsDep, HeadDep, PagesDep, QueriesDep, SignaturesDep
from cplus.web.kit.forms import form_key, new_key, own_form
from cplus.web.kit.pages import Pages
from cplus.web.kit.signed_in import Merchant, MerchantDep, see_other
from cplus.web.merchant.conversations.addresses import address_of, is_id
from cplus.web.merchant.conversations.thread import caught_up
from cplus.web.merchant.customers.customers import tags_of
from cplus.web.merchant.customers.labels import SOURCES, reason_of
from cplus.web.merchant.inbox.place import CameFromDep, Place
from cplus.web.merchant.privacy.exports import PersonDep
from cplus.wording import worded

router = APIRouter(prefix="/customers")

_DONE: Final = {
    "noted": worded("Note saved."),
    "note-removed": worded("Note removed."),
    "tagged": worded("Tags saved."),
    "merged": worded("Merged. They count as one person now."),
    "unmerged": worded("Undone: they are two again, each with what is theirs."),
}
"""What a command is called in an address, and the words for it."""


@dataclass(frozen=True, slots=True)
class View:
    """What the page of a person needs."""

    pages: Pages
    queries: Queries
    use: Conversations
    me: Merchant

    async def detail(self, person: str) -> CustomerDetail:
        """The person with everything around them; 404 if there is none."""
        found = await self.queries.customer(self.me.shop, person)
        if found is None:
            raise HTTPException(404)
        return found

    async def page(
        self,
        person: str,
        *,
        done: str = "",
        problem: str = "",
        typed: str = "",
        reason: str = "",
        conversation: str = "",
        at: int = 0,
    ) -> HTMLResponse:
        """The page, with what was typed in the form of a note and the `reason` why it was not
        saved; `conversation` is where the form was sent. With `at`, it waits a moment for that
        position to show."""
        if at:
            await caught_up(self.queries, self.me.shop, at, by=("customers",))
        found = await self.detail(person)
        customer = found.customer
        gone = customer.erased_at is not None
        notes = [] if gone else await notes_on(self.use.recorder, self.me.shop, customer.persons)
        leads = await self.queries.leads_of(self.me.shop, [customer], self.me.settings.lead_days)
        return self.pages.render(
            "customers/customer.html",
            status=422 if reason else 200,
            me=self.me,
            section="customers",
            person=found,
            person_id=person_id(person),
            notes=notes,
            lead=leads[customer.person],
            merges=_merges(found),
            done=_DONE.get(done, ""),
            problem=reason_of(problem),
            tags=tags_of(self.me),
            sources=SOURCES,
            typed=typed,
            reason=reason,
            conversation=conversation,
            new_key=new_key,
        )


class Shown(NamedTuple):
    """That somebody merged two persons."""

    merge: Merge
    one: Customer
    other: Customer


def _merges(found: CustomerDetail) -> list[Shown]:
    of_part = {person: part for part in found.parts for person in part.persons}
    return [Shown(one, of_part[one.one], of_part[one.other]) for one in found.merges]


def page_of(person: str, **told: Any) -> str:
    """The page of a person, with what it says."""
    query = urlencode({name: value for name, value in told.items() if value})
    return f"/customers/{person_id(person)}{f'?{query}' if query else ''}"


async def _view(
    pages: PagesDep, queries: QueriesDep, use: ConversationsDep, me: MerchantDep
) -> View:
    return View(pages, queries, use, me)


ViewDep = Annotated[View, Depends(_view)]


@router.get("/{person}")
async def customer(
    view: ViewDep,
    head: HeadDep,
    person: PersonDep,
    done: str = "",
    problem: str = "",
    at: int = 0,
) -> HTMLResponse:
    """A person, with orders and conversations; `person` without the prefix `person/`. `done` is
    what the merchant did that leads here, recorded `at` that position, and `problem` why it was
    not done."""
    there = 0 < at <= await head(view.me.shop) if at else False
    return await view.page(person, done=done, problem=problem, at=at if there else 0)


@router.get("/{person}/notes")
@router.get("/{person}/notes/remove")
async def again(person: PersonDep, _me: MerchantDep) -> Response:
    """For who loads the address of a form again."""
    return see_other(page_of(person))


@router.post("/{person}/notes")
async def write(
    request: Request, view: ViewDep, signatures: SignaturesDep, person: PersonDep, came: CameFromDep
) -> Response:
    """Writes a note on the person. One that cannot be saved comes back as it was typed, on the
    person's page."""
    fields = await own_form(request, signatures, view.me.session)
    key, text = form_key(fields), fields.get("note_text", "")
    sent_from = _conversation(fields.get("conversation", ""))
    try:
        if (await view.detail(person)).customer.erased_at is not None:
            raise InvalidInput(reason=worded("this person was erased"))
        how: dict[str, Any] = {"actor": view.me.actor, "source": "dashboard", "use": view.use}
        await write_note(view.me.shop, person, text, key=key, **how)
    except FormOfAnother:
        raise
    except InvalidInput as error:
        reason = error.values["reason"]
        return await view.page(person, typed=text, reason=reason, conversation=sent_from)
    return _back(person, "noted", sent_from, came)


@router.post("/{person}/notes/remove")
async def remove(
    request: Request, view: ViewDep, signatures: SignaturesDep, person: PersonDep, came: CameFromDep
) -> Response:
    """Takes a note back."""
    fields = await own_form(request, signatures, view.me.session)
    await remove_note(
        view.me.shop,
        person,
        fields.get("note", ""),
        key=form_key(fields),
        actor=view.me.actor,
        source="dashboard",
        use=view.use,
    )
    return _back(person, "note-removed", _conversation(fields.get("conversation", "")), came)


def _conversation(given: str) -> str:
    return given if is_id(given) else ""


def _back(person: str, done: str, conversation: str, came: Place | None) -> Response:
    """To the page that the form was on."""
    if conversation:
        return see_other(f"{address_of(conversation, came, done=done)}#notes")
    return see_other(f"{page_of(person, done=done)}#notes")

"""Keeps what a member of staff is writing, while they type or by a button, and finds it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, NamedTuple, Self

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import JSONResponse, Response

from cplus.clock import zone
from cplus.errors import InvalidInput, NotFound
from cplus.events import names
from cplus.web.kit.built import built
from cplus.web.kit.deps import (
    ClockDep,
    DraftsDep,
    FindPersonDep,
    QueriesDep,
    SignaturesDep,
    UploadTokensDep,
)
from cplus.web.kit.formats import brief_time
from cplus.web.kit.forms import form_key, new_key, own_form, own_form_with_files
from cplus.web.kit.i18n import gettext as _
from cplus.web.kit.i18n import translated
from cplus.web.kit.signed_in import MerchantDep, see_other
from cplus.web.kit.text import refusal
from cplus.web.kit.upload_tokens import FIELD, Offered, OwnForm
from cplus.web.merchant.conversations.addresses import address_of, is_id
from cplus.web.merchant.inbox.place import CameFromDep
from cplus.wording import worded
from cplus.workspace.drafts import Conflict, Draft, Kind, Over, Place, Saved

router = APIRouter()

_FIELDS: Final[Mapping[Kind, Sequence[str]]] = {
    "reply": ("text", "cc", "bcc", "at", "again"),
    "note": ("text",),
    "new": ("text", "to", "subject", "cc", "bcc", "person"),
}
"""What is kept of each form. Of those that take files, the fields of these too."""
_OF_FILES: Final = (FIELD, "keep-")
_MOST: Final = 80  # fields of a form with as many files as it takes
ELSEWHERE: Final = worded(
    "You changed this draft in another tab or on another device. Save or send what stands here to "
    "keep it instead."
)
SENT: Final = worded("This was sent already, so its draft is gone.")
RESTORED: Final = {
    "draft-restored": worded("The draft is back."),
    "draft-gone": worded(
        "It can’t be brought back: you began another draft since, or it was too long ago."
    ),
}
"""What an address says of a draft that was to be brought back, and the words for it."""
_EMPTY: Final = worded("Write something first: an empty draft isn’t kept.")
_ERASED: Final = worded("The person of this conversation was erased, so no draft is kept.")
_ADDRESSES: Final[Mapping[Kind, str]] = {
    "reply": "draft-discarded",
    "note": "note-discarded",
}
"""What the address of a conversation says of a draft that was discarded there."""


class Standing(NamedTuple):
    """How a form stands to the draft that is kept of it."""

    version: int = 0
    """The version that it shows; 0 for none."""
    saved_at: datetime | None = None
    other: str | None = None
    """What was saved elsewhere since, and does not stand in it."""
    lost: bool = False
    """Whether files of the draft have to be chosen again."""
    unsaved: bool = False
    """Whether what stands in it is not saved."""

    @classmethod
    def of_form(cls, fields: Mapping[str, str]) -> Self:
        """That of a form that came in and is shown again."""
        return cls(version_of(fields), unsaved=True)


NO_DRAFT: Final = Standing()
TAKEN_BACK: Final = Standing(unsaved=True)
"""That of a form with a reply that was taken back, before it is looked for a draft."""


@dataclass(frozen=True, slots=True)
class Drafting:
    """The drafts of the member who is here."""

    me: MerchantDep
    drafts: DraftsDep
    tokens: UploadTokensDep
    find: FindPersonDep
    queries: QueriesDep

    async def among(self, *places: Place) -> Mapping[Place, Draft]:
        """Their drafts in these places; none for who only reads."""
        if not self.me.may("converse"):
            return {}
        return await self.drafts.among(self.me.shop, self.me.actor.author, places)

    def opened(self, draft: Draft) -> tuple[list[Offered], Standing]:
        """Its files, as the form offers them again, and how the form stands to it."""
        own = OwnForm(self.me.shop, str(self.me.actor), draft.key)
        files, lost = self.tokens.of_form(own, draft.fields)
        told = Standing(draft.version, draft.saved_at, lost=lost)
        return self.tokens.offered(own, files), told

    async def save(
        self, place: Place, fields: Mapping[str, str], *, anew: bool = False
    ) -> Saved | Conflict | Over:
        """Keeps what stands in a form; what is empty is no draft. `anew`: the member asks for it,
        also if what the form showed is gone by now.

        Raises NotFound for no conversation of the shop, and one whose person was erased, and
        InvalidInput.
        """
        me, drafts, own = self.me, self.drafts, self.me.actor.author
        person = await self._person(place, fields)
        words, version = _words(place.kind, fields), version_of(fields)
        if not _has_words(words):
            gone = version and await drafts.discard(me.shop, own, place, version)
            left = None if gone else await drafts.of(me.shop, own, place)
            return Conflict(left) if left else Over(sent=False)
        key = form_key(fields)
        told: dict[str, Any] = {"key": key, "person": person, "fields": words}
        done = await drafts.save(me.shop, own, place, version=version, **told)
        if anew and isinstance(done, Over) and not done.sent:
            done = await drafts.save(me.shop, own, place, version=0, **told)
        return done

    async def sent(self, place: Place, fields: Mapping[str, str]) -> None:
        """What was written in this form was sent."""
        told = form_key(fields), version_of(fields)
        await self.drafts.sent(self.me.shop, self.me.actor.author, place, *told)

    async def _person(self, place: Place, fields: Mapping[str, str]) -> str | None:
        """Whom it is about; raises NotFound."""
        if place.conversation is not None:
            row = await self.queries.conversation(self.me.shop, place.conversation)
            if row is None or row.erased:
                raise NotFound(what="conversation")
            return row.person
        address = fields.get("to", "").strip()
        if address:
            return next(iter(await self.find(self.me.shop, address)), None)
        person = fields.get("person", "")
        if not is_id(person):
            return None
        known = await self.queries.customer(self.me.shop, names.person(person))
        return known.customer.person if known and not known.customer.erased_at else None


DraftingDep = Annotated[Drafting, Depends(built(Drafting))]


class ByButton(NamedTuple):
    """What became of a form that was saved by its button."""

    standing: Standing | None = None
    """How it stands to the draft, if it is shown again; None if it is saved."""
    reason: str = ""
    status: int = 200
    key: str = ""
    """That of the form from now on; empty for a new one."""


async def save_by_button(drafting: Drafting, place: Place, fields: Mapping[str, str]) -> ByButton:
    """Saves a form for who works without JavaScript."""
    key = form_key(fields)
    try:
        done = await drafting.save(place, fields, anew=True)
    except NotFound:
        return ByButton(Standing.of_form(fields), _ERASED, 409, key)
    except InvalidInput as error:
        return ByButton(Standing.of_form(fields), refusal(error), 422, key)
    if isinstance(done, Saved):
        return ByButton()
    reason, standing = refused_save(done)
    if isinstance(done, Conflict):
        return ByButton(standing, reason, 409, key)
    # Empty, or sent in another tab: then this is another message, with a key of its own.
    return ByButton(standing, reason or _EMPTY, 409 if done.sent else 422)


def version_of(fields: Mapping[str, str]) -> int:
    """The version of the draft that a form showed."""
    told = fields.get("draft-version", "")
    return int(told) if told.isascii() and told.isdigit() and len(told) < 10 else 0


def refused_save(done: Conflict | Over) -> tuple[str, Standing]:
    """Why a form was not saved, and how it stands to what is kept."""
    if isinstance(done, Conflict):
        other = done.draft.fields.get("text", "")
        return ELSEWHERE, Standing(done.draft.version, done.draft.saved_at, other, unsaved=True)
    return (SENT if done.sent else ""), NO_DRAFT


def _words(kind: Kind, fields: Mapping[str, str]) -> dict[str, str]:
    """What is kept of a form. Browsers send its text with CRLF, and scripts do not."""
    found = {name: fields.get(name, "") for name in _FIELDS[kind]}
    if kind != "note":
        found |= {name: one for name, one in fields.items() if name.startswith(_OF_FILES)}
    return {name: one.replace("\r\n", "\n").replace("\0", "") for name, one in found.items()}


def _has_words(words: Mapping[str, str]) -> bool:
    said = any(words.get(name, "").strip() for name in ("text", "subject"))
    return said or any(name.startswith(_OF_FILES) for name in words)


@router.post("/api/drafts")
async def save(
    request: Request, drafting: DraftingDep, signatures: SignaturesDep, clock: ClockDep
) -> JSONResponse:
    """Keeps what is being typed, and answers the version that the form shows from now on. 409 with
    the other words if it was saved elsewhere since, 410 if it was sent or discarded."""
    me = drafting.me
    fields = await own_form(request, signatures, me.session, most=_MOST)
    place = place_of(fields)
    try:
        done = await drafting.save(place, fields)
    except NotFound:
        return JSONResponse({"reason": translated(_ERASED)}, 404)
    except InvalidInput as error:
        return JSONResponse({"reason": refusal(error)}, 422)
    if isinstance(done, Saved):
        time = brief_time(done.at, clock(), zone(me.timezone))
        return JSONResponse({"version": done.version, "told": _("Draft saved %(time)s", time=time)})
    reason, told = refused_save(done)
    if isinstance(done, Conflict):
        return JSONResponse(
            {"version": told.version, "reason": translated(reason), "other": told.other}, 409
        )
    return JSONResponse({"reason": translated(reason), "key": new_key() if done.sent else ""}, 410)


@router.post("/drafts/discard")
async def discard(
    request: Request, drafting: DraftingDep, signatures: SignaturesDep, came: CameFromDep
) -> Response:
    """The member wants the draft no more, and can take that back for a day."""
    me = drafting.me
    fields, _files = await own_form_with_files(request, signatures, me.session)
    place = place_of(fields)
    await drafting.drafts.discard(me.shop, me.actor.author, place)
    if fields.get("from") == "drafts" or place.conversation is None:
        return see_other(f"/inbox/drafts?discarded={place.name}")
    return see_other(address_of(place.of, came, done=_ADDRESSES[place.kind]) + "#end")


@router.post("/drafts/restore")
async def restore(
    request: Request, drafting: DraftingDep, signatures: SignaturesDep, came: CameFromDep
) -> Response:
    """Brings back a draft that was discarded."""
    me = drafting.me
    fields = await own_form(request, signatures, me.session)
    place = place_of(fields)
    back = await drafting.drafts.restore(me.shop, me.actor.author, place)
    told = "draft-restored" if back else "draft-gone"
    if fields.get("from") == "drafts" or place.conversation is None:
        return see_other(f"/inbox/drafts?done={told}")
    return see_other(address_of(place.of, came, done=told) + "#end")


@router.get("/drafts/discard")
@router.get("/drafts/restore")
@router.get("/api/drafts")
async def again(_me: MerchantDep) -> Response:
    """For who loads the address of a form again."""
    return see_other("/inbox/drafts")


def place_of(fields: Mapping[str, str]) -> Place:
    """The place that a form names; 404 for what is none. The draft of a new message is named after
    its form."""
    place = Place.read(fields.get("place", ""))
    if place is None or not is_id(place.of):
        raise HTTPException(404)
    return place


def address_of_draft(place: Place) -> str:
    """The page on which it is written on."""
    if place.conversation is None:
        return f"/conversations/new?draft={place.of}"
    return f"/conversations/{place.of}#{'note-text' if place.kind == 'note' else 'end'}"

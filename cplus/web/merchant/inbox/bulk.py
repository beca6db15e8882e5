"""The same done with many conversations of a list at once, and taken back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import Response

from cplus.clock import zone
from cplus.commands.conversations import bulk
from cplus.commands.many import act_key
from cplus.errors import InvalidInput, NotFound
from cplus.web.kit.deps import BulkDep, ClockDep, SignaturesDep
from cplus.web.kit.forms import form_key, own_form
from cplus.web.kit.i18n import ngettext, translated
from cplus.web.kit.signed_in import MerchantDep, see_other
from cplus.web.merchant.inbox.labels import reason_of
from cplus.web.merchant.inbox.moments import snoozed_until
from cplus.web.merchant.inbox.place import Place
from cplus.workspace.undoing import Did

router = APIRouter(prefix="/inbox")

_PICK: Final = "pick-"
_FIELDS: Final = 150
_VALUES: Final = {
    "assign": "assignee",
    "tag": "tag",
    "untag": "tag",
    "priority": "priority",
}
"""The field that has the value of each act."""


@router.get("/bulk")
@router.get("/undo")
async def again(_me: MerchantDep) -> Response:
    """For who loads the address of a form again."""
    return see_other("/inbox")


@router.post("/bulk")
async def act(
    request: Request, signatures: SignaturesDep, use: BulkDep, clock: ClockDep, me: MerchantDep
) -> Response:
    """Does it, and leads back to the list, which says what was done."""
    fields = await own_form(request, signatures, me.session, most=_FIELDS)
    place, name = Place.read(fields.get("list", "")) or Place(), fields.get("act", "")
    picked = [one.removeprefix(_PICK) for one in fields if one.startswith(_PICK)]
    # The words of the form, not the moment that they lead to: that is another one each time.
    value = fields.get(_VALUES.get(name, ""), "")
    said = f"{fields.get('until')} {fields.get('at')}" if name == "snooze" else value
    key = act_key(form_key(fields), picked, name, said)
    try:
        if name == "snooze":
            until, for_reply = snoozed_until(fields, clock(), zone(me.timezone))
            value = "reply" if for_reply or until is None else until.isoformat()
        done = await bulk.act(
            me.shop,
            picked,
            name,
            value,
            key=key,
            actor=me.actor,
            source="dashboard",
            use=use,
        )
    except InvalidInput as error:
        return _back(place, problem=error.values.get("code", ""))
    return _back(place, did=key, at=done.position)


@router.post("/undo")
async def undo(
    request: Request, signatures: SignaturesDep, use: BulkDep, me: MerchantDep
) -> Response:
    """Takes that back."""
    fields = await own_form(request, signatures, me.session)
    place = Place.read(fields.get("list", "")) or Place()
    try:
        done = await bulk.undo(
            me.shop,
            fields.get("did", ""),
            key=form_key(fields),
            actor=me.actor,
            source="dashboard",
            use=use,
        )
    except NotFound:
        return _back(place, problem="over")
    return _back(place, undone=str(done.changed), at=done.position)


def _back(place: Place, **told: Any) -> Response:
    return see_other(f"{place.address}&{urlencode({k: v for k, v in told.items() if v})}")


def told_of(did: Did) -> str:
    """What was done, in words."""
    num = did.changed
    words: Mapping[str, str] = {
        "close": ngettext("%(num)s conversation closed.", "%(num)s conversations closed.", num),
        "reopen": ngettext(
            "%(num)s conversation reopened.", "%(num)s conversations reopened.", num
        ),
        "spam": ngettext(
            "%(num)s conversation marked as spam.", "%(num)s conversations marked as spam.", num
        ),
        "assign": ngettext(
            "%(num)s conversation assigned.", "%(num)s conversations assigned.", num
        ),
        "snooze": ngettext("%(num)s conversation snoozed.", "%(num)s conversations snoozed.", num),
    }
    other = ngettext("%(num)s conversation changed.", "%(num)s conversations changed.", num)
    return words.get(did.act, other)


def left_of(did: Did) -> list[str]:
    """What was not done, and why."""
    return [
        ngettext(
            "%(num)s conversation was left as it is: %(reason)s.",
            "%(num)s conversations were left as they are: %(reason)s.",
            number,
            reason=translated(reason_of(code)),
        )
        for code, number in did.refused.items()
    ]

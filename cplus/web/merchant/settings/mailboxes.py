"""The merchant's own mailboxes: which there are, and of what each is told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, get_args

from cplus.commands import mailboxes
from cplus.errors import InvalidInput, NotFound
from cplus.events.aggregates.mailboxes import CODE_HOURS, MINUTES, MOST
from cplus.events.catalogue.mailboxes import Notify
from cplus.web.merchant.settings.section import Looking, Section, Sent
from cplus.wording import worded

_CHOICES: Final[Mapping[Notify, str]] = {
    "each": worded("Each new message"),
    "unanswered": worded("Only what nobody answered in time"),
    "digest": worded("A daily digest of what awaits a reply"),
    "nothing": worded("Nothing"),
}
_OFF: Final = {
    "bounced": worded(
        "Mail to this address bounced, so nothing is sent there. Check it, then verify it again."
    ),
    "complained": worded(
        "Mail to this address was marked as spam, so nothing is sent there. Use another address."
    ),
}


async def _shown(at: Looking) -> Mapping[str, Any]:
    found = await mailboxes.mailboxes_of(at.use.recorder, at.me.shop)
    now = at.clock()
    return {
        "works": bool(at.domain),
        "mailboxes": [
            {
                "id": one.id,
                "address": one.address,
                "on": one.on,
                "off": _OFF.get(one.off or "", ""),
                "may_ask": one.may_be_asked(now),
                "waits": one.code_until is not None and now < one.code_until,
                "notify": one.notify,
                "minutes": one.minutes or 30,
                "hour": 9 if one.hour is None else one.hour,
                # The mail with the code leads here.
                "code": at.asked.get("code", "")[:40] if at.asked.get("mailbox") == one.id else "",
            }
            for one in found.by_id.values()
        ],
        "full": len(found.by_id) >= MOST,
        "most": MOST,
        "hours": CODE_HOURS,
        "minutes": MINUTES,
        "choices": _CHOICES,
    }


async def _save(at: Looking, sent: Sent) -> None:
    fields, shop = sent.fields, at.me.shop
    mailbox = fields.get("mailbox", "")
    form: dict[str, Any] = {
        "key": sent.key,
        "source": "dashboard",
        "actor": at.me.actor,
        "use": at.use,
    }
    try:
        match fields.get("do"):
            case "add":
                if not at.domain:
                    raise InvalidInput(reason=worded("this app takes no mail yet"))
                await mailboxes.add_mailbox(
                    shop, fields.get("address", ""), domain=at.domain, **form
                )
            case "again":
                await mailboxes.ask_again(shop, mailbox, **form)
            case "verify":
                code = fields.get("code", "")
                await mailboxes.verify(shop, mailbox, code, secret=at.secret, **form)
            case "choose":
                await _choose(shop, mailbox, fields, form)
            case "remove":
                await mailboxes.remove(shop, mailbox, **form)
            case _:
                raise InvalidInput(reason=worded("this form is not known"))
    except NotFound as error:
        raise InvalidInput(reason=worded("this address was removed meanwhile")) from error


async def _choose(
    shop: str, mailbox: str, fields: Mapping[str, str], form: Mapping[str, Any]
) -> None:
    notify: Any = fields.get("notify")
    if notify not in get_args(Notify):
        raise InvalidInput(reason=worded("choose what is sent there"))
    minutes, hour = _number(fields.get("minutes")), _number(fields.get("hour"))
    await mailboxes.choose(shop, mailbox, notify, minutes=minutes, hour=hour, **form)


def _number(written: str | None) -> int | None:
    text = (written or "").strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 6 else None


MAILBOXES: Final = Section("mailboxes", _shown, _save)

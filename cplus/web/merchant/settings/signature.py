"""What stands below replies: the shop's signature, and that of whoever looks at the page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cplus.commands.mail_settings import set_signature
from cplus.events.aggregates.settings import MAX_SIGNATURE
from cplus.web.merchant.settings.section import Looking, Section, Sent


async def _shown(at: Looking) -> Mapping[str, Any]:
    texts, me = at.settings.signatures, at.me.actor
    return {
        "shop": texts.get(None, ""),
        "own": texts.get(me.author, ""),
        # Without an id nobody knows which of the staff it is.
        "personal": bool(me.id),
        "most": MAX_SIGNATURE,
    }


async def _save(at: Looking, sent: Sent) -> None:
    own = sent.fields.get("whose") == "own" and bool(at.me.actor.id)
    if not own:
        at.me.demand("settings")
    await set_signature(
        at.me.shop,
        sent.fields.get("text", ""),
        own=own,
        key=sent.key,
        source="dashboard",
        actor=at.me.actor,
        use=at.use,
    )


SIGNATURE: Final = Section("signature", _shown, _save)

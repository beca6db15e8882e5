"""What the shop answers by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cplus.clock import zone
from cplus.commands.mail_settings import set_auto_reply
from cplus.events.aggregates.auto_reply import MAX_AUTO_REPLY, AutoReply, rendered
from cplus.web.kit.i18n import translated
from cplus.web.merchant.settings.section import Looking, Section, Sent
from cplus.wording import worded

_EXAMPLE: Final = "Sam"
"""Whom the preview greets."""
_AWAY: Final = worded(
    "Hello {name},\n\nThank you for your message. We’re closed right now and will reply after "
    "{next_opening}.\n\n{shop}"
)
_ACKNOWLEDGEMENT: Final = worded(
    "Hello {name},\n\nThank you for your message. We got it and will reply as soon as we can."
    "\n\n{shop}"
)


async def _shown(at: Looking) -> Mapping[str, Any]:
    settings, local = at.settings, zone(at.me.timezone)
    opening = settings.hours.next_opening(at.clock(), local) if settings.hours else None

    def preview(text: str) -> str:
        return rendered(text, name=_EXAMPLE, shop=at.me.name, opening=opening, zone=local)

    def one(name: str, label: str, hint: str, kept: AutoReply, usual: str) -> Mapping[str, Any]:
        text = kept.text or translated(usual)
        return {
            "name": name,
            "label": label,
            "hint": hint,
            "on": kept.since is not None,
            "text": text,
            "preview": preview(text),
        }

    return {
        "most": MAX_AUTO_REPLY,
        "has_hours": settings.hours is not None,
        "replies": [
            one(
                "away",
                worded("Outside business hours"),
                worded("Answers mail that comes while you’re closed."),
                settings.away,
                _AWAY,
            ),
            one(
                "acknowledge",
                worded("Acknowledgement"),
                worded("Answers the first message of a conversation."),
                settings.acknowledgement,
                _ACKNOWLEDGEMENT,
            ),
        ],
    }


async def _save(at: Looking, sent: Sent) -> None:
    fields = sent.fields
    await set_auto_reply(
        at.me.shop,
        away=fields.get("away") == "on",
        away_text=fields.get("away_text", ""),
        acknowledge=fields.get("acknowledge") == "on",
        acknowledge_text=fields.get("acknowledge_text", ""),
        key=sent.key,
        source="dashboard",
        actor=at.me.actor,
        use=at.use,
    )


AUTO_REPLY: Final = Section("auto-reply", _shown, _save)

"""Why a reply waits that is written and not sent: what holds up all mail of the shop."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from cplus.events.aggregates.settings import Limited, ShopSettings
from cplus.wording import worded

LIMITED: Final = timedelta(hours=24)
"""How long mail may wait once the shop reached its limit of a day."""
_PAUSED: Final = worded(
    "Saved. Your shop’s email is paused: it goes out once sending is on again. The email settings "
    "say why."
)


def held(settings: ShopSettings, now: datetime) -> str:
    """In words, why mail of the shop waits by now; empty if nothing holds it up."""
    if settings.paused is not None:
        return _PAUSED
    limited = settings.limited
    return limit_words(limited) if limited and now - limited.at < LIMITED else ""


def limit_words(limited: Limited) -> str:
    """What the limit is that the shop reached."""
    if limited.of == "account":
        return worded(
            "Saved. Your shop reached its share of the email that we can send in 24 hours "
            "(%(most)s recipients). This goes out as soon as there is room again.",
            most=limited.limit,
        )
    return worded(
        "Saved. Your shop wrote to %(most)s customers in 24 hours, as many as one shop may from "
        "our domain. This goes out as soon as there is room again.",
        most=limited.limit,
    )

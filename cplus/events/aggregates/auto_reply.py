"""What a shop answers by itself: two texts of the merchant's, and when each is on. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from cplus.errors import InvalidInput
from cplus.wording import worded

MAX_AUTO_REPLY: Final = 2_000
"""Maximum length of a text in characters."""
PLACEHOLDERS: Final = ("name", "shop", "next_opening")
SOON: Final = "our next opening"
"""In place of a time, if the shop never opens."""

_PLACEHOLDER: Final = re.compile(r"\{([^{}\n]*)\}")
_NAME: Final = re.compile(r"[ \t]*\{name\}")
_LONGEST_NAME: Final = 60
# A name is what the sender says: with these it could lead somewhere.
_LEADS: Final = re.compile(r"[@/\\:<>\[\]{}()|=#\d]|www\.|\.\w")


@dataclass(frozen=True, slots=True)
class AutoReply:
    """One of the texts."""

    text: str = ""
    since: datetime | None = None
    """When it was switched on; None if it is off. It answers no mail from before that."""

    def answers(self, moment: datetime) -> bool:
        """Whether it answers a mail that came at that moment."""
        return bool(self.text) and self.since is not None and self.since <= moment


def check(text: str) -> None:
    """Raises InvalidInput for a text with a placeholder that there is not."""
    for found in _PLACEHOLDER.findall(text):
        if found not in PLACEHOLDERS:
            known = ", ".join(f"{{{one}}}" for one in PLACEHOLDERS)
            name = f"{{{found[:40]}}}"
            raise InvalidInput(
                reason=worded("there is no %(name)s, only %(known)s", name=name, known=known)
            )


def rendered(
    text: str, *, name: str | None, shop: str, opening: datetime | None, zone: ZoneInfo
) -> str:
    """The text as it is sent. A name that could be taken for an address or a link is left out, with
    the space before it: who wrote chose it, and may be somebody else than who reads it."""
    called = greetable(name)
    if not called:
        text = _NAME.sub("", text)
    words: Mapping[str, str] = {
        "name": called,
        "shop": shop,
        "next_opening": SOON if opening is None else told(opening, zone),
    }
    return _PLACEHOLDER.sub(lambda found: words.get(found[1], found[0]), text)


def greetable(name: str | None) -> str:
    """The name if it can stand in a mail to whoever has that address; else nothing."""
    called = " ".join((name or "").split())
    usable = called.isprintable() and len(called) <= _LONGEST_NAME and not _LEADS.search(called)
    return called if usable else ""


def told(moment: datetime, zone: ZoneInfo) -> str:
    """A time as a mail tells it, for example `Monday, 7 December at 09:00`."""
    local = moment.astimezone(zone)
    return f"{local:%A}, {local.day} {local:%B} at {local:%H:%M}"

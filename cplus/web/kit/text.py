"""How things read on a page: times, money, names, and what strangers wrote."""

from __future__ import annotations

import re
from datetime import date as calendar_day
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from markupsafe import Markup, escape

from cplus.projections.queries import Customer

SHOWN: Final = 2_000
"""Characters of a message that show at once; the rest folds out."""

# Only plain ASCII becomes a link: a look-alike letter or a turned-around address stays text.
_LINK: Final = re.compile(r"https?://[!#-&(-;=?-~]{1,2000}")
_NO_END: Final = ".,:;!?'\")]}*_"
# Source: Amazon SES, "Bounce types" of its event publishing.
_REFUSED: Final = "the mailbox refused it"
_SUPPRESSED: Final = "mail to this address came back before, so it was not tried again"
_BOUNCES: Final = {
    "Permanent/General": "the address does not exist or takes no mail",
    "Permanent/NoEmail": "there is no such address",
    "Permanent/Suppressed": _SUPPRESSED,
    "Permanent/OnAccountSuppressionList": _SUPPRESSED,
    "Transient": "the mailbox did not take it for now",
    "Transient/MailboxFull": "the mailbox is full",
    "Transient/MessageTooLarge": "it is too large for the mailbox",
    "Transient/ContentRejected": "the mailbox refused what is in it",
    "Transient/AttachmentRejected": "the mailbox refused what is attached",
}
_SYMBOLS: Final = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥"}


# Marks that turn the direction of what follows around, to make a text read as another; and
# control characters, which show as nothing.
_TRICKS: Final = dict.fromkeys([*range(9), 11, 12, *range(14, 32), 127, 0x202D, 0x202E])


def shown(value: object) -> object:
    """A value as it goes onto a page: text without what only deceives."""
    return value.translate(_TRICKS) if type(value) is str else value


def linked(text: str) -> Markup:
    """Untrusted text as HTML: everything escaped, web addresses made into links."""
    text = text.translate(_TRICKS)
    parts: list[Markup] = []
    end = 0
    for match in _LINK.finditer(text):
        url = match[0].rstrip(_NO_END)
        if url.endswith("//"):
            continue
        parts.append(escape(text[end : match.start()]))
        parts.append(
            Markup(
                '<a href="{0}" target="_blank" rel="noopener noreferrer nofollow ugc">{0}</a>'
            ).format(url)
        )
        end = match.start() + len(url)
    parts.append(escape(text[end:]))
    return Markup("").join(parts)


def breakable(address: str) -> Markup:
    """A mail address that may break after its @ where a line is too short for it."""
    return Markup("@<wbr>").join(escape(part) for part in address.translate(_TRICKS).split("@"))


def folded(text: str) -> tuple[str, str]:
    """The text that shows at once, and the rest; cut at a line's or a word's end where one is
    near."""
    if len(text) <= SHOWN + SHOWN // 4:
        return text, ""
    near = SHOWN - SHOWN // 8
    cut = max(text.rfind("\n", near, SHOWN), text.rfind(" ", near, SHOWN))
    cut = cut if cut > 0 else SHOWN
    return text[:cut], text[cut:]


def money(amount: object, currency: str | None) -> str:
    """A decimal amount for people, for example `€1,234.50`; what is no number shows as a dash."""
    try:
        value = Decimal(str(amount))
        digits = f"{value:,.0f}" if currency == "JPY" else f"{value:,.2f}"
    except (InvalidOperation, ValueError):
        return "–"
    if currency in _SYMBOLS:
        sign, digits = ("-", digits[1:]) if digits.startswith("-") else ("", digits)
        return f"{sign}{_SYMBOLS[currency]}{digits}"
    return f"{digits} {currency}" if currency else digits


def zone(name: str | None) -> ZoneInfo:
    """The time zone of an IANA name; UTC where it is unknown."""
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def brief_time(moment: datetime, now: datetime, at: ZoneInfo) -> str:
    """When it was, as short as a list wants it: `14:02`, `Yesterday`, `3 Nov`, `3 Nov 2025`."""
    local, today = _local(moment, at), now.astimezone(at).date()
    if local.date() == today:
        return f"{local:%H:%M}"
    if local.date() == today - timedelta(days=1):
        return "Yesterday"
    day = f"{local.day} {local:%b}"
    return day if local.year == today.year else f"{day} {local.year}"


def full_time(moment: datetime, at: ZoneInfo) -> str:
    """When it was, in full: `3 Nov 2026, 14:02`."""
    local = _local(moment, at)
    return f"{local.day} {local:%b %Y, %H:%M}"


def date(moment: datetime, at: ZoneInfo) -> str:
    """The day, with its year: `3 Nov 2026`."""
    local = _local(moment, at)
    return f"{local.day} {local:%b %Y}"


def calendar(day: calendar_day) -> str:
    """A day of the calendar: `3 Nov`."""
    return f"{day.day} {day:%b}"


def span(seconds: float | None) -> str:
    """How long something took, for people: `40 s`, `12 min`, `3.5 h`, `2 days`."""
    if seconds is None:
        return "–"
    for unit, most, size in (("s", 60, 1), ("min", 3_600, 60), ("h", 86_400, 3_600)):
        if seconds < most:
            return f"{_rounded(seconds / size)} {unit}"
    days = _rounded(seconds / 86_400)
    return f"{days} day{'' if days == '1' else 's'}"


def _rounded(value: float) -> str:
    """Two digits or so: 3.5, 12, 140."""
    return f"{value:.1f}".removesuffix(".0") if value < 10 else f"{value:.0f}"


def called(customer: Customer) -> str:
    """What a person goes by: name, address, or Shopify's number; nothing where none is known."""
    if customer.name or customer.email:
        return customer.name or customer.email or ""
    return f"Customer no. {customer.shopify_ids[0]} in Shopify" if customer.shopify_ids else ""


def bounce(reason: str | None) -> str:
    """Why a mail came back, for people. `reason` is SES's `bounceType/bounceSubType`."""
    return _BOUNCES.get(reason or "") or _BOUNCES.get((reason or "").split("/")[0], _REFUSED)


def rejection(reason: str | None) -> str:
    """Why a mail was not sent, for people: our own sentence, or what SES's word for it means;
    nothing for a code that only tells something to whoever runs the app."""
    if reason == "Bad content":
        return "it was taken for a virus"
    return reason if reason and " " in reason else ""


def _local(moment: datetime, at: ZoneInfo) -> datetime:
    try:
        return moment.astimezone(at)
    except OverflowError:  # the first or the last day of the calendar, which the zone leaves
        return moment


def initials(name: str) -> str:
    """One or two letters that stand for a person."""
    words = [word for word in re.split(r"[\s@._-]+", name) if word and word[0].isalnum()]
    if not words:
        return "?"
    return (words[0][0] + (words[1][0] if len(words) > 1 and "@" not in name else "")).upper()


def hue(key: str) -> int:
    """One of eight colours for a person's picture, always the same for the same key."""
    return sum(key.encode("utf-8", "replace")) % 8


def words(value: str | None) -> str:
    """A state as Shopify names it, for people: `not_subscribed` is `Not subscribed`."""
    return (value or "").replace("_", " ").strip().capitalize() or "–"

"""How things read on a page: times, money, names, and what strangers wrote."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import date as calendar_day
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation, localcontext
from typing import Final
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime
from babel.numbers import format_currency, get_currency_symbol
from markupsafe import Markup, escape

from cplus.actors import ADMIN, LOCAL, MERCHANT, Actor
from cplus.events.catalogue.mail import AUTO_REPLY
from cplus.mail.failures import detail_code, failure_words
from cplus.projections.queries import Conversation, Customer, Message, SetAside

LOCALE: Final = "en"
"""The locale of money and dates on a page; the package for Lambda holds the data of no other."""
SHOWN: Final = 2_000
"""Characters of a message that show at once; the rest folds out."""

# English with the day first and 24 hours; patterns of CLDR:
# https://unicode.org/reports/tr35/tr35-dates.html#Date_Field_Symbol_Table
_DAY: Final = "d MMM"
_DATE: Final = "d MMM y"
_TIME: Final = "HH:mm"
_DIGITS: Final = 50  # of an amount in front of the decimal point; no money has as many

# Only plain ASCII becomes a link: a look-alike letter or a turned-around address stays text. The
# host is all there is before the path: "https://shop.example@evil.example/" leads to the second.
_LINK: Final = re.compile(r"https?://[!#-&(-;=?-~]{1,2000}")
_HOST: Final = re.compile(r"https?://[A-Za-z0-9.-]+(?::[0-9]{1,5})?(?=[/?#]|\Z)")
_NO_END: Final = ".,:;!?'\")]}*_"

_ASIDE: Final[Mapping[str, tuple[str, str]]] = {
    "report": ("Mail report", "it is a report of a mail system, for example of undelivered mail"),
    "autoreply": ("Automatic reply", "it says that a program sent it, for example an absence note"),
    "noreply": ("No replies", "its sender’s address takes no replies"),
    "spam": ("Spam", "it was recognised as spam"),
    "unsigned_form": (
        "Unsigned form",
        "it claims to be your shop’s contact form, but Shopify did not sign it",
    ),
    "virus": ("Virus", "a virus was found in it"),
    "blocked": ("Blocked", "you blocked its sender"),
}
"""Why a mail started no conversation: in a word or two, and after a colon."""

# Marks that turn the direction of what follows around, to make a text read as another: all that
# embed, override or isolate (Unicode Standard Annex 9, explicit directional formatting). And
# control characters, which show as nothing.
_TURNS: Final = (*range(0x202A, 0x202F), *range(0x2066, 0x206A))
_CONTROLS: Final = (*range(9), 11, 12, *range(14, 32), *range(127, 160))
_TRICKS: Final = dict.fromkeys([*_CONTROLS, *_TURNS])


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
        host = _HOST.match(url)
        # A host that goes on in other letters is another host than the plain ones name.
        if not host or (host[0] == match[0] and text[match.end() : match.end() + 1].isalnum()):
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


def host(name: str) -> Markup:
    """A shop's host that may break before its first dot."""
    return Markup("<wbr>.").join(escape(part) for part in name.split(".", 1))


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
    """A decimal amount for people, with as many decimals as its currency has: `€1,234.50`,
    `₩1,235`, `1.250 KWD`.

    A currency with no sign of its own, or an unknown one, shows as its code after the amount.
    Shows a dash for an amount that is not a number, or that has more than 50 digits.
    """
    try:
        value = Decimal(str(amount))
    except InvalidOperation:
        return "–"
    if not value.is_finite() or value.adjusted() >= _DIGITS:
        return "–"
    code = currency or ""
    symbol = get_currency_symbol(code, LOCALE)
    signed = symbol != code and unicodedata.category(symbol[-1]) == "Sc"
    pattern = "¤#,##0.00" if signed else "#,##0.00"
    # Babel rounds in the context of the thread, whose 28 digits are too few for a long amount.
    with localcontext(prec=2 * _DIGITS):
        digits = format_currency(value, code, pattern, LOCALE)
    return digits if signed or not code else f"{digits} {code}"


def brief_time(moment: datetime, now: datetime, at: ZoneInfo) -> str:
    """When it was, as short as a list wants it: `14:02`, `Yesterday, 23:58`, `3 Nov`,
    `3 Nov 2025`."""
    local, today = _local(moment, at), now.astimezone(at).date()
    if local.date() == today:
        return _told(local, _TIME)
    if local.date() == today - timedelta(days=1):
        return f"Yesterday, {_told(local, _TIME)}"
    return _told(local, _DAY if local.year == today.year else _DATE)


def full_time(moment: datetime, at: ZoneInfo) -> str:
    """When it was, in full: `3 Nov 2026, 14:02`."""
    return _told(_local(moment, at), f"{_DATE}, {_TIME}")


def exact_time(moment: datetime, at: ZoneInfo) -> str:
    """When it was, to the second: `3 Nov 2026, 14:02:09`."""
    return _told(_local(moment, at), f"{_DATE}, {_TIME}:ss")


def date(moment: datetime, at: ZoneInfo) -> str:
    """The day, with its year: `3 Nov 2026`."""
    return _told(_local(moment, at), _DATE)


def calendar(day: calendar_day) -> str:
    """A day of the calendar: `3 Nov`."""
    return format_date(day, _DAY, LOCALE)


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


def titled(subject: str | None) -> str:
    """A subject, or the words that stand for it; None is one that was erased."""
    return "Erased" if subject is None else subject or "No subject"


def sender(mail: Conversation | Message | SetAside) -> str:
    """Who wrote: name, address, or the words that stand for them."""
    return (
        mail.from_name
        or mail.from_address
        or ("Erased person" if mail.erased else "Unknown sender")
    )


def author(recorded: str | None, reader: Actor) -> str:
    """Who of the shop wrote a reply, for `reader`: their own name, the id of others, with what it
    is if it is Shopify's number. Replies from before users were known say `merchant`."""
    if recorded in (None, "", MERCHANT.author):
        return "Merchant"
    if recorded == AUTO_REPLY:
        return "Your shop"
    known = (one.shown for one in (reader, ADMIN, LOCAL) if one.author == recorded)
    return next(known, Actor("merchant", recorded).shown)


def doer(actor: str, reader: Actor) -> str:
    """Who did something, as a commit keeps it, for `reader`."""
    kind, _, name = actor.partition("/")
    if kind == "merchant":
        return author(name, reader)
    if kind == "operator":
        return f"{name} (support of this app)" if name else "Support of this app"
    return {"shopper": "Customer", "shopify": "Shopify", "ses": "Email service"}.get(kind, "App")


def sentence(words: str) -> str:
    """The words as they stand alone, with a capital letter."""
    return f"{words[:1].upper()}{words[1:]}"


def bounce(reason: str | None) -> str:
    """Why a mail came back, for people. `reason` is SES's `bounceType/bounceSubType`."""
    return failure_words(detail_code(reason))


def rejection(reason: str | None) -> str:
    """Why a mail was not sent, for people: our own sentence, or what SES's word for it means;
    empty for a code that only helps the people who run the app."""
    if reason == "Bad content":
        return failure_words("virus")
    return reason if reason and " " in reason else ""


def aside_label(reason: str) -> str:
    """Why a mail started no conversation, in a word or two."""
    return _ASIDE[reason][0]


def aside(reason: str) -> str:
    """Why a mail started no conversation, for people, to follow a colon."""
    return _ASIDE[reason][1]


def _local(moment: datetime, at: ZoneInfo) -> datetime:
    try:
        return moment.astimezone(at)
    except OverflowError:  # the first or the last day of the calendar, which the zone leaves
        return moment


def _told(local: datetime, pattern: str) -> str:
    return format_datetime(local, pattern, locale=LOCALE)


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

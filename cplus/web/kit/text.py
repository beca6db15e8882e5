"""How things read on a page: names, reasons, and what strangers wrote."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from babel.lists import format_list
from markupsafe import Markup, escape

from cplus.actors import MERCHANT, Actor
from cplus.errors import InvalidInput
from cplus.events.catalogue.mail import AUTO_REPLY
from cplus.mail.failures import detail_code, failure_words
from cplus.mail.refusals import refusal_words
from cplus.projections.queries import Conversation, Customer, Message, SetAside
from cplus.web.kit.i18n import TRICKS, language, translated
from cplus.web.kit.i18n import gettext as _
from cplus.wording import worded

SHOWN: Final = 2_000
"""Characters of a message that show at once; the rest folds out."""

# Only plain ASCII becomes a link: a look-alike letter or a turned-around address stays text. The
# host is all there is before the path: "https://shop.example@evil.example/" leads to the second.
_LINK: Final = re.compile(r"https?://[!#-&(-;=?-~]{1,2000}")
_HOST: Final = re.compile(r"https?://[A-Za-z0-9.-]+(?::[0-9]{1,5})?(?=[/?#]|\Z)")
_NO_END: Final = ".,:;!?'\")]}*_"

_ASIDE: Final[Mapping[str, tuple[str, str]]] = {
    "report": (
        worded("Mail report"),
        worded("it is a report of a mail system, for example of undelivered mail"),
    ),
    "autoreply": (
        worded("Automatic reply"),
        worded("it says that a program sent it, for example an absence note"),
    ),
    "noreply": (worded("No replies"), worded("its sender’s address takes no replies")),
    "spam": (worded("Spam"), worded("it was recognised as spam")),
    "unsigned_form": (
        worded("Unsigned form"),
        worded("it claims to be your shop’s contact form, but Shopify did not sign it"),
    ),
    "virus": (worded("Virus"), worded("a virus was found in it")),
    "blocked": (worded("Blocked"), worded("you blocked its sender")),
}
"""Why a mail started no conversation: in a word or two, and after a colon."""

_DOERS: Final = {
    "shopper": worded("Customer"),
    "shopify": worded("Shopify"),
    "ses": worded("Email service"),
}


class Reader(Protocol):
    """Whoever reads a page."""

    @property
    def actor(self) -> Actor:
        """Which of the shop's staff it is."""

    def called(self, member: str) -> str:
        """What a member of the team is called, by their id."""


def linked(text: str) -> Markup:
    """Untrusted text as HTML: everything escaped, web addresses made into links."""
    text = text.translate(TRICKS)
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
    return Markup("@<wbr>").join(escape(part) for part in address.translate(TRICKS).split("@"))


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


def called(customer: Customer) -> str:
    """What a person goes by: name, address, or Shopify's number; nothing where none is known."""
    if customer.name or customer.email:
        return customer.name or customer.email or ""
    if not customer.shopify_ids:
        return ""
    return _("Customer no. %(number)s in Shopify", number=str(customer.shopify_ids[0]))


def titled(subject: str | None) -> str:
    """A subject, or the words that stand for it; None is one that was erased."""
    return _("Erased") if subject is None else subject or _("No subject")


def sender(mail: Conversation | Message | SetAside) -> str:
    """Who wrote: name, address, or the words that stand for them."""
    return (
        mail.from_name
        or mail.from_address
        or (_("Erased person") if mail.erased else _("Unknown sender"))
    )


def author(recorded: str | None, reader: Reader) -> str:
    """Who of the shop wrote a reply, for whoever reads it: what they are called, or else their id
    and what that is. Replies from before users were known say `merchant`."""
    if recorded in (None, "", MERCHANT.author):
        return _("Merchant")
    if recorded == AUTO_REPLY:
        return _("Your shop")
    return translated(reader.called(recorded))


def mentioned(members: Sequence[str], reader: Reader) -> str:
    """Whom a note mentions besides its reader, as they are called now. Empty for nobody."""
    others = [translated(reader.called(one)) for one in members if one != reader.actor.author]
    return listed(others)


def listed(names: Sequence[str]) -> str:
    """The names in one line, as the language of the page lists them."""
    return format_list(names, locale=language()) if names else ""


def doer(actor: str, reader: Reader) -> str:
    """Who did something, as a commit keeps it, for `reader`."""
    kind, name = actor.partition("/")[::2]
    if kind == "merchant":
        return author(name, reader)
    if kind == "operator":
        return _("%(name)s (support of this app)", name=name) if name else _("Support of this app")
    return translated(_DOERS.get(kind, worded("App")))


def sentence(words: str) -> str:
    """The words as they stand alone, with a capital letter."""
    words = translated(words)
    return f"{words[:1].upper()}{words[1:]}"


def refusal(error: InvalidInput) -> str:
    """Why what was sent in cannot be used, as a sentence."""
    return f"{sentence(error.values['reason'])}."


def bounce(reason: str | None) -> str:
    """Why a mail came back, for people. `reason` is SES's `bounceType/bounceSubType`."""
    return failure(detail_code(reason))


def failure(code: str) -> str:
    """Why a mail did not arrive, by our code, to follow a colon."""
    return translated(failure_words(code))


def answer_refusal(reason: str | None) -> str:
    """Why a mail from the merchant's own mailbox was not sent on."""
    return translated(refusal_words(reason))


def rejection(reason: str | None) -> str:
    """Why a mail was not sent, for people: our own sentence, or what SES's word for it means;
    empty for a code that only helps the people who run the app."""
    if reason == "Bad content":
        return failure("virus")
    # An event keeps our sentence; one of ours is in the catalogs.
    return _(reason) if reason and " " in reason else ""


def aside_label(reason: str) -> str:
    """Why a mail started no conversation, in a word or two."""
    return translated(_ASIDE[reason][0])


def aside(reason: str) -> str:
    """Why a mail started no conversation, for people, to follow a colon."""
    return translated(_ASIDE[reason][1])


def initials(name: str) -> str:
    """One or two letters that stand for a person."""
    words = [word for word in re.split(r"[\s@._-]+", name) if word and word[0].isalnum()]
    if not words:
        return "?"
    return (words[0][0] + (words[1][0] if len(words) > 1 and "@" not in name else "")).upper()


def hue(key: str) -> int:
    """One of eight colours for a person's picture, always the same for the same key."""
    return sum(key.encode("utf-8", "replace")) % 8

"""Why a mail from a merchant's own mailbox was not sent on to the customer, in words."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from cplus.wording import worded

REFUSALS: Final = MappingProxyType(
    {
        "unproved": worded(
            "Nothing proves that it came from your mailbox; anyone can write your address "
            "as the sender’s. If it is yours, ask whoever runs your email for DKIM and DMARC."
        ),
        "other_mailbox": worded(
            "It answers what was sent to another mailbox of yours. Answer from the "
            "mailbox that got the message."
        ),
        "mailbox_off": worded("This mailbox was removed from the app, or is switched off."),
        "expired": worded("The conversation is too old to be answered by email."),
        "person_erased": worded("The customer was erased."),
        "merged": worded(
            "The conversation was merged into another, in which replies go to somebody "
            "else. Answer there."
        ),
        "no_address": worded("The conversation has no address that a reply can go to."),
        "moved": worded(
            "Replies go to somebody else by now than when you were sent that message. Look at "
            "the conversation, which says to whom."
        ),
        "command": worded(
            "Its first line is almost #note, which keeps an answer as a note. So that no "
            "note goes to a customer by mistake, nothing was sent."
        ),
        "automatic": worded(
            "It looks like an automatic answer: the same words came before, or too many "
            "answers within an hour."
        ),
        "empty": worded("Nothing was written in it but what it quotes."),
        "unclear": worded(
            "It says that your words stand within the quoted message, where nothing tells "
            "them apart. Write above the quote."
        ),
        "too_long": worded("It is longer than a reply can be."),
        "too_large": worded("The files with it are too large to send."),
        "virus": worded("A virus was found in it."),
    }
)
"""By the reasons that events keep."""


def refusal_words(reason: str | None) -> str:
    """The words for a reason; general ones for one that this code does not know."""
    return REFUSALS.get(reason or "", worded("It could not be sent."))

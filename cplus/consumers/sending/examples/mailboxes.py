"""The mails to a merchant's own mailbox."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from cplus.commands.mailboxes import VERIFICATION
from cplus.consumers.mailboxes.telling import DIGEST, NOTIFICATION, REFUSED
from cplus.consumers.sending.examples.example import NOW, OWNER, SHOP, Example, happened
from cplus.events.base import AggregateEvent
from cplus.events.catalogue.conversations import (
    AnswerRefused,
    ConversationStarted,
    MessageReceived,
)
from cplus.events.catalogue.mail import MailRequested
from cplus.events.catalogue.mailboxes import (
    MailboxAdded,
    MailboxNotificationsChosen,
    MailboxVerificationAsked,
    MailboxVerified,
)
from cplus.events.names import conversation_stream, mailboxes_stream, message_ref

_BOXES: Final = mailboxes_stream(SHOP)
_BOX: Final = "mailb0x000000001"
_PERSON: Final = "person/owner"
_TALK: Final = "c0nversat10n0001"
_STREAM: Final = conversation_stream(_TALK)
_INES: Final = "person/ines"
_BEFORE: Final = NOW - timedelta(hours=2)


def _box(number: int) -> dict[str, object]:
    return {"originator_id": _BOXES, "originator_version": number, "timestamp": _BEFORE,
            "mailbox": _BOX}  # fmt: skip


def _talk(number: int) -> dict[str, object]:
    return {"originator_id": _STREAM, "originator_version": number, "timestamp": NOW,
            "person": _INES}  # fmt: skip


_ADDED: Final[list[AggregateEvent]] = [
    MailboxAdded.model_validate({**_box(1), "person": _PERSON, "address": OWNER}),
    MailboxVerificationAsked.model_validate(
        {**_box(2), "number": 1, "expires_at": NOW + timedelta(hours=22)}
    ),
]
_VERIFIED: Final = [*_ADDED, MailboxVerified.model_validate(_box(3))]
_DAILY: Final = [
    *_VERIFIED,
    MailboxNotificationsChosen.model_validate({**_box(4), "notify": "digest", "hour": 9}),
]
_ASKED: Final = [
    *_VERIFIED,
    ConversationStarted.model_validate({**_talk(1), "channel": "email", "subject": "Blue jug"}),
]
_MESSAGE: Final = MessageReceived.model_validate(
    {
        **_talk(2),
        "message_id": "m1",
        "from_name": "Ines Okafor",
        "from_address": "ines.okafor@example.com",
        "subject": "Blue jug",
        "text": "Hello,\n\nis the blue jug back in stock, and how high is it?\n\nInes",
        "rfc_message_id": "m1@example.com",
    }
)
_REFUSAL: Final = AnswerRefused.model_validate(
    {**_talk(3), "message_id": "a1", "mailbox": _BOX, "reason": "empty", "proved": True}
)


def _wish(purpose: str, **about: str) -> MailRequested:
    return MailRequested(
        message_id=purpose,
        purpose=purpose,
        about={"mailbox": _BOX, **about},
        person=_PERSON,
        to_address=OWNER,
    )


_ABOUT: Final = {"conversation": _TALK, "message": "m1"}

EXAMPLES = (
    Example("mailbox-verification", _wish(VERIFICATION), [happened(one) for one in _ADDED]),
    Example(
        "notification",
        _wish(NOTIFICATION, **_ABOUT),
        [*(happened(one) for one in _ASKED), happened(_MESSAGE, message_ref("m1"))],
    ),
    Example("digest", _wish(DIGEST), [happened(one) for one in _DAILY]),
    Example(
        "answer-refused",
        _wish(REFUSED, conversation=_TALK, message="a1"),
        [
            *(happened(one) for one in _ASKED),
            happened(_MESSAGE, message_ref("m1")),
            happened(_REFUSAL, message_ref("a1")),
        ],
    ),
)

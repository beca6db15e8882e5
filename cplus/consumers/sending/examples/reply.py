"""Replies: the first to a message of the contact form, later ones, with copies and with files."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from cplus.consumers.sending.examples.example import NOW, Example, happened
from cplus.events.base import NewEvent
from cplus.events.catalogue.conversations import MessageReceived, ReplyWritten
from cplus.events.catalogue.mail import MailSent
from cplus.events.files import StoredFile
from cplus.events.names import conversation_stream, mail_stream

_STREAM: Final = conversation_stream("c0nversat10n0001")
_INES: Final = "person/ines"
_ADDRESS: Final = "ines.okafor@example.com"
_SUBJECT: Final = "Blue jug"

_QUESTION: Final = MessageReceived(
    originator_id=_STREAM,
    originator_version=1,
    timestamp=NOW - timedelta(days=2),
    message_id="m1",
    person=_INES,
    from_name="Ines Okafor",
    from_address=_ADDRESS,
    subject=_SUBJECT,
    text="Hello,\n\nis the blue jug back in stock, and how high is it?\n\nInes",
    rfc_message_id="m1@example.com",
)
_ANSWER: Final = ReplyWritten(
    originator_id=_STREAM,
    originator_version=2,
    timestamp=NOW - timedelta(days=1),
    message_id="r1",
    person=_INES,
    to_address=_ADDRESS,
    subject=_SUBJECT,
    text=(
        "Hello Ines,\n\nit is back since this morning, and 24 cm high:\n"
        "https://birch-bloom.example/products/blue-jug\n\nWould you like one?"
    ),
    in_reply_to="m1@example.com",
    author="sam",
)
_ORDER: Final = MessageReceived(
    originator_id=_STREAM,
    originator_version=3,
    timestamp=NOW - timedelta(hours=3),
    message_id="m2",
    person=_INES,
    from_name="Ines Okafor",
    from_address=_ADDRESS,
    subject=_SUBJECT,
    text="Yes, two please!",
    rfc_message_id="m2@example.com",
)
_NEXT: Final = ReplyWritten(
    originator_id=_STREAM,
    originator_version=4,
    timestamp=NOW,
    message_id="r2",
    person=_INES,
    to_address=_ADDRESS,
    subject=_SUBJECT,
    text=(
        "Hello Ines,\n\ntwo jugs are on their way 🏺. You can follow them "
        "(https://post.example/track?id=42), and if one arrives broken, write to "
        "help@birch-bloom.example.\n\n  - 2 × Blue jug, 24 cm\n  - 1 × Gift box"
    ),
    in_reply_to="m2@example.com",
    author="sam",
)
_SENT: Final = NewEvent(
    mail_stream("r1"),
    MailSent(message_id="r1", ses_message_id="ses-r1"),
    NOW - timedelta(days=1),
)
_BEFORE: Final = (happened(_QUESTION), happened(_ANSWER), (_SENT, [_STREAM]), happened(_ORDER))


def _file(name: str, content_type: str) -> StoredFile:
    return StoredFile(
        id=name,
        name=name,
        content_type=content_type,
        size=100,
        cid=None,
        inline=False,
        bucket="no-bucket",
        key=name,
        opens="",
    )


_FILES: Final = (_file("Blue jug, größer.png", "image/png"), _file("order.csv", "text/csv"))

EXAMPLES = (
    Example("reply-first", _ANSWER, (happened(_QUESTION),)),
    Example("reply-later", _NEXT, _BEFORE),
    Example("reply-copied", _NEXT.model_copy(update={"cc": ("sam@example.com",)}), _BEFORE),
    Example("reply-files", _NEXT.model_copy(update={"files": _FILES}), _BEFORE),
)

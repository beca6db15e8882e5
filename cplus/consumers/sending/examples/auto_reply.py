"""What a shop answers by itself, outside of its hours."""

from __future__ import annotations

from typing import Final

from cplus.consumers.sending.examples.example import NOW, Example, happened
from cplus.events.catalogue.conversations import (
    AutoReplied,
    ConversationStarted,
    MessageReceived,
)
from cplus.events.catalogue.mail import AUTO_REPLY, MailRequested
from cplus.events.names import conversation_stream, message_ref

_ID: Final = "c0nversat10n0002"
_STREAM: Final = conversation_stream(_ID)
_INES: Final = "person/ines"
_ADDRESS: Final = "ines.okafor@example.com"
_STARTED: Final = ConversationStarted(
    originator_id=_STREAM,
    originator_version=1,
    timestamp=NOW,
    person=_INES,
    channel="email",
    subject="Blue jug",
)
_QUESTION: Final = MessageReceived(
    originator_id=_STREAM,
    originator_version=2,
    timestamp=NOW,
    message_id="m1",
    person=_INES,
    from_name="Ines Okafor",
    from_address=_ADDRESS,
    proved=True,
    subject="Blue jug",
    text="Is the blue jug back in stock?",
    rfc_message_id="m1@example.com",
    answerable=True,
)
_ANSWER: Final = AutoReplied(
    originator_id=_STREAM,
    originator_version=3,
    timestamp=NOW,
    message_id="auto1",
    answers="m1",
    kind="away",
    person=_INES,
    to_address=_ADDRESS,
    subject="Blue jug",
    text=(
        "Hello Ines Okafor,\n\nThank you for your message. We’re closed right now and will reply "
        "after Tuesday, 24 November at 09:00.\n\nBirch & Bloom"
    ),
    in_reply_to="m1@example.com",
)

EXAMPLES = (
    Example(
        "auto-reply",
        MailRequested(
            message_id="auto1",
            purpose=AUTO_REPLY,
            about={"conversation": _ID},
            person=_INES,
            to_address=_ADDRESS,
        ),
        (happened(_STARTED), happened(_QUESTION), happened(_ANSWER, message_ref("auto1"))),
    ),
)

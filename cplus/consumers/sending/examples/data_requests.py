"""The mails to a merchant about a customer's request for their data."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from cplus.consumers.sending.examples.example import NOW, Example
from cplus.events.base import NewEvent
from cplus.events.catalogue.mail import MailRequested
from cplus.events.catalogue.privacy import NOTICE_PURPOSES, REQUEST, DataRequested
from cplus.events.names import data_request_stream

_REQUEST: Final = 7001
_ASKED: Final = NewEvent(
    data_request_stream(_REQUEST),
    DataRequested(request_id=_REQUEST, person="person/ines", due_at=NOW + timedelta(days=30)),
    NOW,
)

EXAMPLES = tuple(
    Example(
        purpose.replace("_", "-"),
        MailRequested(message_id=purpose, purpose=purpose, about={REQUEST: str(_REQUEST)}),
        [(_ASKED, [])],
    )
    for purpose in NOTICE_PURPOSES.values()
)

"""The mail to a merchant whose own domain failed."""

from __future__ import annotations

from typing import Any, Final

from cplus.consumers.sending.domains.checking import FAILED
from cplus.consumers.sending.examples.example import NOW, SHOP, Example
from cplus.events.base import NewEvent
from cplus.events.catalogue.mail import MailRequested
from cplus.events.catalogue.settings import SenderChosen, SenderDomainAdded, SenderDomainChecked
from cplus.events.names import settings_stream

_DOMAIN: Final = "birch-bloom.example"
_STREAM: Final = settings_stream(SHOP)
_FOUND: Final[dict[str, Any]] = {
    "domain": _DOMAIN,
    "holder": "shop",
    "proof": True,
    "tokens": ("a1", "b2", "c3"),
    "zone": "dkim.amazonses.com",
    "mail_from": "SUCCESS",
    "dmarc": True,
}


def _at(number: int) -> dict[str, Any]:
    # Behind the signature that every example has.
    return {"originator_id": _STREAM, "originator_version": number + 1, "timestamp": NOW}


_EVENTS: Final = (
    SenderDomainAdded(**_at(1), domain=_DOMAIN),
    SenderDomainChecked(**_at(2), **_FOUND, verified=True, dkim="SUCCESS"),
    SenderChosen(**_at(3), domain=_DOMAIN, person="person/sender", local="hello"),
    SenderDomainChecked(**_at(4), **_FOUND, verified=False, dkim="FAILED"),
)

EXAMPLES = (
    Example(
        "sender-domain-failed",
        MailRequested(message_id="domain1", purpose=FAILED, about={"domain": _DOMAIN}),
        [(NewEvent.decided(event), [_STREAM]) for event in _EVENTS],
    ),
)

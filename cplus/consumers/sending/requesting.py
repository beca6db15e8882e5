"""The wish to send a mail that is no merchant's reply: in the log before anything is sent."""

from __future__ import annotations

from datetime import datetime

from cplus.events.base import NewEvent
from cplus.events.catalogue.mail import MailRequested
from cplus.events.log.commit import Draft
from cplus.events.names import about_refs, mail_stream, message_ref


def requested(wish: MailRequested, at: datetime) -> NewEvent:
    """The wish as an event, for a commit that has `wish_refs` among its refs."""
    return NewEvent(mail_stream(wish.message_id), wish, at)


def wish_refs(wish: MailRequested) -> list[str]:
    """By what the wish is found."""
    about = about_refs(wish.about)
    return [mail_stream(wish.message_id), *about, message_ref(wish.message_id)]


def request_draft(
    shop: str,
    wish: MailRequested,
    at: datetime,
    *,
    claim: str,
    actor: str,
    source: str,
    correlation_id: str | None = None,
    causation_id: str | None = None,
) -> Draft:
    """A commit that asks for one mail. The claim makes it one, however often it is asked for: see
    `names.mail_claim`."""
    return Draft(
        shop=shop,
        claim=claim,
        source=source,
        actor=actor,
        events=[requested(wish, at)],
        refs=wish_refs(wish),
        correlation_id=correlation_id,
        causation_id=causation_id,
    )

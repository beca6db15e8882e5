"""Data requests: a row for each customer's request for their data, by Shopify's number of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from cplus.events.base import Event, Recorded
from cplus.events.catalogue.mail import MailRequested
from cplus.events.catalogue.privacy import (
    NOTICE_PURPOSES,
    REQUEST,
    DataRequested,
    NoticeBounced,
    NoticeComplained,
    NoticeDelivered,
    NoticeRejected,
    NoticeRequested,
    NoticeSent,
    PersonErased,
    PersonExported,
)
from cplus.projections.base import Counts, Projection, Row
from cplus.projections.models.facts import MAIL_FACTS, UNSENT, types, with_fate

_NOTICES: Final[tuple[type[Event], ...]] = (
    NoticeRequested,
    NoticeSent,
    NoticeDelivered,
    NoticeBounced,
    NoticeComplained,
    NoticeRejected,
)
_MAILS: Final[tuple[type[Event], ...]] = (MailRequested, *MAIL_FACTS)
_KINDS: Final = {purpose: kind for kind, purpose in NOTICE_PURPOSES.items()}


def keys(event: Recorded) -> Iterable[str]:
    """The request's number; an export that answers no request touches no row, and no mail that is
    about none. Of an erasure, those of all requests of the person."""
    if isinstance(event.event, PersonErased):
        return map(str, event.event.requests)
    if isinstance(event.event, _MAILS):
        return [_about(event.event)[REQUEST]] if _kind(event.event) else []
    request = getattr(event.event, "request_id")  # noqa: B009  the other events have it
    return [] if request is None else [str(request)]


def evolve(_key: str, row: Row | None, event: Recorded) -> Row | None:
    """The request as it was first told, the first export that answered it, and what became of each
    mail to the merchant about it."""
    if isinstance(event.event, (*_NOTICES, *_MAILS)):
        return None if row is None else _told(row, event)
    match event.event:
        case DataRequested() as asked:
            # Shopify may tell of one request by two webhooks: it is due by the first.
            if row is not None and row["at"] <= event.occurred_at:
                return row
            return {
                "exported": False,
                "exported_at": None,
                "exported_by": None,
                **(row or {}),
                "at": event.occurred_at,
                "due_at": asked.due_at,
                "person": asked.person,
                "shopify_customer_id": asked.shopify_customer_id,
                "email": asked.email,
                "phone": asked.phone,
            }
        case PersonExported() if row is not None and not row["exported"]:
            by = {"exported_at": event.occurred_at, "exported_by": event.actor}
            return {**row, "exported": True, **by}
        case PersonErased() if row is not None:
            return {**row, "email": None, "phone": None, "erased": True}
    return row


def _kind(event: Event) -> str | None:
    """Which of the mails about a request it is; None if it is none of them."""
    if isinstance(event, _NOTICES):
        return str(getattr(event, "kind"))  # noqa: B009  every event about a notice has it
    return _KINDS.get(getattr(event, "purpose"))  # noqa: B009  every fact about a mail has it


def _about(event: Event) -> Mapping[str, str]:
    about: Mapping[str, str] = getattr(event, "about")  # noqa: B009  every fact about a mail has it
    return about


def _told(row: Row, event: Recorded) -> Row:
    kind = _kind(event.event)
    notices = row.get("notices", {})
    before = {**UNSENT, "requested_at": None, **notices.get(kind, {})}
    if isinstance(event.event, NoticeRequested | MailRequested):
        after = {**before, "requested_at": before["requested_at"] or event.occurred_at}
    else:
        after = with_fate(before, event)
    return {**row, "notices": {**notices, kind: after}}


def count(rows: Mapping[str, Row]) -> Mapping[str, int]:
    """How many requests there are, how many of them nobody answered yet, and how many nobody can
    answer any more."""
    unanswered = [row for row in rows.values() if not row["exported"]]
    erased = sum("erased" in row for row in unanswered)
    return {"requests": len(rows), "open": len(unanswered) - erased, "erased": erased}


DATA_REQUESTS = Projection(
    name="data_requests",
    version=1,
    handles=types(
        DataRequested,
        NoticeRequested,
        NoticeSent,
        NoticeDelivered,
        NoticeBounced,
        NoticeComplained,
        NoticeRejected,
        *_MAILS,
        PersonErased,
        PersonExported,
    ),
    opens=types(DataRequested),
    keys=keys,
    evolve=evolve,
    counts=Counts(count),
    indexes=(
        (("at", -1), ("_id", -1)),
        (("exported", 1), ("at", -1), ("_id", -1)),
    ),
)

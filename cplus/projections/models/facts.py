"""What folds share: facts that come in any order, and how far a mail came. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cplus.events.base import Event, Recorded
from cplus.events.catalogue.mail import (
    MailBounced,
    MailComplained,
    MailDelivered,
    MailRejected,
    MailSent,
)

Group = Mapping[str, Any]
"""Fields that came together, with `at` and `by`: when it was so, and the event that told it."""

MAIL_FACTS: tuple[type[Event], ...] = (
    MailSent,
    MailDelivered,
    MailBounced,
    MailComplained,
    MailRejected,
)


def newest(group: Group | None, event: Recorded, fields: Mapping[str, Any]) -> Group:
    """The group once `event` has told `fields`: the newest `occurred_at` wins, ties go to the
    larger event id. So the order in which facts come, and how often, makes no difference."""
    told = {"at": event.occurred_at, "by": event.id, **fields}
    return told if group is None else newer(group, told)


def newer(one: Group, other: Group) -> Group:
    """The one of two groups that wins."""
    return other if (other["at"], other["by"]) > (one["at"], one["by"]) else one


def mail_rank(event: Event) -> int:
    """How far the mail came by this fact; the highest rank that was told is its status.

    A bounce that is not permanent ranks below a delivery: SES reports out-of-office answers of
    mailboxes that took the mail as such bounces. A mail that was delivered can still bounce for
    good, be complained about, or turn out to be rejected.
    """
    if isinstance(event, MailBounced):
        return 4 if event.permanent else 2
    return {MailSent: 1, MailDelivered: 3, MailComplained: 5, MailRejected: 6}[type(event)]


def mail_status(rank: int) -> str:
    """The word for a rank; 0 is a mail that was only written."""
    words = ("written", "sent", "bounced", "delivered", "bounced", "complained", "rejected")
    return words[rank]


def fate_name(event: Event) -> str:
    """What the fact says of the mail; a bounce that may still be followed by a delivery has a name
    of its own."""
    if isinstance(event, MailBounced) and not event.permanent:
        return "bounced_for_now"
    return _FATES[type(event)]


_FATES: Mapping[type[Event], str] = {
    MailSent: "sent",
    MailDelivered: "delivered",
    MailBounced: "bounced",
    MailComplained: "complained",
    MailRejected: "rejected",
}

UNSENT: Mapping[str, Any] = {
    "rank": 0,
    "status": "written",
    "status_at": None,
    "status_by": None,
    "reason": None,
    "ses_message_id": None,
}
"""The fields of a mail's fate before any fact about it."""


def with_fate(before: Mapping[str, Any], event: Recorded) -> dict[str, Any]:
    """The row after a fact about its mail; the fact of the highest rank is its status."""
    after, fact = dict(before), event.event
    if isinstance(fact, MailSent):
        # A mail sent twice after a crash has two ids: the smaller, whichever was folded first.
        known = before["ses_message_id"]
        after["ses_message_id"] = min(known or fact.ses_message_id, fact.ses_message_id)
    rank = mail_rank(fact)
    mark, told = (before["status_at"], before["status_by"]), (event.occurred_at, event.id)
    # Among facts of one rank the first by its own time stands.
    if rank > before["rank"] or (rank == before["rank"] and told < mark):
        after.update(
            rank=rank,
            status=mail_status(rank),
            status_at=event.occurred_at,
            status_by=event.id,
            reason=getattr(fact, "reason", None),
        )
    return after


def types(*events: type[Event]) -> frozenset[type[Event]]:
    """The set of these event types."""
    return frozenset(events)

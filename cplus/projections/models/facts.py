"""What folds share: facts that come in any order, and how far a mail came. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from cplus.events.base import Event, Recorded
from cplus.events.catalogue.mail import (
    REPLY,
    MailBounced,
    MailComplained,
    MailDelivered,
    MailRejected,
    MailSent,
)
from cplus.events.catalogue.privacy import (
    NoticeBounced,
    NoticeComplained,
    NoticeDelivered,
    NoticeRejected,
    NoticeSent,
)

Group = Mapping[str, Any]
"""Fields that came together, with what orders them among others (`MARK`)."""

_SNIPPET: Final = 140
MARK: Final = ("at", "told_at", "rank", "by")
"""What says which of two groups is newer: when it was so, when the source told of it, how far its
state is on the way that such states go, and the event that told it."""

_NEVER: Final = datetime.min.replace(tzinfo=UTC)

MAIL_FACTS: tuple[type[Event], ...] = (
    MailSent,
    MailDelivered,
    MailBounced,
    MailComplained,
    MailRejected,
)


def is_of_reply(event: Event) -> bool:
    """Whether what it tells is of a merchant's reply: false for the fate of every other mail."""
    return getattr(event, "purpose", REPLY) == REPLY


def newest(
    group: Group | None,
    event: Recorded,
    fields: Mapping[str, Any],
    *,
    rank: int = 0,
    lasting: Sequence[str] = (),
) -> Group:
    """The group once `event` has told `fields`: the newest `occurred_at` wins, and among equal ones
    the one that the source told last, then the larger `rank`, and only then the larger event id.
    So the order in which facts come, and how often, makes no difference.

    None is a value, except in the fields that are `lasting`: there it is not known, and the newest
    value that is known stays.
    """
    mark = (event.occurred_at, event.told_at, rank, event.id)
    told = {**dict(zip(MARK, mark, strict=True)), **fields}
    return told if group is None else newer(group, told, lasting)


def newer(one: Group, other: Group, lasting: Sequence[str] = ()) -> Group:
    """The one of two groups that wins, with the newest known value of each `lasting` field."""
    loser, winner = sorted((one, other), key=order)
    kept = {name: found for name in lasting if (found := _last_known(name, loser, winner))}
    if not kept:
        return {name: value for name, value in winner.items() if name != "kept"}
    values = {name: group[name] for name, group in kept.items()}
    return {**winner, **values, "kept": kept}


def order(group: Group) -> tuple[Any, ...]:
    """What groups are sorted by: the newest is the last."""
    # Rows from before the end of November 2026 lack the two in the middle.
    told_at, rank = group.get("told_at"), group.get("rank", 0)
    return (group["at"], told_at or _NEVER, rank, group["by"])


def _last_known(name: str, loser: Group, winner: Group) -> dict[str, Any] | None:
    """The field with the mark of the group that told it; None if the winner told it itself, or
    nobody did."""
    told = [one for group in (loser, winner) if (one := _teller(name, group)) is not None]
    newest_told = max(told, key=order, default=None)
    if newest_told is None or order(newest_told) == order(winner):
        return None
    return {key: newest_told[key] for key in (*MARK, name)}


def _teller(name: str, group: Group) -> Group | None:
    kept: Group | None = group.get("kept", {}).get(name)
    return kept or (group if group[name] is not None else None)


BOUNCED_FOR_NOW: Final = 2
"""The rank of a bounce that may still be followed by a delivery."""


def mail_rank(event: Event) -> int:
    """How far the mail came by this fact; the highest rank that was told is its status.

    A bounce that is not permanent ranks below a delivery: SES reports out-of-office answers of
    mailboxes that took the mail as such bounces. A mail that was delivered can still bounce for
    good, be complained about, or turn out to be rejected.
    """
    if isinstance(event, MailBounced | NoticeBounced):
        return 4 if event.permanent else BOUNCED_FOR_NOW
    return _RANKS[type(event)]


_RANKS: Mapping[type[Event], int] = {
    **dict.fromkeys((MailSent, NoticeSent), 1),
    **dict.fromkeys((MailDelivered, NoticeDelivered), 3),
    **dict.fromkeys((MailComplained, NoticeComplained), 5),
    **dict.fromkeys((MailRejected, NoticeRejected), 6),
}


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
    if isinstance(fact, MailSent | NoticeSent):
        # A mail sent twice after a crash has two ids: the smaller, whichever was folded first.
        known = before["ses_message_id"]
        after["ses_message_id"] = min(known or fact.ses_message_id, fact.ses_message_id)
        if isinstance(fact, MailSent) and fact.fallback:
            after["fallback"] = fact.fallback
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


def snippet(text: str) -> str:
    """The first 140 characters of a text, on one line."""
    # What is beyond a few hundred characters cannot be in it, however much is space.
    return " ".join(text[: _SNIPPET * 8].split())[:_SNIPPET]


def moved_to(row: Mapping[str, Any], event: Recorded) -> dict[str, Any] | None:
    """Where the row of a message stands after it was moved; None if the row knows of that move, or
    of a later one."""
    if row.get("moved_by", 0) >= event.number:
        return None
    return {"conversation_id": getattr(event.event, "into"), "moved_by": event.number}  # noqa: B009


def still_moved(row: Mapping[str, Any] | None) -> dict[str, Any]:
    """Where the row of a message was moved to: what is told again of its beginning does not bring
    it back."""
    names = ("conversation_id", "moved_by", "moved_from") if row and "moved_by" in row else ()
    return {name: row[name] for name in names if row and name in row}

"""How the shop's staff works on a conversation: who looks after it, until when it is put off, its
tags, how urgent it is.

What may be done: a conversation that was merged into another, or whose person was erased, is not
worked on any more; one that is closed or marked as spam cannot be put off.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final, get_args

from cplus.events.aggregates.conversation.refusals import MAX_TAGS, refused
from cplus.events.aggregates.conversation.state import ConversationState
from cplus.events.aggregates.tags import tags_changed
from cplus.events.catalogue.handling import (
    ConversationAssigned,
    ConversationPrioritized,
    ConversationSnoozed,
    ConversationTagged,
    ConversationWoken,
    Priority,
    WokenBy,
)

MAX_SNOOZE: Final = timedelta(days=366)
"""How long a conversation can be put off at most."""
PRIORITIES: Final[tuple[Priority, ...]] = get_args(Priority)
"""The least urgent first."""
_STAFF: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")


def assign(talk: ConversationState, *, assignee: str | None, now: datetime) -> None:
    """This member of staff looks after it from now on; None: nobody in particular."""
    _check(talk)
    if assignee is not None and not _STAFF.fullmatch(assignee):
        raise refused("staff")
    if assignee != talk.handling.assignee:
        talk.trigger_event(ConversationAssigned, assignee=assignee, timestamp=now)


def snooze(
    talk: ConversationState, *, until: datetime | None, until_reply: bool = False, now: datetime
) -> None:
    """Puts it off until that moment, or until somebody writes in it."""
    _check(talk)
    if talk.spam or not talk.open:
        raise refused("spam" if talk.spam else "closed")
    if until is None and not until_reply:
        raise refused("until")
    if until is not None and until <= now:
        raise refused("past")
    if until is not None and until > now + MAX_SNOOZE:
        raise refused("far")
    _put_off(talk, until, until_reply, now)


def snooze_again(
    talk: ConversationState, *, until: datetime | None, until_reply: bool, now: datetime
) -> None:
    """Puts it off as it was before, unless that time has passed or it is closed by now. One that
    was marked as spam kept its snooze, so that is no reason against it."""
    _check(talk)
    if talk.open and (until is None or until > now):
        _put_off(talk, until, until_reply, now)


def _put_off(
    talk: ConversationState, until: datetime | None, until_reply: bool, now: datetime
) -> None:
    before = (talk.handling.snoozed_until, talk.handling.snoozed_for_reply)
    if before != (until, until_reply):
        talk.trigger_event(ConversationSnoozed, until=until, until_reply=until_reply, timestamp=now)


def wake(talk: ConversationState, *, now: datetime, reason: WokenBy = "merchant") -> None:
    """It is put off no more; if it is not, nothing changes."""
    if talk.handling.snoozed:
        talk.trigger_event(ConversationWoken, reason=reason, timestamp=now)


def wake_due(talk: ConversationState, *, now: datetime) -> None:
    """It wakes if its moment has come."""
    until = talk.handling.snoozed_until
    if until is not None and until <= now:
        wake(talk, now=now, reason="due")


def tag(
    talk: ConversationState,
    *,
    added: Collection[str] = (),
    removed: Collection[str] = (),
    known: Collection[str],
    now: datetime,
) -> None:
    """Puts tags on it and takes others off, as `tags_changed` says. `known` are the tags that the
    shop has: no others are put on it."""
    _check(talk)
    if not set(added) <= set(known):
        raise refused("tag")
    there = talk.handling.tags
    on, off = tags_changed(there, added, removed, known)
    if len(there) - len(off) + len(on) > MAX_TAGS:
        raise refused("tags")
    if on or off:
        talk.trigger_event(ConversationTagged, added=on, removed=off, timestamp=now)


def prioritize(
    talk: ConversationState,
    *,
    priority: str,
    now: datetime,
) -> None:
    """Says how urgent it is."""
    _check(talk)
    if priority not in PRIORITIES:
        raise refused("priority")
    if priority != talk.handling.priority:
        talk.trigger_event(ConversationPrioritized, priority=priority, timestamp=now)


def _check(talk: ConversationState) -> None:
    if talk.erased:
        raise refused("erased")
    if talk.merged_into is not None:
        raise refused("merged")

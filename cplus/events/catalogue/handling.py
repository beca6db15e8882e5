"""Events of a conversation (stream `conversation/<id>`): how the shop's staff works on it.

None of them holds personal data of a customer: a member of staff is named by the id of the actor,
a tag by its id.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from cplus.events.base import AggregateEvent, Instant

Priority = Literal["low", "normal", "high", "urgent"]
WokenBy = Literal["due", "reply", "merchant"]


class ConversationAssigned(AggregateEvent):
    """A member of staff is to look after the conversation, or nobody in particular any more."""

    TYPE: ClassVar[str] = "conversation.assigned"
    assignee: str | None
    """The id of the actor; None for nobody."""


class ConversationSnoozed(AggregateEvent):
    """The conversation is put off: until then it is not listed among what is open."""

    TYPE: ClassVar[str] = "conversation.snoozed"
    until: Instant | None
    """When it wakes by itself; None for no such moment."""
    until_reply: bool = False
    """Whether a reply of the merchant wakes it too. A message of the customer always does."""


class ConversationWoken(AggregateEvent):
    """The conversation is put off no more."""

    TYPE: ClassVar[str] = "conversation.woken"
    reason: WokenBy
    """Its moment came; somebody wrote in it; or a merchant said so, or closed it."""


class ConversationTagged(AggregateEvent):
    """Tags were put on the conversation, or taken off it."""

    TYPE: ClassVar[str] = "conversation.tagged"
    added: tuple[str, ...] = ()
    """Ids of tags, as in `settings.tag_made`."""
    removed: tuple[str, ...] = ()


class ConversationPrioritized(AggregateEvent):
    """Somebody said how urgent the conversation is."""

    TYPE: ClassVar[str] = "conversation.prioritized"
    priority: Priority


class MembersMentioned(AggregateEvent):
    """A note for the team names members who are to read it."""

    TYPE: ClassVar[str] = "conversation.members_mentioned"
    message_id: str
    """Of the note, which is in the same commit."""
    members: tuple[str, ...]
    """The ids of the actors, each once; never the author's."""

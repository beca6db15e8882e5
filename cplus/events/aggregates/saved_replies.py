"""The saved replies of a shop."""

from __future__ import annotations

from datetime import datetime
from functools import singledispatchmethod
from typing import Final, NamedTuple

from cplus.errors import InvalidInput
from cplus.events.aggregates.of_shop import OfShop
from cplus.events.aggregates.tags import plain_name
from cplus.events.base import AggregateEvent
from cplus.events.catalogue.saved_replies import ReplyRemoved, ReplySaved
from cplus.events.placeholders import parse
from cplus.wording import worded

MAX_SAVED_REPLIES: Final = 200
"""All of them are read at once, to find one while somebody types."""
MAX_TEXT: Final = 5_000
"""Characters of one."""


class SavedReply(NamedTuple):
    """A saved reply."""

    id: str
    name: str
    text: str
    revision: int
    author: str
    """The id of who made it."""
    changed_by: str
    """The id of who saved it last."""
    changed_at: datetime


class SavedReplies(OfShop):
    """Stream `saved_replies/<host>`."""

    def _begin(self) -> None:
        self.replies: dict[str, SavedReply] = {}
        """By their ids, in the order in which they were made."""
        self.sealed_as = ""
        """Whose key seals them; empty before the first."""

    def check(self, *, reply: str, name: str, text: str, seen: int) -> None:
        """Raises InvalidInput if the reply is not as whoever writes it saw it last: `seen` is its
        revision then, 0 if there was none. The same words are no conflict."""
        before = self.replies.get(reply)
        if before is None and seen:
            raise InvalidInput(reason=worded("somebody removed it; save it again to keep it"))
        if (
            before
            and before.revision != seen
            and (before.name, before.text)
            != (
                plain_name(name),
                _text(text),
            )
        ):
            reason = worded("it was saved with other words meanwhile; save again to replace those")
            raise InvalidInput(reason=reason)

    def save(
        self,
        *,
        reply: str,
        name: str,
        text: str,
        seen: int,
        author: str,
        person: str,
        now: datetime,
    ) -> None:
        """Saves a reply with this id, or changes it; the same again changes nothing. Raises
        InvalidInput as `check`, for a name or a text that cannot be, and if there are too many."""
        self.check(reply=reply, name=name, text=text, seen=seen)
        name, text, before = plain_name(name), _text(text), self.replies.get(reply)
        others = (one.name.casefold() for one in self.replies.values() if one.id != reply)
        if name.casefold() in others:
            raise InvalidInput(reason=worded("there is a saved reply with this name already"))
        if before is None and len(self.replies) >= MAX_SAVED_REPLIES:
            reason = worded("a shop can have up to %(most)s saved replies", most=MAX_SAVED_REPLIES)
            raise InvalidInput(reason=reason)
        if before is None or (before.name, before.text) != (name, text):
            self._set(
                ReplySaved,
                person=self.sealed_as or person,
                reply=reply,
                revision=before.revision + 1 if before else 1,
                name=name,
                text=text,
                author=author,
                now=now,
            )

    def remove(self, *, reply: str, now: datetime) -> None:
        """Removes the reply; again changes nothing."""
        if reply in self.replies:
            self._set(ReplyRemoved, reply=reply, now=now)

    @singledispatchmethod
    def evolve(self, event: AggregateEvent) -> None:
        """Changes the state by one event; events it has no case for change nothing."""

    @evolve.register
    def _(self, event: ReplySaved) -> None:
        self._apply(anew=event.anew)
        self.sealed_as = event.person
        before = self.replies.get(event.reply)
        self.replies[event.reply] = SavedReply(
            event.reply,
            event.name or "",
            event.text or "",
            event.revision,
            before.author if before else event.author,
            event.author,
            event.timestamp,
        )

    @evolve.register
    def _(self, event: ReplyRemoved) -> None:
        self._apply(anew=event.anew)
        self.replies.pop(event.reply, None)


def _text(text: str) -> str:
    """The text as it is kept. Raises InvalidInput for one that cannot be."""
    text = text.replace("\r\n", "\n").replace("\0", "").strip()
    if not text:
        raise InvalidInput(reason=worded("write a text"))
    if len(text) > MAX_TEXT:
        reason = worded("a saved reply can be up to %(most)s characters", most=MAX_TEXT)
        raise InvalidInput(reason=reason)
    parse(text)
    return text

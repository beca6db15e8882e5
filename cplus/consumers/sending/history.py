"""What a reply quotes: what the recipient wrote before in the conversation, and was sent."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import tzinfo
from typing import Final

import structlog

from cplus.errors import KeyMissing, SealBroken, UnknownEvent
from cplus.events.base import ERASED, Recorded
from cplus.events.catalogue.conversations import MessageReceived, ReplyWritten
from cplus.events.catalogue.mail import MailBounced, MailSent
from cplus.events.catalogue.threads import MessageMoved
from cplus.events.names import conversation_stream
from cplus.events.reader import in_batches
from cplus.events.recording import Recorder
from cplus.events.standing import events_of_message
from cplus.mail import HISTORY_LIMIT, Quoted

log = structlog.get_logger()

_AT_ONCE: Final = 20  # commits in memory at a time: each may contain a long text
_COMMITS: Final = 200  # of the conversation that are read at most, and of what became of its mail
_MOVED: Final = 20  # messages that were moved here, of which each is a question to the log
_UNNAMED: Final = "Customer"


async def history(
    shop: str, wish: ReplyWritten, recorder: Recorder, *, shop_name: str, zone: tzinfo
) -> list[Quoted]:
    """The messages before the reply, newest first, as much as one quotes; by the shop's log.

    Of one person alone, whom the reply goes to: a conversation that was moved to another address,
    or that somebody joined, shows nobody the words of another. Left out are messages that programs
    wrote, replies that did not go out or came back, and what was erased. Whatever of it cannot be
    read keeps no reply from going out.
    """
    found = _Found(wish, shop_name, zone)
    commits = recorder.store.iterate_ref(
        shop, wish.originator_id, newest_first=True, batch=_AT_ONCE
    )
    left = _COMMITS
    async for batch in in_batches(commits, _AT_ONCE):
        try:
            read = await recorder.reader.read(batch, found.KINDS)
        except (KeyMissing, SealBroken, UnknownEvent) as error:
            log.warning("history_unreadable", shop=shop, code=type(error).__name__)
            break
        for commit in read:
            found.add(commit)
        left -= len(batch)
        if found.is_full or left <= 0:
            break
    if found.came:
        await _add_moved(shop, recorder, found)
    return found.quoted


async def _add_moved(shop: str, recorder: Recorder, found: _Found) -> None:
    """Adds those that were moved into the conversation, in their place."""
    for message_id in found.came[:_MOVED]:
        told = await events_of_message(
            recorder.store, recorder.reader, shop, message_id, found.KINDS
        )
        found.add_moved([one.recorded for one in told])
    found.quoted.sort(key=lambda one: one.at, reverse=True)


class _Found:
    """What was found so far, reading from the newest commit to the oldest."""

    KINDS: Final = (MessageReceived, ReplyWritten, MailSent, MailBounced, MessageMoved)

    def __init__(self, wish: ReplyWritten, shop_name: str, zone: tzinfo) -> None:
        self.quoted: list[Quoted] = []
        self._wish = wish
        self._shop_name = shop_name
        self._zone = zone
        self._sent: set[str] = set()
        self._bounced: set[str] = set()
        self._size = 0
        self._stands: dict[str, bool] = {}
        """Whether a message that was moved stands in this conversation."""

    @property
    def is_full(self) -> bool:
        return self._size >= HISTORY_LIMIT

    @property
    def came(self) -> list[str]:
        """The messages that were moved into the conversation, the last of them first."""
        return [one for one, stands in self._stands.items() if stands]

    def add_moved(self, told: list[Recorded]) -> None:
        """Adds a message that was moved here, by all that is told of it, the newest first."""
        self.quoted += self._messages(told[::-1])

    def add(self, commit: list[Recorded]) -> None:
        """Adds the events of a commit that is older than those before."""
        for recorded in commit:
            if isinstance(moved := recorded.event, MessageMoved):
                into = conversation_stream(moved.into)
                self._stands.setdefault(moved.message_id, into == self._wish.originator_id)
        here = [one for one in commit if not self._was_moved(one)]
        for message in self._messages(here):
            self._size += len(message.text)
            self.quoted.append(message)

    def _messages(self, commit: list[Recorded]) -> Iterator[Quoted]:
        for recorded in reversed(commit):
            match recorded.event:
                case MailSent(message_id=sent):
                    self._sent.add(sent)
                case MailBounced(message_id=bounced, permanent=True):
                    self._bounced.add(bounced)
                case MessageReceived() as received if self._is_quoted(received):
                    named = [received.from_name, received.from_address]
                    author = next((one for one in named if one and one != ERASED), _UNNAMED)
                    yield self._of(author, received)
                case ReplyWritten() as reply if self._is_quoted(reply):
                    yield self._of(self._shop_name, reply)

    def _was_moved(self, recorded: Recorded) -> bool:
        written = isinstance(recorded.event, MessageReceived | ReplyWritten)
        return written and getattr(recorded.event, "message_id", None) in self._stands

    def _is_quoted(self, message: MessageReceived | ReplyWritten) -> bool:
        if isinstance(message, MessageReceived):
            is_mail = not message.automatic
        else:
            is_mail = message.message_id in self._sent - self._bounced
        wish = self._wish
        is_earlier = message.timestamp <= wish.timestamp and message.message_id != wish.message_id
        return is_mail and is_earlier and message.person == wish.person and message.text != ERASED

    def _of(self, author: str, message: MessageReceived | ReplyWritten) -> Quoted:
        return Quoted(author, message.timestamp.astimezone(self._zone), message.text)

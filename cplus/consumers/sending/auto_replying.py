"""Decides whether a shop answers a mail by itself, by its log.

Two programs that answer each other never stop by themselves. So whoever wrote, and whatever marks
their mail has or lacks: a conversation gets one such answer until the merchant writes in it, a
person one a day and no third while the merchant answered neither of the last two, and a shop sends
a bounded number of them in an hour.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple
from zoneinfo import ZoneInfo

import structlog

from cplus.actors import system
from cplus.clock import Clock, hour_of, zone
from cplus.commands.mail_settings import settings_of
from cplus.consumers.erased_shops import is_removed
from cplus.consumers.sending.outgoing import name_of, timezone_of
from cplus.consumers.sending.requesting import requested, wish_refs
from cplus.events.aggregates.auto_reply import rendered
from cplus.events.aggregates.conversation.decisions import Conversation
from cplus.events.aggregates.settings import ShopSettings
from cplus.events.base import Recorded
from cplus.events.catalogue.conversations import (
    AutoReplied,
    ConversationStarted,
    MessageReceived,
)
from cplus.events.catalogue.mail import AUTO_REPLY, MailRequested
from cplus.events.log.commit import Commit, Draft
from cplus.events.log.outcomes import Outcome
from cplus.events.names import (
    auto_replies_ref,
    auto_reply_ref,
    conversation_id,
    is_conversation,
    mail_claim,
    person_id,
)
from cplus.events.recording import Recorder
from cplus.events.repository import decided
from cplus.events.standing import events_of_message
from cplus.ids import random_id
from cplus.mail import is_own_address

log = structlog.get_logger()

FRESH: Final = timedelta(hours=1)
"""How old a mail may be that is answered. A replay, a backlog or a dead letter that is redriven
brings older ones."""
IN_A_ROW: Final = 2
"""Automatic replies to a person at most of whose conversations the merchant answered none."""
IN_AN_HOUR: Final = 100
"""Automatic replies of a shop at most."""
_AHEAD: Final = timedelta(minutes=5)  # by which clocks may differ

Kind = Literal["away", "acknowledgement"]


@dataclass(frozen=True, slots=True)
class AutoReplying:
    """What deciding needs."""

    recorder: Recorder
    all_ids: Callable[[str, Sequence[str]], Awaitable[Sequence[str]]]
    """Every id of a person."""
    domain: str
    """The domain whose mail the app receives; empty if it takes none."""
    clock: Clock
    in_an_hour: int = IN_AN_HOUR


class _Answer(NamedTuple):
    """What is to be answered, and how."""

    shop: str
    stream: str
    mail: MessageReceived
    kind: Kind
    text: str
    persons: Sequence[str]
    """Every id of the person."""
    local: ZoneInfo
    now: datetime

    @property
    def day(self) -> str:
        """The day in the shop's zone: of each there is one answer to a person."""
        return self.now.astimezone(self.local).date().isoformat()


async def auto_reply(commit: Commit, received: Recorded, *, use: AutoReplying) -> Outcome | None:
    """Records the wish to answer the mail, and nudges; None if it is not answered. Asked again for
    the same one, it is the same. Raises OutcomeUnknown and DecisionOvertaken."""
    mail = received.event
    assert isinstance(mail, MessageReceived)  # noqa: S101  all that it is called for
    if not _is_news(commit, received, mail, use.clock()):
        return None
    shop = commit.shop
    settings = await settings_of(use.recorder, shop)
    local = zone(await timezone_of(use.recorder.store, use.recorder.reader, shop))
    kind = _kind(settings, commit, received.occurred_at, local)
    if kind is None:
        return None
    persons = sorted(await use.all_ids(shop, [mail.person]))
    text = (settings.away if kind == "away" else settings.acknowledgement).text
    found = _Answer(shop, received.stream, mail, kind, text, persons, local, use.clock())
    claim = mail_claim(AUTO_REPLY, f"{person_id(persons[0])}/{found.day}")

    async def decide() -> Draft | None:
        return await _decide(found, claim, settings, commit, use)

    return await use.recorder.record(shop, claim, decide)


def _is_news(commit: Commit, received: Recorded, mail: MessageReceived, now: datetime) -> bool:
    """Whether a person wrote it just now, by what is recorded of it. What a merchant made a
    conversation of came some time ago, and they have seen it."""
    return (
        mail.answerable
        and mail.answer_here
        and not mail.automatic
        and commit.source == "mail"
        and -_AHEAD <= now - received.occurred_at <= FRESH
    )


def _kind(settings: ShopSettings, commit: Commit, came: datetime, local: ZoneInfo) -> Kind | None:
    hours = settings.hours
    if settings.away.answers(came) and hours is not None and not hours.is_open(came, local):
        return "away"
    begins = ConversationStarted.TYPE in commit.types
    return "acknowledgement" if begins and settings.acknowledgement.answers(came) else None


async def _decide(
    found: _Answer, claim: str, settings: ShopSettings, commit: Commit, use: AutoReplying
) -> Draft | None:
    recorder, shop = use.recorder, found.shop
    conversation: Conversation = await recorder.load(Conversation, shop, found.stream)
    sender = conversation.senders.get(found.mail.message_id)
    if sender is None or is_own_address(sender.address, use.domain):
        return None
    if await _is_enough(found, use) or await is_removed(shop, recorder):
        return None
    opening = settings.hours.next_opening(found.now, found.local) if settings.hours else None
    name = await name_of(recorder.store, recorder.reader, shop)
    conversation.auto_reply(
        message_id=random_id(),
        answers=found.mail.message_id,
        kind=found.kind,
        text=rendered(found.text, name=sender.name, shop=name, opening=opening, zone=found.local),
        now=found.now,
    )
    events = decided(conversation)
    if not events:
        return None
    reply = events[0].event
    assert isinstance(reply, AutoReplied)  # noqa: S101  all that it decides
    wish = MailRequested(
        message_id=reply.message_id,
        purpose=AUTO_REPLY,
        about={"conversation": conversation.conversation_id},
        person=reply.person,
        to_address=reply.to_address,
    )
    refs = [found.stream, *wish_refs(wish), *found.persons, *map(auto_reply_ref, found.persons)]
    return Draft(
        shop=shop,
        claim=claim,
        source="auto_reply",
        actor=system("auto-replies"),
        events=[*events, requested(wish, found.now)],
        refs=list(dict.fromkeys([*refs, auto_replies_ref(hour_of(found.now))])),
        correlation_id=commit.correlation,
        causation_id=commit.id,
    )


async def _is_enough(found: _Answer, use: AutoReplying) -> bool:
    """Whether the person, or everybody together, got as many as they may."""
    store, shop = use.recorder.store, found.shop
    unanswered = 0
    for commit in await _last_to(found, use):
        if commit.recorded_at.astimezone(found.local).date().isoformat() == found.day:
            return True
        unanswered += await _is_unanswered(shop, commit, use)
    if unanswered >= IN_A_ROW:
        return True
    hour = auto_replies_ref(hour_of(found.now))
    if await store.count_ref(shop, hour, use.in_an_hour) < use.in_an_hour:
        return False
    log.warning("auto_replies_held", shop=shop, in_an_hour=use.in_an_hour)
    return True


async def _last_to(found: _Answer, use: AutoReplying) -> list[Commit]:
    """The last automatic replies to the person, under any id."""
    by_id = {
        commit.id: commit
        for one in found.persons
        for commit in await use.recorder.store.by_ref(found.shop, auto_reply_ref(one), IN_A_ROW)
    }
    newest = sorted(by_id.values(), key=lambda one: one.position, reverse=True)
    return newest[:IN_A_ROW]


async def _is_unanswered(shop: str, commit: Commit, use: AutoReplying) -> bool:
    """Whether the merchant wrote nothing in its conversation since."""
    streams = [one for one in commit.refs if is_conversation(one)]
    for stream in streams:
        talk: Conversation = await use.recorder.load(Conversation, shop, stream)
        if talk.auto_replied:
            return True
    return False


async def find_auto_reply(
    recorder: Recorder, shop: str, conversation: str, message_id: str
) -> AutoReplied | None:
    """What was recorded of this automatic reply in the conversation with that id."""
    store, reader = recorder.store, recorder.reader
    for _, one in await events_of_message(store, reader, shop, message_id, [AutoReplied]):
        found = one.event
        assert isinstance(found, AutoReplied)  # noqa: S101  all that was read
        if conversation_id(one.stream) == conversation:
            return found
    return None

"""What a merchant does with a conversation, whoever asks for it: no page, no form, no HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import get_args

import pytest

from cplus.actors import MERCHANT, Source, merchant
from cplus.commands.conversations.answering import (
    Changed,
    Conversations,
    Replied,
    SentBefore,
    close,
    message_id,
    reopen,
    reply,
)
from cplus.errors import FormOfAnother, InvalidInput, NotFound, OutcomeUnknown
from cplus.events.aggregates.conversation.decisions import MAX_REPLY, Conversation
from cplus.events.catalogue.conversations import ReplyWritten
from cplus.events.log.commit import Commit, Draft
from cplus.events.log.outcomes import Outcome
from cplus.events.log.store import EventStore
from cplus.events.names import conversation_stream, message_ref
from cplus.events.reader import EventReader
from cplus.events.recording import Recorder
from cplus.ids import random_id
from cplus.mongo import Mongo
from tests.nudges import Nudges

SHOP = "acorn.myshopify.com"
OTHER = "birch.myshopify.com"
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ADA, BEN = merchant("ada", "Ada Brandt"), merchant("548380009")


def commands(store: EventStore, nudges: Nudges) -> Conversations:
    return Conversations(Recorder(store, EventReader(), nudges), lambda: NOW)


@pytest.fixture
def nudges() -> Nudges:
    return Nudges()


@pytest.fixture
def use(store: EventStore, nudges: Nudges) -> Conversations:
    return commands(store, nudges)


@pytest.fixture
async def talk(use: Conversations, nudges: Nudges) -> str:
    """A conversation that a mail began, at position 1."""
    conversation_id = await begun(use, "mail/1")
    nudges.told.clear()
    return conversation_id


async def begun(use: Conversations, claim: str) -> str:
    """The id of a conversation that a mail with this claim begins."""
    conversation_id = random_id()

    def begin(conversation: Conversation) -> None:
        conversation.start(person="person/a", channel="email", subject="Tea", now=NOW)
        conversation.receive(
            now=NOW,
            message_id="m1",
            person="person/a",
            from_name=None,
            from_address="shopper@example.com",
            subject="Tea",
            text="Green?",
            rfc_message_id="<1@example.com>",
        )

    await use.recorder.decide(
        Conversation,
        SHOP,
        conversation_stream(conversation_id),
        begin,
        claim=claim,
        source="mail",
        actor="shopper",
    )
    return conversation_id


async def written(use: Conversations, talk: str) -> list[tuple[Commit, ReplyWritten]]:
    """The replies of the conversation, each with its commit."""
    found = []
    for commit in await use.recorder.store.stream(SHOP, conversation_stream(talk)):
        for recorded in await use.recorder.reader.of(commit, ReplyWritten):
            assert isinstance(recorded.event, ReplyWritten)
            found.append((commit, recorded.event))
    return found


async def test_a_reply_says_who_wrote_it_and_is_told_to_whoever_follows(
    use: Conversations, nudges: Nudges, talk: str
) -> None:
    text = " Yes, we do.\r\n\r\nBest\0 "
    told = await reply(SHOP, talk, text=text, key="k1", actor=ADA, source="dashboard", use=use)
    assert told == Replied(2)
    assert nudges.heads == [{SHOP: 2}]
    [(commit, event)] = await written(use, talk)
    assert (commit.source, commit.actor) == ("dashboard", "merchant/ada")
    assert (event.author, event.text) == ("ada", "Yes, we do.\n\nBest")
    assert "Brandt" not in repr(commit), "what staff are called stands in no log"
    assert event.message_id == message_id(SHOP, talk, "k1")
    assert message_ref(event.message_id) in commit.refs


async def test_a_commit_says_through_what_it_was_asked_for(use: Conversations, talk: str) -> None:
    for source in get_args(Source):
        await reply(SHOP, talk, text="Yes", key=f"r-{source}", actor=ADA, source=source, use=use)
        await close(SHOP, talk, key=f"c-{source}", actor=ADA, source=source, use=use)
    commits = await use.recorder.store.read(SHOP, 1)
    twice = [source for source in get_args(Source) for _ in range(2)]
    assert [commit.source for commit in commits] == twice


async def test_two_users_of_a_shop_are_told_apart_and_old_sessions_are_the_merchants(
    use: Conversations, talk: str
) -> None:
    for key, actor in enumerate((ADA, BEN, MERCHANT)):
        await reply(
            SHOP, talk, text="Hello", key=f"k{key}", actor=actor, source="dashboard", use=use
        )
    assert [(one.actor, event.author) for one, event in await written(use, talk)] == [
        ("merchant/ada", "ada"),
        ("merchant/548380009", "548380009"),
        ("merchant", "merchant"),
    ]


async def test_the_same_key_replies_once_however_often_and_however_close(
    use: Conversations, talk: str
) -> None:
    asked = [
        reply(SHOP, talk, text="Yes\r\n", key="k1", actor=ADA, source="dashboard", use=use)
        for _ in range(5)
    ]
    assert await asyncio.gather(*asked) == [Replied(2)] * 5
    assert await reply(
        SHOP, talk, text="Yes", key="k1", actor=BEN, source="dashboard", use=use
    ) == Replied(2)
    assert len(await written(use, talk)) == 1


async def test_another_text_under_a_used_key_is_not_swallowed(
    use: Conversations, talk: str
) -> None:
    await reply(SHOP, talk, text="First", key="k1", actor=ADA, source="dashboard", use=use)
    again = await reply(SHOP, talk, text="Second", key="k1", actor=ADA, source="dashboard", use=use)
    assert again == SentBefore()
    assert await reply(
        SHOP, talk, text="Second", key="k2", actor=ADA, source="dashboard", use=use
    ) == Replied(3)


@pytest.mark.parametrize("text", ["", " \r\n\t ", "\0", "x" * (MAX_REPLY + 1)])
async def test_a_text_that_cannot_be_sent_records_nothing(
    use: Conversations, nudges: Nudges, talk: str, text: str
) -> None:
    with pytest.raises(InvalidInput):
        await reply(SHOP, talk, text=text, key="k1", actor=ADA, source="dashboard", use=use)
    assert (await use.recorder.store.head(SHOP)).position == 1
    assert nudges.heads == []


async def test_closing_and_reopening_are_recorded_once_and_change_nothing_twice(
    use: Conversations, talk: str
) -> None:
    assert await close(SHOP, talk, key="k1", actor=ADA, source="dashboard", use=use) == Changed(2)
    assert await close(SHOP, talk, key="k1", actor=ADA, source="dashboard", use=use) == Changed(2)
    assert await close(SHOP, talk, key="k2", actor=ADA, source="dashboard", use=use) == Changed(
        None
    )
    assert await reopen(SHOP, talk, key="k3", actor=BEN, source="dashboard", use=use) == Changed(3)
    commits = await use.recorder.store.stream(SHOP, conversation_stream(talk))
    assert [one.actor for one in commits] == ["shopper", "merchant/ada", "merchant/548380009"]


async def test_an_old_command_that_was_undone_since_says_so_and_changes_nothing(
    use: Conversations, talk: str
) -> None:
    await close(SHOP, talk, key="k1", actor=ADA, source="dashboard", use=use)
    await reopen(SHOP, talk, key="k2", actor=ADA, source="dashboard", use=use)
    assert await close(SHOP, talk, key="k1", actor=ADA, source="dashboard", use=use) == Changed(
        2, undone=True
    )
    await close(SHOP, talk, key="k3", actor=ADA, source="dashboard", use=use)
    assert await reopen(SHOP, talk, key="k2", actor=ADA, source="dashboard", use=use) == Changed(
        3, undone=True
    )
    assert (await use.recorder.store.head(SHOP)).position == 4


async def test_a_key_serves_one_conversation_and_another_is_refused(
    use: Conversations, talk: str
) -> None:
    other = await begun(use, "mail/2")
    await reply(SHOP, talk, text="Yes", key="k1", actor=ADA, source="dashboard", use=use)
    await close(SHOP, talk, key="k2", actor=ADA, source="dashboard", use=use)
    await reopen(SHOP, talk, key="k3", actor=ADA, source="dashboard", use=use)
    for text in ("Yes", "No"):
        with pytest.raises(FormOfAnother):
            await reply(SHOP, other, text=text, key="k1", actor=ADA, source="dashboard", use=use)
    for command, key in ((close, "k2"), (reopen, "k3")):
        with pytest.raises(FormOfAnother):
            await command(SHOP, other, key=key, actor=ADA, source="dashboard", use=use)
    assert len(await use.recorder.store.stream(SHOP, conversation_stream(other))) == 1
    assert (await use.recorder.store.head(SHOP)).position == 5
    # Where it was used, it stays the same command.
    assert await reply(
        SHOP, talk, text="Yes", key="k1", actor=ADA, source="dashboard", use=use
    ) == Replied(3)


async def test_one_key_sent_to_two_conversations_at_once_is_taken_by_one(
    use: Conversations, talk: str
) -> None:
    talks = [talk, await begun(use, "mail/2")]
    for command in (partial(reply, text="Yes"), close):
        before = (await use.recorder.store.head(SHOP)).position
        asked = [
            command(SHOP, one, key="k1", actor=ADA, source="dashboard", use=use) for one in talks
        ]
        told = await asyncio.gather(*asked, return_exceptions=True)
        assert sum(isinstance(one, FormOfAnother) for one in told) == 1
        assert sum(isinstance(one, Replied | Changed) for one in told) == 1
        assert (await use.recorder.store.head(SHOP)).position == before + 1


async def test_a_reply_opens_what_was_closed(use: Conversations, talk: str) -> None:
    await close(SHOP, talk, key="k1", actor=ADA, source="dashboard", use=use)
    await reply(SHOP, talk, text="One more thing", key="k2", actor=ADA, source="dashboard", use=use)
    now = await use.recorder.load(Conversation, SHOP, conversation_stream(talk))
    assert now.open


async def test_a_conversation_of_another_shop_does_not_exist(
    use: Conversations, nudges: Nudges, talk: str
) -> None:
    for shop, conversation_id in ((OTHER, talk), (SHOP, "none")):
        with pytest.raises(NotFound):
            await reply(
                shop,
                conversation_id,
                text="Hello",
                key="k1",
                actor=ADA,
                source="dashboard",
                use=use,
            )
        for command in (close, reopen):
            with pytest.raises(NotFound):
                await command(
                    shop, conversation_id, key="k1", actor=ADA, source="dashboard", use=use
                )
    assert (await use.recorder.store.head(OTHER)).position == 0
    assert nudges.heads == []


class Torn(EventStore):
    """A log that is cut off after the commit and before its answer."""

    async def append(self, drafts: Sequence[Draft]) -> list[Outcome]:
        await super().append(drafts)
        raise OutcomeUnknown(claim=drafts[0].claim)


async def test_a_reply_whose_fate_is_unknown_can_be_asked_for_again(
    use: Conversations, mongo: Mongo, nudges: Nudges, talk: str
) -> None:
    torn = replace(use, recorder=Recorder(Torn(mongo), EventReader(), nudges))
    with pytest.raises(OutcomeUnknown):
        await reply(SHOP, talk, text="Yes", key="k1", actor=ADA, source="dashboard", use=torn)
    assert await reply(
        SHOP, talk, text="Yes", key="k1", actor=ADA, source="dashboard", use=use
    ) == Replied(2)
    assert len(await written(use, talk)) == 1

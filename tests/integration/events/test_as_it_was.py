"""What stood at an earlier position: rows, streams and a conversation, folded from the log."""

from __future__ import annotations

import tracemalloc
from datetime import timedelta

import pytest

from cplus.events.aggregates.conversation.decisions import Conversation
from cplus.events.audit.questions import NoPosition
from cplus.events.log.commit import Draft
from cplus.events.log.memory import MemoryCommits
from cplus.events.names import conversation_stream
from cplus.events.repository import decided
from cplus.projections.checks.as_it_was import NEWEST, changed, conversation_at, row_at, stream_at
from cplus.projections.checks.fold_in_memory import fold_shop
from cplus.projections.models.conversations import CONVERSATIONS
from cplus.projections.models.customers import CUSTOMERS
from cplus.projections.models.messages import MESSAGES
from tests.integration.audit_world import ADDRESS, ANN, NOW, OTHER, REPLY, SHOP, TALK, AuditWorld


@pytest.fixture
async def world() -> AuditWorld:
    return await AuditWorld(MemoryCommits()).fill()


async def test_a_conversation_is_shown_as_it_was_at_each_position(world: AuditWorld) -> None:
    told = list[tuple[object, ...]]()
    for position in range(1, 8):
        past = await conversation_at(world.store, world.reader, SHOP, TALK, position)
        if past is None:
            told.append((position, None, None, ()))
            continue
        talk, statuses = past.conversation, tuple(one.status for one in past.messages)
        told.append((position, talk.open, talk.unanswered, statuses))
        assert past.commit.position == position
    assert told == [
        (1, None, None, ()),
        (2, True, True, (None,)),
        (3, True, False, (None, "written")),
        (4, True, False, (None, "sent")),
        (5, True, False, (None, "delivered")),
        (6, False, False, (None, "delivered")),
        (7, False, False, (None, "delivered")),
    ]
    assert await conversation_at(world.store, world.reader, OTHER, TALK, 1) is None
    with pytest.raises(NoPosition):
        await conversation_at(world.store, world.reader, SHOP, TALK, 8)


async def test_only_the_newest_messages_of_a_long_conversation_are_kept_with_their_texts(
    world: AuditWorld,
) -> None:
    text, several = "x" * 50_000, NEWEST + 400
    talk = Conversation.empty(conversation_stream("long"))
    talk.start(person=ANN, channel="email", subject="s", now=NOW)
    drafts = []
    for number in range(several):
        talk.receive(
            now=NOW,
            message_id=f"n{number}",
            person=ANN,
            from_name="Ann",
            from_address=ADDRESS,
            subject="s",
            text=f"{text}{number}",
            rfc_message_id=f"<{number}@example.com>",
        )
        refs = [conversation_stream("long")]
        events = decided(talk)
        drafts.append(Draft(SHOP, f"mail/n{number}", "mail", "shopper", events=events, refs=refs))
    await world.store.append(drafts)
    head = (await world.store.head(SHOP)).position
    tracemalloc.start()
    past = await conversation_at(world.store, world.reader, SHOP, "long", head)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert past is not None
    assert [(one.text or "")[50_000:] for one in past.messages] == [
        str(number) for number in range(several - NEWEST, several)
    ]
    assert past.earlier == several - NEWEST
    assert peak < 50_000 * (NEWEST + 200), "the texts of a part of them"


async def test_the_fold_of_a_conversation_alone_makes_the_rows_that_the_whole_log_makes(
    world: AuditWorld,
) -> None:
    whole = [await fold_shop(world.store, world.reader, p, SHOP) for p in (CONVERSATIONS, MESSAGES)]
    past = await conversation_at(world.store, world.reader, SHOP, TALK, 7)
    assert past is not None
    row = whole[0].rows[TALK]
    assert (past.conversation.open, past.conversation.messages) == (row["open"], row["messages"])
    assert {one.id: one.text for one in past.messages} == {
        key: row["text"] for key, row in whole[1].rows.items()
    }


async def test_a_row_is_as_it_was_and_what_changed_since_is_told_by_field(
    world: AuditWorld,
) -> None:
    async def row(position: int) -> object:
        return await row_at(world.store, world.reader, CUSTOMERS, SHOP, ANN, position)

    assert [await row(position) is None for position in (0, 1, 2)] == [True, True, False]
    talks = [
        await row_at(world.store, world.reader, CONVERSATIONS, SHOP, TALK, at) for at in (5, 6)
    ]
    closed = NOW + timedelta(minutes=5)
    assert changed(*talks) == {
        "closed_at": (None, closed),
        "open": (True, False),
        "version": (3, 4),
    }
    filled = {name: value for name, value in (talks[0] or {}).items() if value is not None}
    assert changed(None, talks[0]) == {name: (None, value) for name, value in filled.items()}
    assert changed(talks[0], talks[0]) == {}
    message = await row_at(world.store, world.reader, MESSAGES, SHOP, REPLY, 4)
    assert message is not None
    assert message["to_address"] == ADDRESS


async def test_a_stream_has_the_events_up_to_then_and_no_others(world: AuditWorld) -> None:
    async def types(position: int) -> list[str]:
        stream = f"conversation/{TALK}"
        found = await stream_at(world.store, world.reader, SHOP, stream, position)
        return [one.event.TYPE.partition(".")[2] for one in found]

    assert await types(1) == []
    assert await types(2) == ["started", "message_received"]
    assert await types(5) == ["started", "message_received", "reply_written"]
    assert (await types(7))[-1] == "closed"

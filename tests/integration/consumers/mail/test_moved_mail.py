"""Mail that answers a message which was moved to another conversation, or split off."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, timedelta
from typing import Any

import pytest

from cplus.actors import merchant
from cplus.commands.conversations.answering import Extras, reply
from cplus.commands.conversations.merging import merge
from cplus.commands.conversations.moving import Asked, move, move_back, split, unsplit
from cplus.commands.conversations.withdrawing import Withdrawals, Withdrawn, withdraw
from cplus.consumers.mailboxes.waiting import waiting_messages
from cplus.consumers.sending.failing import Failure, record_failure
from cplus.consumers.sending.history import history as quoted_history
from cplus.consumers.sending.outgoing import find_outgoing
from cplus.errors import FormOfAnother, InvalidInput, NotFound
from cplus.events.audit.history import history
from cplus.events.base import NewEvent
from cplus.events.catalogue.conversations import MessageReceived, ReplyWritten
from cplus.events.log.commit import Draft
from cplus.events.names import conversation_stream, mail_stream, message_ref
from cplus.events.standing import find_message
from cplus.ids import random_id
from cplus.leases import Leases
from cplus.privacy.erasing.listing import list_held
from cplus.projections.checks.as_it_was import conversation_at
from tests.integration.consumers.mail.merged_world import asking, begun, talk, token
from tests.integration.mail_world import SHOP, World, plain


def asked(world: World, key: str) -> Asked:
    use = asking(world)["use"]
    return Asked(key, merchant("ada"), "dashboard", use)


async def ids(world: World, name: str) -> list[str]:
    return [one.message_id for one in (await talk(world, name)).thread.lines]


async def with_two(world: World, *others: str) -> tuple[str, list[str], list[str]]:
    """A conversation in which Ada wrote twice, its messages, and those of others."""
    a, *rest = await begun(world, "ada@a.example", *others)
    second = plain("And red?", sender="ada@a.example", message_id="<second@a.example>")
    world.later(minutes=1)
    await world.receive(second, "second", token(world, a))
    return a, await ids(world, a), rest


async def test_an_answer_goes_where_the_message_stands_also_by_the_token_of_where_it_was(
    world: World,
) -> None:
    a, (first, second), _ = await with_two(world)
    _, b = await split(SHOP, a, second, asked=asked(world, "k1"))
    answers = {"in_reply_to": "<second@a.example>", "sender": "ada@a.example"}
    await world.receive(plain("By id", message_id="<i@x.example>", **answers), "i")
    await world.receive(plain("Both", message_id="<t@x.example>", **answers), "t", token(world, a))
    assert [len(await ids(world, one)) for one in (a, b)] == [1, 3]
    older = {"in_reply_to": "<0@shopper.example>", "sender": "ada@a.example"}
    await world.receive(plain("Older", message_id="<o@x.example>", **older), "o", token(world, a))
    bare = plain("Bare", sender="ada@a.example", message_id="<n@x.example>")
    await world.receive(bare, "n", token(world, a))
    assert [len(await ids(world, one)) for one in (a, b)] == [3, 3]
    assert await ids(world, a) != [first]


async def test_it_follows_each_move_and_the_merge_after_it(world: World) -> None:
    others = ("ben@b.example", "cleo@c.example", "dan@d.example")
    a, (_, second), (b, c, d) = await with_two(world, *others)
    for key, source, into in (("k1", a, b), ("k2", b, c)):
        await move(SHOP, source, second, into, asked=asked(world, key))
    await merge(SHOP, c, d, key="k3", **asking(world))
    answer = plain(
        "By id",
        sender="ada@a.example",
        message_id="<i@x.example>",
        in_reply_to="<second@a.example>",
    )
    await world.receive(answer, "i")
    assert [len(await ids(world, one)) for one in (a, b, c, d)] == [1, 1, 2, 2]
    assert (await talk(world, d)).address == "dan@d.example"


async def test_after_undo_mail_comes_back_and_what_came_meanwhile_stays(world: World) -> None:
    a, (_, second), _rest = await with_two(world)
    _, b = await split(SHOP, a, second, asked=asked(world, "k1"))
    answers = {"in_reply_to": "<second@a.example>", "sender": "ada@a.example"}
    await world.receive(plain("New", message_id="<i@x.example>", **answers), "i")
    await unsplit(SHOP, b, asked=asked(world, "k2"))
    assert [len(await ids(world, one)) for one in (a, b)] == [2, 1]
    await world.receive(plain("Old", message_id="<j@x.example>", **answers), "j")
    assert [len(await ids(world, one)) for one in (a, b)] == [3, 1]
    _, c = await split(SHOP, a, second, asked=asked(world, "k3"))
    await unsplit(SHOP, c, asked=asked(world, "k4"))
    # Nothing is left of it: whoever has its token writes to where its messages are.
    late = plain("Late", sender="ada@a.example", message_id="<l@x.example>")
    await world.receive(late, "l", token(world, c))
    assert [len(await ids(world, one)) for one in (a, c)] == [4, 0]


async def test_of_two_moves_at_once_of_one_message_one_is_made(world: World) -> None:
    a, (_, second), (b, c) = await with_two(world, "ben@b.example", "cleo@c.example")
    told = await asyncio.gather(
        *(move(SHOP, a, second, into, asked=asked(world, f"k{into}")) for into in (b, c)),
        return_exceptions=True,
    )
    assert sum(isinstance(one, NotFound) for one in told) == 1
    assert Counter([*await ids(world, b), *await ids(world, c)])[second] == 1


async def test_asked_again_it_is_one_command_and_one_of_its_own_shop(world: World) -> None:
    a, (first, second), (b, c) = await with_two(world, "ben@b.example", "eve@e.example")
    at, _ = await move(SHOP, a, second, b, asked=asked(world, "k1"))
    assert (await move(SHOP, a, second, b, asked=asked(world, "k1")))[0] == at
    assert (await move(SHOP, a, second, b, asked=asked(world, "k2")))[0] is None
    with pytest.raises(FormOfAnother):
        await move(SHOP, c, first, b, asked=asked(world, "k1"))
    for name, message, into in ((random_id(), first, b), (a, first, random_id()), (a, "x", b)):
        with pytest.raises(NotFound):
            await move(SHOP, name, message, into, asked=asked(world, "k3"))
    with pytest.raises(NotFound):
        await move("birch.myshopify.com", a, first, b, asked=asked(world, "k4"))
    with pytest.raises(InvalidInput, match="nothing would be left"):
        await move(SHOP, a, first, b, asked=asked(world, "k5"))
    assert await move_back(SHOP, b, second, asked=asked(world, "k6")) is not None
    assert await move_back(SHOP, b, second, asked=asked(world, "k7")) is None
    assert await ids(world, a) == [first, second]


async def test_all_that_looks_for_the_message_finds_it_where_it_stands(world: World) -> None:
    a, (first, second), [b] = await with_two(world, "ben@b.example")
    before = (await world.commits())[-1].position
    at, _ = await move(SHOP, a, second, b, asked=asked(world, "k1"))
    store, reader, recorder = world.parts.store, world.parts.reader, world.recorder
    found = await find_message(store, reader, SHOP, second, [MessageReceived])
    assert found is not None
    assert (found.conversation_id, found.recorded.stream) == (b, conversation_stream(a))
    mails = world.parts.stored_mails
    assert await mails.find(SHOP, a, second) is None
    whole = await mails.find(SHOP, b, second)
    assert whole is not None
    assert whole.mail is not None
    # Who waits for an answer.
    told = [await waiting_messages(recorder, SHOP, conversation_stream(one)) for one in (a, b)]
    waits = [{one.message.message_id for one in found} for found in told]
    assert waits[0] == {first}
    assert second in waits[1]
    # The conversations as they were, before and after.
    assert at is not None
    for name, position, there in (
        (a, before, True),
        (b, before, False),
        (a, at, False),
        (b, at, True),
    ):
        past = await conversation_at(store, reader, SHOP, name, position)
        assert past is not None
        assert (second in [one.id for one in past.messages]) is there
        assert past.conversation.messages == len(past.messages)
    for name in (a, b):
        entries = (await history(store, reader, SHOP, name)).entries
        assert [one.did for one in entries].count("moved messages between conversations") == 1
    # An erasure of who wrote it takes it in both.
    person = found.recorded.event.persons()[0]
    held = await list_held(store, reader, SHOP, [person])
    assert held.conversations == {a, b}
    assert {first, second} <= held.messages
    assert any(message_ref(second) in one.refs for one in await world.commits())


async def test_a_reply_quotes_what_stands_in_its_conversation(world: World) -> None:
    a, (_, second), _rest = await with_two(world)
    _, b = await split(SHOP, a, second, asked=asked(world, "k1"))
    quoted = list[list[str]]()
    for name in (a, b):
        await reply(SHOP, name, text="Yes.", key=f"r{name}", **asking(world))
        [written] = [one for one in (await talk(world, name)).thread.lines if one.kind == "out"]
        found = await find_outgoing(world.parts.store, world.parts.reader, SHOP, written.message_id)
        assert isinstance(found.wish, ReplyWritten)
        told = await quoted_history(SHOP, found.wish, world.recorder, shop_name="acorn", zone=UTC)
        quoted.append([one.text for one in told])
    assert quoted == [["Hello 0"], ["And red?"]]


async def written_in(world: World, name: str, key: str, **more: Any) -> str:
    """The id of a reply that the merchant writes."""
    await reply(SHOP, name, text="Yes.", key=key, **asking(world), **more)
    [written] = [one for one in (await talk(world, name)).thread.lines if one.kind == "out"]
    return written.message_id


async def test_a_reply_is_taken_back_where_it_stands(world: World) -> None:
    a, _, [b] = await with_two(world, "ben@b.example")
    extras = Extras(send_at=world.now + timedelta(seconds=10))
    written = await written_in(world, a, "r1", extras=extras)
    with pytest.raises(InvalidInput, match="waits to be sent"):
        await move(SHOP, a, written, b, asked=asked(world, "k1"))
    world.later(seconds=11)
    await move(SHOP, a, written, b, asked=asked(world, "k2"))
    use = Withdrawals(world.recorder, Leases(world.parts.mongo.database), lambda: world.now)
    how: dict[str, Any] = {"actor": merchant("ada"), "source": "dashboard", "use": use}
    with pytest.raises(InvalidInput, match="did not wait"):
        await withdraw(SHOP, a, message_id=written, **how)
    assert isinstance(await withdraw(SHOP, b, message_id=written, **how), Withdrawn)
    assert written not in [*await ids(world, a), *await ids(world, b)]


async def test_a_reply_that_fails_is_told_where_it_stands(world: World) -> None:
    a, _, [b] = await with_two(world, "ben@b.example")
    written = await written_in(world, a, "r1")
    await move(SHOP, a, written, b, asked=asked(world, "k1"))
    mail = await find_outgoing(world.parts.store, world.parts.reader, SHOP, written)
    bounced = NewEvent(mail_stream(written), mail.bounced("gone", permanent=True), world.now)
    draft = Draft(SHOP, "mail/bounced", "mail_event", "ses", events=[bounced], refs=mail.refs())
    failures = [Failure("bounced", "ada@a.example")]
    await record_failure(world.recorder, draft, mail, failures, world.now)
    assert ((await talk(world, a)).failed, (await talk(world, b)).failed) == (set(), {written})

"""What can be asked of the log about a commit, a conversation, a person and a span of time: on a
log in memory, and on MongoDB each from an index."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from bench.store_explain import Sent, examine
from cplus.actors import operator
from cplus.commands.looking import Looks, look
from cplus.events.audit import questions
from cplus.events.audit.history import history
from cplus.events.audit.questions import NoCommit, NoPosition
from cplus.events.audit.trace import trace
from cplus.events.base import NewEvent
from cplus.events.catalogue.customers import CustomerChanged
from cplus.events.catalogue.shops import AppUninstalled
from cplus.events.log.commit import Draft
from cplus.events.log.commits import Document
from cplus.events.log.memory import MemoryCommits
from cplus.events.log.store import ensure_indexes
from cplus.events.names import conversation_stream, message_ref
from cplus.mongo import connect
from cplus.settings import Settings
from tests.integration.audit_world import (
    ANN,
    NOW,
    OTHER,
    REPLY,
    SHOP,
    TALK,
    WORDS,
    AuditWorld,
)


@pytest.fixture
async def world() -> AuditWorld:
    return await AuditWorld(MemoryCommits()).fill()


async def test_a_trace_leads_from_the_mail_to_its_delivery_whichever_of_them_is_asked(
    world: AuditWorld,
) -> None:
    whole = [(0, 2), (1, 3), (2, 4), (2, 5), (2, 6)]
    for position in (2, 3, 4, 5):
        found = await trace(world.store, await world.at(position))
        assert [(depth, one.position) for depth, one in found.walk()] == whole, position
        assert (found.commits, found.cut) == (5, False)
    alone = await trace(world.store, await world.at(7))
    assert [one.position for _, one in alone.walk()] == [7], "it led to nothing"
    cut = await trace(world.store, await world.at(3), most=2)
    assert (cut.commits, cut.cut) == (2, True)


async def test_a_trace_goes_up_into_another_correlation(world: AuditWorld) -> None:
    first = await world.at(7)  # without a correlation of its own: its id stands for one
    await world.draft("a", "s/1", AppUninstalled(), follows=first)
    child = await world.at(8)
    assert child.correlation_id == first.id
    found = await trace(world.store, child)
    assert [(depth, one.position) for depth, one in found.walk()] == [(0, 7), (1, 8)]


async def test_a_trace_of_a_long_chain_is_walked_in_its_whole_depth(world: AuditWorld) -> None:
    last = await world.at(7)
    for number in range(1_100):
        await world.draft(f"chain/{number}", "s/1", AppUninstalled(), follows=last)
        last = await world.at(8 + number)
    found = await trace(world.store, last)
    assert [depth for depth, _ in found.walk()] == list(range(1_101))


async def test_a_commit_is_found_by_each_of_its_names_and_what_is_not_there_is_said(
    world: AuditWorld,
) -> None:
    reply = await world.at(3)
    for name in (reply.id, f"{reply.id}/0"):
        assert await questions.find_commit(world.store, name) == reply
    for name in ("3", "reply/form1", REPLY, reply.id):
        assert await questions.find_commit(world.store, name, SHOP) == reply
    for shop, name in ((None, "3"), (None, "reply/form1"), (SHOP, "none"), (OTHER, reply.id)):
        with pytest.raises(NoCommit, match=r"has the id( |, claim or message )"):
            await questions.find_commit(world.store, name, shop)
    for name in ("8", "9" * 19, "9" * 30, "9" * 5_000):
        with pytest.raises((NoPosition, NoCommit)):
            await questions.find_commit(world.store, name, SHOP)
    digits = "1234567890123456"
    refs = (message_ref(digits),)
    await world.draft("mail/digits", "s/1", AppUninstalled(), shop=OTHER, refs=refs)
    assert (await questions.find_commit(world.store, digits, OTHER)).refs[-1] == refs[0]
    for position in (0, 8, 2**63, 10**30):
        with pytest.raises(NoPosition, match=f"no position {position}: it ends at 7"):
            await questions.commit_at(world.store, SHOP, position)


async def test_a_conversation_says_who_did_what_newest_first_page_by_page(
    world: AuditWorld,
) -> None:
    use = Looks(world.recorder, lambda: NOW)
    about = conversation_stream(TALK)
    jo = operator("jo")
    await look(SHOP, question="x", about=about, actor=jo, source="cli", use=use)
    told = [
        (8, "operator/jo", "looked at the conversation", None),
        (6, "merchant/ada", "closed the conversation", None),
        (5, "ses", "delivered the reply", REPLY),
        (4, "system/outbound-email", "sent the reply by email", REPLY),
        (3, "merchant/ada", "replied", REPLY),
        (2, "shopper", "wrote", "m1"),
        (2, "shopper", "started the conversation by email", None),
    ]
    found, before = list[tuple[int, str, str, str | None]](), None
    while True:
        page = await history(world.store, world.reader, SHOP, TALK, before=before, limit=2)
        found += [(one.position, one.actor, one.did, one.message) for one in page.entries]
        before = page.older
        if before is None:
            break
    assert found == told
    assert WORDS not in str(page)
    empty = await history(world.store, world.reader, OTHER, TALK)
    assert (list(empty.entries), empty.older) == ([], None)


async def test_everything_about_a_person_has_their_conversations_in_the_order_of_the_log(
    world: AuditWorld,
) -> None:
    async def positions(*persons: str) -> list[int]:
        found = questions.about_person(world.store, SHOP, persons)
        return [commit.position async for commit in found]

    assert await positions(ANN) == [2, 3, 4, 5, 6, 7]
    assert await positions("person/none", ANN, ANN) == [2, 3, 4, 5, 6, 7]
    assert await positions("person/none") == []
    for number in range(2 * questions.BATCH):
        await world.draft(f"more/{number}", "s/1", AppUninstalled(), refs=(ANN, "person/bea"))
    assert await positions(ANN) == list(range(2, 8 + 2 * questions.BATCH))
    assert await positions("person/bea", ANN) == list(range(2, 8 + 2 * questions.BATCH))


class Counted(MemoryCommits):
    """A log that counts questions by a ref."""

    questions = 0

    async def referring(self, *asked: Any, **how: Any) -> list[Document]:
        """As the log answers."""
        self.questions += 1
        return await super().referring(*asked, **how)


async def test_each_conversation_of_a_person_is_asked_for_once() -> None:
    log = Counted()
    world, talks = AuditWorld(log), 3 * questions.BATCH
    for number in range(talks):
        refs = (ANN, conversation_stream(f"c{number}"))
        await world.draft(f"many/{number}", "s/1", AppUninstalled(), refs=refs)
    log.questions = 0
    found = [one.position async for one in questions.about_person(world.store, SHOP, [ANN])]
    assert found == list(range(1, talks + 1))
    assert log.questions < 2 * talks


async def test_a_look_at_something_else_is_in_the_history_of_what_it_concerns(
    world: AuditWorld,
) -> None:
    use, mail = Looks(world.recorder, lambda: NOW), await world.at(2)
    looked = {"actor": operator("jo"), "source": "cli", "use": use}
    await look(SHOP, question="log show", about="position/2", concerning=mail.refs, **looked)  # type: ignore[arg-type]
    newest = (await history(world.store, world.reader, SHOP, TALK)).entries[0]
    assert (newest.actor, newest.did) == ("operator/jo", "looked at the conversation")
    [commit] = await world.store.by_ref(SHOP, ANN, 1)
    assert (commit.position, set(commit.refs) & set(mail.refs)) == (
        8,
        {ANN, conversation_stream(TALK)},
    )


async def test_what_was_recorded_between_two_times_begins_and_ends_there(
    world: AuditWorld,
) -> None:
    async def asked(since: int, before: int, *shops: str, limit: int = 100) -> list[int]:
        first, end = (NOW + timedelta(minutes=number) for number in (since, before))
        found = await questions.recorded_between(world.store, first, end, shops, limit)
        return [commit.position for commit in found]

    assert await asked(0, 1) == [1, 1], "both shops"
    assert await asked(0, 1, OTHER) == [1]
    assert await asked(1, 3, SHOP) == [2, 3]
    assert await asked(1, 2, SHOP) == [2]
    assert await asked(0, 90, SHOP, limit=3) == [1, 2, 3]
    assert await asked(0, 90, limit=3) == [1, 1, 2]
    beginning = datetime.min.replace(tzinfo=UTC)
    found = questions.of_shop(world.store, SHOP, beginning)
    assert [commit.position async for commit in found] == list(range(1, 8))
    assert await asked(80, 90, SHOP) == []


async def test_a_log_is_told_as_json_with_the_data_of_its_events(world: AuditWorld) -> None:
    commits = questions.of_shop(world.store, SHOP, until=6)
    lines = [line async for line in questions.as_json(world.reader, commits)]
    assert [line["position"] for line in lines] == [1, 2, 3, 4, 5, 6]
    mail = json.loads(json.dumps(lines[1]))
    started, received = mail["events"]
    assert received["data"]["text"] == WORDS
    assert (started["stream"], started["version"]) == (f"conversation/{TALK}", 1)
    assert "originator_id" not in started["data"]
    assert (mail["actor"], mail["correlation_id"]) == ("shopper", "ses-1")


async def test_what_is_told_of_a_person_leaves_out_what_is_about_others(
    world: AuditWorld,
) -> None:
    both = [
        NewEvent("import/1", CustomerChanged(shopify_customer_id=number, person=person), world.now)
        for number, person in ((7, ANN), (8, "person/bea"))
    ]
    draft = Draft(SHOP, "import/1", "import", "shopify", both, refs=[ANN, "person/bea"])
    await world.store.append([draft])
    commits = questions.about_person(world.store, SHOP, [ANN])
    told = [line async for line in questions.as_json(world.reader, commits, [ANN])]
    assert [one["data"]["person"] for one in told[-1]["events"]] == [ANN]
    assert [one["type"] for line in told for one in line["events"]].count("mail.delivered") == 1


@pytest.fixture
async def listening(
    mongo_uri: str, database_name: str
) -> AsyncIterator[tuple[AuditWorld, Callable[[Awaitable[Any]], Awaitable[Any]]]]:
    """The world on MongoDB, and what explains all that the driver sends for a question."""
    sent = Sent()
    mongo = connect(Settings(mongo_uri=SecretStr(mongo_uri), mongo_database=database_name), [sent])
    await ensure_indexes(mongo.database)
    world = await AuditWorld(mongo).fill()
    yield world, lambda question: examine(mongo, sent, question)
    await mongo.close()


async def test_every_question_is_answered_from_an_index(
    listening: tuple[AuditWorld, Callable[[Awaitable[Any]], Awaitable[Any]]],
) -> None:
    world, examined = listening
    store, reader = world.store, world.reader

    async def all_of(found: AsyncIterator[Any]) -> None:
        assert [one async for one in found]

    asked: dict[str, Awaitable[Any]] = {
        "show": questions.commit_at(store, SHOP, 3),
        "id": questions.find_commit(store, (await world.at(3)).id),
        "message": questions.find_commit(store, REPLY, SHOP),
        "trace": trace(store, await world.at(4)),
        "conversation": history(store, reader, SHOP, TALK),
        "person": all_of(questions.about_person(store, SHOP, [ANN])),
        "export": all_of(questions.of_shop(store, SHOP, NOW + timedelta(minutes=1))),
        "between": questions.recorded_between(store, NOW, NOW + timedelta(hours=1), (), 50),
        "began": store.began(),
    }
    for name, question in asked.items():
        found = await examined(question)
        assert (found.scans, found.sorts) == (0, 0), name
        assert found.returned, name
    one_page = await examined(history(store, reader, SHOP, TALK, limit=2))
    assert one_page.keys <= 4, "one page, and whether there is another"

"""What a search finds, in which order, and how far one answer goes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from cplus.mongo import Mongo
from cplus.projections.base import Projection
from cplus.projections.groups import ALL
from cplus.projections.models.conversations import CONVERSATIONS
from cplus.projections.models.message_words import MESSAGE_WORDS, first_order
from cplus.projections.models.messages import MESSAGES
from cplus.projections.queries import Filter, Hits, Queries
from cplus.projections.queries.search import scan
from cplus.projections.words import phrases_of
from tests.unit.projections.models.told_events import (
    CLOSED,
    MARKED_SPAM,
    NOW,
    STARTED,
    at,
    fold,
    received,
    reply,
    thread,
)

SHOP, OTHER = "acorn.myshopify.com", "birch.myshopify.com"
PATIENT = 60.0  # seconds: a test is not about how long it takes


@pytest.fixture
def projections() -> tuple[Projection, ...]:
    return ALL


@pytest.fixture
def queries(mongo: Mongo) -> Queries:
    return Queries(mongo)


async def talk(mongo: Mongo, number: int, *said: Any, shop: str = SHOP) -> None:
    """Conversation `c<number>`, `number` hours after the first; its messages are `<number>-m1` and
    so on."""
    hours = timedelta(hours=number)
    events = [one._replace(occurred_at=one.occurred_at + hours) for one in thread(STARTED, *said)]
    for projection in (CONVERSATIONS, MESSAGES, MESSAGE_WORDS):
        rows = fold(projection, events)
        documents = []
        for key, row in rows.items():
            place = {"conversation_id": f"c{number}"} if "conversation_id" in row else {}
            name = f"c{number}" if projection is CONVERSATIONS else f"{number}-{key}"
            documents.append({"_id": f"{shop}/{name}", "shop": shop, **row, **place})
        await mongo.database[projection.collection].insert_many(documents)


async def found(queries: Queries, query: str, cursor: str | None = None, **more: Any) -> Hits:
    phrases, _ = phrases_of(query, 12)
    told: dict[str, Any] = {"seconds": PATIENT, **more}
    return await queries.search(SHOP, phrases, told.pop("wanted", Filter()), cursor, **told)


def named(hits: Hits) -> Sequence[tuple[str, str, int]]:
    return [(one.conversation.id, one.message.id, one.more) for one in hits.items]


async def test_the_newest_message_that_matches_stands_for_its_conversation(
    mongo: Mongo, queries: Queries
) -> None:
    await talk(mongo, 1, received("m1", "Is the lamp blue?"), reply("m2", "The lamp is red."))
    await talk(mongo, 2, received("m1", "A blue vase", subject="Vases"))
    await talk(mongo, 3, received("m1", "A blue lamp"), shop=OTHER)
    assert named(await found(queries, "blue")) == [("c2", "2-m1", 0), ("c1", "1-m1", 0)]
    assert named(await found(queries, "the lamp is")) == [("c1", "1-m2", 1)]
    assert named(await found(queries, '"lamp is"')) == [("c1", "1-m2", 0)]
    assert named(await found(queries, "blue vas")) == [("c2", "2-m1", 0)]
    assert named(await found(queries, "ada@example.com")) == [("c2", "2-m1", 0), ("c1", "1-m2", 1)]
    assert named(await found(queries, "nobody")) == []
    assert named(await found(queries, "?!")) == []


async def test_spam_is_found_only_when_asked_for(mongo: Mongo, queries: Queries) -> None:
    await talk(mongo, 1, received("m1", "cheap lamps"), MARKED_SPAM)
    await talk(mongo, 2, received("m1", "a lamp, please"), CLOSED)
    await talk(mongo, 3, received("m1", "another lamp"), reply("m2", "yes"))
    await talk(mongo, 4, received("m1", "a third lamp"))
    states = {"all": "432", "open": "43", "closed": "2", "unanswered": "4", "spam": "1"}
    for state, numbers in states.items():
        hits = await found(queries, "lamp", wanted=Filter(state=state))  # type: ignore[arg-type]
        assert [one.conversation.id for one in hits.items] == [f"c{n}" for n in numbers], state


async def test_dates_and_files_narrow_what_is_found(mongo: Mongo, queries: Queries) -> None:
    await talk(mongo, 1, received("m1", "a lamp", attachments=1))
    for number in (2, 30):
        await talk(mongo, number, received("m1", "a lamp"))
    since, until = at(0) + timedelta(hours=2), at(0) + timedelta(hours=30)
    wanted = Filter(since=since, until=until)
    assert [one[0] for one in named(await found(queries, "lamp", wanted=wanted))] == ["c2"]
    with_files = Filter(has_files=True)
    assert [one[0] for one in named(await found(queries, "lamp", wanted=with_files))] == ["c1"]


@pytest.mark.parametrize("query", ["lamp", "lamps", "lam", "blue lamp", '"a blue lamp"'])
async def test_pages_hold_every_conversation_once_in_order(
    mongo: Mongo, queries: Queries, query: str
) -> None:
    for number in range(7):
        await talk(mongo, number, received("m1", "a blue lamp, or lamps"), reply("m2", "no"))
    ids: list[str] = []
    cursor: str | None = None
    while True:
        hits = await found(queries, query, cursor, limit=3)
        assert len(hits.items) <= 3
        assert hits.back_to is None
        ids += [one.conversation.id for one in hits.items]
        if (cursor := hits.next) is None:
            break
    assert ids == [f"c{number}" for number in range(6, -1, -1)]


async def frequent(mongo: Mongo, count: int) -> None:
    """As many messages of one conversation with two frequent words, and three with both."""
    await talk(mongo, 0, received("m1", "a blue lamp"))
    rows, words = [], []
    both = {10, count // 2, count - 10}
    [row] = fold(MESSAGES, thread(STARTED, received("m1", "about"))[1:]).values()
    for number in range(count):
        said = ["blue", "lamp"] if number in both else ["blue" if number % 2 else "lamp"]
        key = f"{SHOP}/f{number:05}"
        place = {"_id": key, "shop": SHOP, "conversation_id": "c0"}
        moment = NOW + timedelta(days=1, minutes=number)
        words.append({**place, "order": first_order(moment) + 1, "words": [*said, f"n{number}"]})
        if number in both:
            rows.append({**row, **place, "number": number + 10, "at": moment})
    await mongo.database[MESSAGE_WORDS.collection].insert_many(words)
    await mongo.database[MESSAGES.collection].insert_many(rows)


async def test_an_answer_that_takes_too_long_says_how_far_it_came_and_goes_on(
    mongo: Mongo, queries: Queries
) -> None:
    # More of each word than one step walks.
    await frequent(mongo, 2 * scan.CHUNK + 2_000)
    whole = await found(queries, "blue lamp")
    assert (named(whole), whole.next) == ([("c0", "f11990", 3)], None)
    ids: list[str] = []
    cursor: str | None = None
    back: list[Any] = []
    while True:
        hits = await found(queries, "blue lamp", cursor, seconds=0.0)
        ids += [one.message.id for one in hits.items]
        if (cursor := hits.next) is None:
            break
        back.append(hits.back_to)
    assert set(ids) == {"f11990", "f06000", "f00010", "0-m1"}
    assert back == sorted(back, reverse=True)
    assert len(back) > 2
    assert None not in back


async def test_so_many_words_that_begin_alike_are_found_by_walking_the_newest(
    mongo: Mongo, queries: Queries
) -> None:
    await frequent(mongo, scan.FEW + 500)
    await talk(mongo, 1, received("m1", "north"))
    # Words that begin with n are in every row; only few of those have a message beside them.
    ids = [one.message.id for one in (await found(queries, "n1 n")).items]
    assert ids == []
    hits = await found(queries, "nort")
    assert [one.message.id for one in hits.items] == ["1-m1"]


async def test_a_search_walks_no_more_of_the_index_than_the_rarest_word_has(
    mongo: Mongo, queries: Queries
) -> None:
    await frequent(mongo, scan.CHUNK)
    rows = mongo.database[MESSAGE_WORDS.collection]
    phrases, _ = phrases_of("lamp blue n77 ", 12)
    way = await scan.plan(rows, SHOP, phrases, scan.Window(), ())
    assert way is not None
    assert (way.leads["words"], way.few) == ("n77", True)
    assert await scan.plan(rows, SHOP, phrases_of("lamp zz ", 12)[0], scan.Window(), ()) is None


@pytest.mark.parametrize(
    "query",
    [
        *("^.*$", "$where", "{}", "\\", "[a-z]+", "'; db.drop()", "\x00", "%", "…", "a" * 200),
        "a b c d e f g h i j k l m n",
        "配" * 200,
        '"' * 100,
    ],
)
async def test_hostile_queries_find_nothing_and_break_nothing(
    mongo: Mongo, queries: Queries, query: str
) -> None:
    await talk(mongo, 1, received("m1", "Hello"))
    assert named(await found(queries, query)) == []

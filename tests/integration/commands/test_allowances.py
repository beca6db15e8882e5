"""What shops use is counted against what their plan allows, by what the log tells."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import SecretStr

from cplus.actors import merchant
from cplus.commands.allowances import Allowances, count, used
from cplus.commands.conversations.answering import Conversations
from cplus.commands.conversations.spam import mark_spam, unmark_spam
from cplus.consumers.reactions.allowances import ALLOWANCES
from cplus.events.aggregates.billing_account import BillingAccount, month_of
from cplus.events.aggregates.conversation.decisions import Conversation
from cplus.events.base import NewEvent, Recorded
from cplus.events.catalogue.billing import AllowanceReached, SubscriptionChanged
from cplus.events.log.commit import Commit, Draft
from cplus.events.log.outcomes import settled
from cplus.events.log.store import EventStore, ensure_indexes
from cplus.events.names import billing_stream, command_claim, conversation_stream, started_ref
from cplus.events.reader import EventReader
from cplus.events.recording import Recorder
from cplus.events.repository import Repository, decided
from cplus.ids import random_id
from cplus.settings import Settings
from tests.databases import connected
from tests.nudges import Nudges

SHOP = "acorn.myshopify.com"
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
ALLOWED = 3
READER = EventReader()


@pytest.fixture
async def store(mongo_uri: str, database_name: str) -> EventStore:
    mongo = connected(Settings(mongo_uri=SecretStr(mongo_uri), mongo_database=database_name))
    await ensure_indexes(mongo.database)
    return EventStore(mongo)


@pytest.fixture
def use(store: EventStore) -> Allowances:
    return Allowances(Recorder(store, READER, Nudges()), ALLOWED, lambda: NOW)


async def first(commit: Commit) -> Recorded:
    """The commit's first event."""
    return (await READER.of(commit))[0]


async def begin(store: EventStore, when: datetime = NOW, talk: str = "") -> Commit:
    """A conversation that a mail began."""
    conversation = Conversation.empty(conversation_stream(talk or random_id()))
    conversation.start(person="person/a", channel="email", subject="Tea", now=when)
    claim, refs = f"mail/{random_id()}", [started_ref(month_of(when))]
    await store.append([Draft(SHOP, claim, "mail", "shopper", decided(conversation), refs=refs)])
    commit = await store.by_claim(SHOP, claim)
    assert commit is not None
    return commit


async def say(store: EventStore, talk: str, decision: str, when: datetime = NOW) -> Commit:
    """What the merchant says of a conversation: `mark_spam`, `unmark_spam`."""
    use = Conversations(Recorder(store, READER, Nudges()), lambda: when)
    key = random_id()
    say = {"mark_spam": mark_spam, "unmark_spam": unmark_spam}[decision]
    await say(SHOP, talk, key=key, actor=merchant("ada"), source="dashboard", use=use)
    commit = await store.by_claim(SHOP, command_claim(key))
    assert commit is not None
    return commit


async def subscription(store: EventStore, status: str, when: datetime) -> None:
    told = SubscriptionChanged(subscription_id="gid/1", name="Growth", status=status)
    stream = billing_stream(SHOP)
    new = [NewEvent(stream, told, when)]
    await store.append([Draft(SHOP, f"w/{random_id()}", "webhook", "shopify", new, refs=[stream])])


async def account(store: EventStore) -> BillingAccount:
    found: BillingAccount = await Repository(store, READER).load(
        BillingAccount, SHOP, billing_stream(SHOP)
    )
    return found


async def test_the_last_free_conversation_of_a_month_is_told_once(
    store: EventStore, use: Allowances
) -> None:
    answers: list[int | None] = []
    for number in range(1, ALLOWED + 3):
        commit = await begin(store)
        # Twice, as react hands out what it handed out before.
        twice = [await count(commit, await first(commit), use=use) for _ in range(2)]
        answers += [settled(one).position if one else None for one in twice]
        assert (await account(store)).reached == ({"2026-11"} if number >= ALLOWED else set())
    *_, last = [one async for one in store.iterate_stream(SHOP, billing_stream(SHOP))]
    [reached] = await READER.of(last)
    assert isinstance(reached.event, AllowanceReached)
    assert reached.event.conversations == ALLOWED
    assert (await account(store)).version == 2
    opened, reached_at = 2, last.position
    assert answers == [opened, opened, None, None, reached_at, reached_at, *[None] * 4]


async def test_what_began_at_once_opens_the_account_once_and_reaches_once(
    store: EventStore, use: Allowances
) -> None:
    commits = [await begin(store) for _ in range(ALLOWED + 4)]
    await asyncio.gather(*[count(commit, await first(commit), use=use) for commit in commits])
    found = await account(store)
    assert (found.version, found.reached) == (2, {"2026-11"})


async def test_what_is_decided_follows_from_the_conversation_that_reached_it(
    store: EventStore, use: Allowances
) -> None:
    commits = [await begin(store) for _ in range(ALLOWED)]
    await count(commits[-1], await first(commits[-1]), use=use)
    [decision] = [one async for one in store.iterate_stream(SHOP, billing_stream(SHOP))]
    assert decision.causation_id == commits[-1].id
    assert decision.correlation_id == commits[-1].correlation
    assert decision.actor == "system/allowances"


async def test_each_month_counts_for_itself(store: EventStore, use: Allowances) -> None:
    for days in (0, 0, 20, 20):
        commit = await begin(store, NOW + timedelta(days=days))
        await count(commit, await first(commit), use=use)
    assert (await account(store)).reached == set()


async def test_a_shop_that_pays_reaches_nothing_whatever_order_the_news_came_in(
    store: EventStore, use: Allowances
) -> None:
    await subscription(store, "active", NOW)
    await subscription(store, "pending", NOW - timedelta(days=1))
    commits = [await begin(store) for _ in range(ALLOWED)]
    await count(commits[-1], await first(commits[-1]), use=use)
    assert (await account(store)).reached == set()
    await subscription(store, "cancelled", NOW + timedelta(hours=1))
    commit = await begin(store)
    await count(commit, await first(commit), use=use)
    assert (await account(store)).reached == {"2026-11"}


async def test_spam_of_the_month_gives_its_place_back_and_takes_one_when_unmarked(
    store: EventStore, use: Allowances
) -> None:
    commits = [await begin(store, talk=f"talk{number}") for number in range(ALLOWED)]
    await count(commits[-1], await first(commits[-1]), use=use)
    assert (await account(store)).reached == {"2026-11"}
    marked = await say(store, "talk0", "mark_spam")
    for _ in range(2):  # as react hands out what it handed out before
        await count(marked, await first(marked), use=use)
    assert (await account(store)).reached == set()
    assert await used(store, SHOP, "2026-11") == ALLOWED - 1
    unmarked = await say(store, "talk0", "unmark_spam")
    await count(unmarked, await first(unmarked), use=use)
    assert (await account(store)).reached == {"2026-11"}
    assert await used(store, SHOP, "2026-11") == ALLOWED
    opened_reached_freed_reached = 4
    assert (await account(store)).version == opened_reached_freed_reached


async def test_unmarked_in_a_later_month_it_counts_there_and_marked_later_it_stays(
    store: EventStore, use: Allowances
) -> None:
    later = NOW + timedelta(days=20)
    for talk in ("one", "two"):
        await begin(store, talk=talk)
    await say(store, "one", "mark_spam")
    commits = [await say(store, "one", "unmark_spam", later)]
    commits.append(await say(store, "two", "mark_spam", later))
    commits.append(await say(store, "two", "unmark_spam", later))
    for commit in commits:
        await count(commit, await first(commit), use=use)
    assert await used(store, SHOP, "2026-11") == 1
    assert await used(store, SHOP, "2026-12") == 1


async def test_an_allowance_that_spam_alone_used_up_is_never_told_as_used_up(
    store: EventStore, use: Allowances
) -> None:
    commits = [await begin(store, talk=f"talk{number}") for number in range(ALLOWED)]
    commits.append(await say(store, "talk1", "mark_spam"))
    for commit in commits:  # what is counted is the log as it stands by then
        await count(commit, await first(commit), use=use)
    assert (await account(store)).version == 1


async def test_the_reaction_hands_out_what_takes_a_place_and_what_gives_one_back(
    store: EventStore, use: Allowances
) -> None:
    commits = [await begin(store, talk=f"talk{number}") for number in range(ALLOWED)]
    counting: Any = SimpleNamespace(at_step=lambda _step: None, count=partial(count, use=use))
    seen: list[set[str]] = []
    for decision in ("", "mark_spam", "unmark_spam"):
        commit = await say(store, "talk0", decision) if decision else commits[-1]
        told = await first(commit)
        assert type(told.event) in ALLOWANCES.handles
        await ALLOWANCES.hand_out(commit, told, counting)
        seen.append((await account(store)).reached)
    assert seen == [{"2026-11"}, set(), {"2026-11"}]
